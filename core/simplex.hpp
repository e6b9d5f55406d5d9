// The dense simplex method on frames: ratio test, pivot, bound flip, and the descent of one row.
//
// Rows are written over the nonbasic displacements as in Chvátal, "Linear Programming" (1983),
// chapters 2 and 8 (bounded variables). Nothing here decides what is in the answer: a wrong turn in
// floating point costs time, and is found by the proofs.
#pragma once

#include <bit>
#include <cmath>
#include <cstring>
#include <memory>

#include "array.hpp"
#include "frame.hpp"
#include "network.hpp"
#include "path.hpp"
#include "proofs.hpp"
#include "simd.hpp"

namespace nnce {

// Rows are scaled to about 1, so these are relative. They choose which path (float or exact) takes
// a decision, never what the decision is.
inline constexpr double kClear = 1e-10;       // a value beyond this counts as strictly on its side
inline constexpr double kSmallCost = 1e-13;   // smaller coefficients do not attract a pivot
inline constexpr double kSmallPivot = 1e-11;  // smaller entries take no part in the ratio test
inline constexpr double kTie = 1.0 + 1e-12;   // steps this close count as one: largest pivot wins

// How a descent ended: at the lowest value in floating point (or so near that a bound over the box
// shows the row positive), below zero, or nowhere.
enum class Ended : std::uint8_t { kOptimal, kCrossed, kStalled };

// A column that lowers a row, -1 if there is none, and about the lowest value that the row could
// have if all improving columns went as far as the box lets them.
struct Entering {
  Index column;
  double bound;
};

// The row that blocks a step first (-1: none), and the length of the step.
struct Leaving {
  Index row;
  double step;
};

// Lowest and highest value of each free row at the vertices seen: evidence of their signs.
class Evidence {
 public:
  explicit Evidence(Index capacity) : lowest_(capacity), highest_(capacity) {}

  [[nodiscard]] double lowest(Index row) const { return lowest_[row]; }
  [[nodiscard]] double highest(Index row) const { return highest_[row]; }
  // Take the values at the vertex of a frame as all that is seen so far.
  void begin(const Frame& f) {
    for (Index r = 0; r < f.free; ++r) lowest_[r] = highest_[r] = f.constant[r];
  }
  void note(const Frame& f) {
    for (Index r = 0; r < padded(f.free); r += kLanes) {
      const Doubles b = load(f.constant + r);
      store(lowest_.data() + r, least(b, load(lowest_.data() + r)));
      store(highest_.data() + r, most(b, load(highest_.data() + r)));
    }
  }

 private:
  Array<double> lowest_, highest_;
};

// What the walk asks of a frame. The implementation is chosen by the number of inputs.
class Simplex {
 public:
  Simplex(const Network& net, Path& path) : net_(net), path_(path) {}
  virtual ~Simplex() = default;
  Simplex(const Simplex&) = delete;
  Simplex& operator=(const Simplex&) = delete;

  // Copy the dictionary of a frame, with its place in the tree.
  virtual void copy(const Frame& source, Frame& target) const = 0;
  // Return the column that lowers side times row `row` most within its reach.
  [[nodiscard]] virtual Entering entering(const Frame& f, Index row, double side) const = 0;
  // Minimise side times row `row` over the cell of a frame, until clearly negative. Moves the
  // frame; `first` is its entering column. Every vertex on the way is noted, where that is asked.
  virtual Ended descend(Frame& f, Index row, double side, Entering first, Evidence* evidence) = 0;
  // Write how fast each row changes where all displacements grow at once, within their reach.
  virtual void slopes(const Frame& f, double* out) const = 0;
  // Prove that side times a unit's preactivation is positive on the cell of a frame (proofs.hpp).
  [[nodiscard]] virtual bool holds(const Frame& f, Index unit, Index row, double side) const = 0;

