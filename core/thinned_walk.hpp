// The thinned walk: a random part of the tree, in which every path stands for many.
//
// Where the walk would hold too many paths, some are dropped at random and the others count for
// more, so that a weighted sum over the nodes visited has the sum over the whole tree as its
// expectation. With room for one path these are the probes of Knuth (1975, "Estimating the
// efficiency of backtrack programs"); paths that are equally far share the work, as in Chen (1992,
// "Heuristic sampling: a method for predicting the performance of tree searching programs", SIAM J.
// Comput. 21) and in the stochastic enumeration of Rubinstein & Vaisman (2014). Here the walk stays
// depth-first, and a path that is kept takes on a weight that is known beforehand, as in the weight
// windows of particle transport (Booth & Hendricks 1984).
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>

#include "array.hpp"
#include "network.hpp"
#include "tree_walk.hpp"

namespace nnce {

// How a walk is thinned. *Stage* i < N is where unit i has just split a cell, stage N + l the end
// of layer l. After every `quota` paths that a stage lets by, its window grows by the factor
// `growth`.
struct Thinning {
  const double* window;  // (N + L) a path goes on from a stage with at least this weight
  const double* turn;    // (N + L) in [0, 1): a path stays when this passes 1 (systematic sampling)
  Index quota;
  double growth;
  std::uint64_t seed;
  Index samples;  // places for cells drawn by weight
};

class ThinnedWalk final : public TreeWalk {
 public:
  ThinnedWalk(const Network& net, const Zonotope* image, const Thinning& thinning)
      : TreeWalk(net, image, {.rows = false, .witness = false}),
        stages_(net.units() + net.depth()),
        window_(stages_),
        turn_(stages_),
        room_(stages_),
        quota_(thinning.quota),
        growth_(thinning.growth),
        state_(thinning.seed),
        weight_(net.units() + 3),
        splits_(net.units()),
        layer_cells_(net.depth()),
        dropped_(net.depth()),
        sample_(thinning.samples, net.bytes()),
        sampled_(thinning.samples) {
    if (quota_ < 1 || thinning.samples < 1)
      throw std::invalid_argument("a thinned walk needs room");
    for (Index s = 0; s < stages_; ++s) {
      window_[s] = thinning.window[s];
      turn_[s] = thinning.turn[s];
      room_[s] = quota_;
    }
    weight_.fill(1.0);
  }

  // The weighted numbers of cells that each unit splits (N), of layer-k cells (L); the paths that
  // were dropped within each layer, or before it (L); packed signs of cells drawn by weight, and
  // the weight of the cells that each of them was drawn from.
  [[nodiscard]] const Array<double>& splits() const { return splits_; }
  [[nodiscard]] const Array<double>& weighted_layer_cells() const { return layer_cells_; }
  [[nodiscard]] const Array<Index>& dropped() const { return dropped_; }
  [[nodiscard]] const Matrix<std::uint8_t>& sample() const { return sample_; }
  [[nodiscard]] const Array<double>& sampled() const { return sampled_; }

 protected:
  std::optional<Stop> leave_nothing(Index t) override {
    const bool is_leaf = frames_[t].phase == Phase::kLeaf;
    if (is_leaf) layer_cells_[frames_[t].layer] -= weight_[t];  // it was counted
    const std::optional<Stop> stop = TreeWalk::leave_nothing(t);
    skip_dropped();
    return stop;
  }

  std::optional<Stop> step(Index t) override {
    const Frame& f = frames_[t];
    const Index layer = f.layer, cells = cells_.cells();
    const Phase phase = f.phase;
    const bool at_end = phase == Phase::kNode && f.free == 0 && !is_choosing();
    const bool chose = is_choosing();
    const double weight = weight_[t];
    const std::optional<Stop> stop = TreeWalk::step(t);
    if (stop) return stop;
    if (phase == Phase::kLeaf) {
      take_leaf(layer, weight, cells_.cells() > cells);
    } else if (chose || is_choosing()) {
      // `divided` thins the parts where they are all known
    } else if (top_ > t) {
      thin_split(t);
    } else if (at_end) {
      thin_layer(t, layer);
    }
    return std::nullopt;
  }

