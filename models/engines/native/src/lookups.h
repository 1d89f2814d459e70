// Heads as lookups: hash buckets of keys, and of the rows that ask for them.
//
// A key's code is what it cares for and its bits; of the keys of a bucket the one of most recency is read. A row that asks stands
// in one bucket for each care. When the best key of a bucket changes, the rows that ask there are answered anew.
//
// In a table that adds up, a bucket has the sum of the values of its keys in place of the best one, and their number as `recency`.
#pragma once
#include <stdexcept>
#include <vector>

#include "bits.h"

// A field of a tape's output words.
struct Field {
  i32 word = 0, shift = 0;
  u64 mask = 0;
  u64 of(const u64 *words, size_t stride, size_t lane) const { return words[word * stride + lane] >> shift & mask; }
};

// Lists, keys and rows count from 1; 0 is none.
struct Bucket {
  u32 keys, askers, best, stamp;
  u64 value;
  u32 recency, state;
};
enum BucketState : u32 { HAS_KEY = 1, SEARCH = 2, TIED = 4 };

struct Key {
  u32 bucket, next, previous, recency;
  u64 value;
};

// The keys of a table. Most rows are never one, so a row has a number, and a place is taken for it when it becomes one.
class Keys {
 public:
  explicit Keys(size_t rows) : number_(rows), keys_(rows + 1) {}
  u32 number(u32 row) const { return number_[row]; }  // 0: it was never a key
  u32 add(u32 row) { return number_[row] = ++count_; }
  Key &operator[](u32 number) const { return keys_[number]; }

 private:
  Zeros<u32> number_;
  Zeros<Key> keys_;
  u32 count_ = 0;
};

// Of a row, a head and a care; it stands in no bucket where the row asks nothing.
struct Asker {
  u32 bucket, next, previous;
};

// Finds buckets by code: directly where codes are short, else by hashing.
class Buckets {
 public:
  static constexpr int MOST_DIRECT = 22;

  explicit Buckets(int bits) : direct_(bits <= MOST_DIRECT), found_(direct_ ? (size_t)1 << bits : 0) {
    if (!direct_) slots_.assign(1024, 0);
  }
  // May move the others.
  u32 at(u64 code) {
    if (direct_) return (u32)code;
    if (2 * codes_.size() >= slots_.size()) grow();
    u32 &slot = probe(code);
    if (!slot) {
      codes_.push_back(code);
      store_.push_back(Bucket{});
      slot = (u32)codes_.size();
    }
    return slot - 1;
  }
  Bucket &operator[](u32 number) { return direct_ ? found_[number] : store_[number]; }

 private:
  u32 &probe(u64 code) {
    size_t mask = slots_.size() - 1, at = (code * 0x9e3779b97f4a7c15ull >> 20) & mask;
    while (slots_[at] && codes_[slots_[at] - 1] != code) at = (at + 1) & mask;
    return slots_[at];
  }
  void grow() {
    slots_.assign(4 * slots_.size(), 0);
    for (size_t i = 0; i < codes_.size(); i++) probe(codes_[i]) = (u32)i + 1;
  }
  bool direct_;
  Zeros<Bucket> found_;
  std::vector<u32> slots_;  // number + 1
  std::vector<u64> codes_;
  std::vector<Bucket> store_;
};

struct Head {
  Field asks, query;
  int flag;          // its bit in the flags of a record
  int word, shift;   // of a record, where what it reads stands
  u64 mask, sink;    // of that value; what is read where no key is found
  std::vector<u32> fresh;  // rows to answer
};

// Of a table that adds up: a sum S of m rows is known where S (m + more) <= most and S <= largest. most is 0 in others.
struct Sums {
  u64 most = 0, more = 0, largest = 0;
};

inline bool is_known(const Sums &sums, u64 sum, u64 rows) {
  return sum <= sums.largest && (!sum || rows + sums.more <= sums.most / sum);
}

// A table that heads share which agree on the key side.
struct Table {
  Field visible, key, care, recency, value;
  int flag;
  int bits;                 // of a query
  std::vector<u64> cares;   // the bits that keys of each care compare
  Sums sums;
  Buckets buckets;
  Keys keys;
  std::vector<int> heads;
  std::vector<u32> touched;
  Zeros<Asker> askers;      // of all heads: see Lookups::asker
  int spread = 0;           // the logarithm of how many a row has
};