  // Return the improving column with the smallest variable, or -1 (Bland 1977: no cycling).
  [[nodiscard]] Index first_entering(const Frame& f, Index row, double side) const {
    Index best = -1;
    for (Index c = 0; c < net_.d(); ++c) {
      const double cost = side * f.value(row)[c] * f.reach[c];
      if (cost < -kSmallCost && (best < 0 || f.column[c] < f.column[best])) best = c;
    }
    return best;
  }

  Index linear_programs = 0;
  Index pivots = 0;

 protected:
  const Network& net_;
  Path& path_;
};

// The ratio test, row by row: of steps within `kTie` the largest pivot is taken. In blocks of
// eight, as vectors of eight find it: a step that is as long as another one of its lane, digit for
// digit, counts only with a larger pivot.
inline Leaving ratio_test(const double* constant, const double* slope, const double* cap,
                          Index first, Index end) {
  constexpr Index kBlock = 8;
  double step[kBlock], steepest[kBlock];
  Index place[kBlock];
  for (Index lane = 0; lane < kBlock; ++lane) {
    step[lane] = kInfinite, steepest[lane] = 0.0, place[lane] = -1;
  }
  for (Index r = first; r < end; ++r) {
    const double size = std::fabs(slope[r]);
    if (!(size > kSmallPivot)) continue;
    const double down = constant[r] > 0.0 ? constant[r] : 0.0;
    const double room = slope[r] < 0.0 ? down : cap[r] - down;
    const double ratio = (room > 0.0 ? room : 0.0) / size;
    const Index lane = r % kBlock;
    if (ratio < step[lane] || (ratio == step[lane] && size > steepest[lane])) {
      step[lane] = ratio, steepest[lane] = size, place[lane] = r;
    }
  }
  double least = kInfinite;
  for (const double one : step) least = one < least ? one : least;
  Leaving leaving{-1, least};
  double largest = -1.0;
  for (Index lane = 0; lane < kBlock; ++lane) {
    if (!(step[lane] <= least * kTie && step[lane] < kInfinite)) continue;
    if (steepest[lane] > largest || (steepest[lane] == largest && place[lane] > leaving.row)) {
      largest = steepest[lane], leaving.row = place[lane];
    }
  }
  return leaving;
}

// Tell whether column q is an input at its upper bound. As a row it is measured from the lower one.
NNCE_INLINE bool is_turned(const Network& net, const Frame& f, Index q) {
  return f.column[q] < net.d() && f.at_upper[q] == 1;
}

// Let the variables of row p and column q change places. The entries of row p are written already;
// `value` is its constant, before it is turned.
NNCE_INLINE void rename(const Network& net, const Path& path, Frame& f, Index p, Index q,
                        bool to_cap, double value) {
  const std::int32_t leaving = f.row[p], entering = f.column[q];
  const double span = entering < net.d() ? net.span()[entering] : kInfinite;
  f.constant[p] = is_turned(net, f, q) ? -value + span : value;
  f.cap[p] = span;
  f.row[p] = entering;
  f.column[q] = leaving;
  f.at_upper[q] = to_cap ? 1 : 0;
  f.reach[q] = path.reach[leaving];
}

// Exchange the variable of row p with that of column q.
inline void exchange(const Network& net, const Path& path, Frame& f, Index p, Index q) {
  double* change = f.value(p);
  const double inverse = 1.0 / change[q];
  const bool to_cap = change[q] > 0.0;  // the row's variable leaves at its cap, not at 0
  const double value = ((to_cap ? f.cap[p] : 0.0) - f.constant[p]) * inverse;
  for (Index c = 0; c < f.stride; c += kLanes) store(change + c, load(change + c) * all(-inverse));
  change[q] = to_cap ? -inverse : inverse;
  for (Index r = 0; r < f.rows; ++r) {
    if (r == p) continue;
    double* row = f.value(r);
    const double a = row[q];
    for (Index c = 0; c < f.stride; c += kLanes) {
      const Longs here = Longs{0, 1, 2, 3} == all(q - c);
      const Doubles kept = select(here, all(0.0), load(row + c));
      store(row + c, fma(all(a), load(change + c), kept));
    }
    f.constant[r] = fma(a, value, f.constant[r]);
  }
  if (is_turned(net, f, q)) {
    for (Index c = 0; c < f.stride; c += kLanes) store(change + c, -load(change + c));
  }
  rename(net, path, f, p, q, to_cap, value);
}

// Move the nonbasic input of column q to its opposite bound.
inline void flip(const Network& net, Frame& f, Index q) {
  const double span = net.span()[f.column[q]];
  for (Index r = 0; r < f.rows; ++r) {
    f.constant[r] = fma(f.value(r)[q], span, f.constant[r]);
    f.value(r)[q] = -f.value(r)[q];
  }
  f.at_upper[q] = 1 - f.at_upper[q];
}

// Move a frame along its column q to the next vertex; false where nothing blocks. The plain form of
// what a descent does; `slope` is scratch for a number of each row.
inline bool step_along(const Network& net, const Path& path, Frame& f, Index q,
                       Array<double>& slope) {
  for (Index r = 0; r < f.rows; ++r) slope[r] = f.value(r)[q];
  const Leaving leaving = ratio_test(f.constant, slope.data(), f.cap, f.free, f.rows);
  const Index variable = f.column[q];
  if (variable < net.d() && !(leaving.step < net.span()[variable])) {
    flip(net, f, q);
    return true;
  }
  if (leaving.row < 0) return false;
  exchange(net, path, f, leaving.row, q);
  return true;
}

// Return a simplex method for so many inputs.
inline std::unique_ptr<Simplex> make_simplex(const Network& net, Path& path, Index capacity);

// The same with K vectors of columns, known to the compiler; 0 for any number.
template <int K>
class SimplexOf : public Simplex {
 public:
  SimplexOf(const Network& net, Path& path, Index capacity)
      : Simplex(net, path),
        slope_(capacity),
        inverse_(capacity),
        ratio_(capacity),
        change_(padded(net.d())),
        residual_(padded(net.d())) {}

