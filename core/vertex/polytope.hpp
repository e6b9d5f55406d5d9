// Polytopes that are kept by their vertices, and how they are divided along a plane.
//
// Polytopes are simple: each vertex is on D planes, an edge is its vertices' D - 1 common planes,
// and each divided edge has one new vertex. A plane through a vertex does not change that. It is
// taken as if it were a little further on the positive side, by far more than all planes before it:
// the vertex goes to the negative part, and those on its edges to positive vertices are new ones of
// the same place. So the polytope in hand is that of planes which are moved by less than any
// number, simple in its combinatorics, and its vertices are where those of the true one are (with
// repetitions). Only places and signs are read from them. docs/exact.md, "Vertices".
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "bit_set.hpp"
#include "layer.hpp"
#include "plane.hpp"
#include "second_look.hpp"

namespace nnce {

// Some consecutive vertices.
struct Polytope {
  Index start, count;
};

// All vertices of the polytopes on a path, a stack, with the signs of the columns at each of them.
template <int D>
class Polytopes {
 public:
  struct Halves {
    Polytope positive, negative;
  };

  // `planes` is how many planes there are at most, `columns` how many columns a layer has.
  Polytopes(Index planes, Index columns)
      : words_(words_for(columns)), plane_(planes), mate_(planes) {
    mate_.fill(-1);
    make_room(kFirstRoom);
  }

  // The box, as the only polytope. Its sides are the last 2 D planes: the lower and the upper one
  // of each input.
  Polytope begin(const VertexNetwork& network) {
    const Index first_side = plane_.size() - Index{2} * D;
    inputs_ = network.inputs();
    for (Plane<D>& plane : plane_) plane.side = 1.0;
    for (Index i = 0; i < D; ++i) {
      plane_[first_side + 2 * i] = side(static_cast<int>(i), -network.lower(i) / 2, 0.5);
      plane_[first_side + 2 * i + 1] = side(static_cast<int>(i), network.upper(i) / 2, -0.5);
    }
    for (int corner = 0; corner < 1 << D; ++corner) {
      Vertex<D>& v = vertex_[corner];
      v.blur = kOrigin;
      for (int i = 0; i < D; ++i) {
        const int at_upper = corner >> i & 1;
        v.point[i] = at_upper ? network.upper(i) : network.lower(i);
        v.plane[i] = static_cast<std::int32_t>(first_side + Index{2} * i + at_upper);
        v.neighbour[i] = corner ^ (1 << i);
        if (i < inputs_ && v.point[i] != 0.0) v.blur = kUnderflow;
      }
    }
    return {0, 1 << D};
  }

  [[nodiscard]] const Vertex<D>& operator[](Index v) const { return vertex_[v]; }
  [[nodiscard]] const Vertex<D>* of(Polytope cell) const { return vertex_.data() + cell.start; }
  [[nodiscard]] Plane<D>& plane(Index number) { return plane_[number]; }
  [[nodiscard]] const Plane<D>& plane(Index number) const { return plane_[number]; }
  [[nodiscard]] Index words() const { return words_; }
  // The columns that are proved positive, then those that are proved negative, at the true vertex.
  [[nodiscard]] const Word* signs(Index v) const { return sign_[v]; }

  // Note the signs of the layer's columns at all vertices of a cell.
  void note_signs(Polytope cell, const LayerForms<D>& layer) {
    for (Index v = cell.start; v < cell.start + cell.count; ++v) {
      layer.note_signs(vertex_[v].point, vertex_[v].blur, 0, sign_[v], sign_[v] + words_);
    }
  }

  // Look closer at the vertices of a cell, for the signs of these columns that are not known there.
  // `first` is the number of the first unit of the layer before; `sees_nothing(v)` tells whether
  // all units that the layer sees are zero at a vertex.
  template <class SeesNothing>
  void look_closer(Polytope cell, const LayerForms<D>& layer, const Word* among, Index first,
                   SeesNothing sees_nothing) {
    for (Index v = cell.start; v < cell.start + cell.count; ++v) {
      Word unknown = 0;
      for (Index w = 0; w < layer.words(); ++w) unknown |= among[w] & unknown_at(v, w, layer);
      if (unknown == 0) continue;
      const Few<const Plane<D>*, D> planes = pointers(vertex_[v].plane);
      CloseUp<D> vertex(vertex_[v].point, vertex_[v].blur, planes);
      const bool is_bias = sees_nothing(vertex_[v]);
      for (Index w = 0; w < layer.words(); ++w) {
        for_each(among[w] & unknown_at(v, w, layer), w, [&](Index c) {
          const Signs signs = is_bias || layer.sees_nothing(c, vertex_[v].plane, first)
                                  ? layer.signs_of_bias(c)
                                  : vertex.signs_of(layer.plane(c));
          if (signs.positive) sign_[v][w] |= bit_of(c);
          if (signs.negative) sign_[v][words_ + w] |= bit_of(c);
        });
      }
    }
  }

