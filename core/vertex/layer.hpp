// The forms of a layer's neurons on a cell, and which of the units may cut it: the columns.
//
// A form is an affine function form[0] + sum_i form[1 + i] x_i, stored with all neurons of a layer
// side by side. With f a float form and h the true one, v a vertex's float point and v* the true
// vertex (inside the box, so of size at most 1),
//
//     |f(v) - h(v*)| <= |f(v*) - h(v*)| + |f(v) - f(v*)| + rounding <= error + slope blur + 16 u,
//
// and what exceeds this `margin` is proved. docs/exact.md, "Vertices", has the whole argument.
//
// A column that is proved to be zero at a vertex is noted as positive and as negative there: it has
// one sign on a cell where it has that sign at all other vertices.
#pragma once

#include <algorithm>

#include "network.hpp"
#include "plane.hpp"

namespace nnce {

// The signs of the columns that have one on all of a cell, and the columns that have none.
struct CellSigns {
  explicit CellSigns(Index words) : positive(words), negative(words), unknown(words) {}

  // How many columns have none, in the first words.
  [[nodiscard]] Index unknown_columns(Index words) const {
    Index count = 0;
    for (Index w = 0; w < words; ++w) count += std::popcount(unknown[w]);
    return count;
  }
  // The next of these behind a column; there must be one.
  [[nodiscard]] Index next_unknown(Index column) const {
    Index w = column >> 6;
    Word rest = unknown[w] & ~(bit_of(column) | (bit_of(column) - 1));
    while (rest == 0) rest = unknown[++w];
    return 64 * w + std::countr_zero(rest);
  }

  Array<Word> positive, negative, unknown;
};

// The signs of a column at a vertex: what is proved. Both: it is zero there.
struct Signs {
  bool positive, negative;

  [[nodiscard]] bool known() const { return positive || negative; }
};

template <int D>
class LayerForms {
 public:
  explicit LayerForms(const ScaledLayer& layer)
      : settled(words_for(layer.units)),
        layer_(&layer),
        form_(D + 1, padded(layer.width)),
        column_(D + 1, padded(layer.units)),
        neuron_(layer.units),
        active_(words_for(layer.units)),
        inactive_(words_for(layer.units)),
        leaky_(words_for(layer.units)) {}

  // Take the forms of the first layer of a network, which are its weights.
  void take_first() {
    std::copy(layer_->bias.begin(), layer_->bias.end(), form_[0]);
    for (int i = 0; i < D; ++i) std::copy_n(layer_->weight[i], form_.stride(), form_[1 + i]);
  }
  // The forms (D + 1, stride) of another, to be written before `enter`.
  [[nodiscard]] double* forms() { return form_[0]; }
  [[nodiscard]] Index stride() const { return form_.stride(); }
  [[nodiscard]] double form(int i, Index neuron) const { return form_[i][neuron]; }
  [[nodiscard]] double column(int i, Index c) const { return column_[i][c]; }
  [[nodiscard]] const ScaledLayer& scaled() const { return *layer_; }

  [[nodiscard]] Index columns() const { return columns_; }
  [[nodiscard]] Index words() const { return words_for(columns_); }
  [[nodiscard]] Index neuron(Index column) const { return neuron_[column]; }
  // The units with one sign on all of the cell.
  [[nodiscard]] const Word* active() const { return active_.data(); }
  [[nodiscard]] const Word* inactive() const { return inactive_.data(); }
  // The columns whose units pass something on where they are inactive.
  [[nodiscard]] const Word* leaky() const { return leaky_.data(); }

  // Prove the signs of the units that do not cut the cell with these vertices; the others become
  // the columns. `unseen`: no unit before is passed on, so that forms are biases.
  void enter(const Vertex<D>* vertex, Index count, bool unseen) {
    measure_slope();
    double clear = 0.0;
    for (Index v = 0; v < count; ++v) clear = larger(clear, margin(vertex[v].blur));
    columns_ = 0;
    for (Index w = 0; w < active_.size(); ++w) {
      prove_signs(w, vertex, count, clear, zeros(w, unseen));
    }
    take_columns();
  }

  // A column as a plane, on its positive side.
  [[nodiscard]] Plane<D> plane(Index c) const {
    Plane<D> plane{{}, layer_->error, 1.0, {}, layer_->exact, layer_->central, false};
    const Index j = neuron_[c];
    for (int i = 0; i <= D; ++i) {
      plane.form[i] = column_[i][c];
      plane.spread[i] = layer_->spread < kNever ? layer_->spread * layer_->size[i][j] : kNever;
    }
    return plane;
  }

  // Return the signs of a column where all units that the layer sees are zero.
  [[nodiscard]] Signs signs_of_bias(Index c) const {
    const double bias = layer_->bias[neuron_[c]];
    const bool known = layer_->spread < kNever;
    return {known && bias >= 0.0, known && bias <= 0.0};
  }

  // Tell whether all columns are zero at a vertex, which is known to be the origin.
  [[nodiscard]] bool vanish_at(double blur) const { return layer_->central && blur == kOrigin; }

