// What the bounds over the whole box leave open at one vertex: bounds at its own place, and zeros.
//
// A form's coefficients err by spread[i] each, so that f errs by spread[0] + sum spread[i] |x_i| at
// x: next to nothing near the origin of a large box, where the margin of layer.hpp is that of the
// box's corners. The same holds for the planes of the vertex. With B a bound on |v - v*| that is
// known already, f(v*) - h(v*) is at most spread(|v| + B), h(v*) = 0, and A (v - v*) = f(v) -
// f(v*):
//
//     |v - v*| <= |A^-1| (|f(v)| + spread(|v| + B)),
//
// which may be the next B.
#pragma once

#include <cmath>

#include "exact_zero.hpp"
#include "layer.hpp"
#include "plane.hpp"

namespace nnce {

template <int D>
class CloseUp {
 public:
  // A vertex where these planes meet, with its float point and a bound on its distance to that.
  CloseUp(const Point<D>& point, double blur, const Few<const Plane<D>*, D>& planes)
      : point_(point), blur_(blur), planes_(planes), exact_(planes) {}

  // Return the signs of a form at the vertex that are proved.
  [[nodiscard]] Signs signs_of(const Plane<D>& form) {
    if (!(blur_ <= 0.5)) return {false, false};
    const double z = form.at(point_);
    if (form.exact && exact_.is_known() &&
        exact_.is_zero(WholeForm<D>(form.form), std::fabs(z) + margin(form))) {
      return {true, true};
    }
    draw_near();
    const double clear = margin(form);
    return {z > clear, z < -clear};
  }

 private:
  static constexpr int kTurns = 64;  // each takes a factor of two at least, most take 50 bits

  // What a form at the float point may differ by from the true form at the true vertex.
  [[nodiscard]] double margin(const Plane<D>& form) const {
    double slope = 0.0;
    for (int i = 0; i < D; ++i) slope += std::fabs(form.form[1 + i]);
    return form.error_near(point_, blur_) + slope * blur_ * (1.0 + 0x1p-40);
  }

  void draw_near() {
    if (is_near_ || blur_ == kOrigin) return;
    is_near_ = true;
    for (const Plane<D>* plane : planes_) {
      if (plane->is_side) put_on_side(*plane);
    }
    const double gain = locate(planes_).gain;
    for (int turn = 0; turn < kTurns; ++turn) {
      double residual = 0.0;
      for (const Plane<D>* plane : planes_) {
        const double off = std::fabs(plane->at(point_)) + plane->error_near(point_, blur_);
        residual = larger(residual, off);
      }
      const double nearer = gain * residual;
      const bool gains = nearer < 0.5 * blur_;
      blur_ = nearer < blur_ ? nearer : blur_;
      if (!gains) return;
    }
  }

  // The coordinate that a side of the box fixes is known without rounding.
  void put_on_side(const Plane<D>& side) {
    for (int i = 0; i < D; ++i) {
      const double slope = side.form[1 + i];  // 1/2 or -1/2
      if (slope != 0.0) point_[i] = -side.form[0] / slope;
    }
  }

  Point<D> point_;
  double blur_;
  const Few<const Plane<D>*, D>& planes_;
  ExactVertex<D> exact_;
  bool is_near_ = false;
};

}  // namespace nnce
