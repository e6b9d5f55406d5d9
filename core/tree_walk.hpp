// The walk: depth-first through the tree of layer-k cells, inactive sides first.
//
// `LayerWise-NNCE` of Drammis et al. (arXiv 2403.00860, section 3) with the incremental enumeration
// of Rada & Černý (2018, "A new algorithm for enumeration of cells of hyperplane arrangements and a
// comparison with Avis and Fukuda's reverse search") inside each layer-k cell. One frame of the
// stack is one dictionary; memory grows with the depth, not with the cells.
#pragma once

#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

#include "array.hpp"
#include "basis_proof.hpp"
#include "cells.hpp"
#include "decision_log.hpp"
#include "exact_basis.hpp"
#include "far/far_box.hpp"
#include "far/simplex.hpp"
#include "fine/answers.hpp"
#include "frame.hpp"
#include "image/search.hpp"
#include "layer_rows.hpp"
#include "network.hpp"
#include "nogoods.hpp"
#include "path.hpp"
#include "proofs.hpp"
#include "screen.hpp"
#include "simplex.hpp"
#include "stop.hpp"
#include "winners.hpp"
#include "witness.hpp"
#include "zero_test.hpp"

namespace nnce {

// What is known of a unit on a cell, or of a leaf.
enum class Answer : std::uint8_t { kNone, kPositive, kNegative, kZero, kCuts, kExists, kEmpty };

// What a walk is asked for.
struct WalkOptions {
  bool rows = true;     // write rows, or only count
  bool witness = true;  // rows have a witness
  bool certify = true;  // prove every decision
  bool log = false;     // keep the decisions, for a certificate
};

// A dictionary that exact arithmetic found, rounded: what a frame consists of.
struct GivenFrame {
  const double* value;           // (rows, 1 + d) the constant first; the free rows first
  const std::int32_t* row;       // (rows - free) the variables of the constraints
  const std::int32_t* column;    // (d)
  const std::uint8_t* at_upper;  // (d)
  Index rows;
};

class TreeWalk {
 public:
  // `image` is null where the walk works on the inputs themselves. Both must outlive the walk.
  TreeWalk(const Network& net, const Zonotope* image, WalkOptions options)
      : net_(net),
        options_(options),
        path_(net),
        frames_(net),
        far_(image == nullptr && FarBox::suits(net)
                 ? std::make_unique<FarBox>(net, path_, frames_.capacity())
                 : nullptr),
        simplex_(far_ ? make_far_simplex(net, path_, frames_.capacity(), far_->moves())
                      : make_simplex(net, path_, frames_.capacity())),
        evidence_(frames_.capacity()),
        rows_(net, path_),
        screen_(net, path_, frames_.capacity()),
        nogoods_(net),
        winners_(net),
        forward_(net),
        witness_(net, path_, frames_.capacity()),
        exact_(net, path_),
        inputs_(image != nullptr ? image->m : net.d()),
        cells_(net, options.rows, options.witness ? inputs_ : 0),
        log_(net, options.log),
        forced_(net.units()),
        cuts_(padded(net.most_units())),
        clear_(far_ ? 0.0 : kClear),
        is_careful_(FarMoves::has_tiny_biases(net)) {
    if (image != nullptr && image->d != net.d()) {
      throw std::invalid_argument("the image has another dimension than the network's inputs");
    }
    if (options.log && net.maxima() > 0) {
      throw std::invalid_argument("certificates do not know units with a winner");
    }
    if (net.is_partly_linear() || far_) {
      basis_ = std::make_unique<BasisProof>(net, path_, far_ != nullptr);
    }
    if (image != nullptr) search_ = std::make_unique<ImageSearch>(*image, net.units());
    begin(nullptr, 0, 0);
  }
  virtual ~TreeWalk() = default;
  TreeWalk(const TreeWalk&) = delete;
  TreeWalk& operator=(const TreeWalk&) = delete;

  // Begin the walk of the subtree below a prefix: the bits of the first units. For the first
  // `counted` layers another walk counts the layer-k cell on the way. All before is forgotten.
  void begin(const std::uint8_t* prefix, Index length, Index counted) {
    if (length > net_.units() || counted < 0 || counted > net_.depth()) {
      throw std::invalid_argument("a prefix is longer than the network");
    }
    winners_.begin(prefix, length);
    path_.begin();
    cells_.begin();
    log_.clear();
    exact_.begin();
    if (fine_) fine_->begin();
    if (basis_) basis_->begin();
    if (search_) search_->begin();
    forced_.fill(0);
    for (Index k = 0; k < length; ++k) {
      if (net_.max_of(k) == Network::kNoMax) forced_[k] = prefix[k] != 0 ? 1 : -1;
    }
    prefix_ = length;
    counted_before_ = counted;
    begin_at_corner(net_, frames_[0]);
    top_ = 0;
    answer_ = Answer::kNone;
    nothing_behind_ = kNoLimit;
    asks_ = false;
    moved_ = false;
    choice_ = {};
    nodes_ = proofs_ = by_structure_ = witnesses_ = rebuilds_ = 0;
    fine_proofs_ = fine_witnesses_ = 0;
    simplex_->linear_programs = simplex_->pivots = 0;
  }

