// Rows as records of words, and tapes that run over them: what decoders of encoders and of causal models share.
//
// A decoder knows of weights only what tapes and fields say. A row is a record of words: its token, what heads read, bits of its
// position, flags, what layers keep. 64 V rows at a time are gathered, turned to planes, run through a tape, and turned back.
#pragma once
#include <algorithm>
#include <memory>
#include <type_traits>
#include <vector>

#include "lookups.h"
#include "tape.h"

// What a decoding step makes of predictions: mdm, any-process masked diffusion, revision, autoregression.
enum class Rule { UNMASK, EDIT, REVISE, APPEND };

enum Fault : u32 { NONE, FIRST_TOKEN, TIES, FIRST_READS, UNCLEAR, NO_BEST, FAR, TAPE };

// What is predicted of a row.
struct Outcome {
  i32 token;
  u8 bits;
};
enum OutcomeBits : u8 { CERTAIN = 1, REMASK = 2, INSERT = 4, DELETE = 8, UNSURE = 16 };

struct Vocabulary {
  i32 mask, first_kind;             // the id of MASK; the kind of the first row's token, which no other row has
  std::vector<i32> offsets, bits;   // of each kind
  int most_bits, controls;
  bool strict;  // edits need a token that is clearly the best
  bool every;  // the tokens of all rows count
};

class Records {
 public:
  std::vector<Tape> tapes;
  std::vector<std::unique_ptr<Lookups>> layers;
  Fault fault = NONE;
  u32 fault_tape = 0, fault_plane = 0;
  std::vector<u32> changed;   // rows whose token the last step changed
  std::vector<u32> contexts;  // the length after each step of `decode`
  size_t length = 0, masks = 0, most;
  size_t grown = 0;  // the length that the last step would have had, where that is too long
  Zeros<i64> tokens;
  const int words;

  Records(size_t rows, int record_words, int flags_word, int flags_bit, Vocabulary vocabulary)
      : most(rows), tokens(rows), words(record_words), vocabulary_(std::move(vocabulary)),
        records_(rows * record_words), outcomes_(rows), rows_{records_.data(), (size_t)record_words, flags_word}, flag_(flags_bit) {}

  u64 *record(size_t row) { return records_.data() + row * words; }
  int next_flag() { return flag_++; }

  void add(Tape t) {
    t.words.push_back(rows_.flags);  // no part of what it computes; `relink` takes it
    tapes.push_back(std::move(t));
  }

 protected:
  static constexpr int WIDEST = 8;

  Vocabulary vocabulary_;
  Zeros<u64> records_;
  Zeros<Outcome> outcomes_;
  Lookups::Rows rows_;
  int flag_;
  std::vector<u64> planes_, in_;   // of tapes; records that are gathered
  std::vector<u64> out_, kept_;    // words of a tape, of 64 V lanes each

  void raise(Fault found, u32 tape = 0, u32 plane = 0) {
    if (!fault) fault = found, fault_tape = tape, fault_plane = plane;
  }
  u64 *planes() { return reinterpret_cast<u64 *>((reinterpret_cast<uintptr_t>(planes_.data()) + 63) & ~(uintptr_t)63); }

  // Makes room for what tapes compute; all of them are known now.
  void reserve() {
    size_t planes = 0, outputs = 0;
    for (const Tape &t : tapes) planes = std::max(planes, (size_t)t.planes), outputs = std::max(outputs, t.outputs.size());
    planes_.assign(planes * WIDEST + 8, 0);
    out_.assign(outputs * 64 * WIDEST, 0);
    in_.assign(((size_t)words + 1) * 64 * WIDEST, 0);
    kept_.assign((size_t)words * 64 * WIDEST, 0);
  }

  void place_token(u32 row, i64 token) {
    int kind = -1;
    for (const i32 offset : vocabulary_.offsets) kind += token >= offset;
    if ((kind == vocabulary_.first_kind) != (row == 0)) raise(FIRST_TOKEN);
    const int kinds = (int)vocabulary_.offsets.size(), bits = kinds + vocabulary_.most_bits;
    const u64 mask = bits >= 64 ? ~0ull : (1ull << bits) - 1;
    u64 &word = record(row)[0];
    word = (word & ~mask) | 1ull << kind | (u64)(token - vocabulary_.offsets[kind]) << kinds;
    tokens[row] = token;
  }

