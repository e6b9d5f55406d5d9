// Networks with short numbers: proofs by elimination in integers.
//
// Weights that are integers, or have few bits, meet at common points all the time: there a unit
// that does not cut a cell has the value 0 at its optimal vertex, or a multiplier of 0, and no
// bound that keeps a distance from 0 (proofs.hpp) shows its sign. Where a bound on the bits of all
// forms says that float64 holds them exactly, the optimal basis is solved in integers: with the
// nonbasic slacks s_k, h = c + sum_k λ_k s_k + sum_i r_i t_i holds exactly, t_i being what the
// nonbasic inputs are off their bounds. Nothing there is negative in the cell, so that h is
// positive inside it if no coefficient is negative (and h is not zero). Elimination is
// fraction-free (Bareiss 1968, "Sylvester's identity and multistep integer-preserving Gaussian
// elimination", Math. Comp. 22): all numbers are minors, and one that needs more than 128 bits
// proves nothing.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "array.hpp"
#include "binary.hpp"
#include "form_grids.hpp"
#include "frame.hpp"
#include "network.hpp"
#include "path.hpp"
#include "proofs.hpp"

namespace nnce {

// Proves signs of units from optimal bases, where forms are exact.
class ExactBasis {
 public:
  ExactBasis(const Network& net, const Path& path)
      : net_(net), path_(path), grids_(net), lower_(net.d()), upper_(net.d()), basic_(net.d()) {
    take_box();
    rows_.resize(static_cast<std::size_t>((net.d() + 1) * (2 * net.d() + 1)));
  }

  [[nodiscard]] Index proofs() const { return proofs_; }
  void begin() { proofs_ = 0; }

  // Tell whether a unit is exactly, and identically, zero on the path's cell.
  [[nodiscard]] bool vanishes(Index unit) const {
    if (!grids_.fit(net_.layer_of(unit))) return false;
    const double* form = path_.form(unit);
    return std::all_of(form, form + 1 + net_.d(), [](double x) { return x == 0.0; });
  }

  // Prove that side times a unit's preactivation is positive inside the cell of a frame.
  bool holds(const Frame& f, Index unit, Index row, double side) {
    if (!box_is_short_ || !grids_.fit(net_.layer_of(unit))) return false;
    if (!set_up(f, unit, side) || !eliminate() || !has_right_signs(f, row, side)) return false;
    proofs_ += 1;
    return true;
  }

 private:
  using Wide = __int128;
  // Bits of the box's bounds: with the 53 of a form there is room for sums.
  static constexpr int kBits = 60;

  // The slacks' rows, then the unit's; of each the coefficients of the basic inputs, of the
  // nonbasic ones (by column), the value where these are at their bounds and the others 0, and
  // where it came from: 1 at the row's own number.
  Wide& at(Index r, Index c) { return rows_[static_cast<std::size_t>(r * width_ + c)]; }

  void take_box() {
    int unit = 0;
    double largest = 0.0;
    for (Index i = 0; i < net_.d(); ++i) {
      for (const double x : {net_.lower()[i], net_.upper()[i]}) {
        if (x != 0.0) unit = std::min(unit, lowest_bit(x));
        largest = std::max(largest, std::fabs(x));
      }
    }
    box_unit_ = unit;
    box_is_short_ = unit > -kBits && std::log2(std::max(largest, 1e-300)) - unit < kBits;
    for (Index i = 0; box_is_short_ && i < net_.d(); ++i) {
      lower_[i] = static_cast<std::int64_t>(std::ldexp(net_.lower()[i], -unit));
      upper_[i] = static_cast<std::int64_t>(std::ldexp(net_.upper()[i], -unit));
    }
  }

  // Write the rows of the nonbasic slacks and of the unit; false where a slack's form is not exact,
  // or the frame has another number of basic inputs than of nonbasic slacks.
  bool set_up(const Frame& f, Index unit, double side) {
    const Index d = net_.d();
    order_ = 0;
    for (Index r = f.free; r < f.rows; ++r) {
      if (f.row[r] < d) basic_[order_++] = f.row[r];
    }
    width_ = d + 1 + order_;
    Index slack = 0;
    for (Index c = 0; c < d; ++c) {
      if (f.column[c] < d) continue;
      const Index k = f.column[c] - d;
      if (!grids_.fit(net_.layer_of(k)) || slack == order_) return false;
      set_row(f, slack++, k, path_.sign[k]);
    }
    set_row(f, order_, unit, side);
    return slack == order_;
  }

