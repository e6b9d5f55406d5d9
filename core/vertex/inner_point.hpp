// A point proved to be inside of a polytope: the mean of its vertices.
#pragma once

#include "polytope.hpp"

namespace nnce {

// An input closer to 0 could lose bits when it is scaled back.
inline constexpr double kSmall = 0x1p-400;

// Return the sum of one coordinate of `count` vertices, in a fixed order: by four vectors of four,
// then by vectors, then one by one.
template <int D>
double sum_along(const Vertex<D>* vertex, Index count, int i) {
  const auto four = [&](Index v) {
    return Doubles{vertex[v].point[i], vertex[v + 1].point[i], vertex[v + 2].point[i],
                   vertex[v + 3].point[i]};
  };
  double total = 0.0;
  Index v = 0;
  if (count >= 16) {
    Doubles sum[4] = {all(0.0), all(0.0), all(0.0), all(0.0)};
    for (; v + 16 <= count; v += 16) {
      for (Index k = 0; k < 4; ++k) sum[k] += four(v + 4 * k);
    }
    total = sum_of(((sum[0] + sum[1]) + sum[2]) + sum[3]);
  }
  if (count - v >= 4) {
    Doubles sum{total, 0.0, 0.0, 0.0};
    for (; v + 4 <= count; v += 4) sum += four(v);
    total = sum_of(sum);
  }
  for (; v < count; ++v) total += vertex[v].point[i];
  return total;
}

// Return the mean of a cell's vertices, if it is proved to be inside.
template <int D>
std::optional<Point<D>> inner_point(const Polytopes<D>& polytopes, Polytope cell) {
  const Vertex<D>* vertex = polytopes.of(cell);
  Point<D> point;
  for (int i = 0; i < D; ++i) {
    point[i] = sum_along(vertex, cell.count, i) / static_cast<double>(cell.count);
    const double x = std::fabs(point[i]);
    if (!((x == 0.0 || x >= kSmall) && x <= 2.0)) return std::nullopt;
  }
  bool inside = true;
  for (Index v = 0; v < cell.count; ++v) {
    for (const std::int32_t number : vertex[v].plane) {
      const Plane<D>& plane = polytopes.plane(number);
      const double z = plane.side * plane.at(point);
      inside &= z > 2.0 * plane.error + kEvaluation || z > plane.error_near(point, 0.0);
    }
  }
  if (!inside) return std::nullopt;
  return point;
}

}  // namespace nnce
