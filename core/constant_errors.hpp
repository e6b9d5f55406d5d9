// What the constants of a path's forms are off by.
#pragma once

#include <cmath>
#include <vector>

#include "array.hpp"
#include "network.hpp"
#include "path.hpp"
#include "rounding.hpp"

namespace nnce {

// `Path` bounds the error of a form over the box. On a box far larger than the biases that says
// nothing of the constant alone, which is made of biases only. Layers are computed when they are
// asked for, and kept as long as the path keeps its own.
class ConstantErrors {
 public:
  ConstantErrors(const Network& net, const Path& path)
      : net_(net),
        path_(path),
        version_(net.depth()),
        input_(net.widest()),
        inherited_(net.widest()) {
    for (Index l = 0; l < net.depth(); ++l) error_.emplace_back(padded(net.layer(l).width()));
  }

  // Make the errors of the layers up to l those of the path's cell.
  void pull_back_to(Index l) {
    for (Index m = 0; m <= l; ++m) {
      if (version_[m] == path_.version(m)) continue;
      pull_back(m);
      version_[m] = path_.version(m);
    }
  }

  // A bound on the error of the constant of a unit's form.
  [[nodiscard]] double of(Index unit) const {
    const Index l = net_.layer_of(unit);
    const double error = error_[static_cast<std::size_t>(l)][unit - net_.offset(l)];
    return path_.scale[unit] * error * kUpwards + kUnderflow;
  }

 private:
  static constexpr double kUpwards = 1.0 + 1e-9;  // more than the rounding of a bound takes away

  // As in `Path`: what the layer before was off by, and the rounding of the sums.
  void pull_back(Index l) {
    const Layer& layer = net_.layer(l);
    const LayerMap& map = layer.map;
    double* error = error_[static_cast<std::size_t>(l)].data();
    const double given = kUnit * layer.inexact;
    const Index terms = map.n_in() + 4 + (l > 0 && net_.layer(l - 1).has_slopes ? 2 : 0);
    const double rounding = l == 0 ? given : 2.0 * static_cast<double>(terms) * kUnit + given;
    for (Index j = 0; j < layer.width(); ++j) {
      error[j] = rounding * std::fabs(map.bias()[j]) + kUnderflow;
    }
    if (l == 0) return;
    Index count = 0;
    for (Index k = 0; k < net_.layer(l - 1).width(); ++k) {
      const double slope = std::fabs(path_.slope(l - 1, k));
      if (slope == 0.0) continue;
      const double before = error_[static_cast<std::size_t>(l - 1)][k];
      input_[count] = k;
      inherited_[count++] =
          slope * (before + rounding * std::fabs(path_.constant(l - 1, k))) * kUpwards;
    }
    map.combine_sizes(error, input_.data(), inherited_.data(), count);
  }

  const Network& net_;
  const Path& path_;
  std::vector<Array<double>> error_;  // of each layer (width padded)
  Array<Index> version_;              // (L) that of the path's forms these are of
  Array<Index> input_;
  Array<double> inherited_;
};

}  // namespace nnce
