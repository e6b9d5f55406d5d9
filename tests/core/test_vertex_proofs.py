"""The bounds of the vertex walk hold, in rational arithmetic, and are not absurdly large."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from flint import fmpq, fmpq_mat

from nnce_cli import _core
from nnce_cli.enumeration.vertex import scaling
from nnce_cli.enumeration.vertex.scaling import input_exponents, scale, scaled_layers
from nnce_cli.exact import Pullback
from nnce_cli.network import AffineMap, LayerStack, Units
from tests.cases import cube


def normal_stack(widths, seed):
    """Return a network of normal weights and biases."""
    random = np.random.default_rng(seed)
    maps = [
        AffineMap(random.normal(size=(n_out, n_in)), random.normal(size=n_out))
        for n_in, n_out in itertools.pairwise(widths)
    ]
    return LayerStack(tuple(maps), None, (1, widths[0]), "")


def rational(x):
    return fmpq(*float(x).as_integer_ratio())


def no_slopes(stack):
    return [np.zeros(layer.n_out) for layer in stack.hidden]


def true_vertex(forms):
    """Return the point where all of these rational forms are zero."""
    d = len(forms)
    matrix = fmpq_mat([row[1:] for row in forms])
    right = fmpq_mat(d, 1, [-row[0] for row in forms])
    return matrix.solve(right).entries()


def random_forms(random, dimension, angle):
    """Return forms of size at most 1, all nearly parallel: ``angle`` apart."""
    common = random.uniform(-1, 1, dimension + 1)
    rows = common + angle * random.uniform(-1, 1, (dimension, dimension + 1))
    return rows / np.abs(rows).sum(axis=1).max()


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("error", [1e-290, 1e-12, 1e-6])
def test_blur_bounds_the_distance_to_the_true_vertex(dimension, error):
    """The true planes differ from the computed ones by up to ``error``, by all of it at worst."""
    random = np.random.default_rng(dimension)
    known, largest = 0, 0.0
    for angle in [1.0, 1e-2, 1e-4, 1e-8, 1e-14] * 60:
        forms = random_forms(random, dimension, angle)
        point, blur = _core.locate_vertex(forms, error)
        if not blur <= 0.5:
            assert blur == np.inf
            continue
        share = random.dirichlet(np.ones(dimension + 1), dimension) * (1 - 1e-9)
        signs = random.choice([-1, 1], (dimension, dimension + 1))
        true = [
            [rational(x) + rational(error * p * s) for x, p, s in zip(*rows, strict=True)]
            for rows in zip(forms, share, signs, strict=True)
        ]
        vertex = true_vertex(true)
        if any(abs(x) > 1 for x in vertex):
            continue  # true vertices lie in the box
        off = max(abs(rational(x) - y) for x, y in zip(point, vertex, strict=True))
        assert off <= rational(blur)
        known += 1
        largest = max(largest, float(int(off.p) / int(off.q)) / blur)
    assert known > 20
    assert largest > 1e-4


@pytest.mark.parametrize("dimension", [2, 3])
def test_parallel_planes_have_no_known_vertex(dimension):
    for scale_by in (1.0, 2.0**-500, 0.0):
        forms = np.full((dimension, dimension + 1), 0.125 * scale_by)
        forms[0, 0] += 2.0**-40
        assert _core.locate_vertex(forms, 1e-290) == ([0.0] * dimension, np.inf)


@pytest.mark.parametrize("size", [1.0, 2.0**-190])
def test_numbers_of_ordinary_size_are_scaled_as_all_others_are(monkeypatch, size):
    """Digit for digit, with rows of zeros, entries of zero, gains and inputs of any size."""
    random = np.random.default_rng(3)
    maps = []
    for n_in, n_out in ((3, 5), (5, 4), (4, 2)):
        weight = random.normal(size=(n_out, n_in)) * size
        weight[random.random(weight.shape) < 0.3] = 0.0
        weight[0] = 0.0
        bias = np.where(random.random(n_out) < 0.5, 0.0, random.normal(size=n_out))
        maps.append(AffineMap(weight, bias))
    stack = LayerStack(tuple(maps), None, (1, 3), "")
    slopes = [np.full(n, slope) for n, slope in ((5, -3.0), (4, 0.0), (2, 0.5))]
    exponents = np.array([-40, 0, 70], dtype=np.int32)
    quickly = list(scaled_layers(stack, exponents, slopes))
    monkeypatch.setattr(scaling, "_is_ordinary", lambda *_: False)
    for one, other in zip(quickly, scaled_layers(stack, exponents, slopes), strict=True):
        for name in ("entries", "bias", "exponents", "error"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def errors_of_forms(stack, box, active, slopes):
    """Yield what the forms of each layer err by: per neuron, exact, over the scaled box."""
    network = scale(stack, box, slopes)
    errors = [layer.error for layer in scaled_layers(stack, input_exponents(box), slopes)]
    pullback = Pullback(replace(stack, units=tuple(Units(slope) for slope in slopes)))
    inputs = [rational(2.0 ** int(e)) for e in input_exponents(box)]
    for layer, (weights, bound) in enumerate(zip(stack.hidden, errors, strict=True)):
        forms = _core.vertex_forms(network, [bytes(signs) for signs in active[:layer]])
        exact = pullback.preactivations(layer, active)
        for j in range(weights.n_out):
            row = [exact[j, 0], *(exact[j, 1 + i] * inputs[i] for i in range(len(inputs)))]
            yield layer, j, row, [rational(x) for x in forms[: len(row), j]], bound


def assert_forms_are_exact_within_their_errors(stack, active, slopes):
    """The forms are the exact preactivations, scaled by a power of two, up to their error."""
    largest = 0.0
    box = cube(stack.n_inputs, -3, 1)
    for layer, j, row, computed, bound in errors_of_forms(stack, box, active, slopes):
        k = max(range(len(row)), key=lambda i: abs(computed[i]))
        ratio = row[k] / computed[k]
        power = fmpq(2) ** round(np.log2(float(int(ratio.p) / int(ratio.q))))
        off = sum((abs(x / power - y) for x, y in zip(row, computed, strict=True)), fmpq(0))
        assert off <= rational(bound), (layer, j)
        assert sum(map(abs, computed), fmpq(0)) <= 1 + fmpq(1, 2**20)
        largest = max(largest, float(int(off.p) / int(off.q)) / bound)
    assert largest > 1e-4


@pytest.mark.parametrize("widths", [(2, 6, 6, 5), (3, 8, 7), (1, 5, 5, 5, 5)])
@pytest.mark.parametrize("exponent", [0, 900, -900])
def test_the_error_of_forms_is_bounded(widths, exponent):
    stack = normal_stack(widths, 5)
    factors = [2.0**exponent, *[1.0] * (len(widths) - 2)]
    maps = [
        AffineMap(layer.weight * factor, layer.bias * 2.0**exponent)
        for layer, factor in zip(stack.hidden, factors, strict=True)
    ]
    stack = LayerStack(tuple(maps), None, stack.input_shape, "")
    random = np.random.default_rng(1)
    active = [random.integers(0, 2, size=n).astype(bool).tolist() for n in widths[1:]]
    assert_forms_are_exact_within_their_errors(stack, active, no_slopes(stack))


@pytest.mark.parametrize("widths", [(2, 6, 6, 5), (3, 8, 7), (1, 5, 5, 5, 5)])
@pytest.mark.parametrize("slope", [0.01, -1.0, 3.3])
def test_the_error_of_forms_is_bounded_with_slopes_and_pass_throughs(widths, slope):
    """The last two neurons of each layer are pass-throughs, the first unit is a ReLU."""
    stack, random = normal_stack(widths, 5), np.random.default_rng(1)
    slopes = [np.full(n - 2, slope) for n in widths[1:]]
    for each in slopes:
        each[0] = 0.0
    active = [random.integers(0, 2, size=len(s)).astype(bool).tolist() for s in slopes]
    assert_forms_are_exact_within_their_errors(stack, active, slopes)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_signs_are_claimed_beyond_the_margin_only(dimension):
    """One neuron after the other is zero, or nearly, at the upper corner of the box."""
    gaps = [0.0, 2.0**-52, -(2.0**-52), 2.0**-42, -(2.0**-42), 1.0, -1.0]
    weight = np.ones((len(gaps), dimension))
    bias = np.array(gaps) - dimension
    stack = LayerStack((AffineMap(weight, bias),), None, (1, dimension), "")
    box = cube(dimension, -1, 1)
    network = scale(stack, box, no_slopes(stack))
    upper = [*np.ldexp(box.upper, -input_exponents(box)).tolist(), 1.0][: network.dimension]
    units, claims = _core.vertex_signs(network, upper, 1e-290)
    assert units == [0, 1, 2, 3, 5]  # the others are negative on the whole box
    assert claims == [0, 0, 0, 1, 1]
    assert _core.vertex_signs(network, upper, np.inf)[1] == [0] * 5


def walk_all(stack, slopes, room=8192):
    """Walk a network on [-1, 1]^n; return the core's walk and its rows, scaled back."""
    box = cube(stack.n_inputs, -1, 1)
    network = scale(stack, box, slopes)
    walk = (_core.VertexWalk2 if network.dimension == 2 else _core.VertexWalk3)(network, room)
    walk.begin(b"", 0)
    walk.advance(2**62)
    assert walk.done
    *rows, points = walk.take()
    return walk, (*rows, np.ldexp(points, input_exponents(box)))


