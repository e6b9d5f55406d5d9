// The facets of cells, with proof, and what is beyond each.
//
// A cell is where the slacks of the path's splits and the distances from the sides of the box are
// >= 0: its *walls*. Each split has cut its parent's inside, so no two walls have a hyperplane in
// common, and a wall is a facet where the others alone leave more than the cell.
//
// That it is one is proved by a point strictly inside all other walls and beyond it (of a side: on
// it), by the error bounds of the forms: the segment from there to the cell's inside meets this
// wall only. That it is none is proved as the walk proves that a unit does not cut (proofs.hpp,
// basis_proof.hpp, exact_basis.hpp): by a dictionary in which the wall is a free row, so that what
// it is a combination of are other walls. A wall that is none is left out from then on.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "array.hpp"
#include "exact_basis.hpp"
#include "frame.hpp"
#include "layer_rows.hpp"
#include "network.hpp"
#include "path.hpp"
#include "proofs.hpp"
#include "rounding.hpp"
#include "simd.hpp"
#include "simplex.hpp"
#include "tree_walk.hpp"

namespace nnce {

enum class Wall : std::uint8_t { kOpen, kFacet, kNone };

// Decides the walls of one cell after the other. Walls are numbered: the sides of the box, 2 i for
// input i at its lower bound and 2 i + 1 at its upper one, then the splits of the path.
class FacetSearch {
 public:
  // `sides` says whether the sides of the box are asked about. `basis` is null where cells are no
  // cones.
  FacetSearch(const Network& net, Path& path, BasisProof* basis, ExactBasis& exact, bool sides)
      : net_(net),
        path_(path),
        basis_(basis),
        exact_(exact),
        sides_(sides),
        frames_(net),
        simplex_(make_simplex(net, path, frames_.capacity())),
        rows_(net, path),
        wall_(2 * net.d() + net.units()),
        place_(net.units()),
        point_(net.d()),
        slope_(frames_.capacity()),
        side_form_(padded(net.d()) + kLanes),
        residual_(padded(net.d())) {}

  // Decide the walls of the cell of a leaf's frame, with `inner` (d) inside of it; false where one
  // is left open.
  bool look(const Frame& leaf, const double* inner) {
    inner_ = inner;
    splits_ = leaf.splits;
    for (Index w = 0; w < sides(); ++w) wall_[w] = sides_ ? Wall::kOpen : Wall::kNone;
    for (Index s = 0; s < splits_; ++s) {
      wall_[sides() + s] = Wall::kOpen;
      place_[path_.split_unit[s]] = s;
    }
    simplex_->copy(leaf, frames_[0]);
    rows_.rebuild(frames_[0]);
    note_vertex();
    for (Index w = 0; w < sides() + splits_; ++w) {
      if (wall_[w] == Wall::kOpen && !decide(w)) return false;
    }
    return true;
  }

  [[nodiscard]] Index sides() const { return 2 * net_.d(); }
  // What was found of side w, and of the split in place s of the path.
  [[nodiscard]] bool side_is_facet(Index w) const { return wall_[w] == Wall::kFacet; }
  [[nodiscard]] bool split_is_facet(Index s) const { return wall_[sides() + s] == Wall::kFacet; }

 private:
  [[nodiscard]] bool is_side(Index w) const { return w < sides(); }
  [[nodiscard]] Index unit(Index w) const { return path_.split_unit[w - sides()]; }
  // The variable that is 0, or at its cap, on a wall, and the wall of a nonbasic one.
  [[nodiscard]] Index variable(Index w) const { return is_side(w) ? w / 2 : net_.d() + unit(w); }
  [[nodiscard]] Index wall(const Frame& f, Index q) const {
    const Index v = f.column[q];
    return v < net_.d() ? 2 * v + f.at_upper[q] : sides() + place_[v - net_.d()];
  }