  // Walk on for at most so many nodes, and about 50 ms; every state in between is kept, so that the
  // next call goes on where this one stopped.
  Stop advance(Index nodes) {
    const Index limit = nodes > kNoLimit - nodes_ ? kNoLimit : nodes_ + nodes;
    const auto end = Clock::now() + kLongest;
    asks_ = false;
    for (Index steps = 1; nodes_ < limit; ++steps) {
      if (top_ < 0) return Stop::kDone;
      if (steps % kStepsPerLook == 0 && Clock::now() >= end) return Stop::kPaused;
      if (const std::optional<Stop> stop = is_nothing(top_) ? leave_nothing(top_) : step(top_)) {
        asks_ = *stop == Stop::kUnsure;
        if (asks_ && answer_finely(top())) {
          if (Clock::now() >= end) return Stop::kPaused;
          continue;
        }
        if (*stop != Stop::kDone) return *stop;
        top_ = -1;
      }
    }
    return top_ < 0 ? Stop::kDone : Stop::kPaused;
  }

  // Answer the question for which the walk stopped. Where a unit does not cut the cell, with the
  // basis that proves it: `count` slacks, then as many basic inputs.
  void answer_constant(Answer answer, const std::int32_t* basis, Index count) {
    require(asks_ && top().phase != Phase::kLeaf);
    if (count < 0 || count > net_.d()) throw std::invalid_argument("a basis is too large");
    log_.note_basis(basis, count);
    take_down(answer);
  }

  // The unit cuts: at the root of a layer-k cell nothing more is needed.
  void answer_cuts() {
    require(asks_ && top().phase == Phase::kRootTests);
    take_down(Answer::kCuts);
  }

  // The unit cuts, and these are dictionaries at vertices on its positive and its negative side.
  void answer_cuts(const GivenFrame& high, const GivenFrame& low) {
    require(asks_ && top().phase == Phase::kNode);
    check(high);
    check(low);
    simplex_->copy(frames_[top_], frames_[top_ + 1]);
    take(high, frames_[top_]);
    take(low, frames_[top_ + 1]);
    take_down(Answer::kCuts);
  }

  // A witness of the leaf, on the inputs; by exact arithmetic or by floats.
  void answer_leaf(const double* witness, bool exactly) {
    require(asks_ && top().phase == Phase::kLeaf);
    double* point = search_ ? search_->x() : witness_.point();
    for (Index i = 0; i < inputs(); ++i) point[i] = witness[i];
    witnesses_ += exactly ? 0 : 1;
    take_down(Answer::kExists);
  }

  // The cell in hand has no interior: rounding let it in. Nor has any whose path begins with the
  // same `splits` splits, so that the walk leaves all of them at once.
  void answer_nothing(Index splits) {
    require(asks_);
    if (splits < 0 || splits > top().splits) throw std::invalid_argument("no such split");
    asks_ = false;
    moved_ = false;
    nothing_behind_ = splits;
    nothing_here_ = true;
  }

  // The row of the unit that is asked about, and what there is to read of the walk.
  [[nodiscard]] Index asked_row() {
    return top().phase == Phase::kRootTests ? top().cursor : top().free - 1;
  }
  [[nodiscard]] Frame& frame(Index t) {
    if (t < 0 || t > top_) throw std::out_of_range("no such frame");
    return frames_[t];
  }
  [[nodiscard]] Index top_index() const { return top_; }
  [[nodiscard]] bool is_done() const { return top_ < 0; }
  [[nodiscard]] const Path& path() const { return path_; }
  [[nodiscard]] const Network& network() const { return net_; }
  [[nodiscard]] const Cells& cells() const { return cells_; }
  [[nodiscard]] const DecisionLog& log() const { return log_; }
  [[nodiscard]] const Nogoods& nogoods() const { return nogoods_; }
  [[nodiscard]] ImageSearch* search() { return search_.get(); }
  [[nodiscard]] Index nodes() const { return nodes_; }
  // Decisions that a unit does not cut a cell, and those of them that rest on a form that is zero
  // or that of another unit, on the cell being a cone, and on elimination in integers.
  [[nodiscard]] Index proofs() const { return proofs_; }
  [[nodiscard]] Index by_structure() const { return by_structure_; }
  [[nodiscard]] Index cone_proofs() const { return basis_ ? basis_->proofs() : 0; }
  [[nodiscard]] Index integer_proofs() const { return exact_.proofs(); }
  // Decisions, and witnesses, that took 106 bits.
  [[nodiscard]] Index fine_proofs() const { return fine_proofs_; }
  [[nodiscard]] Index fine_witnesses() const { return fine_witnesses_; }
  [[nodiscard]] Index witnesses() const { return witnesses_; }
  [[nodiscard]] Index rebuilds() const { return rebuilds_; }
  [[nodiscard]] Index linear_programs() const { return simplex_->linear_programs; }
  [[nodiscard]] Index pivots() const { return simplex_->pivots; }
  // The number of coordinates of a witness.
  [[nodiscard]] Index inputs() const { return inputs_; }

