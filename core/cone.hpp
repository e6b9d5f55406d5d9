// Networks without biases: proofs for cells that are cones.
//
// Where no layer has a bias every unit is linear on a cell, all hyperplanes go through the origin,
// and a unit that does not cut a cell has the value 0 in it: no bound that keeps a distance from 0
// (proofs.hpp) shows its sign. But its optimal basis writes it as a combination of slacks, h =
// sum_k λ_k s_k, and the constant is 0 by structure. The slacks are linearly independent, so the
// λ_k are the one solution of a square system; where an enclosure of it is positive, h is positive
// wherever the slacks are. The enclosure is that of an approximate inverse R: with A + E the exact
// matrix and |I - R (A + E)| <= g < 1 the system is regular, and the exact solution differs from λ
// by at most |R| |r| + g / (1 - g) max |R| |r|, r the residual of λ with its rounding (Rump 2010,
// "Verification methods: rigorous results using floating-point arithmetic", Acta Numerica 19,
// section 10).
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "array.hpp"
#include "frame.hpp"
#include "network.hpp"
#include "path.hpp"
#include "proofs.hpp"
#include "rounding.hpp"

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
    if (!invert(n)) return false;
    for (Index i = 0; i < n; ++i) {
      double sum = 0.0;
      for (Index j = 0; j < n; ++j) sum = fma(inverse_[i][j], right_[j], sum);
      if (!(sum > 0.0)) return false;
      solution_[i] = sum;
    }
    const double defect = inverse_defect(n);
    if (!(defect < 0.5)) return false;
    take_residual(n);
    double largest = 0.0;
    for (Index i = 0; i < n; ++i) {
      double moved = 0.0;
      for (Index j = 0; j < n; ++j) moved = fma(std::fabs(inverse_[i][j]), residual_[j], moved);
      work_[0][i] = moved * kUpwards;
      largest = std::max(largest, work_[0][i]);
    }
    const double common = defect / (1.0 - defect) * largest * kUpwards + kUnderflow;
    for (Index i = 0; i < n; ++i) {
      if (!(solution_[i] > (work_[0][i] + common) * kUpwards)) return false;
    }
    return true;
  }

 private:
  // More than the rounding of any sum of products of positive numbers here takes away.
  static constexpr double kUpwards = 1.0 + 1e-9;

  // Gauss & Jordan with the largest pivot of each column; false where there is none. What rounding
  // does to the inverse is not asked: any matrix would do.
  bool invert(Index n) {
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
  [[nodiscard]] double inverse_defect(Index n) const {
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
  void take_residual(Index n) {
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
  Array<double> right_, right_error_, solution_, residual_;
};

// Proves signs of units on cells that are cones; for networks without biases.
class ConeProof {
 public:
  ConeProof(const Network& net, const Path& path)
      : net_(net), path_(path), system_(net.d()), place_(net.widest()) {
    for (Index l = 0; l < net.depth(); ++l) {
      weight_.emplace_back(net.layer(l).width(), net.d());
      error_.emplace_back(net.layer(l).width(), net.d());
    }
  }

  // Prove that side times a unit's preactivation is positive inside the cell of a frame.
  //
  // The multipliers are those of the nonbasic slacks, and of inputs at a bound of zero, which are
  // linear too: as functions of the inputs, or of the neurons of a layer before, where just as many
  // are seen. (All units behind such a layer depend on fewer directions than there are inputs, and
  // so do the slacks that matter to them.)
  bool holds(const Frame& f, Index unit, Index row, double side) {
    slacks_.clear();
    bounds_.clear();
    for (Index c = 0; c < net_.d(); ++c) {
      if (!(side * f.value(row)[c] > kNegligible)) continue;
      const Index variable = f.column[c];
      if (variable >= net_.d()) {
        slacks_.push_back(variable - net_.d());
      } else if ((f.at_upper[c] != 0 ? net_.upper() : net_.lower())[variable] == 0.0) {
        bounds_.push_back({variable, f.at_upper[c] != 0 ? -1.0 : 1.0});
      }
    }
    const Index both = count() + static_cast<Index>(bounds_.size());
    if (count() == 0 ||
        !(both == net_.d() ? holds_over_inputs(unit, side) : holds_over_some_layer(unit, side))) {
      return false;
    }
    proofs_ += 1;
    return true;
  }

  // How many proofs were found.
  [[nodiscard]] Index proofs() const { return proofs_; }
  void begin() { proofs_ = 0; }

 private:
  // An input, or minus it, that is >= 0 in the box.
  struct Bound {
    Index input;
    double sign;
  };

  [[nodiscard]] Index count() const { return static_cast<Index>(slacks_.size()); }

  bool holds_over_inputs(Index unit, double side) {
    for (Index i = 0; i < net_.d(); ++i) {
      const double reach = 1.0 / net_.magnitude()[i] * (1.0 + 4.0 * kUnit);
      for (Index c = 0; c < count(); ++c) {
        const Index k = slacks_[static_cast<std::size_t>(c)];
        system_.set(i, c, path_.sign[k] * path_.form(k)[1 + i],
                    (path_.form_error[k] + kUnderflow) * reach);
      }
      Index column = count();
      for (const Bound& bound : bounds_) {
        system_.set(i, column++, bound.input == i ? bound.sign : 0.0, 0.0);
      }
      system_.set_right(i, side * path_.form(unit)[1 + i],
                        (path_.form_error[unit] + kUnderflow) * reach);
    }
    return system_.is_positive(net_.d());
  }

  bool holds_over_some_layer(Index unit, double side) {
    const Index deepest = deepest_layer(unit);
    for (Index l = std::min(net_.layer_of(unit), deepest - 1); l >= 0; --l) {
      if (find_seen(l) && holds_over_neurons(l, deepest, unit, side)) return true;
    }
    return false;
  }

  // The last layer of a unit and the slacks. In a walk that is the unit's own.
  [[nodiscard]] Index deepest_layer(Index unit) const {
    Index deepest = net_.layer_of(unit);
    for (const Index k : slacks_) deepest = std::max(deepest, net_.layer_of(k));
    return deepest;
  }

  // The same over the values that the neurons of layer l hand on.
  bool holds_over_neurons(Index l, Index deepest, Index unit, double side) {
    const Index n = count();
    if (!is_seen(l, unit)) return false;
    for (const Index k : slacks_) {
      if (!is_seen(l, k)) return false;
    }
    begin_with(l);
    for (Index m = l + 1; m <= deepest; ++m) combine(m);
    for (Index c = 0; c < n; ++c) {
      const Index k = slacks_[static_cast<std::size_t>(c)], m = net_.layer_of(k);
      const Index j = k - net_.offset(m);
      const double sign = m > l ? path_.sign[k] : handed_on_sign(k);
      for (Index i = 0; i < n; ++i) system_.set(i, c, sign * weight(m)[j][i], error(m)[j][i]);
    }
    const Index last = net_.layer_of(unit), j = unit - net_.offset(last);
    if (last == l) side *= path_.sign[unit] * handed_on_sign(unit);
    for (Index i = 0; i < n; ++i)
      system_.set_right(i, side * weight(last)[j][i], error(last)[j][i]);
    return system_.is_positive(n);
  }

  // Whether a unit is one of the neurons of layer l that were numbered, or behind them.
  [[nodiscard]] bool is_seen(Index l, Index unit) const {
    const Index m = net_.layer_of(unit);
    return m > l || (m == l && place_[unit - net_.offset(l)] >= 0);
  }

  // What a unit of layer l hands on is its slack times a number of this sign.
  [[nodiscard]] double handed_on_sign(Index unit) const {
    const Index l = net_.layer_of(unit);
    const bool turned = path_.sign[unit] < 0 && net_.layer(l).slope[unit - net_.offset(l)] > 0.0;
    return turned ? -1.0 : 1.0;
  }

  // Number the neurons of a layer that the next one sees on this cell; false where they are not as
  // many as the slacks.
  bool find_seen(Index l) {
    Index seen = 0;
    for (Index j = 0; j < net_.layer(l).width(); ++j) {
      place_[j] = path_.slope(l, j) != 0.0 ? seen++ : -1;
      if (seen > count()) return false;
    }
    return seen == count();
  }

  // Write the neurons of layer l over themselves.
  void begin_with(Index l) {
    for (Index j = 0; j < net_.layer(l).width(); ++j) {
      for (Index i = 0; i < count(); ++i) {
        weight(l)[j][i] = place_[j] == i ? 1.0 : 0.0;
        error(l)[j][i] = 0.0;
      }
    }
    from_ = l;
  }

  // Write the neurons of layer m, as functions of those of `from_`, by the layer before.
  void combine(Index m) {
    const LayerMap& map = net_.layer(m).map;
    const double inexact = net_.layer(m).inexact;
    const double rounding = (2.0 * static_cast<double>(map.n_in() + 4) + inexact) * kUnit;
    for (Index j = 0; j < net_.layer(m).width(); ++j) {
      for (Index i = 0; i < count(); ++i) {
        double sum = 0.0, size = 0.0, inherited = 0.0;
        for (Index a = 0; a < map.n_in(); ++a) {
          const double w = map.entry(j, a) * (m - 1 == from_ ? 1.0 : path_.slope(m - 1, a));
          sum = fma(w, weight(m - 1)[a][i], sum);
          size = fma(std::fabs(w), std::fabs(weight(m - 1)[a][i]), size);
          inherited = fma(std::fabs(w), error(m - 1)[a][i], inherited);
        }
        weight(m)[j][i] = sum;
        // Over their own layer: one product by 1, and zeros.
        const bool exact = m - 1 == from_ && inexact == 0.0;
        error(m)[j][i] = exact ? 0.0 : (inherited + rounding * (size + inherited)) * (1.0 + 1e-9);
        if (!exact) error(m)[j][i] += kUnderflow;
      }
    }
  }

  Matrix<double>& weight(Index l) { return weight_[static_cast<std::size_t>(l)]; }
  Matrix<double>& error(Index l) { return error_[static_cast<std::size_t>(l)]; }

  const Network& net_;
  const Path& path_;
  PositiveSolution system_;
  std::vector<Index> slacks_;           // the units of the nonbasic slacks that matter,
  std::vector<Bound> bounds_;           // and the inputs at zero
  std::vector<Matrix<double>> weight_;  // of each layer (width, d), over what neurons of a layer
  std::vector<Matrix<double>> error_;   // before hand on, and bounds on its error
  Array<Index> place_;                  // (widest) the number of each neuron that is seen, or -1
  Index from_ = 0;
  Index proofs_ = 0;
};

}  // namespace nnce
