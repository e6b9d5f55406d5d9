// Planes, and the vertex in which D of them meet.
//
// `locate` bounds how far a float point v is from the true vertex v*, where D true forms are zero.
// With A the float coefficients and A* the true ones, f(v) the float values and h(v) the true ones,
//
//     A (v - v*) = h(v) - (A* - A) (v - v*),
//     |h(v)| <= r = max |f(v)| + 2 error + 16 u  (|v| <= 2),
//
// so |v - v*| <= |A^-1| (r + error |v - v*|), and |v - v*| <= 2 |A^-1| r = `blur` where that is at
// most 1/2 (in the maximum norm). Cramer's rule gives v and the entries of A^-1; a factor of two in
// the constants below stands for the rounding of the determinant, which must be clear of zero.
#pragma once

#include <cmath>
#include <limits>

#include "../rounding.hpp"
#include "../simd.hpp"
#include "few.hpp"

namespace nnce {

inline constexpr double kEvaluation = 16.0 * kUnit;  // the rounding of a form, where |x| <= 2
inline constexpr double kNever = std::numeric_limits<double>::infinity();
inline constexpr double kOrigin = 0.0;  // the blur of a vertex that is known to be the origin

// The larger of two; std::fmax is a call.
constexpr double larger(double a, double b) { return a > b ? a : b; }

template <int D>
using Point = Few<double, D>;

// Where a form is zero: form[0] + sum_i form[1 + i] x_i, at most `error` from the true one over the
// box, and at most spread[i] in each coefficient.
template <int D>
struct Plane {
  Few<double, D + 1> form;
  double error;
  double side;  // +1.0 or -1.0: the sign of the form on the path's cell
  Few<double, D + 1> spread;
  bool exact;    // the form is the true one
  bool central;  // the true plane goes through the origin
  bool is_side;  // of the box: the form has one coefficient

  [[nodiscard]] double at(const Point<D>& x) const {
    double z = form[0];
    for (int i = 0; i < D; ++i) z = fma(form[1 + i], x[i], z);
    return z;
  }

  // A bound on how far `at(x)` is from the value of the form, and that from the true one's at any
  // point within `blur`.
  [[nodiscard]] double error_near(const Point<D>& x, double blur) const {
    if (is_side) return 2.0 * kUnit * std::fabs(at(x)) + kUnderflow;
    double off = spread[0], size = std::fabs(form[0]);
    for (int i = 0; i < D; ++i) {
      const double s = std::fabs(x[i]);
      off += spread[1 + i] * (s + blur);
      size += std::fabs(form[1 + i]) * s;
    }
    off = off < error ? off : error;
    return (off + 2.0 * (D + 3) * kUnit * size) * (1.0 + 0x1p-40) + kUnderflow;
  }
};

// A corner of a polytope, on exactly D planes.
template <int D>
struct Vertex {
  Point<D> point;
  double blur;
  Few<std::int32_t, D> plane;
  // The other end of the edge on all planes but the i-th, counted from the polytope's first vertex.
  Few<std::int32_t, D> neighbour;
};

// A float point, and a bound on its distance to the true vertex in each input.
template <int D>
struct Located {
  Point<D> point;
  double blur;  // infinite where the planes are too nearly parallel; the point is 0 then
  double gain;  // twice a bound on |A^-1|
};

template <int D>
Located<D> unless_unknown(const Point<D>& point, bool clear, double residual, double gain) {
  const double blur = gain * (residual + kEvaluation);
  bool known = clear && blur <= 0.5;
  for (const double x : point) known = known && std::fabs(x) <= 2.0;
  return known ? Located<D>{point, blur, gain} : Located<D>{{}, kNever, kNever};
}

inline Located<2> locate(const Plane<2>& p, const Plane<2>& q) {
  const auto &f = p.form, &g = q.form;
  const double left = f[1] * g[2], right = f[2] * g[1];
  const double det = left - right, inverse = 1.0 / det;
  const Point<2> point{
      {fma(f[2], g[0], -(g[2] * f[0])) * inverse, fma(g[1], f[0], -(f[1] * g[0])) * inverse}};
  const double residual =
      larger(std::fabs(p.at(point)) + 2.0 * p.error, std::fabs(q.at(point)) + 2.0 * q.error);
  const double row = larger(std::fabs(g[2]) + std::fabs(f[2]), std::fabs(g[1]) + std::fabs(f[1]));
  const double size = std::fabs(left) + std::fabs(right);
  const bool clear = std::fabs(det) > 8.0 * kUnit * size + kUnderflow;
  return unless_unknown<2>(point, clear, residual, 4.0 * row * std::fabs(inverse));
}

// One coordinate of `locate` in space is a sum over the planes: constants times cofactors.
struct Cofactor {
  double difference, size;  // of a and b: a - b, |a| + |b|

  static Cofactor of(double a, double b) { return {a - b, std::fabs(a) + std::fabs(b)}; }
};

inline Located<3> locate(const Plane<3>& p, const Plane<3>& q, const Plane<3>& r) {
  const Plane<3>* const planes[3] = {&p, &q, &r};
  Few<Few<Cofactor, 3>, 3> cofactor;
  Few<double, 3> sum{}, row{};
  for (Index i = 0; i < 3; ++i) {
    const auto &g = planes[(i + 1) % 3]->form, &h = planes[(i + 2) % 3]->form;
    cofactor[i] = {{Cofactor::of(g[2] * h[3], g[3] * h[2]), Cofactor::of(g[3] * h[1], g[1] * h[3]),
                    Cofactor::of(g[1] * h[2], g[2] * h[1])}};
    for (Index k = 0; k < 3; ++k) {
      sum[k] = fma(-planes[i]->form[0], cofactor[i][k].difference, sum[k]);
      row[k] += cofactor[i][k].size;
    }
  }
  const auto& first = cofactor[0];
  const auto& f = p.form;
  const double det =
      fma(first[2].difference, f[3], fma(first[0].difference, f[1], first[1].difference * f[2]));
  const double size = std::fabs(f[1]) * first[0].size + std::fabs(f[2]) * first[1].size +
                      std::fabs(f[3]) * first[2].size;
  const double inverse = 1.0 / det;
  const Point<3> point{{sum[0] * inverse, sum[1] * inverse, sum[2] * inverse}};
  double residual = 0.0;
  for (const Plane<3>* plane : planes) {
    residual = larger(residual, std::fabs(plane->at(point)) + 2.0 * plane->error);
  }
  const bool clear = std::fabs(det) > 16.0 * kUnit * size + kUnderflow;
  const double largest = larger(row[0], larger(row[1], row[2]));
  return unless_unknown<3>(point, clear, residual, 4.0 * largest * std::fabs(inverse));
}

inline Located<2> locate(const Few<const Plane<2>*, 2>& p) { return locate(*p[0], *p[1]); }
inline Located<3> locate(const Few<const Plane<3>*, 3>& p) { return locate(*p[0], *p[1], *p[2]); }

}  // namespace nnce