  // Divide a cell along a column of `layer` whose sign is known at all its vertices; it becomes the
  // plane `number`. `known` are the signs of the columns that have one on all of the cell. The
  // cell's own vertices stay; those of the parts come to the place `above`, which is behind them.
  Halves divide(Polytope cell, const LayerForms<D>& layer, Index column, Index number,
                const CellSigns& known, Index above) {
    make_room(above + (1 + D) * cell.count);  // each part of an edge may have a new vertex
    const Index positive = number_vertices(cell, column), negative = cell.count - positive;
    const Index edges = find_crossing(cell);
    const Index below = above + positive + edges;
    copy_old(cell, above, below, layer.words());
    Cut cut{vertex_.data() + cell.start,
            vertex_.data() + above,
            vertex_.data() + below,
            positive,
            negative,
            0};
    for (; cut.born < edges; ++cut.born) {
      const Edge& edge = edge_[cut.born];
      const Index end = cell.start + edge.negative;
      const bool at_end = holds(sign_[end], column);
      add_vertex(cut, edge, number, at_end);
      note_new(above + positive + cut.born, below + negative + cut.born, at_end ? end : -1, layer,
               column, known);
      join_old(cut, edge);
      join_new(cut, edge.i);
    }
    computed += edges;
    return {{above, positive + edges}, {below, negative + edges}};
  }

  // Tell whether a column is positive somewhere on a cell at all of whose vertices its sign is
  // known, and whether it is negative somewhere.
  [[nodiscard]] Signs sides(Polytope cell, Index column) const {
    PartSigns found;
    for (Index v = cell.start; v < cell.start + cell.count; ++v) found.add(signs_of(v, column));
    return {found.positive, found.negative};
  }

  // Put a copy of a polytope to a place that is before it, or behind it with all its vertices.
  Polytope copy(Polytope cell, Index place, Index words) {
    make_room(place + cell.count);
    for (Index v = 0; v < cell.count; ++v) {
      vertex_[place + v] = vertex_[cell.start + v];
      copy_signs(cell.start + v, place + v, words);
    }
    return {place, cell.count};
  }

  // Return how many cells two columns that both cut a cell divide it into, if that is proved.
  //
  // The first one, which is the plane `number` and has a known sign at all vertices, divides it
  // into two parts; the other one cuts those at whose vertices it has both signs.
  std::optional<int> count_parts(Polytope cell, const LayerForms<D>& layer, Index column,
                                 Index number, Index other) {
    PartSigns below, above;
    for (Index v = cell.start; v < cell.start + cell.count; ++v) {
      (is_above(v, column) ? above : below).add(signs_of(v, other));
    }
    for (Index v = cell.start; v < cell.start + cell.count; ++v) {
      if (above.both() && below.both()) return 4;
      if (!is_above(v, column)) continue;
      for (int i = 0; i < D; ++i) {
        const Index end = cell.start + vertex_[v].neighbour[i];
        if (is_above(end, column)) continue;
        const Signs signs = signs_at_cut(v, i, end, layer, column, number, other);
        above.add(signs);
        below.add(signs);
      }
    }
    if (!above.settled() || !below.settled()) return std::nullopt;
    return 2 + above.both() + below.both();
  }

  Index computed = 0;  // vertices

 private:
  static constexpr Index kFirstRoom = 64;

  // An edge whose ends have different signs: on all planes but the i-th of its positive end.
  struct Edge {
    std::int32_t positive, negative, i;
  };
  // A polytope that is being divided: its vertices, and those of its two parts.
  struct Cut {
    Vertex<D>*old, *above, *below;
    Index positive, negative;  // how many old vertices each part has
    Index born;                // how many new ones both have
  };

  // The signs that a column has at the vertices of a part.
  struct PartSigns {
    bool positive = false, negative = false, unknown = false;

    void add(Signs signs) {
      positive |= signs.positive && !signs.negative;
      negative |= signs.negative && !signs.positive;
      unknown |= !signs.known();
    }
    [[nodiscard]] bool both() const { return positive && negative; }
    [[nodiscard]] bool settled() const { return both() || !unknown; }
  };

  // The columns of word `w` whose signs are not known at a vertex.
  [[nodiscard]] Word unknown_at(Index v, Index w, const LayerForms<D>& layer) const {
    return up_to(layer.columns(), w) & ~(sign_[v][w] | sign_[v][words_ + w]);
  }

