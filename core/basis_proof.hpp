// Proofs by the multipliers of a basis, enclosed.
//
// The optimal basis of a unit that does not cut a cell writes it as h = c + sum_k λ_k s_k over
// slacks s_k that are linearly independent: the λ_k are the one solution of a square system. Where
// an enclosure of it is positive (positive_solution.hpp) nothing is left over that would have to be
// bounded over the box (proofs.hpp), so h is positive wherever the slacks are if c is not negative.
// Where layers have no bias c is 0 by structure: their units are linear in what is handed on to the
// first of them, all hyperplanes go through its origin, and a unit that does not cut a cell there
// touches it. Else c follows from the constants of the unit and the slacks. On a box far larger
// than the biases these are clear where any number that holds the box's corners, too, is all
// rounding.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "array.hpp"
#include "constant_errors.hpp"
#include "frame.hpp"
#include "network.hpp"
#include "path.hpp"
#include "positive_solution.hpp"
#include "proofs.hpp"
#include "rounding.hpp"

namespace nnce {

// Proves signs of units on the cells of a path.
class BasisProof {
 public:
  // `far` says that constants are to be looked at where there are biases.
  BasisProof(const Network& net, const Path& path, bool far)
      : net_(net),
        path_(path),
        is_far_(far),
        constants_(net, path),
        system_(net.d()),
        constant_(net.d() + 1),
        constant_error_(net.d() + 1),
        size_(net.d() + 1),
        place_(net.widest()) {
    for (Index l = 0; l < net.depth(); ++l) {
      weight_.emplace_back(net.layer(l).width(), net.d() + 1);
      error_.emplace_back(net.layer(l).width(), net.d() + 1);
    }
  }

  // Prove that side times a unit's preactivation is positive inside the cell of a frame.
  //
  // The multipliers are those of the nonbasic slacks, and of inputs at a bound (where all is linear
  // of zero), as functions of the inputs, or of the neurons of a layer before, where just as many
  // are seen. (All units behind such a layer depend on fewer directions than there are inputs, and
  // so do the slacks that matter to them.)
  bool holds(const Frame& f, Index unit, Index row, double side) {
    slacks_.clear();
    for (Index c = 0; c < net_.d(); ++c) {
      if (f.column[c] < net_.d() || !(side * f.value(row)[c] > kNegligible)) continue;
      slacks_.push_back(f.column[c] - net_.d());
    }
    if (count() == 0) return false;
    const Index deepest = deepest_layer(unit);
    is_linear_ = net_.is_linear(0, deepest);
    take_bounds(f, row, side);
    const bool is_whole = count() + static_cast<Index>(bounds_.size()) == net_.d();
    if (!is_linear_ && is_far_) constants_.pull_back_to(deepest);
    const bool found = is_whole && (is_linear_ || is_far_)
                           ? holds_over_inputs(unit, side)
                           : holds_over_some_layer(deepest, unit, side);
    proofs_ += found ? 1 : 0;
    return found;
  }

  // How many proofs were found.
  [[nodiscard]] Index proofs() const { return proofs_; }
  void begin() { proofs_ = 0; }

 private:
  // What an input is off a bound of the box: sign times the input, and a constant.
  struct Bound {
    Index input;
    double sign, constant;
  };

  void take_bounds(const Frame& f, Index row, double side) {
    bounds_.clear();
    for (Index c = 0; c < net_.d(); ++c) {
      const Index input = f.column[c];
      if (input >= net_.d() || !(side * f.value(row)[c] > kNegligible)) continue;
      const bool is_upper = f.at_upper[c] != 0;
      const double at = (is_upper ? net_.upper() : net_.lower())[input];
      if (is_linear_ && at != 0.0) continue;
      bounds_.push_back({input, is_upper ? -1.0 : 1.0, is_upper ? at : -at});
    }
  }

  [[nodiscard]] Index count() const { return static_cast<Index>(slacks_.size()); }
  [[nodiscard]] Index slack(Index c) const { return slacks_[static_cast<std::size_t>(c)]; }

