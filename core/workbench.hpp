// One dictionary and all that works on it, as a walk has them: tests put these in any state that a
// walk could bring them to, and hold what they say against exact arithmetic.
#pragma once

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <vector>

#include "array.hpp"
#include "basis_proof.hpp"
#include "exact_basis.hpp"
#include "frame.hpp"
#include "layer_rows.hpp"
#include "network.hpp"
#include "path.hpp"
#include "proofs.hpp"
#include "screen.hpp"
#include "simplex.hpp"
#include "witness.hpp"

namespace nnce {

class Workbench {
 public:
  // The dictionary is at the lower corner of the box, without rows. `net` must outlive it.
  explicit Workbench(const Network& net)
      : net_(net),
        path_(net),
        frames_(net),
        frame_(frames_[0]),
        simplex_(make_simplex(net, path_, frames_.capacity())),
        slope_(frames_.capacity()),
        rows_(net, path_),
        screen_(net, path_, frames_.capacity()),
        basis_(net, path_, true),
        exact_(net, path_),
        forward_(net),
        witness_(net, path_, frames_.capacity()) {
    for (Index c = 0; c < net.d(); ++c) {
      frame_.column[c] = static_cast<std::int32_t>(c);
      frame_.reach[c] = net.span()[c];
    }
  }

  // What there is to read.
  [[nodiscard]] const Network& network() const { return net_; }
  [[nodiscard]] const Path& path() const { return path_; }
  [[nodiscard]] const Frame& frame() const { return frame_; }
  [[nodiscard]] const double* point() const { return witness_.point(); }

  // Compute the forms of a layer on the path's cell.
  void pull_back(Index layer) {
    require(0 <= layer && layer < net_.depth(), "no such layer");
    path_.pull_back(layer);
  }

  // Put the path on a cell: the signs of the first units (1, -1, or 0: zero on the cell), and those
  // of them that were split on, whose forms are known.
  void follow(const std::vector<int>& signs, const std::vector<Index>& splits) {
    const auto count = static_cast<Index>(signs.size());
    require(count <= net_.units() && splits.size() <= signs.size(), "more signs than units");
    for (Index k = 0; k < count; ++k) {
      const int on = signs[static_cast<std::size_t>(k)];
      on == 0 ? path_.set_zero(k) : path_.set(k, on);
    }
    frame_.splits = 0;
    for (const Index k : splits) {
      require(0 <= k && k < count, "a split on a unit without sign");
      path_.choose(k, path_.sign[k]);
      path_.split_unit[frame_.splits++] = k;
    }
  }

  // Write the slacks of the splits over a basis: the nonbasic variables, and whether they are
  // inputs at their upper bound.
  void rebuild(const std::vector<Index>& column, const std::vector<bool>& at_upper) {
    require(static_cast<Index>(column.size()) == net_.d() && at_upper.size() == column.size(),
            "a basis has a variable for each input");
    for (const Index v : column) {
      require(std::count(column.begin(), column.end(), v) == 1, "a variable that stands twice");
      require(is_variable(v), "a variable that is neither an input nor the slack of a split");
    }
    for (Index c = 0; c < net_.d(); ++c) {
      const auto at = static_cast<std::size_t>(c);
      frame_.column[c] = static_cast<std::int32_t>(column[at]);
      frame_.at_upper[c] = at_upper[at] && column[at] < net_.d() ? 1 : 0;
    }
    frame_.free = 0;
    rows_.rebuild(frame_);
  }

  // Put the units of a layer, whose forms are known, before the other rows.
  void add_layer(Index layer) {
    require(0 <= layer && layer < net_.depth(), "no such layer");
    require(frame_.free == 0 && frame_.rows + net_.layer(layer).units <= frames_.capacity(),
            "no room for the rows of a layer");
    rows_.add(frame_, layer, true);
  }