  void copy(const Frame& source, Frame& target) const override {
    const Index n = padded(source.rows);
    copy_numbers(source.values, target.values, n * stride());
    copy_numbers(source.constant, target.constant, n);
    copy_numbers(source.cap, target.cap, n);
    copy_numbers(source.reach, target.reach, stride());
    copy_names(source.row, target.row, n);
    copy_names(source.column, target.column, stride());
    copy_names(source.at_upper, target.at_upper, stride());
    target.rows = source.rows;
    target.free = source.free;
    target.layer = source.layer;
    target.phase = source.phase;
    target.splits = source.splits;
    target.share = source.share;
    target.known_active = source.known_active;
    target.known_inactive = source.known_inactive;
  }

  [[nodiscard]] Entering entering(const Frame& f, Index row, double side) const override {
    Doubles cost[kRegisters];
    const double* value = f.values + row * stride();
    for (Index j = 0; j < in_registers(); ++j) cost[j] = all(side) * load(value + j * kLanes);
    if constexpr (K > 0) return cheapest(cost, f.reach, side * f.constant[row]);
    return cheapest_of_many(value, side, f.reach, side * f.constant[row]);
  }

  Ended descend(Frame& f, Index row, double side, Entering first, Evidence* evidence) override {
    linear_programs += 1;
    // The row itself is followed in registers: the next column need not wait for memory.
    Doubles cost[kRegisters];
    double height = side * f.constant[row];
    for (Index j = 0; j < in_registers(); ++j) {
      cost[j] = all(side) * load(f.values + row * stride() + j * kLanes);
    }
    const Index patience = 4 * (net_.d() + f.rows) + 20;
    for (Index i = 0; i < 2 * patience; ++i) {
      if (height < -kClear) return Ended::kCrossed;
      Entering next = first;
      if (i > 0) {
        if constexpr (K > 0) next = cheapest(cost, f.reach, height);
        if constexpr (K == 0) next = cheapest_of_many(f.value(row), side, f.reach, height);
      }
      if (i > patience) next.column = first_entering(f, row, side);
      if (next.column < 0 || next.bound > kClear) return Ended::kOptimal;
      if (!step(f, next.column, cost, height)) return Ended::kStalled;
      if constexpr (K == 0) height = side * f.constant[row];
      if (evidence != nullptr) evidence->note(f);
    }
    return Ended::kStalled;
  }

