// The gates that compare, add and clip linear forms.
#pragma once
#include <string>

#include "forms.h"

// One gate of an MLP: sum of sign * relu(form + bias) over its units.
struct Unit {
  i64 bias, sign;
};

// Some facts hold on every row that a compiler's models meet, and bounds do not show them: that a column is 0 or 1, for example.
// They are assumed, and each assumption adds to `faults` a literal that is 1 on rows where it fails. `about` names the column or
// head that is being made.
class Gates {
 public:
  Network network;
  std::string about;
  std::vector<std::pair<std::string, Literal>> faults;

  // Rows on which the literal is 1 are not computed.
  void refuse(Literal literal) {
    if (!literal) return;
    for (auto &[name, fault] : faults)
      if (name == about) {
        fault = network.either(fault, literal);
        return;
      }
    faults.emplace_back(about, literal);
  }

  // -- sums --------------------------------------------------------------------------------------

  // The planes of a form's value modulo 2^bits, lowest first.
  Literals number(const Form &form, int bits) {
    i64 constant;
    const std::vector<Weighted> weighted = form.positive(constant);
    return add(weighted, (u64)constant, bits);
  }

  // The form's value as planes with weights, in two's complement where it can be negative.
  std::vector<Weighted> weighted(const Form &form) {
    const auto [low, high] = form.range();
    const int bits = std::max(bit_length(high), low < 0 ? bit_length(-(low + 1)) : 0);
    const Literals planes = number(form, bits + (low < 0));
    std::vector<Weighted> found;
    for (int j = 0; j < (int)planes.size(); j++) found.push_back(Weighted{planes[j], j < bits ? 1ll << j : -(1ll << j)});
    return found;
  }

  // -- comparisons -------------------------------------------------------------------------------

  // The literal [form >= bound].
  Literal at_least(const Form &form, i64 bound = 0) {
    i64 constant;
    const std::vector<Weighted> weighted = form.positive(constant);
    return threshold(weighted, sum(bound, product(constant, -1)));
  }

  // The literal [least <= form <= most].
  Literal within(const Form &form, i64 least, i64 most) {
    return network.both(at_least(form, least), at_least(form.negated(), product(most, -1)));
  }

  // -- values ------------------------------------------------------------------------------------

  Form relu(const Form &form) {
    const auto [low, high] = form.range();
    Form clipped;
    if (low >= 0) return form;
    if (high <= 0) return clipped;
    const Literal keep = at_least(form, 1);
    if (high == 1) return clipped.add(keep);
    const Literals planes = number(form, std::max(bit_length(high), bit_length(low)) + 1);
    for (int j = 0; j < bit_length(high); j++) clipped.add(network.both(planes[j], keep), 1ll << j);
    return clipped;
  }

  // A group of hidden units, in the order of their biases; two of them can make a threshold.
  Form group(const Form &form, const std::vector<Unit> &units) {
    if (units.size() == 2 && units[1].bias == units[0].bias + 1 && units[0].sign == -units[1].sign)
      return Form().add(at_least(form, -units[0].bias), units[1].sign);
    Form added;
    for (const Unit &u : units) added.plus(relu(form.shifted(u.bias)), u.sign);
    return added;
  }

  // The form as one literal; rows on which it is neither 0 nor 1 are refused.
  Literal bit(const Form &form) {
    Literals parts;
    Form rest{{}, form.constant};
    for (const Literals &group : exclusive_groups(form)) parts.push_back(network.some(group));
    for (const Weighted &t : form.terms)
      if (t.weight != 1) rest.terms.push_back(t);
    if (rest.terms.empty() && !rest.constant) return one_of(parts);
    if (parts.empty() && rest.constant == 1 && rest.terms.size() == 1 && rest.terms[0].weight == -1) return rest.terms[0].literal ^ 1;
    for (Literal part : parts) rest.add(part);
    const auto [low, high] = rest.range();
    Literals planes = number(rest, std::max({bit_length(high), low < 0 ? bit_length(low) + 1 : 1, 1}));
    const Literal found = planes[0];
    planes.erase(planes.begin());
    refuse(network.some(planes));
    return found;
  }

  // What a column of the stream holds: one bit, unless weights say that it is a number, or a row has shown it (`wide`).
  std::vector<Weighted> column(const Form &form, bool wide) {
    const bool heavy = std::any_of(form.terms.begin(), form.terms.end(), [](const Weighted &t) { return t.weight > 1; });
    if (wide || (heavy && form.range().low >= 0)) return weighted(form);
    return {Weighted{bit(form), 1}};
  }

