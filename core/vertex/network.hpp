// A network on a box, every quantity scaled by a power of two to a size of at most about 1.
//
// The box lies in [-1, 1]^D, and for each neuron |bias| + sum |weight| max(1, |slope|) is at most
// 1; so all values and all forms (forms.hpp) are at most 1 too, and so is what they err by in
// proportion. A layer has its units first, which may cut and have a bit each, then its
// pass-throughs, which do neither. A unit takes z to z where z > 0 and to slope * z elsewhere; of
// the units that tell the winner of a max, one at most passes something on (`MaxUnit`).
#pragma once

#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include "../max_unit.hpp"
#include "../rounding.hpp"
#include "bit_set.hpp"
#include "entries.hpp"

namespace nnce {

struct ScaledLayer {
  Index width;  // units and pass-throughs
  Index units;
  Matrix<double> weight;  // (inputs of the layer, padded width): weight[i][j] from i to j
  Array<double> bias;     // (padded width)
  Array<double> slope;    // (units) on the inactive side
  Array<Word> leaky;      // the units whose slope is not 0
  double error;           // how far a form of the layer may be from the true one, over the box
  // What the sizes of the terms of each coefficient sum to, whatever units are active; and how far
  // a coefficient may be from the true one, as a share of that.
  Matrix<double> size;  // (D + 1, padded width), the constants first
  double spread;
  bool exact;        // float64 holds all forms exactly
  bool central;      // no neuron up to here has a bias: all forms are zero at the origin
  Array<Word> dead;  // the units without weights and bias, which are zero everywhere
  bool rounded;      // the weights are

  std::vector<MaxUnit> maxima;
  Array<std::int32_t> max_of;     // (units) which max a unit belongs to, or -1
  Array<std::uint8_t> low, high;  // (units) of a max: the numbers low < high it compares
  Entries entries;                // of the weight by neurons, where there are maxima
};

// What is known of how numbers of a layer were rounded before they came here.
struct Rounding {
  double error;  // see ScaledLayer
  bool inexact;  // the weights are rounded
  bool exact;    // see ScaledLayer
};

class VertexNetwork {
 public:
  // `inputs` is how many inputs vary. There are as many bounds, or two for one input: the second
  // then has no weight, so that the cells are polygons. Throws std::invalid_argument.
  VertexNetwork(Index inputs, std::vector<double> lower, std::vector<double> upper)
      : inputs_(inputs), lower_(std::move(lower)), upper_(std::move(upper)) {
    const std::size_t dimension = lower_.size();
    require(upper_.size() == dimension, "bounds of two lengths");
    require(dimension == 2 || dimension == 3, "a dimension that is neither 2 nor 3");
    require(inputs == static_cast<Index>(dimension) || (inputs == 1 && dimension == 2),
            "a number of inputs that does not fit the box");
    for (std::size_t i = 0; i < dimension; ++i) {
      require(-1.0 <= lower_[i] && lower_[i] < upper_[i] && upper_[i] <= 1.0,
              "a box that is empty or not in [-1, 1]^D");
    }
  }

  VertexNetwork(VertexNetwork&&) = default;

  // Add a layer behind the others, with the entries of its weight, none of which is beyond the
  // layer before. Throws std::invalid_argument where it does not fit, or is not scaled.
  void add_layer(Entries weight, const std::vector<double>& bias, const std::vector<double>& slope,
                 const Rounding& rounding, std::vector<MaxUnit> maxima) {
    const auto units = static_cast<Index>(slope.size());
    const Index width = weight.rows(), n_in = next_inputs();
    require(width >= 1 && units <= width, "a layer without neurons, or with too many slopes");
    require(static_cast<Index>(bias.size()) == width, "a bias that does not fit its weight");
    require(rounding.error >= 0.0 && std::isfinite(rounding.error), "an error that bounds nothing");
    ScaledLayer layer{width,
                      units,
                      Matrix<double>(n_in, padded(width)),
                      Array<double>(padded(width)),
                      Array<double>(units),
                      Array<Word>(words_for(units)),
                      rounding.error,
                      Matrix<double>(dimension() + 1, padded(width)),
                      spread_behind(n_in, rounding.inexact),
                      rounding.exact && !rounding.inexact,
                      !rounding.inexact && (layers_.empty() || layers_.back().central),
                      Array<Word>(words_for(units)),
                      rounding.inexact,
                      std::move(maxima),
                      Array<std::int32_t>(units),
                      Array<std::uint8_t>(units),
                      Array<std::uint8_t>(units),
                      std::move(weight)};
    for (Index k = 0; k < units; ++k) {
      layer.slope[k] = slope[static_cast<std::size_t>(k)];
      require(std::isfinite(layer.slope[k]), "a slope that is not finite");
      if (layer.slope[k] != 0.0) layer.leaky[k >> 6] |= bit_of(k);
    }
    for (Index j = 0; j < width; ++j) {
      layer.bias[j] = bias[static_cast<std::size_t>(j)];
      double size = std::fabs(layer.bias[j]);
      for (const Entry entry : layer.entries.of(j)) {
        layer.weight[entry.input][j] = entry.weight;
        size += std::fabs(entry.weight) * gain(entry.input);
      }
      require(size <= 1.0, "a neuron that is not scaled");
      layer.central = layer.central && layer.bias[j] == 0.0;
      if (size == 0.0 && j < units && !rounding.inexact) layer.dead[j >> 6] |= bit_of(j);
    }
    measure(layer);
    take_maxima(layer);
    if (layer.maxima.empty()) layer.entries = {};
    units_ += units;
    layers_.push_back(std::move(layer));
  }