  // Forget the rows and decisions that were taken.
  void clear() {
    cells_.clear_rows();
    log_.clear();
  }

  // The slacks of the path to frame t.
  [[nodiscard]] Slacks slacks(Index t) {
    return Slacks{.count = frame(t).splits,
                  .unit = path_.split_unit.data(),
                  .sign = path_.sign.data(),
                  .form = path_.form(0),
                  .stride = path_.form_stride(),
                  .form_size = path_.form_size.data(),
                  .form_error = path_.form_error.data(),
                  .version = path_.pullbacks()};
  }

  // Put the path on what waits in frame t, below the top one, and back again.
  void turn_to(Index t) {
    signs_before_ = path_.signs();
    if (0 <= t && t < top_) resume(t);
  }
  void turn_back() {
    if (!signs_before_.sign.empty()) path_.take(signs_before_);
    signs_before_ = {};
  }

  // Whether the parts of a cell with each winner of a max are being looked for: then the walk can't
  // say what is left of it.
  [[nodiscard]] bool is_choosing() const { return choice_.unit >= 0; }

  // Tell whether the cell that frame t goes on with, to which the path leads, has an interior.
  Answer interior(Index t) {
    Frame& f = frame(t);
    if (!search_) {
      witness_.inner_point(f, *simplex_);
      const bool inside = nnce::is_inside(net_, path_, f.splits, witness_.point());
      return inside ? Answer::kExists : Answer::kNone;
    }
    witness_.mean_of_vertices(f, *simplex_);
    return settle(t, false);
  }

  // The bits of the units that are decided where frame t goes on.
  [[nodiscard]] std::vector<std::uint8_t> prefix(Index t) {
    const Frame& f = frame(t);
    const Index next = t < top_ ? f.pending : next_unit(f);
    const Index m = next < net_.units() ? net_.max_of(next) : Network::kNoMax;
    const Index end = m == Network::kNoMax ? next : net_.max(m).first;
    std::vector<std::uint8_t> bits;
    for (Index k = 0; k < end; ++k) {
      bits.push_back(path_.sign[k] > 0 && !net_.is_comparison(k) ? 1 : 0);
    }
    if (t < top_ && m == Network::kNoMax) bits.push_back(1);
    if (t < top_ && m != Network::kNoMax) {
      winners_.append_bits(m, f.winner != kNoWinner ? f.winner : winners_.high(next), bits);
    }
    return bits;
  }
  // How many layers were entered on the way to frame t.
  [[nodiscard]] Index entered(Index t) {
    const Frame& f = frame(t);
    return f.layer - (f.phase == Phase::kNewLayer ? 1 : 0);
  }

 protected:
  using Clock = std::chrono::steady_clock;
  static constexpr Index kNoLimit = Index{1} << 62;
  static constexpr Index kStepsPerLook = 64;
  static constexpr std::chrono::milliseconds kLongest{50};

  Frame& top() { return frames_[top_]; }

  // Take one step in frame t, the top one; return why the walk has to stop, if it does. Done: the
  // forced prefix has no cell.
  virtual std::optional<Stop> step(Index t) {
    switch (frames_[t].phase) {
      case Phase::kNode: return visit_node(t);
      case Phase::kLeaf: return visit_leaf(t);
      case Phase::kRootTests: return root_tests(t);
      default: return enter_layer(t);
    }
  }

  // Whether frame t, the top one, goes on with a cell that is known to have no interior: the one
  // that was asked about, or the active side of a split below which it stood.
  bool is_nothing(Index t) {
    if (nothing_behind_ == kNoLimit) return false;
    if (nothing_here_ || frames_[t].shared >= nothing_behind_) return true;
    nothing_behind_ = kNoLimit;
    return false;
  }

  // Leave the cell of frame t, which has no interior.
  virtual std::optional<Stop> leave_nothing(Index t) {
    if (log_.is_full()) return Stop::kRowsFull;
    nothing_here_ = false;
    log_.mute(false);
    log_.add(0, Decision::kIsEmpty, false);
    if (is_choosing()) {
      drop_part(t);
      return std::nullopt;
    }
    cells_.share += frames_[t].share;
    pop();
    return std::nullopt;
  }

