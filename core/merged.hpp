// A network without its followers: neurons that hand on a multiple of what an earlier one does.
#pragma once

#include <cmath>
#include <utility>
#include <vector>

#include "array.hpp"
#include "layer_map.hpp"
#include "network.hpp"
#include "twins.hpp"

namespace nnce {

// The layers over the neurons that are *kept*: all but followers (`Twins`), whose weights in the
// next layer are added to those of the earlier neuron. Only where no sum rounds: it is the same
// network, of which forms and values take as much less time.
class Merged {
 public:
  Merged(const Network& net, const Twins& twins) : net_(net) {
    for (Index l = 0; l < net.depth(); ++l) layers_.emplace_back(net.layer(l).width());
    if (!twins.are_there()) return;
    Matrix<double> before;
    for (Index l = 0; l < net.depth(); ++l) {
      Matrix<double> weight = weight_of(net.layer(l).map);
      if (l > 0) {
        fold_followers(l - 1, twins, &weight);
        take_kept(l - 1, before);
      }
      before = std::move(weight);
    }
    fold_followers(net.depth() - 1, twins, nullptr);
    take_kept(net.depth() - 1, before);
  }

  // Whether all neurons of a layer are kept.
  [[nodiscard]] bool is_whole(Index l) const { return width(l) == net_.layer(l).width(); }
  // The number of neurons that are kept, and of the units among them, which come first.
  [[nodiscard]] Index width(Index l) const { return static_cast<Index>(at(l).neuron.size()); }
  [[nodiscard]] Index units(Index l) const {
    return net_.layer(l).units - (net_.layer(l).width() - width(l));
  }
  // Which neuron the one in place p is.
  [[nodiscard]] Index neuron(Index l, Index p) const {
    return at(l).neuron[static_cast<std::size_t>(p)];
  }
  // Where a neuron is kept, or the one that it follows; and how many times that it is.
  [[nodiscard]] Index place(Index l, Index j) const { return at(l).place[j]; }
  [[nodiscard]] double ratio(Index l, Index j) const { return at(l).ratio[j]; }
  // The map to the kept neurons of a layer, from those of the layer before.
  [[nodiscard]] const LayerMap& map(Index l) const {
    return at(l).is_own ? at(l).map : net_.layer(l).map;
  }
  // `Layer::sign_error` of the kept units.
  [[nodiscard]] const double* sign_error(Index l) const {
    return is_whole(l) ? net_.layer(l).sign_error.data() : at(l).sign_error.data();
  }

 private:
  struct Kept {
    explicit Kept(Index width) : place(width), ratio(width) {
      for (Index j = 0; j < width; ++j) {
        neuron.push_back(j);
        place[j] = j, ratio[j] = 1.0;
      }
    }

    std::vector<Index> neuron;
    Array<Index> place;
    Array<double> ratio;
    Array<double> sign_error;
    bool is_own = false;
    LayerMap map;
  };

  static Matrix<double> weight_of(const LayerMap& map) {
    Matrix<double> weight(map.n_out(), map.n_in());
    for (Index i = 0; i < map.n_in(); ++i) {
      map.for_entries(i, [&](Index j, double w) { weight[j][i] = w; });
    }
    return weight;
  }

  // Fold the followers of layer l into the weights `after` it, null behind the last layer.
  void fold_followers(Index l, const Twins& twins, Matrix<double>* after) {
    if (after != nullptr && net_.layer(l + 1).inexact != 0.0) return;
    const Index first = net_.offset(l);
    Kept& kept = at(l);
    kept.neuron.clear();
    for (Index j = 0; j < net_.layer(l).width(); ++j) {
      const bool follows = j < net_.layer(l).units && twins.hands_on_multiple(net_, first + j);
      const Index leader = follows ? twins.earlier(first + j) - first : j;
      const double ratio = follows ? twins.ratio(first + j) : 1.0;
      if (follows && (after == nullptr || fold(*after, j, leader, ratio))) {
        kept.place[j] = kept.place[leader];
        kept.ratio[j] = ratio;
      } else {
        kept.place[j] = static_cast<Index>(kept.neuron.size());
        kept.neuron.push_back(j);
      }
    }
  }

  // Add `ratio` times column j to that of its leader; false, and nothing is done, where a sum
  // rounds.
  static bool fold(Matrix<double>& weight, Index j, Index leader, double ratio) {
    for (Index r = 0; r < weight.rows(); ++r) {
      const double before = weight[r][leader], term = weight[r][j] * ratio, sum = before + term;
      if (term / ratio != weight[r][j] || sum - before != term || sum - term != before)
        return false;
    }
    for (Index r = 0; r < weight.rows(); ++r) weight[r][leader] += weight[r][j] * ratio;
    return true;
  }

  // Make the map of layer l to and from kept neurons, where some are not.
  void take_kept(Index l, const Matrix<double>& weight) {
    const bool from_all = l == 0 || is_whole(l - 1);
    if (from_all && is_whole(l)) return;
    Kept& kept = at(l);
    const Index n_in = l == 0 ? net_.d() : width(l - 1), n_out = width(l);
    Array<double> entries(n_in * n_out), bias(n_out);
    kept.sign_error = Array<double>(padded(units(l)));
    kept.sign_error.fill(-1.0);
    for (Index p = 0; p < n_out; ++p) {
      const Index j = neuron(l, p);
      bias[p] = net_.layer(l).map.bias()[j];
      if (p < units(l)) kept.sign_error[p] = net_.layer(l).sign_error[j];
      for (Index i = 0; i < n_in; ++i) {
        entries[p * n_in + i] = weight[j][from_all ? i : neuron(l - 1, i)];
      }
    }
    kept.map = LayerMap(entries.data(), bias.data(), n_in, n_out);
    kept.is_own = true;
  }

  Kept& at(Index l) { return layers_[static_cast<std::size_t>(l)]; }
  [[nodiscard]] const Kept& at(Index l) const { return layers_[static_cast<std::size_t>(l)]; }

  const Network& net_;
  std::vector<Kept> layers_;
};

}  // namespace nnce
