// Where floating point decides: proved, or unsure.
//
// `is_positive` is the safe bound of Neumaier & Shcherbina (2004), "Safe bounds in linear and
// mixed-integer linear programming", section 3: from approximate multipliers a rigorous lower bound
// over the box.
#pragma once

#include <algorithm>

#include "array.hpp"
#include "frame.hpp"
#include "network.hpp"
#include "path.hpp"
#include "rounding.hpp"
#include "simd.hpp"

namespace nnce {

inline constexpr double kNegligible = 1e-12;  // smaller multipliers are left out of a proof

// An affine function h of the input, laid out as `Path::form`, with bounds on |constant| + sum
// |coefficient| |x| over the box and on its rounding.
struct Form {
  const double* values;
  double size, error;
};

// Prove that side times a function h is positive on the cell of a frame.
//
// Takes the coefficients of its row over the nonbasic slacks as multipliers λ >= 0, and
// bounds side * h - sum_k λ_k s_k from below over the box (the multipliers of the box's own bounds
// are implied). True is a proof; false means unsure. K vectors hold a form, 0: any number;
// `residual` has room for them.
template <int K>
bool is_positive(const Network& net, const Path& path, const Frame& f, const Form& h, Index row,
                 double side, Doubles* residual) {
  const Index d = net.d(), vectors = K > 0 ? K : padded(d) / kLanes;
  const double *form = h.values, *value = f.value(row);
  for (Index j = 0; j < vectors; ++j) residual[j] = all(side) * load(form + 1 + j * kLanes);
  double constant = side * form[0];
  double size = h.size, error = h.error;
  Index terms = 0;
  for (Index c = 0; c < d; ++c) {
    const double multiplier = side * value[c];
    if (f.column[c] < d || multiplier <= kNegligible) continue;
    const Index k = f.column[c] - d;
    const double g = multiplier * path.sign[k];
    const double* slack = path.form(k);
    for (Index j = 0; j < vectors; ++j) {
      residual[j] = fma(all(-g), load(slack + 1 + j * kLanes), residual[j]);
    }
    constant = fma(-g, slack[0], constant);
    size = fma(multiplier, path.form_size[k], size);
    error = fma(multiplier, path.form_error[k], error);
    terms += 1;
  }
  Doubles sum = all(0.0);
  for (Index j = 0; j < vectors; ++j) {
    const Doubles at_lower = residual[j] * load(net.lower() + j * kLanes);
    const Doubles at_upper = residual[j] * load(net.upper() + j * kLanes);
    sum += least(at_lower, at_upper);
  }
  error += 2.0 * static_cast<double>(terms + d + 8) * kUnit * size + kUnderflow;
  return constant + sum_of(sum) > error;
}

// The same of a unit's preactivation.
template <int K>
bool is_positive(const Network& net, const Path& path, const Frame& f, Index unit, Index row,
                 double side, Doubles* residual) {
  const Form h{path.form(unit), path.form_size[unit], path.form_error[unit]};
  return is_positive<K>(net, path, f, h, row, side, residual);
}

// Evaluates the network at points, with a bound on rounding.
class ForwardPass {
 public:
  explicit ForwardPass(const Network& net)
      : net_(net),
        activation_(padded(std::max(net.d(), net.widest()))),
        z_(padded(net.widest())),
        side_(padded(net.widest())),
        input_(net.widest()),
        factor_(net.widest()) {}

  // Prove that a point lies strictly inside the box and has exactly the path's signs.
  //
  // One forward pass in float64, each preactivation compared with its a-priori error bound.
  bool has_signs_of(const Path& path, const double* point) {
    for (Index i = 0; i < net_.d(); ++i) {
      if (!(net_.lower()[i] < point[i] && point[i] < net_.upper()[i])) return false;
      activation_[i] = point[i];
    }
    const Merged& merged = path.merged();
    for (Index l = 0; l < net_.depth(); ++l) {
      const LayerMap& map = merged.map(l);
      l > 0 && map.n_in() >= kWide ? apply_to_active(map)
                                   : map.apply(activation_.data(), z_.data());
      if (!activate(path, l)) return false;
    }
    return true;
  }

