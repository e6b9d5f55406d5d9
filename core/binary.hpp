// Floating-point numbers as integers times powers of two.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace nnce {

// A finite number that is not 0: an odd integer, of up to 53 bits, times 2^exponent.
struct Odd {
  std::int64_t integer;
  int exponent;

  explicit Odd(double x) {
    constexpr int bits = 52, bias = 1075;
    constexpr std::uint64_t hidden = std::uint64_t{1} << bits;
    const auto word = std::bit_cast<std::uint64_t>(x);
    const auto field = static_cast<int>(word >> bits & 2047);
    const std::uint64_t digits = (word & (hidden - 1)) | (field > 0 ? hidden : 0);
    const int zeros = std::countr_zero(digits);
    const auto size = static_cast<std::int64_t>(digits >> zeros);
    integer = x < 0.0 ? -size : size;
    exponent = std::max(field, 1) - bias + zeros;
  }
};

inline int lowest_bit(double x) { return Odd(x).exponent; }

}  // namespace nnce
