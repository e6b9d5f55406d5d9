// The walk of the tree of layer-k cells on polytopes that are kept by their vertices.
//
// For two and three dimensions (one input is a plane with an input that nothing reads). The idea is
// Berzins' (2023), "Polyhedral Complex Extraction from ReLU Networks using Edge Subdivision": the
// signs of a unit at the vertices say whether it cuts, and where it does, only edges are divided.
// The proof of every step is in docs/exact.md, "Vertices".
#pragma once

#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "../stop.hpp"
#include "gather.hpp"
#include "inner_point.hpp"
#include "rows.hpp"
#include "sums.hpp"
#include "vertex_ranks.hpp"

namespace nnce {

// The root of a subtree: the signs of the first units, and for how many layers another subtree
// counts the layer-k cell on this path.
struct VertexSubtree {
  std::vector<std::uint8_t> prefix;
  Index counted;
};

template <int D>
class VertexWalk {
 public:
  // A walk that finds up to `room` rows until they are taken; that only counts where it is 0.
  // The network must be of dimension D, and outlive the walk. Throws std::invalid_argument.
  VertexWalk(const VertexNetwork& network, Index room)
      : network_(&network),
        depth_(network.depth()),
        first_unit_(depth_ + 1),
        first_byte_(depth_ + 1),
        widest_(measure(network)),
        known_(words_for(widest_)),
        part_known_(words_for(widest_)),
        one_(words_for(widest_)),
        fresh_(words_for(widest_)),
        polytopes_(network.units() + Index{2} * D, widest_),
        sums_(network),
        ranks_(network),
        frame_(network.units() + 2),
        unknown_(network.units() + 2, words_for(widest_)),
        open_(network.units() + 2, words_for(most_maxima(network))),
        forced_(network.units()),
        layer_cells_(depth_),
        base_(first_byte_[depth_]),
        base_active_(depth_),
        with_rows_(room > 0),
        rows_(room, first_byte_[depth_], depth_, network.inputs()) {
    forms_.reserve(static_cast<std::size_t>(depth_));  // they refer to each other
    for (Index l = 0; l < depth_; ++l) {
      forms_.emplace_back(network[l]);
      gather_.emplace_back();
      if (network[l].is_gathered()) {
        gather_.back() = std::make_unique<Gather<D>>(network[l], network[l - 1]);
      }
    }
  }

  VertexWalk(const VertexWalk&) = delete;
  VertexWalk& operator=(const VertexWalk&) = delete;

  // Begin the walk of a subtree; what was found before is forgotten. A prefix has all units of a
  // max or none. Throws std::invalid_argument.
  void begin(const std::uint8_t* prefix, Index length, Index counted) {
    check_prefix(length);
    forced_.fill(0);
    for (Index k = 0; k < length; ++k) forced_[k] = prefix[k] ? 1 : -1;
    prefix_ = length;
    counted_ = counted;
    nodes_ = cells_ = proved_ = touching_ = polytopes_.computed = 0;
    layer_cells_.fill(0);
    done_ = 0.0;
    rows_.clear();
    unsure_ = false;
    top_ = 0;
    frame_[0] = {polytopes_.begin(*network_), {}, 0, 0, kNoWinner, 1.0, true};
  }

  // Leave the whole subtree to exact arithmetic; to be called right after `begin`.
  void give_up() {
    if (!done()) be_unsure(0);
  }

  // Walk on for at most `nodes` tree nodes, and about 50 ms.
  Stop advance(Index nodes) {
    const Index most = std::numeric_limits<Index>::max() - nodes_;
    limit_ = nodes_ + std::clamp(nodes, Index{0}, most);
    const auto deadline = Clock::now() + std::chrono::milliseconds(50);
    for (Index step = 1;; ++step) {
      if (unsure_) return Stop::kUnsure;
      if (done()) return Stop::kDone;
      if (with_rows_ && rows_.full()) return Stop::kRowsFull;
      if (nodes_ >= limit_) return Stop::kPaused;
      if (step % kStepsPerLook == 0 && Clock::now() >= deadline) return Stop::kPaused;
      if (frame_[top_].entering) {
        enter(frame_[top_]);
      } else {
        visit(frame_[top_]);
      }
    }
  }

