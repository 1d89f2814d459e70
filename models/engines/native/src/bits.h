// Words, and the transposition that turns 64 rows into planes and back.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
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
  explicit Zeros(size_t count) : bytes_(count * sizeof(T) + 64) {
    void *found = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (found == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<T *>(found);
  }
  Zeros(Zeros &&other) noexcept : data_(other.data_), bytes_(other.bytes_) { other.data_ = nullptr; }
  Zeros(const Zeros &) = delete;
  Zeros &operator=(const Zeros &) = delete;
  ~Zeros() {
    if (data_) munmap(data_, bytes_);
  }
  T *data() const { return data_; }
  T &operator[](size_t i) const { return data_[i]; }

 private:
  T *data_;
  size_t bytes_;
};

// out[j * stride] has bit j of in[0 .. 63], in[i]'s at bit i.
#if defined(__AVX512VBMI__) && defined(__GFNI__)
inline void transpose(const u64 *in, u64 *out, size_t stride) {
  alignas(64) static const u8 reversed[64] = {56, 48, 40, 32, 24, 16, 8,  0, 57, 49, 41, 33, 25, 17, 9,  1, 58, 50, 42, 34, 26, 18,
                                              10, 2,  59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36, 28, 20, 12, 4,  61, 53, 45, 37,
                                              29, 21, 13, 5,  62, 54, 46, 38, 30, 22, 14, 6, 63, 55, 47, 39, 31, 23, 15, 7};
  alignas(64) static const u8 bytes[64] = {0, 8,  16, 24, 32, 40, 48, 56, 1, 9,  17, 25, 33, 41, 49, 57, 2, 10, 18, 26, 34, 42,
                                           50, 58, 3,  11, 19, 27, 35, 43, 51, 59, 4, 12, 20, 28, 36, 44, 52, 60, 5, 13, 21, 29,
                                           37, 45, 53, 61, 6,  14, 22, 30, 38, 46, 54, 62, 7, 15, 23, 31, 39, 47, 55, 63};
  const __m512i rev = _mm512_load_si512(reversed), byt = _mm512_load_si512(bytes), unit = _mm512_set1_epi64(0x8040201008040201ull);
  __m512i z[8], t[8];
  for (int k = 0; k < 8; k++) {  // 8 rows: byte b of each side by side, then 8 x 8 bits
    __m512i a = _mm512_permutexvar_epi8(rev, _mm512_loadu_si512(in + 8 * k));
    z[k] = _mm512_gf2p8affine_epi64_epi8(unit, a, 0);
  }
  for (int k = 0; k < 4; k++) {
    t[2 * k] = _mm512_unpacklo_epi64(z[2 * k], z[2 * k + 1]);
    t[2 * k + 1] = _mm512_unpackhi_epi64(z[2 * k], z[2 * k + 1]);
  }
  for (int o = 0; o < 2; o++) {  // 8 x 8 words: t[2k] has words 0, 2, 4, 6 of rows 2k, 2k + 1; t[2k + 1] has 1, 3, 5, 7
    __m512i a = t[o], b = t[2 + o], c = t[4 + o], d = t[6 + o];
    __m512i ab0 = _mm512_shuffle_i64x2(a, b, 0x88), ab1 = _mm512_shuffle_i64x2(a, b, 0xdd);
    __m512i cd0 = _mm512_shuffle_i64x2(c, d, 0x88), cd1 = _mm512_shuffle_i64x2(c, d, 0xdd);
    z[0 + o] = _mm512_shuffle_i64x2(ab0, cd0, 0x88);
    z[4 + o] = _mm512_shuffle_i64x2(ab0, cd0, 0xdd);
    z[2 + o] = _mm512_shuffle_i64x2(ab1, cd1, 0x88);
    z[6 + o] = _mm512_shuffle_i64x2(ab1, cd1, 0xdd);
  }
  for (int b = 0; b < 8; b++) {
    alignas(64) u64 words[8];
    _mm512_store_si512(words, _mm512_permutexvar_epi8(byt, z[b]));
    for (int j = 0; j < 8; j++) out[(8 * b + j) * stride] = words[j];
  }
}
#elif defined(__SSE2__)
// Bytes of 16 rows side by side by four rounds of unpacking, then one movemask for each bit.
inline void transpose(const u64 *in, u64 *out, size_t stride) {
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
  for (int p = 0; p < 64; p++) memcpy(&out[p * stride], masks[p], 8);
}
#else
// Swaps blocks of 32, 16, .. 1 bits across the diagonal.
inline void transpose(const u64 *in, u64 *out, size_t stride) {
  u64 a[64];
  memcpy(a, in, sizeof a);
  u64 mask = 0xffffffffull;
  for (int size = 32; size; size >>= 1, mask ^= mask << size)
    for (int k = 0; k < 64; k = ((k | size) + 1) & ~size) {
      u64 moved = ((a[k] >> size) ^ a[k | size]) & mask;
      a[k] ^= moved << size;
      a[k | size] ^= moved;
    }
  for (int p = 0; p < 64; p++) out[p * stride] = a[p];
}
#endif