  void set_row(const Frame& f, Index r, Index unit, double side) {
    const Index d = net_.d();
    const double* form = path_.form(unit);
    int lowest = 0;
    bool any = false;
    for (Index i = 0; i <= d; ++i) {
      if (form[i] == 0.0) continue;
      lowest = any ? std::min(lowest, lowest_bit(form[i])) : lowest_bit(form[i]);
      any = true;
    }
    const auto whole = [&](Index i) {
      return static_cast<std::int64_t>(side * std::ldexp(form[i], -lowest));
    };
    for (Index b = 0; b < order_; ++b) at(r, b) = whole(1 + basic_[b]);
    Wide value = static_cast<Wide>(whole(0)) << -box_unit_;
    Index place = order_;
    for (Index c = 0; c < d; ++c) {
      const Index i = f.column[c];
      if (i >= d) continue;
      const Wide slope = whole(1 + i);
      at(r, place++) = slope;
      value += slope * (f.at_upper[c] == 1 ? upper_[i] : lower_[i]);
    }
    at(r, d) = value;
    for (Index k = 0; k < order_; ++k) at(r, d + 1 + k) = k == r ? 1 : 0;
  }

  // Take the slacks' rows from the unit's, so that it has no basic input left. Its entries are then
  // coefficients times `determinant_`, those of the last columns -λ_k times it.
  bool eliminate() {
    Wide last = 1;
    for (Index k = 0; k < order_; ++k) {
      Index p = k;
      while (p < order_ && at(p, k) == 0) ++p;
      if (p == order_) return false;
      if (p != k) std::swap_ranges(&at(p, 0), &at(p, 0) + width_, &at(k, 0));
      const Wide pivot = at(k, k);
      for (Index r = k + 1; r <= order_; ++r) {
        const Wide factor = at(r, k);
        for (Index c = k + 1; c < width_; ++c) {
          Wide kept, taken;
          if (__builtin_mul_overflow(pivot, at(r, c), &kept) ||
              __builtin_mul_overflow(factor, at(k, c), &taken) ||
              __builtin_sub_overflow(kept, taken, &kept)) {
            return false;
          }
          at(r, c) = kept / last;
        }
        at(r, k) = 0;
      }
      last = pivot;
    }
    determinant_ = last;
    return true;
  }

  // Tell whether no coefficient of the unit is negative in the cell; of a slack's, only where the
  // frame's row shows it too: what else rests on the proof is read from there.
  bool has_right_signs(const Frame& f, Index row, double side) {
    const Index d = net_.d();
    const int turn = determinant_ > 0 ? 1 : -1;
    const auto sign = [&](Index c) {
      const Wide x = at(order_, c);
      return turn * (x > 0 ? 1 : x < 0 ? -1 : 0);
    };
    if (sign(d) < 0) return false;
    Index place = order_, slack = d + 1;
    for (Index c = 0; c < d; ++c) {
      if (f.column[c] < d) {
        if ((f.at_upper[c] == 1 ? -1 : 1) * sign(place++) < 0) return false;
      } else {
        const int positive = -sign(slack++);
        if (positive < 0) return false;
        if (positive > 0 && !(side * f.value(row)[c] > kNegligible)) return false;
      }
    }
    return true;
  }

  const Network& net_;
  const Path& path_;
  FormGrids grids_;
  Array<std::int64_t> lower_, upper_;  // (d) the box in multiples of 2^box_unit_
  Array<Index> basic_;                 // (d) the basic inputs
  int box_unit_ = 0;
  bool box_is_short_ = false;
  std::vector<Wide> rows_;  // (order + 1, width)
  Index order_ = 0, width_ = 0;
  Wide determinant_ = 1;
  Index proofs_ = 0;
};

}  // namespace nnce
