// Words, and the transposition that turns 64 rows into planes and back.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>
#include <vector>
#include <sys/mman.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

using u64 = uint64_t;
using u32 = uint32_t;
using u16 = uint16_t;
using u8 = uint8_t;
using i64 = int64_t;
using i32 = int32_t;

// Zeros that take no memory before they are touched.
template <typename T> class Zeros {
 public:
  static constexpr size_t LARGE = 1 << 22;  // bytes from which larger pages pay

  explicit Zeros(size_t count = 0) : bytes_(count * sizeof(T) + 64) {
    void *found = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (found == MAP_FAILED) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
    if (bytes_ >= LARGE) madvise(found, bytes_, MADV_HUGEPAGE);
#endif
    data_ = static_cast<T *>(found);
  }
  Zeros(Zeros &&other) noexcept : data_(other.data_), bytes_(other.bytes_) { other.data_ = nullptr; }
  Zeros &operator=(Zeros &&other) noexcept {
    std::swap(data_, other.data_), std::swap(bytes_, other.bytes_);
    return *this;
  }
  Zeros(const Zeros &) = delete;
  ~Zeros() {
    if (data_) munmap(data_, bytes_);
  }
  T *data() const { return data_; }
  T &operator[](size_t i) const { return data_[i]; }

 private:
  T *data_;
  size_t bytes_;
};

// Empties a list. A long one gives its memory back: the first prediction has lists of all rows, and later ones have not.
template <typename T> inline void forget(std::vector<T> &list) {
  constexpr size_t MOST_KEPT = 1 << 16;
  if (list.capacity() > MOST_KEPT)
    std::vector<T>().swap(list);
  else
    list.clear();
}

// The lanes of 64 in which a and b differ.
inline u64 differing(const u64 *a, const u64 *b) {
  u64 found = 0;
#if defined(__AVX512F__)
  for (int i = 0; i < 64; i += 8)
    found |= (u64)_mm512_cmpneq_epi64_mask(_mm512_loadu_si512(a + i), _mm512_loadu_si512(b + i)) << i;
#else
  for (int i = 0; i < 64; i++) found |= (u64)(a[i] != b[i]) << i;
#endif
  return found;
}

template <typename Use> inline void for_each_lane(u64 lanes, Use use) {
  for (; lanes; lanes &= lanes - 1) use((size_t)__builtin_ctzll(lanes));
}

// A set of rows. A byte each: to set bits of one word after the other makes each wait for the one before.
class Marks {
 public:
  explicit Marks(size_t rows) : marks_(rows) {}
  bool has(u32 row) const { return marks_[row]; }
  void add(u32 row) { marks_[row] = 1; }
  void remove(u32 row) { marks_[row] = 0; }

 private:
  Zeros<u8> marks_;
};

#if defined(__AVX512F__)
// 8 x 8 words: word j of row i becomes word i of row j.
inline void swap_words(__m512i *r) {
  __m512i t[8];
  for (int k = 0; k < 4; k++) {
    t[2 * k] = _mm512_unpacklo_epi64(r[2 * k], r[2 * k + 1]);
    t[2 * k + 1] = _mm512_unpackhi_epi64(r[2 * k], r[2 * k + 1]);
  }
  for (int o = 0; o < 2; o++) {  // t[2k] has words 0, 2, 4, 6 of rows 2k, 2k + 1; t[2k + 1] has 1, 3, 5, 7
    const __m512i a = t[o], b = t[2 + o], c = t[4 + o], d = t[6 + o];
    const __m512i ab0 = _mm512_shuffle_i64x2(a, b, 0x88), ab1 = _mm512_shuffle_i64x2(a, b, 0xdd);
    const __m512i cd0 = _mm512_shuffle_i64x2(c, d, 0x88), cd1 = _mm512_shuffle_i64x2(c, d, 0xdd);
    r[0 + o] = _mm512_shuffle_i64x2(ab0, cd0, 0x88);
    r[4 + o] = _mm512_shuffle_i64x2(ab0, cd0, 0xdd);
    r[2 + o] = _mm512_shuffle_i64x2(ab1, cd1, 0x88);
    r[6 + o] = _mm512_shuffle_i64x2(ab1, cd1, 0xdd);
  }
}
#endif

// to[j V + v] = from[64 v + j], 64 V words.
template <int V> inline void interleave(const u64 *from, u64 *to) {
#if defined(__AVX512F__)
  if (V == 8) {
    for (int j = 0; j < 64; j += 8) {
      __m512i r[8];
      for (int v = 0; v < 8; v++) r[v] = _mm512_loadu_si512(from + 64 * v + j);
      swap_words(r);
      for (int k = 0; k < 8; k++) _mm512_storeu_si512(to + (j + k) * 8, r[k]);
    }
    return;
  }
#endif
  for (int v = 0; v < V; v++)
    for (int j = 0; j < 64; j++) to[j * V + v] = from[64 * v + j];
}

// to[64 v + j] = from[j V + v].
template <int V> inline void separate(const u64 *from, u64 *to) {
#if defined(__AVX512F__)
  if (V == 8) {
    for (int j = 0; j < 64; j += 8) {
      __m512i r[8];
      for (int k = 0; k < 8; k++) r[k] = _mm512_loadu_si512(from + (j + k) * 8);
      swap_words(r);
      for (int v = 0; v < 8; v++) _mm512_storeu_si512(to + 64 * v + j, r[v]);
    }
    return;
  }
#endif
  for (int v = 0; v < V; v++)
    for (int j = 0; j < 64; j++) to[64 * v + j] = from[j * V + v];
}