  // Go on behind the subtree that was left to exact arithmetic, of which it did this share.
  //
  // Below the root of this walk, the share that counts is that of the frame: exact arithmetic
  // does not divide what rounding may have divided here.
  void skip(double share) {
    if (!unsure_) return;
    done_ += decided_ >= prefix_ ? frame_[top_].share : share;
    unsure_ = false;
    pop();
  }

  // Return the subtrees that are not walked, in table order; the first is that of the cell in hand,
  // so the one that is left to exact arithmetic, if there is one.
  [[nodiscard]] std::vector<VertexSubtree> rest() const {
    std::vector<VertexSubtree> found;
    for (Index t = top_; t >= 0; --t) {
      found.push_back(rest_of(t, t < top_ ? decided_behind(frame_[t]) : decided_on_top()));
    }
    return found;
  }

  [[nodiscard]] const VertexNetwork& network() const { return *network_; }
  [[nodiscard]] bool done() const { return top_ < 0; }
  [[nodiscard]] bool is_unsure() const { return unsure_; }
  [[nodiscard]] Index nodes() const { return nodes_; }
  [[nodiscard]] Index cells() const { return cells_; }
  [[nodiscard]] const Array<Index>& layer_cells() const { return layer_cells_; }
  // The share of the domain's tree that is done.
  [[nodiscard]] double share() const { return done_; }
  [[nodiscard]] Index proved() const { return proved_; }  // signs of units on cells
  // Those of them that rest on a zero at some vertex.
  [[nodiscard]] Index touching() const { return touching_; }
  [[nodiscard]] Index vertices() const { return polytopes_.computed; }
  [[nodiscard]] CellRows& rows() { return rows_; }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr Index kStepsPerLook = 32;  // at the clock

  // A cell whose next layer is to be entered, or that has units left to decide; below the top of
  // the stack, the active side of a division, whose inactive side is walked first, or the part of a
  // cell that a number of a max wins, after those of the numbers before it.
  struct Frame {
    Polytope cell;
    PartialSum sum;
    Index layer;
    Index pending;  // the unit whose active side waits here,
    Index winner;   // or one of the max that this number wins; else `kNoWinner`
    double share;   // of the domain's tree
    bool entering;
  };

  // Fill the places of layers, and return the largest number of units.
  Index measure(const VertexNetwork& network) {
    if (network.dimension() != D || depth_ == 0) {
      throw std::invalid_argument("a network of another dimension, or without layers");
    }
    Index widest = 1;
    for (Index l = 0; l < depth_; ++l) {
      first_unit_[l + 1] = first_unit_[l] + network[l].units;
      first_byte_[l + 1] = first_byte_[l] + (network[l].units + 7) / 8;
      widest = std::max(widest, network[l].units);
    }
    return widest;
  }

  static Index most_maxima(const VertexNetwork& network) {
    std::size_t most = 0;
    for (Index l = 0; l < network.depth(); ++l) most = std::max(most, network[l].maxima.size());
    return static_cast<Index>(most);
  }

  [[nodiscard]] LayerForms<D>& forms(Index layer) {
    return forms_[static_cast<std::size_t>(layer)];
  }
  [[nodiscard]] const LayerForms<D>& forms(Index layer) const {
    return forms_[static_cast<std::size_t>(layer)];
  }
  [[nodiscard]] bool is_last(Index layer) const { return layer + 1 == depth_; }
  // Whether the layer behind is a sum of terms that the path collects.
  [[nodiscard]] bool has_terms(Index layer) const {
    return !is_last(layer) && !(*network_)[layer + 1].is_gathered();
  }
  // How many slots the sums of the frames below the top take.
  [[nodiscard]] Index slots_below() const { return top_ == 0 ? 0 : frame_[top_ - 1].sum.slots; }

