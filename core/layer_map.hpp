// The affine map of a layer, W a + b, dense or sparse.
#pragma once

#include "array.hpp"
#include "simd.hpp"

namespace nnce {

// Column i of W (what input i adds to the neurons) is kept together: as a row of n_out numbers, or
// as its entries that are not 0.
class LayerMap {
 public:
  LayerMap() = default;
  // `weight` (n_out, n_in) and `bias` (n_out), row by row. A map with few entries is kept sparse.
  LayerMap(const double* weight, const double* bias, Index n_in, Index n_out)
      : n_in_(n_in), n_out_(n_out), bias_(padded(n_out)) {
    for (Index j = 0; j < n_out; ++j) bias_[j] = bias[j];
    Index entries = 0;
    for (Index e = 0; e < n_in * n_out; ++e) entries += weight[e] != 0.0 ? 1 : 0;
    sparse_ = n_in * n_out >= kSmall && entries * kSparse < n_in * n_out;
    sparse_ ? keep_entries(weight, entries) : keep_all(weight);
  }

  [[nodiscard]] Index n_in() const { return n_in_; }
  [[nodiscard]] Index n_out() const { return n_out_; }
  [[nodiscard]] bool is_sparse() const { return sparse_; }
  [[nodiscard]] const double* bias() const { return bias_.data(); }

  // Entry (j, i) of W.
  [[nodiscard]] double entry(Index j, Index i) const {
    if (!sparse_) return weight_[i][j];
    for (Index e = first_[i]; e < first_[i + 1]; ++e) {
      if (neuron_[e] == j) return entry_[e];
    }
    return 0.0;
  }

  // Call `use(j, w)` for the entries of column i of W, at least those that are not 0.
  template <class Use>
  void for_entries(Index i, const Use& use) const {
    if (!sparse_) {
      for (Index j = 0; j < n_out_; ++j) use(j, weight_[i][j]);
      return;
    }
    for (Index e = first_[i]; e < first_[i + 1]; ++e) use(neuron_[e], entry_[e]);
  }

  // Write W a + b to out (n_out, padded). Sums are taken in two halves, so that a term waits for
  // every other one only.
  void apply(const double* __restrict a, double* __restrict out) const {
    if (sparse_) {
      combine_entries(out, bias_.data(), nullptr, a, n_in_);
      return;
    }
    in_blocks([&]<int V>(Index j) { apply_to<V>(a, out + j, j); });
  }

  // Write start + sum_a factor[a] * column[input[a]], over `count` inputs, to out (n_out, padded).
  void combine(double* out, const double* start, const Index* input, const double* factor,
               Index count) const {
    if (sparse_) {
      combine_entries(out, start, input, factor, count);
      return;
    }
    in_blocks([&]<int V>(Index j) {
      combine_to<V>(out + j, start + j, input, factor, count, j, [](Doubles w) { return w; });
    });
  }

  // The same with the sizes of all entries: out += sum_a factor[a] * |column[input[a]]|.
  void combine_sizes(double* out, const Index* input, const double* factor, Index count) const {
    if (sparse_) {
      for (Index a = 0; a < count; ++a) {
        for (Index e = first_[input[a]]; e < first_[input[a] + 1]; ++e) {
          out[neuron_[e]] += factor[a] * __builtin_fabs(entry_[e]);
        }
      }
      return;
    }
    in_blocks([&]<int V>(Index j) {
      combine_to<V>(out + j, out + j, input, factor, count, j, magnitude);
    });
  }

 private:
  static constexpr Index kSmall = 4096;  // below, dense loops are as fast for any share of zeros
  static constexpr Index kSparse = 8;    // entries in a share of 1 / this are worth an index each