  // Put other rows, `value` (rows, 1 + d) with the constant first and `cap` (rows), in place of all
  // rows: the first `free` of them are free rows. Row r is called the slack of unit r.
  void put_rows(const double* value, const double* cap, Index rows, Index free) {
    require(0 <= free && free <= rows && rows <= net_.units(), "more rows than units");
    const Index d = net_.d();
    for (Index r = 0; r < rows; ++r) {
      frame_.clear_row(r);
      frame_.row[r] = static_cast<std::int32_t>(d + r);
      frame_.constant[r] = value[r * (1 + d)];
      frame_.cap[r] = cap[r];
      for (Index c = 0; c < d; ++c) frame_.value(r)[c] = value[r * (1 + d) + 1 + c];
    }
    for (Index r = rows; r < padded(frame_.rows); ++r) frame_.clear_row(r);
    frame_.rows = rows;
    frame_.free = free;
    frame_.clear_padding();
  }

  // The moves of the simplex method (simplex.hpp).
  void pivot(Index row, Index column) {
    check_row(row);
    check_column(column);
    require(row >= frame_.free, "free rows stay where they are");
    exchange(net_, path_, frame_, row, column);
  }
  bool step_along(Index column) {
    check_column(column);
    return nnce::step_along(net_, path_, frame_, column, slope_);
  }
  [[nodiscard]] Entering entering(Index row, double side) const {
    check_row(row);
    return simplex_->entering(frame_, row, side);
  }
  Ended descend(Index row, double side) {
    return simplex_->descend(frame_, row, side, entering(row, side), nullptr);
  }

  // The proofs (proofs.hpp).
  [[nodiscard]] bool holds(Index unit, Index row, double side) const {
    check_row(row);
    require(0 <= unit && unit < net_.units(), "no such unit");
    return simplex_->holds(frame_, unit, row, side);
  }
  // The same by multipliers enclosed (basis_proof.hpp), and where forms are exact
  // (exact_basis.hpp).
  bool holds_at_basis(Index unit, Index row, double side) {
    check_row(row);
    require(0 <= unit && unit < net_.units(), "no such unit");
    return basis_.holds(frame_, unit, row, side);
  }
  bool holds_in_integers(Index unit, Index row, double side) {
    check_row(row);
    require(0 <= unit && unit < net_.units(), "no such unit");
    return exact_.holds(frame_, unit, row, side);
  }
  bool has_signs_of_path(const double* x) { return forward_.has_signs_of(path_, x); }
  [[nodiscard]] bool is_inside(const double* x) const {
    return nnce::is_inside(net_, path_, frame_.splits, x);
  }

  // What the screen proves of each free row, and its ceilings of each column (screen.hpp).
  std::vector<int> look() {
    require(frame_.free <= net_.most_units(), "more free rows than a layer has");
    screen_.look(frame_);
    std::vector<int> answers;
    for (Index r = 0; r < frame_.free; ++r) answers.push_back(screen_.answer(r));
    return answers;
  }
  std::vector<double> ceilings() {
    screen_.find_ceilings(frame_);
    std::vector<double> found;
    for (Index c = 0; c < net_.d(); ++c) found.push_back(screen_.ceiling(c));
    return found;
  }
  [[nodiscard]] double ceiling_in_box(Index variable) const {
    require(is_variable(variable), "neither an input nor the slack of a split");
    return screen_.ceiling_in_box(variable);
  }

  // Write a point inside the cell to `point`; the mean of vertices moves the dictionary.
  void inner_point() { witness_.inner_point(frame_, *simplex_); }
  void mean_of_vertices() { witness_.mean_of_vertices(frame_, *simplex_); }

 private:
  static void require(bool holds, const char* otherwise) {
    if (!holds) throw std::invalid_argument(otherwise);
  }
  void check_row(Index row) const {
    if (row < 0 || row >= frame_.rows) throw std::out_of_range("no such row");
  }
  void check_column(Index column) const {
    if (column < 0 || column >= net_.d()) throw std::out_of_range("no such column");
  }
  [[nodiscard]] bool is_variable(Index v) const {
    if (v < net_.d()) return v >= 0;
    const Index* splits = path_.split_unit.data();
    return std::find(splits, splits + frame_.splits, v - net_.d()) != splits + frame_.splits;
  }

  const Network& net_;
  Path path_;
  Frames frames_;
  Frame& frame_;
  std::unique_ptr<Simplex> simplex_;
  Array<double> slope_;  // scratch of `step_along`
  LayerRows rows_;
  Screen screen_;
  BasisProof basis_;
  ExactBasis exact_;
  ForwardPass forward_;
  Witness witness_;
};

}  // namespace nnce
