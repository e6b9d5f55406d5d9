// Neurons of a layer that are the same hyperplane: what is known of one is known of the other.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "array.hpp"
#include "network.hpp"

namespace nnce {

// For each unit the first one of its layer, before it, whose preactivation is the same times some
// number. What like neurons hand on is put together first, where it is the same times a power of
// two, by which float64 multiplies exactly: where two networks stand side by side their neurons are
// found to be the same layer by layer. What sums that would round hide has to be found by
// arithmetic.
class Twins {
 public:
  explicit Twins(const Network& net)
      : earlier_(net.units()), next_(net.units()), ratio_(net.units()) {
    earlier_.fill(kNobody);
    next_.fill(kNobody);
    for (Index l = 0; l < net.depth(); ++l) {
      if (net.layer(l).inexact != 0.0) continue;  // rationals that differ may be rounded alike
      Matrix<double> rows(net.layer(l).units, net.layer(l).map.n_in() + 1);
      for (Index j = 0; j < rows.rows(); ++j) write_row(net, l, j, rows[j]);
      find(net.layer(l), net.offset(l), rows);
    }
  }

  static constexpr Index kNobody = -1;

  // Whether an earlier unit of the layer is like a unit.
  [[nodiscard]] bool follows(Index unit) const { return earlier_[unit] != kNobody; }
  // Of units that are like each other the one after a unit, `kNobody` behind the last one.
  [[nodiscard]] Index next(Index unit) const { return next_[unit]; }
  // Whether any unit follows.
  [[nodiscard]] bool are_there() const {
    return std::any_of(earlier_.begin(), earlier_.end(), [](Index k) { return k != kNobody; });
  }
  // The unit that a unit follows, and about how many times that the unit is: exactly, where it
  // hands on a multiple.
  [[nodiscard]] Index earlier(Index unit) const { return earlier_[unit]; }
  [[nodiscard]] double ratio(Index unit) const { return ratio_[unit]; }
  // Whether what a unit hands on is what the earlier one does times a power of two, the ratio.
  [[nodiscard]] bool hands_on_multiple(const Network& net, Index unit) const {
    return follows(unit) && is_scaled(net, unit);
  }
  // 1 where a unit has the sign of the first one that is like it, -1 where it has the opposite one.
  [[nodiscard]] int side(Index unit) const { return follows(unit) && ratio_[unit] < 0.0 ? -1 : 1; }

 private:
  // Write row j of layer l, and its bias, over the first of like neurons. A row with a sum that
  // rounds is written as NaN, which is like no other.
  void write_row(const Network& net, Index l, Index j, double* row) const {
    const LayerMap& map = net.layer(l).map;
    for (Index i = 0; i < map.n_in(); ++i) {
      const double w = map.entry(j, i);
      if (w == 0.0) continue;
      const Index unit = l > 0 && i < net.layer(l - 1).units ? net.offset(l - 1) + i : kNobody;
      const bool is_merged = unit != kNobody && earlier_[unit] != kNobody && is_scaled(net, unit);
      const Index place = is_merged ? earlier_[unit] - net.offset(l - 1) : i;
      const double term = is_merged ? w * ratio_[unit] : w, before = row[place];
      const double sum = before + term;
      const bool exact =
          (!is_merged || term / ratio_[unit] == w) && sum - before == term && sum - term == before;
      row[place] = exact ? sum : kNone;
    }
    row[map.n_in()] = map.bias()[j];
  }

  [[nodiscard]] bool is_scaled(const Network& net, Index unit) const {
    const Layer& layer = net.layer(net.layer_of(unit));
    const Index first = net.offset(net.layer_of(unit));
    return ratio_[unit] > 0.0 && is_power_of_two(ratio_[unit]) &&
           layer.slope[unit - first] == layer.slope[earlier_[unit] - first];
  }

  void find(const Layer& layer, Index first, const Matrix<double>& rows) {
    // The units of a max have no sign where others decide it.
    const Index end = layer.maxima.empty() ? layer.units : layer.maxima.front().first;
    for (Index j = 1; j < end; ++j) {
      for (Index k = 0; k < j; ++k) {
        if (earlier_[first + k] != kNobody) continue;
        const double ratio = ratio_of(rows[j], rows[k], rows.stride());
        if (ratio == 0.0) continue;
        earlier_[first + j] = first + k;
        ratio_[first + j] = ratio;
        Index last = first + k;
        while (next_[last] != kNobody) last = next_[last];
        next_[last] = first + j;
        break;
      }
    }
  }

  // Return about the factor that makes a of b, or 0 where there is none.
  static double ratio_of(const double* a, const double* b, Index n) {
    const double* first = std::find_if(a, a + n, [](double x) { return x != 0.0; });
    if (first == a + n) return 0.0;
    const Index k = first - a;
    const double ratio = a[k] / b[k];
    if (!std::isnormal(ratio)) return 0.0;
    const bool exact = is_power_of_two(ratio);
    for (Index i = 0; i < n; ++i) {
      const bool alike =
          exact ? b[i] * ratio == a[i] && a[i] / ratio == b[i] : are_equal(a[i], b[k], a[k], b[i]);
      if (!alike) return 0.0;
    }
    return ratio;
  }

  // Whether a b is c d, exactly: both products and what rounding takes from them. False where these
  // may leave float64's range.
  static bool are_equal(double a, double b, double c, double d) {
    const double one = a * b, other = c * d;
    if (a == 0.0 && d == 0.0) return true;
    return one == other && std::isfinite(one) && std::fabs(one) > kFarFromUnderflow &&
           std::fma(a, b, -one) == std::fma(c, d, -other);
  }

  static bool is_power_of_two(double x) {
    int exponent = 0;
    return std::isfinite(x) && std::fabs(std::frexp(x, &exponent)) == 0.5;
  }

  static constexpr double kFarFromUnderflow = 0x1p-900;
  static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

  Array<Index> earlier_, next_;  // (N)
  Array<double> ratio_;          // (N) a unit over the earlier one
};

}  // namespace nnce
