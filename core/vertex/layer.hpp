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
#include <span>
#include <vector>

#include "candidates.hpp"
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
  // The first of these; there must be one.
  [[nodiscard]] Index first_unknown() const {
    Index w = 0;
    while (unknown[w] == 0) ++w;
    return 64 * w + std::countr_zero(unknown[w]);
  }
  // The next of these behind a column; there must be one.
  [[nodiscard]] Index next_unknown(Index column) const {
    Index w = column >> 6;
    Word rest = unknown[w] & ~(bit_of(column) | (bit_of(column) - 1));
    while (rest == 0) rest = unknown[++w];
    return 64 * w + std::countr_zero(rest);
  }

  // Take the first words of others.
  void take(const CellSigns& other, Index words) {
    std::copy_n(other.positive.data(), words, positive.data());
    std::copy_n(other.negative.data(), words, negative.data());
    std::copy_n(other.unknown.data(), words, unknown.data());
  }
  // A column has this sign.
  void settle(Index column, int sign) {
    (sign > 0 ? positive : negative)[column >> 6] |= bit_of(column);
    unknown[column >> 6] &= ~bit_of(column);
  }

  Array<Word> positive, negative, unknown;
};

// The signs of a column at a vertex: what is proved. Both: it is zero there.
struct Signs {
  bool positive, negative;

  [[nodiscard]] bool known() const { return positive || negative; }
};

// A max whose winner is open where a layer is entered. Its columns are the differences of the
// numbers that may win there, and of each of them to the first number.
struct Contest {
  BasedMax max;
  Candidates in;
  Index first, behind;  // its columns
};

template <int D>
class LayerForms {
 public:
  explicit LayerForms(const ScaledLayer& layer)
      : changed(words_for(layer.width)),
        settled(words_for(layer.units)),
        layer_(&layer),
        form_(D + 1, padded(layer.width)),
        column_(D + 1, padded(layer.units)),
        neuron_(layer.units),
        active_(words_for(layer.units)),
        inactive_(words_for(layer.units)),
        leaky_(words_for(layer.units)),
        on_(words_for(layer.units)),
        contested_(words_for(layer.units)),
        contest_of_(layer.maxima.empty() ? 0 : layer.units) {}

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
  // the columns, but for those of a max that do not matter to its winner. `before` is the layer
  // before, with its signs noted where this one has maxima, null for the first one; `unseen`: no
  // unit of it is passed on, so that forms are biases.
  void enter(const Vertex<D>* vertex, Index count, const LayerForms* before, bool unseen) {
    measure_slope();
    double clear = 0.0;
    for (Index v = 0; v < count; ++v) clear = larger(clear, margin(vertex[v].blur));
    for (Index w = 0; w < active_.size(); ++w) {
      prove_signs(w, vertex, count, clear, zeros(w, unseen));
    }
    before_ = before;
    if (has_maxima()) settle_maxima();
    list_columns();
    take_columns();
  }

  // Maxima --------------------------------------------------------------------------------------

  [[nodiscard]] bool has_maxima() const { return !layer_->maxima.empty(); }
  // Those whose winners are open where the layer is entered, in order.
  [[nodiscard]] const std::vector<Contest>& contests() const { return contests_; }
  // Whether a max is one of them: then a number that may win is compared to the first one.
  [[nodiscard]] bool is_open(const BasedMax& max) const {
    for (Index k = max.first; k < max.first + max.pieces - 1; ++k) {
      if (!holds(active(), k) && !holds(inactive(), k)) return true;
    }
    return false;
  }
  // The columns that belong to them.
  [[nodiscard]] const Word* contested() const { return contested_.data(); }
  // Which of them a column belongs to, null where it is a unit of its own.
  [[nodiscard]] const Contest* contest_of(Index column) const {
    if (!holds(contested(), column)) return nullptr;
    return &contests_[static_cast<std::size_t>(contest_of_[column])];
  }

  // The numbers that may win on a cell where these columns are positive and negative: not one that
  // another beats on all of it, the first one where they are equal.
  [[nodiscard]] Candidates candidates(const Contest& contest, const Word* positive,
                                      const Word* negative) const {
    Candidates in = contest.in;
    for (Index c = contest.first; c < contest.behind; ++c) {
      if (holds(positive, c)) in.remove(low(c));
      if (holds(negative, c)) in.remove(high(c));
    }
    return in;
  }
  // Whether a column compares two of them.
  [[nodiscard]] bool matters(Index column, const Candidates& in) const {
    return in.holds(low(column)) && in.holds(high(column));
  }
  // The sign that a column of a max has where `winner` wins; 0 where it does not matter.
  [[nodiscard]] int wanted(Index column, Index winner) const {
    if (high(column) == winner) return 1;
    return low(column) == winner ? -1 : 0;
  }
  [[nodiscard]] Index low(Index column) const { return layer_->low[neuron_[column]]; }
  [[nodiscard]] Index high(Index column) const { return layer_->high[neuron_[column]]; }
  // The column whose unit passes on what `winner` adds to the first number.
  [[nodiscard]] Index column_of(const Contest& contest, Index winner) const {
    Index c = contest.first;
    while (low(c) != 0 || high(c) != winner) ++c;
    return c;
  }

  // Write which columns pass on what they are where they are positive, on a cell where these are
  // positive and negative: all positive ones, but of a max the winner's only.
  void pass_on(const Word* positive, const Word* negative, Word* passed) const {
    std::copy_n(positive, words(), passed);
    for (const Contest& contest : contests_) {
      for (Index c = contest.first; c < contest.behind; ++c) passed[c >> 6] &= ~bit_of(c);
      const Candidates in = candidates(contest, positive, negative);
      if (in.count() > 1 || in.first() <= 0) continue;
      const Index c = column_of(contest, in.first());
      passed[c >> 6] |= bit_of(c);
    }
  }