  // Bring the neurons of the frame's next layer in: their forms, columns and signs.
  void enter(Frame& frame) {
    LayerForms<D>& layer = forms(frame.layer);
    const bool unseen = write_forms(frame);
    const LayerForms<D>* before = frame.layer > 0 ? &forms(frame.layer - 1) : nullptr;
    layer.enter(polytopes_.of(frame.cell), frame.cell.count, before, unseen);
    proved_ += layer.scaled().units - layer.columns();
    polytopes_.note_signs(frame.cell, layer);
    for (Index w = 0; w < layer.words(); ++w) unknown_[top_][w] = up_to(layer.columns(), w);
    const auto contests = static_cast<Index>(layer.contests().size());
    for (Index w = 0; w < words_for(contests); ++w) open_[top_][w] = up_to(contests, w);
    if (!is_last(frame.layer)) frame.sum = sums_.begin(layer, frame.layer + 1, slots_below());
    if (with_rows_) {
      pack_base(frame.layer);
      ranks_.begin(frame.layer, layer);
    }
    frame.entering = false;
  }

  // Write the forms of the frame's next layer; tell whether it sees nothing.
  bool write_forms(Frame& frame) {
    LayerForms<D>& layer = forms(frame.layer);
    if (frame.layer == 0) {
      layer.take_first();
      layer.all_changed();
      return false;
    }
    LayerForms<D>& before = forms(frame.layer - 1);
    const bool is_gathered = layer.scaled().is_gathered();
    if (layer.has_maxima() || is_gathered) before.note_signs();
    if (is_gathered) {
      gather_[static_cast<std::size_t>(frame.layer)]->write(before, layer);
      return before.passes_nothing();
    }
    sums_.write(frame.sum, layer.forms(), layer.stride());
    layer.all_changed();
    return frame.sum.terms == 0;
  }

  // Decide what the vertices of the frame show, and split it, count it or go on to a layer.
  void visit(Frame& frame) {
    const LayerForms<D>& layer = forms(frame.layer);
    fresh_.fill(0);
    Index column = settle_columns(frame.cell, layer);
    if (column >= 0 && !is_known(frame.cell, column)) {
      look_closer(frame.cell, frame.layer, known_.unknown.data());
      column = settle_columns(frame.cell, layer);
    }
    if (column >= 0 && !is_known(frame.cell, column)) {
      be_unsure(first_unit_[frame.layer] + first_of(layer, column));
      return;
    }
    if (column < 0) {
      // Finding the way to a subtree's root is not charged.
      if (first_unit_[frame.layer + 1] > prefix_) ++nodes_;
      leave(frame);
      return;
    }
    if (const Contest* contest = layer.contest_of(column)) {
      const Candidates in =
          layer.candidates(*contest, known_.positive.data(), known_.negative.data());
      if (in.count() > 2) {
        divide_among(frame, *contest, in);
        return;
      }
    }
    const Index unit = first_unit_[frame.layer] + layer.neuron(column);
    const int side = forced_side(frame.layer, column);
    set_plane(layer, column, unit, side > 0 ? 1.0 : -1.0);
    if (!with_rows_ && is_last(frame.layer) && prefix_ <= first_unit_[frame.layer] &&
        count_parts(frame, column, unit)) {
      return;
    }
    split(frame, column, unit, side);
    if (side == 0) ++nodes_;
  }

  // Count the cells that a cell of the last layer is divided into, where one or two columns cut it;
  // tell whether they are counted. They take the nodes that they take in `visit`.
  bool count_parts(const Frame& frame, Index column, Index unit) {
    const LayerForms<D>& layer = forms(frame.layer);
    const Index unknown = known_.unknown_columns(layer.words());
    if (unknown > 2 || (unknown == 2 && nodes_ + 3 > limit_)) return false;
    int parts = 2;
    if (unknown == 2) {
      const Index other = known_.next_unknown(column);
      const std::optional<int> counted =
          polytopes_.count_parts(frame.cell, layer, column, unit, other);
      if (!counted) return false;
      parts = *counted;
      nodes_ += 2;
      proved_ += 6 - parts;
    }
    ++nodes_;
    layer_cells_[frame.layer] += parts;
    cells_ += parts;
    done_ += frame.share;
    pop();
    return true;
  }

  void set_plane(const LayerForms<D>& layer, Index column, Index unit, double side) {
    Plane<D>& plane = polytopes_.plane(unit);
    plane = layer.plane(column);
    plane.side = side;
  }

  void look_closer(Polytope cell, Index layer, const Word* among) {
    const Index first = layer > 0 ? first_unit_[layer - 1] : 0;
    polytopes_.look_closer(cell, forms(layer), among, first,
                           [&](const Vertex<D>& vertex) { return sees_nothing(layer, vertex); });
  }

