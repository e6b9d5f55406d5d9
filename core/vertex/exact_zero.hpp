// Whether a form is exactly zero where D planes meet, all of them known exactly.
//
// With the coefficients as integers, det [planes; form] = h(v*) det [planes' slopes]. Computed
// modulo 2^128 it is 0; it is 0 itself if it is smaller than that, which a bound on h(v*), known to
// be near zero, and Hadamard's bound on the other factor (by sums of sizes) show. So the products
// may be longer than 128 bits.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>

#include "../binary.hpp"
#include "plane.hpp"

namespace nnce {

// An affine form as integers modulo 2^128, times 2^unit.
template <int D>
struct WholeForm {
  using Wide = unsigned __int128;

  Few<Wide, D + 1> entry{};
  int unit = 0;
  double slope = 0.0;  // an upper bound on the sum of the sizes of the entries but the constant
  bool fits = true;

  explicit WholeForm(const Few<double, D + 1>& form) {
    bool any = false;
    for (const double x : form) {
      if (x == 0.0) continue;
      unit = any ? std::min(unit, lowest_bit(x)) : lowest_bit(x);
      any = true;
    }
    for (int i = 0; i <= D; ++i) set(i, form[i]);
    slope *= 1.0 + 0x1p-40;
  }

 private:
  void set(int i, double x) {
    if (x == 0.0) return;
    const Odd odd(x);
    const int shift = odd.exponent - unit;
    fits = fits && shift < 64;  // with 53 bits more there is room for the sign
    if (!fits) return;
    entry[i] = static_cast<Wide>(static_cast<__int128>(odd.integer)) << shift;
    const auto power = static_cast<double>(std::uint64_t{1} << shift);
    if (i > 0) slope += std::fabs(static_cast<double>(odd.integer)) * power;
  }
};

// The determinant modulo 2^128 of the last M of these rows, over M of their columns.
template <int D, int M>
unsigned __int128 determinant(const Few<WholeForm<D>, D>& rows, const Few<int, M>& column) {
  constexpr int first = D - M;
  if constexpr (M == 1) {
    return rows[first].entry[column[0]];
  } else {
    unsigned __int128 sum = 0;
    for (int k = 0; k < M; ++k) {
      Few<int, M - 1> others;
      for (int other = 0, place = 0; other < M; ++other) {
        if (other != k) others[place++] = column[other];
      }
      const unsigned __int128 term =
          rows[first].entry[column[k]] * determinant<D, M - 1>(rows, others);
      sum += k % 2 == 0 ? term : -term;
    }
    return sum;
  }
}

// A vertex as the exact planes that meet there.
template <int D>
class ExactVertex {
 public:
  explicit ExactVertex(const Few<const Plane<D>*, D>& planes) {
    for (const Plane<D>* plane : planes) known_ = known_ && plane->exact;
    if (!known_) return;
    const auto rows = [&]<int... I>(std::integer_sequence<int, I...>) {
      return Few<WholeForm<D>, D>{{WholeForm<D>(planes[I]->form)...}};
    }(std::make_integer_sequence<int, D>{});
    for (const WholeForm<D>& row : rows) {
      known_ = known_ && row.fits;
      size_ *= row.slope;
    }
    for (int i = 0; i <= D; ++i) {
      Few<int, D> others;
      for (int other = 0, place = 0; other <= D; ++other) {
        if (other != i) others[place++] = other;
      }
      const unsigned __int128 minor = determinant<D, D>(rows, others);
      minor_[i] = i % 2 == 0 ? minor : -minor;
    }
  }

  // Tell whether an exact form, of size at most `most` at the vertex, is zero there. False where
  // that is not known.
  [[nodiscard]] bool is_zero(const WholeForm<D>& form, double most) const {
    const double bound = size_ * std::ldexp(most, -form.unit) * (1.0 + 0x1p-40);
    if (!known_ || !form.fits || !(bound < 0x1p126)) return false;
    unsigned __int128 sum = 0;
    for (int i = 0; i <= D; ++i) sum += minor_[i] * form.entry[i];
    return sum == 0;
  }
  [[nodiscard]] bool is_known() const { return known_; }

 private:
  Few<unsigned __int128, D + 1> minor_{};
  double size_ = 1.0;  // an upper bound on the determinant of the planes' slopes
  bool known_ = true;
};

}  // namespace nnce
