// Ranks of cells by elimination modulo a prime, along the sorted rows of a table.
//
// Reduction modulo a prime can only lower a rank, so the rank found is a lower bound; where it
// equals the upper bound (the rank at the layer before, the neurons that pass something on) it is
// the rank.
//
// The prime is 2^31 - 1, so 2^31 is 1 modulo it: folding the high bits onto the low ones takes the
// place of a division. Residues are 32 bits wide and their products 64, which vectorises, and a row
// is eliminated by cross-multiplication, which needs no inverse.
#pragma once

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <utility>
#include <vector>

#include "array.hpp"

namespace nnce {

inline constexpr std::uint64_t kPrime = (std::uint64_t{1} << 31) - 1;

// Return the product of 32-bit numbers, whole: one instruction of vector units too.
constexpr std::uint64_t product(std::uint32_t a, std::uint32_t b) { return std::uint64_t{a} * b; }

// Return a number below 2^33 that is congruent to x, which is below 2^63.
constexpr std::uint64_t folded(std::uint64_t x) { return (x & kPrime) + (x >> 31); }

// Return x, which is below 2^63, modulo the prime.
constexpr std::uint32_t residue(std::uint64_t x) {
  const std::uint64_t y = folded(folded(x));
  return static_cast<std::uint32_t>(y >= kPrime ? y - kPrime : y);
}

// The units of a layer that have more than two pieces, by their neurons. A layer's values are those
// of its units: so what a clip's second neuron passes on here is what the clip does, on its middle
// piece; and what `base` passes on is the largest number of a max, not the first one.
struct RankedMax {
  Index first, pieces, base;
};
struct Pieces {
  std::vector<Index> clips;  // the first one of the two neurons of each
  std::vector<RankedMax> maxima;
};

// Finds the ranks of the rows of a table, given in order; remembers the last row, so that work that
// a row shares with the one before it is not done again.
class Ranks {
 public:
  explicit Ranks(Index inputs) : inputs_(inputs), row_(padded(inputs)), total_(padded(inputs)) {
    if (inputs < 0) throw std::invalid_argument("a negative number of inputs");
  }

  Ranks(Ranks&&) = default;

  // Add a layer behind the others. `weight` (width, inputs of the layer), by rows, is modulo the
  // prime. `slope` has an entry for each unit, the first neurons of the layer: its slope on the
  // inactive side modulo the prime, 0 only where that is exactly 0, else the prime itself. The
  // other neurons are pass-throughs. Throws std::invalid_argument.
  void add_layer(const std::uint32_t* weight, Index width, Index n_in,
                 std::vector<std::uint32_t> slope, const Pieces& pieces) {
    if (width < 1 || static_cast<Index>(slope.size()) > width ||
        n_in != (layers_.empty() ? inputs_ : layers_.back().width)) {
      throw std::invalid_argument("a layer that does not fit the one before, or its slopes");
    }
    if (std::any_of(weight, weight + width * n_in, [](auto w) { return w >= kPrime; }) ||
        std::any_of(slope.begin(), slope.end(), [](auto s) { return s > kPrime; })) {
      throw std::invalid_argument("a residue that is not below the prime");
    }
    Layer& layer = layers_.emplace_back(width, n_in, padded(inputs_), std::min(inputs_, width));
    std::copy_n(weight, width * n_in, layer.weight[0]);
    layer.slope = std::move(slope);
    take_pieces(layer, pieces);
    layer.bytes = (layer.units() + 7) / 8;
    bytes_ += layer.bytes;
    before_ = Array<std::uint8_t>(bytes_);
    if (width > slope_.size()) slope_ = Array<std::uint32_t>(width);
    if (layers_.size() == 1) {
      for (Index j = 0; j < width; ++j) std::copy_n(weight + j * n_in, n_in, layer.gradient[j]);
    }
  }

  [[nodiscard]] Index depth() const { return static_cast<Index>(layers_.size()); }
  [[nodiscard]] Index bytes() const { return bytes_; }  // of the signs of a row

  // Begin with the rows of another table: nothing is remembered.
  void begin() { begun_ = false; }

