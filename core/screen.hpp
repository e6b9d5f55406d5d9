// Units that are far from a layer-k cell, settled all at once, before any linear program.
//
// In a small cell of a wide network hardly any unit of the next layer cuts. At the vertex of the
// cell's dictionary each of them is a constant and a few displacements, none of which is larger in
// the cell than its *ceiling*. Ceilings follow from one constraint each (bound propagation:
// Savelsbergh 1994, "Preprocessing and probing techniques for mixed integer programming problems",
// ORSA J. Comput. 6, section 1). The dictionary in floating point only shows where to look;
// ceilings and signs are proved from the units as affine functions of the input, by the safe bounds
// of Neumaier & Shcherbina (2004, section 3), as in proofs.hpp.
#pragma once

#include <algorithm>
#include <cmath>

#include "array.hpp"
#include "frame.hpp"
#include "network.hpp"
#include "path.hpp"
#include "rounding.hpp"
#include "simd.hpp"

namespace nnce {

class Screen {
 public:
  Screen(const Network& net, const Path& path, Index capacity)
      : net_(net),
        path_(path),
        ceiling_(padded(net.d())),
        most_(capacity),
        least_(capacity),
        binding_(padded(net.d())),
        residual_(padded(net.d())),
        column_(net.d(), padded(net.d())),
        column_constant_(net.d()),
        reached_(padded(net.d())),
        inherited_(padded(net.d())),
        answer_(net.most_units()) {}

  // What is proved of free row r: 1 its unit is positive on the cell, -1 negative, 0 nothing.
  [[nodiscard]] int answer(Index r) const { return answer_[r]; }
  // A proved upper bound on the displacement of column c in the cell.
  [[nodiscard]] double ceiling(Index c) const { return ceiling_[c]; }

  // Find what can be proved of each free row of a frame, which are all units of a layer.
  void look(const Frame& f) {
    find_ceilings(f);
    for (Index c = 0; c < net_.d(); ++c) take_column(f, c);
    for (Index r = 0; r < f.free; ++r) answer_[r] = sign_of(f, r);
  }

  // Find proved bounds on the displacements of a frame.
  void find_ceilings(const Frame& f) {
    for (Index c = 0; c < net_.d(); ++c) ceiling_[c] = ceiling_in_box(f.column[c]);
    for (int sweep = 0; sweep < kSweeps; ++sweep) lower_ceilings(f);
  }

  // Return a proved upper bound on a variable, as a displacement, over the whole box.
  [[nodiscard]] double ceiling_in_box(Index variable) const {
    const Index d = net_.d();
    if (variable < d) return net_.span()[variable] * (1.0 + 4.0 * kUnit);
    const Index k = variable - d;
    const double rounding = 4.0 * static_cast<double>(d + 8) * kUnit * path_.form_size[k];
    return path_.reach[variable] + path_.form_error[k] + rounding + kUnderflow;
  }

 private:
  static constexpr double kSmallSlope = 1e-9;  // constraints that depend less on a displacement
                                               // give it no ceiling
  static constexpr int kSweeps = 2;     // what the first one lowers lets the second lower more; a
                                        // third gains next to nothing
  static constexpr double kGain = 0.9;  // a ceiling has to come down to this share to be worth its
                                        // proof

  // The size and the error, over the box, of what was added to the residual.
  struct Added {
    double size;
    double error;
  };

  // Add `factor` times a displacement, as a function of the input, to the residual.
  Added add_form(Index variable, bool at_upper, double factor) {
    const Index d = net_.d();
    if (variable >= d) {
      const Index k = variable - d;
      const double g = factor * path_.sign[k];
      const double* form = path_.form(k);
      constant_ = fma(g, form[0], constant_);
      for (Index j = 0; j < padded(d); j += kLanes) {
        double* at = residual_.data() + j;
        store(at, fma(all(g), load(form + 1 + j), load(at)));
      }
      return {std::fabs(factor) * path_.form_size[k], std::fabs(factor) * path_.form_error[k]};
    }
    const double slope = at_upper ? -factor : factor;
    constant_ -= slope * (at_upper ? net_.upper() : net_.lower())[variable];
    residual_[variable] += slope;
    return {2.0 * std::fabs(factor) * net_.magnitude()[variable], 0.0};
  }

  void clear_residual() {
    constant_ = 0.0;
    residual_.fill(0.0);
  }

  // Lower the ceilings where a constraint of the frame and the other ceilings prove it.
  void lower_ceilings(const Frame& f) {
    for (Index r = f.free; r < f.rows; ++r) {
      Doubles above = all(0.0), below = all(0.0);
      for (Index c = 0; c < f.stride; c += kLanes) {
        const Doubles change = load(f.value(r) + c) * load(ceiling_.data() + c);
        above += most(change, all(0.0));
        below += nnce::least(change, all(0.0));
      }
      most_[r] = f.constant[r] + sum_of(above);
      least_[r] = f.constant[r] + sum_of(below);
    }
    for (Index c = 0; c < f.stride; c += kLanes) find_binding_rows(f, c);
    for (Index c = 0; c < net_.d(); ++c) {
      const auto row = static_cast<Index>(binding_[c]);
      if (row >= 0) ceiling_[c] = std::min(proved_ceiling(f, c, row), ceiling_[c]);
    }
  }