  [[nodiscard]] Signs signs_of(Index v, Index column) const {
    return {holds(sign_[v], column), holds(sign_[v] + words_, column)};
  }
  // Whether a vertex is on the positive side of a column whose sign is known: on the other one are
  // those where it is zero.
  [[nodiscard]] bool is_above(Index v, Index column) const {
    return holds(sign_[v], column) && !holds(sign_[v] + words_, column);
  }

  // Return the signs of the column `other` where another one, which is the plane `number`, cuts the
  // i-th edge of v, with this other end.
  Signs signs_at_cut(Index v, int i, Index end, const LayerForms<D>& layer, Index column,
                     Index number, Index other) {
    if (holds(sign_[end], column)) return signs_of(end, other);  // it is zero at the end
    const Located<D> at = locate(planes_of(vertex_[v], i, number));
    ++computed;
    return layer.signs_at(at.point, at.blur, other);
  }

  // The sides of the box are exact. That of an input that nothing reads stops no one on the way to
  // the origin of the others.
  [[nodiscard]] Plane<D> side(int input, double constant, double slope) const {
    Plane<D> plane{{}, kUnderflow, 1.0, {}, true, constant == 0.0 || input >= inputs_, true};
    plane.form[0] = constant;
    plane.form[1 + input] = slope;
    return plane;
  }

  void make_room(Index vertices) {
    const Index before = vertex_.size();
    if (vertices <= before) return;
    const Index size = std::max(vertices, 2 * before);
    Array<Vertex<D>> vertex(size);
    Matrix<Word> sign(size, 2 * words_);
    std::copy(vertex_.begin(), vertex_.end(), vertex.begin());
    if (before > 0) std::copy(sign_[0], sign_[0] + before * sign_.stride(), sign[0]);
    vertex_ = std::move(vertex);
    sign_ = std::move(sign);
    image_ = Array<std::int32_t>(size);
    edge_ = Array<Edge>(D * size);
  }

  // Number the vertices on each side: image_[v] is v's place on the positive side, or -1 - its
  // place on the negative one. Return how many are positive.
  Index number_vertices(Polytope cell, Index column) {
    std::int32_t positive = 0, negative = 0;
    for (Index v = 0; v < cell.count; ++v) {
      const std::int32_t is_positive = is_above(cell.start + v, column);
      image_[v] = is_positive ? positive : -1 - negative;
      positive += is_positive;
      negative += 1 - is_positive;
    }
    return positive;
  }

  // List the edges between vertices of different signs; return how many there are.
  Index find_crossing(Polytope cell) {
    Index found = 0;
    for (std::int32_t v = 0; v < cell.count; ++v) {
      if (image_[v] < 0) continue;
      for (std::int32_t i = 0; i < D; ++i) {
        const std::int32_t other = vertex_[cell.start + v].neighbour[i];
        edge_[found] = {v, other, i};
        found += image_[other] < 0;
      }
    }
    return found;
  }

  static std::int32_t place(std::int32_t image) { return image < 0 ? -1 - image : image; }

  // Neighbours on the other side are left to `join_old`.
  void copy_old(Polytope cell, Index above, Index below, Index words) {
    for (Index v = 0; v < cell.count; ++v) {
      const Index target = (image_[v] < 0 ? below : above) + place(image_[v]);
      vertex_[target] = vertex_[cell.start + v];
      for (std::int32_t& other : vertex_[target].neighbour) other = place(image_[other]);
      copy_signs(cell.start + v, target, words);
    }
  }

  void copy_signs(Index source, Index target, Index words) {
    for (Index w = 0; w < words; ++w) {
      sign_[target][w] = sign_[source][w];
      sign_[target][words_ + w] = sign_[source][words_ + w];
    }
  }

  // Add the new vertex on an edge to both parts. Where the column is zero at the end of the edge
  // (`at_end`), it is there.
  void add_vertex(const Cut& cut, const Edge& edge, Index number, bool at_end) {
    const Few<std::int32_t, D> planes = planes_of(cut.old[edge.positive], edge.i, number);
    Vertex<D> born = cut.old[edge.negative];
    born.plane = planes;
    if (!at_end) {
      const Located<D> at = locate(planes);
      born.point = at.point, born.blur = at.blur;
    }
    cut.above[cut.positive + cut.born] = born;
    cut.below[cut.negative + cut.born] = born;
  }

  // Return the planes of the point where the plane `number` cuts the i-th edge of v.
  static Few<std::int32_t, D> planes_of(const Vertex<D>& v, int i, Index number) {
    Few<std::int32_t, D> planes = v.plane;
    planes[i] = static_cast<std::int32_t>(number);
    return planes;
  }

