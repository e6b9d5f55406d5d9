// A walk's help on boxes far larger than what is in them.
#pragma once

#include "../frame.hpp"
#include "../network.hpp"
#include "../path.hpp"
#include "forward.hpp"
#include "moves.hpp"

namespace nnce {

class FarBox {
 public:
  FarBox(const Network& net, const Path& path, Index capacity)
      : path_(path), moves_(net, path, capacity), forward_(net) {}

  static bool suits(const Network& net) {
    return FarMoves::has_tiny_biases(net) && FarMoves::are_inputs_even(net);
  }

  [[nodiscard]] FarMoves& moves() { return moves_; }

  // Find a point of a leaf's cell near the origin, and prove that it is one. Moves the frame.
  bool find_witness(Frame& f, double* point) {
    if (moves_.near_point(f, point) && forward_.has_signs_of(path_, point)) return true;
    moves_.write_constants(f);
    return false;
  }

 private:
  const Path& path_;
  FarMoves moves_;
  NearForward forward_;
};

}  // namespace nnce