 private:
  static constexpr int MOST_BITS = 62;  // of a sum

  std::vector<Literals> columns_;  // of the sum that is being made: to reuse them is faster

  // The lowest bits of a sum, by full adders, lowest first; those before `lowest` are not computed.
  Literals add(const std::vector<Weighted> &weighted, u64 constant, int bits, int lowest = 0) {
    if (bits > MOST_BITS) throw Unsuitable("a sum takes too many bits");
    std::vector<Literals> &columns = columns_;  // one more takes the carries that leave the sum
    columns.resize(std::max(columns.size(), (size_t)bits + 1));
    for (int j = 0; j <= bits; j++) columns[(size_t)j].clear();
    const auto put = [&](Literal literal, u64 weight) {
      for (weight &= (1ull << bits) - 1; weight; weight &= weight - 1) columns[(size_t)__builtin_ctzll(weight)].push_back(literal);
    };
    for (const Weighted &t : weighted) put(t.literal, (u64)t.weight);
    put(1, constant);
    Literals found;
    for (int j = 0; j < bits; j++) {
      add_column(columns[(size_t)j], columns[(size_t)j + 1], j < lowest);
      found.push_back(columns[(size_t)j].empty() ? 0 : columns[(size_t)j].back());
    }
    return found;
  }

  // Adds the literals of a column, three at a time; its last literal is the sum. last: only the carry of the last adder counts.
  void add_column(Literals &column, Literals &carries, bool last) {
    for (size_t at = 0; column.size() > at + 1;) {
      const size_t left = column.size() - at;
      const Literal a = column[at], b = column[at + 1], c = left > 2 ? column[at + 2] : 0;
      const Literal carry = network.majority(a, b, c);
      if (carry) carries.push_back(carry);
      if (left <= 3 && last) return;
      column.push_back(network.xor3(a, b, c));
      at += std::min<size_t>(left, 3);
    }
  }

  // [sum >= bound]. Literals without which it fails, and those that are enough, are peeled off; an adder has the rest.
  Literal threshold(const std::vector<Weighted> &weighted, i64 bound) {
    i64 total = 0, least = INT64_MAX, most = 0;
    for (const Weighted &t : weighted) total = sum(total, t.weight), least = std::min(least, t.weight), most = std::max(most, t.weight);
    if (bound <= 0 || total < bound) return bound <= 0;
    const i64 spare = total - bound;  // a literal that weighs more is needed
    if (least > spare) return network.every(heavier(weighted, spare));
    if (least >= bound) return network.some(heavier(weighted, bound - 1));
    if (most > spare) {
      i64 left = bound;
      for (const Weighted &t : weighted) left -= t.weight > spare ? t.weight : 0;
      const Literal need = network.every(heavier(weighted, spare));
      return network.both(need, threshold(lighter(weighted, spare), left));
    }
    if (most >= bound) {
      const Literal enough = network.some(heavier(weighted, bound - 1));
      return network.either(enough, threshold(lighter(weighted, bound - 1), bound));
    }
    const int top = bit_length(total);
    return add(weighted, (1ull << top) - (u64)bound, top + 1, top)[(size_t)top];
  }

  // The literals that weigh more.
  static Literals heavier(const std::vector<Weighted> &weighted, i64 than) {
    Literals found;
    for (const Weighted &t : weighted)
      if (t.weight > than) found.push_back(t.literal);
    return found;
  }

  // Those that do not.
  static std::vector<Weighted> lighter(const std::vector<Weighted> &weighted, i64 than) {
    std::vector<Weighted> found;
    for (const Weighted &t : weighted)
      if (t.weight <= than) found.push_back(t);
    return found;
  }

  // The disjunction of literals of which no two may be 1.
  Literal one_of(const Literals &parts) {
    Literal found = 0;
    for (Literal part : parts) {
      refuse(network.both(found, part));
      found = network.either(found, part);
    }
    return found;
  }

  // Planes of weight 1, put together with such as are never 1 together with them.
  std::vector<Literals> exclusive_groups(const Form &form) {
    std::vector<Literals> groups;
    for (const Weighted &t : form.terms) {
      if (t.weight != 1) continue;
      const auto fits = [&](const Literals &group) {
        return std::all_of(group.begin(), group.end(), [&](Literal other) { return network.exclusive(t.literal, other); });
      };
      const auto group = std::find_if(groups.begin(), groups.end(), fits);
      if (group == groups.end())
        groups.push_back({t.literal});
      else
        group->push_back(t.literal);
    }
    return groups;
  }
};
