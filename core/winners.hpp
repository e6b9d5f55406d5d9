// The winners of maxima on the path of a walk.
//
// At the root of a layer-k cell every difference of two numbers of a max is decided like any other
// unit: it has one sign there, or cuts. A number that another one beats everywhere is out. Where
// one is left, it wins; where two are left, their difference divides cells like any other unit;
// where more are left, each of them has a convex part of a cell, on which it beats the others, and
// the walk goes through these parts. So no comparison that does not matter divides a cell.
#pragma once

#include <cstdint>
#include <vector>

#include "array.hpp"
#include "frame.hpp"
#include "network.hpp"
#include "path.hpp"

namespace nnce {

class Winners {
 public:
  explicit Winners(const Network& net) : net_(net), low_(net.units()), high_(net.units()) {
    states_.resize(static_cast<std::size_t>(net.maxima()));
    for (Index m = 0; m < net.maxima(); ++m) {
      const MaxUnit& max = net.max(m);
      state_of(m).is_in.resize(static_cast<std::size_t>(max.pieces));
      for (Index j = 1; j < max.pieces; ++j) {
        for (Index i = 0; i < j; ++i) {
          const Index unit = max.first + max.unit(i, j);
          low_[unit] = i;
          high_[unit] = j;
        }
      }
    }
  }

  // Begin with a prefix, which has all units of a max or none. Throws std::invalid_argument.
  void begin(const std::uint8_t* prefix, Index length) {
    for (Index m = 0; m < net_.maxima(); ++m) {
      const MaxUnit& max = net_.max(m);
      State& state = state_of(m);
      state.forced = kNoWinner;
      if (length <= max.first) continue;
      if (length < max.first + max.units()) {
        throw std::invalid_argument("a prefix that ends within a max");
      }
      state.forced = 0;
      for (Index j = 1; j < max.pieces; ++j) {
        if (prefix[max.first + max.unit(0, j)] != 0) state.forced = j;
      }
    }
  }

  // Whether the units of a layer that belong to maxima are many or none.
  [[nodiscard]] bool are_in(Index layer) const { return !net_.layer(layer).maxima.empty(); }

  // Look at what the root tests of a layer-k cell have found: the signs of the path, 0 for units
  // that cut. Put the path on the winners that are sure; strike the free rows that do not matter
  // out of `cuts` (free rows). False where a winner is against the prefix.
  bool look(Path& path, const Frame& f, Array<std::uint8_t>& cuts, Array<std::int8_t>& forced) {
    for (Index m = 0; m < net_.maxima(); ++m) {
      if (net_.layer_of(net_.max(m).first) != f.layer) continue;
      find_left(path, m);
      State& state = state_of(m);
      if (state.forced != kNoWinner && !is_in(m, state.forced)) return false;
      if (state.left == 1) take(path, m, first_left(m), nullptr);
      if (state.left == 2) force_pair(m, forced);
    }
    for (Index r = 0; r < f.free; ++r) {
      const Index unit = f.row[r] - net_.d(), m = net_.max_of(unit);
      if (m == Network::kNoMax) continue;
      if (!is_in(m, low_[unit]) || !is_in(m, high_[unit])) cuts[r] = 0;
    }
    return true;
  }

  // Whether a unit belongs to a max of which three or more numbers are left.
  [[nodiscard]] bool is_choice(Index unit) const {
    const Index m = net_.max_of(unit);
    return m != Network::kNoMax && left(m) > 2;
  }

  // How many numbers of a max are left.
  [[nodiscard]] Index left(Index m) const { return state_of(m).left; }

  // The number that is left before number `before` of a max, `kNoWinner` behind the first one; all
  // of them where `before` is the number of pieces. Only the forced one where there is one.
  [[nodiscard]] Index left_before(Index m, Index before) const {
    const Index forced = state_of(m).forced;
    for (Index j = before - 1; j >= 0; --j) {
      if (is_in(m, j) && (forced == kNoWinner || forced == j)) return j;
    }
    return kNoWinner;
  }
  [[nodiscard]] bool is_forced(Index m) const { return state_of(m).forced != kNoWinner; }

  // The sign that a unit of a max has where `winner` wins; 0 where it does not matter.
  [[nodiscard]] int wanted(Index unit, Index winner) const {
    if (high_[unit] == winner) return 1;
    return low_[unit] == winner ? -1 : 0;
  }

