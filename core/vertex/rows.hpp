// Rows of the cell table that a walk has found and nobody has taken yet.
#pragma once

#include "../array.hpp"

namespace nnce {

class CellRows {
 public:
  // Room for `room` rows of `bytes` bytes of signs, `layers` layers and `inputs` inputs.
  CellRows(Index room, Index bytes, Index layers, Index inputs)
      : signs_(room, bytes), active_(room, layers), rank_(room, layers), witness_(room, inputs) {}

  [[nodiscard]] Index count() const { return count_; }
  [[nodiscard]] bool full() const { return count_ == signs_.rows(); }

  // The row behind the last, to be written; `add` makes it one of the rows.
  std::uint8_t* signs() { return signs_[count_]; }     // packed, first unit in the highest bit
  std::uint16_t* active() { return active_[count_]; }  // active units of each layer
  std::int32_t* rank() { return rank_[count_]; }       // at each layer, or -1
  double* witness() { return witness_[count_]; }
  void add() { ++count_; }
  void clear() { count_ = 0; }

  [[nodiscard]] const Matrix<std::uint8_t>& all_signs() const { return signs_; }
  [[nodiscard]] const Matrix<std::uint16_t>& all_active() const { return active_; }
  [[nodiscard]] const Matrix<std::int32_t>& all_ranks() const { return rank_; }
  [[nodiscard]] const Matrix<double>& all_witnesses() const { return witness_; }

 private:
  Index count_ = 0;
  Matrix<std::uint8_t> signs_;
  Matrix<std::uint16_t> active_;
  Matrix<std::int32_t> rank_;
  Matrix<double> witness_;
};

}  // namespace nnce