  // Return the signs of a column that are proved at a vertex with this float point.
  [[nodiscard]] Signs signs_at(const Point<D>& point, double blur, Index c) const {
    if (vanish_at(blur)) return {true, true};
    double z = column_[0][c];
    for (int i = 0; i < D; ++i) z = fma(column_[1 + i][c], point[i], z);
    const double clear = margin(blur);
    return {z > clear, z < -clear};
  }

  // Write which columns are proved positive and negative at a vertex with this float point, from
  // the one `first` on; of the others before it, what is written says nothing.
  void note_signs(const Point<D>& point, double blur, Index first, Word* positive,
                  Word* negative) const {
    if (vanish_at(blur)) {
      std::fill_n(positive, words(), ~Word{0});
      std::fill_n(negative, words(), ~Word{0});
      return;
    }
    const double clear = margin(blur);
    const Doubles above = all(clear), below = all(-clear);
    Doubles x[D];
    for (int i = 0; i < D; ++i) x[i] = all(point[i]);
    Index c = first & -kLanes;
    for (Index w = c >> 6; w < words(); ++w) {
      const Index end = std::min(padded(columns_), 64 * (w + 1));
      Word plus = 0, minus = 0;
      for (; c < end; c += kLanes) {
        const Doubles z = values(column_, c, x);
        plus |= Word{bits(z > above)} << (c & 63);
        minus |= Word{bits(z < below)} << (c & 63);
      }
      positive[w] = plus;
      negative[w] = minus;
    }
  }

  Array<Word> settled;  // the columns that are active on the path, once it has left the layer

 private:
  // What a form at a float point may differ by from the true form at the true vertex.
  [[nodiscard]] double margin(double blur) const {
    return blur <= 0.5 ? layer_->error + kEvaluation + blur * slope_ : kNever;
  }

  NNCE_INLINE static Doubles values(const Matrix<double>& forms, Index j, const Doubles* x) {
    Doubles z = load(forms[0] + j);
    for (int i = 0; i < D; ++i) z = fma(load(forms[1 + i] + j), x[i], z);
    return z;
  }

  // Find the largest sum of the sizes of a form's coefficients.
  void measure_slope() {
    Doubles largest = all(0.0);
    for (Index j = 0; j < form_.stride(); j += kLanes) {
      Doubles sum = magnitude(load(form_[1] + j));
      for (int i = 1; i < D; ++i) sum += magnitude(load(form_[1 + i] + j));
      largest = most(sum, largest);
    }
    slope_ = -least_of(-largest) * (1.0 + 0x1p-40);
  }

  // The units of word `w` that are identically zero on the cell: their forms are, and those are
  // the true ones. Such a unit is inactive.
  [[nodiscard]] Word zeros(Index w, bool unseen) const {
    const bool forms_are_exact = layer_->exact || (unseen && layer_->spread < kNever);
    if (!forms_are_exact) return layer_->dead[w];
    const Index end = std::min(padded(layer_->units), 64 * (w + 1));
    Word found = 0;
    for (Index j = 64 * w; j < end; j += kLanes) {
      Doubles size = magnitude(load(form_[0] + j));
      for (int i = 0; i < D; ++i) size += magnitude(load(form_[1 + i] + j));
      found |= Word{bits(size == all(0.0))} << (j & 63);
    }
    return found;
  }

  // Prove the signs of the units of word `w`, some of which are zero, and list those without.
  void prove_signs(Index w, const Vertex<D>* vertex, Index count, double clear, Word zero) {
    const Index end = std::min(padded(layer_->units), 64 * (w + 1));
    Word active = 0, inactive = 0;
    for (Index j = 64 * w; j < end; j += kLanes) {
      Doubles lowest = all(kNever), highest = all(-kNever);
      for (Index v = 0; v < count; ++v) {
        if (vanish_at(vertex[v].blur)) continue;
        Doubles x[D];
        for (int i = 0; i < D; ++i) x[i] = all(vertex[v].point[i]);
        const Doubles z = values(form_, j, x);
        lowest = least(z, lowest);
        highest = most(z, highest);
      }
      active |= Word{bits(lowest > all(clear))} << (j & 63);
      inactive |= Word{bits(highest < all(-clear))} << (j & 63);
    }
    const Word units = up_to(layer_->units, w);
    active_[w] = active & units & ~zero;
    inactive_[w] = (inactive | zero) & units;
    for_each(units & ~(active_[w] | inactive_[w]), w,
             [&](Index j) { neuron_[columns_++] = static_cast<std::int32_t>(j); });
  }

  // Put the forms of the columns side by side, zeros after the last.
  void take_columns() {
    for (Index w = 0; w < words(); ++w) leaky_[w] = 0;
    for (Index c = 0; c < columns_; ++c) {
      const Index j = neuron_[c];
      for (int i = 0; i <= D; ++i) column_[i][c] = form_[i][j];
      if (holds(layer_->leaky.data(), j)) leaky_[c >> 6] |= bit_of(c);
    }
    for (Index c = columns_; c < padded(columns_); ++c) {
      for (int i = 0; i <= D; ++i) column_[i][c] = 0.0;
    }
  }

  const ScaledLayer* layer_;
  Matrix<double> form_;
  double slope_ = 0.0;
  Matrix<double> column_;
  Array<std::int32_t> neuron_;  // which unit each column is
  Index columns_ = 0;
  Array<Word> active_, inactive_, leaky_;
};

}  // namespace nnce
