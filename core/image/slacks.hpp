// The slacks of a path: the forms that are positive on its cell, one for each split.
#pragma once

#include <algorithm>
#include <cstdint>

#include "../array.hpp"
#include "../rounding.hpp"
#include "../simd.hpp"

namespace nnce {

// What the search of an input reads of a walk's path. N is the number of units of the network. The
// slack of a unit that was split on is sign * (form[0] + sum_i form[1 + i] * u_i), with u in the
// walk's box of d dimensions.
struct Slacks {
  Index count = 0;                     // of the splits
  const Index* unit = nullptr;         // (count) the units that were split on, in order
  const std::int8_t* sign = nullptr;   // (N) 1 or -1
  const double* form = nullptr;        // N rows: the constant, and d coefficients padded with zeros
  Index stride = 0;                    // between rows
  const double* form_size = nullptr;   // (N) bound on |constant| + sum |coefficient| |u|
  const double* form_error = nullptr;  // (N) bound over the box on what the form is off by
  Index version = 0;                   // another number, 0 or more, whenever forms have changed
};

// The slacks of a path, in an order in which all are evaluated at once: unit by unit, those that
// were not split on among them, with a sign of 0.
class SlackTable {
 public:
  // For walks over d inputs of a network with `units` units.
  SlackTable(Index d, Index units)
      : d_(d),
        units_(units),
        column_(d + 1, padded(units)),
        size_(padded(units)),
        error_(padded(units)),
        sign_(padded(units)),
        value_(padded(units)) {}

  // Take other forms in the next `gather`, whatever their version.
  void forget() { version_ = -1; }

  // Take the slacks of `path`, whose forms must stay where they are until the next call.
  void gather(const Slacks& path) {
    if (version_ != path.version) copy_forms(path);
    version_ = path.version;
    sign_.fill(0.0);
    for (Index s = 0; s < path.count; ++s) {
      const Index unit = path.unit[s];
      sign_[unit] = static_cast<double>(path.sign[unit]);
    }
    form_ = path.form;
    stride_ = path.stride;
  }

  [[nodiscard]] Index d() const { return d_; }
  [[nodiscard]] Index units() const { return units_; }
  [[nodiscard]] Index version() const { return version_; }
  // Of a unit: 1.0 or -1.0, or 0.0 where it was not split on; its form; and what is known of that.
  [[nodiscard]] double sign(Index unit) const { return sign_[unit]; }
  [[nodiscard]] const double* signs() const { return sign_.data(); }  // (N padded)
  [[nodiscard]] double constant(Index unit) const { return column_[0][unit]; }
  [[nodiscard]] const double* gradient(Index unit) const { return form_ + unit * stride_ + 1; }
  [[nodiscard]] double size(Index unit) const { return size_[unit]; }
  [[nodiscard]] double error(Index unit) const { return error_[unit]; }
  // (1 + d, N padded) the forms of all units, coefficient by coefficient, constant first.
  [[nodiscard]] const Matrix<double>& columns() const { return column_; }

  // Write the values of all slacks at u (d) to out (N padded).
  NNCE_INLINE void evaluate(double* out, const double* u) const {
    const Index n = value_.size();
    weighted_sum(out, column_[0], column_[1], n, u, d_, n);
    for (Index k = 0; k < n; k += kLanes) store(out + k, load(sign_.data() + k) * load(out + k));
  }

  // Tell whether all slacks at u (d) surely are positive: more than their forms are off by, and
  // than `rounding` times their sizes.
  [[nodiscard]] bool exceed(const double* u, double rounding) {
    evaluate(value_.data(), u);
    Longs proved = all(std::int64_t{-1});
    for (Index k = 0; k < value_.size(); k += kLanes) {
      const Doubles sign = load(sign_.data() + k), value = load(value_.data() + k);
      const Doubles bound =
          fma(all(rounding), load(size_.data() + k), load(error_.data() + k)) + all(kUnderflow);
      proved &= (value > bound) | (sign == all(0.0));
    }
    return bits(proved) == 15;
  }

 private:
  void copy_forms(const Slacks& path) {
    for (Index k = 0; k < units_; ++k) {
      const double* form = path.form + k * path.stride;
      for (Index i = 0; i <= d_; ++i) column_[i][k] = form[i];
    }
    std::copy_n(path.form_size, units_, size_.data());
    std::copy_n(path.form_error, units_, error_.data());
  }

  const Index d_;
  const Index units_;
  Matrix<double> column_;  // (1 + d, N padded)
  Array<double> size_;     // (N padded)
  Array<double> error_;    // (N padded)
  Array<double> sign_;     // (N padded)
  Array<double> value_;    // (N padded) scratch
  const double* form_ = nullptr;
  Index stride_ = 0;
  Index version_ = -1;
};

}  // namespace nnce