 private:
  // Return a number in [0, 1) by SplitMix64 (Steele, Lea & Flood 2014).
  double uniform() {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }

  // Return the weight with which a path goes on from a stage; 0 where it is dropped.
  //
  // It stays with probability weight / window, and then stands for `window` paths. That keeps
  // expectations even where the window depends on what was met before.
  double pass(Index stage, double weight) {
    const double window = window_[stage];
    if (weight < window) {
      turn_[stage] += weight / window;
      if (turn_[stage] < 1.0) return 0.0;
      turn_[stage] -= 1.0;
      weight = window;
    }
    room_[stage] -= 1;
    if (room_[stage] == 0) {
      room_[stage] = quota_;
      window_[stage] *= growth_;
    }
    return weight;
  }

  // Thin the two children of a split, frames t and t + 1.
  //
  // In random order: where every second path stays, it would always be the same side.
  void thin_split(Index t) {
    const Index unit = frames_[t].pending;
    const double weight = weight_[t];
    splits_[unit] += weight;
    const Index first = uniform() < 0.5 ? t + 1 : t;
    for (const Index frame : {first, 2 * t + 1 - first}) {
      weight_[frame] = pass(unit, weight);
      if (weight_[frame] == 0.0) dropped_[net_.layer_of(unit)] += 1;
    }
    skip_dropped();
  }

  // Count the layer-k cell of frame t, whose last unit is decided, and thin it.
  //
  // In the image of a first layer there may be no such cell; that of the last layer is looked at
  // when its leaf is visited.
  void thin_layer(Index t, Index layer) {
    const bool last = layer + 1 == net_.depth();
    if (search_ && !last) {
      witness_.inner_point(frames_[t], *simplex_);
      if (settle(t, false) == Answer::kEmpty) {
        weight_[t] = 0.0;
        skip_dropped();
        return;
      }
    }
    layer_cells_[layer] += weight_[t];
    if (last) return;
    weight_[t] = pass(net_.units() + layer, weight_[t]);
    if (weight_[t] == 0.0) dropped_[layer + 1] += 1;
    skip_dropped();
  }

  void take_leaf(Index layer, double weight, bool exists) {
    if (exists) {
      draw(weight);
    } else {  // rounding let it in; nothing is there
      layer_cells_[layer] -= weight;
    }
    skip_dropped();
  }

  // Thin the parts of a cell that the winners of a max have, frames first … last.
  void divided(Index first, Index last, Index unit) override {
    const double weight = weight_[first];
    for (Index t = first; t <= last; ++t) {
      if (t > first) splits_[unit] += weight;
      weight_[t] = pass(unit, weight);
      if (weight_[t] == 0.0) dropped_[net_.layer_of(unit)] += 1;
    }
    skip_dropped();
  }

  // Go back to the last path that was not dropped.
  void skip_dropped() {
    while (!is_choosing() && top_ >= 0 && weight_[top_] == 0.0) pop();
  }

  // Let the cell that was just counted take a place in the sample, with the chance it is due.
  //
  // Each place is a reservoir of its own for every K-th cell.
  void draw(double weight) {
    const Index place = cells_.cells() % sampled_.size();
    sampled_[place] += weight;
    if (uniform() * sampled_[place] >= weight) return;
    for (Index b = 0; b < cells_.packed().size(); ++b) sample_[place][b] = cells_.packed()[b];
  }

  Index stages_;
  Array<double> window_, turn_;
  Array<Index> room_;  // paths that a stage still lets by before its window grows
  Index quota_;
  double growth_;
  std::uint64_t state_;   // of the random numbers
  Array<double> weight_;  // by frame: how many paths the one of this frame stands for; 0: dropped
  Array<double> splits_, layer_cells_;
  Array<Index> dropped_;
  Matrix<std::uint8_t> sample_;
  Array<double> sampled_;
};

}  // namespace nnce