// Words of up to 64 rows: to[64 w + i] is word chosen[w] of record row_of[i]; lanes without a row are 0.
inline void gather(const u64 *records, size_t words, const u32 *row_of, size_t rows, const i32 *chosen, size_t count, u64 *to) {
#if defined(__AVX512F__)
  for (size_t w = 0, next; w < count; w = next) {  // those of eight neighbours at once
    const i32 first = chosen[w] & ~7;
    for (next = w + 1; next < count && (chosen[next] & ~7) == first;) next++;
    const __mmask8 there = (__mmask8)((1u << (words - (size_t)first < 8 ? words - (size_t)first : 8)) - 1);
    for (size_t i = 0; i < 64; i += 8) {
      if (i >= rows) {
        for (size_t x = w; x < next; x++) _mm512_storeu_si512(to + 64 * x + i, _mm512_setzero_si512());
        continue;
      }
      __m512i r[8];
      for (size_t k = 0; k < 8; k++)
        r[k] = _mm512_maskz_loadu_epi64(i + k < rows ? there : 0, records + (i + k < rows ? row_of[i + k] : 0) * words + first);
      swap_words(r);
      for (size_t x = w; x < next; x++) _mm512_storeu_si512(to + 64 * x + i, r[chosen[x] - first]);
    }
  }
#else
  for (size_t i = 0; i < 64; i++) {
    const u64 *record = records + (i < rows ? row_of[i] : 0) * words;
    for (size_t w = 0; w < count; w++) to[64 * w + i] = i < rows ? record[chosen[w]] : 0;
  }
#endif
}

// out[j] has bit j of in[0 .. 63], in[i]'s at bit i.
#if defined(__AVX512VBMI__) && defined(__GFNI__)
inline void transpose(const u64 *in, u64 *out) {
  alignas(64) static const u8 reversed[64] = {56, 48, 40, 32, 24, 16, 8,  0, 57, 49, 41, 33, 25, 17, 9,  1, 58, 50, 42, 34, 26, 18,
                                              10, 2,  59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36, 28, 20, 12, 4,  61, 53, 45, 37,
                                              29, 21, 13, 5,  62, 54, 46, 38, 30, 22, 14, 6, 63, 55, 47, 39, 31, 23, 15, 7};
  alignas(64) static const u8 bytes[64] = {0, 8,  16, 24, 32, 40, 48, 56, 1, 9,  17, 25, 33, 41, 49, 57, 2, 10, 18, 26, 34, 42,
                                           50, 58, 3,  11, 19, 27, 35, 43, 51, 59, 4, 12, 20, 28, 36, 44, 52, 60, 5, 13, 21, 29,
                                           37, 45, 53, 61, 6,  14, 22, 30, 38, 46, 54, 62, 7, 15, 23, 31, 39, 47, 55, 63};
  const __m512i rev = _mm512_load_si512(reversed), byt = _mm512_load_si512(bytes), unit = _mm512_set1_epi64(0x8040201008040201ull);
  __m512i z[8];
  for (int k = 0; k < 8; k++) {  // 8 rows: byte b of each side by side, then 8 x 8 bits
    __m512i a = _mm512_permutexvar_epi8(rev, _mm512_loadu_si512(in + 8 * k));
    z[k] = _mm512_gf2p8affine_epi64_epi8(unit, a, 0);
  }
  swap_words(z);
  for (int b = 0; b < 8; b++) _mm512_storeu_si512(out + 8 * b, _mm512_permutexvar_epi8(byt, z[b]));
}
#elif defined(__SSE2__)
// Bytes of 16 rows side by side by four rounds of unpacking, then one movemask for each bit.
inline void transpose(const u64 *in, u64 *out) {
  u16 masks[64][4];
  for (int q = 0; q < 4; q++) {
    __m128i r[8], t[8];
    for (int k = 0; k < 8; k++) r[k] = _mm_loadu_si128(reinterpret_cast<const __m128i *>(in + 16 * q) + k);  // rows 2k, 2k + 1
    for (int round = 0; round < 4; round++) {  // interleave bytes of k and k + 4: in the end r[b] has byte b of all rows, in order
      for (int k = 0; k < 4; k++) {
        t[2 * k] = _mm_unpacklo_epi8(r[k], r[k + 4]);
        t[2 * k + 1] = _mm_unpackhi_epi8(r[k], r[k + 4]);
      }
      for (int k = 0; k < 8; k++) r[k] = t[k];
    }
    for (int b = 0; b < 8; b++) {
      __m128i v = r[b];
      for (int j = 7; j >= 0; j--) {
        masks[8 * b + j][q] = static_cast<u16>(_mm_movemask_epi8(v));
        v = _mm_add_epi8(v, v);
      }
    }
  }
  memcpy(out, masks, sizeof masks);
}
#else
// Swaps blocks of 32, 16, .. 1 bits across the diagonal.
inline void transpose(const u64 *in, u64 *out) {
  u64 a[64];
  memcpy(a, in, sizeof a);
  u64 mask = 0xffffffffull;
  for (int size = 32; size; size >>= 1, mask ^= mask << size)
    for (int k = 0; k < 64; k = ((k | size) + 1) & ~size) {
      u64 moved = ((a[k] >> size) ^ a[k | size]) & mask;
      a[k] ^= moved << size;
      a[k | size] ^= moved;
    }
  memcpy(out, a, sizeof a);
}
#endif
