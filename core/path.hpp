// The path of a walk: the signs of the units that are decided, and the units of its layers as
// affine functions of the input on the layer-k cells that it leads through.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "array.hpp"
#include "merged.hpp"
#include "network.hpp"
#include "rounding.hpp"
#include "simd.hpp"
#include "twins.hpp"

namespace nnce {

inline constexpr std::int8_t kIgnored = 2;

// A *form* is a unit's preactivation, times a power of two that brings its size over the box near
// 1, so that tolerances are relative.
class Path {
 public:
  explicit Path(const Network& net)
      : sign(net.units()),
        side(net.units() + kLanes),
        is_zero(net.units()),
        split_unit(net.units()),
        scale(net.units()),
        form_size(net.units()),
        form_error(net.units()),
        least(net.units()),
        most(net.units()),
        reach(net.d() + net.units()),
        net_(net),
        stride_(padded(net.d()) + kLanes),
        forms_(net.units(), stride_),
        twins_(net),
        merged_(net, twins_),
        seen_(net.depth()),
        version_(net.depth()),
        input_(net.widest()),
        slope_(net.widest()),
        factor_(net.widest()),
        inherited_(net.widest()),
        lowest_(padded(net.widest())),
        highest_(padded(net.widest())),
        zeros_(padded(net.widest())) {
    for (Index l = 0; l < net.depth(); ++l) {
      const Index n = padded(merged_.width(l));
      gradient_.emplace_back(net.d() + 1, n);
      size_.emplace_back(n);
      error_.emplace_back(n);
    }
    begin();
  }

  // Go back to the root of the tree, where nothing is decided.
  void begin() {
    for (Index v = 0; v < reach.size(); ++v) reach[v] = v < net_.d() ? net_.span()[v] : 0.0;
  }

  // A unit's form: its constant, then its d coefficients, which begin at a line of vectors. In
  // front of it there are zeros.
  [[nodiscard]] const double* form(Index unit) const { return forms_[unit] + kLanes - 1; }
  [[nodiscard]] Index form_stride() const { return stride_; }
  // Grows whenever forms change.
  [[nodiscard]] Index pullbacks() const { return pullbacks_; }
  // What `pullbacks` was when the forms of layer l last changed.
  [[nodiscard]] Index version(Index l) const { return version_[l]; }

  // What neuron j of layer l hands on, over its preactivation.
  [[nodiscard]] double slope(Index l, Index j) const {
    const Layer& layer = net_.layer(l);
    const bool inactive = j < layer.units && sign[net_.offset(l) + j] < 0;
    return inactive ? layer.slope[j] : 1.0;
  }

  // The constant of what neuron j of layer l is as a function of the input.
  [[nodiscard]] double constant(Index l, Index j) const {
    return merged_.ratio(l, j) * gradient_[static_cast<std::size_t>(l)][0][merged_.place(l, j)];
  }

  // Tell whether a unit is its bias on the path's cell, because all that it could see is off; and
  // whether that bias is zero.
  [[nodiscard]] bool is_constant(Index unit) const {
    const Index l = net_.layer_of(unit);
    return l > 0 && seen_[l - 1] == 0;
  }
  [[nodiscard]] bool vanishes(Index unit) const {
    const Index l = net_.layer_of(unit);
    const Layer& layer = net_.layer(l);
    const bool is_known = layer.inexact == 0.0;  // a bias may be rounded to 0
    const bool has_none = is_known && layer.map.bias()[unit - net_.offset(l)] == 0.0;
    return is_constant(unit) && (has_none || !layer.has_bias);
  }

  // Whether a unit may be zero on all of the path's cell, for all that its form in floating point
  // says: then its signs at vertices are those of rounding, and it must not be split on, as the
  // cell would be on neither side.
  [[nodiscard]] bool may_vanish(Index unit) const {
    return may_be_zero(form_size[unit], form_error[unit]);
  }

  // Put the path on one side of a unit that cuts.
  void choose(Index unit, int on) {
    set(unit, on);
    reach[net_.d() + unit] = on > 0 ? most[unit] : -least[unit];
  }

  // Give a unit, and those that are like it, its sign: 1, -1, or 0 where it has none yet.
  void set(Index unit, int on) {
    for (Index k = unit; k != Twins::kNobody; k = twins_.next(k)) {
      set_alone(k, k == unit ? on : on * twins_.side(unit) * twins_.side(k), false);
    }
  }