// The lookups of one layer.
class Lookups {
 public:
  // What tells of a row: its flags and the words that heads read stand in its record.
  struct Rows {
    u64 *records;
    size_t words;
    int flags;
    u64 &word(u32 row, int number) const { return records[(size_t)row * words + number]; }
    u64 &flag(u32 row) const { return word(row, flags); }
  };

  std::vector<Table> tables;
  std::vector<Head> heads;
  // Faults: two keys are equally recent; the first row finds a key; the reference may have another number for a sum.
  bool tie = false, sink_reads = false, far = false;

  // Makes room; all heads of all tables are known now.
  void prepare(size_t rows) {
    for (Table &t : tables) {
      while (((size_t)1 << t.spread) < t.cares.size() * t.heads.size()) t.spread++;
      t.askers = Zeros<Asker>(rows << t.spread);
    }
  }

  // first: no row has read anything. Then rows that find no key have the sink's value already, and need no list.
  void begin(u32 pass, bool first) { pass_ = pass, first_ = first; }

  // Keys of 64 lanes: where rows are keys no more, and where they are now.
  void relink_keys(Table &t, const u32 *row_of, const u64 *out, size_t stride, u64 gone, u64 visible) {
    u32 bucket[64];
    for_each_lane(visible, [&](size_t i) {
      bucket[i] = t.buckets.at(t.care.of(out, stride, i) << t.bits | t.key.of(out, stride, i)) + 1;
      __builtin_prefetch(&t.buckets[bucket[i] - 1]);
    });
    for_each_lane(gone, [&](size_t i) { place_key(t, row_of[i], 0, 0, 0); });
    for_each_lane(visible, [&](size_t i) {
      place_key(t, row_of[i], bucket[i], (u32)t.recency.of(out, stride, i), t.value.of(out, stride, i));
    });
  }

  // Queries of 64 lanes: where rows ask nothing any more, and where they ask now.
  void relink_queries(Table &t, size_t place, const Rows &rows, const u32 *row_of, const u64 *out, size_t stride, u64 silent, u64 asks) {
    Head &h = heads[t.heads[place]];
    for_each_lane(silent, [&](size_t i) { be_silent(t, h, place, rows, row_of[i]); });
    const size_t cares = t.cares.size();
    u32 bucket[64][2];
    for_each_lane(asks, [&](size_t i) {
      const u64 query = h.query.of(out, stride, i);
      for (size_t m = 0; m < cares; m++) {
        bucket[i][m] = t.buckets.at((u64)m << t.bits | (query & t.cares[m])) + 1;
        __builtin_prefetch(&t.buckets[bucket[i][m] - 1]);
      }
      __builtin_prefetch(&asker(t, id_of(t, row_of[i], place, 0)));
    });
    for_each_lane(asks, [&](size_t i) { ask(t, h, place, row_of[i], bucket[i]); });
  }

  // A row that is gone is no key and asks nothing.
  void remove(const Rows &rows, u32 row) {
    for (Table &t : tables) {
      place_key(t, row, 0, 0, 0);
      rows.flag(row) &= ~(1ull << t.flag);
      for (size_t place = 0; place < t.heads.size(); place++) {
        Head &h = heads[t.heads[place]];
        if (asker(t, id_of(t, row, place, 0)).bucket) be_silent(t, h, place, rows, row);
        rows.flag(row) &= ~(1ull << h.flag);
      }
    }
  }

  // Finds the best keys anew, and answers who asks for them; `news(row)` for each row that reads another value.
  template <typename News> void settle(const Rows &rows, News news) {
    for (Table &t : tables) {
      size_t changed = 0;
      for (u32 number : t.touched)
        if (renew(t, t.buckets[number])) t.touched[changed++] = number;
      size_t count = 0;
      for (size_t i = 0; i < changed; i++) {
        for (u32 id = t.buckets[t.touched[i]].askers; id; id = asker(t, id).next) {
          asking_[count++] = id;
          __builtin_prefetch(&rows.word((id - 1) >> t.spread, 0));
          if (count == TOGETHER) answer_all(t, rows, count, news), count = 0;
        }
      }
      answer_all(t, rows, count, news);
      forget(t.touched);
      for (size_t place = 0; place < t.heads.size(); place++) {
        Head &h = heads[t.heads[place]];
        const Reading to = reading(t, place);
        for (u32 row : h.fresh) answer(to, t, rows, row, news);
        forget(h.fresh);
      }
    }
  }