  // Bring the units of the next layer into frame t.
  std::optional<Stop> enter_layer(Index t) {
    Frame& f = frames_[t];
    if (rows_.drifted(f)) {
      rows_.rebuild(f);
      rebuilds_ += 1;
    }
    path_.pull_back(f.layer);
    rows_.add(f, f.layer, log_.is_kept());  // certificates have a basis for each decision
    if (far_) far_->moves().write_constants(f);
    log_.mute(net_.offset(f.layer) < prefix_);
    // A proof that is written down rests on a basis, which these bounds do not give.
    if (f.layer > 0 && !log_.is_kept() && !far_ && !settle_far_units(f)) return Stop::kDone;
    evidence_.begin(f);
    f.cursor = 0;
    f.phase = Phase::kRootTests;
    if (f.layer > 0) cells_.begin_layer_cell(f.layer - 1, f.layer <= counted_before_);
    return std::nullopt;
  }

  // Decide every unit of the layer at its root; keep the rows of those that cut.
  //
  // The evidence of all vertices seen decides most of the cuts without a linear program.
  std::optional<Stop> root_tests(Index t) {
    Frame& f = frames_[t];
    for (; f.cursor < f.free; ++f.cursor) {
      if (log_.is_full()) return Stop::kRowsFull;
      const Index unit = f.row[f.cursor] - net_.d();
      Answer answer = take_answer();
      if (answer == Answer::kNone) {
        answer = decide_at_root(f, f.cursor, unit);
        if (answer == Answer::kNone) return Stop::kUnsure;
        proofs_ += answer == Answer::kCuts ? 0 : 1;
      }
      path_.set(unit, 0);
      if (answer == Answer::kCuts) continue;
      settle_unit(unit, answer);
      if (is_against_prefix(unit)) return Stop::kDone;
    }
    for (Index r = 0; r < f.free; ++r) cuts_[r] = path_.sign[f.row[r] - net_.d()] == 0 ? 1 : 0;
    if (winners_.are_in(f.layer) && !winners_.look(path_, f, cuts_, forced_)) return Stop::kDone;
    rows_.drop(f, cuts_);
    nogoods_.forget(f);
    f.phase = Phase::kNode;
    return std::nullopt;
  }

  // Decide the next unit of frame t and act on it.
  std::optional<Stop> visit_node(Index t) {
    Frame* f = &frames_[t];
    if (is_choosing()) return look_at_part(t);
    if (f->free == 0) {
      leave_node(*f);
      return std::nullopt;
    }
    if (log_.is_full()) return Stop::kRowsFull;
    const Index row = f->free - 1, unit = f->row[row] - net_.d();
    if (winners_.is_choice(unit)) {
      begin_choice(t, unit);
      return std::nullopt;
    }
    const Answer answer = answer_or_decide(t, row, unit);
    if (answer == Answer::kNone) return Stop::kUnsure;
    f = &frames_[t];
    log_.mute(forced_[unit] != 0);
    nodes_ += forced_[unit] == 0 ? 1 : 0;  // finding the way to a subtree's root is not charged
    if (answer == Answer::kCuts) {
      moved_ = false;
      split(t, unit);
      return std::nullopt;
    }
    if (moved_) frames_.swap(t, t + 1);
    moved_ = false;
    f = &frames_[t];
    settle_unit(unit, answer);
    winners_.note(path_, unit);
    nogoods_.know(*f, unit, answer == Answer::kZero ? 0 : path_.sign[unit]);
    f->drop_last_free_row();
    if (is_against_prefix(unit)) return Stop::kDone;
    return std::nullopt;
  }

  // Prove that the cell of frame t exists by a witness; count it and write its row.
  std::optional<Stop> visit_leaf(Index t) {
    if (log_.is_full() || cells_.is_full()) return Stop::kRowsFull;
    Answer answer = take_answer();
    if (answer == Answer::kNone) answer = look_at_leaf(t);
    if (answer == Answer::kNone) return Stop::kUnsure;
    log_.mute(false);
    const bool exists = answer != Answer::kEmpty;
    log_.add(0, exists ? Decision::kIsCell : Decision::kIsEmpty, false);
    cells_.share += frames_[t].share;
    if (exists) {
      found_cell(t);
      cells_.add(search_ ? search_->x() : witness_.point());
    }
    pop();
    return std::nullopt;
  }

  // Tell whether the cell of the path to frame t has an image of the inside of the inputs' box.
  Answer settle(Index t, bool wants_input) {
    switch (search_->settle(slacks(t), witness_.point(), wants_input)) {
      case Preimage::kExists: return Answer::kExists;
      case Preimage::kEmpty: return Answer::kEmpty;
      default: return Answer::kNone;
    }
  }

  // Go back to what waits below the top frame, if there is anything.
  void pop() {
    top_ -= 1;
    if (top_ >= 0) resume(top_);
  }

