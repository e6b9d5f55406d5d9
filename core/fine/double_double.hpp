// Numbers of about 106 bits: the unevaluated sum of two doubles.
//
// The algorithms and their bounds are those of Joldes, Muller & Popescu (2017), "Tight and rigorous
// error bounds for basic building blocks of double-word arithmetic", ACM TOMS 44: a sum errs by at
// most 3 u^2 + 13 u^3 of itself (algorithm 6), a product by 5 u^2 (algorithm 12), u = 2^-53.
#pragma once

#include <cmath>

namespace nnce {

// More than any of the operations below but division errs by, of its result.
inline constexpr double kFineUnit = 0x1p-103;

struct DoubleDouble {
  double high = 0.0, low = 0.0;

  DoubleDouble() = default;
  DoubleDouble(double x) : high(x) {}  // NOLINT(google-explicit-constructor): no bit is lost
  DoubleDouble(double a, double b) : high(a), low(b) {}

  // The sum of two doubles, exactly; of which the second is not larger, for `of_ordered`.
  static DoubleDouble of_sum(double a, double b) {
    const double sum = a + b, back = sum - a;
    return {sum, (a - (sum - back)) + (b - back)};
  }
  static DoubleDouble of_ordered(double a, double b) {
    const double sum = a + b;
    return {sum, b - (sum - a)};
  }
  static DoubleDouble of_product(double a, double b) {
    const double product = a * b;
    return {product, std::fma(a, b, -product)};
  }

  DoubleDouble operator-() const { return {-high, -low}; }
  friend DoubleDouble operator+(DoubleDouble x, DoubleDouble y) {
    const DoubleDouble s = of_sum(x.high, y.high), t = of_sum(x.low, y.low);
    const DoubleDouble v = of_ordered(s.high, s.low + t.high);
    return of_ordered(v.high, t.low + v.low);
  }
  friend DoubleDouble operator-(DoubleDouble x, DoubleDouble y) { return x + -y; }
  friend DoubleDouble operator*(DoubleDouble x, DoubleDouble y) {
    const DoubleDouble c = of_product(x.high, y.high);
    const double cross = std::fma(x.low, y.high, std::fma(x.high, y.low, x.low * y.low));
    return of_ordered(c.high, c.low + cross);
  }
  // To about 15 u^2; no proof rests on it.
  friend DoubleDouble operator/(DoubleDouble x, DoubleDouble y) {
    const double quotient = x.high / y.high;
    const DoubleDouble rest = x - y * quotient;
    return of_ordered(quotient, rest.high / y.high);
  }
  friend bool operator<(DoubleDouble x, DoubleDouble y) {
    return x.high < y.high || (x.high == y.high && x.low < y.low);
  }

  // The same times a power of two, which takes no bit away.
  [[nodiscard]] DoubleDouble scaled(double power) const { return {high * power, low * power}; }
};

}  // namespace nnce
