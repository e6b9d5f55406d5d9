// A simplex dictionary with 106 bits: the plain form of simplex.hpp, for one cell at a time.
#pragma once

#include <algorithm>
#include <cmath>

#include "../array.hpp"
#include "../frame.hpp"
#include "../network.hpp"
#include "../path.hpp"
#include "../rounding.hpp"
#include "../simplex.hpp"
#include "double_double.hpp"
#include "forms.hpp"

namespace nnce {

// As the tolerances of simplex.hpp: they choose who takes a decision, never what it is.
inline constexpr double kFineClear = 1e-25;
inline constexpr double kFineCost = 1e-27;
inline constexpr double kFinePivot = 1e-24;
inline constexpr double kFineSlack = 1e-27;  // a vertex this far outside is feasible
inline constexpr double kFineTie = 1e-28;

// A vertex of a cell: its splits' slacks and the basic inputs as rows over the nonbasic
// displacements, as in `Frame`; the row behind them is the *objective*, one more unit's form times
// 1 or -1.
class FineDictionary {
 public:
  FineDictionary(const Network& net, const Path& path, const FineForms& forms)
      : net_(net),
        path_(path),
        forms_(forms),
        table_(net.units() + 1, net.d() + 1),
        cap_(net.units() + 1),
        row_(net.units() + 1),
        column_(net.d()),
        at_upper_(net.d()),
        is_wanted_(net.d()),
        change_(net.d() + 1) {}

  [[nodiscard]] Index rows() const { return rows_; }
  [[nodiscard]] Index row(Index r) const { return row_[r]; }
  [[nodiscard]] Index column(Index c) const { return column_[c]; }
  [[nodiscard]] bool at_upper(Index c) const { return at_upper_[c] != 0; }
  [[nodiscard]] double entry(Index r, Index c) const { return table_[r][c].high; }
  [[nodiscard]] double height() const { return table_[rows_][0].high; }

  void copy(const FineDictionary& other) {
    const Index d = net_.d();
    rows_ = other.rows_;
    objective_ = other.objective_;
    turn_ = other.turn_;
    std::copy_n(other.table_[0], (rows_ + 1) * (d + 1), table_[0]);
    std::copy_n(other.cap_.data(), rows_, cap_.data());
    std::copy_n(other.row_.data(), rows_, row_.data());
    std::copy_n(other.column_.data(), d, column_.data());
    std::copy_n(other.at_upper_.data(), d, at_upper_.data());
  }

  // Take the box alone, at its lowest corner.
  void begin_at_corner() {
    rows_ = 0;
    for (Index c = 0; c < net_.d(); ++c) column_[c] = c, at_upper_[c] = 0;
  }

  // Take the cell of a frame at its basis; false where that is no vertex of the cell.
  bool begin_at(const Frame& f) {
    begin_at_corner();
    is_wanted_.fill(0);
    for (Index c = 0; c < net_.d(); ++c) {
      if (f.column[c] >= net_.d()) continue;
      is_wanted_[f.column[c]] = 1;
      at_upper_[f.column[c]] = f.at_upper[c];
    }
    for (Index s = 0; s < f.splits; ++s) {
      aim_at(path_.split_unit[s], path_.sign[path_.split_unit[s]]);
      keep_objective();
    }
    for (Index c = 0; c < net_.d(); ++c) {
      if (f.column[c] >= net_.d() && !bring_in(f.column[c])) return false;
    }
    for (Index r = 0; r < rows_; ++r) {
      const bool fits = table_[r][0].high >= -kFineSlack && room_above(r) >= -kFineSlack;
      if (!fits) return false;
    }
    return true;
  }

  // Whether the vertex is clearly inside of all constraints that do not meet there.
  [[nodiscard]] bool is_clear() const {
    for (Index r = 0; r < rows_; ++r) {
      if (!(table_[r][0].high > kFineClear && room_above(r) > kFineClear)) return false;
    }
    return true;
  }

  // Make a unit's form times `turn` the objective.
  void aim_at(Index unit, double turn) {
    objective_ = unit;
    turn_ = turn;
    write_row(table_[rows_], unit, turn);
  }
  // Make the objective a constraint, the slack of its unit.
  void keep_objective() {
    row_[rows_] = net_.d() + objective_;
    cap_[rows_] = kInfinite;
    rows_ += 1;
  }

  // Write a unit's form times `turn` over the columns, to `out` (1 + d).
  void write_row(DoubleDouble* out, Index unit, double turn) const {
    const Index d = net_.d();
    const DoubleDouble* form = forms_.form(unit);
    out[0] = form[0].scaled(turn);
    for (Index i = 0; i < d; ++i) out[0] = out[0] + form[1 + i].scaled(turn) * net_.lower()[i];
    for (Index c = 0; c < d; ++c) {
      out[1 + c] = 0.0;
      if (column_[c] >= d) continue;
      const DoubleDouble slope = form[1 + column_[c]].scaled(turn);
      out[1 + c] = at_upper_[c] != 0 ? -slope : slope;
      if (at_upper_[c] != 0) out[0] = out[0] + slope * span(column_[c]);
    }
    for (Index r = 0; r < rows_; ++r) {
      if (row_[r] >= d) continue;
      const DoubleDouble slope = form[1 + row_[r]].scaled(turn);
      for (Index c = 0; c <= d; ++c) out[c] = out[c] + slope * table_[r][c];
    }
  }

