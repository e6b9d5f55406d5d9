// A network on a box, every quantity scaled by a power of two to a size of at most about 1.
//
// The box lies in [-1, 1]^D, and for each neuron |bias| + sum |weight| max(1, |slope|) is at most
// 1; so all values and all forms (forms.hpp) are at most 1 too, and so is what they err by in
// proportion. A layer has its units first, which may cut and have a bit each, then its
// pass-throughs, which do neither. A unit takes z to z where z > 0 and to slope * z elsewhere; of
// the units that tell the winner of a max, one at most passes something on (`MaxUnit`).
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "../max_unit.hpp"
#include "../rounding.hpp"
#include "bit_set.hpp"
#include "entries.hpp"

namespace nnce {

// A max whose first number is carried by a pass-through.
struct BasedMax : MaxUnit {
  Index base;
};

struct ScaledLayer {
  Index width;  // units and pass-throughs
  Index units;
  Matrix<double> weight;  // (inputs of the layer, padded width): weight[i][j] from i to j; none
                          // where the layer is gathered (gather.hpp)
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

  std::vector<BasedMax> maxima;
  Array<std::int32_t> max_of;     // (width) which max a unit, or the base of one, belongs to; or -1
  Array<std::uint8_t> low, high;  // (units) of a max: the numbers low < high that a unit compares
  Array<Word> of_max;             // the units that belong to one
  Array<double> ratio;            // (units) by what it is multiplied where it adds to the base
  // Where there are maxima, or the layer is gathered: the entries of the weight. Where it is
  // gathered, that of a max's base stands for all of its value.
  Entries entries;
  std::vector<Index> seen_start;   // (inputs + 1) where it is gathered: the neurons that see each
  std::vector<std::int32_t> seen;  // input are seen[seen_start[k]] … seen[seen_start[k + 1] - 1]

