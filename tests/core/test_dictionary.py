"""The float dictionary against the rational one: the same basis gives the same numbers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from flint import fmpq

from nnce_cli._core import Ended, Workbench
from nnce_cli.enumeration.dictionary.network import core_network
from nnce_cli.exact import Dictionary, Polytope, feasible_dictionary, nearest_float
from nnce_cli.network import AffineMap, LayerStack
from tests.cases import cube


def exactly(x):
    """Return a float as a rational number."""
    return fmpq(*float(x).as_integer_ratio())


def normal_map(random, n_in, n_out):
    """Return an affine map with normal weights, and biases half as large."""
    return AffineMap(random.normal(size=(n_out, n_in)), random.normal(size=n_out) / 2)


def cell_of_a_point(stack, seed):
    """Return (workbench, polytope): the cell of layer 1 around a random point of [-1, 2]^d.

    Every neuron of the layer is a split. The dictionary is at the lower corner of the box.
    """
    d, n = stack.n_inputs, stack.hidden[0].n_out
    point = np.random.default_rng(seed).uniform(-1, 2, (1, d))
    signs = np.sign(stack.preactivations(point)[0][0]).astype(int).tolist()
    bench = Workbench(core_network(stack, cube(d, -1, 2)))
    bench.pull_back(0)
    bench.follow(signs, list(range(n)))
    bench.rebuild(list(range(d)), [False] * d)
    weight, bias = stack.hidden[0].rational
    slacks = {}
    for k, (sign, scale) in enumerate(zip(signs, bench.scale.tolist()[:n], strict=True)):
        form = [bias[k, 0], *(weight[k, i] for i in range(d))]
        slacks[d + k] = [sign * exactly(scale) * x for x in form]
    return bench, Polytope([fmpq(-1)] * d, [fmpq(2)] * d, slacks)


def generic_cell(d, n, seed):
    """Return `cell_of_a_point` among n random hyperplanes in d dimensions."""
    layer = normal_map(np.random.default_rng(seed), d, n)
    return cell_of_a_point(LayerStack((layer,), None, (1, d), ""), seed)


def exact_vertex(polytope):
    """Return the exact dictionary at some vertex of a polytope."""
    found = feasible_dictionary(
        polytope, list(range(polytope.dimension)), [False] * polytope.dimension
    )
    assert found is not None
    return found


def go_to_a_vertex(bench, polytope):
    """Put the workbench at a vertex of its cell."""
    exact = exact_vertex(polytope)
    bench.rebuild(exact.columns, exact.at_upper)


def basis(bench):
    _, _, _, _, columns, at_upper = bench.dictionary
    return columns.tolist(), (at_upper == 1).tolist()


def assert_same(bench, polytope):
    """Compare the dictionary with the exact one of its basis, row by row."""
    exact = Dictionary(polytope, *basis(bench))
    value, free, rows, caps, _, _ = bench.dictionary
    assert sorted(rows[free:].tolist()) == exact.rows
    for r, variable in enumerate(rows[free:].tolist(), free):
        row = exact.rows.index(variable)
        expected = [nearest_float(exact.table[row, c]) for c in range(exact.table.ncols())]
        assert value[r] == pytest.approx(expected, rel=1e-9, abs=1e-9)
        assert caps[r] == (3.0 if variable < polytope.dimension else np.inf)


@pytest.mark.parametrize("seed", range(12))
def test_pivots_keep_to_the_exact_dictionary(seed):
    d, n = 1 + seed, 3 + seed
    bench, polytope = generic_cell(d, n, seed)
    assert_same(bench, polytope)
    random = np.random.default_rng(seed)
    for _ in range(8):
        q = int(random.integers(d))
        value, _, _, caps, _, _ = bench.dictionary
        # Feasible or not, a variable may leave at a bound that it has: a slack at 0 only.
        may_leave = (value[:, 1 + q] < 0) | np.isfinite(caps)
        size = np.where(may_leave, np.abs(value[:, 1 + q]), 0.0)
        if size.max() > 0.1:
            bench.pivot(int(size.argmax()), q)
        assert_same(bench, polytope)
    bench.rebuild(*basis(bench))
    assert_same(bench, polytope)


def test_steps_go_where_the_exact_ones_go():
    """Along every column of a walk from vertex to vertex: pivots, and flips of inputs."""
    flips = 0
    for seed in range(12):
        d, n = 2 + seed % 5, 2 + seed
        bench, polytope = generic_cell(d, n, seed + 100)
        go_to_a_vertex(bench, polytope)
        random = np.random.default_rng(seed)
        for _ in range(10):
            q = int(random.integers(d))
            columns, at_upper = basis(bench)
            exact = Dictionary(polytope, columns, at_upper)
            assert bench.step_along(q)
            exact.step(q)
            assert basis(bench) == (exact.columns, exact.at_upper)
            flips += exact.columns == columns
            assert_same(bench, polytope)
    assert flips > 10


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 7, 8, 9, 13, 17, 20, 21, 26])
def test_a_descent_ends_at_the_exact_minimum(d, side):
    """For a neuron of layer 2, which keeps its sign on a cell of layer 1.

    With so many inputs that each number of vectors of the simplex method is tried.
    It is any affine function of the inputs on that cell: layer 1 has ±x_i + 4 among its neurons.
    """
    seed, n = d, 3 + d // 2
    random = np.random.default_rng(seed)
    lines = normal_map(random, d, n)
    first = AffineMap(
        np.vstack([lines.weight, np.eye(d)]), np.concatenate([lines.bias, np.full(d, 4.0)])
    )
    direction = random.normal(size=d)
    _, polytope = cell_of_a_point(LayerStack((first,), None, (1, d), ""), seed)
    lowest = least(polytope, [fmpq(0), *(side * exactly(x) for x in direction)])
    bias = side * (0.125 - lowest) - 4.0 * direction.sum()  # lifted to about 1/8 above 0
    second = AffineMap(np.concatenate([np.zeros(n), direction])[None], np.array([bias]))
    bench, _ = cell_of_a_point(LayerStack((first, second), None, (1, d), ""), seed)
    go_to_a_vertex(bench, polytope)
    bench.pull_back(1)
    bench.add_layer(1)
    assert bench.descend(0, side) == Ended.OPTIMAL
    assert_same(bench, polytope)
    height = side * bench.dictionary[0][0, 0] / bench.scale[-1]
    column, bound = bench.entering(0, side)
    # Where a bound shows the row positive the descent may stop early, never below the minimum.
    assert height >= 0.125 - 1e-9
    assert column < 0 or bound > 0
    if column < 0:
        assert height == pytest.approx(0.125, abs=1e-9)
    assert bench.holds(n + d, 0, side)
    assert not bench.holds(n + d, 0, -side)


def least(polytope, form):
    """Return the exact minimum of an affine function over a polytope, rounded."""
    exact = exact_vertex(polytope)
    exact.set_objective([-x for x in form])
    return -nearest_float(exact.maximise(lambda _: False))


def test_a_descent_crosses_where_the_exact_minimum_is_negative():
    ends = []
    for seed in range(8):
        d, n = 2 + seed % 4, 4 + seed
        random = np.random.default_rng(seed)
        stack = LayerStack((normal_map(random, d, n), normal_map(random, n, 6)), None, (1, d), "")
        bench, polytope = cell_of_a_point(stack, seed)
        bench.pull_back(1)
        for row, side in itertools.product(range(6), (1, -1)):
            go_to_a_vertex(bench, polytope)
            bench.add_layer(1)
            start = Dictionary(polytope, *basis(bench))
            form = over_inputs(start, side * bench.dictionary[0][row])
            ends.append(bench.descend(row, side))
            assert (ends[-1] == Ended.CROSSED) == (least(polytope, form) < 0)
    assert 10 < ends.count(Ended.OPTIMAL) < len(ends) - 10


def over_inputs(dictionary, row):
    """Return an affine function of the displacements of a dictionary as one of the inputs."""
    polytope, d = dictionary.polytope, dictionary.polytope.dimension
    form = [exactly(row[0])] + [fmpq(0)] * d
    for c, (variable, upper) in enumerate(
        zip(dictionary.columns, dictionary.at_upper, strict=True)
    ):
        displacement = [fmpq(0)] * (1 + d)
        if variable >= d:
            displacement = polytope.slacks[variable]
        else:
            displacement[0] = polytope.upper[variable] if upper else -polytope.lower[variable]
            displacement[1 + variable] = fmpq(-1) if upper else fmpq(1)
        form = [a + exactly(row[1 + c]) * b for a, b in zip(form, displacement, strict=True)]
    return form


@pytest.mark.parametrize("seed", range(12))
def test_inner_points_are_inside(seed):
    """Half way along the ray from a generic vertex, and at a mean of vertices."""
    d, n = 2 + seed % 4, 4 + seed
    bench, polytope = generic_cell(d, n, seed + 300)
    for find in (bench.inner_point, bench.mean_of_vertices):
        go_to_a_vertex(bench, polytope)
        find()
        assert bench.is_inside(bench.point)
        assert bench.has_signs_of_path(bench.point)
        point = [exactly(x) for x in bench.point]
        forms = polytope.forms()
        assert all(f[0] + sum(a * x for a, x in zip(f[1:], point, strict=True)) > 0 for f in forms)