  void slopes(const Frame& f, double* __restrict out) const override {
    const double* __restrict value = f.values, * __restrict reach = f.reach;
    const Index n = padded(f.rows), width = stride();
    for (Index r = 0; r < n; r += kLanes) {
      Doubles sum = all(0.0);
      for (Index c = 0; c < width; c += kLanes) {
        const double* at = value + r * width + c;
        Doubles w = load(at), x = load(at + width), y = load(at + 2 * width),
                z = load(at + 3 * width);
        transpose(w, x, y, z);
        sum = fma(all(reach[c]), w, sum);
        sum = fma(all(reach[c + 1]), x, sum);
        sum = fma(all(reach[c + 2]), y, sum);
        sum = fma(all(reach[c + 3]), z, sum);
      }
      store(out + r, sum);
    }
  }

  [[nodiscard]] bool holds(const Frame& f, Index unit, Index row, double side) const override {
    if constexpr (K > 0) {
      Doubles residual[K];
      return is_positive<K>(net_, path_, f, unit, row, side, residual);
    } else {
      return is_positive<0>(net_, path_, f, unit, row, side,
                            reinterpret_cast<Doubles*>(residual_.data()));
    }
  }

 protected:
  static constexpr Index kRegisters = K > 0 ? K : 1;
  // A ratio carries its row in its last bits, so that the smallest one names it.
  static constexpr std::int64_t kRowBits = 4095;
  static constexpr double kNearly = 1.0 - 1e-11;  // what these bits and a reciprocal may change

  // The number of columns with their padding, and of the vectors that hold it.
  [[nodiscard]] Index stride() const { return vectors() * kLanes; }
  [[nodiscard]] Index vectors() const { return K > 0 ? K : padded(net_.d()) / kLanes; }
  static constexpr Index in_registers() { return K; }

  static void copy_numbers(const double* __restrict source, double* __restrict target, Index n) {
    for (Index i = 0; i < n; i += kLanes) store(target + i, load(source + i));
  }
  static void copy_names(const std::int32_t* __restrict source, std::int32_t* __restrict target,
                         Index n) {
    for (Index i = 0; i < n; i += kLanes)
      std::memcpy(target + i, source + i, kLanes * sizeof *source);
  }

  // The column with the lowest product of cost and reach; of equal ones the first.
  NNCE_INLINE static Entering cheapest(const Doubles* cost, const double* reach, double height) {
    Doubles product[kRegisters], lowest = all(0.0), below = all(0.0);
    for (Index j = 0; j < in_registers(); ++j) {
      product[j] = cost[j] * load(reach + j * kLanes);
      lowest = least(lowest, product[j]);
      below += least(product[j], all(0.0));
    }
    const double best = least_of(lowest);
    unsigned where = 0;
    for (Index j = 0; j < in_registers(); ++j) {
      where |= bits(product[j] == all(best)) << (j * kLanes);
    }
    const Index column = best < -kSmallCost ? static_cast<Index>(std::countr_zero(where)) : -1;
    return {column, height + sum_of(below)};
  }

  [[nodiscard]] Entering cheapest_of_many(const double* value, double side, const double* reach,
                                          double height) const {
    Entering found{-1, height};
    double lowest = -kSmallCost;
    for (Index c = 0; c < net_.d(); ++c) {
      const double cost = side * value[c] * reach[c];
      if (cost < lowest) lowest = cost, found.column = c;
      found.bound += cost < 0.0 ? cost : 0.0;
    }
    return found;
  }

