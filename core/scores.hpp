// Which score of a network is the largest in each cell of a table: the same all over, or not.
//
// Behind the layers of the table there is one more, with the differences of the scores: unit (i, j)
// is score j less score i. At the leaf of a cell the first largest score c at a point inside is
// held against each other one. Where the dictionary, with a difference as its only free row, proves
// that it has one sign on the cell (proofs.hpp, basis_proof.hpp, exact_basis.hpp), c is the larger
// one all over; where a vertex is on the other side, a point of the cell next to it is proved to be
// there.
#pragma once

#include <bit>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

#include "array.hpp"
#include "basis_proof.hpp"
#include "frame.hpp"
#include "layer_rows.hpp"
#include "network.hpp"
#include "path.hpp"
#include "proofs.hpp"
#include "row_walk.hpp"
#include "simd.hpp"
#include "simplex.hpp"

namespace nnce {

class ScoreWalk final : public RowWalk {
 public:
  static constexpr Index kMostScores = 32;

  // `net` has, behind the layers of the table, one of differences: (0, 1), (0, 2), … (1, 2), …
  ScoreWalk(const Network& net, const Network& table, Index scores)
      : RowWalk(net, table),
        scores_(scores),
        differences_(table.units()),
        are_equal_(scores * scores),
        vertex_(net.d()),
        point_(net.d()) {
    if (scores < 2 || scores > kMostScores || net.depth() != table.depth() + 1 ||
        net.units() != differences_ + scores * (scores - 1) / 2) {
      throw std::invalid_argument("a last layer that is not the differences of so many scores");
    }
    if (net.is_partly_linear()) basis_ = std::make_unique<BasisProof>(net, path_, false);
    find_equal_scores();
  }

  // See `begin_rows`.
  void begin(const std::uint8_t* bits, Index count, bool gaps) {
    wins_.assign(static_cast<std::size_t>(count), 0);
    begin_rows(bits, count, gaps);
  }

  // The scores that are the first largest one somewhere inside the cell of each row, a bit each: a
  // single one, proved; or all that may be, two of which are; or none, where it is left open.
  [[nodiscard]] const std::vector<std::uint32_t>& wins() const { return wins_; }

 protected:
  void look(Frame& f, Index row, const double* inner) override {
    path_.pull_back(table().depth());
    const Index best = largest(inner);
    std::uint32_t& wins = wins_[static_cast<std::size_t>(row)];
    const Found found = against_all(f, best, inner);
    if (found == Found::kLarger) wins = std::uint32_t{1} << best;
    if (found == Found::kCrossed) wins = possible();
  }

 private:
  // What is found of a score that is the larger one at a point of the cell: it is all over the
  // cell, or it is not, or neither is proved.
  enum class Found : std::uint8_t { kLarger, kCrossed, kOpen };

  // The unit that compares two scores, and the sign that it has where the first one is larger.
  [[nodiscard]] Index difference(Index a, Index b) const {
    const Index i = a < b ? a : b, j = a < b ? b : a;
    return differences_ + i * (2 * scores_ - i - 1) / 2 + j - i - 1;
  }
  static double side(Index a, Index b) { return a < b ? -1.0 : 1.0; }

  // By how much score a is larger than b at a point, as the form of their difference has it.
  [[nodiscard]] double lead(Index a, Index b, const double* x) const {
    return side(a, b) * form_at(net_, path_, difference(a, b), x);
  }

  // Find the scores that are the same everywhere.
  void find_equal_scores() {
    const Layer& layer = net_.layer(table().depth());
    for (Index a = 0; a < scores_; ++a) {
      for (Index b = a + 1; b < scores_; ++b) {
        const Index j = difference(a, b) - differences_;
        bool is_zero = layer.inexact == 0.0 && layer.map.bias()[j] == 0.0;
        for (Index i = 0; is_zero && i < layer.map.n_in(); ++i)
          is_zero = layer.map.entry(j, i) == 0.0;
        are_equal_[a * scores_ + b] = are_equal_[b * scores_ + a] = is_zero ? 1 : 0;
      }
    }
  }

  // Whether two scores are known to be the same on the path's cell.
  [[nodiscard]] bool are_equal(Index a, Index b) const {
    const Index unit = difference(a, b);
    return are_equal_[a * scores_ + b] != 0 || is_zero(unit);
  }

  // The scores but those that an earlier one equals on the cell.
  [[nodiscard]] std::uint32_t possible() const {
    std::uint32_t found = 0;
    for (Index b = 0; b < scores_; ++b) {
      bool is_first = true;
      for (Index a = 0; is_first && a < b; ++a) is_first = !are_equal(a, b);
      if (is_first) found |= std::uint32_t{1} << b;
    }
    return found;
  }

