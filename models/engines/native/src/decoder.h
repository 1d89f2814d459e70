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
  std::vector<u32> predicted;  // rows of the last prediction
  std::vector<u32> changed;    // rows whose token the last step changed
  std::vector<u32> contexts;   // the length after each step of `decode`
  size_t length = 0, masks = 0, most;
  Zeros<i64> tokens;
  const int words;

  Decoder(size_t rows, int record_words, int flags_word, int flags_bit, Vocabulary vocabulary)
      : most(rows), tokens(rows), words(record_words), vocabulary_(std::move(vocabulary)),
        records_(rows * record_words), outcomes_(rows), acts_(rows), after_(rows), seen_(rows), anew_(rows),
        rows_{records_.data(), (size_t)record_words, flags_word}, flag_(flags_bit) {}

  u64 *record(size_t row) { return records_.data() + row * words; }
  int next_flag() { return flag_++; }

  void add(Tape t) {
    t.words.push_back(rows_.flags);  // no part of what it computes; `relink` takes it
    tapes.push_back(std::move(t));
  }

  // Takes a sequence; all of it is predicted next.
  void begin(const i64 *sequence, size_t count) {
    size_t planes = 0, outputs = 0;
    for (const Tape &t : tapes) planes = std::max(planes, (size_t)t.planes), outputs = std::max(outputs, t.outputs.size());
    planes_.assign(planes * WIDEST + 8, 0);
    out_.assign(outputs * 64 * WIDEST, 0);
    in_.assign(((size_t)words + 1) * 64 * WIDEST, 0);
    kept_.assign((size_t)words * 64 * WIDEST, 0);
    length = count;
    for (auto &layer : layers) {
      layer->prepare(most);
      for (const Head &h : layer->heads)
        if (h.sink)
          for (size_t r = 0; r < most; r++) record(r)[h.word] |= h.sink << h.shift;
    }
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
    for (u32 row : todo_) anew_.add(row);
    std::vector<u32> rows;
    rows.swap(todo_);
    const int last = (int)tapes.size() - 1;
    for (int l = 0; l < last; l++) {
      passed_.clear();
      pass_++;
      layers[l]->begin(pass_, pass_ <= (u32)last);
      for (u32 row : dead_) seen_.add(row), layers[l]->remove(rows_, row);
      through(l, rows);
      if (l == 0) passed_ = rows;
      for (u32 row : passed_) seen_.add(row);
      rows.swap(passed_);
      layers[l]->settle(rows_, [&](u32 row) {
        if (seen_.has(row) || row >= length) return;
        seen_.add(row);
        rows.push_back(row);
      });
      for (u32 row : dead_) seen_.remove(row);
      for (u32 row : rows) seen_.remove(row);
      if (layers[l]->tie) raise(TIES);
      if (layers[l]->sink_reads) raise(FIRST_READS);
    }
    dead_.clear();
    predicted.swap(rows);
    read_.clear();
    for (u32 row : predicted) {
      anew_.remove(row);
      if (vocabulary_.controls || tokens[row] == vocabulary_.mask) read_.push_back(row);
    }
    through(last, read_);
  }

  // What was predicted last of a row: of one that holds no mask, only control bits are.
  Outcome outcome(u32 row) const {
    return vocabulary_.controls || tokens[row] == vocabulary_.mask ? outcomes_[row] : Outcome{};
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
  Zeros<Outcome> outcomes_;
  Zeros<u8> acts_;     // what a pending edit does
  Zeros<i32> after_;   // the token that it leaves
  Marks seen_, anew_;  // rows that go on to the next layer; rows that go on to all
  Lookups::Rows rows_;
  int flag_;
  std::vector<u64> planes_, in_;   // of tapes; records that are gathered
  std::vector<u64> out_, kept_;    // words of a tape, of 64 V lanes each
  std::vector<u32> todo_, dead_, pending_, passed_;
  std::vector<u32> read_;  // rows of the last prediction whose best token matters, or control bits
  std::vector<i64> moved_;
  u32 pass_ = 0;

  void raise(Fault found, u32 tape = 0, u32 plane = 0) {
    if (!fault) fault = found, fault_tape = tape, fault_plane = plane;
  }
  u64 *planes() { return reinterpret_cast<u64 *>((reinterpret_cast<uintptr_t>(planes_.data()) + 63) & ~(uintptr_t)63); }

  void set_token(u32 row, i64 token) {
    int kind = -1;
    for (const i32 offset : vocabulary_.offsets) kind += token >= offset;
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
    if (l)
      keep_changed<V>(tapes[l], row_of, n, keep);
    else
      for (int v = 0; v < V; v++) keep[v] = first_lanes(n, v);
    relink<V>(l, row_of, keep);
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
      for (int v = 0; v < V; v++) transpose(in + 64 * (count * v + w), turned + 64 * v);
      interleave<V>(turned, plane + (2 + 64 * w) * V);
    }
    run<V>(t, reinterpret_cast<typename Lanes<V>::Type *>(plane));
    for (int v = 0; t.faults && v < V; v++)
      for (u32 j = 0; j < 64; j++)
        if (plane[(t.faults + j) * V + v] & first_lanes(n, v)) raise(TAPE, (u32)number, j);
    turn<V>(t.outputs, out_.data());
  }

  // Words of which the first planes are given, as words of rows.
  template <int V> void turn(const std::vector<i32> &first, u64 *to) {
    alignas(64) u64 columns[V * 64];
    for (const i32 plane : first) {
      separate<V>(planes() + plane * V, columns);
      for (int v = 0; v < V; v++, to += 64) transpose(columns + 64 * v, to);
    }
  }

  // Stores what a layer keeps; leaves the lanes of rows that go on: what they keep changed, or their token did.
  template <int V> void keep_changed(const Tape &t, const u32 *row_of, size_t n, u64 *keep) {
    const size_t count = t.kept.size();
    turn<V>(t.kept, kept_.data());
    alignas(64) u64 before[64];
    for (int v = 0; v < V; v++) {
      const u32 *row = row_of + 64 * v;
      keep[v] = 0;
      for (size_t i = 0; i < lanes(n, v); i++) keep[v] |= (u64)anew_.has(row[i]) << i;
      for (size_t g = 0; g < count; g++) {
        const i32 word = t.first_kept + (i32)g;
        const u64 *now = kept_.data() + 64 * (V * g + v);
        gather(records_.data(), words, row, lanes(n, v), &word, 1, before);
        const u64 differ = differing(before, now) & first_lanes(n, v);
        for_each_lane(differ, [&](size_t i) { record(row[i])[word] = now[i]; });
        keep[v] |= differ;
      }
      for_each_lane(keep[v], [&](size_t i) { passed_.push_back(row[i]), anew_.add(row[i]); });  // later layers read this, too
    }
  }

  // Keys and queries of rows that go on: where a row is or was one, as its flags say.
  template <int V> void relink(int l, const u32 *row_of, const u64 *keep) {
    Lookups &layer = *layers[l];
    const Tape &t = tapes[l];
    alignas(64) u64 words[64], flags[V][64];
    const auto before = [&](int v) { return in_.data() + 64 * (t.words.size() * (v + 1) - 1); };
    for (int v = 0; v < V; v++)
      if (keep[v]) transpose(before(v), flags[v]);
    u64 changes[V] = {};
    const auto update = [&](const Field &f, int flag, int v) {
      const u64 now = planes()[(t.outputs[f.word] + f.shift) * V + v] & keep[v], gone = flags[v][flag] & keep[v] & ~now;
      changes[v] |= (flags[v][flag] ^ now) & keep[v];
      flags[v][flag] = (flags[v][flag] & ~keep[v]) | now;
      return std::make_pair(gone, now);
    };
    for (Table &b : layer.tables) {
      for (int v = 0; v < V; v++) {
        if (!keep[v]) continue;
        const auto [gone, visible] = update(b.visible, b.flag, v);
        layer.relink_keys(b, row_of + 64 * v, out_.data() + 64 * v, 64 * V, gone, visible);
      }
      for (size_t p = 0; p < b.heads.size(); p++) {
        const Head &h = layer.heads[b.heads[p]];
        for (int v = 0; v < V; v++) {
          if (!keep[v]) continue;
          const auto [silent, asks] = update(h.asks, h.flag, v);
          layer.relink_queries(b, p, rows_, row_of + 64 * v, out_.data() + 64 * v, 64 * V, silent, asks);
        }
      }
    }
    for (int v = 0; v < V; v++) {
      if (!changes[v]) continue;
      transpose(flags[v], words);
      // What heads read may stand in the same word, and has changed where rows fell silent.
      for_each_lane(changes[v], [&](size_t i) { rows_.flag(row_of[64 * v + i]) ^= words[i] ^ before(v)[i]; });
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
      outcomes_[row_of[i]] = Outcome{vocabulary_.offsets[kind] + (i32)bits, (u8)((said & 1) | (said >> 2 << 1) | (masked && said & 2 ? UNSURE : 0))};
    }
  }

  // An edit waits until its row is predicted anew: it depends on its token and prediction alone, and neither changed.
  void propose(u32 row, Rule rule) {
    const Outcome found = outcome(row);
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
    for (u32 row : pending_) set_token(row, after_[row]), acts_[row] = 0;
    changed.swap(pending_);
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
