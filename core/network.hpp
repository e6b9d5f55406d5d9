// A network on a box, as the walks read it.
//
// Names: d is the number of inputs, L that of hidden layers. Layer l has `width` neurons: its
// *units*, which can cut a cell and have a bit, and after them *pass-throughs*, which carry a value
// past the layer. Unit i of layer l (both from 0) has the global index `offset[l] + i`; N is the
// number of all units. The largest of three or more numbers is told by several units (`MaxUnit`).
#pragma once

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>
#include <vector>

#include "array.hpp"
#include "layer_map.hpp"
#include "max_unit.hpp"

namespace nnce {

struct Layer {
  LayerMap map;
  Index units = 0;
  Array<double> slope;       // (units) a unit maps z <= 0 to slope * z; 0 for ReLU
  Array<double> sign_error;  // (units padded with -1.0) bound on the error of a float forward pass
                             // inside the box
  std::vector<MaxUnit> maxima;
  bool has_slopes = false;  // whether any slope is not 0
  double inexact = 0.0;     // 1.0 where the float64 weights are rounded from rationals
  bool has_bias = true;     // whether any bias is not 0, before it is rounded

  [[nodiscard]] Index width() const { return map.n_out(); }
};

class Network {
 public:
  // `lower`, `upper` and `magnitude` (inputs): the box, and a bound on |x| over it.
  // Throws std::invalid_argument where sizes are at odds or bounds are none.
  Network(Index inputs, const double* lower, const double* upper, const double* magnitude,
          std::vector<Layer> layers)
      : d_(inputs),
        lower_(padded(inputs)),
        upper_(padded(inputs)),
        magnitude_(padded(inputs)),
        span_(padded(inputs)),
        layers_(std::move(layers)) {
    take_box(lower, upper, magnitude);
    offset_.push_back(0);
    Index n_in = d_;
    for (const Layer& layer : layers_) {
      check(layer, n_in);
      n_in = layer.width();
      offset_.push_back(offset_.back() + layer.units);
    }
    for (Index l = 0; l < depth(); ++l) {
      last_biased_.push_back(layer(l).has_bias ? l : l == 0 ? -1 : last_biased_.back());
    }
    layer_of_ = Array<Index>(units());
    max_of_ = Array<Index>(units());
    is_comparison_ = Array<std::uint8_t>(units());
    max_of_.fill(kNoMax);
    for (Index l = 0; l < depth(); ++l) {
      for (Index k = offset(l); k < offset(l + 1); ++k) layer_of_[k] = l;
      for (const MaxUnit& max : layer(l).maxima) take_max(max, offset(l) + max.first);
    }
  }

