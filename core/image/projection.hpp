// The point of a cell that is nearest to a centre: a quadratic program in the image's coordinates.
//
// The cell is given by the slacks of its path. What the projection finds is no proof; callers check
// it with `SlackTable::exceed`.
#pragma once

#include <algorithm>
#include <bit>
#include <limits>

#include "../array.hpp"
#include "../simd.hpp"
#include "slacks.hpp"
#include "sums.hpp"

namespace nnce {

// The dual active-set method of Goldfarb & Idnani (1983, "A numerically stable dual method for
// solving strictly convex quadratic programs"). A set of slacks is tight, that is 0, and all their
// multipliers are positive; violated slacks become tight one by one. The tight slacks of one
// projection are where the next one starts.
//
// A point is told by the multipliers: u = centre + H sum_a multiplier_a * gradient_a. So all slacks
// at it are sums of rows of their gram matrix in the metric H, and the point itself is of use only
// in the end. The rows of units that were looked at are kept as long as the forms, centre and
// metric stay, which is for many cells.
class Projection {
 public:
  // For cells of a walk over d inputs of a network with `units` units.
  Projection(Index d, Index units)
      : d_(d),
        width_(padded(d)),
        length_(padded(units)),
        centre_(width_),
        metric_(d, width_),
        place_(width_),
        value_(length_),
        at_centre_(length_),
        product_(units, width_),
        gram_(units, length_),
        known_(units),
        tight_(d + 1),
        side_(d + 1),
        weight_(d + 1),
        multiplier_(padded(d + 1)),
        inverse_(d + 1, padded(d + 1)),
        base_(padded(d + 1)),
        entry_(padded(d + 1)),
        share_(padded(d + 1)),
        target_(padded(d + 1)) {}

  // The projection minimises (u - centre)' H^-1 (u - centre) with H the metric, padded with zeros.
  [[nodiscard]] double* centre() { return centre_.data(); }
  [[nodiscard]] Matrix<double>& metric() { return metric_; }

  // Start the next projection from no tight slacks, so that it depends on none before.
  void start_afresh() { count_ = 0; }

  // Start it from those slacks that are tight in another one.
  void start_from(const Projection& other) {
    count_ = other.count_;
    std::copy_n(other.tight_.data(), count_, tight_.data());
    std::copy_n(other.side_.data(), count_, side_.data());
  }

  // Project the centre onto the cell of `slacks`; false where rounding stops it.
  [[nodiscard]] bool onto(const SlackTable& slacks) {
    begin(slacks, false);
    while (!is_done()) {
      if (!go_on()) return false;
    }
    return true;
  }

  // The same in steps: after `begin`, call `go_on` until it `is_done`. Until then, what is found is
  // the nearest point of a larger cell, that of some of the slacks.

  // `same` says that centre, metric and forms are those of the last projection: then what was
  // computed of them is still good.
  void begin(const SlackTable& slacks, bool same) {
    slacks_ = &slacks;
    rounds_ = 4 * slacks.units() + 20;
    if (same) {
      leave_others();
    } else {
      look_again();
    }
    leave_negative();
    move();
    find_violated();
  }

  // Tell whether no slack is violated.
  [[nodiscard]] bool is_done() const { return violated_ < 0; }

  // Make the most violated slack tight; false where rounding stops it.
  [[nodiscard]] bool go_on() {
    if (--rounds_ < 0 || !make_tight(violated_)) {
      start_afresh();
      return false;
    }
    move();
    find_violated();
    return true;
  }

  // The point u (d padded) that the multipliers lead to, and the values (N padded) of all slacks
  // there; the units whose slacks are tight, and their multipliers.
  [[nodiscard]] const double* place() const { return place_.data(); }
  [[nodiscard]] const double* values() const { return value_.data(); }
  [[nodiscard]] Index count() const { return count_; }
  [[nodiscard]] const Index* tight() const { return tight_.data(); }
  [[nodiscard]] const double* multiplier() const { return multiplier_.data(); }

