// One dictionary on the stack of a walk, and the stack.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "array.hpp"
#include "network.hpp"
#include "simd.hpp"

namespace nnce {

inline constexpr double kInfinite = std::numeric_limits<double>::infinity();

// What a frame does next.
enum class Phase : std::uint8_t { kNewLayer, kRootTests, kNode, kLeaf };

// A simplex dictionary at a vertex of a cell. A *variable* is an input (0 … d-1) or the slack of a
// split unit (d + its global index).
//
// Each row is written as `constant[r] + sum_c value(r)[c] * t_c` over the d nonbasic displacements
// t_c >= 0: an input's distance from the bound it is at, or a slack. Rows 0 … free-1 are the units
// of the current layer that are not decided yet, the next one last; rows free … rows-1 are
// constraints (slacks >= 0; inputs measured from their lower bound, with a cap). Rows are
// contiguous and constants, caps and reaches apart, so that choosing a column and the pivot row are
// plain loads; up to a multiple of `kLanes` there are rows of zeros, which never block.
struct Frame {
  double* values = nullptr;          // (capacity, stride)
  double* constant = nullptr;        // (capacity)
  double* cap = nullptr;             // (capacity) upper bound of a constraint row, or infinite
  double* reach = nullptr;           // (stride) about the largest displacement of each column
  std::int32_t* row = nullptr;       // (capacity) the variable of each row
  std::int32_t* column = nullptr;    // (stride) the variable of each column
  std::int32_t* at_upper = nullptr;  // (stride) 1 where a nonbasic input is at its upper bound
  Index stride = 0;
  Index rows = 0;
  Index free = 0;
  Index layer = 0;
  Index cursor = 0;          // the next unit of the tests at the root of a layer
  Index splits = 0;          // number of splits on the path to this frame
  Index pending = 0;         // the unit whose active side waits in this frame,
  Index winner = kNoWinner;  // or the max whose winner this one is there
  Index shared = 0;    // while it waits: the first so many splits are those of the frame above, too
  double share = 0.0;  // the share of the domain's tree below this frame
  std::uint64_t known_active = 0;    // the bits of the layer's units that are known to be active,
  std::uint64_t known_inactive = 0;  // or not: split on, or decided
  Phase phase = Phase::kNewLayer;

  [[nodiscard]] double* value(Index r) { return values + r * stride; }
  [[nodiscard]] const double* value(Index r) const { return values + r * stride; }

  // Make row r one of zeros, as those behind the last one are.
  void clear_row(Index r) {
    for (Index c = 0; c < stride; c += kLanes) store(value(r) + c, all(0.0));
    constant[r] = 0.0;
    cap[r] = kInfinite;
  }

  void clear_padding() {
    for (Index r = rows; r < padded(rows); ++r) clear_row(r);
  }

  // Put row `source` into the place of row `target`.
  void move_row(Index source, Index target) {
    const double* from = value(source);
    double* to = value(target);
    for (Index c = 0; c < stride; c += kLanes) store(to + c, load(from + c));
    constant[target] = constant[source];
    cap[target] = cap[source];
    row[target] = row[source];
  }

  // Drop the row of the next unit; the last row takes its place among the constraints.
  void drop_last_free_row() {
    const Index last = rows - 1;
    move_row(last, free - 1);
    clear_row(last);
    free -= 1;
    rows -= 1;
  }

  // Make the row of the next unit the constraint side * h >= 0.
  void constrain(int side) {
    const Index r = free - 1;
    if (side < 0) {
      double* at = value(r);
      for (Index c = 0; c < stride; c += kLanes) store(at + c, -load(at + c));
      constant[r] = -constant[r];
    }
    free -= 1;
    splits += 1;
    share *= 0.5;
  }
};

// Put a frame at the lowest corner of the box, before the first layer.
inline void begin_at_corner(const Network& net, Frame& f) {
  for (Index c = 0; c < net.d(); ++c) {
    f.column[c] = static_cast<std::int32_t>(c);
    f.at_upper[c] = 0;
    f.reach[c] = net.span()[c];
  }
  f.rows = f.free = f.layer = f.cursor = f.splits = f.pending = f.shared = 0;
  f.winner = kNoWinner;
  f.phase = Phase::kNewLayer;
  f.share = 1.0;
}

// The frames of a walk, the root's first. Their memory is taken when a path first gets so deep.
class Frames {
 public:
  explicit Frames(const Network& net)
      : stride_(padded(net.d())), capacity_(padded(net.units() + 1)) {
    // No path is longer than this, so frames stay where they are.
    frames_.reserve(static_cast<std::size_t>(net.units()) + 2);
  }

  [[nodiscard]] Index capacity() const { return capacity_; }
  [[nodiscard]] Index stride() const { return stride_; }
  Frame& operator[](Index t) {
    while (t >= static_cast<Index>(frames_.size())) add();
    return frames_[static_cast<std::size_t>(t)];
  }
  void swap(Index s, Index t) { std::swap((*this)[s], (*this)[t]); }

 private:
  void add() {
    numbers_.emplace_back(capacity_ * (stride_ + 2) + stride_);
    names_.emplace_back(capacity_ + 2 * stride_);
    Frame frame;
    frame.stride = stride_;
    frame.values = numbers_.back().data();
    frame.constant = frame.values + capacity_ * stride_;
    frame.cap = frame.constant + capacity_;
    frame.reach = frame.cap + capacity_;
    frame.row = names_.back().data();
    frame.column = frame.row + capacity_;
    frame.at_upper = frame.column + stride_;
    frames_.push_back(frame);
  }

  Index stride_, capacity_;
  std::vector<Array<double>> numbers_;
  std::vector<Array<std::int32_t>> names_;
  std::vector<Frame> frames_;
};

}  // namespace nnce