  [[nodiscard]] Index inputs() const { return inputs_; }
  // The number of inputs of the layer that is to be added next.
  [[nodiscard]] Index next_inputs() const {
    return layers_.empty() ? dimension() : layers_.back().width;
  }
  [[nodiscard]] Index dimension() const { return static_cast<Index>(lower_.size()); }
  [[nodiscard]] double lower(Index i) const { return lower_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] double upper(Index i) const { return upper_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] Index depth() const { return static_cast<Index>(layers_.size()); }
  [[nodiscard]] const ScaledLayer& operator[](Index layer) const {
    return layers_[static_cast<std::size_t>(layer)];
  }
  // All units: those of layer l have the numbers from first_unit(l) on.
  [[nodiscard]] Index units() const { return units_; }

 private:
  static void require(bool holds, const char* otherwise) {
    if (!holds) throw std::invalid_argument(otherwise);
  }

  // A coefficient is a sum of products of coefficients of the layer before (Higham 2002, section
  // 3.1); those of the first layer are its weights.
  [[nodiscard]] double spread_behind(Index n_in, bool inexact) const {
    if (inexact) return std::numeric_limits<double>::infinity();
    if (layers_.empty()) return 0.0;
    const double rounding = 2.0 * static_cast<double>(n_in + 5) * kUnit;
    return (layers_.back().spread * (1.0 + rounding) + rounding) * (1.0 + 0x1p-20);
  }

  void measure(ScaledLayer& layer) const {
    for (Index j = 0; j < layer.width; ++j) {
      for (Index i = 0; i <= dimension(); ++i) {
        double size = i == 0 ? std::fabs(layer.bias[j]) : 0.0;
        for (const Entry entry : layer.entries.of(j)) {
          const Index k = entry.input;
          const double before = !layers_.empty() ? gain(k) * layers_.back().size[i][k]
                                : k == i - 1     ? 1.0
                                                 : 0.0;
          size += std::fabs(entry.weight) * before;
        }
        layer.size[i][j] = size * (1.0 + 0x1p-20);
      }
    }
  }

  static void take_maxima(ScaledLayer& layer) {
    std::fill(layer.max_of.begin(), layer.max_of.end(), -1);
    Index after = 0;
    std::int32_t m = 0;
    for (const MaxUnit& max : layer.maxima) {
      require(max.pieces >= 3 && max.pieces <= kMostPieces && max.first >= after &&
                  max.first <= layer.units - max.units(),
              "a max whose units are not its layer's");
      after = max.first + max.units();
      for (Index j = 1; j < max.pieces; ++j) {
        for (Index i = 0; i < j; ++i) {
          const Index k = max.first + max.unit(i, j);
          require(layer.slope[k] == 0.0, "a max with slopes");
          layer.max_of[k] = m;
          layer.low[k] = static_cast<std::uint8_t>(i);
          layer.high[k] = static_cast<std::uint8_t>(j);
        }
      }
      ++m;
    }
  }

  // How much larger than the neuron k of the last layer what it passes on may be.
  [[nodiscard]] double gain(Index k) const {
    if (layers_.empty() || k >= layers_.back().units) return 1.0;
    return std::fmax(1.0, std::fabs(layers_.back().slope[k]));
  }

  Index inputs_;
  std::vector<double> lower_, upper_;
  std::vector<ScaledLayer> layers_;
  Index units_ = 0;
};

}  // namespace nnce