  // Write the sum (d padded) of multipliers times gradients to out: u = centre + H sum.
  void write_direction(double* out) const {
    for (Index k = 0; k < width_; k += kLanes) {
      Doubles sum = all(0.0);
      for (Index a = 0; a < count_; ++a) {
        sum = fma(all(weight_[a]), load(slacks_->gradient(tight_[a]) + k), sum);
      }
      store(out + k, sum);
    }
  }

 private:
  static constexpr double kTight = 1e-12;  // a slack below minus this is violated
  // Of a slack's squared size: with less beside the tight ones it depends on them.
  static constexpr double kRidge = 1e-9;

  // Let only those of the tight slacks stay tight that are on this path.
  void leave_others() {
    for (Index a = count_ - 1; a >= 0; --a) {  // one that is dropped gives way to a later one
      if (slacks_->sign(tight_[a]) != side_[a]) drop(a);
    }
  }

  // Make those slacks tight that were, as far as they are on this path, with another metric.
  void look_again() {
    known_.fill(0);
    weighted_sum(at_centre_.data(), slacks_->columns()[0], slacks_->columns()[1], length_,
                 centre_.data(), d_, length_);
    const Index before = count_;
    count_ = 0;
    for (Index a = 0; a < before; ++a) {
      const Index unit = tight_[a];
      if (slacks_->sign(unit) != side_[a]) continue;
      const double size = look_at(unit);
      const double rest = independent_part(size);
      if (can_rise(rest, size)) add(unit, rest, 0.0);
    }
  }

  // Drop slacks with the wrong sign of their multipliers: what stays is a start for the method.
  void leave_negative() {
    while (count_ > 0) {
      times_inverse(base_.data(), target_.data());
      Index worst = -1;  // the multipliers at which all tight slacks are 0 are minus the targets
      double most = 0.0;
      for (Index a = 0; a < count_; ++a) {
        worst = target_[a] >= most ? a : worst;
        most = std::max(most, target_[a]);
      }
      if (worst < 0) break;
      drop(worst);
    }
    for (Index a = 0; a < count_; ++a) multiplier_[a] = -target_[a];
  }

  // Write the unit whose slack is most negative to `violated_`, and how much to `short_`; or -1.
  void find_violated() {
    Doubles lowest = all(-kTight);
    Longs where = all(Index{-1}), here{0, 1, 2, 3};
    for (Index j = 0; j < length_; j += kLanes) {
      const Doubles value = load(value_.data() + j);
      const Longs lower = value < lowest;
      lowest = select(lower, value, lowest);
      where = (lower & here) | (~lower & where);
      here += all(Index{kLanes});
    }
    const double least = least_of(lowest);
    violated_ = where[std::countr_zero(bits(lowest == all(least)))];
    short_ = -least;
    if (violated_ >= 0 && is_tight(violated_)) find_violated_of_others();
  }

  // Write the point that the multipliers lead to to `place_`, and all slacks there to `value_`.
  void move() {
    for (Index a = 0; a < count_; ++a) weight_[a] = side_[a] * multiplier_[a];
    for (Index k = 0; k < width_; k += kLanes) {
      Doubles sum = load(centre_.data() + k);
      for (Index a = 0; a < count_; ++a) {
        sum = fma(all(weight_[a]), load(product_[tight_[a]] + k), sum);
      }
      store(place_.data() + k, sum);
    }
    Index j = 0;
    for (; j + 4 * kLanes <= length_; j += 4 * kLanes) move_block<4>(j);
    for (; j < length_; j += kLanes) move_block<1>(j);
  }

