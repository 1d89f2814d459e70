// Linear forms over bit planes.
#pragma once
#include "network.h"

// Numbers of weights stay far below 64 bits, but nothing says how many are added.
inline i64 sum(i64 a, i64 b) {
  i64 c;
  if (__builtin_add_overflow(a, b, &c)) throw Unsuitable("a sum takes more than 64 bits");
  return c;
}
inline i64 product(i64 a, i64 b) {
  i64 c;
  if (__builtin_mul_overflow(a, b, &c)) throw Unsuitable("a product takes more than 64 bits");
  return c;
}

// Bits of a number's absolute value.
inline int bit_length(i64 x) { return x ? 64 - __builtin_clzll(x < 0 ? -(u64)x : (u64)x) : 0; }

// A literal that counts so often.
struct Weighted {
  Literal literal;
  i64 weight;
};

struct Range {
  i64 low, high;
};

// sum of weight * plane + constant; the planes are literals without complement, in order, and the weights are not 0.
struct Form {
  std::vector<Weighted> terms;
  i64 constant = 0;

  Form &add(Literal literal, i64 weight = 1) {
    if (literal & 1) {
      constant = sum(constant, weight);
      literal ^= 1, weight = product(weight, -1);
    }
    if (!literal || !weight) return *this;
    const auto at = std::lower_bound(terms.begin(), terms.end(), literal, [](const Weighted &t, Literal a) { return t.literal < a; });
    if (at == terms.end() || at->literal != literal)
      terms.insert(at, Weighted{literal, weight});
    else if (!(at->weight = sum(at->weight, weight)))
      terms.erase(at);
    return *this;
  }

  Form &plus(const Form &other, i64 weight = 1) {
    constant = sum(constant, product(other.constant, weight));
    if (other.terms.size() <= 2) {
      for (const Weighted &t : other.terms) add(t.literal, product(t.weight, weight));
      return *this;
    }
    std::vector<Weighted> merged;
    merged.reserve(terms.size() + other.terms.size());
    auto own = terms.begin();
    for (const Weighted &t : other.terms) {
      for (; own != terms.end() && own->literal < t.literal; ++own) merged.push_back(*own);
      i64 added = product(t.weight, weight);
      if (own != terms.end() && own->literal == t.literal) added = sum(added, own++->weight);
      if (added) merged.push_back(Weighted{t.literal, added});
    }
    merged.insert(merged.end(), own, terms.end());
    terms.swap(merged);
    return *this;
  }

  Form shifted(i64 by) const {
    Form made = *this;
    made.constant = sum(constant, by);
    return made;
  }

  // The form in units of a number.
  Form divided(i64 by) const {
    Form made = *this;
    bool whole = constant % by == 0;
    made.constant /= by;
    for (Weighted &t : made.terms) whole &= t.weight % by == 0, t.weight /= by;
    if (!whole) throw Unsuitable("logits are no multiples of one number");
    return made;
  }

  Form negated() const { return Form().plus(*this, -1); }

  Form without(Literal plane) const {
    Form made{{}, constant};
    for (const Weighted &t : terms)
      if (t.literal != plane) made.terms.push_back(t);
    return made;
  }

  // The least and largest value, if planes are independent.
  Range range() const {
    Range found{constant, constant};
    for (const Weighted &t : terms) (t.weight < 0 ? found.low : found.high) = sum(t.weight < 0 ? found.low : found.high, t.weight);
    return found;
  }

  // The same form with weights that are all positive, by complements; its constant becomes that of the result.
  std::vector<Weighted> positive(i64 &rest) const {
    std::vector<Weighted> found;
    found.reserve(terms.size());
    rest = constant;
    for (const Weighted &t : terms) {
      if (t.weight < 0) rest = sum(rest, t.weight);
      found.push_back(t.weight < 0 ? Weighted{t.literal ^ 1, product(t.weight, -1)} : t);
    }
    return found;
  }
};

// A sparse matrix by rows. Row i has values[start[i] ..] in the columns of the same places.
struct Matrix {
  std::vector<i32> start, columns;
  std::vector<i64> values;

  size_t rows() const { return start.size() - 1; }
};

// The columns of the stream.
struct Stream {
  std::vector<Form> columns;

  // One row of a matrix times the columns.
  Form times(const Matrix &m, size_t row) const {
    Form found;
    for (i32 e = m.start.at(row); e < m.start.at(row + 1); e++) found.plus(columns[m.columns[e]], m.values[e]);
    return found;
  }

  // The same where a plane is 0.
  Stream without(Literal plane) const {
    Stream made;
    for (const Form &form : columns) made.columns.push_back(form.without(plane));
    return made;
  }
};
