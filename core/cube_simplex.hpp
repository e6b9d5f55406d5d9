// The dual simplex method over the unit cube, on a dense dictionary that the caller owns.
//
// Chvátal, *Linear Programming* (1983), chapters 8 and 10. Nothing here decides what is in the
// answer: callers prove what they take from it.
#pragma once

#include <algorithm>
#include <limits>
#include <utility>

#include "array.hpp"
#include "simd.hpp"

namespace nnce {

// The `rows` basic variables, and the cost in one more row, over the `columns` nonbasic ones, which
// are 0; the constant comes first. `basic` and `nonbasic` name the variables: v < columns is input
// v, measured from 0, or from 1 where flipped[v]; others are slacks. All arrays are the caller's,
// and are modified.
class CubeSimplex {
 public:
  // table (rows + 1, 1 + columns), basic (rows), nonbasic (columns), flipped (columns).
  CubeSimplex(double* table, Index* basic, Index rows, Index* nonbasic, bool* flipped,
              Index columns)
      : table_(table),
        basic_(basic),
        rows_(rows),
        nonbasic_(nonbasic),
        flipped_(flipped),
        columns_(columns) {}

  // Pivot from a dual feasible dictionary to an optimal one; return the number of pivots.
  // -1 where no point satisfies the rows, or after `limit` pivots.
  Index reoptimise(Index limit) {
    for (Index pivots = 0; pivots < limit; ++pivots) {
      const auto [row, beyond] = leaving_row();
      if (row < 0) return pivots;
      if (beyond) measure_from_other_bound(row);
      Index column = entering_column(row);
      // An input that is too short to mend the row goes to its other bound for nothing: its cost is
      // wrong there until the pivot, which is on a larger ratio, mends it (the long-step rule,
      // Maros 2003, Computational Techniques of the Simplex Method).
      while (column > 0 && is_input(nonbasic_[column - 1]) && at(row)[0] + at(row)[column] < 0.0) {
        flip(column);
        column = entering_column(row);
      }
      if (column < 0) return -1;
      exchange(row, column);
    }
    return -1;
  }

 private:
  static constexpr double kViolated = 1e-12;    // a basic variable below minus this has to leave
  static constexpr double kSmallPivot = 1e-11;  // smaller entries take no part in the ratio test

  [[nodiscard]] double* at(Index row) { return table_ + row * (1 + columns_); }
  [[nodiscard]] const double* at(Index row) const { return table_ + row * (1 + columns_); }
  [[nodiscard]] bool is_input(Index variable) const { return variable < columns_; }

  // Return the row whose variable is furthest out of its bounds, or -1; and whether it is an input
  // that is beyond 1, not a variable below 0.
  [[nodiscard]] std::pair<Index, bool> leaving_row() const {
    Index row = -1;
    bool beyond = false;
    double worst = kViolated;
    for (Index r = 0; r < rows_; ++r) {
      const double value = at(r)[0];
      if (-value > worst) {
        row = r, beyond = false, worst = -value;
      } else if (is_input(basic_[r]) && value - 1.0 > worst) {
        row = r, beyond = true, worst = value - 1.0;
      }
    }
    return {row, beyond};
  }

  // Write an input that is basic in its row as its distance from its other bound.
  void measure_from_other_bound(Index row) {
    double* entries = at(row);
    for (Index c = 0; c <= columns_; ++c) entries[c] = -entries[c];
    entries[0] += 1.0;
    flipped_[basic_[row]] = !flipped_[basic_[row]];
  }

  // Return the column that raises a row at the least cost, or -1; of ties the steepest.
  [[nodiscard]] Index entering_column(Index row) const {
    const double *slope = at(row), *cost = at(rows_);
    double least = std::numeric_limits<double>::infinity();
    for (Index c = 1; c <= columns_; ++c) {
      if (slope[c] > kSmallPivot) least = std::min(least, cost[c] / slope[c]);
    }
    const double tie = fma(std::max(least, 0.0), 1.0 + 1e-12, 1e-15);
    Index column = -1;
    double steepest = kSmallPivot;
    for (Index c = 1; c <= columns_; ++c) {
      if (slope[c] > steepest && cost[c] / slope[c] <= tie) {
        column = c;
        steepest = slope[c];
      }
    }
    return column;
  }

  // Move the nonbasic input of a column to its other bound.
  void flip(Index column) {
    for (Index r = 0; r <= rows_; ++r) {
      at(r)[0] += at(r)[column];
      at(r)[column] = -at(r)[column];
    }
    flipped_[nonbasic_[column - 1]] = !flipped_[nonbasic_[column - 1]];
  }

  // Exchange the variable of a row with that of a column.
  void exchange(Index row, Index column) {
    double* pivot_row = at(row);
    const double inverse = 1.0 / pivot_row[column];
    for (Index c = 0; c <= columns_; ++c) {
      pivot_row[c] = c == column ? inverse : -pivot_row[c] * inverse;
    }
    for (Index r = 0; r <= rows_; ++r) {
      if (r == row) continue;
      double* entries = at(r);
      const double factor = entries[column];
      entries[column] = 0.0;
      for (Index c = 0; c <= columns_; ++c) entries[c] = fma(factor, pivot_row[c], entries[c]);
    }
    std::swap(basic_[row], nonbasic_[column - 1]);
  }

  double* table_;
  Index* basic_;
  Index rows_;
  Index* nonbasic_;
  bool* flipped_;
  Index columns_;
};

}  // namespace nnce