  // Call `block<V>(j)` for the neurons j … j + 4 V - 1, up to the last one: with V = 4 while there
  // are so many, so that the sums of a block do not wait for each other.
  template <class Block>
  void in_blocks(const Block& block) const {
    const Index n = padded(n_out_);
    Index j = 0;
    for (; j + 4 * kLanes <= n; j += 4 * kLanes) block.template operator()<4>(j);
    switch ((n - j) / kLanes) {
      case 3: block.template operator()<3>(j); break;
      case 2: block.template operator()<2>(j); break;
      case 1: block.template operator()<1>(j); break;
      default: break;
    }
  }

  template <int V, class Entry>
  void combine_to(double* out, const double* start, const Index* __restrict input,
                  const double* __restrict factor, Index count, Index j, const Entry& entry) const {
    const double* __restrict weight = weight_.data() + j;
    Doubles sum[V];
    for (int v = 0; v < V; ++v) sum[v] = load(start + v * kLanes);
    for (Index a = 0; a < count; ++a) {
      const double* column = weight + input[a] * weight_.stride();
      const Doubles f = all(factor[a]);
      for (int v = 0; v < V; ++v) sum[v] = fma(f, entry(load(column + v * kLanes)), sum[v]);
    }
    for (int v = 0; v < V; ++v) store(out + v * kLanes, sum[v]);
  }

  template <int V>
  void apply_to(const double* __restrict a, double* __restrict out, Index j) const {
    const Index stride = weight_.stride();
    const double* __restrict weight = weight_.data() + j;
    Doubles even[V], odd[V];
    for (int v = 0; v < V; ++v) even[v] = load(bias_.data() + j + v * kLanes), odd[v] = all(0.0);
    Index i = 0;
    for (; i + 2 <= n_in_; i += 2, weight += 2 * stride) {
      for (int v = 0; v < V; ++v) {
        even[v] = fma(all(a[i]), load(weight + v * kLanes), even[v]);
        odd[v] = fma(all(a[i + 1]), load(weight + stride + v * kLanes), odd[v]);
      }
    }
    for (int v = 0; v < V; ++v) {
      if (i < n_in_) even[v] = fma(all(a[i]), load(weight + v * kLanes), even[v]);
      store(out + v * kLanes, even[v] + odd[v]);
    }
  }

  // The sparse form of `combine`; without `input`, of the first `count` inputs.
  void combine_entries(double* out, const double* start, const Index* input, const double* factor,
                       Index count) const {
    for (Index j = 0; j < padded(n_out_); ++j) out[j] = start[j];
    for (Index a = 0; a < count; ++a) {
      const Index i = input != nullptr ? input[a] : a;
      for (Index e = first_[i]; e < first_[i + 1]; ++e) {
        out[neuron_[e]] = fma(factor[a], entry_[e], out[neuron_[e]]);
      }
    }
  }

  void keep_all(const double* weight) {
    weight_ = Matrix<double>(n_in_, padded(n_out_));
    for (Index j = 0; j < n_out_; ++j) {
      for (Index i = 0; i < n_in_; ++i) weight_[i][j] = weight[j * n_in_ + i];
    }
  }

  void keep_entries(const double* weight, Index entries) {
    first_ = Array<Index>(n_in_ + 1);
    neuron_ = Array<Index>(entries);
    entry_ = Array<double>(entries);
    Index e = 0;
    for (Index i = 0; i < n_in_; ++i) {
      first_[i] = e;
      for (Index j = 0; j < n_out_; ++j) {
        if (weight[j * n_in_ + i] == 0.0) continue;
        neuron_[e] = j;
        entry_[e++] = weight[j * n_in_ + i];
      }
    }
    first_[n_in_] = e;
  }

  Index n_in_ = 0;
  Index n_out_ = 0;
  bool sparse_ = false;
  Array<double> bias_;
  Matrix<double> weight_;  // (n_in, padded n_out)
  Array<Index> first_;     // (n_in + 1) the entries of each column, where the map is sparse
  Array<Index> neuron_;
  Array<double> entry_;
};

}  // namespace nnce
