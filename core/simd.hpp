// Four doubles at a time, the same on every processor: the one place with instructions by name.
//
// Every build of the core computes with vectors of four, in the order that the source says, so the
// width of a processor's registers changes no digit. Multiply-adds are fused where the processor
// can; that is the one difference between builds (x86-64-v2 can't).
#pragma once

#include <cstdint>

#include "array.hpp"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define NNCE_INLINE inline __attribute__((always_inline))

namespace nnce {

using Doubles = double __attribute__((vector_size(32)));
using Unaligned = double __attribute__((vector_size(32), aligned(8)));
using Longs = std::int64_t __attribute__((vector_size(32)));

// Return a * b + c, rounded once where the processor can do that.
NNCE_INLINE double fma(double a, double b, double c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return __builtin_fma(a, b, c);
#else
  return a * b + c;
#endif
}

NNCE_INLINE Doubles fma(Doubles a, Doubles b, Doubles c) {
#if defined(__FMA__) && defined(__AVX2__)
  return _mm256_fmadd_pd(a, b, c);
#elif defined(__ARM_FEATURE_FMA)
  Doubles r;
  for (int i = 0; i < 4; ++i) r[i] = __builtin_fma(a[i], b[i], c[i]);
  return r;
#else
  return a * b + c;
#endif
}

NNCE_INLINE Doubles all(double x) { return Doubles{x, x, x, x}; }
NNCE_INLINE Longs all(std::int64_t x) { return Longs{x, x, x, x}; }
// Through a type of vectors that, unlike bytes, are known to be no pointers or indices: what is
// read before a store need not be read again behind it.
NNCE_INLINE Doubles load(const double* p) { return *reinterpret_cast<const Unaligned*>(p); }
NNCE_INLINE void store(double* p, Doubles x) { *reinterpret_cast<Unaligned*>(p) = x; }
NNCE_INLINE Doubles select(Longs mask, Doubles yes, Doubles no) {
#if defined(__AVX2__)
  return _mm256_blendv_pd(no, yes, reinterpret_cast<Doubles>(mask));
#else
  return reinterpret_cast<Doubles>((mask & reinterpret_cast<Longs>(yes)) |
                                   (~mask & reinterpret_cast<Longs>(no)));
#endif
}
// The smaller and the larger of two, entry by entry; b where a comparison has a NaN.
NNCE_INLINE Doubles least(Doubles a, Doubles b) {
#if defined(__AVX2__)
  return _mm256_min_pd(a, b);
#else
  return select(a < b, a, b);
#endif
}
NNCE_INLINE Doubles most(Doubles a, Doubles b) {
#if defined(__AVX2__)
  return _mm256_max_pd(a, b);
#else
  return select(a > b, a, b);
#endif
}
NNCE_INLINE Doubles magnitude(Doubles a) {
  return reinterpret_cast<Doubles>(reinterpret_cast<Longs>(a) & all(INT64_MAX));
}
// One bit for each entry of a comparison, the first in the lowest.
NNCE_INLINE unsigned bits(Longs mask) {
#if defined(__AVX2__)
  return static_cast<unsigned>(_mm256_movemask_pd(reinterpret_cast<Doubles>(mask)));
#else
  unsigned r = 0;
  for (int i = 0; i < 4; ++i) r |= (mask[i] < 0 ? 1u : 0u) << i;
  return r;
#endif
}
NNCE_INLINE double least_of(Doubles a) {
  const double x = a[0] < a[2] ? a[0] : a[2];
  const double y = a[1] < a[3] ? a[1] : a[3];
  return x < y ? x : y;
}
NNCE_INLINE double sum_of(Doubles a) { return (a[0] + a[2]) + (a[1] + a[3]); }

// Turn four rows of four into four columns.
NNCE_INLINE void transpose(Doubles& a, Doubles& b, Doubles& c, Doubles& d) {
#if defined(__AVX2__)
  const __m256d ab_low = _mm256_unpacklo_pd(a, b), ab_high = _mm256_unpackhi_pd(a, b);
  const __m256d cd_low = _mm256_unpacklo_pd(c, d), cd_high = _mm256_unpackhi_pd(c, d);
  a = _mm256_permute2f128_pd(ab_low, cd_low, 0x20);
  b = _mm256_permute2f128_pd(ab_high, cd_high, 0x20);
  c = _mm256_permute2f128_pd(ab_low, cd_low, 0x31);
  d = _mm256_permute2f128_pd(ab_high, cd_high, 0x31);
#else
  const Doubles p{a[0], b[0], c[0], d[0]}, q{a[1], b[1], c[1], d[1]};
  const Doubles r{a[2], b[2], c[2], d[2]}, s{a[3], b[3], c[3], d[3]};
  a = p, b = q, c = r, d = s;
#endif
}

// Return the sums of four vectors.
NNCE_INLINE Doubles sums_of(Doubles a, Doubles b, Doubles c, Doubles d) {
  transpose(a, b, c, d);
  return (a + c) + (b + d);
}

// Write start + sum_i weights[i] * rows[i] to out, term after term, along n entries (a multiple of
// `kLanes`). Rows are `stride` apart; out may be start.
NNCE_INLINE void weighted_sum(double* out, const double* start, const double* rows, Index stride,
                              const double* weights, Index count, Index n) {
  Index j = 0;
  for (; j + 2 * kLanes <= n; j += 2 * kLanes) {
    Doubles s = load(start + j), t = load(start + j + kLanes);
    for (Index i = 0; i < count; ++i) {
      const Doubles w = all(weights[i]);
      s = fma(w, load(rows + i * stride + j), s);
      t = fma(w, load(rows + i * stride + j + kLanes), t);
    }
    store(out + j, s);
    store(out + j + kLanes, t);
  }
  for (; j < n; j += kLanes) {
    Doubles s = load(start + j);
    for (Index i = 0; i < count; ++i) s = fma(all(weights[i]), load(rows + i * stride + j), s);
    store(out + j, s);
  }
}

}  // namespace nnce
