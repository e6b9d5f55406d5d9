// The one file that knows Python: what the package sees of the core.
//
// Arrays from Python are checked here and by the constructors: a walk never reads past one.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "cube_simplex.hpp"
#include "facets.hpp"
#include "form_grids.hpp"
#include "image/search.hpp"
#include "network.hpp"
#include "ranks.hpp"
#include "scores.hpp"
#include "stop.hpp"
#include "thinned_walk.hpp"
#include "tree_walk.hpp"
#include "vertex/walk.hpp"
#include "workbench.hpp"

namespace nb = nanobind;

namespace nnce {
namespace {

template <class T>
using VectorOf = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using MatrixOf = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Floats = VectorOf<double>;
template <class T>
using Numpy = nb::ndarray<nb::numpy, T>;

template <class A>
Index length(const A& array) {
  return static_cast<Index>(array.shape(0));
}
template <class A>
Index columns(const A& array) {
  return static_cast<Index>(array.shape(1));
}

template <class A>
void check_length(const A& array, Index wanted, const char* name) {
  if (length(array) != wanted) {
    throw std::invalid_argument(std::string(name) + " has " + std::to_string(length(array)) +
                                " entries, not " + std::to_string(wanted));
  }
}

template <class A>
void check_finite(const A& array, const char* name) {
  const double* data = array.data();
  if (!std::all_of(data, data + array.size(), [](double x) { return std::isfinite(x); })) {
    throw std::invalid_argument(std::string(name) + " has entries that are not finite");
  }
}

// Return a new NumPy array, whose entries are not set.
template <class T>
Numpy<T> new_array(const std::vector<std::size_t>& shape) {
  std::size_t size = 1;
  for (const std::size_t n : shape) size *= n;
  T* data = new T[size];
  const nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
  return Numpy<T>(data, shape.size(), shape.data(), owner);
}

// The policy of attributes that are new arrays: they belong to nobody else.
constexpr auto kNew = nb::rv_policy::automatic;

// Return a NumPy array with a copy of the data.
template <class T>
Numpy<T> numpy(const T* data, const std::vector<std::size_t>& shape) {
  auto copy = new_array<T>(shape);
  std::copy_n(data, copy.size(), copy.data());
  return copy;
}
template <class T>
Numpy<T> numpy(const T* data, Index n) {
  return numpy(data, std::vector<std::size_t>{static_cast<std::size_t>(n)});
}
template <class T>
Numpy<T> numpy(const Array<T>& array) {
  return numpy(array.data(), array.size());
}
template <class T>
Numpy<T> first_rows(const Matrix<T>& matrix, Index rows) {
  const auto n = static_cast<std::size_t>(rows), width = static_cast<std::size_t>(matrix.stride());
  return numpy(rows > 0 ? matrix[0] : nullptr, std::vector<std::size_t>{n, width});
}

Layer make_layer(const MatrixOf<double>& weight, const Floats& bias, Index units,
                 const Floats& slope, const Floats& sign_error, bool inexact, bool has_bias,
                 const std::vector<std::pair<Index, Index>>& maxima) {
  const Index n_out = length(weight);
  check_length(bias, n_out, "bias");
  check_length(slope, units, "slope");
  check_length(sign_error, units, "sign_error");
  check_finite(weight, "weight");
  check_finite(bias, "bias");
  check_finite(slope, "slope");
  Layer layer;
  layer.map = LayerMap(weight.data(), bias.data(), columns(weight), n_out);
  layer.units = units;
  layer.slope = Array<double>(units);
  layer.sign_error = Array<double>(padded(units));
  layer.sign_error.fill(-1.0);
  layer.inexact = inexact ? 1.0 : 0.0;
  const double* end = bias.data() + n_out;
  layer.has_bias = has_bias || std::any_of(bias.data(), end, [](double b) { return b != 0.0; });
  for (const auto& [first, pieces] : maxima) layer.maxima.push_back({first, pieces});
  for (Index j = 0; j < units; ++j) {
    layer.slope[j] = slope.data()[j];
    layer.sign_error[j] = sign_error.data()[j];
    layer.has_slopes = layer.has_slopes || slope.data()[j] != 0.0;
  }
  return layer;
}

using LayerArrays = std::tuple<MatrixOf<double>, Floats, Index, Floats, Floats, bool, bool,
                               std::vector<std::pair<Index, Index>>>;

void bind_network(nb::module_& m) {
  nb::class_<Network>(m, "Network",
                      "A network on a box.\n\n"
                      "``Network(lower, upper, magnitude, layers)``: the box (d,), a bound on |x| "
                      "over it (d,), and for each hidden layer the tuple (weight (n_out, n_in), "
                      "bias (n_out,), number of units, slope (units,) of each unit on its inactive "
                      "side, sign_error (units,), whether the weights are rounded, whether any "
                      "bias is not 0 before it is rounded, maxima (the first unit of each max of "
                      "three or more, and its numbers)). Neurons behind the units are "
                      "pass-throughs. All float64.\n\n"
                      "Raises:\n    ValueError: sizes are at odds, or numbers not finite.")
      .def(
          "__init__",
          [](Network* self, const Floats& lower, const Floats& upper, const Floats& magnitude,
             const std::vector<LayerArrays>& arrays) {
            check_length(upper, length(lower), "upper");
            check_length(magnitude, length(lower), "magnitude");
            std::vector<Layer> layers;
            for (const auto& [weight, bias, units, slope, sign_error, inexact, has_bias, maxima] :
                 arrays) {
              layers.push_back(
                  make_layer(weight, bias, units, slope, sign_error, inexact, has_bias, maxima));
            }
            new (self) Network(length(lower), lower.data(), upper.data(), magnitude.data(),
                               std::move(layers));
          },
          nb::arg("lower"), nb::arg("upper"), nb::arg("magnitude"), nb::arg("layers"))
      .def_prop_ro("d", &Network::d)
      .def_prop_ro("units", &Network::units)
      .def(
          "exact_layers",
          [](const Network& self) {
            const FormGrids grids(self);
            std::vector<bool> found;
            for (Index l = 0; l < self.depth(); ++l) found.push_back(grids.fit(l));
            return found;
          },
          "Tell of which layers float64 holds all forms exactly.");
}

template <class Shape>
const double* finite(const nb::ndarray<const double, Shape, nb::c_contig, nb::device::cpu>& from,
                     Index rows, Index columns) {
  const std::size_t size = from.size();
  const bool right =
      static_cast<Index>(from.shape(0)) == rows && size == static_cast<std::size_t>(rows * columns);
  if (!right ||
      !std::all_of(from.data(), from.data() + size, [](double x) { return std::isfinite(x); })) {
    throw std::invalid_argument("an array has a wrong shape, or an entry that is not finite");
  }
  return from.data();
}

const double* finite(const Floats& from, Index size) { return finite(from, size, 1); }

void make_zonotope(Zonotope* self, const MatrixOf<double>& linear, double inexact,
                   const Floats& magnitude, const Floats& lower, const Floats& upper,
                   const Floats& centre, const Floats& half, const Floats& middle,
                   const MatrixOf<double>& generator, const MatrixOf<double>& gram,
                   const MatrixOf<double>& inverse, const MatrixOf<double>& transform,
                   const MatrixOf<double>& metric, const MatrixOf<double>& reach, double radius) {
  const auto d = static_cast<Index>(linear.shape(0)), m = static_cast<Index>(linear.shape(1));
  if (d < 1 || m < 1 || !std::isfinite(inexact) || !(radius >= 0.0 && std::isfinite(radius))) {
    throw std::invalid_argument("an image needs inputs and coordinates, and finite numbers");
  }
  new (self) Zonotope(ZonotopeArrays{
      .d = d,
      .m = m,
      .linear = finite(linear, d, m),
      .inexact = inexact,
      .magnitude = finite(magnitude, d),
      .lower = finite(lower, m),
      .upper = finite(upper, m),
      .centre = finite(centre, m),
      .half = finite(half, m),
      .middle = finite(middle, d),
      .generator = finite(generator, d, m),
      .gram = finite(gram, d, d),
      .inverse = finite(inverse, d, d),
      .transform = finite(transform, d, d),
      .metric = finite(metric, d, d),
      .reach = finite(reach, d, m),
      .radius = radius,
  });
}

// A cell in an image, given by its slacks: what Python asks an `ImageSearch` about.
class ImageCell {
 public:
  ImageCell(const Zonotope& image, const MatrixOf<double>& forms, const Floats& sizes,
            const Floats& errors)
      : image_(image),
        n_(static_cast<Index>(forms.shape(0))),
        form_(std::max(n_, Index{1}), padded(1 + image.d) + kLanes),
        size_(n_),
        error_(n_),
        unit_(n_),
        sign_(n_),
        search_(image, n_),
        table_(image.d, n_),
        body_(image, n_) {
    const double* from = finite(forms, n_, 1 + image.d);
    for (Index s = 0; s < n_; ++s) {
      std::copy_n(from + s * (1 + image.d), 1 + image.d, form_[s]);
      unit_[s] = s;
    }
    std::copy_n(finite(sizes, n_), n_, size_.data());
    std::copy_n(finite(errors, n_), n_, error_.data());
    sign_.fill(1);
  }