  [[nodiscard]] Index d() const { return d_; }
  [[nodiscard]] Index depth() const { return static_cast<Index>(layers_.size()); }
  [[nodiscard]] Index units() const { return offset_.back(); }
  [[nodiscard]] const Layer& layer(Index l) const { return layers_[static_cast<std::size_t>(l)]; }
  [[nodiscard]] Index offset(Index l) const { return offset_[static_cast<std::size_t>(l)]; }
  [[nodiscard]] Index layer_of(Index unit) const { return layer_of_[unit]; }
  // The maxima of all layers, in order; `first` counts through all units here.
  [[nodiscard]] Index maxima() const { return static_cast<Index>(maxima_.size()); }
  [[nodiscard]] const MaxUnit& max(Index m) const { return maxima_[static_cast<std::size_t>(m)]; }
  // Which of them a unit belongs to, `kNoMax` where it is one of its own.
  static constexpr Index kNoMax = -1;
  [[nodiscard]] Index max_of(Index unit) const { return max_of_[unit]; }
  // Whether a unit compares two numbers of a max other than the first: it is never handed on.
  [[nodiscard]] bool is_comparison(Index unit) const { return is_comparison_[unit] != 0; }
  [[nodiscard]] const double* lower() const { return lower_.data(); }
  [[nodiscard]] const double* upper() const { return upper_.data(); }
  [[nodiscard]] const double* magnitude() const { return magnitude_.data(); }
  [[nodiscard]] const double* span() const { return span_.data(); }
  [[nodiscard]] Index widest() const {
    Index n = 0;
    for (const Layer& layer : layers_) n = layer.width() > n ? layer.width() : n;
    return n;
  }
  [[nodiscard]] Index most_units() const {
    Index n = 0;
    for (const Layer& layer : layers_) n = layer.units > n ? layer.units : n;
    return n;
  }
  // Whether no layer has a bias, so that every unit is linear on a cell.
  [[nodiscard]] bool is_linear() const { return is_linear(0, depth() - 1); }
  // The same of layers l … m alone: their units are linear in what is handed on to layer l.
  [[nodiscard]] bool is_linear(Index l, Index m) const {
    return l > m || last_biased_[static_cast<std::size_t>(m)] < l;
  }
  // Whether that is so of any layer.
  [[nodiscard]] bool is_partly_linear() const {
    return std::any_of(layers_.begin(), layers_.end(),
                       [](const Layer& layer) { return !layer.has_bias; });
  }
  // The number of bytes of a layer's packed sign vector, and of all layers'.
  [[nodiscard]] Index bytes(Index l) const { return (layer(l).units + 7) / 8; }
  [[nodiscard]] Index bytes() const {
    Index n = 0;
    for (Index l = 0; l < depth(); ++l) n += bytes(l);
    return n;
  }

 private:
  static constexpr Index kMostUnits = Index{1} << 30;

  void take_max(const MaxUnit& max, Index first) {
    for (Index k = 0; k < max.units(); ++k) {
      max_of_[first + k] = static_cast<Index>(maxima_.size());
      is_comparison_[first + k] = k >= max.pieces - 1 ? 1 : 0;
    }
    maxima_.push_back({first, max.pieces});
  }

  void take_box(const double* lower, const double* upper, const double* magnitude) {
    if (layers_.empty()) throw std::invalid_argument("a network needs a hidden layer");
    for (Index i = 0; i < d_; ++i) {
      lower_[i] = lower[i];
      upper_[i] = upper[i];
      magnitude_[i] = magnitude[i];
      span_[i] = upper[i] - lower[i];
      if (!(std::isfinite(lower[i]) && std::isfinite(upper[i]) && span_[i] > 0.0 &&
            magnitude[i] >= 0.0)) {
        throw std::invalid_argument("an input needs finite bounds, the lower below the upper");
      }
    }
  }

  void check(const Layer& layer, Index n_in) const {
    if (layer.map.n_in() != n_in || layer.units < 1 || layer.units > layer.width() ||
        layer.slope.size() != layer.units || layer.sign_error.size() != padded(layer.units) ||
        layer.width() > kMostUnits || units() > kMostUnits) {
      throw std::invalid_argument("the arrays of a layer have sizes at odds");
    }
    Index after = 0;
    for (const MaxUnit& max : layer.maxima) {
      if (max.pieces < 3 || max.pieces > kMostPieces || max.first < after ||
          max.first > layer.units - max.units()) {
        throw std::invalid_argument("the units of a max are not its layer's");
      }
      after = max.first + max.units();
      for (Index j = max.first; j < after; ++j) {
        if (layer.slope[j] != 0.0) throw std::invalid_argument("a max with slopes");
      }
    }
  }

  Index d_;
  Array<double> lower_, upper_, magnitude_, span_;  // (d padded)
  std::vector<Layer> layers_;
  std::vector<Index> offset_;
  std::vector<Index> last_biased_;  // (L) the last layer up to each one that has a bias, or -1
  Array<Index> layer_of_;
  std::vector<MaxUnit> maxima_;
  Array<Index> max_of_;                // (N)
  Array<std::uint8_t> is_comparison_;  // (N)
};

}  // namespace nnce