  // Tell whether all that a column of a layer with maxima sees is zero at a vertex on these planes:
  // units of the layer before, the first of which has the number `first`. Then it is its bias.
  [[nodiscard]] bool sees_nothing(Index column, const Few<std::int32_t, D>& planes,
                                  Index first) const {
    if (!has_maxima() || before_ == nullptr) return false;
    const std::span<const Entry> row = layer_->entries.of(neuron_[column]);
    return std::all_of(row.begin(), row.end(), [&](const Entry& entry) {
      if (before_->is_off(entry.input)) return true;
      return entry.input < before_->scaled().units &&
             std::find(planes.begin(), planes.end(), first + entry.input) != planes.end();
    });
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
    const bool known = !layer_->rounded;
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

  // Note which units are active on the path's cell, which has left the layer.
  void note_signs() {
    std::copy(active_.begin(), active_.end(), on_.begin());
    for (Index w = 0; w < words(); ++w) {
      for_each(settled[w], w, [&](Index c) { on_[neuron_[c] >> 6] |= bit_of(neuron_[c]); });
    }
  }
  [[nodiscard]] const Word* on() const { return on_.data(); }
  // Whether unit j was noted to be active.
  [[nodiscard]] bool is_on(Index j) const { return j < layer_->units && holds(on_.data(), j); }
  // Whether neuron j was noted to pass nothing on.
  [[nodiscard]] bool is_off(Index j) const {
    return j < layer_->units && !holds(layer_->leaky.data(), j) && !is_on(j);
  }

  // Whether nothing is passed on, by the signs that were noted.
  [[nodiscard]] bool passes_nothing() const {
    const auto is_zero = [](Word word) { return word == 0; };
    return layer_->width == layer_->units && std::all_of(on_.begin(), on_.end(), is_zero) &&
           std::all_of(layer_->leaky.begin(), layer_->leaky.end(), is_zero);
  }

  // Take the form of a neuron; it has changed if it is another one.
  void take_form(Index j, Doubles form) {
    bool same = true;
    for (int i = 0; i <= D; ++i) {
      same = same && form_[i][j] == form[i];
      form_[i][j] = form[i];
    }
    if (!same) changed[j >> 6] |= bit_of(j);
  }
  void all_changed() {
    for (Index w = 0; w < changed.size(); ++w) changed[w] = up_to(layer_->width, w);
  }

  Array<Word> changed;  // the neurons whose forms changed since the layer behind took them
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
  }

  // Find the sign of a unit that follows from the signs of what it sees: all of that is positive
  // inside of the cell, and all of it, and the bias, pulls the same way.
  [[nodiscard]] int sign_by_structure(Index j) const {
    if (before_ == nullptr || layer_->rounded) return 0;
    bool up = layer_->bias[j] > 0.0, down = layer_->bias[j] < 0.0;
    for (const Entry entry : layer_->entries.of(j)) {
      if (before_->is_off(entry.input)) continue;
      if (!before_->is_on(entry.input)) return 0;
      up = up || entry.weight > 0.0;
      down = down || entry.weight < 0.0;
    }
    if (up && down) return 0;
    return up ? 1 : -1;  // zero is inactive
  }

  // Find who wins each max, or who may, from the signs that are proved: of a max with a winner the
  // unit that passes it on is active, and no other one; of one without, the columns are left open.
  void settle_maxima() {
    contests_.clear();
    for (const BasedMax& max : layer_->maxima) {
      Candidates in(max.pieces);
      const Index behind = max.first + max.units();
      for (Index k = max.first; k < behind; ++k) {
        const int sign = holds(active_.data(), k)     ? 1
                         : holds(inactive_.data(), k) ? -1
                                                      : sign_by_structure(k);
        if (sign != 0) in.remove(sign > 0 ? layer_->low[k] : layer_->high[k]);
      }
      const bool is_open = in.count() > 1;
      const Index winner = in.first();
      for (Index k = max.first; k < behind; ++k) {
        const Index low = layer_->low[k], high = layer_->high[k];
        const bool stays = is_open && in.holds(high) && (low == 0 || in.holds(low));
        const bool wins = !is_open && low == 0 && high == winner;
        put(active_[k >> 6], k, wins);
        put(inactive_[k >> 6], k, !wins && !stays);
      }
      if (is_open) contests_.push_back({max, in, 0, 0});
    }
  }

  static void put(Word& word, Index k, bool on) {
    word = on ? word | bit_of(k) : word & ~bit_of(k);
  }

  // The units without a sign become the columns.
  void list_columns() {
    columns_ = 0;
    for (Index w = 0; w < active_.size(); ++w) {
      for_each(up_to(layer_->units, w) & ~(active_[w] | inactive_[w]), w,
               [&](Index j) { neuron_[columns_++] = static_cast<std::int32_t>(j); });
    }
    if (!has_maxima()) return;
    std::fill_n(contested_.data(), words(), Word{0});
    Index c = 0;
    std::int32_t number = 0;
    for (Contest& contest : contests_) {
      while (neuron_[c] < contest.max.first) ++c;
      contest.first = c;
      for (; c < columns_ && neuron_[c] < contest.max.first + contest.max.units(); ++c) {
        contested_[c >> 6] |= bit_of(c);
        contest_of_[c] = number;
      }
      contest.behind = c;
      ++number;
    }
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
  Array<Word> active_, inactive_, leaky_, on_;
  const LayerForms* before_ = nullptr;
  std::vector<Contest> contests_;
  Array<Word> contested_;
  Array<std::int32_t> contest_of_;
};

}  // namespace nnce
