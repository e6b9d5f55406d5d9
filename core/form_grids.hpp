// Of which power of two all coefficients of a layer's forms are multiples, and whether float64
// holds them.
#pragma once

#include <algorithm>
#include <cmath>

#include "array.hpp"
#include "binary.hpp"
#include "network.hpp"

namespace nnce {

class FormGrids {
 public:
  explicit FormGrids(const Network& net) : exponent_(net.depth()), fit_(net.depth()) {
    int exponent = 0;
    double largest = 1.0;
    bool fit = true;
    for (; known_ < net.depth(); ++known_) {
      const Layer& layer = net.layer(known_);
      if (layer.inexact != 0.0) return;
      if (known_ > 0) see_through(net.layer(known_ - 1), exponent, largest);
      take(layer, exponent, largest);
      // No sum on the way to them gets 2^53 times as large as the power of two.
      fit = fit && exponent > kLowest && std::isfinite(largest) &&
            std::log2(largest) - exponent < 52.5;
      exponent_[known_] = exponent;
      fit_[known_] = fit ? 1 : 0;
    }
  }

  // Whether there is such a power: not where weights are rounded.
  [[nodiscard]] bool is_known(Index layer) const { return layer < known_; }
  [[nodiscard]] int exponent(Index layer) const { return exponent_[layer]; }
  // Whether float64 holds all forms exactly.
  [[nodiscard]] bool fit(Index layer) const { return fit_[layer] != 0; }

 private:
  static constexpr int kLowest = -1000;  // far from where products underflow
  static constexpr int kNone = 1 << 20;

  // Slopes of inactive units multiply forms before the next layer does.
  static void see_through(const Layer& before, int& exponent, double& largest) {
    int lowest = 0;
    double most = 1.0;
    for (const double slope : before.slope) {
      if (slope != 0.0) lowest = std::min(lowest, lowest_bit(slope));
      most = std::max(most, std::fabs(slope));
    }
    exponent += lowest;
    largest *= most;
  }

  static void take(const Layer& layer, int& exponent, double& largest) {
    const Index n_in = layer.map.n_in();
    int weights = kNone, biases = kNone;
    double sum = 0.0;
    for (Index j = 0; j < layer.width(); ++j) {
      double row = std::fabs(layer.map.bias()[j]);
      if (row != 0.0) biases = std::min(biases, lowest_bit(row));
      for (Index i = 0; i < n_in; ++i) {
        const double w = layer.map.entry(j, i);
        if (w == 0.0) continue;
        weights = std::min(weights, lowest_bit(w));
        row += std::fabs(w) * largest;
      }
      sum = std::max(sum, row);
    }
    exponent = std::min(weights == kNone ? exponent : exponent + weights, biases);
    largest = std::max(sum, 1e-300);
  }

  Array<int> exponent_;      // (L)
  Array<std::uint8_t> fit_;  // (L)
  Index known_ = 0;
};

}  // namespace nnce
