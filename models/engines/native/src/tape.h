// Tapes of word operations: they compute on planes of 64 V rows.
#pragma once
#include <algorithm>
#include <vector>

#include "bits.h"

enum Operation { AND, ANDN, NOR, XOR, MAJ, MAJN, XOR3, COPY, NOT };
constexpr int OPERATIONS = NOT + 1;

struct Arguments {
  u16 to, a, b, c;
};

struct Tape {
  std::vector<i32> words;            // of a record, to load; word i goes to planes 2 + 64 i ..
  std::vector<i32> runs;             // an operation, and where the arguments of its last one end
  std::vector<Arguments> arguments;
  std::vector<i32> kept, outputs;    // the first plane of each word
  std::vector<i32> zeros;            // planes of these words that hold nothing: the first one of some neighbours, and how many
  i32 faults = 0;                    // the first plane of 64, or 0
  i32 planes = 0;
  i32 first_kept = 0;                // the word of a record where kept words begin
};

// 64 V lanes of one plane.
template <int V> struct Lanes {
  typedef u64 Type __attribute__((vector_size(8 * V), aligned(8 * V), may_alias));
};
template <> struct Lanes<1> {
  typedef u64 Type;
};

template <int V> void run(const Tape &tape, typename Lanes<V>::Type *plane) {
  using Type = typename Lanes<V>::Type;
  plane[0] = Type{} & 0;
  plane[1] = ~plane[0];
  for (size_t z = 0; z < tape.zeros.size(); z += 2) memset((void *)(plane + tape.zeros[z]), 0, sizeof(Type) * (size_t)tape.zeros[z + 1]);
  const Arguments *next = tape.arguments.data();
  for (size_t r = 0; r < tape.runs.size(); r += 2) {
    const Arguments *end = tape.arguments.data() + tape.runs[r + 1];
#define EACH(name, value)                                                   \
  case name:                                                                \
    for (; next < end; next++) {                                            \
      const Type a = plane[next->a], b = plane[next->b], c = plane[next->c]; \
      (void)b, (void)c;                                                     \
      plane[next->to] = value;                                              \
    }                                                                       \
    break;
    switch (tape.runs[r]) {
      EACH(AND, a & b)
      EACH(ANDN, a & ~b)
      EACH(NOR, ~(a | b))
      EACH(XOR, a ^ b)
      EACH(MAJ, (a & b) | (c & (a | b)))
      EACH(MAJN, (~a & (b | c)) | (b & c))
      EACH(XOR3, a ^ b ^ c)
      EACH(COPY, a)
      EACH(NOT, ~a)
    }
#undef EACH
  }
}
