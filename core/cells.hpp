// The cells of a walk: counted, and as rows of the table.
#pragma once

#include <cstdint>

#include "array.hpp"
#include "network.hpp"
#include "path.hpp"

namespace nnce {

class Cells {
 public:
  // `rows` says whether rows are written or cells only counted; `witness` is the number of
  // coordinates of a row's witness, 0 where none is wanted.
  Cells(const Network& net, bool rows, Index witness)
      : net_(net),
        counted_(net.depth()),
        packed_(net.bytes()),
        active_(net.depth()),
        layer_cells_(net.depth()),
        signs_(rows ? kMostRows : 0, net.bytes()),
        actives_(rows ? kMostRows : 0, net.depth()),
        witnesses_(rows ? kMostRows : 0, witness) {}

  // Forget all; the layer-k cells on the way to the root count for another walk.
  void begin() {
    counted_.fill(1);
    layer_cells_.fill(0);
    share = 0.0;
    cells_ = 0;
    rows_ = 0;
  }

  [[nodiscard]] bool has_rows() const { return signs_.rows() > 0; }
  [[nodiscard]] bool wants_witness() const { return has_rows() && witnesses_.stride() > 0; }
  [[nodiscard]] bool is_full() const { return has_rows() && rows_ == signs_.rows(); }
  [[nodiscard]] Index rows() const { return rows_; }
  [[nodiscard]] Index cells() const { return cells_; }
  [[nodiscard]] const Array<Index>& layer_cells() const { return layer_cells_; }
  [[nodiscard]] const Matrix<std::uint8_t>& signs() const { return signs_; }
  [[nodiscard]] const Matrix<std::uint16_t>& actives() const { return actives_; }
  [[nodiscard]] const Matrix<double>& witnesses() const { return witnesses_; }
  [[nodiscard]] const Array<std::uint8_t>& packed() const { return packed_; }
  [[nodiscard]] bool is_counted(Index layer) const { return counted_[layer] != 0; }
  void clear_rows() { rows_ = 0; }

  // A new layer-k cell begins; `counted` where another walk counts it.
  void begin_layer_cell(Index layer, bool counted) { counted_[layer] = counted ? 1 : 0; }

  // Pack the path's signs of a layer into bytes, first unit in the highest bit.
  void pack(const Path& path, Index layer) {
    Index byte = 0, active = 0;
    for (Index l = 0; l < layer; ++l) byte += net_.bytes(l);
    const std::int8_t* sign = path.sign.data() + net_.offset(layer);
    const Index n = net_.layer(layer).units;
    for (Index first = 0; first < n; first += 8) {
      unsigned bits = 0;
      for (Index j = first; j < first + 8; ++j) {
        const bool is_on = j < n && sign[j] > 0 && !net_.is_comparison(net_.offset(layer) + j);
        const unsigned bit = is_on ? 1 : 0;
        bits = 2 * bits + bit;
        active += bit;
      }
      packed_[byte++] = static_cast<std::uint8_t>(bits);
    }
    active_[layer] = active;
  }

  // Count the cell that the path leads to, and the layer-k cells whose first cell it is; write its
  // row, where rows are written.
  void add(const double* witness) {
    counted_[counted_.size() - 1] = 0;
    for (Index l = 0; l < counted_.size(); ++l) {
      layer_cells_[l] += counted_[l] == 0 ? 1 : 0;
      counted_[l] = 1;
    }
    cells_ += 1;
    if (!has_rows()) return;
    for (Index b = 0; b < packed_.size(); ++b) signs_[rows_][b] = packed_[b];
    for (Index l = 0; l < active_.size(); ++l) {
      actives_[rows_][l] = static_cast<std::uint16_t>(active_[l]);
    }
    for (Index i = 0; i < witnesses_.stride(); ++i) witnesses_[rows_][i] = witness[i];
    rows_ += 1;
  }

  double share = 0.0;  // of the domain's tree that is done

 private:
  static constexpr Index kMostRows = 8192;

  const Network& net_;
  Array<std::uint8_t> counted_;  // (L) 1 where the current layer-k cell was counted
  Array<std::uint8_t> packed_;   // the sign bytes of the path's layers, joined
  Array<Index> active_;          // (L) active units of the path's layers
  Array<Index> layer_cells_;     // (L)
  Matrix<std::uint8_t> signs_;
  Matrix<std::uint16_t> actives_;
  Matrix<double> witnesses_;
  Index cells_ = 0;
  Index rows_ = 0;
};

}  // namespace nnce