  // Find the columns with one sign on a cell, the top frame's; return the first one without, or -1.
  Index settle_columns(Polytope cell, const LayerForms<D>& layer) {
    const Index words = layer.words(), offset = polytopes_.words();
    Index first = -1;
    for (Index w = 0; w < words; ++w) {
      Word positive = ~Word{0}, negative = ~Word{0}, touched = 0;
      for (Index v = cell.start; v < cell.start + cell.count; ++v) {
        const Word plus = polytopes_.signs(v)[w], minus = polytopes_.signs(v)[offset + w];
        positive &= plus;
        negative &= minus;
        touched |= plus & minus;
      }
      positive &= ~negative;  // zero on all of the cell is inactive
      const Word before = unknown_[top_][w], decided = before & (positive | negative);
      known_.positive[w] = positive;
      known_.negative[w] = negative;
      known_.unknown[w] = unknown_[top_][w] = before & ~decided;
      fresh_[w] |= decided & (positive | layer.leaky()[w]) & ~layer.contested()[w];
      proved_ += std::popcount(decided);
      touching_ += std::popcount(decided & touched);
      if (first < 0 && before != decided) first = 64 * w + std::countr_zero(before & ~decided);
    }
    return layer.contests().empty() ? first : settle_contests(layer);
  }

  // Leave of each max the columns that compare two numbers which may win on the top frame's cell,
  // by the signs that were found; return the first column without a sign, or -1.
  Index settle_contests(const LayerForms<D>& layer) {
    const auto contests = static_cast<Index>(layer.contests().size());
    for (Index w = 0; w < words_for(contests); ++w) {
      for_each(open_[top_][w], w, [&](Index k) {
        const Contest& contest = layer.contests()[static_cast<std::size_t>(k)];
        const Candidates in =
            layer.candidates(contest, known_.positive.data(), known_.negative.data());
        for (Index c = contest.first; c < contest.behind; ++c) {
          if (!layer.matters(c, in)) unknown_[top_][c >> 6] &= ~bit_of(c);
        }
        if (in.count() > 1) return;
        open_[top_][w] &= ~bit_of(k);
        if (in.first() <= 0) return;
        const Index c = layer.column_of(contest, in.first());
        fresh_[c >> 6] |= bit_of(c);
      });
    }
    std::copy_n(unknown_[top_], layer.words(), known_.unknown.data());
    return known_.unknown_columns(layer.words()) == 0 ? -1 : known_.first_unknown();
  }

  // Whether all units that a layer sees on the path's cell are zero at one of its vertices: each is
  // a plane of the vertex, or has no bias and sees nothing but such units itself.
  [[nodiscard]] bool sees_nothing(Index layer, const Vertex<D>& vertex) const {
    bool nothing = false;
    for (Index l = 0; l < layer; ++l) nothing = all_vanish(l, vertex, nothing);
    return nothing;
  }

  // The same of the units of layer l that the next one sees, where this one sees `nothing` itself.
  [[nodiscard]] bool all_vanish(Index l, const Vertex<D>& vertex, bool nothing) const {
    const LayerForms<D>& layer = forms(l);
    const ScaledLayer& scaled = layer.scaled();
    const auto is_zero = [](Word word) { return word == 0; };
    bool vanish = scaled.width == scaled.units && scaled.spread < kNever &&
                  std::all_of(scaled.leaky.begin(), scaled.leaky.end(), is_zero);
    const auto look = [&](Index j) {
      const auto& planes = vertex.plane;
      vanish =
          vanish && ((nothing && scaled.bias[j] == 0.0) ||
                     std::find(planes.begin(), planes.end(), first_unit_[l] + j) != planes.end());
    };
    for (Index w = 0; vanish && w < words_for(scaled.units); ++w)
      for_each(layer.active()[w], w, look);
    for (Index w = 0; vanish && w < layer.words(); ++w) {
      for_each(layer.settled[w], w, [&](Index c) { look(layer.neuron(c)); });
    }
    return vanish;
  }

