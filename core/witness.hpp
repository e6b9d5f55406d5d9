// Points strictly inside a cell, from its dictionary.
#pragma once

#include "array.hpp"
#include "frame.hpp"
#include "layer_rows.hpp"
#include "network.hpp"
#include "path.hpp"
#include "simd.hpp"
#include "simplex.hpp"

namespace nnce {

class Witness {
 public:
  Witness(const Network& net, const Path& path, Index capacity)
      : net_(net),
        path_(path),
        slope_(capacity),
        mean_(net.d()),
        point_(net.d() + net.units()),
        lower_(net.d() + net.units()),
        upper_(net.d() + net.units()),
        span_(net.d() + net.units()) {
    for (Index i = 0; i < net.d(); ++i) {
      lower_[i] = net.lower()[i], upper_[i] = net.upper()[i], span_[i] = net.span()[i];
    }
  }

  [[nodiscard]] const double* point() const { return point_.data(); }
  double* point() { return point_.data(); }

  // Find a point off the vertex of a frame, in the inside of its cell.
  //
  // The ray that raises all nonbasic displacements at once, half way to where it leaves the cell:
  // strictly inside unless the vertex is degenerate.
  void inner_point(const Frame& f, const Simplex& simplex) {
    simplex.slopes(f, slope_.data());
    const double step = 0.5 * longest_step(f);
    // Slacks are written as inputs are, to places behind them: no branch, as which is which changes
    // all the time.
    double* __restrict point = point_.data();
    const double *__restrict lower = lower_.data(), *__restrict upper = upper_.data(),
                 *__restrict span = span_.data(), *__restrict slope = slope_.data();
    for (Index c = 0; c < net_.d(); ++c) {
      const Index i = f.column[c];
      const double move = step * span[i];
      point[i] = f.at_upper[c] == 1 ? upper[i] - move : lower[i] + move;
    }
    for (Index r = f.free; r < f.rows; ++r) {
      const Index i = f.row[r];
      point[i] = fma(step, slope[r], lower[i] + f.constant[r]);
    }
  }

  // Find a mean of vertices of a frame's cell that lies off its facets; moves the frame.
  //
  // For degenerate vertices, where `inner_point` stays on the boundary: each constraint that is
  // tight at the mean so far asks for one more vertex, away from it.
  void mean_of_vertices(Frame& f, Simplex& simplex) {
    const Index d = net_.d();
    vertex(net_, f, mean_.data());
    double count = 1.0;
    for (Index s = 0; s < f.splits + 2 * d; ++s) {
      const Constraint constraint = s < f.splits ? slack(s) : bound(s - f.splits);
      if (constraint.gap * count > kClear) continue;
      raise(f, simplex, constraint.variable, constraint.up);
      vertex(net_, f, point_.data());
      for (Index i = 0; i < d; ++i) mean_[i] += (point_[i] - mean_[i]) / (count + 1.0);
      count += 1.0;
    }
    for (Index i = 0; i < d; ++i) point_[i] = mean_[i];
  }

 private:
  // How far the mean is inside a constraint, and which way its variable has to move.
  struct Constraint {
    Index variable;
    double gap;
    double up;
  };

  // How far the ray goes until a constraint blocks, at most 1.
  [[nodiscard]] double longest_step(const Frame& f) const {
    Doubles best = all(1.0);
    const Doubles zero = all(0.0);
    const Index first = f.free & -kLanes;
    Longs id = Longs{0, 1, 2, 3} + all(first);
    for (Index r = first; r < padded(f.rows); r += kLanes, id += all(std::int64_t{kLanes})) {
      const Doubles a = load(slope_.data() + r), down = most(load(f.constant + r), zero);
      const Doubles room = most(select(a < zero, down, load(f.cap + r) - down), zero);
      const Longs moves = (magnitude(a) > all(kSmallPivot)) & (id >= all(std::int64_t{f.free}));
      best = least(select(moves, room / magnitude(a), all(kInfinite)), best);
    }
    return least_of(best);
  }

  [[nodiscard]] Constraint slack(Index s) const {
    const Index k = path_.split_unit[s];
    const double* form = path_.form(k);
    double gap = form[0];
    for (Index i = 0; i < net_.d(); ++i) gap = fma(form[1 + i], mean_[i], gap);
    return {net_.d() + k, gap * path_.sign[k], 1.0};
  }

  [[nodiscard]] Constraint bound(Index b) const {
    const Index i = b / 2;
    if (b % 2 == 0) return {i, mean_[i] - net_.lower()[i], 1.0};
    return {i, net_.upper()[i] - mean_[i], -1.0};
  }

  bool step(Frame& f, Simplex& simplex, Index column) {
    simplex.pivots += 1;
    return step_along(net_, path_, f, column, slope_);
  }

  // Move a frame to a vertex with a variable off its floor (up = 1.0) or its cap.
  void raise(Frame& f, Simplex& simplex, Index variable, double up) {
    for (Index c = 0; c < net_.d(); ++c) {
      if (f.column[c] != variable) continue;
      if ((f.at_upper[c] == 1) == (up > 0.0)) return;
      step(f, simplex, c);
      break;
    }
    const Index patience = 4 * (net_.d() + f.rows) + 20;
    for (Index i = 0; i < patience; ++i) {
      Index row = -1;
      for (Index r = f.free; r < f.rows; ++r) row = f.row[r] == variable ? r : row;
      if (row < 0) return;
      if ((up > 0.0 ? f.constant[row] : f.cap[row] - f.constant[row]) > kClear) return;
      const Index q = simplex.first_entering(f, row, -up);
      if (q < 0 || !step(f, simplex, q)) return;
    }
  }

  const Network& net_;
  const Path& path_;
  Array<double> slope_, mean_;
  Array<double> point_;                 // (d + N) the inputs are what matters
  Array<double> lower_, upper_, span_;  // (d + N) the box, and zeros behind it
};

}  // namespace nnce