  [[nodiscard]] Few<const Plane<D>*, D> pointers(const Few<std::int32_t, D>& planes) const {
    Few<const Plane<D>*, D> found;
    for (int i = 0; i < D; ++i) found[i] = &plane_[planes[i]];
    return found;
  }

  [[nodiscard]] Located<D> locate(const Few<std::int32_t, D>& numbers) const {
    const Few<const Plane<D>*, D> planes = pointers(numbers);
    Located<D> at = nnce::locate(planes);
    const auto is_central = [](const Plane<D>* plane) { return plane->central; };
    // Independent planes through the origin meet there and nowhere else.
    if (at.blur < kNever && std::all_of(planes.begin(), planes.end(), is_central)) {
      std::fill_n(at.point.begin(), inputs_, 0.0);
      at.blur = kOrigin;
    }
    return at;
  }

  // Note the signs at a new vertex, which is a in one part and b in the other; they are those of
  // `twin`, an old vertex of the same place, if it has one. Columns that have one sign on all of
  // the cell have it here too, and the dividing one has that of the part.
  void note_new(Index a, Index b, Index twin, const LayerForms<D>& layer, Index column,
                const CellSigns& known) {
    Word *positive = sign_[a], *negative = positive + words_;
    if (twin >= 0) {
      copy_signs(twin, a, layer.words());
    } else {
      layer.note_signs(vertex_[a].point, vertex_[a].blur, column, positive, negative);
    }
    for (Index w = 0; w < layer.words(); ++w) {
      positive[w] = (positive[w] & known.unknown[w]) | known.positive[w];
      negative[w] = (negative[w] & known.unknown[w]) | known.negative[w];
    }
    copy_signs(a, b, layer.words());
    const Index w = column >> 6;
    positive[w] |= bit_of(column);
    negative[w] &= ~bit_of(column);
    sign_[b][w] &= ~bit_of(column);
    sign_[b][words_ + w] |= bit_of(column);
  }

  // Join the new vertex to the two ends of the edge that it divides.
  void join_old(const Cut& cut, const Edge& edge) const {
    const auto a = static_cast<std::int32_t>(cut.positive + cut.born);
    const auto b = static_cast<std::int32_t>(cut.negative + cut.born);
    const std::int32_t at_positive = place(image_[edge.positive]);
    const std::int32_t at_negative = place(image_[edge.negative]);
    cut.above[a].neighbour[edge.i] = at_positive;
    cut.above[at_positive].neighbour[edge.i] = a;
    cut.below[b].neighbour[edge.i] = at_negative;
    const Few<std::int32_t, D>& back = cut.old[edge.negative].neighbour;
    int k = 0;
    for (int other = 1; other < D; ++other) k = back[other] == edge.positive ? other : k;
    cut.below[at_negative].neighbour[k] = b;
  }

  // Join the new vertex, whose i-th plane is the new one, to the new vertices found before it. On
  // each face of dimension two that is cut there are two new vertices, the ends of an edge. In two
  // dimensions that face is the polygon; in three it is the old plane that both lie on.
  //
  // The first one on a face is joined to itself until the second one comes: that takes no branch.
  void join_new(const Cut& cut, std::int32_t i) {
    const auto born = static_cast<std::int32_t>(cut.born);
    const auto positive = static_cast<std::int32_t>(cut.positive);
    const auto negative = static_cast<std::int32_t>(cut.negative);
    for (std::int32_t k = 0; k < D; ++k) {
      if (k == i) continue;
      const Index face = D == 2 ? 0 : cut.above[positive + born].plane[3 - i - k];
      const std::int32_t waiting = mate_[face], here = 4 * born + k;
      const bool first = waiting < 0;
      mate_[face] = first ? here : -1;
      const std::int32_t mate = (first ? here : waiting) >> 2, at = (first ? here : waiting) & 3;
      cut.above[positive + born].neighbour[k] = positive + mate;
      cut.above[positive + mate].neighbour[at] = positive + born;
      cut.below[negative + born].neighbour[k] = negative + mate;
      cut.below[negative + mate].neighbour[at] = negative + born;
    }
  }

  Index words_;
  Index inputs_ = D;
  Array<Vertex<D>> vertex_;
  Matrix<Word> sign_;
  Array<Plane<D>> plane_;
  Array<std::int32_t> image_;  // where a vertex of a divided cell goes
  Array<Edge> edge_;           // those that are divided
  Array<std::int32_t> mate_;   // the new vertex on a plane that waits for its neighbour, or -1
};

}  // namespace nnce
