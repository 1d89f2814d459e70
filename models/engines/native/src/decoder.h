// A sequence under decoding: records of rows go through tapes and lookups, layer by layer, and only rows that change do.
//
// It knows of weights only what tapes and fields say. A row is a record of words: its token, what heads read, bits of its
// position, flags, what layers keep. 64 V rows at a time are gathered, turned to planes, run through a tape, and turned back.
#pragma once
#include <memory>
#include <vector>

#include "lookups.h"
#include "tape.h"

enum class Rule { UNMASK, EDIT };  // what a decoding step makes of predictions: mdm, or any-process masked diffusion

enum Fault : u32 { NONE, FIRST_TOKEN, TIES, FIRST_READS, UNCLEAR, NO_BEST, TAPE };

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
};

class Decoder {
 public:
  std::vector<Tape> tapes;
  std::vector<std::unique_ptr<Lookups>> layers;
  Fault fault = NONE;
  u32 fault_tape = 0, fault_plane = 0;
  std::vector<u32> predicted;  // rows of the last prediction; of those that hold no mask, only control bits are
  std::vector<u32> changed;    // rows whose token the last step changed
  std::vector<u32> contexts;   // the length after each step of `decode`
  size_t length = 0, masks = 0, most;
  Zeros<i64> tokens;
  Zeros<Outcome> outcomes;
  const int words;

  Decoder(size_t rows, int record_words, int flags_word, int flags_bit, Vocabulary vocabulary)
      : most(rows), tokens(rows), outcomes(rows), words(record_words), vocabulary_(std::move(vocabulary)),
        records_(rows * record_words), acts_(rows), after_(rows), seen_(rows), anew_(rows),
        rows_{records_.data(), (size_t)record_words, flags_word}, flag_(flags_bit) {}

  u64 *record(size_t row) { return records_.data() + row * words; }
  int next_flag() { return flag_++; }

  // Takes a sequence; all of it is predicted next.
  void begin(const i64 *sequence, size_t count) {
    size_t planes = 0, outputs = 0;
    for (const Tape &t : tapes) planes = std::max(planes, (size_t)t.planes), outputs = std::max(outputs, t.outputs.size());
    planes_.assign(planes * WIDEST + 8, 0);
    out_.assign(outputs * 64 * WIDEST, 0);
    in_.assign((size_t)words * 64, 0);
    length = count;
    for (size_t r = 0; r < most; r++)
      for (auto &layer : layers)
        for (const Head &h : layer->heads) record(r)[h.word] |= h.sink << h.shift;
    for (size_t r = 0; r < count; r++) set_token((u32)r, sequence[r]), todo_.push_back((u32)r);
  }

  // A decoding step by somebody else: these rows changed, and this is the length now.
  void update(const i64 *rows, size_t count, const i64 *sequence, size_t now) {
    for (size_t r = now; r < length; r++) drop((u32)r);
    length = now;
    for (size_t i = 0; i < count; i++) set_token((u32)rows[i], sequence[rows[i]]), todo_.push_back((u32)rows[i]);
  }

  // Predicts the rows that changes since the last prediction may have reached.
  void predict() {
    step_++;
    for (u32 row : todo_) anew_[row] = step_;
    std::vector<u32> rows;
    rows.swap(todo_);
    const int last = (int)tapes.size() - 1;
    for (int l = 0; l < last; l++) {
      pass_++;
      passed_.clear();
      layers[l]->begin(pass_);
      for (u32 row : dead_) seen_[row] = pass_, layers[l]->remove(rows_, row);
      through(l, rows);
      if (l == 0) passed_ = rows;
      for (u32 row : passed_) seen_[row] = pass_;
      rows.swap(passed_);
      layers[l]->settle(rows_, [&](u32 row) {
        if (seen_[row] == pass_ || row >= length) return;
        seen_[row] = pass_;
        rows.push_back(row);
      });
      if (layers[l]->tie) raise(TIES);
      if (layers[l]->sink_reads) raise(FIRST_READS);
    }
    dead_.clear();
    predicted = rows;
    if (!vocabulary_.controls) {  // only masks are predicted
      size_t kept = 0;
      for (u32 row : rows) {
        if (tokens[row] == vocabulary_.mask)
          rows[kept++] = row;
        else
          outcomes[row] = Outcome{};
      }
      rows.resize(kept);
    }
    through(last, rows);
  }