  // Put the path on what waits in frame t: the active side of a unit, or a max's winner.
  void resume(Index t) {
    Frame& f = frames_[t];
    if (f.winner != kNoWinner) {
      winners_.take(path_, net_.max_of(f.pending), f.winner, &f);
      return;
    }
    path_.choose(f.pending, 1);
    winners_.note(path_, f.pending);
  }

  // The cell of frame t, the top one, exists: `witness_` has a point inside, if it is asked for.
  virtual void found_cell(Index /*t*/) {}

  // The parts of a cell are frames first … last now, one for each winner of the max of a unit.
  virtual void divided(Index /*first*/, Index /*last*/, Index /*unit*/) {}

  const Network& net_;
  WalkOptions options_;
  Path path_;
  Frames frames_;
  std::unique_ptr<FarBox> far_;  // where the box is far larger than what is in it
  std::unique_ptr<Simplex> simplex_;
  Evidence evidence_;
  LayerRows rows_;
  Screen screen_;
  Nogoods nogoods_;
  Winners winners_;
  ForwardPass forward_;
  Witness witness_;
  ExactBasis exact_;
  std::unique_ptr<BasisProof> basis_;  // where a layer has no biases, or the box is far
  std::unique_ptr<FineAnswers> fine_;  // these two are made when first asked
  std::unique_ptr<ZeroTest> zero_test_;
  std::unique_ptr<ImageSearch> search_;
  Index inputs_;
  Cells cells_;
  DecisionLog log_;
  Array<std::int8_t> forced_;  // (N) the signs of the subtree's prefix, 0 beyond it
  Array<std::uint8_t> cuts_;
  double clear_;      // constants of frames beyond this are clearly on their side
  bool is_careful_;   // cuts are proved where their vertex is in doubt
  Index prefix_ = 0;  // how many
  Index counted_before_ = 0;
  Index top_ = -1;
  bool asks_ = false;  // the walk stopped with a question, which is not answered
  Answer answer_ = Answer::kNone;
  Index nothing_behind_ = kNoLimit;  // paths that begin with so many splits of the last one that
                                     // was asked about lead to nothing
  bool nothing_here_ = false;        // and that one itself is still the top frame's
  // The winners of a max whose parts of a cell are being looked for, from the last one on.
  struct Choice {
    Index unit = -1;   // one of the max's; -1 where there is no choice
    Index winner = 0;  // the one whose part is in the top frame
    Index first = 0;   // the frame that the cell was in: the parts go there, one behind the other
    Index base = 0;    // the frame that the cell is in
    Index splits = 0;  // of the cell
  };
  Choice choice_;
  Path::Signs signs_before_;
  bool moved_ = false;  // frame top + 1 is what the top frame was before its unit was asked about
  Index nodes_ = 0, proofs_ = 0, by_structure_ = 0, witnesses_ = 0, rebuilds_ = 0;
  Index fine_proofs_ = 0, fine_witnesses_ = 0;

 private:
  static void require(bool asked) {
    if (!asked) throw std::invalid_argument("the walk has not asked that");
  }

  // Answer the question about a frame, the top one, with 106 bits, if they are enough.
  __attribute__((noinline)) bool answer_finely(const Frame& f) {
    const bool is_leaf = f.phase == Phase::kLeaf;
    if (is_leaf && search_) return false;  // it is about inputs
    if (!fine_) fine_ = std::make_unique<FineAnswers>(net_, path_);
    const FineAnswer answer =
        is_leaf ? fine_->look_at_leaf(f) : fine_->decide(f, f.row[asked_row()] - net_.d());
    if (answer == FineAnswer::kNone) return false;
    if (answer == FineAnswer::kNothing) {
      answer_nothing(fine_->splits_to_nothing());
      return true;
    }
    (is_leaf ? fine_witnesses_ : fine_proofs_) += 1;
    if (is_leaf) {
      answer_leaf(fine_->point(), true);
    } else if (answer != FineAnswer::kCuts) {
      const std::vector<std::int32_t> basis = fine_->basis();
      answer_constant(answer == FineAnswer::kPositive ? Answer::kPositive : Answer::kNegative,
                      basis.data(), static_cast<Index>(basis.size()) / 2);
    } else if (f.phase == Phase::kRootTests) {
      answer_cuts();
    } else {
      const RoundedFrame high = fine_->high(f), low = fine_->low(f);
      answer_cuts(given(high), given(low));
    }
    return true;
  }

  [[nodiscard]] GivenFrame given(const RoundedFrame& rounded) const {
    return {rounded.value.data(), rounded.row.data(), rounded.column.data(),
            rounded.at_upper.data(), static_cast<Index>(rounded.value.size()) / (net_.d() + 1)};
  }

  void take_down(Answer answer) {
    answer_ = answer;
    asks_ = false;
  }

