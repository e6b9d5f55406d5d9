// Sums over the inputs of an image, and over its coordinates, in a fixed order.
//
// Rows are `stride` doubles apart and zero from their length on; n is a multiple of `kLanes`.
#pragma once

#include "../simd.hpp"

namespace nnce {

// Write sum_k weights[k] * rows[k] to out, along n entries.
NNCE_INLINE void combine(double* out, const double* weights, const double* rows, Index stride,
                         Index count, Index n) {
  Index i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    Doubles s = all(0.0), t = s;
    for (Index k = 0; k < count; ++k) {
      const Doubles w = all(weights[k]);
      s = fma(w, load(rows + k * stride + i), s);
      t = fma(w, load(rows + k * stride + i + kLanes), t);
    }
    store(out + i, s);
    store(out + i + kLanes, t);
  }
  for (; i < n; i += kLanes) {
    Doubles s = all(0.0);
    for (Index k = 0; k < count; ++k) s = fma(all(weights[k]), load(rows + k * stride + i), s);
    store(out + i, s);
  }
}

// Write the inner products of each of the rows with the n entries of t to out.
NNCE_INLINE void products(double* out, const double* rows, Index stride, Index count,
                          const double* t, Index n) {
  Index k = 0;
  for (; k + 4 <= count; k += 4) {  // four at a time: t is read less often
    const double* row = rows + k * stride;
    Doubles a = all(0.0), b = a, c = a, e = a;
    for (Index i = 0; i < n; i += kLanes) {
      const Doubles x = load(t + i);
      a = fma(load(row + i), x, a);
      b = fma(load(row + stride + i), x, b);
      c = fma(load(row + 2 * stride + i), x, c);
      e = fma(load(row + 3 * stride + i), x, e);
    }
    transpose(a, b, c, e);
    store(out + k, (a + c) + (b + e));
  }
  for (; k < count; ++k) {
    Doubles a = all(0.0);
    for (Index i = 0; i < n; i += kLanes) a = fma(load(rows + k * stride + i), load(t + i), a);
    out[k] = sum_of(a);
  }
}

// Return the inner product of n entries of a and b.
NNCE_INLINE double inner(const double* a, const double* b, Index n) {
  Doubles sum = all(0.0);
  for (Index k = 0; k < n; k += kLanes) sum = fma(load(a + k), load(b + k), sum);
  return sum_of(sum);
}

}  // namespace nnce
