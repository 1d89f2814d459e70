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

// Columns of bits that stand side by side in a record, too, in the same order.
struct Run {
  size_t first;  // byte of a row
  u64 bits;      // of the eight bytes from there, the lowest first
  size_t word;   // of the record
  int shift;
};

// A column of `values`, the bits to take, the word of the record, and by how much they are shifted to the left.
struct Placing {
  i64 column, bits, word, shift;
};

// bytes: of a row of packed bits. Each field takes the one bit of its column.
inline std::vector<Run> runs_of(const Placing *fields, size_t count, size_t bytes) {
  std::vector<std::pair<size_t, size_t>> bits;  // where each goes, where it comes from
  for (const Placing *f = fields; f < fields + count; f++) bits.emplace_back(64 * f->word + f->shift, f->column);
  std::sort(bits.begin(), bits.end());
  std::vector<Run> runs;
  std::pair<size_t, size_t> before;
  for (const auto &[to, from] : bits) {
    const bool goes_on = !runs.empty() && to == before.first + 1 && to % 64 && from > before.second && from / 8 < runs.back().first + 8;
    if (!goes_on) {
      const size_t last = bytes > 8 ? bytes - 8 : 0;  // eight bytes from there do not leave the row
      runs.push_back(Run{std::min(from / 8, last), 0, to / 64, (int)(to % 64)});
    }
    runs.back().bits |= 1ull << (from - 8 * runs.back().first);
    before = {to, from};
  }
  return runs;
}

// values: [rows, bytes]; word w of row r is at records[r * words + w].
inline void place_bits(const u8 *values, size_t rows, size_t bytes, const std::vector<Run> &runs, u64 *records, size_t words) {
  const size_t read = std::min<size_t>(bytes, 8);
  for (size_t r = 0; r < rows; r++, values += bytes, records += words)
    for (const Run &run : runs) {
      u64 found = 0;
      if (read == 8)
        memcpy(&found, values + run.first, 8);
      else
        memcpy(&found, values, read);
      records[run.word] |= extract(found, run.bits) << run.shift;
    }
}

template <typename T>
inline void place_numbers(const T *values, size_t rows, size_t columns, const Placing *fields, size_t count, u64 *records, size_t words) {
  for (size_t r = 0; r < rows; r++, values += columns, records += words)
    for (const Placing *f = fields; f < fields + count; f++) {
      const u64 bits = (u64)values[f->column] & (u64)f->bits;
      records[f->word] |= f->shift >= 0 ? bits << f->shift : bits >> -f->shift;
    }
}
