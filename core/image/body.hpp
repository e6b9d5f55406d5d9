// Cells that meet a body inside the image: they exist, without a look at the many inputs.
//
// The body is an ellipsoid, and the hull of it and of one more point of the image, in the direction
// of the cell.
#pragma once

#include <algorithm>
#include <cmath>

#include "../array.hpp"
#include "../rounding.hpp"
#include "../simd.hpp"
#include "projection.hpp"
#include "slacks.hpp"
#include "sums.hpp"
#include "zonotope.hpp"

namespace nnce {

class BodySearch {
 public:
  // Refers to `image` as long as it lives. `units` is the number of units of the network.
  BodySearch(const Zonotope& image, Index units)
      : image_(image),
        projection_(image.d, units),
        from_middle_(image.width),
        place_(image.width),
        ball_(image.width),
        tip_(image.width),
        input_(image.length),
        at_point_(padded(units)) {
    std::copy_n(image.middle.data(), image.width, projection_.centre());
    for (Index k = 0; k < image.d; ++k) {
      std::copy_n(image.body.metric[k], image.width, projection_.metric()[k]);
    }
  }

  // Forget the cells before.
  void forget() {
    projection_.start_afresh();
    version_ = -1;
  }

  // Prove that the cell of `slacks` holds an inner point of the body; false means unsure.
  //
  // On the way to the point of the cell that is nearest to the centre, each step shows another
  // point near the centre, and from there the way to `point` (d), inside the cell, may enter the
  // cell within the body. The slacks are evaluated there, with a bound on rounding. The projection
  // starts from that of the leaf before, often a neighbour; its factors are of use as long as the
  // forms stay the same. Where the body is not reached, the hull of it and a point far out may be.
  [[nodiscard]] bool meets(SlackTable& slacks, const double* point) {
    if (image_.body.radius == 0.0) return false;
    slacks.evaluate(at_point_.data(), point);
    const double radius = image_.body.radius, far = to_ball(point);
    const double limit = 2.0 * radius / (radius + far);  // of a way out of the body
    begin(slacks);
    while (!projection_.is_done()) {
      if (enters_body(slacks, point, limit)) return true;
      if (!projection_.go_on()) return false;
    }
    return meets_from_nearest(slacks, point, far);
  }

  // Project the middle of the image onto the cell of `slacks`, in the metric in which the body is a
  // ball; false where rounding stops it.
  [[nodiscard]] bool project(SlackTable& slacks) {
    begin(slacks);
    while (!projection_.is_done()) {
      if (!projection_.go_on()) return false;
    }
    return true;
  }
  [[nodiscard]] const Projection& projection() const { return projection_; }

 private:
  static constexpr double kInside = 0.02;   // from where the way to the inside enters the cell
  static constexpr double kMostOut = 0.98;  // how near the cell must be to the body's surface
  static constexpr double kReach = 4.5;  // of the one more point: most inputs are at their bounds
  static constexpr int kHullSteps = 16, kLastStep = 12;    // balls that are tried on the way to it
  static constexpr double kSteps[] = {0.25, 0.02, 0.002};  // from facets towards the inside

  void begin(SlackTable& slacks) {
    projection_.begin(slacks, version_ == slacks.version());
    version_ = slacks.version();
  }

  // Prove that the way from where the projection is to `point` enters the cell within the body:
  // after a share of less than `limit` of it.
  [[nodiscard]] bool enters_body(SlackTable& slacks, const double* point, double limit) {
    const double share = share_to_cell();
    if (!(share < limit)) return false;
    go_towards(point, share + kInside * (1.0 - share));
    return to_ball(place_.data()) < image_.body.radius && is_in_cell(slacks);
  }

  // Return which share of the way from where the projection is to the point in the cell lies
  // outside the cell; not below 1.0 where that can't be told.
  [[nodiscard]] double share_to_cell() const {
    Doubles share = all(0.0);
    for (Index k = 0; k < at_point_.size(); k += kLanes) {
      const Doubles from = load(projection_.values() + k), to = load(at_point_.data() + k);
      const Doubles crossing = select(to > all(0.0), from / (from - to), all(1.0));
      share = select(from < all(0.0), most(share, crossing), share);
    }
    return -least_of(-share);
  }