 private:
  static constexpr Index kWide = 32;  // with fewer neurons before, a list of them costs more

  // Apply a map to the neurons that are not zero: about half of them, or less.
  void apply_to_active(const LayerMap& map) {
    Index count = 0;
    for (Index k = 0; k < map.n_in(); ++k) {
      input_[count] = k, factor_[count] = activation_[k];
      count += activation_[k] != 0.0 ? 1 : 0;
    }
    map.combine(z_.data(), map.bias(), input_.data(), factor_.data(), count);
  }

  // Write what the layer hands on; false where a sign is in doubt.
  bool activate(const Path& path, Index l) {
    const Merged& merged = path.merged();
    const Index units = merged.units(l);
    const double* __restrict side = sides(path, l), * __restrict bound = merged.sign_error(l), * __restrict z = z_.data();
    double* __restrict activation = activation_.data();
    Longs proved = all(std::int64_t{-1});
    for (Index j = 0; j < padded(units); j += kLanes) {
      const Doubles value = load(z + j);
      proved &= load(side + j) * value > load(bound + j);
      store(activation + j, most(value, all(0.0)));
    }
    if (bits(proved) != 15 || net_.layer(l).has_slopes) return activate_singly(path, l);
    for (Index j = units; j < merged.width(l); ++j) activation[j] = z[j];
    return true;
  }

  // The signs of the kept units of a layer, and zeros behind them.
  const double* sides(const Path& path, Index l) {
    const double* all_sides = path.side.data() + net_.offset(l);
    if (path.merged().is_whole(l)) return all_sides;
    const Index units = path.merged().units(l);
    for (Index p = 0; p < units; ++p) side_[p] = all_sides[path.merged().neuron(l, p)];
    for (Index p = units; p < padded(units); ++p) side_[p] = 0.0;
    return side_.data();
  }

  // The same, unit by unit. Those that are identically zero on the cell are zero at the point
  // without looking, and of some nothing is asked.
  bool activate_singly(const Path& path, Index l) {
    const Merged& merged = path.merged();
    const Layer& layer = net_.layer(l);
    for (Index p = 0; p < merged.units(l); ++p) {
      const Index j = merged.neuron(l, p), unit = net_.offset(l) + j;
      const bool is_zero = path.is_zero[unit] != 0;
      if (!(path.sign[unit] * z_[p] > layer.sign_error[j] || is_zero)) return false;
      activation_[p] = is_zero ? 0.0 : z_[p] > 0.0 ? z_[p] : layer.slope[j] * z_[p];
    }
    for (Index p = merged.units(l); p < merged.width(l); ++p) activation_[p] = z_[p];
    return true;
  }

  const Network& net_;
  Array<double> activation_, z_;
  Array<double> side_;
  Array<Index> input_;
  Array<double> factor_;
};

// Return a unit's form at a point of the box, rounded, and a bound on what it is off by.
inline double form_at(const Network& net, const Path& path, Index unit, const double* x) {
  const double* form = path.form(unit);
  double value = form[0];
  for (Index i = 0; i < net.d(); ++i) value = fma(form[1 + i], x[i], value);
  return value;
}
inline double error_at(const Network& net, const Path& path, Index unit) {
  const double rounding = 2.0 * static_cast<double>(net.d() + 8) * kUnit * path.form_size[unit];
  return path.form_error[unit] + rounding + kUnderflow;
}

// Prove that a point is strictly inside the box and strictly on the path's side of its first
// `splits` splits.
inline bool is_inside(const Network& net, const Path& path, Index splits, const double* x) {
  for (Index i = 0; i < net.d(); ++i) {
    if (!(net.lower()[i] < x[i] && x[i] < net.upper()[i])) return false;
  }
  for (Index s = 0; s < splits; ++s) {
    const Index k = path.split_unit[s];
    if (!(path.sign[k] * form_at(net, path, k, x) > error_at(net, path, k))) return false;
  }
  return true;
}

}  // namespace nnce
