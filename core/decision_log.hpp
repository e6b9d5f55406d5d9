// The decisions of a walk, in order: what a completeness certificate is made of (docs/proof.md).
#pragma once

#include <cstdint>

#include "array.hpp"
#include "frame.hpp"
#include "network.hpp"

namespace nnce {

enum class Decision : std::uint8_t { kIsInactive, kIsActive, kIsZero, kIsSplit, kIsCell, kIsEmpty };

class DecisionLog {
 public:
  // A log that is not kept has no room, and is never full.
  DecisionLog(const Network& net, bool keep)
      : d_(net.d()),
        basis_(2 * net.d()),
        rows_(keep ? std::max(Index{64}, kNumbers / (3 + 2 * net.d())) : 0, 3 + 2 * net.d()) {}

  [[nodiscard]] bool is_kept() const { return rows_.rows() > 0; }
  [[nodiscard]] bool is_full() const { return is_kept() && size_ == rows_.rows(); }
  [[nodiscard]] Index size() const { return size_; }
  [[nodiscard]] Index width() const { return rows_.stride(); }
  // Decision i: unit, decision, number of slacks in the basis, slacks, as many basic inputs.
  [[nodiscard]] const std::int32_t* row(Index i) const { return rows_[i]; }
  void clear() { size_ = 0; }

  // Decisions on the way to a subtree's root stand in the log of the walk that found that root.
  void mute(bool muted) { muted_ = muted; }

  // Take down the basis of a frame: the proof of the decision that is logged next.
  void note_basis(const Frame& f) {
    if (!is_kept()) return;
    clear_basis();
    for (Index c = 0; c < d_; ++c) {
      if (f.column[c] >= d_) add_slack(f.column[c] - d_);
    }
    Index n = slacks_;
    for (Index r = f.free; r < f.rows; ++r) {
      if (f.row[r] < d_) basis_[n++] = f.row[r];
    }
  }

  // The same where exact arithmetic found the basis: `count` slacks, then as many basic inputs.
  void note_basis(const std::int32_t* basis, Index count) {
    slacks_ = count;
    for (Index i = 0; i < 2 * count; ++i) basis_[i] = basis[i];
  }

  void clear_basis() { slacks_ = 0; }

  // Append a decision, with the basis that was noted where it rests on one.
  void add(Index unit, Decision decision, bool with_basis) {
    if (!is_kept() || muted_) return;
    const Index size = with_basis ? slacks_ : 0;
    std::int32_t* row = rows_[size_++];
    row[0] = static_cast<std::int32_t>(unit);
    row[1] = static_cast<std::int32_t>(decision);
    row[2] = static_cast<std::int32_t>(size);
    for (Index i = 0; i < 2 * size; ++i) row[3 + i] = basis_[i];
  }

 private:
  static constexpr Index kNumbers = Index{1} << 18;

  void add_slack(Index unit) { basis_[slacks_++] = static_cast<std::int32_t>(unit); }

  Index d_;
  Index slacks_ = 0;
  Array<std::int32_t> basis_;
  Matrix<std::int32_t> rows_;
  Index size_ = 0;
  bool muted_ = false;
};

}  // namespace nnce