  // Do what `meets` says, from the point of the cell that is nearest to the centre, on facets.
  // `far` is how far `point` is from the middle, in the coordinates of the ball.
  [[nodiscard]] bool meets_from_nearest(SlackTable& slacks, const double* point, double far) {
    const double radius = image_.body.radius;
    const double near = to_ball(projection_.place());
    const bool with_tip = near > kMostOut * radius;
    if (with_tip) {
      find_tip(near);
      if (!is_in_hull()) return false;
    }
    for (const double most : kSteps) {
      // A length is convex, so this one stays in the body.
      const double step = with_tip ? most : std::min(0.5, 0.5 * (radius - near) / (near + far));
      go_towards(point, step);
      const double length = to_ball(place_.data());
      if (with_tip ? is_in_hull() : length < radius) return is_in_cell(slacks);
    }
    return false;
  }

  // Prove that `place_` is strictly inside the cell.
  [[nodiscard]] bool is_in_cell(SlackTable& slacks) {
    return slacks.exceed(place_.data(), 2.0 * static_cast<double>(image_.d + 8) * kUnit);
  }

  // Write where u (d) is, in the coordinates in which the body is a ball about 0, to `ball_`;
  // return its length.
  double to_ball(const double* u) {
    for (Index k = 0; k < image_.d; ++k) from_middle_[k] = u[k] - image_.middle[k];
    combine(ball_.data(), from_middle_.data(), image_.body.turned[0], image_.width, image_.d,
            image_.width);
    return std::sqrt(inner(ball_.data(), ball_.data(), image_.width));
  }

  // Write a point of the image, far out in the direction of the projection, to `tip_`: in the
  // coordinates of the ball, in which the projection is `length` away from the centre.
  void find_tip(double length) {
    projection_.write_direction(from_middle_.data());
    combine(input_.data(), from_middle_.data(), image_.body.reach[0], image_.length, image_.d,
            image_.length);
    const Doubles scale = all(kReach / length);
    for (Index i = 0; i < image_.length; i += kLanes) {
      const Doubles t = scale * load(input_.data() + i);
      store(input_.data() + i, least(most(t, all(-1.0)), all(1.0)));
    }
    products(from_middle_.data(), image_.generator[0], image_.length, image_.d, input_.data(),
             image_.length);
    combine(tip_.data(), from_middle_.data(), image_.body.turned[0], image_.width, image_.d,
            image_.width);
  }

  // Prove that `ball_` is inside the hull of the body and of `tip_`: that is all balls about a
  // share of the way to the tip, smaller by that share.
  [[nodiscard]] bool is_in_hull() const {
    for (int step = 0; step <= kLastStep; ++step) {
      const double share = step / static_cast<double>(kHullSteps);
      const double radius = (1.0 - share) * image_.body.radius;
      if (square_from_tip(share) < radius * radius) return true;
    }
    return false;
  }

  // Return the squared distance of `ball_` from a `share` of the way to the tip.
  [[nodiscard]] double square_from_tip(double share) const {
    Doubles sum = all(0.0);
    for (Index k = 0; k < image_.width; k += kLanes) {
      const Doubles gap = fma(all(-share), load(tip_.data() + k), load(ball_.data() + k));
      sum = fma(gap, gap, sum);
    }
    return sum_of(sum);
  }

  // Go from where the projection is a part of the way to `point`: write that to `place_`.
  void go_towards(const double* point, double step) {
    const double* u = projection_.place();
    for (Index k = 0; k < image_.d; ++k) place_[k] = fma(step, point[k] - u[k], u[k]);
  }

  const Zonotope& image_;
  Projection projection_;
  Array<double> from_middle_;  // (d padded) a point of the image, measured from its middle
  Array<double> place_;        // (d padded) a point of the image, inside the cell
  Array<double> ball_;         // (d padded) that in the coordinates of the ball
  Array<double> tip_;          // (d padded) a point of the image far out, in those coordinates
  Array<double> input_;        // (m padded) the input whose image it is
  Array<double> at_point_;     // (N padded) the slacks at the inner point of the cell
  Index version_ = -1;         // of the forms of the last projection
};

}  // namespace nnce