  // The first largest score at a point, rounded.
  [[nodiscard]] Index largest(const double* x) const {
    Index best = 0;
    for (Index s = 1; s < scores_; ++s) best = lead(s, best, x) > 0.0 ? s : best;
    return best;
  }

  // Hold a score against all others, those first that are ahead of it at the vertex in hand.
  Found against_all(Frame& f, Index best, const double* inner) {
    std::uint32_t others = 0;
    for (Index s = 0; s < scores_; ++s) {
      if (s == best) continue;
      if (are_equal(best, s)) {
        if (s < best) return Found::kOpen;
        continue;
      }
      if (!(lead(best, s, inner) > error_at(net_, path_, difference(best, s)))) {
        return Found::kOpen;
      }
      others |= std::uint32_t{1} << s;
    }
    while (others != 0) {
      const Index other = nearest(f, best, others);
      const Found found = against(f, difference(best, other), side(best, other), inner);
      if (found != Found::kLarger) return found;
      others &= ~(std::uint32_t{1} << other);
    }
    return Found::kLarger;
  }

  // Of some scores the one that is the largest at the vertex of a frame.
  Index nearest(const Frame& f, Index best, std::uint32_t others) {
    Index found = std::countr_zero(others);
    if ((others & (others - 1)) == 0) return found;
    vertex(net_, f, vertex_.data());
    double least = kInfinite;
    for (std::uint32_t left = others; left != 0; left &= left - 1) {
      const Index s = std::countr_zero(left);
      const double ahead = lead(best, s, vertex_.data());
      if (ahead < least) least = ahead, found = s;
    }
    return found;
  }

  // Tell whether side times a difference, positive at a point of the cell, is so all over it.
  Found against(Frame& f, Index unit, double side, const double* inner) {
    rows_.put_alone(f, unit);
    Ended ended = Ended::kOptimal;
    if (side * f.constant[0] < -kClear) {
      ended = Ended::kCrossed;
    } else if (const Entering first = simplex_->entering(f, 0, side);
               first.column >= 0 && !(first.bound > kClear)) {
      ended = simplex_->descend(f, 0, side, first, nullptr);
    }
    if (ended == Ended::kCrossed) {
      return is_crossed(f, unit, side, inner) ? Found::kCrossed : Found::kOpen;
    }
    const bool holds = (ended == Ended::kOptimal && simplex_->holds(f, unit, 0, side)) ||
                       has_terms_of(unit, side) ||
                       (ended == Ended::kOptimal && touches(f, unit, side));
    return holds ? Found::kLarger : Found::kOpen;
  }

  // Prove a sign where the hyperplane touches the cell.
  bool touches(const Frame& f, Index unit, double side) {
    return (basis_ && basis_->holds(f, unit, 0, side)) || exact_.holds(f, unit, 0, side);
  }

  // Whether no term of side times a difference is negative on the cell: an active unit hands on
  // what is >= 0, an inactive one its slope times what is <= 0. What passes by may be anything.
  [[nodiscard]] bool has_terms_of(Index unit, double side) const {
    const Layer &layer = net_.layer(table().depth()), &before = net_.layer(table().depth() - 1);
    const Index j = unit - differences_, first = net_.offset(table().depth() - 1);
    if (layer.inexact != 0.0 || side * layer.map.bias()[j] < 0.0) return false;
    for (Index i = 0; i < layer.map.n_in(); ++i) {
      const double weight = side * layer.map.entry(j, i);
      if (weight == 0.0) continue;
      if (i >= before.units) return false;
      const double slope = path_.sign[first + i] > 0 ? 1.0 : -before.slope[i];
      if (slope != 0.0 && (weight < 0.0) == (slope > 0.0)) return false;
    }
    return true;
  }

  // Prove, by a point between the vertex of a frame and one inside the cell, that side times a
  // difference is negative somewhere in there: half way from the vertex to where it is 0.
  bool is_crossed(const Frame& f, Index unit, double side, const double* inner) {
    vertex(net_, f, point_.data());
    const double beyond = -side * f.constant[0];
    const double share = 0.5 * beyond / (beyond + side * form_at(net_, path_, unit, inner));
    for (Index i = 0; i < net_.d(); ++i) point_[i] = fma(share, inner[i] - point_[i], point_[i]);
    return -side * form_at(net_, path_, unit, point_.data()) > error_at(net_, path_, unit) &&
           is_in_cell(point_.data());
  }

  Index scores_;
  Index differences_;                  // the first unit of the last layer
  Array<std::uint8_t> are_equal_;      // (scores, scores)
  Array<double> vertex_, point_;       // (d)
  std::unique_ptr<BasisProof> basis_;  // where a layer has no biases
  std::vector<std::uint32_t> wins_;
};

}  // namespace nnce
