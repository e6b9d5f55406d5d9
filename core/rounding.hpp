// Bounds on rounding. n operations on terms of total size s err by at most about n u s (Higham
// 2002, "Accuracy and Stability of Numerical Algorithms", section 3.1); the callers' constants
// leave a factor of two for the rounding of the bounds themselves.
#pragma once

namespace nnce {

inline constexpr double kUnit = 0x1p-53;
inline constexpr double kUnderflow = 1e-290;  // more than gradual underflow can lose in one bound

// Whether a form of this size over the box, which may be off by so much there, may be zero.
inline bool may_be_zero(double size, double error) {
  return !(size > error * (1.0 + 1e-9) + kUnderflow);
}

}  // namespace nnce
