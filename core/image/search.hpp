// Cells in the image of a box of many inputs under the first layer: which of them exist.
//
// A walk in the image u = U x relaxes it, a zonotope, to a box, so some of its cells hold no image
// of an input. Here each cell is settled: by an input x of the box whose image is strictly inside
// the cell, or by multipliers λ >= 0 that make the sum of λ_k s_k(U x) over the cell's slacks
// negative for all x in the box (Farkas). Both are checked over x with bounds on rounding.
// They are found by projecting the centre of the zonotope onto the cell. Most cells come so near to
// the centre that they meet an ellipsoid inside the zonotope: where no input is asked for, that
// does.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>

#include "../array.hpp"
#include "../rounding.hpp"
#include "../simd.hpp"
#include "body.hpp"
#include "projection.hpp"
#include "slacks.hpp"
#include "sums.hpp"
#include "zonotope.hpp"

namespace nnce {

// Whether a cell of the relaxed image holds an image of the inside of the box.
enum class Preimage { kUnsure, kExists, kEmpty };

class ImageSearch {
 public:
  // For a walk in `image` of a network with `units` units. Refers to `image` as long as it lives.
  ImageSearch(const Zonotope& image, Index units)
      : image_(image),
        slacks_(image.d, units),
        body_(image, units),
        projection_(image.d, units),
        x_(image.length),
        t_(image.length),
        inner_(image.length),
        clipped_(image.length),
        place_(image.width),
        anchor_(image.width),
        direction_(image.width),
        towards_(image.width),
        gap_(image.width) {}

  // Forget all cells before; for the walk of another subtree.
  void begin() {
    slacks_.forget();
    body_.forget();
  }

  // Tell whether the cell of `path` holds an image of the inside of the box.
  //
  // `point` (d) is a point inside the cell. Where the answer is kExists and `wants_input`, such an
  // input is in `x()`; it depends on the cell and the point only, not on calls before.
  [[nodiscard]] Preimage settle(const Slacks& path, const double* point, bool wants_input) {
    slacks_.gather(path);
    if (wants_input) {
      projection_.start_afresh();
    } else {
      if (body_.meets(slacks_, point)) return Preimage::kExists;
      projection_.start_from(body_.projection());
      if (separates(body_.projection())) return Preimage::kEmpty;
    }
    for (Index k = 0; k < image_.d; ++k) gap_[k] = point[k] - image_.middle[k];
    combine(towards_.data(), gap_.data(), image_.inverse[0], image_.width, image_.d, image_.width);
    for (const double room : kRooms) {
      const Preimage answer = search(room);
      if (answer != Preimage::kUnsure) return answer;
    }
    return Preimage::kUnsure;
  }

  // Prove that `x()` is inside the box and its image inside the cell of `path`.
  [[nodiscard]] bool input_holds(const Slacks& path) {
    slacks_.gather(path);
    return is_in_box() && is_inside();
  }

  // Prove that the cell of `path` holds no image of an input of the box.
  //
  // By the slacks of `count` units that were split on, with a multiplier each. Writes `x()`.
  [[nodiscard]] bool multipliers_hold(const Slacks& path, const Index* units,
                                      const double* multiplier, Index count) {
    slacks_.gather(path);
    return is_missed(units, multiplier, count);
  }

  // An input (m): what `settle` found, or what `input_holds` is asked about.
  [[nodiscard]] double* x() { return x_.data(); }
  [[nodiscard]] const double* x() const { return x_.data(); }

 private:
  // How far inputs stay from the box's bounds: the first of these that does.
  static constexpr double kRooms[] = {1e-2, 1e-5, 1e-8};
  // How much of the image's metric keeps a projection regular: less where rounds change nothing
  // any more, more where they jump from corner to corner of the box.
  static constexpr double kFirstDamping = 1e-3, kFaster = 0.3, kSlower = 5.0;
  static constexpr int kMostSteps = 20;
  static constexpr int kMostClips = 24;  // after that a linear program over the inputs decides