  // Minimise side times the objective, until it is clearly negative.
  Ended descend(double side) {
    const Index patience = 4 * (net_.d() + rows_) + 20;
    for (Index i = 0; i < 2 * patience; ++i) {
      if (side * height() < -kFineClear) return Ended::kCrossed;
      const Index q = i > patience ? first_entering(side) : cheapest(side);
      if (q < 0) return Ended::kOptimal;
      if (!step(q)) return Ended::kStalled;
    }
    return Ended::kStalled;
  }

  // Prove that side times the objective is positive on the cell: `is_positive` of proofs.hpp, with
  // 106 bits.
  [[nodiscard]] bool holds(double side) {
    const Index d = net_.d();
    const double turn = side * turn_;
    DoubleDouble* rest = change_.data();
    for (Index i = 0; i <= d; ++i) rest[i] = forms_.form(objective_)[i].scaled(turn);
    double size = forms_.size(objective_), error = forms_.error(objective_);
    Index terms = 0;
    for (Index c = 0; c < d; ++c) {
      const DoubleDouble multiplier = table_[rows_][1 + c].scaled(side);
      if (column_[c] < d || !(multiplier.high > 0.0)) continue;
      const Index k = column_[c] - d;
      const DoubleDouble factor = multiplier.scaled(-path_.sign[k]);
      for (Index i = 0; i <= d; ++i) rest[i] = rest[i] + factor * forms_.form(k)[i];
      size += multiplier.high * forms_.size(k);
      error += multiplier.high * forms_.error(k);
      terms += 1;
    }
    DoubleDouble least = rest[0];
    for (Index i = 0; i < d; ++i) {
      const DoubleDouble at_lower = rest[1 + i] * net_.lower()[i],
                         at_upper = rest[1 + i] * net_.upper()[i];
      least = least + (at_lower.high < at_upper.high ? at_lower : at_upper);
    }
    error += 2.0 * static_cast<double>(terms + d + 8) * kFineUnit * size + kUnderflow;
    return least.high > error * (1.0 + 4.0 * kUnit);
  }

  // Leave the sides of the box, as far as there is a way along edges on which fewer of them meet:
  // the vertices of a cell that is open towards them are near its other vertices, not out there.
  void leave_sides() {
    for (Index c = 0; c < net_.d(); ++c) {
      if (column_[c] >= net_.d()) continue;
      const FineLeaving leaving = leaving_row(c);
      if (leaving.row < 0 || row_[leaving.row] < net_.d()) continue;
      if (!(leaving.step < span(column_[c]))) continue;
      exchange(leaving.row, c, false);
      c = -1;
    }
  }

  // Find a point off the vertex: along the ray that raises all displacements within their reach,
  // half way to where it leaves the cell. `point` (d).
  void inner_point(double* point) const {
    double step = 1.0;
    for (Index r = 0; r < rows_; ++r) {
      const double slope = slope_along_ray(r).high;
      if (!(std::fabs(slope) > kFinePivot)) continue;
      const double room = slope < 0.0 ? table_[r][0].high : room_above(r);
      step = std::min(step, std::max(room, 0.0) / std::fabs(slope));
    }
    step *= 0.5;
    for (Index c = 0; c < net_.d(); ++c) {
      const Index i = column_[c];
      if (i >= net_.d()) continue;
      const double move = step * span(i).high;
      point[i] = at_upper_[c] != 0 ? net_.upper()[i] - move : net_.lower()[i] + move;
    }
    for (Index r = 0; r < rows_; ++r) {
      if (row_[r] >= net_.d()) continue;
      const DoubleDouble x = table_[r][0] + slope_along_ray(r) * step + net_.lower()[row_[r]];
      point[row_[r]] = x.high;
    }
  }

 private:
  [[nodiscard]] DoubleDouble span(Index input) const {
    return DoubleDouble::of_sum(net_.upper()[input], -net_.lower()[input]);
  }
  [[nodiscard]] double reach(Index c) const { return path_.reach[column_[c]]; }
  // What is left for the variable of a row up to its cap.
  [[nodiscard]] double room_above(Index r) const {
    return row_[r] < net_.d() ? (cap_[r] - table_[r][0]).high : kInfinite;
  }

  [[nodiscard]] DoubleDouble slope_along_ray(Index r) const {
    DoubleDouble sum;
    for (Index c = 0; c < net_.d(); ++c) sum = sum + table_[r][1 + c] * reach(c);
    return sum;
  }

  [[nodiscard]] Index cheapest(double side) const {
    Index best = -1;
    double lowest = -kFineCost;
    for (Index c = 0; c < net_.d(); ++c) {
      const double cost = side * table_[rows_][1 + c].high * reach(c);
      if (cost < lowest) lowest = cost, best = c;
    }
    return best;
  }

