// A forward pass with 106 bits, and a bound on its rounding at the very point.
#pragma once

#include <cmath>

#include "../array.hpp"
#include "../network.hpp"
#include "../path.hpp"
#include "../rounding.hpp"
#include "double_double.hpp"

namespace nnce {

class FineForward {
 public:
  explicit FineForward(const Network& net)
      : net_(net),
        value_(std::max(net.d(), net.widest())),
        error_(std::max(net.d(), net.widest())),
        z_(net.widest()),
        z_error_(net.widest()) {}

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
  void apply(const Layer& layer) {
    const LayerMap& map = layer.map;
    const double rounding =
        2.0 * static_cast<double>(map.n_in() + 4) * kFineUnit + kUnit * layer.inexact;
    for (Index j = 0; j < layer.width(); ++j) {
      z_[j] = map.bias()[j];
      z_error_[j] = rounding * std::fabs(map.bias()[j]) + kUnderflow;
    }
    for (Index k = 0; k < map.n_in(); ++k) {
      const double size = std::fabs(value_[k].high), error = error_[k];
      if (size == 0.0 && error == 0.0) continue;
      map.for_entries(k, [&](Index j, double w) {
        z_[j] = z_[j] + value_[k] * w;
        z_error_[j] += std::fabs(w) * (error + rounding * (size + error)) * (1.0 + 1e-9);
      });
    }
  }

  // Write what the layer hands on; false where a sign is in doubt.
  bool activate(const Path& path, Index l) {
    const Layer& layer = net_.layer(l);
    for (Index j = 0; j < layer.width(); ++j) {
      value_[j] = z_[j], error_[j] = z_error_[j];
      if (j >= layer.units) continue;
      const Index unit = net_.offset(l) + j;
      const bool is_zero = path.is_zero[unit] != 0;
      if (!(path.sign[unit] * z_[j].high > z_error_[j] || is_zero)) return false;
      const double slope = is_zero ? 0.0 : path.slope(l, j);
      value_[j] = value_[j] * slope;
      error_[j] = std::fabs(slope) * error_[j] +
                  (slope == 1.0 ? 0.0 : kFineUnit * std::fabs(value_[j].high));
    }
    return true;
  }

  const Network& net_;
  Array<DoubleDouble> value_;  // what the layer before hands on,
  Array<double> error_;        // and bounds on its error
  Array<DoubleDouble> z_;
  Array<double> z_error_;
};

}  // namespace nnce