  // One decoding step in parallel order. False: nothing changes, or there is no room (see `grown`).
  bool step(Rule rule) {
    changed.clear();
    for (u32 row : predicted) propose(row, rule);
    predicted.clear();
    if (fault) return false;
    bool moves = false;
    size_t kept = 0;
    for (u32 row : pending_) {
      if (row < length && acts_[row] & ACTS)
        pending_[kept++] = row, moves |= (acts_[row] & (INSERTS | DELETES)) != 0;
      else
        acts_[row] = 0;
    }
    pending_.resize(kept);
    const size_t before = length;
    if (moves ? !move() : !write()) return false;
    return !changed.empty() || length != before;
  }
  size_t grown = 0;  // the length that the last step would have had, where that is too long

  // Steps until nothing changes or no mask is left; at most so many. Returns whether there may be more.
  bool decode(Rule rule, size_t steps) {
    contexts.clear();
    for (size_t i = 0; i < steps; i++) {
      if (rule == Rule::UNMASK && !masks) return false;
      predict();
      if (fault || !step(rule)) return false;
      contexts.push_back((u32)length);
    }
    return true;
  }

 private:
  static constexpr int WIDEST = 8;
  enum Acts : u8 { CHANGES = 1, INSERTS = 2, DELETES = 4, ACTS = 7, LISTED = 8 };

  Vocabulary vocabulary_;
  Zeros<u64> records_;
  Zeros<u8> acts_;     // what a pending edit does
  Zeros<i32> after_;   // the token that it leaves
  Zeros<u32> seen_, anew_;
  Lookups::Rows rows_;
  int flag_;
  std::vector<u64> planes_, out_, in_;
  std::vector<u32> todo_, dead_, pending_, passed_;
  std::vector<i64> moved_;
  u32 pass_ = 0, step_ = 0;

  void raise(Fault found, u32 tape = 0, u32 plane = 0) {
    if (!fault) fault = found, fault_tape = tape, fault_plane = plane;
  }
  u64 *planes() { return reinterpret_cast<u64 *>((reinterpret_cast<uintptr_t>(planes_.data()) + 63) & ~(uintptr_t)63); }

  void set_token(u32 row, i64 token) {
    int kind = (int)vocabulary_.offsets.size() - 1;
    while (token < vocabulary_.offsets[kind]) kind--;
    if ((kind == vocabulary_.first_kind) != (row == 0)) raise(FIRST_TOKEN);
    const int kinds = (int)vocabulary_.offsets.size(), bits = kinds + vocabulary_.most_bits;
    const u64 mask = bits >= 64 ? ~0ull : (1ull << bits) - 1;
    u64 &word = record(row)[0];
    word = (word & ~mask) | 1ull << kind | (u64)(token - vocabulary_.offsets[kind]) << kinds;
    const bool is_mask = token == vocabulary_.mask, was_mask = row < held_ && tokens[row] == vocabulary_.mask;
    masks += is_mask, masks -= was_mask;
    tokens[row] = token;
    if (row >= held_) held_ = row + 1;
  }
  size_t held_ = 0;  // rows that hold a token

  void drop(u32 row) {
    dead_.push_back(row);
    masks -= tokens[row] == vocabulary_.mask;
    tokens[row] = -1;
  }

  // -- rows through a tape ---------------------------------------------------------------------

  void through(int l, const std::vector<u32> &rows) {
    const u32 *row_of = rows.data();
    size_t i = 0;
    const size_t n = rows.size();
    for (size_t m; n - i > 192; i += m) m = std::min<size_t>(512, n - i), block<8>(l, row_of + i, m);
    for (size_t m; n - i > 64; i += m) m = std::min<size_t>(256, n - i), block<4>(l, row_of + i, m);
    for (size_t m; n > i; i += m) m = std::min<size_t>(64, n - i), block<1>(l, row_of + i, m);
  }