  Answer take_answer() {
    const Answer answer = answer_;
    answer_ = Answer::kNone;
    return answer;
  }

  [[nodiscard]] bool is_against_prefix(Index unit) const {
    return net_.max_of(unit) == Network::kNoMax && forced_[unit] * path_.sign[unit] < 0;
  }

  // Record that a unit does not cut the cell: it is positive, negative or zero there.
  void settle_unit(Index unit, Answer answer) {
    answer == Answer::kZero ? path_.set_zero(unit)
                            : path_.set(unit, answer == Answer::kPositive ? 1 : -1);
    if (!log_.is_kept()) count_followers(unit);
    if (answer == Answer::kZero) {
      log_.add(unit, Decision::kIsZero, false);
    } else {
      const bool active = answer == Answer::kPositive;
      log_.add(unit, active ? Decision::kIsActive : Decision::kIsInactive, true);
    }
  }

  void count_followers(Index unit) {
    const Twins& twins = path_.twins();
    for (Index k = twins.next(unit); k != Twins::kNobody; k = twins.next(k)) {
      proofs_ += 1;
      by_structure_ += 1;
    }
  }

  // Decide the units that cheap bounds show not to cut; drop their rows. False where that is
  // against the forced prefix.
  bool settle_far_units(Frame& f) {
    bool possible = true;
    screen_.look(f);
    for (Index r = 0; r < f.free; ++r) {
      const int sign = screen_.answer(r);
      cuts_[r] = sign == 0 ? 1 : 0;
      if (sign == 0) continue;
      const Index unit = f.row[r] - net_.d();
      settle_unit(unit, sign > 0 ? Answer::kPositive : Answer::kNegative);
      possible = possible && !is_against_prefix(unit);
      proofs_ += 1;
    }
    rows_.drop(f, cuts_);
    return possible;
  }

  // Take a sign that a descent found, where it can be proved; it is `known` where a vertex had it.
  Answer prove(const Frame& f, Index unit, Index row, double side, bool known) {
    const bool trusted = known && (!options_.certify || simplex_->holds(f, unit, row, side));
    if (!trusted && !is_exactly(f, unit, row, side)) return Answer::kNone;
    log_.note_basis(f);
    return side > 0.0 ? Answer::kPositive : Answer::kNegative;
  }

  // Prove a sign where the hyperplane touches the cell.
  bool is_exactly(const Frame& f, Index unit, Index row, double side) {
    return (basis_ && basis_->holds(f, unit, row, side)) || exact_.holds(f, unit, row, side);
  }

  // Prove that a unit is zero on the path's cell, though its form has more bits than float64.
  __attribute__((noinline)) bool is_zero(Index unit) {
    if (!zero_test_) zero_test_ = std::make_unique<ZeroTest>(net_, path_);
    const bool found = zero_test_->vanishes(unit);
    by_structure_ += found ? 1 : 0;
    return found;
  }

  // Decide whether the unit of a free row cuts the cell of a frame, at the root of its layer.
  //
  // Vertices on either side, of all that were seen, show that it cuts; a proof that it does not.
  // The frame may move on. None: unsure.
  Answer decide_at_root(Frame& f, Index row, Index unit) {
    if (path_.vanishes(unit) || exact_.vanishes(unit)) {
      by_structure_ += 1;
      return Answer::kZero;
    }
    if (path_.may_vanish(unit)) return is_zero(unit) ? Answer::kZero : Answer::kNone;
    for (int attempt = 0; attempt < 2; ++attempt) {
      const bool positive = evidence_.highest(row) > clear_;
      const bool negative = evidence_.lowest(row) < -clear_;
      if (positive && negative) return Answer::kCuts;
      const bool known = positive || negative;
      const double side = positive ? 1.0 : -1.0;  // look for the other side
      const Entering first = simplex_->entering(f, row, side);
      Ended ended = Ended::kOptimal;
      if (first.column >= 0 && !(first.bound > kClear)) {
        ended = simplex_->descend(f, row, side, first, &evidence_);
      }
      if (ended != Ended::kCrossed) {
        return ended == Ended::kOptimal ? prove(f, unit, row, side, known) : Answer::kNone;
      }
      if (known) return Answer::kCuts;
    }
    return Answer::kNone;
  }

  // What was answered about the next unit of frame t, or what is decided of it now.
  Answer answer_or_decide(Index t, Index row, Index unit) {
    Answer answer = take_answer();
    if (answer != Answer::kNone) return answer;
    answer = decide(t, row, unit);
    proofs_ += answer == Answer::kNone || answer == Answer::kCuts ? 0 : 1;
    return answer;
  }

