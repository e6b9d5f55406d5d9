// The forms of the layer behind the path's, as far as its terms are known.
//
// A form is the neuron's bias and a term for each neuron before it: weight times that neuron's own
// form (times its slope, where it is inactive). Terms are added in the order in which the path
// proves their signs. A sum of the first ones is kept where cells below share it; the others are
// added when the forms are wanted, without a detour through memory.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "layer.hpp"

namespace nnce {

// What a frame of the walk knows of the forms of `layer`: `terms` terms, the first `summed` of
// which are in the last of the `slots` that the path takes, or in none.
struct PartialSum {
  Index layer = 0;
  Index slots = 0;
  Index summed = 0;
  Index terms = 0;
};

template <int D>
class Sums {
 public:
  explicit Sums(const VertexNetwork& network) : network_(&network) {
    for (Index l = 0; l < network.depth(); ++l) {
      const Index n = network[l].is_gathered() ? 0 : padded(network[l].width);
      Matrix<double>& bias = bias_.emplace_back(D + 1, n);
      if (n > 0) std::copy(network[l].bias.begin(), network[l].bias.end(), bias[0]);
      term_.emplace_back(network[l].weight.rows());
      longest_ = std::max(longest_, n);
    }
    make_room(1);
  }

  // Return the sum of the layer behind `before`, number `layer`, in a frame above `slots` slots:
  // of the units with one sign on all of the cell, and of the pass-throughs. A layer that is
  // gathered has none.
  PartialSum begin(const LayerForms<D>& before, Index layer, Index slots) {
    PartialSum sum{layer, slots, 0, 0};
    if (network(layer).is_gathered()) return sum;
    const ScaledLayer& scaled = before.scaled();
    for (Index w = 0; w < scaled.leaky.size(); ++w) {
      const Word passed = before.active()[w] | (before.inactive()[w] & scaled.leaky[w]);
      for_each(passed, w, [&](Index k) { add(sum, before, k, holds(before.active(), k)); });
    }
    for (Index k = scaled.units; k < scaled.width; ++k) add(sum, before, k, true);
    return sum;
  }

  // Add the term of neuron k of the layer `before`.
  void add(PartialSum& sum, const LayerForms<D>& before, Index k, bool active) {
    const double slope = active ? 1.0 : before.scaled().slope[k];
    Term& term = term_of(sum.layer)[sum.terms++];
    term.weight = network(sum.layer).weight[k];
    for (int i = 0; i <= D; ++i) term.factor[i] = slope * before.form(i, k);
  }

  // Keep a sum of all terms, in a frame above `slots` slots, if enough are new.
  void keep(PartialSum& sum, Index slots) {
    if (sum.terms < sum.summed + kEnough) return;
    make_room(slots + 1);
    const Index n = padded(network(sum.layer).width);
    write(sum, slot_[slots], n);
    sum.slots = slots + 1;
    sum.summed = sum.terms;
  }

  // Write the forms (D + 1, stride).
  void write(const PartialSum& sum, double* forms, Index stride) const {
    const Index n = padded(network(sum.layer).width);
    const double* start = sum.summed > 0 ? slot_[sum.slots - 1] : bias_[at(sum.layer)][0];
    const Term* first = term_[at(sum.layer)].data();
    const Term *term = first + sum.summed, *end = first + sum.terms;
    Index j = 0;
    for (; j + 2 * kLanes <= n; j += 2 * kLanes) {
      write_block<2>(forms, stride, start, n, j, term, end);
    }
    if (j < n) write_block<1>(forms, stride, start, n, j, term, end);
  }

 private:
  // With fewer new terms than this, it is faster to add them each time than to keep a sum.
  static constexpr Index kEnough = 2;

  struct Term {
    const double* weight;  // of one neuron to all of the layer behind
    Few<double, D + 1> factor;
  };

  // Do what `write` does for the neurons from j on, as many as fit in `V` vectors.
  template <int V>
  NNCE_INLINE static void write_block(double* forms, Index stride, const double* start, Index n,
                                      Index j, const Term* term, const Term* end) {
    Doubles sum[D + 1][V];
    for (int i = 0; i <= D; ++i) {
      for (int b = 0; b < V; ++b) sum[i][b] = load(start + i * n + j + b * kLanes);
    }
    for (; term != end; ++term) {
      Doubles weight[V];
      for (int b = 0; b < V; ++b) weight[b] = load(term->weight + j + b * kLanes);
      for (int i = 0; i <= D; ++i) {
        const Doubles factor = all(term->factor[i]);
        for (int b = 0; b < V; ++b) sum[i][b] = fma(factor, weight[b], sum[i][b]);
      }
    }
    for (int i = 0; i <= D; ++i) {
      for (int b = 0; b < V; ++b) store(forms + i * stride + j + b * kLanes, sum[i][b]);
    }
  }

  static std::size_t at(Index layer) { return static_cast<std::size_t>(layer); }
  [[nodiscard]] const ScaledLayer& network(Index layer) const { return (*network_)[layer]; }
  Array<Term>& term_of(Index layer) { return term_[at(layer)]; }

  void make_room(Index slots) {
    const Index before = slot_.rows();
    if (slots <= before) return;
    Matrix<double> grown(std::max(slots, 2 * before), (D + 1) * longest_);
    if (before > 0) std::copy(slot_[0], slot_[0] + before * slot_.stride(), grown[0]);
    slot_ = std::move(grown);
  }

  const VertexNetwork* network_;
  std::vector<Matrix<double>> bias_;  // of each layer (D + 1, padded width): a form without terms
  std::vector<Array<Term>> term_;     // of each layer, those on the path
  Index longest_ = 0;
  Matrix<double> slot_;
};

}  // namespace nnce