  // Look for the smallest t with |t_i| <= 1 - room whose image lies in the cell.
  //
  // A semismooth Newton method: each round solves the problem for the entries of t that were within
  // their limits in the round before. Where there is no such t, the direction tends to one that
  // separates the cell from the image.
  [[nodiscard]] Preimage search(double room) {
    start();
    double damping = 0.0;
    for (int round = 0; round < kMostClips; ++round) {
      if (!projection_.onto(slacks_)) return Preimage::kUnsure;
      if (separates(projection_)) return Preimage::kEmpty;
      const Index changes = clip(1.0 - room);
      if (changes == 0 && step_inside(1.0 - room)) return Preimage::kExists;
      double wanted = changes <= 1 ? damping * kFaster : damping;
      if (damping == 0.0) {
        wanted = kFirstDamping;
      } else if (all_clipped()) {
        wanted = damping * kSlower;
      }
      damp(wanted - damping, wanted);
      damping = wanted;
    }
    return Preimage::kUnsure;
  }

  // Clip nothing: centre and metric are those of the whole image.
  void start() {
    clipped_.fill(0.0);
    std::copy_n(image_.middle.data(), image_.width, anchor_.data());
    std::copy_n(image_.middle.data(), image_.width, projection_.centre());
    for (Index k = 0; k < image_.d; ++k) {
      std::copy_n(image_.gram[k], image_.width, projection_.metric()[k]);
    }
  }

  // Prove, where it seems so, that the multipliers of a projection's tight slacks show that no
  // input has its image in the cell. Writes its direction to `direction_`, the smallest t to `t_`.
  [[nodiscard]] bool separates(const Projection& projection) {
    projection.write_direction(direction_.data());
    combine(t_.data(), direction_.data(), image_.generator[0], image_.length, image_.d,
            image_.length);
    const Index count = projection.count();
    double largest = 0.0;  // that the sum of multipliers times slacks becomes in the box
    for (Index a = 0; a < count; ++a) {
      const Index unit = projection.tight()[a];
      const double weight = slacks_.sign(unit) * projection.multiplier()[a];
      largest = fma(weight, slacks_.constant(unit), largest);
    }
    for (Index k = 0; k < image_.d; ++k) largest = fma(direction_[k], image_.middle[k], largest);
    Doubles sum = all(0.0);
    for (Index i = 0; i < image_.length; i += kLanes) sum += magnitude(load(t_.data() + i));
    largest += sum_of(sum);
    return largest < 0.0 && is_missed(projection.tight(), projection.multiplier(), count);
  }

  // Clip `t_` to `limit`; return how many entries are clipped now, or no longer, or elsewhere.
  //
  // Then `anchor_` and the metric are those of the zonotope that the entries between their limits
  // generate, moved by the others.
  Index clip(double limit) {
    Index changes = 0;
    for (Index i = 0; i < image_.length; i += kLanes) {  // most often little changes
      const Doubles t = load(t_.data() + i), before = load(clipped_.data() + i);
      const Doubles side =
          select(t > all(limit), all(1.0), select(t < all(-limit), all(-1.0), all(0.0)));
      for (unsigned rest = bits(side != before); rest != 0; rest &= rest - 1) {
        const int lane = std::countr_zero(rest);
        hold(i + lane, side[lane], before[lane], limit);
        ++changes;
      }
      store(clipped_.data() + i, side);
    }
    return changes;
  }

  // Hold input i at `side` times `limit`, and no longer at `before` times that.
  void hold(Index i, double side, double before, double limit) {
    const double held = std::fabs(side) - std::fabs(before), moved = (side - before) * limit;
    const double* column = image_.column[i];
    for (Index k = 0; k < image_.d; ++k) {
      anchor_[k] = fma(moved, column[k], anchor_[k]);
      double* row = projection_.metric()[k];
      const Doubles factor = all(-held * column[k]);
      for (Index j = 0; j < image_.width; j += kLanes) {
        store(row + j, fma(factor, load(column + j), load(row + j)));
      }
    }
  }

  // Tell whether all inputs are held at their limits.
  [[nodiscard]] bool all_clipped() const {
    return std::find(clipped_.begin(), clipped_.begin() + image_.m, 0.0) ==
           clipped_.begin() + image_.m;
  }

  // Add `more` times the whole image's metric to that of the next projection.
  //
  // That keeps it regular. The centre makes up for it, once the direction has settled: the proximal
  // point method (Rockafellar 1976), with `damping` the sum of all that was added.
  void damp(double more, double damping) {
    combine(gap_.data(), direction_.data(), image_.gram[0], image_.width, image_.d, image_.width);
    for (Index k = 0; k < image_.d; ++k) {
      double* row = projection_.metric()[k];
      for (Index j = 0; j < image_.width; j += kLanes) {
        store(row + j, fma(all(more), load(image_.gram[k] + j), load(row + j)));
      }
      projection_.centre()[k] = fma(-damping, gap_[k], anchor_[k]);
    }
  }