  // Prove the facets that meet at the vertex in hand, where no further wall does.
  void note_vertex() {
    const Frame& f = frames_[0];
    bool any = false;
    for (Index q = 0; q < net_.d(); ++q) any |= wall_[wall(f, q)] == Wall::kOpen;
    if (!any) return;
    simplex_->slopes(f, slope_.data());
    for (Index q = 0; q < net_.d(); ++q) {
      const Index w = wall(f, q);
      if (wall_[w] != Wall::kOpen) continue;
      leave_vertex(f, q);
      if (proves(w)) wall_[w] = Wall::kFacet;
    }
  }

  // Write the point half way along the ray from the vertex on which all displacements grow, but
  // that of column q: a side's stays 0, a slack's gets negative.
  void leave_vertex(const Frame& f, Index q) {
    const double less = (f.column[q] < net_.d() ? 1.0 : 2.0) * f.reach[q];
    double step = 1.0;
    for (Index r = 0; r < f.rows; ++r) {
      const double slope = slope_[r] - less * f.value(r)[q];
      const double room = slope < 0.0 ? f.constant[r] : f.cap[r] - f.constant[r];
      if (step * std::fabs(slope) > room) step = std::max(room, 0.0) / std::fabs(slope);
    }
    step *= 0.5;
    for (Index c = 0; c < net_.d(); ++c) {
      const Index i = f.column[c];
      if (i >= net_.d()) continue;
      const double move = step * (c == q ? f.reach[c] - less : f.reach[c]);
      point_[i] = f.at_upper[c] == 1 ? net_.upper()[i] - move : net_.lower()[i] + move;
    }
    for (Index r = 0; r < f.rows; ++r) {
      const Index i = f.row[r];
      if (i >= net_.d()) continue;
      const double slope = slope_[r] - less * f.value(r)[q];
      point_[i] = net_.lower()[i] + fma(step, slope, f.constant[r]);
    }
  }

  // Decide a wall by minimising its distance over what the others leave. False: open.
  bool decide(Index w) {
    const Index row = basic_row(w);
    if (wall_[w] != Wall::kOpen) return true;
    if (row < 0) return false;
    simplex_->copy(frames_[0], frames_[1]);
    Frame& f = frames_[1];
    const double side = free_row(f, row, w);
    const Entering first = simplex_->entering(f, 0, side);
    Ended ended = Ended::kOptimal;
    if (first.column >= 0 && !(first.bound > kClear)) {
      ended = simplex_->descend(f, 0, side, first, nullptr);
    }
    if (ended == Ended::kCrossed) {
      cross(f, w, -side * f.constant[0]);
      if (!proves(w)) return false;
      wall_[w] = Wall::kFacet;
      return true;
    }
    if (ended == Ended::kStalled || !is_redundant(f, w, side)) return false;
    wall_[w] = Wall::kNone;
    take_back(f, w);
    frames_.swap(0, 1);
    note_vertex();
    return true;
  }

  // Return the row of a wall's variable, which is made basic if need be; -1 where it stays
  // nonbasic.
  Index basic_row(Index w) {
    for (int attempt = 0; attempt < 2; ++attempt) {
      Frame& f = frames_[0];
      for (Index r = 0; r < f.rows; ++r) {
        if (f.row[r] == variable(w)) return r;
      }
      Index q = 0;
      while (q < net_.d() && f.column[q] != variable(w)) ++q;
      if (attempt > 0 || q == net_.d() || !step_along(net_, path_, f, q, slope_)) break;
      note_vertex();
      if (wall_[w] != Wall::kOpen) break;
    }
    return -1;
  }

  // Make a row the only free one, row 0, and write it as a unit's form or as the distance from a
  // side; return the sign that it has in the cell.
  double free_row(Frame& f, Index row, Index w) const {
    f.move_row(0, f.rows);
    f.move_row(row, 0);
    f.move_row(f.rows, row);
    f.clear_row(f.rows);
    f.free = 1;
    if (is_side(w)) {
      if (w % 2 == 1) turn(f);
      return 1.0;
    }
    if (path_.sign[unit(w)] > 0) return 1.0;
    f.cap[0] = 0.0;
    turn(f);
    return -1.0;
  }