  template <Index kVectors>
  NNCE_INLINE void move_block(Index j) {
    Doubles value[kVectors];
    for (Index v = 0; v < kVectors; ++v) value[v] = load(at_centre_.data() + j + v * kLanes);
    for (Index a = 0; a < count_; ++a) {
      const double* row = gram_[tight_[a]] + j;
      for (Index v = 0; v < kVectors; ++v) {
        value[v] = fma(all(weight_[a]), load(row + v * kLanes), value[v]);
      }
    }
    for (Index v = 0; v < kVectors; ++v) {
      store(value_.data() + j + v * kLanes, value[v] * load(slacks_->signs() + j + v * kLanes));
    }
  }

  // The same where rounding violates a tight slack most.
  void find_violated_of_others() {
    violated_ = -1;
    double lowest = -kTight;
    for (Index k = 0; k < slacks_->units(); ++k) {
      if (value_[k] < lowest && !is_tight(k)) {
        violated_ = k;
        lowest = value_[k];
      }
    }
    short_ = -lowest;
  }

  [[nodiscard]] bool is_tight(Index unit) const {
    const Index* end = tight_.begin() + count_;
    return std::find(tight_.begin(), end, unit) != end;
  }

  // Make the slack of a unit tight, and drop those that get in the way; false where it can't rise.
  [[nodiscard]] bool make_tight(Index unit) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const double size = look_at(unit);
    double multiplier = 0.0;
    while (true) {
      const double rest = independent_part(size);
      double step = can_rise(rest, size) ? short_ / rest : kInfinity;
      const Index blocking = first_to_vanish(step);
      if (step == kInfinity) return false;
      add_multiple(multiplier_.data(), -step, share_.data(), padded(count_));
      multiplier += step;
      if (blocking < 0) {
        add(unit, rest, multiplier);
        return true;
      }
      short_ = fma(-step, rest, short_);
      drop(blocking);
    }
  }

  // Tell whether a slack of squared size `size`, of which `rest` is independent, can rise while the
  // tight ones stay. d tight slacks leave nothing, whatever rounding says of the rest.
  [[nodiscard]] bool can_rise(double rest, double size) const {
    return count_ < d_ && rest > kRidge * size;
  }

  // Return the tight slack whose multiplier falls to 0 before `step`, and shorten that; else -1.
  [[nodiscard]] Index first_to_vanish(double& step) const {
    Doubles least = all(step);
    Longs where = all(Index{-1}), here{0, 1, 2, 3};
    for (Index a = 0; a < count_; a += kLanes) {  // beyond the tight slacks shares are 0
      const Doubles share = load(share_.data() + a);
      const Doubles ratio = load(multiplier_.data() + a) / share;
      const Longs sooner = (share > all(0.0)) & (ratio < least);
      least = select(sooner, ratio, least);
      where = (sooner & here) | (~sooner & where);
      here += all(Index{kLanes});
    }
    step = least_of(least);
    return where[std::countr_zero(bits(least == all(step)))];
  }

  // Write the row of a unit's slack in the gram matrix of the tight slacks to `entry_`; return the
  // square of its size.
  [[nodiscard]] double look_at(Index unit) {
    if (known_[unit] == 0) {
      combine(product_[unit], slacks_->gradient(unit), metric_[0], width_, d_, width_);
      combine(gram_[unit], product_[unit], slacks_->columns()[1], length_, d_, length_);
      known_[unit] = 1;
    }
    const double* row = gram_[unit];
    const double side = slacks_->sign(unit);
    for (Index a = 0; a < count_; ++a) entry_[a] = side * side_[a] * row[tight_[a]];
    return row[unit];
  }

  // Return what is left of `size` beside the tight slacks, and write how much of each of them there
  // is in the slack that was looked at to `share_`.
  [[nodiscard]] double independent_part(double size) {
    times_inverse(entry_.data(), share_.data());
    double rest = size;
    for (Index a = 0; a < count_; ++a) rest = fma(-entry_[a], share_[a], rest);
    return rest;
  }

