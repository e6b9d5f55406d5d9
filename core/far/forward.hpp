// A forward pass with a bound on its rounding at the very point, not over the box.
#pragma once

#include <algorithm>
#include <cmath>

#include "../array.hpp"
#include "../network.hpp"
#include "../path.hpp"
#include "../rounding.hpp"

namespace nnce {

// For points near the origin of a box far larger than they are (moves.hpp): what `ForwardPass`
// allows for rounding anywhere in the box is more than they are off all hyperplanes.
class NearForward {
 public:
  explicit NearForward(const Network& net)
      : net_(net),
        value_(padded(std::max(net.d(), net.widest()))),
        error_(value_.size()),
        z_(padded(net.widest())),
        z_error_(padded(net.widest())),
        input_(value_.size()),
        unsure_(value_.size()) {
    for (Index k = 0; k < input_.size(); ++k) input_[k] = k;
  }

  // Prove that a point lies strictly inside the box and has exactly the path's signs.
  bool has_signs_of(const Path& path, const double* point) {
    for (Index i = 0; i < net_.d(); ++i) {
      if (!(net_.lower()[i] < point[i] && point[i] < net_.upper()[i])) return false;
      value_[i] = point[i];
      error_[i] = 0.0;
    }
    for (Index l = 0; l < net_.depth(); ++l) {
      apply(net_.layer(l));
      if (!activate(path, l)) return false;
    }
    return true;
  }

 private:
  static constexpr double kUpwards = 1.0 + 1e-9;  // more than the rounding of the bounds takes away

  void apply(const Layer& layer) {
    const LayerMap& map = layer.map;
    const double rounding = (2.0 * static_cast<double>(map.n_in() + 4) + layer.inexact) * kUnit;
    map.apply(value_.data(), z_.data());
    for (Index k = 0; k < map.n_in(); ++k) {
      const double size = std::fabs(value_[k]) + error_[k];
      unsure_[k] = (error_[k] + rounding * size + kUnderflow) * kUpwards;
    }
    for (Index j = 0; j < layer.width(); ++j) {
      z_error_[j] = rounding * std::fabs(map.bias()[j]) + kUnderflow;
    }
    map.combine_sizes(z_error_.data(), input_.data(), unsure_.data(), map.n_in());
  }

  // Write what the layer hands on; false where a sign is in doubt.
  bool activate(const Path& path, Index l) {
    const Layer& layer = net_.layer(l);
    for (Index j = 0; j < layer.width(); ++j) {
      value_[j] = z_[j], error_[j] = z_error_[j] * kUpwards;
      if (j >= layer.units) continue;
      const Index unit = net_.offset(l) + j;
      const bool is_zero = path.is_zero[unit] != 0;
      if (!(path.sign[unit] * value_[j] > error_[j] || is_zero)) return false;
      const double slope = is_zero ? 0.0 : path.slope(l, j);
      value_[j] *= slope;
      error_[j] = std::fabs(slope) * error_[j] + kUnit * std::fabs(value_[j]) + kUnderflow;
    }
    return true;
  }

  const Network& net_;
  Array<double> value_, error_;  // what the layer before hands on, and bounds on its error
  Array<double> z_, z_error_;
  Array<Index> input_;  // 0, 1, 2, …
  Array<double> unsure_;
};

}  // namespace nnce