  // The improving column with the smallest variable (Bland 1977: no cycling).
  [[nodiscard]] Index first_entering(double side) const {
    Index best = -1;
    for (Index c = 0; c < net_.d(); ++c) {
      const double cost = side * table_[rows_][1 + c].high * reach(c);
      if (cost < -kFineCost && (best < 0 || column_[c] < column_[best])) best = c;
    }
    return best;
  }

  // The row that blocks a step first (-1: none), and the length of the step.
  struct FineLeaving {
    Index row;
    DoubleDouble step;
  };

  // Of rows within `kFineTie` that of the largest pivot. Near the middle of a box that is 2^60
  // times as large steps differ by no more than 2^-60 of their length, so they take all the bits.
  [[nodiscard]] FineLeaving leaving_row(Index q) const {
    FineLeaving first{-1, kInfinite};
    double largest = 0.0;
    for (const bool choose : {false, true}) {
      const DoubleDouble limit = first.step * DoubleDouble(1.0, kFineTie);
      for (Index r = 0; r < rows_; ++r) {
        const DoubleDouble a = table_[r][1 + q];
        const double size = std::fabs(a.high);
        if (!(size > kFinePivot) || (a.high > 0.0 && row_[r] >= net_.d())) continue;
        const DoubleDouble room = a.high < 0.0 ? table_[r][0] : cap_[r] - table_[r][0];
        const DoubleDouble step = (room.high > 0.0 ? room : 0.0) / (a.high < 0.0 ? -a : a);
        if (!choose && step < first.step) first.step = step;
        if (choose && !(limit < step) && size > largest) largest = size, first.row = r;
      }
      if (first.step.high == kInfinite) break;
    }
    return first;
  }

  // Move along column q to the next vertex; false where nothing blocks.
  bool step(Index q) {
    const FineLeaving leaving = leaving_row(q);
    if (column_[q] < net_.d() && !(leaving.step < span(column_[q]))) {
      flip(q);
      return true;
    }
    if (leaving.row < 0) return false;
    exchange(leaving.row, q, table_[leaving.row][1 + q].high > 0.0);
    return true;
  }

  void flip(Index q) {
    const DoubleDouble whole = span(column_[q]);
    for (Index r = 0; r <= rows_; ++r) {
      table_[r][0] = table_[r][0] + table_[r][1 + q] * whole;
      table_[r][1 + q] = -table_[r][1 + q];
    }
    at_upper_[q] = 1 - at_upper_[q];
  }

  // Make a slack that is basic nonbasic, in the place of an input that is not to stay.
  bool bring_in(Index variable) {
    Index p = -1, q = -1;
    for (Index r = 0; r < rows_; ++r) p = row_[r] == variable ? r : p;
    if (p < 0) return false;
    double largest = kFinePivot;
    for (Index c = 0; c < net_.d(); ++c) {
      if (column_[c] >= net_.d() || is_wanted_[column_[c]] != 0) continue;
      const double a = std::fabs(table_[p][1 + c].high) * span(column_[c]).high;
      if (a > largest) largest = a, q = c;
    }
    if (q < 0) return false;
    exchange(p, q, false);
    return true;
  }

  // Exchange the variable of row p, which leaves at its cap or at 0, with that of column q.
  void exchange(Index p, Index q, bool to_cap) {
    const Index d = net_.d();
    const DoubleDouble inverse = DoubleDouble(1.0) / table_[p][1 + q];
    DoubleDouble* change = change_.data();
    change[0] = ((to_cap ? cap_[p] : 0.0) - table_[p][0]) * inverse;
    for (Index c = 1; c <= d; ++c) change[c] = -(table_[p][c] * inverse);
    change[1 + q] = to_cap ? -inverse : inverse;
    for (Index r = 0; r <= rows_; ++r) {
      if (r == p) continue;
      const DoubleDouble a = table_[r][1 + q];
      table_[r][1 + q] = 0.0;
      if (a.high == 0.0) continue;
      for (Index c = 0; c <= d; ++c) table_[r][c] = table_[r][c] + a * change[c];
    }
    const Index entering = column_[q];
    const bool turned = entering < d && at_upper_[q] != 0;  // rows measure from the lower bound
    for (Index c = 0; c <= d; ++c) table_[p][c] = turned ? -change[c] : change[c];
    cap_[p] = entering < d ? span(entering) : kInfinite;
    if (turned) table_[p][0] = table_[p][0] + cap_[p];
    column_[q] = row_[p];
    row_[p] = entering;
    at_upper_[q] = to_cap ? 1 : 0;
  }

  const Network& net_;
  const Path& path_;
  const FineForms& forms_;
  Matrix<DoubleDouble> table_;  // (N + 1, 1 + d) the constant first; the objective last
  Array<DoubleDouble> cap_;     // (N + 1)
  Array<Index> row_, column_;   // (N + 1), (d) the variables
  Array<std::int32_t> at_upper_;
  Index rows_ = 0;
  Index objective_ = 0;
  double turn_ = 1.0;
  // Scratch.
  Array<std::int32_t> is_wanted_;
  Array<DoubleDouble> change_;
};

}  // namespace nnce
