// Whether a unit is exactly, and everywhere, zero on a cell, where its form has too many bits.
//
// All coefficients of a form are multiples of one power of two, known when the network is loaded,
// and where floating point has nothing but rounding they are small: as integers they are below a
// bound. So they are zero if they are so modulo enough numbers without common factors, as a product
// of these divides them (the Chinese remainder theorem; von zur Gathen & Gerhard 2013, "Modern
// Computer Algebra", section 5.4). Odd numbers, as the power of two has an inverse then.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "array.hpp"
#include "binary.hpp"
#include "form_grids.hpp"
#include "network.hpp"
#include "path.hpp"

namespace nnce {

// A network modulo an odd number below 2^62. Layers are converted when they are first asked for.
class Residues {
 public:
  Residues(const Network& net, std::uint64_t modulus)
      : net_(net), modulus_(modulus), layers_(static_cast<std::size_t>(net.depth())) {
    power_[kHighest] = 1;
    for (Index e = kHighest; e + 1 < 2 * kHighest; ++e) power_[e + 1] = doubled(power_[e]);
    for (Index e = kHighest; e > 0; --e) power_[e - 1] = halved(power_[e]);
  }

  // Whether the coefficients of a unit's form, on a path's cell, are all zero modulo this.
  bool vanishes(const Path& path, Index unit) {
    const Index last = net_.layer_of(unit);
    const Converted& own = converted(last);
    const Index row = unit - net_.offset(last);
    std::vector<std::uint64_t> now(own.weight[row], own.weight[row] + own.weight.stride());
    std::uint64_t constant = own.bias[row];
    for (Index l = last - 1; l >= 0; --l) {
      const Converted& layer = converted(l);
      Sums sums(layer.weight.stride(), modulus_);
      Sums biases(1, modulus_);
      for (Index j = 0; j < net_.layer(l).width(); ++j) {
        const double slope = path.slope(l, j);
        const std::uint64_t factor = now[static_cast<std::size_t>(j)];
        if (slope == 0.0 || factor == 0) continue;
        const std::uint64_t f = slope == 1.0 ? factor : product(factor, residue(slope));
        sums.add(f, layer.weight[j]);
        biases.add(f, &layer.bias[j]);
      }
      now = sums.take();
      constant = (constant + biases.take()[0]) % modulus_;
    }
    return constant == 0 && std::all_of(now.begin(), now.end(), [](auto r) { return r == 0; });
  }

 private:
  using Wide = unsigned __int128;
  static constexpr Index kHighest = 1100;  // exponents of doubles are nearer to zero
  static constexpr int kTerms = 16;        // so many products, and a residue, are below 2^128

  struct Converted {
    Matrix<std::uint64_t> weight;  // (width, n_in)
    Array<std::uint64_t> bias;     // (width)
  };

  // Sums of rows times numbers.
  class Sums {
   public:
    Sums(Index size, std::uint64_t modulus)
        : modulus_(modulus), sum_(static_cast<std::size_t>(size)) {}
    void add(std::uint64_t factor, const std::uint64_t* row) {
      if (++terms_ % kTerms == 0) reduce();
      for (std::size_t i = 0; i < sum_.size(); ++i) sum_[i] += static_cast<Wide>(factor) * row[i];
    }
    std::vector<std::uint64_t> take() {
      reduce();
      return {sum_.begin(), sum_.end()};
    }

   private:
    void reduce() {
      for (Wide& s : sum_) s %= modulus_;
    }

    std::uint64_t modulus_;
    std::vector<Wide> sum_;
    Index terms_ = 0;
  };

  const Converted& converted(Index l) {
    Converted& layer = layers_[static_cast<std::size_t>(l)];
    if (layer.bias.size() > 0) return layer;
    const LayerMap& map = net_.layer(l).map;
    layer.weight = Matrix<std::uint64_t>(map.n_out(), map.n_in());
    layer.bias = Array<std::uint64_t>(map.n_out());
    for (Index i = 0; i < map.n_in(); ++i) {
      map.for_entries(i, [&](Index j, double w) { layer.weight[j][i] = residue(w); });
    }
    for (Index j = 0; j < map.n_out(); ++j) layer.bias[j] = residue(map.bias()[j]);
    return layer;
  }

  [[nodiscard]] std::uint64_t residue(double x) const {
    if (x == 0.0) return 0;
    const Odd odd(x);
    const auto size = static_cast<std::uint64_t>(std::abs(odd.integer));  // below 2^53
    const std::uint64_t r = product(size, power_[kHighest + odd.exponent]);
    return odd.integer < 0 && r != 0 ? modulus_ - r : r;
  }

  [[nodiscard]] std::uint64_t product(std::uint64_t a, std::uint64_t b) const {
    return static_cast<std::uint64_t>(static_cast<Wide>(a) * b % modulus_);
  }
  [[nodiscard]] std::uint64_t doubled(std::uint64_t r) const { return (r + r) % modulus_; }
  [[nodiscard]] std::uint64_t halved(std::uint64_t r) const {
    return (r % 2 == 0 ? r : r + modulus_) / 2;
  }

  const Network& net_;
  std::uint64_t modulus_;
  Array<std::uint64_t> power_{2 * kHighest};  // 2^(e - kHighest)
  std::vector<Converted> layers_;
};

class ZeroTest {
 public:
  ZeroTest(const Network& net, const Path& path) : net_(net), path_(path), grids_(net) {
    for (Index i = 0; i < net.d(); ++i) narrowest_ = std::min(narrowest_, net.magnitude()[i]);
  }

  // Prove that a unit is zero on all of the path's cell. False: it is not, or that is left open.
  bool vanishes(Index unit) {
    const double bits = bits_of(unit);
    if (!(bits < kBits * kMostModuli)) return false;
    for (std::size_t m = 0; static_cast<double>(m) * kBits < bits; ++m) {
      if (m == residues_.size()) add_modulus();
      if (!residues_[m].vanishes(path_, unit)) return false;
    }
    return true;
  }

 private:
  static constexpr int kBits = 61;  // of each modulus; all are between 2^61 and 2^62
  static constexpr int kMostModuli = 64;

  // A bound on the bits of the coefficients of a unit's form, as integers.
  [[nodiscard]] double bits_of(Index unit) const {
    const Index l = net_.layer_of(unit);
    if (!grids_.is_known(l)) return HUGE_VAL;
    // The sizes are bounds on what all terms reach over the box: a coefficient's times its input.
    const double most = 2.0 * (path_.form_size[unit] + path_.form_error[unit]) + kUnderflow;
    const double exponent = std::log2(most) - std::log2(path_.scale[unit]) - std::log2(narrowest_);
    return exponent - grids_.exponent(l) + 2.0;
  }

  // The next odd number below that has no factor in common with those before.
  void add_modulus() {
    const auto is_apart = [&](std::uint64_t a) {
      return std::all_of(modulus_.begin(), modulus_.end(),
                         [a](std::uint64_t b) { return std::gcd(a, b) == 1; });
    };
    std::uint64_t next = modulus_.empty() ? (std::uint64_t{1} << 62) - 1 : modulus_.back() - 2;
    while (!is_apart(next)) next -= 2;
    modulus_.push_back(next);
    residues_.emplace_back(net_, next);
  }

  const Network& net_;
  const Path& path_;
  FormGrids grids_;
  double narrowest_ = 1.0;  // the smallest |x| that bounds an input
  std::vector<std::uint64_t> modulus_;
  std::vector<Residues> residues_;
};

}  // namespace nnce