  Preimage settle(const Floats& point, bool wants_input) {
    return search_.settle(slacks(n_), finite(point, image_.d), wants_input);
  }

  bool input_holds(const Floats& x) {
    std::copy_n(finite(x, image_.m), image_.m, search_.x());
    return search_.input_holds(slacks(n_));
  }

  bool multipliers_hold(const VectorOf<Index>& tight, const Floats& multipliers) {
    const auto count = static_cast<Index>(tight.size());
    for (Index a = 0; a < count; ++a) {
      if (tight.data()[a] < 0 || tight.data()[a] >= n_) throw nb::index_error("no such slack");
    }
    return search_.multipliers_hold(slacks(n_), tight.data(), finite(multipliers, count), count);
  }

  [[nodiscard]] Numpy<double> x() const { return numpy(search_.x(), image_.m); }

  std::optional<std::tuple<Numpy<double>, Numpy<Index>, Numpy<double>>> nearest(Index n) {
    if (n < 0 || n > n_) throw nb::index_error("no such slack");
    table_.gather(slacks(n));
    if (!body_.project(table_)) return std::nullopt;
    const Projection& found = body_.projection();
    return std::make_tuple(numpy(found.place(), image_.d), numpy(found.tight(), found.count()),
                           numpy(found.multiplier(), found.count()));
  }

 private:
  [[nodiscard]] Slacks slacks(Index n) const {
    return {.count = n,
            .unit = unit_.data(),
            .sign = sign_.data(),
            .form = form_[0],
            .stride = form_.stride(),
            .form_size = size_.data(),
            .form_error = error_.data(),
            .version = 0};
  }