  // Find the ranks (rows, depth) of rows whose packed sign vectors are `signs` (rows, bytes), first
  // unit in the highest bit of each layer. `tight` (rows, depth) is 1 where the rank equals its
  // upper bound: proved, if the rank at the layer before is.
  void rank_rows(const std::uint8_t* signs, Index rows, std::uint16_t* ranks, std::uint8_t* tight) {
    for (Index i = 0; i < rows; ++i) {
      rank_row(signs + i * bytes_);
      for (const Layer& layer : layers_) {
        *ranks++ = static_cast<std::uint16_t>(layer.rank);
        *tight++ = layer.tight;
      }
    }
  }

 private:
  // What a neuron is: a value of the layer, the first or the second neuron of a clip, a neuron of a
  // max, or the pass-through with its first number.
  enum class Role : std::uint8_t { kValue, kClipLow, kClipHigh, kOfMax, kBase };

  struct Layer {
    Layer(Index width_, Index n_in, Index length, Index most)
        : width(width_),
          weight(width_, n_in),
          gradient(width_, length),
          basis(most, length),
          pivot(most),
          found(width_ + 1),
          passed(width_ + 1),
          role(width_),
          max_of(width_) {}

    [[nodiscard]] Index units() const { return static_cast<Index>(slope.size()); }

    Index width;
    Index bytes = 0;
    Matrix<std::uint32_t> weight;
    std::vector<std::uint32_t> slope;
    Matrix<std::uint32_t> gradient;  // (width, inputs) coefficients of the preactivations
    // The independent rows among what the layer passes on, each eliminated against those before it;
    // the entry at `pivot` is not 0.
    Matrix<std::uint32_t> basis;
    Array<Index> pivot;
    Array<Index> found;   // how many of them there are among the neurons before each
    Array<Index> passed;  // how many of the neurons before each pass something on
    Array<Role> role;
    std::vector<RankedMax> maxima;
    Array<Index> max_of;  // the max that a base belongs to
    Index rank = 0;
    std::uint8_t tight = 0;
  };

  static bool is_active(const std::uint8_t* signs, Index j) {
    return ((signs[j >> 3] >> (7 - (j & 7))) & 1) != 0;
  }

  // Return the slope that neuron j of a layer with these signs has: modulo the prime, or the prime.
  static std::uint32_t slope_at(const Layer& layer, const std::uint8_t* signs, Index j) {
    if (layer.role[j] == Role::kClipLow) return 0;
    if (layer.role[j] == Role::kClipHigh) {  // what it adds to is to be taken away
      return is_active(signs, j - 1) && !is_active(signs, j) ? kPrime - 1 : 0;
    }
    if (j >= layer.units() || is_active(signs, j)) return 1;
    return layer.slope[static_cast<std::size_t>(j)];
  }

  void rank_row(const std::uint8_t* signs) {
    const std::uint8_t* before = before_.data();
    const Layer* previous = nullptr;
    bool same = begun_;
    Index first = 0;
    for (Layer& layer : layers_) {
      Index start = 0;
      if (same) {
        start = first_change(signs + first, before + first, layer);
        same = start == layer.width;
      } else if (previous != nullptr) {
        pull_back(layer, *previous, signs + first - previous->bytes);
      }
      if (!same) find_rank(layer, previous ? previous->rank : inputs_, signs + first, start);
      first += layer.bytes;
      previous = &layer;
    }
    std::copy_n(signs, bytes_, before_.data());
    begun_ = true;
  }

  // Return the first neuron of a layer whose sign differs between two rows; its width if none does.
  static Index first_change(const std::uint8_t* a, const std::uint8_t* b, const Layer& layer) {
    for (Index i = 0; i < layer.bytes; ++i) {
      const auto change = static_cast<std::uint8_t>(a[i] ^ b[i]);
      if (change != 0) return std::min(8 * i + std::countl_zero(change), layer.width);
    }
    return layer.width;
  }

