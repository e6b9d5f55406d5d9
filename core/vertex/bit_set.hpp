// Sets of small numbers as the bits of 64-bit words, number i in word i / 64.
#pragma once

#include <bit>

#include "../array.hpp"

namespace nnce {

using Word = std::uint64_t;

constexpr Index words_for(Index numbers) { return (numbers + 63) >> 6; }
constexpr Word bit_of(Index number) { return Word{1} << (number & 63); }
inline bool holds(const Word* set, Index number) {
  return (set[number >> 6] & bit_of(number)) != 0;
}
// The bits of word `w` that stand for numbers below `end`.
constexpr Word up_to(Index end, Index w) {
  const Index rest = end - 64 * w;
  return rest >= 64 ? ~Word{0} : rest <= 0 ? 0 : bit_of(rest) - 1;
}

// Call `use` with every number in a word of the set, in order.
template <class Use>
inline void for_each(Word word, Index w, Use use) {
  for (; word != 0; word &= word - 1) use(64 * w + std::countr_zero(word));
}

}  // namespace nnce
