// The units of a layer as rows of a frame, and frames computed afresh.
#pragma once

#include <cmath>

#include "array.hpp"
#include "frame.hpp"
#include "network.hpp"
#include "path.hpp"
#include "simd.hpp"
#include "simplex.hpp"

namespace nnce {

inline constexpr double kDrift = 1e-9;  // a nonbasic slack further from 0 at its vertex: rebuild

// Write the vertex of a frame to x (d).
inline void vertex(const Network& net, const Frame& f, double* x) {
  for (Index c = 0; c < net.d(); ++c) {
    const Index i = f.column[c];
    if (i < net.d()) x[i] = f.at_upper[c] == 1 ? net.upper()[i] : net.lower()[i];
  }
  for (Index r = f.free; r < f.rows; ++r) {
    const Index i = f.row[r];
    if (i < net.d()) x[i] = net.lower()[i] + f.constant[r];
  }
}

class LayerRows {
 public:
  LayerRows(const Network& net, const Path& path)
      : net_(net),
        path_(path),
        x_(net.d()),
        place_(padded(net.d())),
        turn_(padded(net.d())),
        upper_(net.d()),
        basic_(net.d()),
        slope_(net.d()),
        stays_(net.d()),
        wanted_(net.d()),
        wanted_upper_(net.d()) {
    place_.fill(kNowhere);
  }

  // Tell whether the vertex of a frame has left a hyperplane that it should lie on.
  bool drifted(const Frame& f) {
    const Index d = net_.d();
    vertex(net_, f, x_.data());
    for (Index c = 0; c < d; ++c) {
      if (f.column[c] < d) continue;
      const double* form = path_.form(f.column[c] - d);
      double z = form[0];
      for (Index i = 0; i < d; ++i) z = fma(form[1 + i], x_[i], z);
      if (std::fabs(z) > kDrift) return true;
    }
    return false;
  }

  // Put the units of a layer into a frame without free rows, in descending order; without those
  // that are like others, where their signs are to follow from these.
  void add(Frame& f, Index layer, bool all_units) {
    add_units(f, layer, [&](Index unit) { return all_units || !path_.twins().follows(unit); });
  }

  // The same with those units only that `wanted` (N) names.
  void add(Frame& f, Index layer, const Array<std::uint8_t>& wanted) {
    add_units(f, layer, [&](Index unit) { return wanted[unit] != 0; });
  }

  // Make a unit's row the only free one.
  void put_alone(Frame& f, Index unit) {
    if (f.free == 0) {
      if (f.rows > 0) f.move_row(0, f.rows);
      f.rows += 1;
      f.free = 1;
      f.clear_padding();
    }
    find_inputs(f);
    f.row[0] = static_cast<std::int32_t>(net_.d() + unit);
    f.cap[0] = kInfinite;
    write_row(f, 0, unit, 1.0);
  }

  // Keep the free rows that `cuts` (free) names, and the constraints that can bind.
  //
  // A constraint whose row has no negative entry is implied by the nonbasic ones. Dropping one that
  // could bind would only enlarge what the descents see: never an answer, only a detour.
  void drop(Frame& f, const Array<std::uint8_t>& cuts) const {
    Index kept = 0, free = 0;
    for (Index r = 0; r < f.rows; ++r) {
      const bool keep = r < f.free ? cuts[r] != 0 : can_bind(f, r);
      if (r < f.free && keep) free += 1;
      if (!keep) continue;
      if (kept != r) f.move_row(r, kept);
      kept += 1;
    }
    for (Index r = kept; r < padded(f.rows); ++r) f.clear_row(r);
    f.rows = kept;
    f.free = free;
  }

  // Compute the dictionary of a frame without free rows afresh for its basis.
  //
  // Starts at a corner of the box with all slacks basic and pivots the nonbasic ones in, each in
  // the column where its entry is largest.
  void rebuild(Frame& f) {
    begin_at_corner(f);
    find_inputs(f);
    for (Index s = 0; s < f.splits; ++s) {
      const Index k = path_.split_unit[s];
      f.row[s] = static_cast<std::int32_t>(net_.d() + k);
      f.cap[s] = kInfinite;
      write_row(f, s, k, path_.sign[k]);
    }
    f.rows = f.splits;
    f.clear_padding();
    for (Index w = 0; w < net_.d(); ++w) {
      if (wanted_[w] >= net_.d()) bring_in(f, wanted_[w]);
    }
  }

 private:
  static constexpr Index kNowhere = -1;  // in front of a form's constant there are zeros

  template <class Is>
  void add_units(Frame& f, Index layer, const Is& is_wanted) {
    const Index first = net_.offset(layer), end = net_.offset(layer + 1);
    Index n = 0;
    for (Index unit = first; unit < end; ++unit) n += is_wanted(unit) ? 1 : 0;
    for (Index r = f.rows - 1; r >= 0; --r) f.move_row(r, r + n);
    f.rows += n;
    f.free = n;
    find_inputs(f);
    Index r = 0;
    for (Index unit = end - 1; unit >= first; --unit) {
      if (!is_wanted(unit)) continue;
      f.row[r] = static_cast<std::int32_t>(net_.d() + unit);
      f.cap[r] = kInfinite;
      write_row(f, r++, unit, 1.0);
    }
    f.clear_padding();
  }