  bool holds_over_inputs(Index unit, double side) {
    for (Index i = 0; i < net_.d(); ++i) {
      const double reach = 1.0 / net_.magnitude()[i] * (1.0 + 4.0 * kUnit);
      for (Index c = 0; c < count(); ++c) {
        const Index k = slack(c);
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
    if (!system_.is_positive(net_.d())) return false;
    if (is_linear_) return true;
    for (Index c = 0; c < count(); ++c) {
      set_constant(c, path_.sign[slack(c)] * path_.form(slack(c))[0], constants_.of(slack(c)));
    }
    Index column = count();
    for (const Bound& bound : bounds_) set_constant(column++, bound.constant, 0.0);
    set_constant(net_.d(), side * path_.form(unit)[0], constants_.of(unit));
    return leaves_positive(net_.d());
  }

  void set_constant(Index c, double value, double error) {
    constant_[c] = value, constant_error_[c] = error;
  }

  // Prove that c is positive: constant n less those before it times the multipliers.
  [[nodiscard]] bool leaves_positive(Index n) const {
    double rest = constant_[n], size = std::fabs(rest), error = constant_error_[n];
    for (Index k = 0; k < n; ++k) {
      const double factor = system_.value(k), off = system_.radius(k);
      rest = fma(-constant_[k], factor, rest);
      size = fma(std::fabs(constant_[k]), factor, size);
      error += constant_error_[k] * (factor + off) + std::fabs(constant_[k]) * off;
    }
    const double rounding = 2.0 * static_cast<double>(n + 4) * kUnit;
    return rest > (error + rounding * size) * (1.0 + 1e-9) + kUnderflow;
  }

  bool holds_over_some_layer(Index deepest, Index unit, double side) {
    for (Index l = std::min(net_.layer_of(unit), deepest - 1); l >= 0; --l) {
      is_linear_ = net_.is_linear(l + 1, deepest);
      if (!is_linear_ && !is_far_) return false;
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
    for (Index m = l + 1; m <= deepest; ++m) {
      for (Index j = 0; m < deepest && j < net_.layer(m).width(); ++j) {
        if (path_.slope(m, j) != 0.0) combine(m, j);
      }
      for (const Index k : slacks_) combine_unit(m, k);
      combine_unit(m, unit);
    }
    for (Index c = 0; c < n; ++c) {
      const Index k = slack(c), m = net_.layer_of(k), j = k - net_.offset(m);
      const double sign = m > l ? path_.sign[k] : handed_on_sign(k);
      for (Index i = 0; i < n; ++i) system_.set(i, c, sign * weight(m)[j][i], error(m)[j][i]);
      set_constant(c, sign * weight(m)[j][n], error(m)[j][n]);
    }
    const Index last = net_.layer_of(unit), j = unit - net_.offset(last);
    if (last == l) side *= path_.sign[unit] * handed_on_sign(unit);
    for (Index i = 0; i < n; ++i)
      system_.set_right(i, side * weight(last)[j][i], error(last)[j][i]);
    set_constant(n, side * weight(last)[j][n], error(last)[j][n]);
    return system_.is_positive(n) && (is_linear_ || leaves_positive(n));
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

  // Write the neurons of layer l over themselves: their coefficients, and behind them the constant.
  void begin_with(Index l) {
    for (Index j = 0; j < net_.layer(l).width(); ++j) {
      for (Index i = 0; i <= count(); ++i) {
        weight(l)[j][i] = place_[j] == i && i < count() ? 1.0 : 0.0;
        error(l)[j][i] = 0.0;
      }
    }
    from_ = l;
  }

  void combine_unit(Index m, Index unit) {
    if (net_.layer_of(unit) == m) combine(m, unit - net_.offset(m));
  }

  // Write neuron j of layer m, as a function of those of `from_`, by the layer before.
  void combine(Index m, Index j) {
    const LayerMap& map = net_.layer(m).map;
    const double inexact = net_.layer(m).inexact;
    const double rounding = (2.0 * static_cast<double>(map.n_in() + 4) + inexact) * kUnit;
    double *sum = weight(m)[j], *wrong = error(m)[j], *size = size_.data();
    for (Index i = 0; i <= count(); ++i) sum[i] = wrong[i] = size[i] = 0.0;
    sum[count()] = map.bias()[j], size[count()] = std::fabs(map.bias()[j]);
    for (Index a = 0; a < map.n_in(); ++a) {
      const double slope = path_.slope(m - 1, a);
      if (slope == 0.0) continue;
      const double w = map.entry(j, a) * (m - 1 == from_ ? 1.0 : slope);
      const double *before = weight(m - 1)[a], *inherited = error(m - 1)[a];
      for (Index i = 0; i <= count(); ++i) {
        sum[i] = fma(w, before[i], sum[i]);
        size[i] = fma(std::fabs(w), std::fabs(before[i]), size[i]);
        wrong[i] = fma(std::fabs(w), inherited[i], wrong[i]);
      }
    }
    // Over their own layer: one product by 1, and zeros.
    const bool exact = m - 1 == from_ && inexact == 0.0;
    for (Index i = 0; i <= count(); ++i) {
      const double more = (wrong[i] + rounding * (size[i] + wrong[i])) * (1.0 + 1e-9) + kUnderflow;
      wrong[i] = exact ? 0.0 : more;
    }
  }

  Matrix<double>& weight(Index l) { return weight_[static_cast<std::size_t>(l)]; }
  Matrix<double>& error(Index l) { return error_[static_cast<std::size_t>(l)]; }

  const Network& net_;
  const Path& path_;
  const bool is_far_;
  bool is_linear_ = false;  // whether the units are linear in what they are written over
  ConstantErrors constants_;
  PositiveSolution system_;
  Array<double> constant_, constant_error_;  // of the system's columns, then of the unit
  Array<double> size_;                       // scratch
  std::vector<Index> slacks_;                // the units of the nonbasic slacks that matter,
  std::vector<Bound> bounds_;                // and the inputs at bounds
  std::vector<Matrix<double>> weight_;       // of each layer (width, d + 1), over what neurons of a
  std::vector<Matrix<double>> error_;        // layer before hand on, and bounds on its error
  Array<Index> place_;                       // (widest) the number of each neuron seen, or -1
  Index from_ = 0;
  Index proofs_ = 0;
};

}  // namespace nnce