  // The same where they are identically zero on the cell.
  void set_zero(Index unit) {
    for (Index k = unit; k != Twins::kNobody; k = twins_.next(k)) set_alone(k, -1, true);
  }

  // Ask nothing of a unit, which belongs to a max: other units say where its winner is one.
  void ignore(Index unit) {
    set_alone(unit, -1, false);
    is_zero[unit] = kIgnored;
  }

  // All that changes from cell to cell of a layer.
  struct Signs {
    std::vector<std::int8_t> sign, is_zero;
    std::vector<Index> split_unit;
    std::vector<double> reach;
  };
  [[nodiscard]] Signs signs() const {
    const auto copy = [](const auto& a) { return std::vector(a.data(), a.data() + a.size()); };
    return {copy(sign), copy(is_zero), copy(split_unit), copy(reach)};
  }
  void take(const Signs& signs) {
    std::copy(signs.split_unit.begin(), signs.split_unit.end(), split_unit.data());
    std::copy(signs.reach.begin(), signs.reach.end(), reach.data());
    for (Index k = 0; k < sign.size(); ++k) {
      set_alone(k, signs.sign[static_cast<std::size_t>(k)], false);
      is_zero[k] = signs.is_zero[static_cast<std::size_t>(k)];
    }
  }

  // Units that are like others, whose signs follow from these.
  [[nodiscard]] const Twins& twins() const { return twins_; }
  // The network without those of them that hand on no more than others do.
  [[nodiscard]] const Merged& merged() const { return merged_; }

  // Compute the forms of the units of layer l on the path's cell, and their ranges over the box.
  //
  // The error bounds, over the box, the difference to the exact coefficients: what the layer before
  // was off by, and the rounding of the sums (Higham 2002, section 3.1).
  void pull_back(Index l) {
    const Layer& layer = net_.layer(l);
    version_[l] = pullbacks_ += 1;
    const double unit = kUnit * layer.inexact;
    l == 0 ? copy_first() : combine_active(l, layer, unit);
    measure(l, unit);
    for (Index j = 0; j < layer.units; ++j) scale_form(l, j);
  }

  Array<std::int8_t> sign;     // (N) +1 active, -1 inactive
  Array<double> side;          // (N padded) the same
  Array<std::int8_t> is_zero;  // (N) 1 where the unit is identically zero on the current cell,
                               // `kIgnored` where nothing is asked of it and 0 is handed on
  Array<Index> split_unit;     // (N) the units that were split on, in order
  Array<double> scale;         // (N) a power of two
  Array<double> form_size;     // (N) bound on |constant| + sum |coefficient| |x| over the box
  Array<double> form_error;    // (N) bound over the box on the rounding of the form
  Array<double> least, most;   // (N) about the range of the form over the box
  Array<double> reach;         // (d + N) about the largest displacement of each variable

 private:
  void set_alone(Index unit, int on, bool zero) {
    sign[unit] = static_cast<std::int8_t>(on);
    side[unit] = on;
    is_zero[unit] = zero ? 1 : 0;
  }

  void copy_first() {
    const LayerMap& map = merged_.map(0);
    Matrix<double>& gradient = gradient_[0];
    const double one = 1.0;
    for (Index j = 0; j < map.n_out(); ++j) gradient[0][j] = map.bias()[j];
    for (Index i = 0; i < net_.d(); ++i) map.combine(gradient[1 + i], zeros_.data(), &i, &one, 1);
  }

