// What double leaves open, with 106 bits: slivers, and boxes far larger than what is in them.
//
// On a box of ±2^60 around biases of 1, all that happens near the origin is below the rounding of
// a double that also holds the corners; with twice the bits it is clear. The proofs are those of
// proofs.hpp. Every answer depends on the frame and the path alone, not on what was asked before:
// within the tests at a layer's root, on what these asked.
#pragma once

#include <cstdint>
#include <vector>

#include "../array.hpp"
#include "../frame.hpp"
#include "../network.hpp"
#include "../path.hpp"
#include "dictionary.hpp"
#include "forms.hpp"
#include "forward.hpp"

namespace nnce {

// What is found of a unit on a cell: that it has one sign; that it cuts it; that the cell has no
// interior; or nothing.
enum class FineAnswer : std::uint8_t { kNone, kPositive, kNegative, kCuts, kNothing };

// A dictionary in doubles, for a frame to take.
struct RoundedFrame {
  std::vector<double> value;  // (free + rows, 1 + d) the constants first
  std::vector<std::int32_t> row, column;
  std::vector<std::uint8_t> at_upper;
};

class FineAnswers {
 public:
  FineAnswers(const Network& net, const Path& path)
      : net_(net),
        path_(path),
        forms_(net, path),
        at_(net, path, forms_),
        other_(net, path, forms_),
        forward_(net),
        point_(net.d()) {}

  void begin() { tested_ = kNothingTested; }

  // Decide a unit on the cell of a frame. Where it cuts, `high` and `low` say by which vertices; at
  // the root of a layer, where vertices are not asked for, tests go on from one to the next.
  FineAnswer decide(const Frame& f, Index unit) {
    forms_.pull_back_to(net_.layer_of(unit));
    const bool at_root = f.phase == Phase::kRootTests;
    if (!(at_root && tested_ == path_.pullbacks())) {
      tested_ = kNothingTested;
      if (const FineAnswer found = start(f); found != FineAnswer::kNone) return found;
      if (!has_start_) return FineAnswer::kNone;
      if (at_root) tested_ = path_.pullbacks();
    }
    at_.aim_at(unit, 1.0);
    const double height = at_.height();
    const bool known = std::fabs(height) > kFineClear;
    const double side = height < 0.0 ? -1.0 : 1.0;  // look for the other one
    bool clear = at_.is_clear();
    if (known && !at_root) other_.copy(at_);
    Ended ended = at_.descend(side);
    if (ended != Ended::kCrossed) return proved(ended, side);
    if (!known) {
      clear = at_.is_clear();
      if (!at_root) other_.copy(at_);
      ended = at_.descend(-side);
      if (ended != Ended::kCrossed) return proved(ended, -side);
    }
    is_high_ = (side < 0.0) == known;
    if (forms_.may_vanish(unit)) return FineAnswer::kNone;
    return clear && at_.is_clear() ? FineAnswer::kCuts : FineAnswer::kNone;
  }

  // The vertices by which the last unit cuts, with the rows of a frame's free units.
  [[nodiscard]] RoundedFrame high(const Frame& f) const {
    return rounded(f, is_high_ ? at_ : other_);
  }
  [[nodiscard]] RoundedFrame low(const Frame& f) const {
    return rounded(f, is_high_ ? other_ : at_);
  }

  // The basis that proves the last answer: its slacks' units, then its basic inputs.
  [[nodiscard]] std::vector<std::int32_t> basis() const {
    std::vector<std::int32_t> found;
    for (Index c = 0; c < net_.d(); ++c) {
      if (at_.column(c) >= net_.d()) {
        found.push_back(static_cast<std::int32_t>(at_.column(c) - net_.d()));
      }
    }
    for (Index r = 0; r < at_.rows(); ++r) {
      if (at_.row(r) < net_.d()) found.push_back(static_cast<std::int32_t>(at_.row(r)));
    }
    return found;
  }

  // After `kNothing`: how many of the first splits leave no interior.
  [[nodiscard]] Index splits_to_nothing() const { return splits_; }

  // Look for a point of a leaf's cell, and prove that it is one: `kCuts`, and `point` is it.
  FineAnswer look_at_leaf(const Frame& f) {
    forms_.pull_back_to(net_.depth() - 1);
    tested_ = kNothingTested;
    if (const FineAnswer found = start(f); found != FineAnswer::kNone) return found;
    if (!has_start_) return FineAnswer::kNone;
    at_.leave_sides();
    at_.inner_point(point_.data());
    return forward_.has_signs_of(path_, point_.data()) ? FineAnswer::kCuts : FineAnswer::kNone;
  }
  [[nodiscard]] const double* point() const { return point_.data(); }

 private:
  static constexpr Index kNothingTested = -1;

  // Put `at_` on a vertex of a frame's cell: at its basis, or by taking the splits in, one by one.
  FineAnswer start(const Frame& f) {
    has_start_ = at_.begin_at(f);
    if (has_start_) return FineAnswer::kNone;
    at_.begin_at_corner();
    for (Index s = 0; s < f.splits; ++s) {
      const Index unit = path_.split_unit[s];
      at_.aim_at(unit, path_.sign[unit]);
      const Ended ended = at_.descend(-1.0);
      if (ended != Ended::kCrossed) {
        splits_ = s + 1;
        return ended == Ended::kOptimal && at_.holds(-1.0) ? FineAnswer::kNothing
                                                           : FineAnswer::kNone;
      }
      at_.keep_objective();
    }
    has_start_ = true;
    return FineAnswer::kNone;
  }

  FineAnswer proved(Ended ended, double side) {
    if (ended != Ended::kOptimal || !at_.holds(side)) return FineAnswer::kNone;
    return side > 0.0 ? FineAnswer::kPositive : FineAnswer::kNegative;
  }

  [[nodiscard]] RoundedFrame rounded(const Frame& f, const FineDictionary& from) const {
    const Index d = net_.d();
    RoundedFrame found;
    std::vector<DoubleDouble> form(static_cast<std::size_t>(d + 1));
    for (Index r = 0; r < f.free; ++r) {
      from.write_row(form.data(), f.row[r] - d, 1.0);
      for (const DoubleDouble& x : form) found.value.push_back(x.high);
    }
    for (Index r = 0; r < from.rows(); ++r) {
      for (Index c = 0; c <= d; ++c) found.value.push_back(from.entry(r, c));
      found.row.push_back(static_cast<std::int32_t>(from.row(r)));
    }
    for (Index c = 0; c < d; ++c) {
      found.column.push_back(static_cast<std::int32_t>(from.column(c)));
      found.at_upper.push_back(from.at_upper(c) ? 1 : 0);
    }
    return found;
  }

  const Network& net_;
  const Path& path_;
  FineForms forms_;
  FineDictionary at_, other_;
  FineForward forward_;
  Array<double> point_;
  Index tested_ = kNothingTested;  // the root whose tests go on from `at_`
  bool has_start_ = false;
  bool is_high_ = false;  // `at_` is at a vertex where the last unit is positive
  Index splits_ = 0;
};

}  // namespace nnce