  // Write `side` times a unit's form as row r of the frame whose inputs were found.
  void write_row(Frame& f, Index r, Index unit, double side) {
    const Index d = net_.d();
    const double* form = path_.form(unit);
    double* value = f.value(r);
    double constant = side * form[0];
    for (Index i = 0; i < d; ++i) {
      if (net_.lower()[i] != 0.0) constant = fma(side * form[1 + i], net_.lower()[i], constant);
    }
    for (Index i = 0; i < uppers_; ++i) {
      const Index at = upper_[i];
      constant = fma(net_.span()[at - 1], side * form[at], constant);
    }
    for (Index i = 0; i < basics_; ++i) {
      const Index b = basic_[i];
      slope_[i] = side * form[1 + f.row[b]];
      constant = fma(f.constant[b], slope_[i], constant);
    }
    for (Index c = 0; c < f.stride; c += kLanes) {
      const Index* at = place_.data() + c;
      const Doubles own{form[at[0]], form[at[1]], form[at[2]], form[at[3]]};
      Doubles sum = all(side) * own * load(turn_.data() + c);
      for (Index i = 0; i < basics_; ++i) {
        sum = fma(load(f.value(basic_[i]) + c), all(slope_[i]), sum);
      }
      store(value + c, sum);
    }
    f.constant[r] = constant;
  }

  // List where the inputs are in a frame: nonbasic ones as places in a form, basic ones as rows.
  void find_inputs(const Frame& f) {
    basics_ = uppers_ = 0;
    for (Index c = 0; c < net_.d(); ++c) {
      const Index i = f.column[c];
      const bool is_input = i < net_.d(), is_upper = is_input && f.at_upper[c] == 1;
      place_[c] = is_input ? 1 + i : kNowhere;
      turn_[c] = is_upper ? -1.0 : 1.0;
      if (is_upper) upper_[uppers_++] = 1 + i;
    }
    for (Index r = f.free; r < f.rows; ++r) {
      if (f.row[r] < net_.d()) basic_[basics_++] = r;
    }
  }

  [[nodiscard]] bool can_bind(const Frame& f, Index r) const {
    if (f.row[r] < net_.d()) return true;
    Longs negative = all(std::int64_t{0});
    for (Index c = 0; c < f.stride; c += kLanes) negative |= load(f.value(r) + c) < all(0.0);
    return bits(negative) != 0;
  }

  void begin_at_corner(Frame& f) {
    f.rows = 0;  // no input is basic
    for (Index c = 0; c < net_.d(); ++c) {
      wanted_[c] = f.column[c];
      wanted_upper_[c] = f.at_upper[c];
      stays_[c] = 0;
      f.column[c] = static_cast<std::int32_t>(c);
      f.at_upper[c] = 0;
      f.reach[c] = net_.span()[c];
    }
    for (Index c = 0; c < net_.d(); ++c) {
      if (wanted_[c] >= net_.d()) continue;
      stays_[wanted_[c]] = 1;
      f.at_upper[wanted_[c]] = wanted_upper_[c];
    }
  }

  // Make the slack `variable`, which is basic, nonbasic.
  void bring_in(Frame& f, Index variable) const {
    Index p = 0, q = -1;
    for (Index r = 0; r < f.rows; ++r) p = f.row[r] == variable ? r : p;
    double largest = 0.0;
    for (Index c = 0; c < net_.d(); ++c) {
      const Index i = f.column[c];
      if (i >= net_.d() || stays_[i] == 1) continue;
      const double a = std::fabs(f.value(p)[c]) * net_.span()[i];
      if (a > largest) largest = a, q = c;
    }
    if (q < 0) return;
    f.cap[p] = 0.0;  // it leaves at 0, whichever way its entry points
    exchange(net_, path_, f, p, q);
    if (f.at_upper[q] == 1) {  // measured downwards from that cap: turn it round
      f.at_upper[q] = 0;
      for (Index r = 0; r < f.rows; ++r) f.value(r)[q] = -f.value(r)[q];
    }
  }

  const Network& net_;
  const Path& path_;
  // Scratch.
  Array<double> x_;
  Array<Index> place_;          // (d padded) where a form has the input of each column: a zero,
                                // `kNowhere`, for slacks
  Array<double> turn_;          // (d padded) -1 for inputs at their upper bounds, 1
  Array<Index> upper_, basic_;  // (d) the places of inputs at upper bounds; the rows of inputs
  Index uppers_ = 0, basics_ = 0;
  Array<double> slope_;
  Array<std::int32_t> stays_;  // inputs that stay nonbasic
  Array<std::int32_t> wanted_, wanted_upper_;
};

}  // namespace nnce
