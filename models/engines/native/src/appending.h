// A sequence of a causal model under decoding: a row attends to itself and to the rows before it, so each row is computed once.
//
// No row sees a later one. In each layer, rows come in ascending order: the key of a row enters the tables, then its query is
// answered from the keys that are there. These are its own key and those of rows before it. The answer goes into the record of the
// row, and later keys do not change it. Rows of a block share the tape, but a tape computes each row from the record of that row alone.
#pragma once
#include "records.h"

class Appending : public Records {
 public:
  using Records::Records;

  // Takes a sequence; all of it is predicted next.
  void begin(const i64 *sequence, size_t count) {
    reserve();
    take(0, sequence, count);
  }

  // A decoding step by somebody else: these rows changed, and this is the length now.
  void update(const i64 *rows, size_t count, const i64 *sequence, size_t now) {
    const size_t first = count ? std::min(now, (size_t)*std::min_element(rows, rows + count)) : now;
    take(first, sequence, now);
  }

  // Predicts the rows that are new.
  void predict() {
    std::vector<u32> rows;
    for (; computed_ < length; computed_++) rows.push_back((u32)computed_);
    for (int l = 0; l < (int)tapes.size(); l++)
      in_blocks(rows, [&](auto width, const u32 *row_of, size_t n) { block<decltype(width)::value>(l, row_of, n); });
  }

  // The rows that were predicted since this was asked last.
  std::vector<u32> untold() {
    std::vector<u32> rows;
    for (; told_ < computed_; told_++) rows.push_back((u32)told_);
    return rows;
  }

  Outcome outcome(u32 row) const { return outcomes_[row]; }

  // Appends the best token of the last row. False: it is not certain, or every position has a token.
  bool step(Rule) {
    changed.clear();
    if (fault || !length || length >= most) return false;
    const Outcome found = outcomes_[length - 1];
    if (found.bits & UNSURE) raise(UNCLEAR);
    if (fault || !(found.bits & CERTAIN)) return false;
    changed.push_back((u32)length);
    place((u32)length++, found.token);
    return true;
  }

  // Steps until nothing is appended; at most so many. Returns whether there may be more.
  bool decode(Rule rule, size_t steps) {
    contexts.clear();
    while (contexts.size() < steps) {
      predict();
      if (!step(rule)) return false;
      contexts.push_back((u32)length);
    }
    return true;
  }

 private:
  size_t told_ = 0, computed_ = 0;  // rows before these were told, and computed
  u32 era_ = 1;                     // what a bucket holds counts only if its stamp says that it is of this era

  // Forgets what was computed: the tables hold keys of rows that are no more, and those hide others.
  void begin_again() {
    era_++;
    computed_ = 0;
    told_ = 0;
  }

  // From this row on the sequence is another.
  void take(size_t first, const i64 *sequence, size_t now) {
    if (first < computed_) begin_again();
    if (first < length) masks = (size_t)std::count(tokens.data(), tokens.data() + first, (i64)vocabulary_.mask);
    for (size_t r = first; r < now; r++) place((u32)r, sequence[r]);
    length = now;
  }

  void place(u32 row, i64 token) {
    place_token(row, token);
    masks += token == vocabulary_.mask;
  }

  template <int V> void block(int l, const u32 *row_of, size_t n) {
    evaluate<V>(l, row_of, n);
    if (l + 1 == (int)tapes.size()) return collect<V>(row_of, n, true);
    keep<V>(tapes[l], row_of, n);
    for (Table &t : layers[l]->tables)
      for (size_t lane = 0; lane < n; lane++) {
        enter(t, 64 * V, lane);
        for (int h : t.heads) answer(t, layers[l]->heads[(size_t)h], row_of[lane], 64 * V, lane);
      }
  }

  // Stores what a layer keeps.
  template <int V> void keep(const Tape &t, const u32 *row_of, size_t n) {
    turn<V>(t.kept, kept_.data());
    for (size_t g = 0; g < t.kept.size(); g++)
      for (size_t lane = 0; lane < n; lane++) record(row_of[lane])[t.first_kept + g] = kept_[64 * V * g + lane];
  }

  // Publishes the key of a row, if it has one, in its bucket, if no other there is more recent; or adds it up.
  void enter(Table &t, size_t stride, size_t lane) {
    const u64 *out = out_.data();
    if (!t.visible.of(out, stride, lane)) return;
    const u32 recency = (u32)t.recency.of(out, stride, lane);
    Bucket &b = t.buckets[t.buckets.at(t.care.of(out, stride, lane) << t.bits | t.key.of(out, stride, lane))];
    if (t.sums.most) {
      if (b.stamp != era_) b.stamp = era_, b.value = 0, b.recency = 0;
      b.value += t.value.of(out, stride, lane), b.recency++;
    } else if (b.stamp != era_ || recency > b.recency) {
      b.stamp = era_, b.recency = recency, b.value = t.value.of(out, stride, lane), b.state = HAS_KEY;
    } else if (recency == b.recency) {
      b.state |= TIED;
    }
  }

  // What a row reads, from the keys that are there; the sink's value, where it asks nothing or finds no key.
  void answer(Table &t, const Head &h, u32 row, size_t stride, size_t lane) {
    u64 value = h.sink;
    if (t.sums.most) {
      value = added(t, h, stride, lane) & h.mask;
    } else if (h.asks.of(out_.data(), stride, lane)) {
      const u64 query = h.query.of(out_.data(), stride, lane);
      i64 best = -1;
      bool tied = false;
      for (size_t m = 0; m < t.cares.size(); m++) {
        const Bucket &b = t.buckets[t.buckets.at((u64)m << t.bits | (query & t.cares[m]))];
        if (b.stamp != era_ || (i64)b.recency < best) continue;
        tied = (i64)b.recency == best || b.state & TIED;
        if ((i64)b.recency > best) best = b.recency, value = b.value;
      }
      if (tied) raise(TIES);
    }
    u64 &word = record(row)[h.word];
    word = (word & ~(h.mask << h.shift)) | value << h.shift;
  }

  // What a row reads from a table that adds up.
  u64 added(Table &t, const Head &h, size_t stride, size_t lane) {
    if (!h.asks.of(out_.data(), stride, lane)) return 0;
    const u64 query = h.query.of(out_.data(), stride, lane);
    u64 sum = 0, rows = 0;
    for (size_t m = 0; m < t.cares.size(); m++) {
      const Bucket &b = t.buckets[t.buckets.at((u64)m << t.bits | (query & t.cares[m]))];
      if (b.stamp == era_) sum += b.value, rows += b.recency;
    }
    if (!is_known(t.sums, sum, rows)) raise(FAR);
    return sum;
  }
};
