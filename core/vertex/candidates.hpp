// Which numbers of a max may be the largest one on a cell.
#pragma once

#include "../max_unit.hpp"
#include "bit_set.hpp"

namespace nnce {

class Candidates {
 public:
  // All of so many.
  explicit Candidates(Index pieces) {
    for (Index w = 0; w < kWords; ++w) word_[w] = up_to(pieces, w);
  }

  [[nodiscard]] bool holds(Index j) const { return nnce::holds(word_, j); }
  void remove(Index j) { word_[j >> 6] &= ~bit_of(j); }
  [[nodiscard]] Index count() const {
    Index count = 0;
    for (const Word word : word_) count += std::popcount(word);
    return count;
  }
  [[nodiscard]] Index first() const {
    for (Index w = 0; w < kWords; ++w) {
      if (word_[w] != 0) return 64 * w + std::countr_zero(word_[w]);
    }
    return kNoWinner;
  }
  // The last one before number `end`.
  [[nodiscard]] Index last_before(Index end) const {
    for (Index w = kWords - 1; w >= 0; --w) {
      const Word rest = word_[w] & up_to(end, w);
      if (rest != 0) return 64 * w + 63 - std::countl_zero(rest);
    }
    return kNoWinner;
  }

 private:
  static constexpr Index kWords = words_for(kMostPieces);
  Word word_[kWords];
};

}  // namespace nnce