  // Find the constraint that gives each of four columns its lowest ceiling, -1 where none does.
  void find_binding_rows(const Frame& f, Index c) {
    Doubles lowest = all(kGain) * load(ceiling_.data() + c), binding = all(-1.0);
    for (Index r = f.free; r < f.rows; ++r) {
      const Doubles slope = load(f.value(r) + c), size = magnitude(slope);
      const Doubles room = select(slope < all(0.0), all(most_[r]), all(f.cap[r] - least_[r]));
      const Longs lowers = (size > all(kSmallSlope)) & (room < lowest * size);
      lowest = select(lowers, room / size, lowest);
      binding = select(lowers, all(static_cast<double>(r)), binding);
    }
    store(binding_.data() + c, binding);
  }

  // Return an upper bound on the displacement of column c that constraint `row` proves.
  //
  // With the row's slack s >= 0 (or what it lacks to its cap) and its slopes a, divided by that of
  // column c, t_c = constant - s + sum a t: no displacement is negative, none above its ceiling,
  // and the constant is what the affine functions leave over, bounded over the box.
  double proved_ceiling(const Frame& f, Index c, Index row) {
    const Index d = net_.d();
    const double slope = f.value(row)[c];
    const bool at_cap = slope > 0.0;
    const double scale = 1.0 / std::fabs(slope);
    clear_residual();
    Added sum = add_form(f.column[c], f.at_upper[c] == 1, 1.0);
    const Added slack = add_form(f.row[row], at_cap, scale);
    sum.size += slack.size;
    sum.error += slack.error;
    double ceiling = 0.0;
    for (Index other = 0; other < d; ++other) {
      const double a = f.value(row)[other] * (at_cap ? -scale : scale);
      if (other == c || a == 0.0) continue;
      const Added added = add_form(f.column[other], f.at_upper[other] == 1, -a);
      const double highest = a > 0.0 ? a * ceiling_[other] : 0.0;
      ceiling += highest;
      sum.size += added.size + highest;
      sum.error += added.error;
    }
    ceiling += constant_;
    for (Index i = 0; i < d; ++i) {
      const double g = residual_[i];
      ceiling = fma(g, g > 0.0 ? net_.upper()[i] : net_.lower()[i], ceiling);
    }
    const double rounding = 4.0 * static_cast<double>(d + 8) * kUnit * sum.size;
    return ceiling + sum.error + rounding + kUnderflow;
  }

  // Take the displacement of column c as a function of the input.
  void take_column(const Frame& f, Index c) {
    clear_residual();
    const Added added = add_form(f.column[c], f.at_upper[c] == 1, 1.0);
    column_constant_[c] = constant_;
    for (Index i = 0; i < padded(net_.d()); ++i) column_[c][i] = residual_[i];
    reached_[c] = ceiling_[c] + added.size;
    inherited_[c] = added.error;
  }

  // Return the sign of free row r's unit that the ceilings prove: what is left of its form beside
  // the row is bounded over the box.
  [[nodiscard]] std::int8_t sign_of(const Frame& f, Index r) const {
    const Index d = net_.d(), unit = f.row[r] - d, width = f.stride;
    const double *__restrict value = f.value(r), *__restrict form = path_.form(unit) + 1,
                 *__restrict columns = column_.data();
    double constant = form[-1];
    for (Index c = 0; c < d; ++c) constant = fma(-value[c], column_constant_[c], constant);
    Doubles low = all(0.0), high = all(0.0), size = all(0.0), error = all(0.0);
    for (Index j = 0; j < width; j += kLanes) {
      Doubles rest = load(form + j);
      for (Index c = 0; c < d; ++c) rest = fma(all(-value[c]), load(columns + c * width + j), rest);
      const Doubles slope = load(value + j), change = slope * load(ceiling_.data() + j);
      const Doubles at_lower = rest * load(net_.lower() + j);
      const Doubles at_upper = rest * load(net_.upper() + j);
      low += nnce::least(change, all(0.0)) + nnce::least(at_lower, at_upper);
      high += most(change, all(0.0)) + most(at_lower, at_upper);
      size = fma(magnitude(slope), load(reached_.data() + j), size);
      error = fma(magnitude(slope), load(inherited_.data() + j), error);
    }
    const double units = 4.0 * static_cast<double>(d + 12) * kUnit;
    const Doubles sums = sums_of(low, high, size, error);
    const double unsure =
        path_.form_error[unit] + sums[3] + units * (path_.form_size[unit] + sums[2]) + kUnderflow;
    if (sums[0] + constant > unsure) return 1;
    return sums[1] + constant < -unsure ? -1 : 0;
  }

  const Network& net_;
  const Path& path_;
  Array<double> ceiling_;       // (d padded)
  Array<double> most_, least_;  // the range of each row, from the ceilings
  Array<double> binding_;       // (d padded) the row that gives each column its ceiling, or -1
  Array<double> residual_;      // (d padded) an affine function of the input,
  double constant_ = 0.0;       // and its constant
  Matrix<double> column_;       // (d, d padded) the displacements as functions of the input,
  Array<double> column_constant_;
  Array<double> reached_, inherited_;  // the size of each, with its ceiling, and its error
  Array<std::int8_t> answer_;
};

}  // namespace nnce
