// A Boolean network over bit planes. A *plane* holds one bit of every row; a *literal* is a plane or its complement.
//
// Literals are 2 * node + complement; node 0 is the constant 0, so 0 and 1 are the constants. Equal nodes are made once, so that the
// carries of one sum share all that they have in common.
#pragma once
#include <algorithm>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include "tape.h"

// Something in a model is not what planes compute.
struct Unsuitable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using Literal = u32;
using Literals = std::vector<Literal>;

constexpr i32 INPUT = -1;  // stands for the operation of an input

// An operation and three literals without complement; those of two have 0 as the third: ANDN and MAJN complement one of theirs.
struct Node {
  i32 operation;
  Literal arguments[3];
};

// Nodes in the order in which they can be computed.
class Network {
 public:
  std::vector<Node> nodes;

  Network() : nodes(1, Node{INPUT, {0, 0, 0}}), made_(1 << 13) {}

  Literal input() {
    nodes.push_back(nodes[0]);
    return 2 * ((Literal)nodes.size() - 1);
  }

  // -- conjunctions ------------------------------------------------------------------------------

  Literal both(Literal a, Literal b) {
    if (a > b) std::swap(a, b);
    if (a <= 1) return a ? b : 0;
    if ((a | 1) == (b | 1)) return a == b ? b : 0;
    if (a & 1) return b & 1 ? node(NOR, a ^ 1, b ^ 1) : node(ANDN, b, a ^ 1);
    return b & 1 ? node(ANDN, a, b ^ 1) : node(AND, a, b);
  }

  Literal either(Literal a, Literal b) { return both(a ^ 1, b ^ 1) ^ 1; }

  Literal every(Literals literals) {
    std::sort(literals.begin(), literals.end());
    Literal found = 1, before = 1;
    for (Literal a : literals) {
      if (a != before) found = both(found, a);
      before = a;
    }
    return found;
  }

  Literal some(Literals literals) {
    for (Literal &a : literals) a ^= 1;
    return every(std::move(literals)) ^ 1;
  }

  // Whether two literals are seen to be never 1 together. False says nothing.
  bool exclusive(Literal a, Literal b) {
    const Literals &one = implied(a).literals, &other = implied(b).complements;
    for (size_t i = 0, j = 0; i < one.size() && j < other.size();) {
      if (one[i] == other[j]) return true;
      one[i] < other[j] ? i++ : j++;
    }
    return false;
  }

  // -- sums --------------------------------------------------------------------------------------

  Literal xor_(Literal a, Literal b) {
    const Literal odd = (a ^ b) & 1;
    a &= ~1u, b &= ~1u;
    if (a > b) std::swap(a, b);
    if (a == b) return odd;
    return (a ? node(XOR, a, b) : b) ^ odd;
  }

  Literal xor3(Literal a, Literal b, Literal c) {
    const Literal odd = (a ^ b ^ c) & 1;
    a &= ~1u, b &= ~1u, c &= ~1u;
    sort(a, b, c);
    if (a == b) return c ^ odd;
    if (b == c) return a ^ odd;
    return (a ? node(XOR3, a, b, c) : node(XOR, b, c)) ^ odd;
  }

  Literal majority(Literal a, Literal b, Literal c) {
    sort(a, b, c);
    if (a <= 1) return a ? either(b, c) : both(b, c);
    if ((a | 1) == (b | 1)) return a == b ? a : c;
    if ((b | 1) == (c | 1)) return b == c ? b : a;
    if ((a & 1) + (b & 1) + (c & 1) >= 2)  // the majority of complements is the complement of the majority
      return majority_of_one(a ^ 1, b ^ 1, c ^ 1) ^ 1;
    return majority_of_one(a, b, c);
  }

