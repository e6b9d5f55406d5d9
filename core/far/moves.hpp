// Boxes far larger than what is in them: the moves of the simplex method, digit for digit.
//
// On a box of ±2^60 around biases of 1 a dictionary's slopes are ordinary numbers, but its
// constants are not: near the origin they are 2^-60 of the box, less than a pivot that comes from
// the box's corners rounds away. Here they are not updated but follow from the slopes. A row is
// s = c + sum_k a_k t_k. Where all inputs are 0, s is its unit's bias, and t_k is that of its slack
// or the bound of its input; so c is a difference of numbers of one size, whichever that is. In the
// ratio test the way is measured from there, too: seen from a side of the box, steps to hyperplanes
// near the origin differ in no digit.
//
// Out at the sides of the box hyperplanes that are parallel there differ by their biases alone. So
// all lengths have two parts, of which that of the box's size comes first and has to be told from
// what rounding leaves of 0: it is 0 where its terms cancel, or their slopes are next to nothing. A
// constant is clearly on its side where it is not 0. As elsewhere, none of this decides anything.
#pragma once

#include <algorithm>
#include <cmath>

#include "../array.hpp"
#include "../frame.hpp"
#include "../network.hpp"
#include "../path.hpp"
#include "../simd.hpp"
#include "../simplex.hpp"

namespace nnce {

// A length on two scales: a part of the box's size, and one of the biases'.
struct Length {
  double far = 0.0, near = 0.0;

  [[nodiscard]] Length at_least(const Length& other) const {
    return is_within(other) ? other : *this;
  }
  // Whether it is shorter, or just as long. Far parts this close are equal.
  [[nodiscard]] bool is_within(const Length& other) const {
    const double more = far - other.far;
    if (std::fabs(more) > kClose * std::fabs(other.far)) return more < 0.0;
    return near <= other.near;
  }

  static constexpr double kClose = 1e-9;
};

class FarMoves {
 public:
  FarMoves(const Network& net, const Path& path, Index capacity)
      : net_(net),
        path_(path),
        far_(padded(net.d())),
        near_(padded(net.d())),
        ahead_(padded(net.d())),
        slope_(capacity),
        far_value_(capacity),
        near_value_(capacity) {}

  // Whether all that the first layer's biases move is too near the middle of the box, seen from its
  // corners, to be clear in floating point.
  static bool has_tiny_biases(const Network& net) {
    bool found = false;
    for (Index j = 0; j < net.layer(0).width(); ++j) {
      const double bias = std::fabs(net.layer(0).map.bias()[j]);
      if (bias == 0.0) continue;
      double size = bias;
      for (Index i = 0; i < net.d(); ++i) size += term(net, j, i);
      if (bias > kClear * size) return false;
      found = true;
    }
    return found;
  }

  // Whether all inputs are of one size in the box. Of one that counts only beside the biases no
  // slope would be clear.
  static bool are_inputs_even(const Network& net) {
    double least = kInfinite, most = 0.0;
    for (Index i = 0; i < net.d(); ++i) {
      double size = 0.0;
      for (Index j = 0; j < net.layer(0).width(); ++j) size = std::max(size, term(net, j, i));
      if (size != 0.0) least = std::min(least, size);
      most = std::max(most, size);
    }
    return least > kEven * most;
  }

  // Write the constants of a frame's rows.
  void write_constants(Frame& f) {
    find_displacements(f);
    find_values(f);
    for (Index r = 0; r < f.rows; r += kLanes) store(f.constant + r, value(r));
  }

  // Whether the vertex of a frame is on a side of the box, far from the origin.
  bool is_at_side(const Frame& f) {
    find_displacements(f);
    return is_at_side_;
  }

  // Move a frame along its column q to the next vertex; false where nothing blocks.
  bool step(Frame& f, Index q) {
    find_displacements(f);
    const Ahead ahead = look_along(f, q);
    if (f.column[q] < net_.d() && !(ahead.row >= 0 && ahead.way.is_within(across(f, q)))) {
      flip(net_, f, q);
    } else if (ahead.row < 0) {
      return false;
    } else {
      exchange(net_, path_, f, ahead.row, q);
    }
    write_constants(f);
    return true;
  }

