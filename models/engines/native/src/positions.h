// Bits of position encodings on their way into records.
#pragma once
#include <algorithm>
#include <vector>

#include "bits.h"

// The bits of x where the mask is 1, side by side.
inline u64 extract(u64 x, u64 mask) {
#if defined(__BMI2__)
  return _pext_u64(x, mask);
#else
  u64 found = 0;
  for (int to = 0; mask; mask &= mask - 1, to++) found |= (x >> __builtin_ctzll(mask) & 1) << to;
  return found;
#endif
}

// Bits of eight columns of bytes that stand side by side in a record, too, in the same order.
struct Run {
  size_t first;  // column
  u64 bits;      // of the eight bytes, the lowest first
  size_t word;   // of the record
  int shift;
};

// A column of `values`, the bits to take, the word of the record, and by how much they are shifted to the left.
struct Placing {
  i64 column, bits, word, shift;
};

inline std::vector<Run> runs_of(const Placing *fields, size_t count, size_t columns) {
  std::vector<std::pair<size_t, size_t>> bits;  // where each goes, where it comes from
  for (const Placing *f = fields; f < fields + count; f++)
    for (u64 left = (u64)f->bits; left; left &= left - 1) {
      const i64 bit = __builtin_ctzll(left);
      bits.emplace_back(64 * f->word + bit + f->shift, 8 * f->column + bit);
    }
  std::sort(bits.begin(), bits.end());
  std::vector<Run> runs;
  std::pair<size_t, size_t> before;
  for (const auto &[to, from] : bits) {
    const bool goes_on = !runs.empty() && to == before.first + 1 && to % 64 && from > before.second && from / 8 < runs.back().first + 8;
    if (!goes_on) {
      const size_t last = columns > 8 ? columns - 8 : 0;  // eight columns from there do not leave the row
      runs.push_back(Run{std::min(from / 8, last), 0, to / 64, (int)(to % 64)});
    }
    runs.back().bits |= 1ull << (from - 8 * runs.back().first);
    before = {to, from};
  }
  return runs;
}

// values: [rows, columns]; word w of row r is at records[r * words + w].
inline void place_bytes(const u8 *values, size_t rows, size_t columns, const std::vector<Run> &runs, u64 *records, size_t words) {
  const size_t read = std::min<size_t>(columns, 8);
  for (size_t r = 0; r < rows; r++, values += columns, records += words)
    for (const Run &run : runs) {
      u64 bytes = 0;
      if (read == 8)
        memcpy(&bytes, values + run.first, 8);
      else
        memcpy(&bytes, values, read);
      records[run.word] |= extract(bytes, run.bits) << run.shift;
    }
}

inline void place_numbers(const double *values, size_t rows, size_t columns, const Placing *fields, size_t count, u64 *records, size_t words) {
  for (size_t r = 0; r < rows; r++, values += columns, records += words)
    for (const Placing *f = fields; f < fields + count; f++) {
      const u64 bits = (u64)values[f->column] & (u64)f->bits;
      records[f->word] |= f->shift >= 0 ? bits << f->shift : bits >> -f->shift;
    }
}