  // Decide whether the next unit of frame t cuts its cell.
  //
  // Where it does, frame t is left at a vertex with a positive value and frame t + 1, which must be
  // free, at one with a negative value. Where it does not, frame t stays as it was.
  Answer decide(Index t, Index row, Index unit) {
    if (path_.may_vanish(unit)) return Answer::kNone;
    for (int attempt = 0; attempt < 2; ++attempt) {
      Frame& f = frames_[t];
      const double b = f.constant[row];
      const bool known = std::fabs(b) > clear_;
      const double side = b > clear_ ? 1.0 : -1.0;  // look for the other side
      if (known && attempt == 0) {
        if (const int sign = nogoods_.recall(f, unit); sign != 0) {
          return sign > 0 ? Answer::kPositive : Answer::kNegative;
        }
      }
      const Entering first = simplex_->entering(f, row, side);
      Ended ended = Ended::kOptimal;
      Index mover = t;
      if (first.column >= 0 && !(first.bound > kClear)) {
        if (known) {
          mover = t + 1;
          simplex_->copy(f, frames_[mover]);
        }
        ended = simplex_->descend(frames_[mover], row, side, first, nullptr);
      }
      if (ended == Ended::kCrossed) {
        if (!known) continue;
        const bool doubtful = is_careful_ && !(is_clear(frames_[t]) && is_clear(frames_[mover]));
        if (side < 0.0) frames_.swap(t, t + 1);
        moved_ = doubtful && side < 0.0;
        return doubtful ? Answer::kNone : Answer::kCuts;
      }
      const Frame& at = frames_[mover];
      Answer answer = Answer::kNone;
      if (ended == Ended::kOptimal) answer = prove(at, unit, row, side, known);
      if (answer != Answer::kNone) {
        if (!log_.is_kept()) nogoods_.learn(path_, at, unit, row, side);
      } else if (mover != t && side < 0.0) {
        frames_.swap(t, t + 1);  // exact arithmetic starts from where the descent ended
        moved_ = true;
      }
      return answer;
    }
    return Answer::kNone;
  }

  // Whether the vertex of a frame is clearly on its side of all constraints but those that meet
  // there. Rounding may take a vertex beyond one for a vertex of the cell.
  [[nodiscard]] bool is_clear(const Frame& f) const {
    for (Index r = f.free; r < f.rows; ++r) {
      if (!(f.constant[r] > clear_ && f.cap[r] - f.constant[r] > clear_)) return false;
    }
    return true;
  }

  // Divide a cell: frame t is at a vertex of its active side, t + 1 of the inactive.
  //
  // The inactive side goes on, the active one waits below it. Inside the forced prefix of a subtree
  // only the forced side stays.
  void split(Index t, Index unit) {
    log_.add(unit, Decision::kIsSplit, false);
    constrain(frames_[t], unit, 1);
    constrain(frames_[t + 1], unit, -1);
    frames_[t].pending = unit;
    frames_[t].winner = kNoWinner;
    frames_[t].shared = frames_[t].splits - 1;
    const int side = forced_[unit] > 0 ? 1 : -1;
    if (forced_[unit] < 0) frames_.swap(t, t + 1);
    if (forced_[unit] == 0) top_ = t + 1;
    path_.choose(unit, side);
    winners_.note(path_, unit);
  }

  // Begin to look for the parts of frame t's cell in which each number of a unit's max wins.
  //
  // From the last number to the first, so that the part of the first one is on top at the end. A
  // copy of the cell is cut, and swapped with it where something is left; the last time it is the
  // cell itself.
  void begin_choice(Index t, Index unit) {
    const Index m = net_.max_of(unit);
    const Index last = winners_.left_before(m, net_.max(m).pieces);
    frames_[t].share /= static_cast<double>(winners_.left(m));
    choice_ = Choice{unit, last, t, t, frames_[t].splits};
    begin_part();
  }

  void begin_part() {
    const bool is_last = winners_.left_before(net_.max_of(choice_.unit), choice_.winner) < 0;
    top_ = choice_.base + (is_last ? 0 : 1);
    if (!is_last) simplex_->copy(frames_[choice_.base], frames_[top_]);
    frames_[top_].shared = choice_.splits;
  }

  // Decide the next difference that matters to the winner in frame t, the top one.
  std::optional<Stop> look_at_part(Index t) {
    Frame* f = &frames_[t];
    const Index row = f->free - 1, unit = row < 0 ? choice_.unit : f->row[row] - net_.d();
    if (row < 0 || net_.max_of(unit) != net_.max_of(choice_.unit)) {
      keep_part(t);
      return std::nullopt;
    }
    const int wanted = winners_.wanted(unit, choice_.winner);
    if (wanted == 0) {
      f->drop_last_free_row();
      return std::nullopt;
    }
    const Answer answer = answer_or_decide(t, row, unit);
    if (answer == Answer::kNone) return Stop::kUnsure;
    if (answer == Answer::kCuts ? wanted < 0 : moved_) frames_.swap(t, t + 1);
    moved_ = false;
    f = &frames_[t];
    if (answer == Answer::kCuts) {
      constrain(*f, unit, wanted);
      path_.choose(unit, wanted);
      return std::nullopt;
    }
    if ((answer == Answer::kPositive) != (wanted > 0)) {
      drop_part(t);
      return std::nullopt;
    }
    path_.set(unit, wanted);
    nogoods_.know(*f, unit, answer == Answer::kZero ? 0 : wanted);
    f->drop_last_free_row();
    return std::nullopt;
  }