  // Find a point of a frame's cell near the origin, from a vertex that is near it; false where no
  // way leads there. Moves the frame, and leaves its constants as they are. `point` (d).
  bool near_point(Frame& f, double* point) {
    leave_sides(f);
    is_at_side_ = false;
    double step = 0.0;
    for (Index c = 0; c < net_.d(); ++c) {
      ahead_[c] = far_[c] == 0.0 ? 1.0 : 0.0;
      far_[c] = 0.0;  // an input at a side is put to 0, a slack far off to its bias
      step = std::max(step, std::fabs(near_[c]));
    }
    find_values(f);
    for (Index r = f.free; r < f.rows; ++r) {
      const double slope = slope_[r] = sum_along(f, r, ahead_.data());
      const double at = far_value_[r] + near_value_[r], room = slope < 0.0 ? at : f.cap[r] - at;
      if (!(room > 0.0)) return false;
      if (std::fabs(slope) > kSmallPivot) step = std::min(step, room / std::fabs(slope));
    }
    write_point(f, 0.5 * step, point);
    return true;
  }

 private:
  static constexpr double kEven = 0x1p-20;

  // The row that blocks the way along a column first (-1: none), and how far it is, from where the
  // column's variable is at the origin.
  struct Ahead {
    Index row;
    Length way;
  };

  static double term(const Network& net, Index j, Index i) {
    return std::fabs(net.layer(0).map.entry(j, i)) * net.magnitude()[i];
  }
  static Length length(double x) { return std::fabs(x) > kClear ? Length{x, 0.0} : Length{0.0, x}; }

  // A variable's value at the origin, as displacement or row: an input's from its lower bound.
  [[nodiscard]] double origin_of_slack(Index unit) const {
    return path_.sign[unit] * path_.form(unit)[0];
  }
  [[nodiscard]] double origin_of_row(const Frame& f, Index r) const {
    const Index v = f.row[r];
    if (v < net_.d()) return -net_.lower()[v];
    return r < f.free ? path_.form(v - net_.d())[0] : origin_of_slack(v - net_.d());
  }
  void find_displacements(const Frame& f) {
    is_at_side_ = false;
    for (Index c = 0; c < net_.d(); ++c) {
      const Index v = f.column[c];
      const Length at = length(v >= net_.d()        ? origin_of_slack(v - net_.d())
                               : f.at_upper[c] == 1 ? net_.upper()[v]
                                                    : -net_.lower()[v]);
      far_[c] = at.far, near_[c] = at.near;
      is_at_side_ = is_at_side_ || at.far != 0.0;
    }
  }

  // Write the far and near part of each row's value, where the displacements are what they are at
  // the origin less what is in `far_` and `near_`; four rows at a time, and rows of zeros.
  void find_values(const Frame& f) {
    for (Index r = 0; r < f.rows; r += kLanes) {
      double origins[kLanes] = {};
      for (Index k = 0; k < std::min(kLanes, f.rows - r); ++k) origins[k] = origin_of_row(f, r + k);
      const Doubles origin = load(origins);
      const Longs is_far = magnitude(origin) > all(kClear);
      store(near_value_.data() + r,
            less_sums(f, r, near_.data(), select(is_far, all(0.0), origin)));
      const Doubles far = select(is_far, origin, all(0.0));
      store(far_value_.data() + r, is_at_side_ ? less_sums(f, r, far_.data(), far) : far);
    }
  }
  [[nodiscard]] Doubles value(Index r) const {
    return load(far_value_.data() + r) + load(near_value_.data() + r);
  }