  // Put the cap less row 0 in its place.
  static void turn(Frame& f) {
    double* value = f.value(0);
    for (Index c = 0; c < f.stride; c += kLanes) store(value + c, -load(value + c));
    f.constant[0] = f.cap[0] - f.constant[0];
  }

  // Make row 0 a constraint again; a split's is left out, as the wall is none.
  void take_back(Frame& f, Index w) const {
    if (!is_side(w)) {
      f.drop_last_free_row();
      return;
    }
    if (w % 2 == 1) turn(f);
    f.free = 0;
  }

  // Write a point between the vertex of a frame, which is beyond a wall by `beyond`, and the inside
  // of the cell: on a side, and half way from a split's hyperplane to the vertex.
  void cross(const Frame& f, Index w, double beyond) {
    vertex(net_, f, point_.data());
    const double inside = distance(w, inner_);
    const double share = (is_side(w) ? 1.0 : 0.5) * beyond / (beyond + inside);
    for (Index i = 0; i < net_.d(); ++i) point_[i] = fma(share, inner_[i] - point_[i], point_[i]);
  }

  // How far a point is inside a wall, rounded.
  double distance(Index w, const double* x) const {
    if (is_side(w))
      return w % 2 == 0 ? x[w / 2] - net_.lower()[w / 2] : net_.upper()[w / 2] - x[w / 2];
    const double* form = path_.form(unit(w));
    double value = form[0];
    for (Index i = 0; i < net_.d(); ++i) value = fma(form[1 + i], x[i], value);
    return path_.sign[unit(w)] * value;
  }

  // Prove a facet by the point in hand: it is beyond the wall, or on the side, and strictly inside
  // all other walls that are not known to be none.
  bool proves(Index w) {
    const Index d = net_.d();
    for (Index i = 0; i < d; ++i) {
      if (w / 2 == i && is_side(w)) {
        point_[i] = w % 2 == 0 ? net_.lower()[i] : net_.upper()[i];
      } else if (!(net_.lower()[i] < point_[i] && point_[i] < net_.upper()[i])) {
        return false;
      }
    }
    const double rounding = 2.0 * static_cast<double>(d + 8) * kUnit;
    for (Index v = sides(); v < sides() + splits_; ++v) {
      if (wall_[v] == Wall::kNone) continue;
      const double inside = distance(v, point_.data());
      const double error =
          path_.form_error[unit(v)] + rounding * path_.form_size[unit(v)] + kUnderflow;
      if (!((v == w ? -inside : inside) > error)) return false;
    }
    return true;
  }

  // Prove that the wall of a frame's free row is no facet.
  bool is_redundant(const Frame& f, Index w, double side) {
    if (is_side(w)) return is_off(f, w);
    if (simplex_->holds(f, unit(w), 0, side)) return true;
    for (Index q = 0; q < net_.d(); ++q) {  // these proofs rest on the walls of all columns
      if (sides_ && wall_[wall(f, q)] == Wall::kNone) return false;
    }
    return (basis_ != nullptr && basis_->holds(f, unit(w), 0, side)) ||
           exact_.holds(f, unit(w), 0, side);
  }

  // Prove that the cell does not touch a side of the box.
  bool is_off(const Frame& f, Index w) {
    const Index i = w / 2;
    double* form = side_form_.data() + kLanes - 1;
    for (Index k = 0; k < net_.d(); ++k) form[1 + k] = 0.0;
    form[0] = w % 2 == 0 ? -net_.lower()[i] : net_.upper()[i];
    form[1 + i] = w % 2 == 0 ? 1.0 : -1.0;
    const Form side{form, std::fabs(form[0]) + net_.magnitude()[i], 0.0};
    return is_positive<0>(net_, path_, f, side, 0, 1.0,
                          reinterpret_cast<Doubles*>(residual_.data()));
  }