  // The winner has the part of the cell that is in frame t.
  void keep_part(Index t) {
    frames_[t].winner = choice_.winner;
    frames_[t].pending = choice_.unit;
    frames_[t].shared = choice_.splits;
    if (t != choice_.base) frames_.swap(choice_.base, t);
    choice_.base += 1;
    next_part();
  }

  // The number wins nowhere in the cell.
  void drop_part(Index t) {
    cells_.share += frames_[t].share;
    next_part();
  }

  void next_part() {
    const Index unit = choice_.unit, first = choice_.first, parts = choice_.base - first;
    choice_.winner = winners_.left_before(net_.max_of(unit), choice_.winner);
    if (choice_.winner != kNoWinner) {
      begin_part();
      return;
    }
    choice_ = {};
    nodes_ += winners_.is_forced(net_.max_of(unit)) ? 0 : parts;
    top_ = first + parts;
    pop();
    divided(first, first + parts - 1, unit);
  }

  // The unit that frame t, the top one, is to decide next.
  [[nodiscard]] Index next_unit(const Frame& f) const {
    switch (f.phase) {
      case Phase::kLeaf: return net_.units();
      case Phase::kNode:
        return f.free == 0 ? net_.offset(f.layer + 1) : f.row[f.free - 1] - net_.d();
      default: return net_.offset(f.layer);
    }
  }

  void constrain(Frame& f, Index unit, int side) {
    path_.split_unit[f.splits] = unit;
    f.constrain(side);
    nogoods_.know(f, unit, side);
  }

  // All units of the layer are decided: go on to the next layer, or to the cell itself.
  void leave_node(Frame& f) {
    cells_.pack(path_, f.layer);
    if (f.layer + 1 < net_.depth()) {
      f.layer += 1;
      f.phase = Phase::kNewLayer;
    } else {
      f.phase = Phase::kLeaf;
    }
  }

  // Tell whether the cell of a leaf exists, as far as floating point can.
  Answer look_at_leaf(Index t) {
    Frame& f = frames_[t];
    if (search_) {
      witness_.inner_point(f, *simplex_);
      const Answer answer = settle(t, cells_.wants_witness());
      witnesses_ += answer == Answer::kNone ? 0 : 1;
      return answer;
    }
    if (options_.certify && far_ && far_->find_witness(f, witness_.point())) {
      witnesses_ += 1;
      return Answer::kExists;
    }
    if (options_.rows || options_.certify) witness_.inner_point(f, *simplex_);
    if (!options_.certify) return Answer::kExists;
    if (!forward_.has_signs_of(path_, witness_.point())) {
      witness_.mean_of_vertices(f, *simplex_);
      if (!forward_.has_signs_of(path_, witness_.point())) return Answer::kNone;
    }
    witnesses_ += 1;
    return Answer::kExists;
  }

  void check(const GivenFrame& given) {
    const Index most = net_.d() + net_.units();
    if (given.rows < top().free || given.rows > frames_.capacity()) {
      throw std::invalid_argument("a frame has too many rows");
    }
    for (Index r = 0; r < given.rows - top().free; ++r) check_variable(given.row[r], most);
    for (Index c = 0; c < net_.d(); ++c) check_variable(given.column[c], most);
  }

  static void check_variable(Index variable, Index most) {
    if (variable < 0 || variable >= most) throw std::invalid_argument("there is no such variable");
  }

  void take(const GivenFrame& given, Frame& f) {
    const Index d = net_.d();
    for (Index r = 0; r < given.rows; ++r) {
      const double* value = given.value + r * (d + 1);
      f.clear_row(r);
      f.constant[r] = value[0];
      for (Index c = 0; c < d; ++c) f.value(r)[c] = value[1 + c];
      if (r < f.free) continue;
      f.row[r] = given.row[r - f.free];
      if (f.row[r] < d) f.cap[r] = net_.span()[f.row[r]];
    }
    f.rows = given.rows;
    f.clear_padding();
    for (Index c = 0; c < d; ++c) {
      f.column[c] = given.column[c];
      f.at_upper[c] = given.at_upper[c] != 0 ? 1 : 0;
      f.reach[c] = path_.reach[f.column[c]];
    }
    if (far_) far_->moves().write_constants(f);
  }
};

}  // namespace nnce
