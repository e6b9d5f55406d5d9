// A walk along rows of a table: down the tree to the cell of each row, and nowhere else.
//
// Whether a unit divides a layer-k cell is what the rows in it say already, where none is missing:
// it does where both signs occur. So this walk asks for no proof on its way. It moves a dictionary
// to a vertex on either side of each cut, and leaves out the units that have one sign. It proves at
// the end, of each cell by itself, that the row's signs are those of the network at a point. Then
// they are those of a cell, whatever the walk has relied on, and the slacks of its path, which may
// be some of the cell's constraints only, are >= 0 on it. What rounding hides, or a row that is no
// cell, is left to those who prove every decision (tree_walk.hpp).
#pragma once

#include <chrono>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <vector>

#include "array.hpp"
#include "exact_basis.hpp"
#include "frame.hpp"
#include "layer_rows.hpp"
#include "network.hpp"
#include "path.hpp"
#include "proofs.hpp"
#include "simplex.hpp"
#include "witness.hpp"

namespace nnce {

class RowWalk {
 public:
  // The rows are those of `table`, whose layers `net` begins with; it may have more behind them.
  // No unit of the table is one of a max. Both must outlive the walk.
  RowWalk(const Network& net, const Network& table)
      : net_(net),
        path_(net),
        frames_(net),
        simplex_(make_simplex(net, path_, frames_.capacity())),
        rows_(net, path_),
        witness_(net, path_, frames_.capacity()),
        exact_(net, path_),
        table_(table),
        forward_(table),
        wanted_(net.units()),
        keeps_(padded(net.most_units())) {
    if (table.depth() > net.depth() || table.d() != net.d() || table.maxima() > 0 ||
        table.units() != net.offset(table.depth())) {
      throw std::invalid_argument("a table of another network");
    }
    keeps_.fill(1);
  }
  virtual ~RowWalk() = default;
  RowWalk(const RowWalk&) = delete;
  RowWalk& operator=(const RowWalk&) = delete;

  // Walk on for about 50 ms; false where all rows are done.
  bool advance() {
    const auto end = Clock::now() + kLongest;
    for (Index steps = 1; top_ >= 0; ++steps) {
      if (steps % kStepsPerLook == 0 && Clock::now() >= end) return true;
      step(top_);
    }
    return false;
  }

  [[nodiscard]] const Network& table() const { return table_; }

 protected:
  // Begin with ascending rows (count, units of the table): a byte, 0 or 1, for each unit. `gaps`
  // says whether the table may have cells between them.
  void begin_rows(const std::uint8_t* bits, Index count, bool gaps) {
    count_ = count;
    gaps_ = gaps;
    bits_.assign(bits, bits + count * table_.units());
    path_.begin();
    begin_at_corner(net_, frames_[0]);
    top_ = count > 0 ? 0 : -1;
    ranges_.assign(static_cast<std::size_t>(table_.units()) + 2, {0, count});
  }

  // Look at the cell of a row. The frame, without free rows, may be used up; `inner` is inside the
  // cell, proved to be.
  virtual void look(Frame& f, Index row, const double* inner) = 0;

  // Prove that a point is strictly inside the cell that the path leads to.
  bool is_in_cell(const double* point) { return forward_.has_signs_of(path_, point); }

  // Whether a unit is known to be zero on all of the path's cell.
  [[nodiscard]] bool is_zero(Index unit) const {
    return path_.vanishes(unit) || exact_.vanishes(unit);
  }

  const Network& net_;
  Path path_;
  Frames frames_;
  std::unique_ptr<Simplex> simplex_;
  LayerRows rows_;
  Witness witness_;
  ExactBasis exact_;

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr Index kStepsPerLook = 64;
  static constexpr std::chrono::milliseconds kLongest{50};

  // Rows from the first to before the last.
  struct Range {
    Index first, last;
  };
  Range& range(Index t) { return ranges_[static_cast<std::size_t>(t)]; }
  [[nodiscard]] const std::uint8_t* row(Index i) const { return bits_.data() + i * table_.units(); }

  void step(Index t) {
    Frame& f = frames_[t];
    if (f.phase == Phase::kNewLayer) {
      enter_layer(f, range(t));
    } else if (f.phase == Phase::kNode) {
      visit_node(t);
    } else {
      visit_leaf(t);
    }
  }

  // Whether cells of the table that are in none of the rows may share the bits that some rows do.
  [[nodiscard]] bool may_miss_cells(Range in) const {
    return gaps_ || in.first == 0 || in.last == count_;
  }