  // Find the gradients of a layer from those of the layer before, which has these signs.
  void pull_back(Layer& layer, const Layer& before, const std::uint8_t* signs) {
    const Index length = total_.size();
    std::uint64_t* total = total_.data();
    for (Index k = 0; k < before.width; ++k) slope_[k] = slope_at(before, signs, k);
    for (Index j = 0; j < layer.width; ++j) {
      total_.fill(0);
      for (Index k = 0; k < before.width; ++k) {
        const std::uint64_t slope = slope_[k];
        if (slope == 0 || layer.weight[j][k] == 0) continue;
        const std::uint32_t weight = layer.weight[j][k];
        const std::uint32_t w = slope == 1 ? weight : residue(weight * slope);
        const std::uint32_t* row = before.gradient[k];
        for (Index c = 0; c < length; ++c) total[c] = folded(total[c] + product(w, row[c]));
      }
      for (Index c = 0; c < length; ++c) layer.gradient[j][c] = residue(total[c]);
    }
  }

  // Find the rank at a layer; neurons before `start` are as in the row before.
  void find_rank(Layer& layer, Index bound, const std::uint8_t* signs, Index start) {
    Index passed = layer.passed[start], found = layer.found[start];
    for (Index j = start; j < layer.width; ++j) {
      if (layer.role[j] != Role::kOfMax && slope_at(layer, signs, j) != 0) {
        ++passed;
        if (found < bound) found += eliminate(layer, j, found, signs);
      }
      layer.found[j + 1] = found;
      layer.passed[j + 1] = passed;
    }
    layer.rank = found;
    layer.tight = found == std::min(bound, passed);
  }

  // Add neuron j's row to the basis if it is independent of the `found` rows there; tell whether.
  bool eliminate(Layer& layer, Index j, Index found, const std::uint8_t* signs) {
    const Index length = row_.size();
    std::uint32_t* row = row_.data();
    std::copy_n(layer.gradient[j], length, row);
    if (layer.role[j] == Role::kBase) add_winner(layer, j, signs, row);
    for (Index b = 0; b < found; ++b) {
      const std::uint32_t* basis = layer.basis[b];
      const std::uint32_t pivot = basis[layer.pivot[b]];
      const auto factor = static_cast<std::uint32_t>(kPrime - row[layer.pivot[b]]);
      for (Index c = 0; c < length; ++c) {
        row[c] = residue(product(pivot, row[c]) + product(factor, basis[c]));
      }
    }
    const std::uint32_t* entry = std::find_if(row, row + length, [](auto x) { return x != 0; });
    if (entry == row + length) return false;
    std::copy_n(row, length, layer.basis[found]);
    layer.pivot[found] = entry - row;
    return true;
  }

  static void take_pieces(Layer& layer, const Pieces& pieces) {
    const auto require = [](bool holds) {
      if (!holds) throw std::invalid_argument("clips or maxima that are not their layer's");
    };
    for (const Index first : pieces.clips) {
      require(first >= 0 && first < layer.units() - 1);
      layer.role[first] = Role::kClipLow;
      layer.role[first + 1] = Role::kClipHigh;
    }
    for (const RankedMax& max : pieces.maxima) {
      require(max.pieces >= 3 && max.pieces <= 256 && max.first >= 0);
      const Index count = max.pieces * (max.pieces - 1) / 2;
      require(max.first <= layer.units() - count);
      require(max.base >= layer.units() && max.base < layer.width);
      const Index end = max.first + count;
      for (Index k = max.first; k < end; ++k) layer.role[k] = Role::kOfMax;
      layer.role[max.base] = Role::kBase;
      layer.max_of[max.base] = static_cast<Index>(layer.maxima.size());
      layer.maxima.push_back(max);
    }
  }

  // Add what makes the largest number of a max of its first one to a row.
  static void add_winner(const Layer& layer, Index base, const std::uint8_t* signs,
                         std::uint32_t* row) {
    const RankedMax& max = layer.maxima[static_cast<std::size_t>(layer.max_of[base])];
    for (Index k = max.first; k < max.first + max.pieces - 1; ++k) {
      if (!is_active(signs, k)) continue;
      const std::uint32_t* more = layer.gradient[k];
      for (Index c = 0; c < layer.gradient.stride(); ++c) {
        row[c] = residue(std::uint64_t{row[c]} + more[c]);
      }
    }
  }

  Index inputs_;
  std::vector<Layer> layers_;
  Index bytes_ = 0;
  Array<std::uint8_t> before_;  // the last row seen
  bool begun_ = false;
  // Scratch.
  Array<std::uint32_t> row_;
  Array<std::uint64_t> total_;
  Array<std::uint32_t> slope_;  // (width of a layer)
};

}  // namespace nnce