  // Takes rows in blocks: `block(V, its rows, how many)`, at most 64 V.
  template <typename Block> static void in_blocks(const std::vector<u32> &rows, Block block) {
    const u32 *row_of = rows.data();
    size_t i = 0;
    const size_t n = rows.size();
    for (size_t m; n - i > 192; i += m) m = std::min<size_t>(512, n - i), block(std::integral_constant<int, 8>{}, row_of + i, m);
    for (size_t m; n - i > 64; i += m) m = std::min<size_t>(256, n - i), block(std::integral_constant<int, 4>{}, row_of + i, m);
    for (size_t m; n > i; i += m) m = std::min<size_t>(64, n - i), block(std::integral_constant<int, 1>{}, row_of + i, m);
  }

  // How many of n rows are in the lanes of word v, and which lanes.
  static size_t lanes(size_t n, int v) { return n > 64 * (size_t)v ? std::min<size_t>(64, n - 64 * v) : 0; }
  static u64 first_lanes(size_t n, int v) { return lanes(n, v) == 64 ? ~0ull : (1ull << lanes(n, v)) - 1; }

  // Runs a tape on n <= 64 V rows; word g of its output is at out_[64 V g + lane].
  template <int V> void evaluate(int number, const u32 *row_of, size_t n) {
    const Tape &t = tapes[number];
    u64 *plane = planes(), *in = in_.data();
    alignas(64) u64 turned[V * 64];
    const size_t count = t.words.size(), loaded = count - 1;  // without the flags
    for (int v = 0; v < V; v++)
      gather(records_.data(), words, row_of + 64 * v, lanes(n, v), t.words.data(), count, in + 64 * count * v);
    for (size_t w = 0; w < loaded; w++) {
      u64 *to = V == 1 ? plane + 2 + 64 * w : turned;
      for (int v = 0; v < V; v++) transpose(in + 64 * (count * v + w), to + 64 * v);
      if (V > 1) interleave<V>(turned, plane + (2 + 64 * w) * V);
    }
    run<V>(t, reinterpret_cast<typename Lanes<V>::Type *>(plane));
    for (int v = 0; t.faults && v < V; v++) {
      u64 any = 0;
      for (u32 j = 0; j < 64; j++) any |= plane[(t.faults + j) * V + v];
      for (u32 j = 0; any & first_lanes(n, v) && j < 64; j++)
        if (plane[(t.faults + j) * V + v] & first_lanes(n, v)) raise(TAPE, (u32)number, j);
    }
    turn<V>(t.outputs, out_.data());
  }

  // Words of which the first planes are given, as words of rows.
  template <int V> void turn(const std::vector<i32> &first, u64 *to) {
    alignas(64) u64 columns[V * 64];
    for (const i32 plane : first) {
      const u64 *from = V == 1 ? planes() + plane : columns;
      if (V > 1) separate<V>(planes() + plane * V, columns);
      for (int v = 0; v < V; v++, to += 64) transpose(from + 64 * v, to);
    }
  }

  // What the readout says: the best kind, certain, unclear, control bits; and the bits of the best token.
  // every: the best token of each row matters, whatever it holds.
  template <int V> void collect(const u32 *row_of, size_t n, bool every) {
    const int kinds = (int)vocabulary_.offsets.size();
    for (size_t i = 0; i < n; i++) {
      const u64 word = out_[i], best = word & ((1ull << kinds) - 1), said = word >> kinds;
      const bool matters = every || tokens[row_of[i]] == vocabulary_.mask;
      if (!best || best & (best - 1)) {
        raise(NO_BEST);
        continue;
      }
      const int kind = __builtin_ctzll(best);
      const u64 bits = out_[64 * V + i] & ((1ull << vocabulary_.bits[kind]) - 1);
      outcomes_[row_of[i]] = Outcome{vocabulary_.offsets[kind] + (i32)bits, (u8)((said & 1) | (said >> 2 << 1) | (matters && said & 2 ? UNSURE : 0))};
    }
  }
};
