// A sequence of an encoder under decoding: layer by layer, records of rows go through tapes and lookups, and only rows that change do.
#pragma once
#include "records.h"

class Decoder : public Records {
 public:
  std::vector<u32> predicted;  // rows of the last prediction

  Decoder(size_t rows, int record_words, int flags_word, int flags_bit, Vocabulary vocabulary)
      : Records(rows, record_words, flags_word, flags_bit, std::move(vocabulary)), acts_(rows), after_(rows), seen_(rows), anew_(rows) {}

  // Takes a sequence; all of it is predicted next.
  void begin(const i64 *sequence, size_t count) {
    reserve();
    length = count;
    for (auto &layer : layers) {
      layer->prepare(most);
      for (const Head &h : layer->heads)
        if (h.sink)
          for (size_t r = 0; r < most; r++) record(r)[h.word] |= h.sink << h.shift;
    }
    todo_.reserve(count);
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
    predicted.swap(todo_);
    std::vector<u32> &rows = predicted;
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
      if (layers[l]->far) raise(FAR);
    }
    dead_.clear();
    forget(passed_), forget(todo_);
    for (u32 row : predicted) {
      anew_.remove(row);
      if (is_read(row)) read_.push_back(row);
    }
    through(last, read_);
    forget(read_);
  }

  // The rows of the last prediction.
  const std::vector<u32> &untold() const { return predicted; }

  // What was predicted last of a row: of one that holds no mask, only control bits are.
  Outcome outcome(u32 row) const {
    return is_read(row) ? outcomes_[row] : Outcome{};
  }

  // Whether a row is read out: control bits are of all rows, tokens of masked ones, where not every token counts.
  bool is_read(u32 row) const { return vocabulary_.controls || vocabulary_.every || tokens[row] == vocabulary_.mask; }

  // One decoding step in parallel order. False: nothing changes, or there is no room (see `grown`).
  bool step(Rule rule) {
    changed.clear();
    for (u32 row : predicted) propose(row, rule);
    forget(predicted);
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
  enum Acts : u8 { CHANGES = 1, INSERTS = 2, DELETES = 4, ACTS = 7, LISTED = 8 };

  Zeros<u8> acts_;     // what a pending edit does
  Zeros<i32> after_;   // the token that it leaves
  Marks seen_, anew_;  // rows that go on to the next layer; rows that go on to all
  std::vector<u32> todo_, dead_, pending_, passed_;
  std::vector<u32> read_;  // rows of the last prediction whose best token matters, or control bits
  std::vector<i64> moved_;
  u32 pass_ = 0;

  void set_token(u32 row, i64 token) {
    const bool is_mask = token == vocabulary_.mask, was_mask = row < held_ && tokens[row] == vocabulary_.mask;
    masks += is_mask, masks -= was_mask;
    place_token(row, token);
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
    in_blocks(rows, [&](auto width, const u32 *row_of, size_t n) { block<decltype(width)::value>(l, row_of, n); });
  }

  template <int V> void block(int l, const u32 *row_of, size_t n) {
    const int last = (int)tapes.size() - 1;
    evaluate<V>(l, row_of, n);
    if (l == last) return collect<V>(row_of, n, false);
    u64 keep[V];
    if (l)
      keep_changed<V>(tapes[l], row_of, n, keep);
    else
      for (int v = 0; v < V; v++) keep[v] = first_lanes(n, v);
    relink<V>(l, row_of, keep);
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

  // An edit waits until its row is predicted anew: it depends on its token and prediction alone, and neither changed.
  void propose(u32 row, Rule rule) {
    const Outcome found = outcome(row);
    const i64 token = tokens[row];
    const bool masked = token == vocabulary_.mask;
    u8 act = 0;
    i64 after = token;
    if (rule == Rule::UNMASK || rule == Rule::REVISE) {
      if (found.bits & UNSURE) raise(UNCLEAR);
      if ((masked || rule == Rule::REVISE) && found.bits & CERTAIN) after = found.token;
    } else {
      if (vocabulary_.strict && found.bits & UNSURE) raise(UNCLEAR);
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