  const Network& net_;
  const Path& path_;
  BasisProof* basis_;
  ExactBasis& exact_;
  bool sides_;
  Frames frames_;  // the dictionary in hand, and the one in which a wall is free
  std::unique_ptr<Simplex> simplex_;
  LayerRows rows_;
  Array<Wall> wall_;     // (2 d + N)
  Array<Index> place_;   // (N) the place of a split unit on the path
  Array<double> point_;  // (d)
  Array<double> slope_;  // of the rows
  Array<double> side_form_, residual_;
  const double* inner_ = nullptr;
  Index splits_ = 0;
};

// A walk that finds the facets of each cell, beside its row.
class FacetWalk final : public TreeWalk {
 public:
  FacetWalk(const Network& net, bool sides)
      : TreeWalk(net, nullptr, {.rows = true, .witness = false}),
        search_facets_(net, path_, basis_.get(), exact_, sides),
        byte_(net.units()) {
    Index byte = 0;
    for (Index l = 0; l < net.depth(); ++l) {
      for (Index k = net.offset(l); k < net.offset(l + 1); ++k) {
        byte_[k] = byte + (k - net.offset(l)) / 8;
      }
      byte += net.bytes(l);
    }
  }

  // Of the rows since they were taken last: where the facets of each end in the lists, and how many
  // sides of the box are facets, -1 where something of the cell is left open (then it has none
  // here). Of each facet that is a unit's, the unit; and the packed signs beyond it, if nothing but
  // this unit (with those like it, and of a max the winner) changes there.
  [[nodiscard]] const std::vector<Index>& ends() const { return ends_; }
  [[nodiscard]] const std::vector<std::int32_t>& side_facets() const { return side_facets_; }
  [[nodiscard]] const std::vector<std::int32_t>& units() const { return units_; }
  [[nodiscard]] const std::vector<std::uint8_t>& beyond() const { return beyond_; }
  void clear_facets() {
    ends_.clear();
    side_facets_.clear();
    units_.clear();
    beyond_.clear();
  }

 protected:
  void found_cell(Index t) override {
    const Frame& f = frames_[t];
    const bool decided = search_facets_.look(f, witness_.point());
    std::int32_t sides = decided ? 0 : -1;
    for (Index w = 0; decided && w < search_facets_.sides(); ++w) {
      sides += search_facets_.side_is_facet(w) ? 1 : 0;
    }
    for (Index s = 0; decided && s < f.splits; ++s) {
      if (search_facets_.split_is_facet(s)) add_facet(path_.split_unit[s]);
    }
    side_facets_.push_back(sides);
    ends_.push_back(static_cast<Index>(units_.size()));
  }

 private:
  void add_facet(Index unit) {
    const Array<std::uint8_t>& packed = cells_.packed();
    const auto first = static_cast<Index>(beyond_.size());
    units_.push_back(static_cast<std::int32_t>(unit));
    beyond_.insert(beyond_.end(), packed.begin(), packed.end());
    std::uint8_t* code = beyond_.data() + first;
    const Index m = net_.max_of(unit);
    if (m == Network::kNoMax) {
      const Twins& twins = path_.twins();
      for (Index k = unit; k != Twins::kNobody; k = twins.next(k)) code[byte_[k]] ^= bit(k);
      return;
    }
    const MaxUnit& max = net_.max(m);
    const Index winner = path_.sign[unit] > 0 ? winners_.low(unit) : winners_.high(unit);
    for (Index k = max.first; k < max.first + max.pieces - 1; ++k) {
      code[byte_[k]] = static_cast<std::uint8_t>(code[byte_[k]] & ~bit(k));
    }
    if (winner > 0) {
      const Index k = max.first + max.unit(0, winner);
      code[byte_[k]] = static_cast<std::uint8_t>(code[byte_[k]] | bit(k));
    }
  }

  [[nodiscard]] std::uint8_t bit(Index unit) const {
    const Index place = unit - net_.offset(net_.layer_of(unit));
    return static_cast<std::uint8_t>(0x80U >> (place % 8));
  }

  FacetSearch search_facets_;
  Array<Index> byte_;  // (N) the byte of each unit's bit in a joined row
  std::vector<Index> ends_;
  std::vector<std::int32_t> side_facets_, units_;
  std::vector<std::uint8_t> beyond_;
};

}  // namespace nnce