  [[nodiscard]] bool is_gathered() const { return !seen_start.empty(); }
  [[nodiscard]] std::span<const std::int32_t> seen_by(Index input) const {
    const auto k = static_cast<std::size_t>(input);
    return {seen.data() + seen_start[k], seen.data() + seen_start[k + 1]};
  }
  // The neuron that stands for the value which a neuron is or adds to: itself, or the base of its
  // max; -1 where it is never passed on.
  [[nodiscard]] Index value_of(Index neuron) const {
    if (neuron >= units || max_of[neuron] < 0) return neuron;
    return low[neuron] == 0 ? maxima[static_cast<std::size_t>(max_of[neuron])].base : -1;
  }
  // The max whose base a neuron is, or null.
  [[nodiscard]] const BasedMax* max_on(Index neuron) const {
    if (neuron < units || max_of[neuron] < 0) return nullptr;
    return &maxima[static_cast<std::size_t>(max_of[neuron])];
  }
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
  // layer before. Its neurons were divided by powers of two with these exponents.
  // Throws std::invalid_argument where it does not fit, or is not scaled.
  void add_layer(Entries weight, const std::vector<double>& bias, const std::vector<int>& exponents,
                 const std::vector<double>& slope, const Rounding& rounding,
                 std::vector<BasedMax> maxima) {
    const auto units = static_cast<Index>(slope.size());
    const Index width = weight.rows(), n_in = next_inputs();
    require(width >= 1 && units <= width, "a layer without neurons, or with too many slopes");
    require(static_cast<Index>(bias.size()) == width && bias.size() == exponents.size(),
            "a bias or exponents that do not fit their weight");
    require(rounding.error >= 0.0 && std::isfinite(rounding.error), "an error that bounds nothing");
    ScaledLayer layer{width,
                      units,
                      {},
                      Array<double>(padded(width)),
                      Array<double>(units),
                      Array<Word>(words_for(units)),
                      rounding.error,
                      Matrix<double>(dimension() + 1, padded(width)),
                      spread_behind(weight.longest(), rounding.inexact),
                      rounding.exact && !rounding.inexact,
                      !rounding.inexact && (layers_.empty() || layers_.back().central),
                      Array<Word>(words_for(units)),
                      rounding.inexact,
                      std::move(maxima),
                      Array<std::int32_t>(width),
                      Array<std::uint8_t>(units),
                      Array<std::uint8_t>(units),
                      Array<Word>(words_for(units)),
                      Array<double>(units),
                      std::move(weight),
                      {},
                      {}};
    for (Index k = 0; k < units; ++k) {
      layer.slope[k] = slope[static_cast<std::size_t>(k)];
      require(std::isfinite(layer.slope[k]), "a slope that is not finite");
      if (layer.slope[k] != 0.0) layer.leaky[k >> 6] |= bit_of(k);
    }
    for (Index j = 0; j < width; ++j) {
      layer.bias[j] = bias[static_cast<std::size_t>(j)];
      double size = std::fabs(layer.bias[j]);
      for (const Entry entry : layer.entries.of(j)) {
        size += std::fabs(entry.weight) * gain(entry.input);
      }
      require(size <= 1.0, "a neuron that is not scaled");
      layer.central = layer.central && layer.bias[j] == 0.0;
      if (size == 0.0 && j < units && !rounding.inexact) layer.dead[j >> 6] |= bit_of(j);
    }
    measure(layer);
    take_maxima(layer, exponents);
    keep_weight(layer, n_in);
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
  [[nodiscard]] double spread_behind(Index terms, bool inexact) const {
    if (inexact) return std::numeric_limits<double>::infinity();
    if (layers_.empty()) return 0.0;
    const double rounding = 2.0 * static_cast<double>(terms + 5) * kUnit;
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

  void take_maxima(ScaledLayer& layer, const std::vector<int>& exponents) {
    std::fill(layer.max_of.begin(), layer.max_of.end(), -1);
    Index after = 0;
    std::int32_t m = 0;
    for (const BasedMax& max : layer.maxima) {
      require(max.pieces >= 3 && max.pieces <= kMostPieces && max.first >= after &&
                  max.first <= layer.units - max.units(),
              "a max whose units are not its layer's");
      require(layer.units <= max.base && max.base < layer.width && layer.max_of[max.base] < 0,
              "a max without a base of its own");
      after = max.first + max.units();
      for (Index j = 1; j < max.pieces; ++j) {
        for (Index i = 0; i < j; ++i) {
          const Index k = max.first + max.unit(i, j);
          require(layer.slope[k] == 0.0, "a max with slopes");
          layer.max_of[k] = m;
          layer.low[k] = static_cast<std::uint8_t>(i);
          layer.high[k] = static_cast<std::uint8_t>(j);
          layer.of_max[k >> 6] |= bit_of(k);
          layer.ratio[k] = ratio_of(exponents[static_cast<std::size_t>(k)],
                                    exponents[static_cast<std::size_t>(max.base)]);
        }
      }
      layer.max_of[max.base] = m++;
    }
    has_maxima_ = has_maxima_ || !layer.maxima.empty();
  }

  static double ratio_of(int a, int b) {
    constexpr Index most = 3000;  // more is no number
    return std::ldexp(1.0, static_cast<int>(std::clamp(Index{a} - b, -most, most)));
  }

  // Keep the weight of a layer in the form in which it is needed: a sparse one is gathered, from
  // the first layer with maxima on. Behind such a layer no sum is shared by many cells, as forms
  // before it change with each of them.
  void keep_weight(ScaledLayer& layer, Index n_in) const {
    const auto entries = static_cast<Index>(layer.entries.entry.size()), size = n_in * layer.width;
    const bool is_sparse = size >= kSmall && entries < size / kSparse;
    if (has_maxima_ && !layers_.empty() && is_sparse && merge_values(layer.entries)) {
      list_seen(layer, n_in);
      return;
    }
    layer.weight = Matrix<double>(n_in, padded(layer.width));
    for (Index j = 0; j < layer.width; ++j) {
      for (const Entry entry : layer.entries.of(j)) layer.weight[entry.input][j] = entry.weight;
    }
    if (layer.maxima.empty()) layer.entries = {};
  }

  // Leave of the entries for the neurons of each max before those for its base. False, and nothing
  // is changed, where the others are not the same weight for what they add.
  [[nodiscard]] bool merge_values(Entries& entries) const {
    const ScaledLayer& before = layers_.back();
    Entries merged{{0}, {}};
    for (Index j = 0; j < entries.rows(); ++j) {
      const std::span<const Entry> row = entries.of(j);
      Index missing = 0;
      for (const Entry entry : row) {
        const Index value = before.value_of(entry.input);
        if (value == entry.input) {
          merged.entry.push_back(entry);
          const BasedMax* max = before.max_on(value);
          if (max != nullptr && entry.weight != 0.0) missing += max->pieces - 1;
        } else if (value >= 0 && entry.weight != 0.0) {
          if (entry.weight != before.ratio[entry.input] * weight_in(row, value)) return false;
          missing -= 1;
        }
      }
      if (missing != 0) return false;
      merged.start.push_back(static_cast<Index>(merged.entry.size()));
    }
    entries = std::move(merged);
    return true;
  }

  // The weight of an input in a row of entries, 0 where it has none.
  static double weight_in(std::span<const Entry> row, Index input) {
    const auto less = [](const Entry& entry, Index i) { return entry.input < i; };
    const auto at = std::lower_bound(row.begin(), row.end(), input, less);
    return at != row.end() && at->input == input ? at->weight : 0.0;
  }

  static void list_seen(ScaledLayer& layer, Index n_in) {
    layer.seen_start.resize(static_cast<std::size_t>(n_in) + 1);
    for (const Entry entry : layer.entries.entry) {
      ++layer.seen_start[static_cast<std::size_t>(entry.input) + 1];
    }
    std::partial_sum(layer.seen_start.begin(), layer.seen_start.end(), layer.seen_start.begin());
    layer.seen.resize(layer.entries.entry.size());
    std::vector<Index> end = layer.seen_start;
    for (Index j = 0; j < layer.width; ++j) {
      for (const Entry entry : layer.entries.of(j)) {
        const Index place = end[static_cast<std::size_t>(entry.input)]++;
        layer.seen[static_cast<std::size_t>(place)] = static_cast<std::int32_t>(j);
      }
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
  static constexpr Index kSmall = 4096;  // below, a dense weight is as fast
  static constexpr Index kSparse = 8;    // entries in a share of 1 / this are few

  Index units_ = 0;
  bool has_maxima_ = false;
};

}  // namespace nnce
