// Why a walk stopped.
#pragma once

#include <cstdint>

namespace nnce {

enum class Stop : std::uint8_t {
  kDone,      // its subtree is walked
  kPaused,    // the limit of nodes or of time is reached
  kRowsFull,  // there is no room for another row, or decision, until they are taken
  kUnsure,    // floating point can't tell, and exact arithmetic has to
};

}  // namespace nnce