  // Tell whether the sign of a column is proved at every vertex of a cell.
  [[nodiscard]] bool is_known(Polytope cell, Index column) const {
    for (Index v = cell.start; v < cell.start + cell.count; ++v) {
      const Word* signs = polytopes_.signs(v);
      if (!holds(signs, column) && !holds(signs + polytopes_.words(), column)) return false;
    }
    return true;
  }

  // Divide the top frame: the inactive side goes on in a frame above it, the active one waits.
  // Inside the prefix of the subtree only the prescribed side stays.
  void split(Frame& frame, Index column, Index unit, int side) {
    const LayerForms<D>& layer = forms(frame.layer);
    keep_terms(frame);
    const auto halves = polytopes_.divide(frame.cell, layer, column, unit, known_,
                                          frame.cell.start + frame.cell.count);
    frame.share *= 0.5;
    frame.pending = unit;
    frame.winner = kNoWinner;
    frame.cell = side < 0 ? halves.negative : halves.positive;
    if (side != 0) return;
    push_copy(layer);
    frame_[top_].cell = halves.negative;
  }

  void keep_terms(Frame& frame) {
    if (!has_terms(frame.layer)) return;
    add_fresh_terms(frame);
    sums_.keep(frame.sum, slots_below());
  }

  // Put a copy of the top frame above it.
  void push_copy(const LayerForms<D>& layer) {
    ++top_;
    frame_[top_] = frame_[top_ - 1];
    std::copy_n(unknown_[top_ - 1], layer.words(), unknown_[top_]);
    std::copy_n(open_[top_ - 1], words_for(static_cast<Index>(layer.contests().size())),
                open_[top_]);
  }

  // Divide the top frame among the numbers of a max that may win, three or more. The part of the
  // first one goes on in the frame on top, the others wait below. Inside the prefix of the subtree
  // only the prescribed winner's part stays.
  void divide_among(Frame& frame, const Contest& contest, const Candidates& in) {
    const LayerForms<D>& layer = forms(frame.layer);
    const Index first = first_unit_[frame.layer] + contest.max.first;
    const Index forced = forced_winner(first, contest.max);
    for (Index c = contest.first; c < contest.behind; ++c) {
      set_plane(layer, c, first_unit_[frame.layer] + layer.neuron(c), 1.0);
    }
    parts_.clear();
    const double share = frame.share / static_cast<double>(in.count());
    const double done = done_;
    Index place = frame.cell.start + frame.cell.count;
    for (Index j = in.last_before(contest.max.pieces); j != kNoWinner; j = in.last_before(j)) {
      if (forced != kNoWinner && forced != j) continue;
      const std::optional<Polytope> part = part_of(j, frame, contest, in, place);
      if (!part) {
        done_ = done;
        be_unsure(first);
        return;
      }
      if (part->count == 0) {
        done_ += share;
        continue;
      }
      place += part->count;
      parts_.emplace_back(j, *part);
    }
    if (parts_.empty()) {
      pop();
      return;
    }
    keep_terms(frame);
    frame.share = share;
    take_parts(layer, first);
    if (forced == kNoWinner) nodes_ += static_cast<Index>(parts_.size());
  }

  // Put the parts of the top frame's cell into frames, the last number's first.
  void take_parts(const LayerForms<D>& layer, Index first) {
    frame_[top_].pending = first;
    bool is_copy = false;
    for (const auto& [winner, cell] : parts_) {
      if (is_copy) push_copy(layer);
      frame_[top_].cell = cell;
      frame_[top_].winner = winner;
      is_copy = true;
    }
    take_sides(frame_[top_]);
  }

  // Cut the part of a frame's cell in which a number wins out of a copy at a place behind all that
  // is in use. Without vertices where it is empty; nothing where that is unsure.
  std::optional<Polytope> part_of(Index winner, const Frame& frame, const Contest& contest,
                                  const Candidates& in, Index place) {
    const LayerForms<D>& layer = forms(frame.layer);
    part_known_.take(known_, layer.words());
    Polytope part = frame.cell;
    Index end = place;
    for (Index c = contest.first; c < contest.behind; ++c) {
      const int wanted = layer.matters(c, in) ? layer.wanted(c, winner) : 0;
      if (wanted == 0) continue;
      if (!is_known(part, c)) {
        one_[c >> 6] = bit_of(c);
        look_closer(part, frame.layer, one_.data());
        one_[c >> 6] = 0;
      }
      if (!is_known(part, c)) return std::nullopt;
      const Signs sides = polytopes_.sides(part, c);
      if (sides.positive && sides.negative) {
        const Index unit = first_unit_[frame.layer] + layer.neuron(c);
        const auto halves = polytopes_.divide(part, layer, c, unit, part_known_, end);
        end = halves.negative.start + halves.negative.count;
        part = wanted > 0 ? halves.positive : halves.negative;
      } else if (sides.positive != (wanted > 0)) {
        return Polytope{place, 0};
      }
      part_known_.settle(c, wanted);
    }
    return polytopes_.copy(part, place, layer.words());
  }