  void combine_active(Index l, const Layer& layer, double unit) {
    const Layer& before = net_.layer(l - 1);
    const LayerMap& map = merged_.map(l);
    const auto b = static_cast<std::size_t>(l - 1), here = static_cast<std::size_t>(l);
    const Index terms = layer.map.n_in() + 4 + (before.has_slopes ? 2 : 0);
    const double rounding = 2.0 * static_cast<double>(terms) * kUnit + unit;
    const Index count = seen_[l - 1] = find_contributors(l - 1, before);
    for (Index a = 0; a < count; ++a) {
      const Index k = input_[a];
      // What underflow takes away counts too, where large weights come after it.
      inherited_[a] = std::fabs(slope_[a]) * (error_[b][k] + rounding * size_[b][k] + kUnderflow);
    }
    Array<double>& error = error_[here];
    for (Index j = 0; j < map.n_out(); ++j) {
      error[j] = rounding * std::fabs(map.bias()[j]) + kUnderflow;
    }
    map.combine_sizes(error.data(), input_.data(), inherited_.data(), count);
    for (Index i = 0; i <= net_.d(); ++i) {
      const double* g = gradient_[b][i];
      for (Index a = 0; a < count; ++a) factor_[a] = slope_[a] * g[input_[a]];
      const double* start = i == 0 ? map.bias() : zeros_.data();
      map.combine(gradient_[here][i], start, input_.data(), factor_.data(), count);
    }
  }

  // List the neurons of a layer that the next one sees on this cell, of those that are kept, and by
  // which slope.
  Index find_contributors(Index l, const Layer& layer) {
    Index count = 0;
    for (Index p = 0; p < merged_.width(l); ++p) {
      const Index k = merged_.neuron(l, p);
      const bool inactive = k < layer.units && sign[net_.offset(l) + k] < 0;
      const double slope = inactive ? layer.slope[k] : 1.0;
      if (slope == 0.0) continue;
      input_[count] = p;
      slope_[count++] = slope;
    }
    return count;
  }

  void measure(Index l, double unit) {
    const auto here = static_cast<std::size_t>(l);
    const Matrix<double>& gradient = gradient_[here];
    Array<double>& size = size_[here];
    const Index n = padded(merged_.width(l));
    for (Index j = 0; j < n; j += kLanes) {
      const Doubles constant = load(gradient[0] + j);
      Doubles s = magnitude(constant), lo = constant, hi = constant;
      for (Index i = 0; i < net_.d(); ++i) {
        const Doubles g = load(gradient[1 + i] + j);
        const Doubles at_lower = g * all(net_.lower()[i]), at_upper = g * all(net_.upper()[i]);
        lo += nnce::least(at_lower, at_upper);
        hi += nnce::most(at_lower, at_upper);
        s = fma(magnitude(g), all(net_.magnitude()[i]), s);
      }
      store(size.data() + j, s);
      store(lowest_.data() + j, lo);
      store(highest_.data() + j, hi);
    }
    if (l == 0) {
      for (Index j = 0; j < merged_.width(0); ++j) error_[0][j] = unit * size[j];
    }
  }

  void scale_form(Index l, Index j) {
    const auto here = static_cast<std::size_t>(l);
    const Index k = net_.offset(l) + j, p = merged_.place(l, j);
    const double s = merged_.ratio(l, j) * size_[here][p];
    // Slacks are exact multiples of their units, so the factor must be neither 0 nor infinite.
    const double factor = 1e-250 < s && s < 1e250 ? inverse_power(s) : 1.0;
    const double whole = factor * merged_.ratio(l, j);
    scale[k] = factor;
    least[k] = whole * lowest_[p];
    most[k] = whole * highest_[p];
    form_size[k] = whole * size_[here][p];
    form_error[k] = whole * error_[here][p];
    double* form = forms_[k] + kLanes - 1;
    for (Index i = 0; i <= net_.d(); ++i) form[i] = whole * gradient_[here][i][p];
  }

  // Return 1 over the largest power of two that is not above x, which is a normal number.
  static double inverse_power(double x) {
    constexpr std::int64_t bits = 52, bias = 1023;
    const std::int64_t exponent = (std::bit_cast<std::int64_t>(x) >> bits) - bias;
    return std::bit_cast<double>((bias - exponent) << bits);
  }

  const Network& net_;
  Index stride_;
  Matrix<double> forms_;                  // (N, stride), see `form`
  std::vector<Matrix<double>> gradient_;  // of each layer (d + 1, kept padded), constant first
  std::vector<Array<double>> size_;       // of each layer (kept padded)
  std::vector<Array<double>> error_;
  Twins twins_;
  Merged merged_;
  Array<Index> seen_;     // (L) the neurons of each layer that the next one sees
  Array<Index> version_;  // (L)
  Index pullbacks_ = 0;
  // Scratch.
  Array<Index> input_;
  Array<double> slope_, factor_, inherited_, lowest_, highest_;
  Array<double> zeros_;
};

}  // namespace nnce