  // Gather column q, and find the row that blocks it first.
  NNCE_INLINE Leaving leaving_row(const Frame& f, Index q) {
    const Index n = padded(f.rows), first = f.free & -kLanes, width = stride();
    const double* __restrict column = f.values + q, * __restrict constant = f.constant, * __restrict cap = f.cap;
    double *__restrict slope = slope_.data(), *__restrict inverses = inverse_.data(),
           *__restrict ratios = ratio_.data();
    for (Index r = 0; r < first; r += kLanes) store(slope + r, gathered(column + r * width, width));
    Doubles best = all(kInfinite);
    const Doubles zero = all(0.0);
    Longs id = Longs{0, 1, 2, 3} + all(first);
    const Longs begin = all(std::int64_t{f.free - 1}), next = all(std::int64_t{kLanes});
    for (Index r = first; r < n; r += kLanes, id += next) {
      const Doubles a = gathered(column + r * width, width), inverse = all(1.0) / a;
      store(slope + r, a);
      store(inverses + r, inverse);
      const Doubles down = most(load(constant + r), zero);
      const Doubles room = most(select(a < zero, down, load(cap + r) - down), zero);
      const Longs moves = (magnitude(a) > all(kSmallPivot)) & (id > begin);
      Doubles ratio = select(moves, room * magnitude(inverse), all(kInfinite));
      store(ratios + r, ratio);
      ratio = reinterpret_cast<Doubles>((reinterpret_cast<Longs>(ratio) & all(~kRowBits)) | id);
      best = least(ratio, best);
    }
    return the_one(f, q, least_of(best), first, n);
  }

  // Return four entries of a column.
  NNCE_INLINE static Doubles gathered(const double* at, Index stride) {
    return Doubles{at[0], at[stride], at[2 * stride], at[3 * stride]};
  }

  // Return the row whose number is in the last bits of `best`, the shortest step, unless others are
  // as near, or the bound of the column itself is: then the plain test decides.
  NNCE_INLINE Leaving the_one(const Frame& f, Index q, double best, Index first, Index n) {
    if (!(best < kMost)) return plain(f);
    Longs ties = all(std::int64_t{0});
    const Doubles limit = all(best * (2.0 - kNearly));
    const double* ratios = ratio_.data();
    for (Index r = first; r < n; r += kLanes) {
      ties -= reinterpret_cast<Longs>(load(ratios + r) <= limit);
    }
    const bool alone = (ties[0] + ties[2]) + (ties[1] + ties[3]) == 1;
    const Index variable = f.column[q];
    const double span = variable < net_.d() ? net_.span()[variable] : kInfinite;
    const bool clear = best < span * kNearly || best * kNearly > span;
    if (!(alone && clear) || f.rows > kRowBits) return plain(f);
    return {std::bit_cast<std::int64_t>(best) & kRowBits, best};
  }

  __attribute__((noinline)) Leaving plain(const Frame& f) {
    return ratio_test(f.constant, slope_.data(), f.cap, f.free, f.rows);
  }

  // Move a frame along its column q, and the row that is followed with it.
  NNCE_INLINE bool step(Frame& f, Index q, Doubles* cost, double& height) {
    const Leaving leaving = leaving_row(f, q);
    pivots += 1;
    const Index variable = f.column[q];
    if (variable < net_.d() && !(leaving.step < net_.span()[variable])) {
      flip(f, q, net_.span()[variable], cost, height);
      return true;
    }
    if (leaving.row < 0) return false;
    exchange(f, leaving.row, q, inverse_[leaving.row], cost, height);
    return true;
  }

  // Move the nonbasic input of column q to its opposite bound.
  void flip(Frame& f, Index q, double span, Doubles* cost, double& height) {
    for (Index r = 0; r < padded(f.rows); r += kLanes) {
      store(f.constant + r, fma(load(slope_.data() + r), all(span), load(f.constant + r)));
    }
    for (Index r = 0; r < f.rows; ++r) f.value(r)[q] = -slope_[r];
    f.at_upper[q] = 1 - f.at_upper[q];
    if constexpr (K > 0) {
      double& entry = reinterpret_cast<double*>(cost)[q];
      height = fma(entry, span, height);
      entry = -entry;
    }
  }