 private:
  static constexpr size_t TOGETHER = 512;  // rows whose records are fetched before they are answered

  u32 pass_ = 0;
  bool first_ = false;
  u32 asking_[TOGETHER];

  template <typename News> void answer_all(Table &t, const Rows &rows, size_t count, News news) {
    for (size_t place = 0; count && place < t.heads.size(); place++) {
      const Reading to = reading(t, place);
      for (size_t i = 0; i < count; i++)
        if (head_of(t, asking_[i]) == place) answer(to, t, rows, (asking_[i] - 1) >> t.spread, news);
    }
  }

  // Askers count from 1: row << spread | place of the head * cares + care, and 1.
  static u32 id_of(const Table &t, u32 row, size_t place, size_t care) {
    return (u32)(((size_t)row << t.spread) + place * t.cares.size() + care + 1);
  }
  static size_t head_of(const Table &t, u32 id) {
    const size_t within = (id - 1) & ((1u << t.spread) - 1);
    return t.cares.size() == 1 ? within : within >> 1;
  }
  static Asker &asker(Table &t, u32 id) { return t.askers[id - 1]; }

  void touch(Table &t, u32 number) {
    Bucket &b = t.buckets[number];
    if (b.stamp == pass_) return;
    b.stamp = pass_;
    t.touched.push_back(number);
  }

  // A row becomes a key of a bucket, counted from 1, or none (0).
  void place_key(Table &t, u32 row, u32 bucket, u32 recency, u64 value) {
    u32 number = t.keys.number(row);
    if (!number) {
      if (!bucket) return;
      number = t.keys.add(row);
    }
    Key &k = t.keys[number];
    if (t.sums.most) return place_value(t, k, bucket, value);
    const u32 before = k.bucket;
    if (before == bucket && k.recency == recency && k.value == value) return;
    if (before) {
      Bucket &old = t.buckets[before - 1];
      touch(t, before - 1);
      const bool moves = bucket != before;
      const bool best_goes = old.best == number && (moves || k.recency != recency);
      const bool tie_may_go = old.best != number && old.best && t.keys[old.best].recency == k.recency;
      if (best_goes || tie_may_go) old.state |= SEARCH;
      if (moves) unlink(t, old, k);
    }
    k.recency = recency;
    k.value = value;
    if (!bucket) return;
    Bucket &b = t.buckets[bucket - 1];
    touch(t, bucket - 1);
    if (bucket != before) link(t, b, number, bucket);
    if (b.state & SEARCH) return;
    if (!b.best || recency > t.keys[b.best].recency)
      b.best = number;
    else if (b.best != number && recency == t.keys[b.best].recency)
      b.state |= SEARCH;
  }

  // The same in a table that adds up.
  void place_value(Table &t, Key &k, u32 bucket, u64 value) {
    if (k.bucket == bucket && (!bucket || k.value == value)) return;
    if (k.bucket) {
      Bucket &old = t.buckets[k.bucket - 1];
      touch(t, k.bucket - 1);
      old.value -= k.value, old.recency--;
    }
    if (bucket) {
      Bucket &b = t.buckets[bucket - 1];
      touch(t, bucket - 1);
      b.value += value, b.recency++;
    }
    k.bucket = bucket, k.value = value;
  }

  static void link(Table &t, Bucket &b, u32 number, u32 bucket) {
    Key &k = t.keys[number];
    k.bucket = bucket, k.next = b.keys, k.previous = 0;
    if (b.keys) t.keys[b.keys].previous = number;
    b.keys = number;
  }

  static void unlink(Table &t, Bucket &b, Key &k) {
    if (k.previous)
      t.keys[k.previous].next = k.next;
    else
      b.keys = k.next;
    if (k.next) t.keys[k.next].previous = k.previous;
    k.bucket = 0;
  }