  // Put the planes of a max on the sides that they have where its winner in a frame wins.
  void take_sides(const Frame& frame) {
    const LayerForms<D>& layer = forms(frame.layer);
    for (const Contest& contest : layer.contests()) {
      const Index first = first_unit_[frame.layer] + contest.max.first;
      if (first != frame.pending) continue;
      for (Index c = contest.first; c < contest.behind; ++c) {
        const int wanted = layer.wanted(c, frame.winner);
        const Index unit = first_unit_[frame.layer] + layer.neuron(c);
        if (wanted != 0) polytopes_.plane(unit).side = wanted;
      }
    }
  }

  // The sign that the prefix gives to a column which cuts; 0 beyond it.
  [[nodiscard]] int forced_side(Index l, Index column) const {
    const LayerForms<D>& layer = forms(l);
    const Contest* contest = layer.contest_of(column);
    if (contest == nullptr) return forced_[first_unit_[l] + layer.neuron(column)];
    const Index winner = forced_winner(first_unit_[l] + contest->max.first, contest->max);
    return winner == kNoWinner ? 0 : winner == layer.high(column) ? 1 : -1;
  }

  // The winner that the prefix gives to a max whose first unit has this number.
  [[nodiscard]] Index forced_winner(Index first, const MaxUnit& max) const {
    if (first >= prefix_) return kNoWinner;
    for (Index j = 1; j < max.pieces; ++j) {
      if (forced_[first + max.unit(0, j)] > 0) return j;
    }
    return 0;
  }

  void check_prefix(Index length) const {
    for (Index l = 0; l < depth_; ++l) {
      for (const MaxUnit& max : (*network_)[l].maxima) {
        const Index first = first_unit_[l] + max.first;
        if (first < length && length < first + max.units()) {
          throw std::invalid_argument("a prefix that ends within a max");
        }
      }
    }
  }

  // The first unit that is decided together with a column's, within the layer, and the one behind.
  [[nodiscard]] Index first_of(const LayerForms<D>& layer, Index column) const {
    const Contest* contest = layer.contest_of(column);
    return contest == nullptr ? layer.neuron(column) : contest->max.first;
  }
  [[nodiscard]] Index decided_behind(const Frame& frame) const {
    const Index first = first_unit_[frame.layer];
    const ScaledLayer& layer = (*network_)[frame.layer];
    const Index m = layer.max_of[frame.pending - first];
    if (m < 0) return frame.pending + 1;
    const MaxUnit& max = layer.maxima[static_cast<std::size_t>(m)];
    return first + max.first + max.units();
  }

  // Add the terms of the columns whose signs the last visit has proved.
  void add_fresh_terms(Frame& frame) {
    const LayerForms<D>& layer = forms(frame.layer);
    for (Index w = 0; w < layer.words(); ++w) {
      for_each(fresh_[w], w, [&](Index c) {
        const bool leaks = holds(layer.leaky(), c) && !holds(known_.positive.data(), c);
        sums_.add(frame.sum, layer, layer.neuron(c), !leaks);
      });
    }
  }

  // All units of the layer are decided on the top frame: go on to the next, or count the cell.
  void leave(Frame& frame) {
    const Index l = frame.layer;
    LayerForms<D>& layer = forms(l);
    layer.pass_on(known_.positive.data(), known_.negative.data(), layer.settled.data());
    if (!fits_prefix(l)) {
      pop();
      return;
    }
    if (with_rows_) ranks_.prove(l, layer);
    if (is_last(l) && with_rows_ && !add_row(frame.cell)) {
      be_unsure(first_unit_[depth_]);
      return;
    }
    if (l >= counted_) ++layer_cells_[l];
    if (is_last(l)) {
      ++cells_;
      done_ += frame.share;
      pop();
    } else {
      if (has_terms(l)) add_fresh_terms(frame);
      ++frame.layer;
      frame.entering = true;
    }
  }

