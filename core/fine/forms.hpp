// The units of a path's layers as affine functions of the input, with 106 bits.
#pragma once

#include <cmath>
#include <vector>

#include "../array.hpp"
#include "../network.hpp"
#include "../path.hpp"
#include "double_double.hpp"

namespace nnce {

// The forms of `Path` once more, each times the same power of two. Layers are computed when they
// are asked for, and kept as long as the path keeps its own.
class FineForms {
 public:
  FineForms(const Network& net, const Path& path)
      : net_(net),
        path_(path),
        forms_(net.units(), net.d() + 1),
        form_size_(net.units()),
        form_error_(net.units()),
        version_(net.depth()) {
    for (Index l = 0; l < net.depth(); ++l) {
      gradient_.emplace_back(net.layer(l).width(), net.d() + 1);
      size_.emplace_back(net.layer(l).width());
      error_.emplace_back(net.layer(l).width());
    }
  }

  // Make the forms of the layers up to l those of the path's cell.
  void pull_back_to(Index l) {
    for (Index m = 0; m <= l; ++m) {
      if (version_[m] == path_.version(m)) continue;
      pull_back(m);
      version_[m] = path_.version(m);
    }
  }

  // A unit's form: its constant, then its d coefficients.
  [[nodiscard]] const DoubleDouble* form(Index unit) const { return forms_[unit]; }
  // Bounds over the box on |constant| + sum |coefficient| |x|, and on the form's error.
  [[nodiscard]] double size(Index unit) const { return form_size_[unit]; }
  [[nodiscard]] double error(Index unit) const { return form_error_[unit]; }
  // As in `Path`.
  [[nodiscard]] bool may_vanish(Index unit) const {
    return may_be_zero(form_size_[unit], form_error_[unit]);
  }

 private:
  // As in `Path`: what the layer before was off by, and the rounding of the sums.
  void pull_back(Index l) {
    const Layer& layer = net_.layer(l);
    const double unit = kUnit * layer.inexact;
    Matrix<DoubleDouble>& gradient = gradient_[at(l)];
    Array<double>& error = error_[at(l)];
    for (Index j = 0; j < layer.width(); ++j) {
      for (Index i = 0; i <= net_.d(); ++i) gradient[j][i] = 0.0;
      gradient[j][0] = layer.map.bias()[j];
      error[j] = 0.0;
    }
    l == 0 ? take_first(layer) : combine_active(l, layer, unit);
    for (Index j = 0; j < layer.width(); ++j) {
      double size = std::fabs(gradient[j][0].high);
      for (Index i = 0; i < net_.d(); ++i) {
        size += std::fabs(gradient[j][1 + i].high) * net_.magnitude()[i];
      }
      size_[at(l)][j] = size;
      if (l == 0) error[j] = unit * size;
    }
    for (Index j = 0; j < layer.units; ++j) scale_form(l, j);
  }

  void take_first(const Layer& layer) {
    for (Index i = 0; i < net_.d(); ++i) {
      layer.map.for_entries(i, [&](Index j, double w) { gradient_[0][j][1 + i] = w; });
    }
  }

  void combine_active(Index l, const Layer& layer, double unit) {
    const Layer& before = net_.layer(l - 1);
    const Index terms = layer.map.n_in() + 4 + (before.has_slopes ? 2 : 0);
    const double rounding = 2.0 * static_cast<double>(terms) * kFineUnit + unit;
    Matrix<DoubleDouble>& gradient = gradient_[at(l)];
    Array<double>& error = error_[at(l)];
    for (Index j = 0; j < layer.width(); ++j) {
      error[j] = rounding * std::fabs(layer.map.bias()[j]) + kUnderflow;
    }
    for (Index k = 0; k < before.width(); ++k) {
      const double slope = path_.slope(l - 1, k);
      if (slope == 0.0) continue;
      const double inherited =
          std::fabs(slope) * (error_[at(l - 1)][k] + rounding * size_[at(l - 1)][k] + kUnderflow);
      const DoubleDouble* from = gradient_[at(l - 1)][k];
      layer.map.for_entries(k, [&](Index j, double w) {
        const DoubleDouble factor = DoubleDouble::of_product(w, slope);
        for (Index i = 0; i <= net_.d(); ++i) gradient[j][i] = gradient[j][i] + factor * from[i];
        error[j] += std::fabs(w) * inherited;
      });
    }
  }

  void scale_form(Index l, Index j) {
    const Index k = net_.offset(l) + j;
    const double factor = path_.scale[k];
    for (Index i = 0; i <= net_.d(); ++i) forms_[k][i] = gradient_[at(l)][j][i].scaled(factor);
    form_size_[k] = factor * size_[at(l)][j];
    form_error_[k] = factor * error_[at(l)][j];
  }

  static std::size_t at(Index l) { return static_cast<std::size_t>(l); }

  const Network& net_;
  const Path& path_;
  Matrix<DoubleDouble> forms_;                  // (N, 1 + d)
  Array<double> form_size_, form_error_;        // (N)
  std::vector<Matrix<DoubleDouble>> gradient_;  // of each layer (width, 1 + d), constants first
  std::vector<Array<double>> size_, error_;     // of each layer (width)
  Array<Index> version_;                        // (L) that of the path's forms these are of
};

}  // namespace nnce