  // Take the sums of four rows' slopes times `factor` from `origin`; 0 where all but cancels.
  [[nodiscard]] NNCE_INLINE static Doubles less_sums(const Frame& f, Index r, const double* factor,
                                                     Doubles origin) {
    Doubles v = all(0.0), w = v, x = v, y = v, v_size = v, w_size = v, x_size = v, y_size = v;
    for (Index c = 0; c < f.stride; c += kLanes) {
      const Doubles by = load(factor + c);
      const Doubles a = slopes(f, r, c) * by, b = slopes(f, r + 1, c) * by;
      const Doubles p = slopes(f, r + 2, c) * by, q = slopes(f, r + 3, c) * by;
      v += a, w += b, x += p, y += q;
      v_size += magnitude(a), w_size += magnitude(b);
      x_size += magnitude(p), y_size += magnitude(q);
    }
    const Doubles value = origin - sums_of(v, w, x, y);
    const Doubles whole = magnitude(origin) + sums_of(v_size, w_size, x_size, y_size);
    return select(magnitude(value) > all(kClear) * whole, value, all(0.0));
  }
  [[nodiscard]] static Doubles slopes(const Frame& f, Index r, Index c) {
    const Doubles slope = load(f.value(r) + c);
    return select(magnitude(slope) > all(kSmallPivot), slope, all(0.0));
  }
  [[nodiscard]] static double sum_along(const Frame& f, Index r, const double* factor) {
    Doubles sum = all(0.0);
    for (Index c = 0; c < f.stride; c += kLanes) sum = fma(slopes(f, r, c), load(factor + c), sum);
    return sum_of(sum);
  }

  // How far the input of column q can go, from 0.
  [[nodiscard]] Length across(const Frame& f, Index q) const {
    const Index i = f.column[q];
    return length(f.at_upper[q] == 1 ? -net_.lower()[i] : net_.upper()[i]);
  }

  // Of the rows that are next the one with the largest pivot blocks.
  Ahead look_along(const Frame& f, Index q) {
    const Length here{-far_[q], -near_[q]};
    far_[q] = near_[q] = 0.0;
    find_values(f);
    Ahead first{-1, {}};
    for (Index r = f.free; r < f.rows; ++r) {
      const double slope = f.value(r)[q], size = std::fabs(slope);
      if (!(size > kSmallPivot) || (slope > 0.0 && f.cap[r] == kInfinite)) continue;
      const Length way = way_to(f, r, slope).at_least(here);
      if (first.row >= 0) {
        if (!way.is_within(first.way)) continue;
        const bool ties = first.way.is_within(way);
        if (ties && size <= std::fabs(f.value(first.row)[q])) continue;
      }
      first = {r, way};
    }
    far_[q] = -here.far, near_[q] = -here.near;
    return first;
  }

  [[nodiscard]] Length way_to(const Frame& f, Index r, double slope) const {
    const double far = far_value_[r], near = near_value_[r], size = std::fabs(slope);
    if (slope < 0.0) return {far / size, near / size};
    return {(f.cap[r] - far) / size, -near / size};
  }

  // Leave the sides of the box that are far from the origin, as far as hyperplanes block the way
  // inwards. Leaves `far_` and `near_` those of the frame.
  void leave_sides(Frame& f) {
    find_displacements(f);
    for (Index c = 0; c < net_.d(); ++c) {
      if (f.column[c] >= net_.d() || far_[c] == 0.0) continue;
      const Ahead ahead = look_along(f, c);
      if (ahead.row < 0 || f.row[ahead.row] < net_.d() || !ahead.way.is_within(across(f, c))) {
        continue;
      }
      exchange(net_, path_, f, ahead.row, c);
      find_displacements(f);
      c = -1;
    }
  }

  void write_point(const Frame& f, double step, double* point) const {
    for (Index c = 0; c < net_.d(); ++c) {
      const Index i = f.column[c];
      if (i >= net_.d()) continue;
      const double off = ahead_[c] * step - near_[c];
      point[i] = f.at_upper[c] == 1 ? -off : off;
    }
    for (Index r = f.free; r < f.rows; ++r) {
      if (f.row[r] >= net_.d()) continue;
      point[f.row[r]] = fma(step, slope_[r], -sum_along(f, r, near_.data()));
    }
  }

  const Network& net_;
  const Path& path_;
  Array<double> far_, near_;  // (d padded) the displacement of each column at the origin
  Array<double> ahead_;       // (d padded) 1 where it grows on the way to a point
  Array<double> slope_;       // of the rows, on that way
  Array<double> far_value_, near_value_;  // of the rows
  bool is_at_side_ = false;               // whether any displacement has a far part
};

}  // namespace nnce
