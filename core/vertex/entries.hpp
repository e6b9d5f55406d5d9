// The weights of a layer that are there, neuron by neuron.
#pragma once

#include <cstdint>
#include <vector>

#include "../array.hpp"

namespace nnce {

struct Entry {
  Index input;
  double weight;
};

// Those of neuron j are start[j] … start[j + 1] - 1, in the order of their inputs.
struct Entries {
  std::vector<Index> start;
  std::vector<Entry> entry;

  // The entries of one neuron, to loop over.
  struct Row {
    const Entry *first, *last;

    [[nodiscard]] const Entry* begin() const { return first; }
    [[nodiscard]] const Entry* end() const { return last; }
  };

  [[nodiscard]] Index rows() const { return static_cast<Index>(start.size()) - 1; }
  [[nodiscard]] Row of(Index j) const {
    const auto row = static_cast<std::size_t>(j);
    return {entry.data() + start[row], entry.data() + start[row + 1]};
  }
};

}  // namespace nnce
