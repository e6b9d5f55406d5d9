// The forms of a sparse layer, kept from cell to cell: only what changed is computed again.
//
// From one cell to the next few units of a layer change their signs, and each is seen by few
// neurons of the layer behind, where that is sparse. The forms of these are summed up anew, in the
// order of their entries, so that no form depends on what the walk met before.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "layer.hpp"

namespace nnce {

template <int D>
class Gather {
 public:
  // `before` is the layer before; the layer must be one that is gathered.
  Gather(const ScaledLayer& layer, const ScaledLayer& before)
      : layer_(&layer),
        before_(&before),
        passed_(before.width, kLanes),
        was_on_(words_for(before.units)),
        touched_(words_for(before.width)),
        stale_(words_for(layer.width)) {
    for (Index w = 0; w < stale_.size(); ++w) stale_[w] = up_to(layer.width, w);
  }

  // Write the forms of the layer, those of the layer before and its signs being noted. What changed
  // in them is noted there, what changed before is taken from there.
  void write(LayerForms<D>& before, LayerForms<D>& forms) {
    touch(before);
    for (Index w = 0; w < touched_.size(); ++w) {
      for_each(touched_[w], w, [&](Index k) { pass(before, k); });
      touched_[w] = 0;
    }
    for (Index w = 0; w < stale_.size(); ++w) {
      for_each(stale_[w], w, [&](Index j) { sum_up(forms, j); });
      stale_[w] = 0;
    }
  }

 private:
  // Find the neurons before of which something else may be passed on than last time.
  void touch(LayerForms<D>& before) {
    for (Index w = 0; w < touched_.size(); ++w) {
      Word changed = before.changed[w];
      before.changed[w] = 0;
      if (w < was_on_.size()) {
        changed |= before.on()[w] ^ was_on_[w];
        was_on_[w] = before.on()[w];
      }
      for_each(changed, w, [&](Index k) {
        const Index value = before_->value_of(k);
        if (value >= 0) touched_[value >> 6] |= bit_of(value);
      });
    }
  }

  // Find what a value of the layer before is now; the neurons that see it are stale if it changed.
  void pass(const LayerForms<D>& before, Index k) {
    alignas(32) double form[kLanes] = {};
    const double slope = before.is_off(k)                         ? 0.0
                         : k >= before_->units || before.is_on(k) ? 1.0
                                                                  : before_->slope[k];
    for (int i = 0; slope != 0.0 && i <= D; ++i) form[i] = slope * before.form(i, k);
    if (const BasedMax* max = before_->max_on(k)) add_winner(before, *max, form);
    double* passed = passed_[k];
    // Bit by bit: a zero of the other sign is another form, as in a walk that comes from elsewhere.
    const auto is_same = [](double a, double b) {
      return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
    };
    if (std::equal(form, form + kLanes, passed, is_same)) return;
    std::copy_n(form, kLanes, passed);
    for (const std::int32_t j : layer_->seen_by(k)) stale_[j >> 6] |= bit_of(j);
  }

  // Add what makes the largest number of its first one.
  void add_winner(const LayerForms<D>& before, const MaxUnit& max, double* form) const {
    for (Index k = max.first; k < max.first + max.pieces - 1; ++k) {
      if (!before.is_on(k)) continue;
      const double ratio = before_->ratio[k];
      for (int i = 0; i <= D; ++i) form[i] = fma(ratio, before.form(i, k), form[i]);
    }
  }

  // Four sums side by side, which do not wait for each other.
  void sum_up(LayerForms<D>& forms, Index j) const {
    const std::span<const Entry> row = layer_->entries.of(j);
    Doubles sum[4] = {{layer_->bias[j], 0.0, 0.0, 0.0}, all(0.0), all(0.0), all(0.0)};
    for (std::size_t e = 0; e < row.size(); ++e) {
      sum[e % 4] = fma(all(row[e].weight), load(passed_[row[e].input]), sum[e % 4]);
    }
    const Doubles total = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    forms.take_form(j, total);
  }

  const ScaledLayer *layer_, *before_;
  Matrix<double> passed_;  // (width of the layer before, lanes) what it passes on, as forms
  Array<Word> was_on_;     // its units that were on
  Array<Word> touched_;    // its values that may have changed
  Array<Word> stale_;      // the layer's neurons whose forms are to be summed up
};

}  // namespace nnce
