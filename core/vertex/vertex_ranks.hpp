// Ranks from the forms in hand, where floating point proves them: lower bound = upper bound.
//
// A minor of the coefficients of forms that are passed on (by active or leaky units, or by
// pass-throughs) which is clear of zero proves a lower bound. The coefficients of a form err by at
// most its layer's `error` in sum, and sum to at most about 1; replacing row by row, a minor of up
// to three rows errs by at most 3.1 `error`, and its rounding is below 8 u. What a max passes on is
// one form: that of its first number and what its winner adds, scaled to a size of 1 again, whose
// sum is one more rounding.
#pragma once

#include <algorithm>

#include "layer.hpp"

namespace nnce {

template <int D>
class VertexRanks {
 public:
  explicit VertexRanks(const VertexNetwork& network)
      : inputs_(network.inputs()), base_(network.depth()), rank_(network.depth()) {}

  static constexpr std::int32_t kUnproved = -1;

  // The rank of the path's cell at a layer it has left, or `kUnproved`.
  [[nodiscard]] std::int32_t operator[](Index layer) const { return rank_[layer]; }

  // Find independent forms among those that are passed on all over the cell which enters a layer.
  void begin(Index layer, const LayerForms<D>& forms) {
    const ScaledLayer& scaled = forms.scaled();
    Basis& base = base_[layer];
    base.found = 0;
    base.passed = scaled.width - scaled.units;
    for (Index w = 0; w < scaled.leaky.size(); ++w) {
      const Word passed =
          (forms.active()[w] & ~scaled.of_max[w]) | (forms.inactive()[w] & scaled.leaky[w]);
      base.passed += std::popcount(passed);
      for_each(passed, w, [&](Index j) { extend(base, forms, j); });
    }
    for (Index j = scaled.units; j < scaled.width && base.found < D; ++j) {
      const BasedMax* max = scaled.max_on(j);
      if (max == nullptr) extend(base, forms, j);
      if (max != nullptr && !forms.is_open(*max)) {
        extend_by(base, forms,
                  value(forms, *max, [&](Index k) { return holds(forms.active(), k); }));
      }
    }
  }

  // Find the rank of the path's cell, which leaves the layer.
  void prove(Index layer, const LayerForms<D>& forms) {
    Basis basis = base_[layer];
    for (Index w = 0; w < forms.words(); ++w) basis.passed += std::popcount(passed(forms, w));
    const Index before = layer == 0 ? inputs_ : rank_[layer - 1];
    const Index most = std::min(basis.passed, before < 0 ? inputs_ : before);
    for (Index w = 0; w < forms.words() && basis.found < most; ++w) {
      for (Word rest = passed(forms, w); rest != 0 && basis.found < most; rest &= rest - 1) {
        extend(basis, forms, forms.neuron(64 * w + std::countr_zero(rest)));
      }
    }
    for (const Contest& contest : forms.contests()) {
      if (basis.found >= most) break;
      extend_by(basis, forms, won(forms, contest));
    }
    rank_[layer] = basis.found == most ? static_cast<std::int32_t>(most) : kUnproved;
  }

 private:
  using Row = Few<double, D>;
  struct Basis {
    Few<Row, D> row;  // the first `found` are independent
    Index found;
    Index passed;  // how many forms are passed on
  };

  // The columns of word `w` that are passed on, each for itself.
  static Word passed(const LayerForms<D>& forms, Index w) {
    const Word active = forms.settled[w];
    return (active | (forms.leaky()[w] & ~active)) & ~forms.contested()[w];
  }

  // Return the slopes of what a max passes on, where `is_on` tells whether a unit of it is.
  template <class IsOn>
  static Row value(const LayerForms<D>& forms, const BasedMax& max, IsOn is_on) {
    Row row = slopes(forms, max.base);
    for (Index k = max.first; k < max.first + max.pieces - 1; ++k) {
      if (!is_on(k)) continue;
      const double ratio = forms.scaled().ratio[k], down = 0.5 / larger(1.0, ratio);
      const Row more = slopes(forms, k);
      for (int i = 0; i < D; ++i) row[i] = fma(down * ratio, more[i], down * row[i]);
    }
    return row;
  }

  // The same of one whose winner was open, on the path's cell that has left the layer.
  static Row won(const LayerForms<D>& forms, const Contest& contest) {
    return value(forms, contest.max, [&](Index k) {
      for (Index c = contest.first; c < contest.behind; ++c) {
        if (forms.neuron(c) == k) return holds(forms.settled.data(), c);
      }
      return false;
    });
  }

  static Row slopes(const LayerForms<D>& forms, Index j) {
    Row row;
    for (int i = 0; i < D; ++i) row[i] = forms.form(1 + i, j);
    return row;
  }

  // Add the form of neuron j if it is independent of those found.
  static void extend(Basis& basis, const LayerForms<D>& forms, Index j) {
    if (basis.found < D) extend_by(basis, forms, slopes(forms, j));
  }
  static void extend_by(Basis& basis, const LayerForms<D>& forms, const Row& row) {
    if (basis.found == D) return;
    const double clear = 16.0 * (forms.scaled().error + kUnit);
    if (largest_minor(basis, row) > clear) basis.row[basis.found++] = row;
  }

  // Return the size of the largest minor of the rows found with one more.
  static double largest_minor(const Basis& basis, const Row& a) {
    const Row &b = basis.row[0], &c = basis.row[1];
    double largest = 0.0;
    if (basis.found == 0) {
      for (const double x : a) largest = larger(largest, std::fabs(x));
    } else if (basis.found == 1) {
      for (int i = 0; i < D; ++i) {
        for (int j = 0; j < i; ++j) largest = larger(largest, std::fabs(minor(b, a, i, j)));
      }
    } else if constexpr (D == 3) {
      largest =
          std::fabs(a[0] * minor(b, c, 1, 2) + a[1] * minor(b, c, 2, 0) + a[2] * minor(b, c, 0, 1));
    }
    return largest;
  }

  static double minor(const Row& a, const Row& b, int i, int j) {
    return a[i] * b[j] - a[j] * b[i];
  }

  Index inputs_;
  Array<Basis> base_;         // of each layer on the path
  Array<std::int32_t> rank_;  // of each layer the path has left
};

}  // namespace nnce