  // Pivot on row p and column q, whose entries are in `slope_`.
  NNCE_INLINE void exchange(Frame& f, Index p, Index q, double inverse, Doubles* cost,
                            double& height) {
    const double* __restrict slope = slope_.data(), *pivot_row = f.values + p * stride();
    double* __restrict constant = f.constant;
    const bool to_cap = slope[p] > 0.0;  // the row's variable leaves at its cap, not at 0
    const double target = to_cap ? f.cap[p] : 0.0;
    const double value = (target - constant[p]) * inverse;
    const double at_q = to_cap ? -inverse : inverse;
    Doubles local[kRegisters];
    Doubles* change = K > 0 ? local : reinterpret_cast<Doubles*>(change_.data());
    for (Index j = 0; j < vectors(); ++j) {
      const Longs here = lanes(j) == all(std::int64_t{q});
      change[j] = select(here, all(at_q), load(pivot_row + j * kLanes) * all(-inverse));
    }
    if constexpr (K > 0) {
      const double entry = reinterpret_cast<double*>(cost)[q];
      update(f, q, local, cost, entry);
      height = fma(entry, value, height);
    } else {
      update(f, q, change);
    }
    for (Index r = 0; r < padded(f.rows); r += kLanes) {
      store(constant + r, fma(load(slope + r), all(value), load(constant + r)));
    }
    const bool turned = is_turned(net_, f, q);
    for (Index j = 0; j < vectors(); ++j) {
      store(f.values + p * stride() + j * kLanes, turned ? -change[j] : change[j]);
    }
    rename(net_, path_, f, p, q, to_cap, value);
  }

  // Add to each row its entry in column q times `change`, which takes the place of that entry; and
  // to the row that is followed.
  NNCE_INLINE void update(Frame& f, Index q, const Doubles (&change)[kRegisters], Doubles* cost,
                          double entry) {
    Longs keep[kRegisters];
    for (Index j = 0; j < K; ++j) keep[j] = lanes(j) != all(std::int64_t{q});
    for (Index j = 0; j < K; ++j) cost[j] = fma(all(entry), change[j], masked(cost[j], keep[j]));
    const double* __restrict slope = slope_.data();
    double* __restrict row = f.values;
    const Index n = f.rows;
    for (Index r = 0; r < n; ++r, row += K * kLanes) {
      const Doubles a = all(slope[r]);
      for (Index j = 0; j < K; ++j) {
        store(row + j * kLanes, fma(a, change[j], masked(load(row + j * kLanes), keep[j])));
      }
    }
  }

  void update(Frame& f, Index q, const Doubles* change) {
    for (Index r = 0; r < f.rows; ++r) {
      double* row = f.value(r);
      row[q] = 0.0;
      const Doubles a = all(slope_[r]);
      for (Index j = 0; j < vectors(); ++j) {
        store(row + j * kLanes, fma(a, change[j], load(row + j * kLanes)));
      }
    }
  }

  NNCE_INLINE static Longs lanes(Index j) {
    return Longs{0, 1, 2, 3} + all(std::int64_t{j * kLanes});
  }
  NNCE_INLINE static Doubles masked(Doubles x, Longs keep) {
    return reinterpret_cast<Doubles>(reinterpret_cast<Longs>(x) & keep);
  }

  static constexpr double kMost = 1e300;  // a step beyond this is none

  Array<double> slope_, inverse_, ratio_;  // of the rows, along the column that was looked at last
  Array<double> change_;                   // rows that are too long for registers
  mutable Array<double> residual_;
};

inline std::unique_ptr<Simplex> make_simplex(const Network& net, Path& path, Index capacity) {
  switch (padded(net.d()) / kLanes) {
    case 1: return std::make_unique<SimplexOf<1>>(net, path, capacity);
    case 2: return std::make_unique<SimplexOf<2>>(net, path, capacity);
    case 3: return std::make_unique<SimplexOf<3>>(net, path, capacity);
    case 4: return std::make_unique<SimplexOf<4>>(net, path, capacity);
    case 5: return std::make_unique<SimplexOf<5>>(net, path, capacity);
    default: return std::make_unique<SimplexOf<0>>(net, path, capacity);
  }
}

}  // namespace nnce