  template <int V> void block(int l, const u32 *row_of, size_t n) {
    const int last = (int)tapes.size() - 1;
    evaluate<V>(l, row_of, n);
    if (l == last) return collect<V>(row_of, n);
    u64 keep[V];
    for (int v = 0; v < V; v++) keep[v] = first_lanes(n, v);
    if (l) keep_changed<V>(tapes[l], row_of, n, keep);
    relink<V>(l, row_of, n, keep);
  }

  static u64 first_lanes(size_t n, int v) {
    const size_t m = n > 64 * (size_t)v ? n - 64 * v : 0;
    return m >= 64 ? ~0ull : (1ull << m) - 1;
  }

  // Runs a tape on n <= 64 V rows; word g of its output is at out_[64 V g + lane].
  template <int V> void evaluate(int number, const u32 *row_of, size_t n) {
    const Tape &t = tapes[number];
    u64 *plane = planes(), *in = in_.data();
    for (int v = 0; v < V; v++) {
      const size_t first = 64 * v, m = first < n ? std::min<size_t>(64, n - first) : 0;
      for (size_t i = 0; i < 64; i++) {
        const u64 *row = m ? record(row_of[first + (i < m ? i : 0)]) : nullptr;
        for (size_t w = 0; w < t.words.size(); w++) in[64 * w + i] = row ? row[t.words[w]] : 0;
      }
      for (size_t w = 0; w < t.words.size(); w++) transpose(in + 64 * w, plane + (2 + 64 * w) * V + v, V);
    }
    run<V>(t, reinterpret_cast<typename Lanes<V>::Type *>(plane));
    for (int v = 0; v < V && 64 * (size_t)v < n; v++) {
      if (t.faults)
        for (u32 j = 0; j < 64; j++)
          if (plane[(t.faults + j) * V + v] & first_lanes(n, v)) raise(TAPE, (u32)number, j);
      for (size_t g = 0; g < t.outputs.size(); g++) turn<V>(plane, t.outputs[g], v, out_.data() + 64 * (V * g + v));
    }
  }

  // 64 planes of 64 rows as words of rows.
  template <int V> static void turn(const u64 *plane, i32 first, int v, u64 *to) {
    if (V == 1) return transpose(plane + first, to, 1);
    alignas(64) u64 column[64];
    for (int j = 0; j < 64; j++) column[j] = plane[(first + j) * V + v];
    transpose(column, to, 1);
  }

  // Stores what a layer keeps; leaves the lanes of rows that go on: what they keep changed, or their token did.
  template <int V> void keep_changed(const Tape &t, const u32 *row_of, size_t n, u64 *keep) {
    alignas(64) u64 words[64];
    for (int v = 0; v < V && 64 * (size_t)v < n; v++) {
      const size_t m = std::min<size_t>(64, n - 64 * v);
      u64 differs = 0;
      for (size_t g = 0; g < t.kept.size(); g++) {
        turn<V>(planes(), t.kept[g], v, words);
        for (size_t i = 0; i < m; i++) {
          u64 &word = record(row_of[64 * v + i])[t.first_kept + g];
          differs |= (u64)(word != words[i]) << i;
          word = words[i];
        }
      }
      for (size_t i = 0; i < m; i++) {
        const u32 row = row_of[64 * v + i];
        if (anew_[row] == step_) differs |= 1ull << i;
        if (differs >> i & 1) anew_[row] = step_, passed_.push_back(row);  // later layers read what this one keeps, too
      }
      keep[v] = differs;
    }
    for (int v = 0; v < V; v++) keep[v] &= first_lanes(n, v);
  }