  // Go from `t_`, on facets of the cell, towards the inner point; prove the input.
  //
  // The t of the inner point need not be in the box; steps are tried until one stays inside.
  [[nodiscard]] bool step_inside(double limit) {
    combine(inner_.data(), towards_.data(), image_.generator[0], image_.length, image_.d,
            image_.length);
    for (Index i = 0; i < image_.length; i += kLanes) {
      const Doubles t = most(least(load(t_.data() + i), all(limit)), all(-limit));
      store(t_.data() + i, t);
    }
    double step = 0.5;
    for (int tries = 0; tries < kMostSteps; ++tries) {
      for (Index i = 0; i < image_.length; i += kLanes) {
        const Doubles t = load(t_.data() + i);
        const Doubles moved = fma(all(step), load(inner_.data() + i) - t, t);
        store(x_.data() + i,
              fma(load(image_.half.data() + i), moved, load(image_.centre.data() + i)));
      }
      if (is_in_box()) return is_inside();
      step *= 0.3;
    }
    return false;
  }

  // Tell whether `x()` is strictly inside the box.
  [[nodiscard]] bool is_in_box() const {
    Longs inside = all(std::int64_t{-1});
    for (Index i = 0; i < image_.length; i += kLanes) {
      const Doubles x = load(x_.data() + i);
      inside &= (load(image_.lower.data() + i) < x) & (x < load(image_.upper.data() + i));
    }
    return bits(inside) == 15;
  }

  // Prove that the image of `x()` is strictly inside the cell.
  //
  // The bound on rounding is that of sums of sums (Higham 2002, section 3.1).
  [[nodiscard]] bool is_inside() {
    products(place_.data(), image_.linear[0], image_.length, image_.d, x_.data(), image_.length);
    const double terms = 2.0 * static_cast<double>(image_.m + image_.d + 8) + image_.inexact;
    return slacks_.exceed(place_.data(), terms * kUnit);
  }

  // See `multipliers_hold`.
  [[nodiscard]] bool is_missed(const Index* units, const double* multiplier, Index count) {
    double* gradient = place_.data();  // of minus the sum of multipliers times slacks
    std::fill_n(gradient, image_.width, 0.0);
    double bound = 0.0, size = 0.0, error = 0.0;
    for (Index a = 0; a < count; ++a) {
      const Index unit = units[a];
      if (!(multiplier[a] > 0.0)) continue;
      const double weight = slacks_.sign(unit) * multiplier[a];
      bound = fma(-weight, slacks_.constant(unit), bound);
      const double* row = slacks_.gradient(unit);
      for (Index k = 0; k < image_.d; ++k) gradient[k] = fma(-weight, row[k], gradient[k]);
      size = fma(multiplier[a], slacks_.size(unit), size);
      error = fma(multiplier[a], slacks_.error(unit), error);
    }
    for (Index k = 0; k < image_.d; ++k) size += std::fabs(gradient[k]) * image_.magnitude[k];
    bound += least_over_box(gradient);
    const double terms =
        2.0 * static_cast<double>(count + image_.d + image_.m + 8) + image_.inexact;
    return bound > error + terms * kUnit * size + kUnderflow;
  }

  // Return the least value of gradient . U x over the box. Writes `x()`.
  [[nodiscard]] double least_over_box(const double* gradient) {
    combine(x_.data(), gradient, image_.linear[0], image_.length, image_.d, image_.length);
    Doubles sum = all(0.0);
    for (Index i = 0; i < image_.length; i += kLanes) {
      const Doubles g = load(x_.data() + i);
      sum += least(g * load(image_.lower.data() + i), g * load(image_.upper.data() + i));
    }
    return sum_of(sum);
  }

  const Zonotope& image_;
  SlackTable slacks_;
  BodySearch body_;
  Projection projection_;
  Array<double> x_;          // (m padded) the input found
  Array<double> t_;          // (m padded) an input measured from the centre, in half sides
  Array<double> inner_;      // (m padded) that of the inner point, within the box or not
  Array<double> clipped_;    // (m padded) 1.0 or -1.0 where t is held at its limit
  Array<double> place_;      // (d padded) a point of the image
  Array<double> anchor_;     // (d padded) the image where all t are 0 but the clipped ones
  Array<double> direction_;  // (d padded) that of the projection
  Array<double> towards_;    // (d padded) the direction to the inner point
  Array<double> gap_;        // (d padded) scratch
};

}  // namespace nnce