  // Bring the units of the next layer into a frame: those that may cut.
  void enter_layer(Frame& f, Range in) {
    if (rows_.drifted(f)) rows_.rebuild(f);
    path_.pull_back(f.layer);
    const Index first = net_.offset(f.layer), end = net_.offset(f.layer + 1);
    const std::uint8_t all = may_miss_cells(in) ? 1 : 0, *one = row(in.first);
    for (Index k = first; k < end; ++k) wanted_[k] = all;
    for (Index i = in.first + 1; i < in.last; ++i) {
      const std::uint8_t* other = row(i);
      for (Index k = first; k < end; ++k) {
        wanted_[k] = static_cast<std::uint8_t>(wanted_[k] | (one[k] ^ other[k]));
      }
    }
    for (Index k = first; k < end; ++k) {
      if (path_.twins().follows(k)) {
        wanted_[k] = 0;
      } else if (one[k] == 0 && is_zero(k)) {
        wanted_[k] = 0;
        path_.set_zero(k);
      } else if (wanted_[k] == 0) {
        path_.set(k, one[k] != 0 ? 1 : -1);
      }
    }
    rows_.add(f, f.layer, wanted_);
    rows_.drop(f, keeps_);
    f.phase = Phase::kNode;
  }

  // Go down to the next unit that has both signs in the rows of frame t.
  void visit_node(Index t) {
    Frame& f = frames_[t];
    const Range in = range(t);
    const std::uint8_t *first = row(in.first), *last = row(in.last - 1);
    const bool is_sure = !may_miss_cells(in);
    while (f.free > 0) {
      const Index unit = f.row[f.free - 1] - net_.d();
      if (first[unit] != last[unit]) {
        split(t, unit);
        return;
      }
      const int side = first[unit] != 0 ? 1 : -1;
      if (is_sure) {
        path_.set(unit, side);
        f.drop_last_free_row();
      } else if (reach(f, side)) {
        constrain(f, unit, side);
        path_.choose(unit, side);
      } else {
        pop();
        return;
      }
    }
    f.layer += 1;
    f.phase = f.layer < table_.depth() ? Phase::kNewLayer : Phase::kLeaf;
  }

  // Move a frame to a vertex that is on a side of its next unit; false where rounding shows none.
  bool reach(Frame& f, int side) {
    const Index row = f.free - 1;
    if (side * f.constant[row] > kClear) return true;
    const Entering first = simplex_->entering(f, row, -side);
    return first.column >= 0 && !(first.bound > kClear) &&
           simplex_->descend(f, row, -side, first, nullptr) == Ended::kCrossed;
  }

  void constrain(Frame& f, Index unit, int side) {
    path_.split_unit[f.splits] = unit;
    f.constrain(side);
  }

  // Divide the cell of frame t: the inactive side goes on, the active one waits below it.
  void split(Index t, Index unit) {
    const Range in = range(t);
    const Index middle = first_active(in, unit);
    if (middle == in.first || !divide(t)) {
      pop();
      return;
    }
    constrain(frames_[t], unit, 1);
    constrain(frames_[t + 1], unit, -1);
    frames_[t].pending = unit;
    range(t) = {middle, in.last};
    range(t + 1) = {in.first, middle};
    path_.choose(unit, -1);
    top_ = t + 1;
  }

  // The first of some rows in which a unit is active, which it is in the last one.
  [[nodiscard]] Index first_active(Range in, Index unit) const {
    Index low = in.first, high = in.last - 1;
    while (low < high) {
      const Index middle = low + (high - low) / 2;
      row(middle)[unit] != 0 ? high = middle : low = middle + 1;
    }
    return low;
  }

  // Put frame t at a vertex on the active side of its next unit, and frame t + 1, which must be
  // free, at one on the inactive side; false where rounding shows none.
  bool divide(Index t) {
    const int side = frames_[t].constant[frames_[t].free - 1] > 0.0 ? 1 : -1;
    if (!reach(frames_[t], side)) return false;
    simplex_->copy(frames_[t], frames_[t + 1]);
    if (!reach(frames_[t + 1], -side)) return false;
    if (side < 0) frames_.swap(t, t + 1);
    return true;
  }

  void visit_leaf(Index t) {
    const Range in = range(t);
    Frame& f = frames_[t];
    if (in.last - in.first == 1 && has_signs_of(row(in.first)) && find_inner(f)) {
      look(f, in.first, witness_.point());
    }
    pop();
  }

  [[nodiscard]] bool has_signs_of(const std::uint8_t* bits) const {
    for (Index k = 0; k < table_.units(); ++k) {
      if ((path_.sign[k] > 0) != (bits[k] != 0)) return false;
    }
    return true;
  }

  // Find a point inside the cell of a leaf, with proof.
  bool find_inner(Frame& f) {
    witness_.inner_point(f, *simplex_);
    if (is_in_cell(witness_.point())) return true;
    witness_.mean_of_vertices(f, *simplex_);
    return is_in_cell(witness_.point());
  }

  // Go back to the active side that waits below the top frame, if there is one.
  void pop() {
    top_ -= 1;
    if (top_ >= 0) path_.choose(frames_[top_].pending, 1);
  }

  const Network& table_;
  ForwardPass forward_;
  std::vector<std::uint8_t> bits_;  // (rows, units of the table)
  std::vector<Range> ranges_;       // of each frame
  Index count_ = 0;                 // of the rows
  bool gaps_ = false;
  Array<std::uint8_t> wanted_;  // (N) whether a unit of the layer in hand may cut
  Array<std::uint8_t> keeps_;   // ones: no free row is dropped
  Index top_ = -1;
};

}  // namespace nnce
