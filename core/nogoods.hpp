// What a proof says of other cells: sign patterns that no cell of a layer has.
//
// The proof that a unit does not cut a cell rests on a few of the cell's splits only, those with a
// positive multiplier. Together with the sign that the unit cannot have they are a pattern that is
// nowhere in the layer-k cell whose arrangement is being enumerated: an infeasible subsystem in the
// sense of Farkas' lemma (Gleeson & Ryan 1990, "Identifying minimally infeasible subsystems of
// inequalities", ORSA J. Comput. 2). Wherever all signs of a pattern but one hold, the last one
// cannot, and no linear program is needed, as in the clause learning of Marques-Silva & Sakallah
// (1999, "GRASP: a search algorithm for propositional satisfiability", IEEE Trans. Comput. 48).
// Units are decided in a fixed order, so a pattern can only be of use to the unit that it was
// learnt at: each has a list of its own.
//
// What is remembered depends on where a walk began. So that no witness does, a decision that a unit
// does not cut leaves the dictionary where it was, whether a pattern takes it or a linear program.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "array.hpp"
#include "frame.hpp"
#include "network.hpp"
#include "path.hpp"
#include "proofs.hpp"

namespace nnce {

class Nogoods {
 public:
  explicit Nogoods(const Network& net)
      : net_(net),
        bit_(net.units()),
        learnt_by_(net.units()),
        learnt_(net.depth()),
        patterns_(net.units(), kKept) {}

  // Start afresh with a layer-k cell, whose cutting units are the free rows of a frame.
  void forget(Frame& f) {
    for (Index k = net_.offset(f.layer); k < net_.offset(f.layer + 1); ++k) {
      bit_[k] = 0;
      learnt_by_[k] = 0;
    }
    std::uint64_t bit = 1;
    for (Index r = 0; r < std::min(f.free, kMostBits); ++r, bit *= 2) {
      bit_[f.row[r] - net_.d()] = bit;
    }
    learnt_[f.layer] = 0;
    f.known_active = 0;
    f.known_inactive = 0;
  }

  // Take down that a unit has a sign on the cell of a frame; 0: it is zero there.
  void know(Frame& f, Index unit, int side) const {
    if (side > 0) f.known_active |= bit_[unit];
    if (side < 0) f.known_inactive |= bit_[unit];
  }

  // Remember what the proof found in a frame, that side * h of a row's unit is positive, rests on.
  void learn(const Path& path, const Frame& f, Index unit, Index row, double side) {
    const Index d = net_.d(), first = net_.offset(f.layer);
    Pattern found{0, 0, learnt_[f.layer], side > 0.0};
    bool complete = bit_[unit] != 0;
    for (Index c = 0; c < d; ++c) {
      const Index k = f.column[c] - d;
      if (k < first || !(side * f.value(row)[c] > kNegligible)) continue;
      complete = complete && bit_[k] != 0;
      (path.sign[k] > 0 ? found.active : found.inactive) |= bit_[k];
    }
    if (!complete) return;
    patterns_[unit][learnt_by_[unit]++ % kKept] = found;
    learnt_[f.layer] += 1;
  }

  // Return the one sign that a pattern leaves to a unit on the cell of a frame, or 0.
  [[nodiscard]] int recall(const Frame& f, Index unit) const {
    const Index count = learnt_by_[unit], oldest = learnt_[f.layer] - kKept;
    const std::uint64_t active = ~f.known_active, inactive = ~f.known_inactive;
    for (Index i = count - 1; i >= std::max(Index{0}, count - kKept); --i) {
      const Pattern& pattern = patterns_[unit][i % kKept];
      if (pattern.number < oldest) break;
      if (((pattern.active & active) | (pattern.inactive & inactive)) == 0) {
        return pattern.is_positive ? 1 : -1;
      }
    }
    return 0;
  }

  // Units with a sign each, which no cell of a layer-k cell has all together.
  using Signs = std::vector<std::pair<Index, int>>;

  // Return what is remembered of the current layer-k cell whose units are those of a layer.
  [[nodiscard]] std::vector<Signs> remembered(Index layer) const {
    std::vector<Signs> found;
    for (Index unit = net_.offset(layer); unit < net_.offset(layer + 1); ++unit) {
      const Index count = learnt_by_[unit];
      for (Index i = std::max(Index{0}, count - kKept); i < count; ++i) {
        found.push_back(signs(layer, unit, patterns_[unit][i % kKept]));
      }
    }
    return found;
  }

  // Only the first so many cutting units of a layer-k cell take part.
  static constexpr Index kMostBits = 62;

 private:
  // Patterns kept of a layer; reading them all costs less than a pivot.
  static constexpr Index kKept = 128;

  struct Pattern {
    std::uint64_t active;    // the bits that are active in it, but for the unit's own,
    std::uint64_t inactive;  // and inactive
    Index number;            // how many were learnt in the layer-k cell before
    bool is_positive;        // the sign that they leave to the unit
  };

  [[nodiscard]] Signs signs(Index layer, Index unit, const Pattern& pattern) const {
    Signs found;
    for (Index k = net_.offset(layer); k < net_.offset(layer + 1); ++k) {
      if (k == unit) {
        found.emplace_back(k, pattern.is_positive ? -1 : 1);
      } else if (((pattern.active | pattern.inactive) & bit_[k]) != 0) {
        found.emplace_back(k, (pattern.active & bit_[k]) != 0 ? 1 : -1);
      }
    }
    return found;
  }

  const Network& net_;
  Array<std::uint64_t> bit_;  // (N) one for each cutting unit of the path's layers, 0 for others
  Array<Index> learnt_by_;    // (N) patterns of each unit in the current layer-k cell,
  Array<Index> learnt_;       // (L) and of all units of a layer
  Matrix<Pattern> patterns_;
};

}  // namespace nnce