  const Zonotope& image_;
  const Index n_;
  Matrix<double> form_;
  Array<double> size_;
  Array<double> error_;
  Array<Index> unit_;
  Array<std::int8_t> sign_;
  ImageSearch search_;
  SlackTable table_;
  BodySearch body_;
};

using Table = nb::ndarray<double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Variables = nb::ndarray<Index, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Flags = nb::ndarray<bool, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

Index reoptimise(const Table& table, const Variables& basic, const Variables& nonbasic,
                 const Flags& flipped, Index limit) {
  const std::size_t m = basic.size(), d = nonbasic.size();
  if (table.shape(0) != m + 1 || table.shape(1) != d + 1 || flipped.size() != d) {
    throw std::invalid_argument("the arrays of a dictionary have sizes at odds");
  }
  for (const Variables* names : {&basic, &nonbasic}) {
    for (std::size_t i = 0; i < names->size(); ++i) {
      if (names->data()[i] < 0) throw std::invalid_argument("a variable has a negative number");
    }
  }
  return CubeSimplex(table.data(), basic.data(), static_cast<Index>(m), nonbasic.data(),
                     flipped.data(), static_cast<Index>(d))
      .reoptimise(limit);
}

void bind_image(nb::module_& module) {
  nb::enum_<Preimage>(
      module, "Preimage",
      "Whether a cell of the relaxed image holds an image of the inside of the box.")
      .value("UNSURE", Preimage::kUnsure)
      .value("EXISTS", Preimage::kExists)
      .value("EMPTY", Preimage::kEmpty);

  nb::class_<Zonotope>(module, "Zonotope",
                       "The image of a box of m inputs under a linear map into d dimensions.")
      .def(
          "__init__", &make_zonotope, nb::kw_only(), nb::arg("linear"), nb::arg("inexact"),
          nb::arg("magnitude"), nb::arg("lower"), nb::arg("upper"), nb::arg("centre"),
          nb::arg("half"), nb::arg("middle"), nb::arg("generator"), nb::arg("gram"),
          nb::arg("inverse"), nb::arg("transform"), nb::arg("metric"), nb::arg("reach"),
          nb::arg("radius"),
          "Copy the arrays, float64 and C-contiguous, of `dictionary.image.Image` and its body.\n\n"
          "Raises:\n"
          "    ValueError: shapes are at odds, or numbers are not finite.\n");

  nb::class_<ImageCell>(module, "ImageCell", "A cell in the image, given by its slacks.")
      .def(nb::init<const Zonotope&, const MatrixOf<double>&, const Floats&, const Floats&>(),
           nb::keep_alive<1, 2>(), nb::arg("image"), nb::arg("forms"), nb::arg("sizes"),
           nb::arg("errors"),
           "Copy the slacks: signed forms (n, 1 + d) over u, constant first, bounds (n,) on their\n"
           "sizes over the box, and (n,) on what they are off by.\n\n"
           "Raises:\n"
           "    ValueError: shapes are at odds, or numbers are not finite.\n")
      .def(
          "settle", &ImageCell::settle, nb::arg("point"), nb::arg("wants_input"),
          nb::call_guard<nb::gil_scoped_release>(),
          "Tell whether the cell holds an image of the inside of the box; all answers are proved.\n"
          "\n"
          "`point` (d,) is a point inside the cell. Where one exists and `wants_input`, an input\n"
          "is in `x`.\n")
      .def("input_holds", &ImageCell::input_holds, nb::arg("x"),
           "Prove that `x` (m,) is inside the box and its image strictly inside the cell.")
      .def("multipliers_hold", &ImageCell::multipliers_hold, nb::arg("slacks"),
           nb::arg("multipliers"),
           "Prove that no input of the box has its image in the cell, by Farkas' lemma.\n\n"
           "`slacks` (k,) are the places of some slacks (int64), with a multiplier each. Modifies\n"
           "`x`.\n\n"
           "Raises:\n"
           "    IndexError: there is no such slack.\n"
           "    ValueError: shapes are at odds, or numbers are not finite.\n")
      .def_prop_ro("x", &ImageCell::x, kNew, "A copy of the input (m,) that was found last.")
      .def("nearest", &ImageCell::nearest, nb::arg("n"),
           "Project the middle of the image onto the first n slacks, in the metric of the body.\n\n"
           "Starts from the tight slacks of the call before. Returns the point (d,), the tight\n"
           "slacks (k,) and their multipliers (k,); None where rounding stops it.\n");

  module.def(
      "reoptimise", &reoptimise, nb::arg("table").noconvert(), nb::arg("basic").noconvert(),
      nb::arg("columns").noconvert(), nb::arg("flipped").noconvert(), nb::arg("limit"),
      nb::call_guard<nb::gil_scoped_release>(),
      "Pivot from a dual feasible dictionary to an optimal one; return how many pivots.\n\n"
      "`table` (m + 1, 1 + d) float64 writes the basic variables, and the cost in its last\n"
      "row, over the nonbasic ones, which are 0; the constant comes first. `basic` (m,) and\n"
      "`columns` (d,) int64 name them: v < d is input v, measured from 0, or from 1 where\n"
      "`flipped[v]` (d,) bool; others are slacks. All are modified. Returns -1 where no point\n"
      "satisfies the rows, or after `limit` pivots.\n\n"
      "Raises:\n"
      "    ValueError: sizes are at odds.\n");
}

// What exact arithmetic reads of the path to frame t.
auto cell_path(TreeWalk& walk, Index t) {
  const Frame& f = walk.frame(t);
  const Path& path = walk.path();
  const Index d = walk.network().d();
  return std::make_tuple(numpy(path.sign), numpy(path.is_zero),
                         numpy(path.split_unit.data(), f.splits), numpy(path.scale),
                         numpy(f.column, d), numpy(f.at_upper, d));
}

GivenFrame given(TreeWalk& walk, const MatrixOf<double>& value, const VectorOf<std::int32_t>& row,
                 const VectorOf<std::int32_t>& column, const VectorOf<std::uint8_t>& at_upper) {
  const Index d = walk.network().d(), free = walk.frame(walk.top_index()).free;
  if (columns(value) != d + 1) throw std::invalid_argument("a frame needs 1 + d columns");
  check_length(row, length(value) - free, "row");
  check_length(column, d, "column");
  check_length(at_upper, d, "at_upper");
  return {value.data(), row.data(), column.data(), at_upper.data(), length(value)};
}

using GivenArrays = std::tuple<MatrixOf<double>, VectorOf<std::int32_t>, VectorOf<std::int32_t>,
                               VectorOf<std::uint8_t>>;

template <class Class>
void bind_walk_members(Class& walk) {
  walk.def(
          "begin",
          [](TreeWalk& self, const VectorOf<std::uint8_t>& prefix, Index counted) {
            self.begin(prefix.data(), length(prefix), counted);
          },
          nb::arg("prefix"), nb::arg("counted"))
      .def("advance", &TreeWalk::advance, nb::arg("nodes"),
           nb::call_guard<nb::gil_scoped_release>(),
           "Walk on, at most so many nodes and about 50 ms; return why it stopped.")
      .def(
          "take",
          [](TreeWalk& self) {
            const Cells& cells = self.cells();
            const DecisionLog& log = self.log();
            const auto width = static_cast<std::size_t>(log.width());
            auto taken = std::make_tuple(
                first_rows(cells.signs(), cells.rows()), first_rows(cells.actives(), cells.rows()),
                first_rows(cells.witnesses(), cells.rows()),
                numpy(log.size() > 0 ? log.row(0) : nullptr,
                      std::vector<std::size_t>{static_cast<std::size_t>(log.size()), width}));
            self.clear();
            return taken;
          },
          "Return packed signs, active units, witnesses and decisions since the last call.")
      .def(
          "question",
          [](TreeWalk& self) {
            const Index t = self.top_index(), d = self.network().d();
            const Frame& f = self.frame(t);
            std::vector<std::int64_t> free;
            for (Index r = 0; r < f.free; ++r) free.push_back(f.row[r] - d);
            const Index asked = f.free > 0 ? free[static_cast<std::size_t>(self.asked_row())] : -1;
            return std::make_tuple(asked, f.phase == Phase::kRootTests,
                                   numpy(free.data(), static_cast<Index>(free.size())),
                                   cell_path(self, t));
          },
          "Return the unit that is asked about (-1: the leaf), whether at the root of its layer, "
          "the "
          "free units, and the path of the top frame.")
      .def(
          "answer_constant",
          [](TreeWalk& self, int sign, const VectorOf<std::int32_t>& basis) {
            const Answer answer =
                sign > 0 ? Answer::kPositive : (sign < 0 ? Answer::kNegative : Answer::kZero);
            self.answer_constant(answer, basis.data(), length(basis) / 2);
          },
          nb::arg("sign"), nb::arg("basis"))
      .def("answer_cuts", [](TreeWalk& self) { self.answer_cuts(); })
      .def(
          "answer_cuts",
          [](TreeWalk& self, const GivenArrays& high, const GivenArrays& low) {
            const auto frame = [&self](const GivenArrays& a) {
              return given(self, std::get<0>(a), std::get<1>(a), std::get<2>(a), std::get<3>(a));
            };
            self.answer_cuts(frame(high), frame(low));
          },
          nb::arg("high"), nb::arg("low"))
      .def(
          "answer_leaf",
          [](TreeWalk& self, const Floats& witness, bool exactly) {
            check_length(witness, self.inputs(), "witness");
            self.answer_leaf(witness.data(), exactly);
          },
          nb::arg("witness"), nb::arg("exactly"))
      .def("answer_nothing", &TreeWalk::answer_nothing, nb::arg("splits"),
           "There is no such cell, nor any whose path begins with the same ``splits`` splits.")
      .def(
          "path_to", [](TreeWalk& self, Index t) { return cell_path(self, t); }, nb::arg("t"))
      .def("turn_to", &TreeWalk::turn_to, nb::arg("t"),
           "Put the path on what frame t goes on with; to be followed by `turn_back`.")
      .def("turn_back", &TreeWalk::turn_back)
      .def(
          "interior",
          [](TreeWalk& self, Index t) -> std::optional<bool> {
            const Answer answer = self.interior(t);
            if (answer == Answer::kNone) return std::nullopt;
            return answer == Answer::kExists;
          },
          nb::arg("t"), "Tell whether the cell of frame t has an interior; None: unsure.")
      .def(
          "prefix",
          [](TreeWalk& self, Index t) {
            const std::vector<std::uint8_t> bits = self.prefix(t);
            return numpy(bits.data(), static_cast<Index>(bits.size()));
          },
          nb::arg("t"), "Return the bits of the units that are decided where frame t goes on.")
      .def_prop_ro("is_choosing", &TreeWalk::is_choosing,
                   "Whether a winner is being looked for: then `prefix` says nothing yet.")
      .def("entered", &TreeWalk::entered, nb::arg("t"))
      .def("is_counted",
           [](TreeWalk& self, Index l) {
             if (l < 0 || l >= self.network().depth()) throw nb::index_error("no such layer");
             return self.cells().is_counted(l);
           })
      .def(
          "slacks",
          [](TreeWalk& self, Index t) {
            const Slacks slacks = self.slacks(t);
            const Index width = self.network().d() + 1;
            std::vector<double> forms, sizes, errors;
            for (Index s = 0; s < slacks.count; ++s) {
              const Index k = slacks.unit[s];
              const double* form = slacks.form + k * slacks.stride;
              for (Index i = 0; i < width; ++i) forms.push_back(slacks.sign[k] * form[i]);
              sizes.push_back(slacks.form_size[k]);
              errors.push_back(slacks.form_error[k]);
            }
            const auto n = static_cast<std::size_t>(slacks.count);
            return std::make_tuple(
                numpy(forms.data(), std::vector<std::size_t>{n, static_cast<std::size_t>(width)}),
                numpy(sizes.data(), slacks.count), numpy(errors.data(), slacks.count));
          },
          nb::arg("t"),
          "Return the forms (splits, 1 + d) that are positive on the cell of frame t, bounds on "
          "their sizes over the box, and on what they are off by.")
      .def_prop_ro("top", &TreeWalk::top_index)
      .def_prop_ro("done", &TreeWalk::is_done)
      .def_prop_ro("nodes", &TreeWalk::nodes)
      .def_prop_ro("cells", [](const TreeWalk& self) { return self.cells().cells(); })
      .def_prop_ro("share", [](const TreeWalk& self) { return self.cells().share; })
      .def_prop_ro("layer_cells",
                   [](const TreeWalk& self) {
                     const auto& counts = self.cells().layer_cells();
                     return std::vector<Index>(counts.begin(), counts.end());
                   })
      .def_prop_ro("proofs", &TreeWalk::proofs)
      .def_prop_ro("witnesses", &TreeWalk::witnesses)
      .def_prop_ro("by_structure", &TreeWalk::by_structure)
      .def_prop_ro("cone_proofs", &TreeWalk::cone_proofs)
      .def_prop_ro("integer_proofs", &TreeWalk::integer_proofs)
      .def_prop_ro("fine_proofs", &TreeWalk::fine_proofs)
      .def_prop_ro("fine_witnesses", &TreeWalk::fine_witnesses)
      .def_prop_ro("linear_programs", &TreeWalk::linear_programs)
      .def_prop_ro("pivots", &TreeWalk::pivots)
      .def_prop_ro("rebuilds", &TreeWalk::rebuilds);
}

void bind_tree_walks(nb::module_& m) {
  nb::class_<TreeWalk> walk(m, "TreeWalk", "The walk of a subtree on simplex dictionaries.");
  walk.def(
      "__init__",
      [](TreeWalk* self, const Network& net, const Zonotope* image, bool rows, bool witness,
         bool certify, bool log) {
        new (self) TreeWalk(net, image,
                            {.rows = rows, .witness = witness, .certify = certify, .log = log});
      },
      nb::arg("network"), nb::arg("image").none(), nb::arg("rows"), nb::arg("witness"),
      nb::arg("certify"), nb::arg("log"), nb::keep_alive<1, 2>(), nb::keep_alive<1, 3>());
  bind_walk_members(walk);
  nb::class_<FacetWalk, TreeWalk>(m, "FacetWalk", "The walk of a subtree that finds facets too.")
      .def(
          "__init__",
          [](FacetWalk* self, const Network& net, bool sides) { new (self) FacetWalk(net, sides); },
          nb::arg("network"), nb::arg("sides"), nb::keep_alive<1, 2>())
      .def(
          "take_facets",
          [](FacetWalk& self) {
            const auto facets = self.units().size();
            const auto bytes = static_cast<std::size_t>(self.network().bytes());
            auto taken = std::make_tuple(
                numpy(self.ends().data(), std::vector<std::size_t>{self.ends().size()}),
                numpy(self.side_facets().data(),
                      std::vector<std::size_t>{self.side_facets().size()}),
                numpy(self.units().data(), std::vector<std::size_t>{facets}),
                numpy(self.beyond().data(), std::vector<std::size_t>{facets, bytes}));
            self.clear_facets();
            return taken;
          },
          "Return, of the rows since the last call, where the facets of each end, and how many\n"
          "sides of the box are facets (-1: left open); and of the facets the unit, and the "
          "packed\n"
          "signs beyond if nothing else changes there.");
  nb::class_<ThinnedWalk, TreeWalk>(m, "ThinnedWalk", "The walk of a random part of the tree.")
      .def(
          "__init__",
          [](ThinnedWalk* self, const Network& net, const Zonotope* image, const Floats& window,
             const Floats& turn, Index quota, double growth, std::uint64_t seed, Index samples) {
            check_length(window, net.units() + net.depth(), "window");
            check_length(turn, net.units() + net.depth(), "turn");
            new (self)
                ThinnedWalk(net, image, {window.data(), turn.data(), quota, growth, seed, samples});
          },
          nb::arg("network"), nb::arg("image").none(), nb::arg("window"), nb::arg("turn"),
          nb::arg("quota"), nb::arg("growth"), nb::arg("seed"), nb::arg("samples"),
          nb::keep_alive<1, 2>(), nb::keep_alive<1, 3>())
      .def_prop_ro(
          "weighted_splits", [](const ThinnedWalk& self) { return numpy(self.splits()); }, kNew)
      .def_prop_ro(
          "weighted_layer_cells",
          [](const ThinnedWalk& self) { return numpy(self.weighted_layer_cells()); }, kNew)
      .def_prop_ro(
          "dropped", [](const ThinnedWalk& self) { return numpy(self.dropped()); }, kNew)
      .def_prop_ro(
          "sample",
          [](const ThinnedWalk& self) { return first_rows(self.sample(), self.sample().rows()); },
          kNew)
      .def_prop_ro("sampled", [](const ThinnedWalk& self) { return numpy(self.sampled()); }, kNew);
}

void bind_score_walk(nb::module_& m) {
  nb::class_<ScoreWalk>(m, "ScoreWalk",
                        "Tells which scores are the largest in cells of rows (core/scores.hpp).\n\n"
                        "``network`` has behind the layers of ``table`` the differences of the "
                        "scores. Raises ValueError where sizes are at odds.")
      .def(
          "__init__",
          [](ScoreWalk* self, const Network& net, const Network& table, Index scores) {
            new (self) ScoreWalk(net, table, scores);
          },
          nb::arg("network"), nb::arg("table"), nb::arg("scores"), nb::keep_alive<1, 2>(),
          nb::keep_alive<1, 3>())
      .def(
          "begin",
          [](ScoreWalk& self, const MatrixOf<std::uint8_t>& bits, bool gaps) {
            if (columns(bits) != self.table().units()) {
              throw std::invalid_argument("rows of another network");
            }
            self.begin(bits.data(), length(bits), gaps);
          },
          nb::arg("bits"), nb::arg("gaps"),
          "Begin with ascending rows (m, units of the table), a byte a unit; say whether the "
          "table\n"
          "may have cells between them.")
      .def("advance", &ScoreWalk::advance, nb::call_guard<nb::gil_scoped_release>(),
           "Go on for about 50 ms; False where all rows are done.")
      .def_prop_ro(
          "wins",
          [](const ScoreWalk& self) {
            return numpy(self.wins().data(), static_cast<Index>(self.wins().size()));
          },
          kNew,
          "Of each row the scores that are the largest somewhere in its cell, as bits: one,\n"
          "proved; all that may be, where more than one is; or none, where that is left open.");
}

template <class T>
std::vector<T> values(const VectorOf<T>& array) {
  return std::vector<T>(array.data(), array.data() + array.size());
}

void require(bool holds, const char* otherwise) {
  if (!holds) throw std::invalid_argument(otherwise);
}

using EntryArrays = std::tuple<VectorOf<Index>, VectorOf<Index>, VectorOf<double>>;

// Return the entries of a matrix with so many columns. Throws std::invalid_argument.
Entries entries_of(const EntryArrays& arrays, Index columns) {
  const auto& [starts, inputs, numbers] = arrays;
  Entries found{values(starts), {}};
  require(!found.start.empty() && found.start.front() == 0 &&
              std::is_sorted(found.start.begin(), found.start.end()) &&
              found.start.back() == length(inputs) && length(inputs) == length(numbers),
          "entries that are not those of all neurons");
  for (Index e = 0; e < length(inputs); ++e) {
    found.entry.push_back({inputs.data()[e], numbers.data()[e]});
  }
  for (Index j = 0; j < found.rows(); ++j) {
    Index after = 0;
    for (const Entry entry : found.of(j)) {
      require(after <= entry.input && entry.input < columns, "an entry without an input");
      after = entry.input + 1;
    }
  }
  return found;
}

using VertexSubtreeTuple = std::pair<nb::bytes, Index>;

VertexSubtreeTuple as_tuple(const VertexSubtree& subtree) {
  return {nb::bytes(subtree.prefix.data(), subtree.prefix.size()), subtree.counted};
}

template <int D>
void bind_vertex_walk(nb::module_& m, const char* name) {
  using Walk = VertexWalk<D>;
  nb::class_<Walk>(
      m, name,
      "The walk of a subtree on polytopes that are kept by their vertices.\n\n"
      "``room`` is how many rows it finds until they are taken; where it is 0, it only\n"
      "counts. Raises ValueError where the network has another dimension.")
      .def(
          "__init__",
          [](Walk* self, const VertexNetwork& network, Index room) {
            require(room >= 0, "room for a negative number of rows");
            new (self) Walk(network, room);
          },
          nb::arg("network"), nb::arg("room"), nb::keep_alive<1, 2>())
      .def(
          "begin",
          [](Walk& self, const nb::bytes& prefix, Index counted) {
            const auto* bits = static_cast<const std::uint8_t*>(prefix.data());
            const auto n = static_cast<Index>(prefix.size());
            require(n <= self.network().units(), "a prefix that is longer than the network");
            require(std::all_of(bits, bits + n, [](auto bit) { return bit <= 1; }),
                    "a sign that is neither 0 nor 1");
            require(0 <= counted && counted <= self.network().depth(), "no such layer");
            self.begin(bits, n, counted);
          },
          nb::arg("prefix"), nb::arg("counted"),
          "Begin the walk of a subtree: the signs of the first units, a byte (0 or 1) each, and "
          "for\n"
          "how many layers another subtree counts the layer-k cell on this path.")
      .def("give_up", &Walk::give_up,
           "Leave the whole subtree to exact arithmetic; to be called right after `begin`.")
      .def("advance", &Walk::advance, nb::arg("nodes"), nb::call_guard<nb::gil_scoped_release>(),
           "Walk on for at most ``nodes`` tree nodes, and about 50 ms; return why it stopped.")
      .def(
          "take",
          [](Walk& self) {
            CellRows& rows = self.rows();
            const Index n = rows.count();
            rows.clear();
            return std::make_tuple(
                first_rows(rows.all_signs(), n), first_rows(rows.all_active(), n),
                first_rows(rows.all_ranks(), n), first_rows(rows.all_witnesses(), n));
          },
          "Take the rows found: packed signs (rows, bytes) uint8, active units (rows, layers)\n"
          "uint16, ranks (rows, layers) int32, -1 where unproved, and witnesses (rows, inputs).")
      .def("skip", &Walk::skip, nb::arg("share"),
           "Go on behind the unsure subtree, of which exact arithmetic did this share.")
      .def(
          "rest",
          [](const Walk& self) {
            std::vector<VertexSubtreeTuple> rest;
            for (const VertexSubtree& subtree : self.rest()) {
              rest.push_back(as_tuple(subtree));
            }
            return rest;
          },
          "Return the subtrees that are not walked, as (prefix, counted), in table order; the\n"
          "first is the one in hand.")
      .def_prop_ro("done", &Walk::done)
      .def_prop_ro("unsure", &Walk::is_unsure,
                   "Whether the cell in hand is left to exact arithmetic.")
      .def_prop_ro(
          "found", [](Walk& self) { return self.rows().count(); }, "Rows that can be taken.")
      .def_prop_ro("cells", &Walk::cells)
      .def_prop_ro("layer_cells",
                   [](const Walk& self) {
                     return std::vector<Index>(self.layer_cells().begin(),
                                               self.layer_cells().end());
                   })
      .def_prop_ro("nodes", &Walk::nodes)
      .def_prop_ro("share", &Walk::share, "The share of the domain's tree that is done.")
      .def_prop_ro("proved", &Walk::proved, "Signs of units on cells that were proved.")
      .def_prop_ro("touching", &Walk::touching, "Those of them that rest on a zero at a vertex.")
      .def_prop_ro("vertices", &Walk::vertices, "Vertices computed.");
}

// What tests hold against exact arithmetic -----------------------------------------------------

// Return where D planes meet, (D,), and a bound on its distance to the true vertex.
std::pair<std::vector<double>, double> locate_vertex(const MatrixOf<double>& forms, double error) {
  const std::size_t d = forms.shape(0);
  require((d == 2 || d == 3) && forms.shape(1) == d + 1, "forms of another number than inputs");
  const auto found = [&]<int D>(const Few<Plane<D>, D>& unset) {
    Few<Plane<D>, D> planes = unset;
    for (int k = 0; k < D; ++k) {
      planes[k].error = error;
      std::copy_n(forms.data() + Index{k} * (D + 1), D + 1, planes[k].form.begin());
    }
    Located<D> at;
    if constexpr (D == 2) at = locate(planes[0], planes[1]);
    if constexpr (D == 3) at = locate(planes[0], planes[1], planes[2]);
    return std::pair(std::vector<double>(at.point.begin(), at.point.end()), at.blur);
  };
  return d == 2 ? found(Few<Plane<2>, 2>{}) : found(Few<Plane<3>, 3>{});
}

// Return the forms (D + 1, padded width) of the layer behind those whose active units are given, a
// byte (0 or 1) each.
template <int D>
nb::ndarray<nb::numpy, double> vertex_forms(const VertexNetwork& network,
                                            const std::vector<nb::bytes>& active) {
  const auto layer = static_cast<Index>(active.size());
  require(network.dimension() == D && layer < network.depth(), "no such layer");
  for (Index l = 0; l <= layer; ++l) require(!network[l].is_gathered(), "a layer without sums");
  Sums<D> sums(network);
  LayerForms<D> forms(network[0]);
  forms.take_first();
  for (Index l = 0; l < layer; ++l) {
    const nb::bytes& signs = active[static_cast<std::size_t>(l)];
    require(static_cast<Index>(signs.size()) == network[l].units, "signs of another layer");
    PartialSum sum{l + 1, 0, 0, 0};
    for (Index k = 0; k < network[l].width; ++k) {
      sums.add(sum, forms, k, k >= network[l].units || signs.c_str()[k] != 0);
    }
    LayerForms<D> next(network[l + 1]);
    sums.write(sum, next.forms(), next.stride());
    forms = std::move(next);
  }
  auto copy = new_array<double>({D + 1, static_cast<std::size_t>(forms.stride())});
  std::copy_n(forms.forms(), (D + 1) * forms.stride(), copy.data());
  return copy;
}

// Return the units of the first layer that may cut the box, and their signs (0 where it is not
// proved) at a vertex with this float point.
template <int D>
std::pair<std::vector<Index>, std::vector<int>> vertex_signs(const VertexNetwork& network,
                                                             const std::vector<double>& point,
                                                             double blur) {
  require(network.dimension() == D && point.size() == D, "a point of another dimension");
  require(network.depth() > 0, "a network without layers");
  LayerForms<D> layer(network[0]);
  Polytopes<D> polytopes(network.units() + Index{2} * D, network[0].units);
  const Polytope box = polytopes.begin(network);
  layer.take_first();
  layer.enter(polytopes.of(box), box.count, nullptr, false);
  Point<D> at;
  std::copy_n(point.begin(), D, at.begin());
  Array<Word> positive(polytopes.words()), negative(polytopes.words());
  layer.note_signs(at, blur, 0, positive.data(), negative.data());
  std::pair<std::vector<Index>, std::vector<int>> found;
  for (Index c = 0; c < layer.columns(); ++c) {
    found.first.push_back(layer.neuron(c));
    found.second.push_back(holds(positive.data(), c) - holds(negative.data(), c));
  }
  return found;
}

// -----------------------------------------------------------------------------------------------

void bind_vertex(nb::module_& m) {
  nb::class_<VertexNetwork>(
      m, "VertexNetwork",
      "A network on a box, every quantity scaled to a size of at most 1 (read only).\n\n"
      "``inputs`` inputs vary; ``lower`` and ``upper`` have an entry for each, or two for one. Of\n"
      "each layer: ``weights``, by neurons, as the places of each neuron's first entry and of the\n"
      "end (width + 1,) int64, and the entries' inputs (m,) int64 and float64 numbers (m,);\n"
      "``biases`` (width,) float64; ``exponents`` (width,) int32 of the powers of two by which "
      "the\n"
      "neurons were divided; ``slopes`` (units,) float64 on the inactive side, the other\n"
      "neurons being pass-throughs; ``roundings``: how far a form may be from the true one,\n"
      "whether the weights are rounded, and whether all forms are exact; and ``maxima``: the "
      "first\n"
      "unit of each max of three or more, its numbers, and the pass-through that carries the "
      "first\n"
      "one. Raises ValueError where sizes do not\n"
      "fit, a number is not finite, or something is not scaled.")
      .def(
          "__init__",
          [](VertexNetwork* self, Index inputs, std::vector<double> lower,
             std::vector<double> upper, const std::vector<EntryArrays>& weights,
             const std::vector<VectorOf<double>>& biases,
             const std::vector<VectorOf<std::int32_t>>& exponents,
             const std::vector<VectorOf<double>>& slopes,
             const std::vector<std::tuple<double, bool, bool>>& roundings,
             const std::vector<std::vector<std::tuple<Index, Index, Index>>>& maxima) {
            const std::size_t depth = weights.size();
            require(depth > 0, "a network without layers");
            require(biases.size() == depth && exponents.size() == depth && slopes.size() == depth &&
                        roundings.size() == depth && maxima.size() == depth,
                    "arrays of different numbers of layers");
            VertexNetwork network(inputs, std::move(lower), std::move(upper));
            for (std::size_t l = 0; l < depth; ++l) {
              const auto& [error, inexact, exact] = roundings[l];
              std::vector<BasedMax> winners;
              for (const auto& [first, pieces, base] : maxima[l]) {
                winners.push_back({{first, pieces}, base});
              }
              network.add_layer(entries_of(weights[l], network.next_inputs()), values(biases[l]),
                                values(exponents[l]), values(slopes[l]), {error, inexact, exact},
                                std::move(winners));
            }
            new (self) VertexNetwork(std::move(network));
          },
          nb::arg("inputs"), nb::arg("lower"), nb::arg("upper"), nb::arg("weights"),
          nb::arg("biases"), nb::arg("exponents"), nb::arg("slopes"), nb::arg("roundings"),
          nb::arg("maxima"))
      .def_prop_ro("dimension", &VertexNetwork::dimension)
      .def_prop_ro(
          "central", [](const VertexNetwork& self) { return self[self.depth() - 1].central; },
          "Whether there are no biases.");
  bind_vertex_walk<2>(m, "VertexWalk2");
  bind_vertex_walk<3>(m, "VertexWalk3");
  m.def("locate_vertex", &locate_vertex, nb::arg("forms"), nb::arg("error"),
        "Return where the planes ``forms`` (D, D + 1) meet, and a bound on its distance to the\n"
        "vertex of the true planes, whose forms differ by up to ``error``; infinity if unknown.");
  m.def(
      "vertex_forms",
      [](const VertexNetwork& network, const std::vector<nb::bytes>& active) {
        return network.dimension() == 2 ? vertex_forms<2>(network, active)
                                        : vertex_forms<3>(network, active);
      },
      nb::arg("network"), nb::arg("active"),
      "Return the forms (D + 1, at least width) of the layer behind those whose units' signs are\n"
      "given, a byte (0 or 1) each.");
  m.def(
      "vertex_signs",
      [](const VertexNetwork& network, const std::vector<double>& point, double blur) {
        return network.dimension() == 2 ? vertex_signs<2>(network, point, blur)
                                        : vertex_signs<3>(network, point, blur);
      },
      nb::arg("network"), nb::arg("point"), nb::arg("blur"),
      "Return the units of the first layer that may cut the box, and the signs (+1, -1, or 0:\n"
      "not proved) they have at a vertex that is within ``blur`` of ``point``.");
}

void bind_ranks(nb::module_& m) {
  m.attr("PRIME") = kPrime;
  m.def(
      "residue",
      [](std::uint64_t x) {
        require(x >> 63 == 0, "a number that is not below 2^63");
        return residue(x);
      },
      nb::arg("x"), "Return x, which is below 2^63, modulo the prime.");
  nb::class_<Ranks>(
      m, "Ranks",
      "Finds ranks of rows of a cell table, given in order, by elimination modulo a prime.\n\n"
      "``inputs`` is their number. Of each layer: ``weights`` (width, inputs of the layer) uint32\n"
      "modulo the prime, and ``slopes`` (units,) uint32: the slopes on the inactive side modulo "
      "the\n"
      "prime, the prime itself for a multiple of it that is not 0; the other neurons are\n"
      "pass-throughs. ``clips`` has the first neuron of each clip, ``maxima`` the first neuron, "
      "the\n"
      "pieces and the base of each max. Raises ValueError where something does not fit.")
      .def(
          "__init__",
          [](Ranks* self, Index inputs, const std::vector<MatrixOf<std::uint32_t>>& weights,
             const std::vector<VectorOf<std::uint32_t>>& slopes,
             const std::vector<std::vector<Index>>& clips,
             const std::vector<std::vector<std::tuple<Index, Index, Index>>>& maxima) {
            require(!weights.empty() && weights.size() == slopes.size() &&
                        weights.size() == clips.size() && weights.size() == maxima.size(),
                    "weights, slopes and pieces of different numbers of layers, or of none");
            require(inputs == columns(weights[0]), "a first layer of other inputs");
            Ranks ranks(inputs);
            for (std::size_t l = 0; l < weights.size(); ++l) {
              Pieces pieces{clips[l], {}};
              for (const auto& [first, count, base] : maxima[l]) {
                pieces.maxima.push_back({first, count, base});
              }
              ranks.add_layer(weights[l].data(), length(weights[l]), columns(weights[l]),
                              values(slopes[l]), pieces);
            }
            new (self) Ranks(std::move(ranks));
          },
          nb::arg("inputs"), nb::arg("weights"), nb::arg("slopes"), nb::arg("clips"),
          nb::arg("maxima"))
      .def("begin", &Ranks::begin, "Begin with the rows of another table.")
      .def(
          "rank_rows",
          [](Ranks& self, const MatrixOf<std::uint8_t>& signs) {
            require(columns(signs) == self.bytes(), "sign vectors of another network");
            const std::size_t n = signs.shape(0), depth = static_cast<std::size_t>(self.depth());
            auto ranks = new_array<std::uint16_t>({n, depth});
            auto tight = new_array<std::uint8_t>({n, depth});
            {
              const nb::gil_scoped_release release;
              self.rank_rows(signs.data(), length(signs), ranks.data(), tight.data());
            }
            return std::pair(ranks, tight);
          },
          nb::arg("signs"),
          "Return the ranks (rows, layers) uint16 of packed sign vectors (rows, bytes) uint8, and\n"
          "where they are tight (rows, layers) uint8: proved, if the rank at the layer before is.");
}

// -----------------------------------------------------------------------------------------------

// Return what a walk remembers of the layer-k cells on its path: lists of pairs of a unit and a
// sign.
std::vector<Nogoods::Signs> patterns(TreeWalk& walk) {
  std::vector<Nogoods::Signs> found;
  if (walk.is_done()) return found;
  const Frame& f = walk.frame(walk.top_index());
  const bool is_new = f.phase == Phase::kNewLayer || f.phase == Phase::kRootTests;
  for (Index l = 0; l < f.layer + (is_new ? 0 : 1); ++l) {
    for (Nogoods::Signs& signs : walk.nogoods().remembered(l)) found.push_back(std::move(signs));
  }
  return found;
}

// Return what a workbench's dictionary consists of.
auto dictionary(const Workbench& bench) {
  const Frame& f = bench.frame();
  const Index d = bench.network().d();
  const auto rows = static_cast<std::size_t>(f.rows), width = static_cast<std::size_t>(1 + d);
  auto value = new_array<double>({rows, width});
  for (Index r = 0; r < f.rows; ++r) {
    value.data()[r * (1 + d)] = f.constant[r];
    std::copy_n(f.value(r), d, value.data() + r * (1 + d) + 1);
  }
  return std::make_tuple(value, f.free, numpy(f.row, f.rows), numpy(f.cap, f.rows),
                         numpy(f.column, d), numpy(f.at_upper, d));
}

// Return the forms of all units (units, 1 + d).
Numpy<double> forms(const Workbench& bench) {
  const auto n = static_cast<std::size_t>(bench.network().units());
  const auto width = static_cast<std::size_t>(1 + bench.network().d());
  auto found = new_array<double>({n, width});
  for (std::size_t k = 0; k < n; ++k) {
    std::copy_n(bench.path().form(static_cast<Index>(k)), width, found.data() + k * width);
  }
  return found;
}

void bind_workbench(nb::module_& m) {
  nb::enum_<Ended>(m, "Ended", "How a descent ended.")
      .value("OPTIMAL", Ended::kOptimal, "At the lowest value, or surely above 0.")
      .value("CROSSED", Ended::kCrossed, "Below 0.")
      .value("STALLED", Ended::kStalled, "Nowhere.");
  const auto point_of = [](const Workbench& bench, const Floats& x) {
    check_length(x, bench.network().d(), "a point");
    return x.data();
  };
  nb::class_<Workbench>(
      m, "Workbench",
      "One dictionary and all that works on it, for tests (core/workbench.hpp).\n\n"
      "Raises ValueError or IndexError where something asked for is not there.")
      .def(nb::init<const Network&>(), nb::arg("network"), nb::keep_alive<1, 2>())
      .def("pull_back", &Workbench::pull_back, nb::arg("layer"),
           "Compute the forms of a layer's units on the path's cell.")
      .def("follow", &Workbench::follow, nb::arg("signs"), nb::arg("splits"),
           "Put the path on a cell: signs of the first units (0: zero there), and its splits.")
      .def("rebuild", &Workbench::rebuild, nb::arg("column"), nb::arg("at_upper"),
           "Write the slacks of the splits over a basis (d,) of nonbasic variables.")
      .def("add_layer", &Workbench::add_layer, nb::arg("layer"),
           "Put the units of a layer before the other rows, in descending order.")
      .def(
          "put_rows",
          [](Workbench& self, const MatrixOf<double>& value, const Floats& cap, Index free) {
            check_length(cap, length(value), "cap");
            require(columns(value) == 1 + self.network().d(), "rows of another length than 1 + d");
            self.put_rows(value.data(), cap.data(), length(value), free);
          },
          nb::arg("value"), nb::arg("cap"), nb::arg("free"),
          "Put rows (rows, 1 + d), the constant first, and their caps in place of all rows.")
      .def("pivot", &Workbench::pivot, nb::arg("row"), nb::arg("column"))
      .def("step_along", &Workbench::step_along, nb::arg("column"),
           "Move along a column to the next vertex; False where nothing blocks.")
      .def(
          "entering",
          [](const Workbench& self, Index row, double side) {
            const Entering found = self.entering(row, side);
            return std::pair(found.column, found.bound);
          },
          nb::arg("row"), nb::arg("side"),
          "Return the column that lowers side times a row most (-1: none), and a bound on it.")
      .def("descend", &Workbench::descend, nb::arg("row"), nb::arg("side"))
      .def("holds", &Workbench::holds, nb::arg("unit"), nb::arg("row"), nb::arg("side"),
           "Prove that side times a unit is positive on the cell, by its row.")
      .def("holds_at_basis", &Workbench::holds_at_basis, nb::arg("unit"), nb::arg("row"),
           nb::arg("side"), "The same inside the cell, by the multipliers of the basis.")
      .def("holds_in_integers", &Workbench::holds_in_integers, nb::arg("unit"), nb::arg("row"),
           nb::arg("side"), "The same inside the cell where forms are exact in float64.")
      .def(
          "has_signs_of_path",
          [=](Workbench& self, const Floats& x) {
            return self.has_signs_of_path(point_of(self, x));
          },
          nb::arg("x"), "Prove that a point is in the box and has the signs of the path.")
      .def(
          "is_inside",
          [=](const Workbench& self, const Floats& x) { return self.is_inside(point_of(self, x)); },
          nb::arg("x"), "Prove that a point is in the box, on the path's sides of its splits.")
      .def("look", &Workbench::look,
           "Return the signs that the screen proves of the free rows (0: nothing).")
      .def("ceilings", &Workbench::ceilings,
           "Return proved bounds on the displacement of each column in the cell.")
      .def("ceiling_in_box", &Workbench::ceiling_in_box, nb::arg("variable"))
      .def("inner_point", &Workbench::inner_point)
      .def("mean_of_vertices", &Workbench::mean_of_vertices, "Moves the dictionary.")
      .def_prop_ro("dictionary", &dictionary,
                   "(value (rows, 1 + d), number of free rows, row, cap, column, at_upper).", kNew)
      .def_prop_ro(
          "point", [](const Workbench& self) { return numpy(self.point(), self.network().d()); },
          kNew)
      .def_prop_ro("forms", &forms, kNew,
                   "The forms (units, 1 + d), constant first; bounds follow.")
      .def_prop_ro(
          "form_size", [](const Workbench& self) { return numpy(self.path().form_size); }, kNew)
      .def_prop_ro(
          "form_error", [](const Workbench& self) { return numpy(self.path().form_error); }, kNew)
      .def_prop_ro("scale", [](const Workbench& self) { return numpy(self.path().scale); }, kNew);

  m.attr("MOST_REMEMBERED_UNITS") = Nogoods::kMostBits;
  m.def("patterns", &patterns, nb::arg("walk"),
        "Return what a walk remembers of the layer-k cells on its path: signs, as lists of (unit,\n"
        "1 or -1), that no cell in them has all together.");
  m.def(
      "ratio_test",
      [](const Floats& constant, const Floats& slope, const Floats& cap, Index first, Index end) {
        check_length(slope, length(constant), "slope");
        check_length(cap, length(constant), "cap");
        require(0 <= first && first <= end && end <= length(constant), "no such rows");
        const Leaving found = ratio_test(constant.data(), slope.data(), cap.data(), first, end);
        return std::pair(found.row, found.step);
      },
      nb::arg("constant"), nb::arg("slope"), nb::arg("cap"), nb::arg("first"), nb::arg("end"),
      "Return the row from `first` to `end` that blocks first (-1: none), and the step.");
  m.def(
      "weighted_sum",
      [](const Floats& start, const MatrixOf<double>& rows, const Floats& weights) {
        check_length(start, columns(rows), "start");
        check_length(weights, length(rows), "weights");
        require(columns(rows) % kLanes == 0, "rows that are no whole vectors");
        Array<double> out(length(start));
        weighted_sum(out.data(), start.data(), rows.data(), columns(rows), weights.data(),
                     length(rows), length(start));
        return numpy(out);
      },
      nb::arg("start"), nb::arg("rows"), nb::arg("weights"),
      "Return start + weights @ rows, term after term; rows are whole vectors.");

  nb::class_<LayerMap>(m, "LayerMap", "An affine map, dense or sparse (core/layer_map.hpp).")
      .def(
          "__init__",
          [](LayerMap* self, const MatrixOf<double>& weight, const Floats& bias) {
            check_length(bias, length(weight), "bias");
            require(weight.size() > 0, "a map without inputs or neurons");
            new (self) LayerMap(weight.data(), bias.data(), columns(weight), length(weight));
          },
          nb::arg("weight"), nb::arg("bias"))
      .def_prop_ro("is_sparse", &LayerMap::is_sparse)
      .def(
          "apply",
          [](const LayerMap& self, const Floats& a) {
            check_length(a, self.n_in(), "a");
            Array<double> out(padded(self.n_out()));
            self.apply(a.data(), out.data());
            return numpy(out.data(), self.n_out());
          },
          nb::arg("a"), "Return W a + b.")
      .def(
          "combine",
          [](const LayerMap& self, const VectorOf<Index>& input, const Floats& factor, bool sizes) {
            check_length(factor, length(input), "factor");
            for (Index a = 0; a < length(input); ++a) {
              require(0 <= input.data()[a] && input.data()[a] < self.n_in(), "no such input");
            }
            Array<double> out(padded(self.n_out()));
            if (sizes) {
              self.combine_sizes(out.data(), input.data(), factor.data(), length(input));
            } else {
              self.combine(out.data(), self.bias(), input.data(), factor.data(), length(input));
            }
            return numpy(out.data(), self.n_out());
          },
          nb::arg("input"), nb::arg("factor"), nb::arg("sizes"),
          "Return b plus factors times columns of W, or the sum of the columns' sizes.");
}

void bind_stop(nb::module_& m) {
  nb::enum_<Stop>(m, "Stop", "Why a walk stopped.")
      .value("DONE", Stop::kDone, "The subtree is walked.")
      .value("PAUSED", Stop::kPaused, "The limit of nodes or of time is reached.")
      .value("ROWS_FULL", Stop::kRowsFull, "There is no room for rows until they are taken.")
      .value("UNSURE", Stop::kUnsure, "Exact arithmetic has to answer.");
}

}  // namespace
}  // namespace nnce

NB_MODULE(NNCE_MODULE, m) {
  m.doc() = "The core of nnce: walks through the cells of a network, and their proofs.";
  nnce::bind_stop(m);
  nnce::bind_network(m);
  nnce::bind_image(m);
  nnce::bind_tree_walks(m);
  nnce::bind_score_walk(m);
  nnce::bind_vertex(m);
  nnce::bind_ranks(m);
  nnce::bind_workbench(m);
}