  // Tell whether the signs of a whole layer, which the path has left, are those of the prefix.
  [[nodiscard]] bool fits_prefix(Index l) const {
    const Index first = first_unit_[l], end = std::min(first_unit_[l + 1], prefix_);
    if (end <= first) return true;
    const std::vector<std::uint8_t> signs = signs_of(l, forms(l).settled.data());
    for (Index k = first; k < end; ++k) {
      if ((forced_[k] > 0) != (signs[static_cast<std::size_t>(k - first)] != 0)) return false;
    }
    return true;
  }

  // Write a row for the path, which is at a cell; false where no witness is proved.
  bool add_row(Polytope cell) {
    const std::optional<Point<D>> point = inner_point(polytopes_, cell);
    if (!point) return false;
    std::copy_n(point->begin(), network_->inputs(), rows_.witness());
    std::uint8_t* signs = rows_.signs();
    std::copy(base_.begin(), base_.end(), signs);
    for (Index l = 0; l < depth_; ++l) {
      const LayerForms<D>& layer = forms(l);
      int active = base_active_[l];
      for (Index w = 0; w < layer.words(); ++w) {
        active += std::popcount(layer.settled[w]);
        for_each(layer.settled[w], w, [&](Index c) { set_bit(signs, l, layer.neuron(c)); });
      }
      rows_.active()[l] = static_cast<std::uint16_t>(active);
      rows_.rank()[l] = ranks_[l];
    }
    rows_.add();
    return true;
  }

  void set_bit(std::uint8_t* signs, Index layer, Index j) const {
    std::uint8_t& byte = signs[first_byte_[layer] + (j >> 3)];
    byte = static_cast<std::uint8_t>(byte | 128 >> (j & 7));
  }

  // Pack the signs of a layer but for its columns.
  void pack_base(Index l) {
    std::fill(base_.data() + first_byte_[l], base_.data() + first_byte_[l + 1], std::uint8_t{0});
    base_active_[l] = 0;
    for (Index w = 0; w < words_for((*network_)[l].units); ++w) {
      base_active_[l] += std::popcount(forms(l).active()[w]);
      for_each(forms(l).active()[w], w, [&](Index j) { set_bit(base_.data(), l, j); });
    }
  }

  void be_unsure(Index decided) {
    unsure_ = true;
    decided_ = decided;
  }

  // Go back to the active side, or the winner's part, that waits below the top frame, if any does.
  void pop() {
    if (--top_ < 0) return;
    const Frame& frame = frame_[top_];
    frame.winner == kNoWinner ? void(polytopes_.plane(frame.pending).side = 1.0)
                              : take_sides(frame);
  }

  // Return the subtree of frame t, which is known by its first `decided` signs.
  [[nodiscard]] VertexSubtree rest_of(Index t, Index decided) const {
    const Index counted = std::max(frame_[t].layer, counted_);
    VertexSubtree subtree{{}, counted};
    if (decided < prefix_) {  // the walk has not come to its root yet
      for (Index k = 0; k < prefix_; ++k) subtree.prefix.push_back(forced_[k] > 0);
      return subtree;
    }
    for (Index l = 0; l <= frame_[t].layer; ++l) {
      const bool here = l == frame_[t].layer;
      if (here && frame_[t].entering) break;
      const std::vector<Word> passed = here ? passed_on(frame_[t]) : std::vector<Word>{};
      const auto signs = signs_of(l, here ? passed.data() : forms(l).settled.data());
      subtree.prefix.insert(subtree.prefix.end(), signs.begin(), signs.end());
    }
    subtree.prefix.resize(static_cast<std::size_t>(decided));
    return subtree;
  }