  void ask(Table &t, Head &h, size_t place, u32 row, const u32 *bucket) {
    bool anew = false;
    for (size_t m = 0; m < t.cares.size(); m++) {
      const u32 id = id_of(t, row, place, m);
      Asker &a = asker(t, id);
      if (a.bucket == bucket[m]) continue;
      anew = true;
      if (a.bucket) unlink(t, a);
      Bucket &b = t.buckets[bucket[m] - 1];
      a.bucket = bucket[m], a.next = b.askers, a.previous = 0;
      if (b.askers) asker(t, b.askers).previous = id;
      b.askers = id;
    }
    if (anew && !first_) h.fresh.push_back(row);
  }

  void be_silent(Table &t, Head &h, size_t place, const Rows &rows, u32 row) {
    for (size_t m = 0; m < t.cares.size(); m++) unlink(t, asker(t, id_of(t, row, place, m)));
    u64 &word = rows.word(row, h.word);
    word = (word & ~(h.mask << h.shift)) | h.sink << h.shift;
  }

  static void unlink(Table &t, Asker &a) {
    if (a.previous)
      asker(t, a.previous).next = a.next;
    else
      t.buckets[a.bucket - 1].askers = a.next;
    if (a.next) asker(t, a.next).previous = a.previous;
    a.bucket = 0;
  }

  // Whether who asks for the bucket's keys may read something else now.
  bool renew(Table &t, Bucket &b) {
    if (t.sums.most) return true;
    bool tied = false;
    if (b.state & SEARCH) {
      u32 best = 0;
      for (u32 key = b.keys; key; key = t.keys[key].next) {
        if (!best || t.keys[key].recency > t.keys[best].recency)
          best = key, tied = false;
        else if (t.keys[key].recency == t.keys[best].recency)
          tied = true;
      }
      b.best = best;
    }
    const u32 state = b.best ? HAS_KEY | (tied ? SEARCH | TIED : 0) : 0;
    const u32 recency = b.best ? t.keys[b.best].recency : 0;
    const u64 value = b.best ? t.keys[b.best].value : 0;
    constexpr u32 seen = HAS_KEY | TIED;
    const bool same = (b.state & seen) == (state & seen) && b.value == value && (b.recency == recency || t.cares.size() == 1);
    b.state = state, b.recency = recency, b.value = value;
    return !same;
  }

  // What answers need of a head and its table.
  struct Reading {
    const Asker *askers;
    size_t cares;
    int spread, word, shift;
    u64 mask, sink;  // shifted to their place in the word
  };
  Reading reading(const Table &t, size_t place) const {
    const Head &h = heads[t.heads[place]];
    return Reading{&t.askers[place * t.cares.size()], t.cares.size(), t.spread, h.word, h.shift, h.mask << h.shift, h.sink << h.shift};
  }

  template <typename News> void answer(const Reading to, Table &t, const Rows rows, u32 row, News news) {
    const Asker *a = to.askers + ((size_t)row << to.spread);
    u64 value = to.sink;
    i64 best = -1;
    if (a->bucket && t.sums.most) {
      u64 sum = 0, rows_found = 0;
      for (size_t m = 0; m < to.cares; m++) {
        const Bucket &b = t.buckets[a[m].bucket - 1];
        sum += b.value, rows_found += b.recency;
      }
      far |= !is_known(t.sums, sum, rows_found);
      value = sum << to.shift & to.mask, best = rows_found ? 0 : -1;
    } else if (a->bucket) {
      for (size_t m = 0; m < to.cares; m++) {
        const Bucket &b = t.buckets[a[m].bucket - 1];
        if (!(b.state & HAS_KEY)) continue;
        if ((i64)b.recency > best) {
          best = b.recency, value = b.value << to.shift;
          tie |= (b.state & TIED) != 0;
        } else {
          tie |= (i64)b.recency == best;
        }
      }
    }
    sink_reads |= row == 0 && best >= 0;
    u64 &word = rows.word(row, to.word);
    const u64 after = (word & ~to.mask) | value;
    if (after == word) return;
    word = after;
    news(row);
  }
};
