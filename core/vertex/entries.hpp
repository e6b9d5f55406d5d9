// The weights of a layer that are there, neuron by neuron.
#pragma once

#include <algorithm>
#include <span>
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

  [[nodiscard]] Index rows() const { return static_cast<Index>(start.size()) - 1; }
  // The number of entries of the neuron that has most.
  [[nodiscard]] Index longest() const {
    Index most = 0;
    for (std::size_t j = 1; j < start.size(); ++j) most = std::max(most, start[j] - start[j - 1]);
    return most;
  }
  [[nodiscard]] std::span<const Entry> of(Index j) const {
    const auto row = static_cast<std::size_t>(j);
    return {entry.data() + start[row], entry.data() + start[row + 1]};
  }
};

}  // namespace nnce