  // Put the path on a winner. `f` is the frame of its part of a cell, whose rows and columns have
  // the slacks of the units that were split on; null where there are none.
  void take(Path& path, Index m, Index winner, Frame* f) {
    const MaxUnit& unit_of = net_.max(m);
    for (Index k = unit_of.first; k < unit_of.first + unit_of.units(); ++k) path.ignore(k);
    if (winner > 0) path.set(unit_of.first + unit_of.unit(0, winner), 1);
    if (f == nullptr) return;
    Index at = f->shared;
    for (Index k = unit_of.first; k < unit_of.first + unit_of.units(); ++k) {
      if (!has_slack(*f, k)) continue;
      path.split_unit[at++] = k;
      path.choose(k, wanted(k, winner));
    }
  }

  // The difference of the last two numbers that are left has its sign on the path: one of them
  // wins.
  void note(Path& path, Index unit) {
    const Index m = net_.max_of(unit);
    if (m == Network::kNoMax || state_of(m).left != 2) return;
    const std::int8_t sign = path.sign[unit], is_zero = path.is_zero[unit];
    take(path, m, sign > 0 ? high_[unit] : low_[unit], nullptr);
    path.set(unit, sign);
    path.is_zero[unit] = is_zero;
  }

  // The bits of a max's units where `winner` wins, behind others.
  void append_bits(Index m, Index winner, std::vector<std::uint8_t>& bits) const {
    const MaxUnit& max = net_.max(m);
    const Index on = winner > 0 ? max.unit(0, winner) : max.units();
    for (Index k = 0; k < max.units(); ++k) bits.push_back(k == on ? 1 : 0);
  }
  // Who wins where a unit is positive.
  [[nodiscard]] Index low(Index unit) const { return low_[unit]; }
  [[nodiscard]] Index high(Index unit) const { return high_[unit]; }

 private:
  struct State {
    std::vector<std::uint8_t> is_in;  // which numbers are left on the layer-k cell
    Index left = 0;
    Index forced = kNoWinner;
  };

  [[nodiscard]] State& state_of(Index m) { return states_[static_cast<std::size_t>(m)]; }
  [[nodiscard]] const State& state_of(Index m) const {
    return states_[static_cast<std::size_t>(m)];
  }
  [[nodiscard]] bool is_in(Index m, Index j) const {
    return state_of(m).is_in[static_cast<std::size_t>(j)] != 0;
  }
  [[nodiscard]] Index first_left(Index m) const {
    Index j = 0;
    while (!is_in(m, j)) ++j;
    return j;
  }

  // Find the numbers that no other one beats on all of the cell. There is one, but where rounding
  // let in a cell without interior: then the first one stays.
  void find_left(const Path& path, Index m) {
    State& state = state_of(m);
    state.is_in.assign(state.is_in.size(), 1);
    const MaxUnit& units = net_.max(m);
    for (Index k = units.first; k < units.first + units.units(); ++k) {
      if (path.sign[k] == 0) continue;
      state.is_in[static_cast<std::size_t>(path.sign[k] > 0 ? low_[k] : high_[k])] = 0;
    }
    state.left = 0;
    for (const std::uint8_t in : state.is_in) state.left += in;
    if (state.left == 0) state.is_in[0] = 1, state.left = 1;
  }

  void force_pair(Index m, Array<std::int8_t>& forced) {
    const Index i = first_left(m);
    Index j = i + 1;
    while (!is_in(m, j)) ++j;
    const Index winner = state_of(m).forced;
    forced[net_.max(m).first + net_.max(m).unit(i, j)] =
        static_cast<std::int8_t>(winner == kNoWinner ? 0
                                 : winner == j       ? 1
                                                     : -1);
  }

  [[nodiscard]] bool has_slack(const Frame& f, Index unit) const {
    const Index variable = net_.d() + unit;
    for (Index c = 0; c < net_.d(); ++c) {
      if (f.column[c] == variable) return true;
    }
    for (Index r = f.free; r < f.rows; ++r) {
      if (f.row[r] == variable) return true;
    }
    return false;
  }

  const Network& net_;
  Array<Index> low_, high_;  // (N) the numbers i < j of which a unit is the difference
  std::vector<State> states_;
};

}  // namespace nnce