  // The nodes that some literals depend on, themselves included, in the order in which they can be computed.
  std::vector<u32> needed(const Literals &literals) const {
    std::vector<u8> wanted(nodes.size());
    std::vector<u32> found;
    for (Literal a : literals) wanted[a >> 1] = 1;
    for (u32 number = (u32)nodes.size() - 1; number > 0; number--) {  // arguments have lower numbers
      if (!wanted[number]) continue;
      found.push_back(number);
      for (Literal a : nodes[number].arguments) wanted[a >> 1] = 1;
    }
    std::reverse(found.begin(), found.end());
    return found;
  }

  // The inputs among them, as literals.
  Literals inputs_of(const Literals &literals) const {
    Literals found;
    for (u32 number : needed(literals))
      if (nodes[number].operation == INPUT) found.push_back(2 * number);
    return found;
  }

 private:
  // The literals that are 1 wherever a literal is 1, and their complements, in order.
  struct Implied {
    Literals literals, complements;
  };

  std::vector<u32> made_;  // a hash table of nodes; 0 is a free place
  size_t used_ = 0;
  std::unordered_map<Literal, Implied> implied_;

  static void sort(Literal &a, Literal &b, Literal &c) {
    if (a > b) std::swap(a, b);
    if (b > c) std::swap(b, c);
    if (a > b) std::swap(a, b);
  }

  // Three nodes in order, of which at most one is complemented.
  Literal majority_of_one(Literal a, Literal b, Literal c) {
    if (a & 1) return node(MAJN, a ^ 1, b, c);
    if (b & 1) return node(MAJN, b ^ 1, a, c);
    return c & 1 ? node(MAJN, c ^ 1, a, b) : node(MAJ, a, b, c);
  }

  Literal node(i32 operation, Literal a, Literal b, Literal c = 0) {
    u32 &place = place_of(operation, a, b, c);
    if (place) return 2 * place;
    const u32 number = place = (u32)nodes.size();
    nodes.push_back(Node{operation, {a, b, c}});
    if (2 * ++used_ > made_.size()) grow();
    return 2 * number;
  }

  u32 &place_of(i32 operation, Literal a, Literal b, Literal c) {
    const u64 mixed = (((a * 0x9E3779B1ull ^ b) * 0xC2B2AE3D27D4EB4Full ^ c) * 0x9E3779B97F4A7C15ull) + (u64)operation;
    for (size_t at = (mixed * 0xD6E8FEB86659FD93ull) >> 32;; at++) {
      u32 &place = made_[at & (made_.size() - 1)];
      if (!place) return place;
      const Node &n = nodes[place];
      if (n.operation == operation && n.arguments[0] == a && n.arguments[1] == b && n.arguments[2] == c) return place;
    }
  }

  void grow() {
    made_.assign(2 * made_.size(), 0);
    for (u32 number = 1; number < nodes.size(); number++) {
      const Node &n = nodes[number];
      if (n.operation != INPUT) place_of(n.operation, n.arguments[0], n.arguments[1], n.arguments[2]) = number;
    }
  }

  const Implied &implied(Literal a) {
    Implied &found = implied_[a];
    if (found.literals.empty()) {
      std::vector<Literal> open{a};
      while (!open.empty()) {
        const Literal b = open.back();
        open.pop_back();
        const auto at = std::lower_bound(found.literals.begin(), found.literals.end(), b);
        if (at != found.literals.end() && *at == b) continue;
        found.literals.insert(at, b);
        add_conjuncts(b, open);
      }
      for (Literal b : found.literals) found.complements.push_back(b ^ 1);
      std::sort(found.complements.begin(), found.complements.end());
    }
    return found;
  }

  // Adds the literals that a literal is the conjunction of, if it is one.
  void add_conjuncts(Literal a, Literals &to) const {
    const Node &n = nodes[a >> 1];
    if (a & 1 || (n.operation != AND && n.operation != ANDN && n.operation != NOR)) return;
    to.push_back(n.arguments[0] ^ (n.operation == NOR));
    to.push_back(n.arguments[1] ^ (n.operation != AND));
  }
};
