// The simplex method on boxes far larger than what is in them (moves.hpp).
#pragma once

#include "../simplex.hpp"
#include "moves.hpp"

namespace nnce {

// As `SimplexOf`, for frames whose constants `FarMoves` has written: of these all but 0 are clear.
template <int K>
class FarSimplexOf final : public SimplexOf<K> {
 public:
  FarSimplexOf(const Network& net, Path& path, Index capacity, FarMoves& moves)
      : SimplexOf<K>(net, path, capacity), moves_(moves) {}

  // A walk whose row is 0 is not at a copy of its frame, and goes on from where this ends.
  Ended descend(Frame& f, Index row, double side, Entering first, Evidence* evidence) override {
    const bool stays = f.constant[row] == 0.0;
    this->linear_programs += 1;
    is_fresh_ = true;
    const Ended ended = descend_from(f, row, side, first, evidence);
    if (stays) refresh(f);
    return ended;
  }

 private:
  Ended descend_from(Frame& f, Index row, double side, Entering first, Evidence* evidence) {
    const Index patience = 4 * (this->net_.d() + f.rows) + 20;
    for (Index i = 0; i < 2 * patience; ++i) {
      if (is_negative(f, row, side)) return Ended::kCrossed;
      Entering next = i == 0 ? first : this->entering(f, row, side);
      if (i > patience) next.column = this->first_entering(f, row, side);
      if (next.column < 0 || next.bound > kClear) return Ended::kOptimal;
      if (!step(f, next.column)) return Ended::kStalled;
      if (evidence != nullptr) {
        refresh(f);
        evidence->note(f);
      }
    }
    return Ended::kStalled;
  }

  // Whether side times a row is clearly negative at the vertex of a frame.
  bool is_negative(Frame& f, Index row, double side) {
    if (!(side * f.constant[row] < 0.0)) return false;
    refresh(f);
    return side * f.constant[row] < 0.0;
  }

  // Away from the sides of the box all constants are of one size, and pivots as good as anywhere,
  // for a few steps.
  bool step(Frame& f, Index q) {
    if (!moves_.is_at_side(f)) {
      is_fresh_ = false;
      return SimplexOf<K>::step(f, q, cost_, height_);
    }
    this->pivots += 1;
    is_fresh_ = true;
    return moves_.step(f, q);
  }

  void refresh(Frame& f) {
    if (!is_fresh_) moves_.write_constants(f);
    is_fresh_ = true;
  }

  FarMoves& moves_;
  // What the base class follows, and is not asked for here.
  Doubles cost_[SimplexOf<K>::kRegisters] = {};
  double height_ = 0.0;
  bool is_fresh_ = true;  // the constants are as `FarMoves` writes them
};

inline std::unique_ptr<Simplex> make_far_simplex(const Network& net, Path& path, Index capacity,
                                                 FarMoves& moves) {
  switch (padded(net.d()) / kLanes) {
    case 1: return std::make_unique<FarSimplexOf<1>>(net, path, capacity, moves);
    case 2: return std::make_unique<FarSimplexOf<2>>(net, path, capacity, moves);
    default: return std::make_unique<FarSimplexOf<0>>(net, path, capacity, moves);
  }
}

}  // namespace nnce
