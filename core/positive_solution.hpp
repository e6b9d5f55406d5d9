// Square systems whose solution is proved to be positive.
//
// The enclosure is that of an approximate inverse R: with A + E the exact matrix and
// |I - R (A + E)| <= g < 1 the system is regular, and the exact solution differs from λ by at most
// |R| |r| + g / (1 - g) max |R| |r|, r the residual of λ with its rounding (Rump 2010,
// "Verification methods: rigorous results using floating-point arithmetic", Acta Numerica 19,
// section 10).
#pragma once

#include <algorithm>
#include <cmath>

#include "array.hpp"
#include "rounding.hpp"
#include "simd.hpp"

namespace nnce {

// Square systems of up to `capacity` equations, and proofs that their solutions are positive.
class PositiveSolution {
 public:
  explicit PositiveSolution(Index capacity)
      : matrix_(capacity, capacity),
        error_(capacity, capacity),
        inverse_(capacity, capacity),
        work_(capacity, capacity),
        right_(capacity),
        right_error_(capacity),
        solution_(capacity),
        radius_(capacity),
        residual_(capacity) {}

  [[nodiscard]] Index capacity() const { return matrix_.rows(); }
  // Entry (i, k) of the matrix and entry i of the right-hand side, which may be off by so much.
  void set(Index i, Index k, double value, double error) {
    matrix_[i][k] = value, error_[i][k] = error;
  }
  void set_right(Index i, double value, double error) {
    right_[i] = value, right_error_[i] = error;
  }

  // Prove that the exact system of n equations has one solution, and that all of it is positive.
  bool is_positive(Index n) {
    switch (n) {
      case 2: return is_positive_of<2>(n);
      case 3: return is_positive_of<3>(n);
      case 4: return is_positive_of<4>(n);
      case 5: return is_positive_of<5>(n);
      case 6: return is_positive_of<6>(n);
      default: return is_positive_of<0>(n);
    }
  }

  // After `is_positive`: entry i of the solution, and how far the exact one may be from it.
  [[nodiscard]] double value(Index i) const { return solution_[i]; }
  [[nodiscard]] double radius(Index i) const { return radius_[i]; }

 private:
  // More than the rounding of any sum of products of positive numbers here takes away.
  static constexpr double kUpwards = 1.0 + 1e-9;

  // The same for N equations, known to the compiler; 0: any number.
  template <Index N>
  bool is_positive_of(Index n) {
    if constexpr (N > 0) n = N;
    if (!invert<N>(n)) return false;
    for (Index i = 0; i < n; ++i) {
      double sum = 0.0;
      for (Index j = 0; j < n; ++j) sum = fma(inverse_[i][j], right_[j], sum);
      if (!(sum > 0.0)) return false;
      solution_[i] = sum;
    }
    const double defect = inverse_defect<N>(n);
    if (!(defect < 0.5)) return false;
    take_residual<N>(n);
    double largest = 0.0;
    for (Index i = 0; i < n; ++i) {
      double moved = 0.0;
      for (Index j = 0; j < n; ++j) moved = fma(std::fabs(inverse_[i][j]), residual_[j], moved);
      radius_[i] = moved * kUpwards;
      largest = std::max(largest, radius_[i]);
    }
    const double common = defect / (1.0 - defect) * largest * kUpwards + kUnderflow;
    for (Index i = 0; i < n; ++i) {
      radius_[i] = (radius_[i] + common) * kUpwards;
      if (!(solution_[i] > radius_[i])) return false;
    }
    return true;
  }

  // Gauss & Jordan with the largest pivot of each column; false where there is none. What rounding
  // does to the inverse is not asked: any matrix would do.
  template <Index N>
  NNCE_INLINE bool invert(Index n) {
    if constexpr (N > 0) n = N;
    for (Index i = 0; i < n; ++i) {
      for (Index j = 0; j < n; ++j)
        work_[i][j] = matrix_[i][j], inverse_[i][j] = i == j ? 1.0 : 0.0;
    }
    for (Index k = 0; k < n; ++k) {
      Index p = k;
      for (Index i = k + 1; i < n; ++i) p = std::fabs(work_[i][k]) > std::fabs(work_[p][k]) ? i : p;
      if (!(std::fabs(work_[p][k]) > kUnderflow)) return false;
      if (p != k) {
        std::swap_ranges(work_[p], work_[p] + n, work_[k]);
        std::swap_ranges(inverse_[p], inverse_[p] + n, inverse_[k]);
      }
      const double scale = 1.0 / work_[k][k];
      for (Index j = 0; j < n; ++j) work_[k][j] *= scale, inverse_[k][j] *= scale;
      for (Index i = 0; i < n; ++i) {
        const double a = work_[i][k];
        if (i == k || a == 0.0) continue;
        for (Index j = 0; j < n; ++j) {
          work_[i][j] = fma(-a, work_[k][j], work_[i][j]);
          inverse_[i][j] = fma(-a, inverse_[k][j], inverse_[i][j]);
        }
      }
    }
    return true;
  }

  // A bound on the norm (largest sum of a row) of I - R (A + E).
  template <Index N>
  [[nodiscard]] NNCE_INLINE double inverse_defect(Index n) const {
    if constexpr (N > 0) n = N;
    const double rounding = 2.0 * static_cast<double>(n + 4) * kUnit;
    double most = 0.0;
    for (Index i = 0; i < n; ++i) {
      double row = 0.0;
      for (Index k = 0; k < n; ++k) {
        double entry = i == k ? -1.0 : 0.0, size = 1.0, error = 0.0;
        for (Index j = 0; j < n; ++j) {
          const double r = inverse_[i][j];
          entry = fma(r, matrix_[j][k], entry);
          size = fma(std::fabs(r), std::fabs(matrix_[j][k]), size);
          error = fma(std::fabs(r), error_[j][k], error);
        }
        row += std::fabs(entry) + rounding * size + error;
      }
      most = row > most || std::isnan(row) ? row : most;
    }
    return most * kUpwards;
  }

  // Bound what the solution leaves over in each equation of the exact system.
  template <Index N>
  NNCE_INLINE void take_residual(Index n) {
    if constexpr (N > 0) n = N;
    const double rounding = 2.0 * static_cast<double>(n + 4) * kUnit;
    for (Index i = 0; i < n; ++i) {
      double rest = right_[i], size = std::fabs(right_[i]), error = right_error_[i];
      for (Index k = 0; k < n; ++k) {
        rest = fma(-matrix_[i][k], solution_[k], rest);
        size = fma(std::fabs(matrix_[i][k]), solution_[k], size);
        error = fma(error_[i][k], solution_[k], error);
      }
      residual_[i] = (std::fabs(rest) + rounding * size + error) * kUpwards + kUnderflow;
    }
  }

  Matrix<double> matrix_, error_;  // (n, n) A, and how far the exact matrix may be from it
  Matrix<double> inverse_, work_;
  Array<double> right_, right_error_, solution_, radius_, residual_;
};

}  // namespace nnce