def signs_and_rank(stack, slopes, point):
    """Return the exact signs at a point, and the ranks of x -> a_l around it."""
    a = fmpq_mat([[rational(x)] for x in point])
    slope_of = fmpq_mat([[fmpq(int(i == j)) for j in range(len(point))] for i in range(len(point))])
    signs, ranks = [], []
    for layer, slope in zip(stack.hidden, slopes, strict=True):
        weight, bias = layer.rational
        z, gradient = weight * a + bias, weight * slope_of
        passed = [
            fmpq(1) if j >= len(slope) or z[j, 0] > 0 else rational(slope[j])
            for j in range(layer.n_out)
        ]
        assert all(z[j, 0] != 0 for j in range(len(slope)))
        signs.append([int(z[j, 0] > 0) for j in range(len(slope))])
        a = fmpq_mat([[z[j, 0] * f] for j, f in enumerate(passed)])
        rows = [[gradient[j, i] * f for i in range(len(point))] for j, f in enumerate(passed)]
        slope_of = fmpq_mat(rows)
        ranks.append(int(slope_of.rank()))
    return signs, ranks


@pytest.mark.parametrize("widths", [(1, 6, 5), (2, 6, 5), (2, 5, 5, 4), (3, 5, 4), (3, 4, 4, 3)])
@pytest.mark.parametrize("slope", [0.0, 0.125, 0.1, -1.0])
@pytest.mark.parametrize("passing", [0, 1])
def test_cells_of_units_with_slopes_and_pass_throughs(widths, slope, passing):
    """Every row has a witness, which proves it; no point drawn at random is in another cell."""
    stack = normal_stack(widths, [*widths, passing])
    slopes = [np.full(n - passing, slope) for n in widths[1:]]
    for each in slopes:
        each[:1] = 0.0
    walk, (packed, active, ranks, witnesses) = walk_all(stack, slopes)
    units = [len(s) for s in slopes]
    parts = np.split(packed, np.cumsum([(n + 7) // 8 for n in units])[:-1], axis=1)
    rows = [np.unpackbits(p, axis=1, count=n) for p, n in zip(parts, units, strict=True)]
    joined = list(map(tuple, np.concatenate(rows, axis=1).tolist()))
    assert len(set(joined)) == len(joined) == walk.cells
    assert joined == sorted(joined)
    for i, point in enumerate(witnesses):
        signs, exact_ranks = signs_and_rank(stack, slopes, point)
        assert signs == [row[i].tolist() for row in rows]
        assert active[i].tolist() == [sum(layer) for layer in signs]
        assert all(r in (-1, e) for r, e in zip(ranks[i], exact_ranks, strict=True))
    a = np.random.default_rng(0).uniform(-1, 1, (20_000, widths[0]))
    seen = []
    for layer, each in zip(stack.hidden, slopes, strict=True):
        z = layer.apply(a)
        seen.append(z[:, : len(each)] > 0)
        passed = np.concatenate([each, np.ones(layer.n_out - len(each))])
        a = np.where(z > 0, z, passed * z)
    assert set(map(tuple, np.concatenate(seen, axis=1).astype(int).tolist())) <= set(joined)
    counting, _ = walk_all(stack, slopes, room=0)
    assert counting.layer_cells == walk.layer_cells


def entries(dense):
    """Return the entries of a matrix as the core takes them."""
    row, column = np.nonzero(dense)
    return np.searchsorted(row, np.arange(len(dense) + 1)), column, dense[row, column].copy()


FULL = [entries(np.full((3, 2), 0.25)), entries(np.full((2, 3), 0.25))]
COLUMN = np.arange(2).repeat(3) * 0
HOSTILE = [
    ("inputs", 3), ("lower", [-1.0]), ("lower", [1.0, 0.0]), ("upper", [np.nan, 1.0]),
    ("upper", [2.0, 1.0]), ("weights", []), ("weights", [entries(np.full((3, 3), 0.25))] * 2),
    ("weights", [entries(np.full((3, 2), np.nan)), FULL[1]]),
    ("weights", [entries(np.ones((3, 2))), FULL[1]]), ("biases", [np.zeros(2), np.zeros(2)]),
    ("weights", [(FULL[0][0][:0], *FULL[0][1:]), FULL[1]]),
    ("weights", [(FULL[0][0] + 1, *FULL[0][1:]), FULL[1]]),
    ("weights", [(FULL[0][0][::-1].copy(), *FULL[0][1:]), FULL[1]]),
    ("weights", [(FULL[0][0], COLUMN, FULL[0][2]), FULL[1]]),
    ("weights", [(FULL[0][0], FULL[0][1] - 1, FULL[0][2]), FULL[1]]),
    ("weights", [(*FULL[0][:2], np.zeros(2)), FULL[1]]),
    ("slopes", [np.zeros(4), np.zeros(2)]), ("slopes", [np.full(3, np.inf), np.zeros(2)]),
    ("slopes", [np.full(3, 1e9), np.zeros(2)]), ("roundings", [(0.0, False, False)]),
    ("roundings", [(-1.0, False, False), (0.0, False, False)]),
    ("roundings", [(np.nan, False, False), (0.0, False, False)]),
    ("maxima", []), ("maxima", [[], [(0, 3, 1)]]), ("maxima", [[(0, 2, 2)], []]),
    ("maxima", [[(-1, 3, 2)], []]), ("maxima", [[(0, 3, 3)], []]), ("maxima", [[(0, 257, 2)], []]),
    ("exponents", [np.zeros(2, np.int32)] * 2),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), HOSTILE)
def test_networks_that_do_not_fit_are_refused(name, value):
    arrays = {
        "inputs": 2,
        "lower": [-1.0, -1.0],
        "upper": [1.0, 1.0],
        "weights": FULL,
        "biases": [np.zeros(3), np.zeros(2)],
        "exponents": [np.zeros(3, np.int32), np.zeros(2, np.int32)],
        "slopes": [np.zeros(3), np.zeros(2)],
        "roundings": [(0.0, False, False)] * 2,
        "maxima": [[], []],
    }
    network = _core.VertexNetwork(**arrays)
    walk = _core.VertexWalk2(network, 5)
    with pytest.raises(ValueError, match="sign"):
        walk.begin(b"\x02", 0)
    with pytest.raises(ValueError, match="longer"):
        walk.begin(b"\x01" * 6, 0)
    with pytest.raises(ValueError, match="layer"):
        walk.begin(b"", 3)
    with pytest.raises(ValueError, match="dimension"):
        _core.VertexWalk3(network, 5)
    with pytest.raises((ValueError, TypeError)):
        _core.VertexNetwork(**(arrays | {name: value}))
