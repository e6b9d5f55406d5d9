// The units that tell the largest of three or more numbers.
#pragma once

#include "array.hpp"

namespace nnce {

inline constexpr Index kMostPieces = 256;  // a winner is a byte
inline constexpr Index kNoWinner = -1;

// The largest of z_0 … z_(pieces - 1), of which the first largest one is the *winner*.
//
// Its units are the differences z_j - z_i of all pairs i < j, which are positive where j beats i:
// first those to z_0, in the order j = pieces - 1 … 1, then the comparisons of the others, in
// lexicographic order. That of z_j to z_0 is handed on where j is the winner, and all others are
// not; so with z_0, which a pass-through carries, they add up to the largest number.
struct MaxUnit {
  Index first;  // of its units, within the layer
  Index pieces;

  [[nodiscard]] Index units() const { return pieces * (pieces - 1) / 2; }
  // Which of its units is z_j - z_i, for i < j.
  [[nodiscard]] Index unit(Index i, Index j) const {
    if (i == 0) return pieces - 1 - j;
    return pieces - 1 + (i - 1) * (2 * pieces - i - 2) / 2 + j - i - 1;
  }
};

}  // namespace nnce