  // Return how many units from the first on are decided on the top frame.
  [[nodiscard]] Index decided_on_top() const {
    const Frame& frame = frame_[top_];
    if (unsure_) return decided_;
    if (frame.entering) return first_unit_[frame.layer];
    const LayerForms<D>& layer = forms(frame.layer);
    const CellSigns signs = signs_on(frame.cell, layer.words());
    const Word *positive = signs.positive.data(), *negative = signs.negative.data();
    for (Index c = 0; c < layer.columns(); ++c) {
      const Contest* contest = layer.contest_of(c);
      const bool decided = contest != nullptr
                               ? layer.candidates(*contest, positive, negative).count() == 1
                               : holds(positive, c) || holds(negative, c);
      if (!decided) return first_unit_[frame.layer] + first_of(layer, c);
    }
    return first_unit_[frame.layer + 1];
  }

  // Return the columns that are positive at every vertex of a cell, and those that are negative.
  [[nodiscard]] CellSigns signs_on(Polytope cell, Index words) const {
    CellSigns signs(words);
    for (Index w = 0; w < words; ++w) {
      Word plus = ~Word{0}, minus = ~Word{0};
      for (Index v = cell.start; v < cell.start + cell.count; ++v) {
        plus &= polytopes_.signs(v)[w];
        minus &= polytopes_.signs(v)[polytopes_.words() + w];
      }
      signs.positive[w] = plus & ~minus;
      signs.negative[w] = minus;
    }
    return signs;
  }

  // Return the columns that pass on what they are where they are positive, as far as it is known.
  [[nodiscard]] std::vector<Word> passed_on(const Frame& frame) const {
    const LayerForms<D>& layer = forms(frame.layer);
    const CellSigns signs = signs_on(frame.cell, layer.words());
    std::vector<Word> passed(static_cast<std::size_t>(layer.words()));
    layer.pass_on(signs.positive.data(), signs.negative.data(), passed.data());
    return passed;
  }

  // Return the signs (0 or 1) of a layer's units, where those of the columns are `positive`.
  [[nodiscard]] std::vector<std::uint8_t> signs_of(Index l, const Word* positive) const {
    const LayerForms<D>& layer = forms(l);
    std::vector<std::uint8_t> signs(static_cast<std::size_t>((*network_)[l].units));
    const auto set = [&](Index j) { signs[static_cast<std::size_t>(j)] = 1; };
    for (Index w = 0; w < words_for((*network_)[l].units); ++w) for_each(layer.active()[w], w, set);
    for (Index c = 0; c < layer.columns(); ++c) {
      if (holds(positive, c)) set(layer.neuron(c));
    }
    return signs;
  }

  const VertexNetwork* network_;
  Index depth_;
  Array<Index> first_unit_;  // of each layer, and behind the last
  Array<Index> first_byte_;
  Index widest_;  // the most units of a layer

  CellSigns known_;       // what the last visit found
  CellSigns part_known_;  // the same of a part that is being cut out
  Array<Word> one_;       // no columns, but for a moment one
  Array<Word> fresh_;     // of these, the columns that pass something on and were not known before
  Polytopes<D> polytopes_;
  std::vector<LayerForms<D>> forms_;                // of each layer on the path
  std::vector<std::unique_ptr<Gather<D>>> gather_;  // of the layers that are gathered
  Sums<D> sums_;
  VertexRanks<D> ranks_;
  Array<Frame> frame_;
  Index top_ = -1;
  Matrix<Word> unknown_;  // of each frame, the columns that are not known to have one sign
  Matrix<Word> open_;     // and the contests that have no winner
  // The parts of a cell, each with its winner, while it is divided among the numbers of a max.
  std::vector<std::pair<Index, Polytope>> parts_;

  Array<std::int8_t> forced_;  // the signs of the prefix (+1 or -1), 0 beyond it
  Index prefix_ = 0;           // its length
  Index counted_ = 0;
  bool unsure_ = false;
  Index decided_ = 0;  // how many signs of the unsure cell are known

  Index limit_ = 0;  // of nodes_
  Index nodes_ = 0, cells_ = 0, proved_ = 0, touching_ = 0;
  Array<Index> layer_cells_;
  double done_ = 0.0;
  Array<std::uint8_t> base_;         // the sign bytes with all columns inactive
  Array<std::int32_t> base_active_;  // active units of each layer but for the columns
  bool with_rows_;
  CellRows rows_;
};

}  // namespace nnce