  // Make the slack of a unit, that was looked at, tight: the last one. The inverse of the gram
  // matrix grows by a row and a column (Schur complement).
  void add(Index unit, double rest, double multiplier) {
    const Doubles over = all(1.0 / rest);
    double* last = inverse_[count_];
    if (count_ % kLanes == 0) {  // rows become longer
      for (Index a = 0; a <= count_; ++a) store(inverse_[a] + count_, all(0.0));
    }
    for (Index a = 0; a < count_; ++a) {
      add_multiple(inverse_[a], over[0] * share_[a], share_.data(), padded(count_));
      inverse_[a][count_] = -over[0] * share_[a];
    }
    for (Index a = 0; a < count_; a += kLanes) store(last + a, -over * load(share_.data() + a));
    last[count_] = over[0];
    tight_[count_] = unit;
    side_[count_] = slacks_->sign(unit);
    base_[count_] = side_[count_] * at_centre_[unit];
    multiplier_[count_] = multiplier;
    ++count_;
  }

  // Let tight slack a go; the last one takes its place, in the inverse too.
  void drop(Index a) {
    const Index last = count_ - 1, n = padded(count_);
    double* gone = inverse_[a];
    const double over = -1.0 / gone[a];
    for (Index b = 0; b < last; ++b) {
      if (b == a) continue;
      double* row = inverse_[b];
      add_multiple(row, row[a] * over, gone, n);
      row[a] = row[last];
      row[last] = 0.0;
    }
    if (a < last) {
      const double* row = inverse_[last];
      const Doubles share = all(row[a] * over);
      for (Index k = 0; k < n; k += kLanes) {
        store(gone + k, fma(share, load(gone + k), load(row + k)));
      }
      gone[a] = gone[last];
      gone[last] = 0.0;
    }
    tight_[a] = tight_[last];
    side_[a] = side_[last];
    base_[a] = base_[last];
    entry_[a] = entry_[last];
    multiplier_[a] = multiplier_[last];
    count_ = last;
  }

  // Write the inverse of the tight slacks' gram matrix times `vector` to out.
  void times_inverse(const double* vector, double* out) const {
    combine(out, vector, inverse_[0], inverse_.stride(), count_, padded(count_));
  }

  static NNCE_INLINE void add_multiple(double* to, double factor, const double* row, Index n) {
    for (Index k = 0; k < n; k += kLanes) {
      store(to + k, fma(all(factor), load(row + k), load(to + k)));
    }
  }

  const Index d_;
  const Index width_;   // d padded
  const Index length_;  // N padded; N is the number of units
  const SlackTable* slacks_ = nullptr;
  Array<double> centre_;   // (d padded)
  Matrix<double> metric_;  // (d, d padded)
  Array<double> place_;    // (d padded)
  // Of all units, without the signs of their slacks:
  Array<double> value_;       // (N padded) slacks, with signs, where the multipliers lead to
  Array<double> at_centre_;   // (N padded) forms at the centre
  Matrix<double> product_;    // (N, d padded) metric times gradient, and
  Matrix<double> gram_;       // (N, N padded) that times all gradients,
  Array<std::int8_t> known_;  // (N) where it is 1
  // Of the tight slacks, `count_` of at most d:
  Index count_ = 0;
  Array<Index> tight_;        // (d + 1) their units
  Array<double> side_;        // (d + 1) and signs
  Array<double> weight_;      // (d + 1) these times the multipliers
  Array<double> multiplier_;  // (d + 1 padded)
  Matrix<double> inverse_;    // (d + 1, d + 1 padded) the inverse of their gram matrix, then zeros
  Array<double> base_;        // (d + 1 padded) their values at the centre
  Array<double> entry_;       // (d + 1 padded) the row of the slack looked at in the gram matrix
  Array<double> share_;       // (d + 1 padded) that row times the inverse
  Array<double> target_;      // (d + 1 padded) minus the multipliers at which the tight are 0
  Index violated_ = -1;       // the unit of the most violated slack, or -1
  double short_ = 0.0;        // how much that is below 0
  Index rounds_ = 0;          // that are left before it is rounding's fault
};

}  // namespace nnce