  template <int V> void relink(int l, const u32 *row_of, size_t n, const u64 *keep) {
    Lookups &layer = *layers[l];
    const Tape &t = tapes[l];
    alignas(64) u64 words[64], was[V][64];
    for (int v = 0; v < V && 64 * (size_t)v < n; v++) {
      for (size_t i = 0; i < 64; i++) words[i] = 64 * v + i < n ? rows_.flag(row_of[64 * v + i]) : 0;
      transpose(words, was[v], 1);
    }
    const auto now = [&](const Field &f, int v) { return planes()[(t.outputs[f.word] + f.shift) * V + v]; };
    for (Table &b : layer.tables) {
      for (int v = 0; v < V && 64 * (size_t)v < n; v++)
        layer.relink_keys(b, rows_, row_of + 64 * v, out_.data() + 64 * v, 64 * V, (now(b.visible, v) | was[v][b.flag]) & keep[v]);
      for (size_t p = 0; p < b.heads.size(); p++) {
        const Head &h = layer.heads[b.heads[p]];
        for (int v = 0; v < V && 64 * (size_t)v < n; v++)
          layer.relink_queries(b, p, rows_, row_of + 64 * v, out_.data() + 64 * v, 64 * V, (now(h.asks, v) | was[v][h.flag]) & keep[v]);
      }
    }
  }

  // -- predictions and edits -------------------------------------------------------------------

  // What the readout says: the best kind, certain, unclear, control bits; and the bits of the best token.
  template <int V> void collect(const u32 *row_of, size_t n) {
    const int kinds = (int)vocabulary_.offsets.size();
    for (size_t i = 0; i < n; i++) {
      const u64 word = out_[i], best = word & ((1ull << kinds) - 1), said = word >> kinds;
      const bool masked = tokens[row_of[i]] == vocabulary_.mask;
      if (!best || best & (best - 1)) {
        raise(NO_BEST);
        continue;
      }
      const int kind = __builtin_ctzll(best);
      const u64 bits = out_[64 * V + i] & ((1ull << vocabulary_.bits[kind]) - 1);
      outcomes[row_of[i]] = Outcome{vocabulary_.offsets[kind] + (i32)bits, (u8)((said & 1) | (said >> 2 << 1) | (masked && said & 2 ? UNSURE : 0))};
    }
  }

  // An edit waits until its row is predicted anew: it depends on its token and prediction alone, and neither changed.
  void propose(u32 row, Rule rule) {
    const Outcome found = outcomes[row];
    const i64 token = tokens[row];
    const bool masked = token == vocabulary_.mask;
    u8 act = 0;
    i64 after = token;
    if (rule == Rule::UNMASK) {
      if (found.bits & UNSURE) raise(UNCLEAR);
      if (masked && found.bits & CERTAIN) after = found.token;
    } else {
      after = found.bits & REMASK ? vocabulary_.mask : masked ? found.token : token;
      if (found.bits & INSERT) act |= INSERTS;
      if (found.bits & DELETE && masked) act |= DELETES;
    }
    if (after != token) act |= CHANGES;
    after_[row] = (i32)after;
    if (act && !acts_[row]) pending_.push_back(row);
    acts_[row] = act ? act | LISTED : acts_[row] & LISTED;
  }

  bool write() {
    for (u32 row : pending_)
      if (after_[row] != tokens[row]) set_token(row, after_[row]), acts_[row] = LISTED, changed.push_back(row);
    todo_ = changed;
    return true;
  }

  // Edits of which some insert or delete: position i keeps its encoding whatever moves, so rows are compared by position.
  bool move() {
    moved_.clear();
    for (size_t r = 0; r < length; r++) {
      const u8 act = acts_[r] & LISTED ? acts_[r] : 0;
      if (!(act & DELETES)) moved_.push_back(act & ACTS ? after_[r] : tokens[r]);
      if (act & INSERTS) moved_.push_back(vocabulary_.mask);
    }
    if (moved_.size() > most) {
      grown = moved_.size();
      return false;
    }
    const size_t before = length;
    for (size_t r = moved_.size(); r < before; r++) drop((u32)r);
    length = moved_.size();
    for (size_t r = 0; r < length; r++)
      if (r >= before || moved_[r] != tokens[r]) set_token((u32)r, moved_[r]), changed.push_back((u32)r);
    todo_ = changed;
    return true;
  }
};
