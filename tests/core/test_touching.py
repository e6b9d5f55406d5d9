"""Proofs where a hyperplane touches a cell (core/basis_proof.hpp, core/exact_basis.hpp).

Each is compared with the basis solved in rational arithmetic.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from nnce_cli._core import Workbench
from nnce_cli.domain import Box
from nnce_cli.enumeration import DictionaryWalk, Problem, batches
from nnce_cli.enumeration.dictionary.network import core_network
from nnce_cli.network import AffineMap, LayerStack
from tests.cases import cube


def exactly(x):
    """Return a float as a rational number."""
    return fmpq(*float(x).as_integer_ratio())


def first_layer(weight, bias):
    """Return a network with this layer, and one more: for that a workbench makes room."""
    layer = AffineMap(np.array(weight, dtype=float), np.array(bias, dtype=float))
    other = AffineMap(np.ones((layer.n_out, layer.n_out)), np.zeros(layer.n_out))
    return LayerStack((layer, other), None, (1, layer.n_in), "")


def bench_at(weight, bias, box, columns, at_upper, signs):
    """Return a workbench at a basis; all units but the last are splits with these signs."""
    bench = Workbench(core_network(first_layer(weight, bias), box))
    bench.pull_back(0)
    bench.follow(signs, list(range(len(signs))))
    bench.rebuild(columns, at_upper)
    bench.add_layer(0)
    return bench


def coefficients(weight, bias, box, columns, at_upper, signs):
    """Solve a basis in rational arithmetic: the constant, then the multiplier of each column.

    The last unit as a function of the nonbasic displacements; None where the basis is singular.
    """
    d = len(columns)
    forms = [[exactly(x) for x in [b, *row]] for row, b in zip(weight, bias, strict=True)]
    rows, right = [], []
    for c, upper in zip(columns, at_upper, strict=True):
        if c >= d:  # slack = sign * (constant + form x)
            rows.append([signs[c - d] * x for x in forms[c - d][1:]])
            right.append(signs[c - d] * forms[c - d][0])
        else:  # x - lower, or upper - x
            turn = -1 if upper else 1
            rows.append([fmpq(turn * int(i == c)) for i in range(d)])
            right.append(-turn * exactly((box.upper if upper else box.lower)[c]))
    matrix = fmpq_mat(d, d, [x for row in rows for x in row])
    if matrix.det() == 0:
        return None
    last = fmpq_mat(1, d, forms[-1][1:])
    multipliers = (last * matrix.inv()).entries()
    offset = sum((m * r for m, r in zip(multipliers, right, strict=True)), fmpq(0))
    return [forms[-1][0] - offset, *multipliers]


@st.composite
def bases(draw, *, biased):
    """Draw splits and one more unit on a box, and a basis of slacks and inputs."""
    d = draw(st.integers(1, 4))
    small = st.integers(-3, 3)
    weight = [[draw(small) for _ in range(d)] for _ in range(d + 1)]
    bias = [draw(small) if biased else 0 for _ in range(d + 1)]
    slacks = d if not biased else draw(st.integers(0, d))
    inputs = draw(st.permutations(range(d)))[: d - slacks]
    columns = [*(d + k for k in range(slacks)), *inputs]
    signs = [draw(st.sampled_from((-1, 1))) for _ in range(d)]
    at_upper = [c < d and draw(st.booleans()) for c in columns]
    bounds = sorted(draw(st.lists(st.integers(-4, 4), min_size=2, max_size=2, unique=True)))
    box = Box(np.full(d, float(bounds[0])), np.full(d, float(bounds[1])))
    return weight, bias, box, columns, at_upper, signs


def nudged(weight, places):
    """Move some weights by one unit in the last place."""
    moved = np.array(weight, dtype=float)
    for i, j in places:
        at = i % moved.shape[0], j % moved.shape[1]
        moved[at] = np.nextafter(moved[at], np.inf)
    return moved.tolist()


places = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=3)


@settings(max_examples=400)
@given(bases(biased=False), places, st.sampled_from((1.0, -1.0)))
def test_multipliers_on_a_cone_are_proved_where_they_are_positive(basis, moved, side):
    weight, bias, box, columns, at_upper, signs = basis
    weight = nudged(weight, moved)
    found = coefficients(weight, bias, box, columns, at_upper, signs)
    if found is None:
        return
    bench = bench_at(weight, bias, box, columns, at_upper, signs)
    proved = bench.holds_at_basis(len(weight) - 1, 0, side)
    multipliers = [int(side) * m for m in found[1:]]
    if proved:
        assert min(multipliers) > 0
    elif not moved:
        assert min(multipliers) <= 0  # small integers: nothing is left in doubt


@settings(max_examples=400)
@given(bases(biased=True), places, st.sampled_from((1.0, -1.0)))
def test_a_basis_is_solved_in_integers(basis, moved, side):
    """It holds just where nothing is negative; weights of 53 bits are refused or right."""
    weight, bias, box, columns, at_upper, signs = basis
    weight = nudged(weight, moved)
    found = coefficients(weight, bias, box, columns, at_upper, signs)
    if found is None or not any(found):
        return
    bench = bench_at(weight, bias, box, columns, at_upper, signs)
    proved = bench.holds_in_integers(len(weight) - 1, 0, side)
    right = min(int(side) * x for x in found) >= 0
    assert proved == right if not moved else right or not proved


def test_no_proof_on_a_cone_for_what_is_a_unit_in_the_last_place_beyond():
    """H = s_0 + 0 s_1 exactly, and a unit in the last place to either side of it."""
    box, columns, at_upper, signs = cube(2, -1, 1), [2, 3], [False, False], [1, 1]
    for weight, proved in ((0.0, False), (2.0**-53, False), (2.0**-30, True), (-(2.0**-30), False)):
        rows = [[1.0, 0.5], [0.25, 1.0], [1.0 + 0.25 * weight, 0.5 + weight]]
        bench = bench_at(rows, [0, 0, 0], box, columns, at_upper, signs)
        assert bench.holds_at_basis(2, 0, 1.0) == proved, weight


@settings(max_examples=400)
@given(bases(biased=True), st.sampled_from((1.0, 2.0**-60, 2.0**-700)), places)
def test_multipliers_and_a_constant_are_proved_where_they_are_positive(basis, scale, moved):
    """Biases of any size, beside which the box is far larger; what is left of them counts."""
    weight, bias, box, columns, at_upper, signs = basis
    weight, bias = nudged(weight, moved), [b * scale for b in bias]
    found = coefficients(weight, bias, box, columns, at_upper, signs)
    if found is None:
        return
    bench = bench_at(weight, bias, box, columns, at_upper, signs)
    has_slacks = max(columns) >= len(columns)
    for side in (1, -1) if any(bias) else ():
        proved = bench.holds_at_basis(len(weight) - 1, 0, side)
        right = min(side * x for x in found) > 0
        assert proved == (right and has_slacks) if not moved else right or not proved


def test_a_constant_that_rounding_hides_is_not_proved():
    """H = s_0 + s_1 + c on a box of 1: c is a few units in the last place of the biases, or 0."""
    tiny = 2.0**-60
    for c, proved in ((0.0, False), (2.0**-53, False), (2.0**-40, True), (-(2.0**-40), False)):
        rows, biases = [[1.0, 0.5], [0.25, 1.0], [1.25, 1.5]], [3.0, 5.0, 8.0 + 8.0 * c]
        bench = bench_at(
            rows, [tiny * b for b in biases], cube(2, -1, 1), [2, 3], [False, False], [1, 1]
        )
        assert bench.holds_at_basis(2, 0, 1.0) == proved, c


def test_numbers_that_are_too_long_are_left_to_rational_arithmetic():
    """Forms of 60 bits, or a box of 70, are not exact or do not fit."""
    long = [[1.0, 2.0**-40], [2.0**20, 1.0], [1.0 + 2.0**-40, 2.0**20]]
    wide = Box(np.full(2, -1.0), np.array([2.0**40, 2.0**-30]))
    for weight, box in ((long, cube(2, -1, 1)), ([[1, 0], [0, 1], [1, 1]], wide)):
        bench = bench_at(weight, [0, 0, 0], box, [2, 3], [False, False], [1, 1])
        assert not bench.holds_in_integers(2, 0, 1.0)


def walked(stack, box):
    """Return the finished walk of a network, counting only."""
    walk = DictionaryWalk(Problem.of(stack, box), rows=False, witness=False)
    for _ in batches(walk):
        pass
    return walk


def random_stack(widths, draw, *, biased):
    """Return a network with weights from a function of a shape."""
    maps = []
    for n_in, n_out in itertools.pairwise(widths):
        bias = draw((n_out,)) if biased else np.zeros(n_out)
        maps.append(AffineMap(draw((n_out, n_in)), bias))
    return LayerStack(tuple(maps), None, (1, widths[0]), "")


@pytest.mark.parametrize("widths", [(2, 9, 9), (3, 8, 8, 8), (5, 7, 7)])
def test_without_biases_nothing_is_left_to_rational_arithmetic(widths):
    random = np.random.default_rng(sum(widths))
    stack = random_stack(widths, lambda shape: random.normal(size=shape), biased=False)
    walk = walked(stack, cube(widths[0], -1, 1))
    assert walk.decisions["neurons_cone"] > 0
    assert walk.decisions["neurons_exact"] == 0


@pytest.mark.parametrize("widths", [(2, 8, 8), (3, 6, 6), (4, 6, 5, 5)])
@pytest.mark.parametrize("biased", [True, False])
def test_small_integers_need_no_rational_arithmetic(widths, biased):
    random = np.random.default_rng(sum(widths))
    stack = random_stack(
        widths, lambda shape: random.integers(-2, 3, size=shape).astype(float), biased=biased
    )
    walk = walked(stack, cube(widths[0], -2, 2))
    decisions = walk.decisions
    assert decisions["neurons_integers"] + decisions["neurons_structure"] > 0
    assert decisions["neurons_exact"] == 0


def test_like_neurons_are_decided_together():
    """Equal, opposite and doubled ones, also behind a layer whose own are put together."""
    first = np.array([[1.0, 0.5], [1.0, 0.5], [-2.0, -1.0], [0.25, 1.0]])
    second = np.array([[1.0, 0, 2.0, 1.0], [0, 1.0, 2.0, 1.0], [-0.5, -0.5, -2.0, -1.0]])
    biases = np.array([0.125, 0.125, -0.25, -0.1]), np.array([-0.25, -0.25, 0.25])
    stack = LayerStack(
        (AffineMap(first, biases[0]), AffineMap(second, biases[1])), None, (1, 2), ""
    )
    walk = walked(stack, cube(2, -1, 1))
    one_by_one = DictionaryWalk(Problem.of(stack, cube(2, -1, 1)), log=True)
    for _ in batches(one_by_one):
        pass
    assert walk.layer_cells == one_by_one.layer_cells
    assert walk.nodes < one_by_one.nodes


def test_rationals_that_are_rounded_alike_are_not_alike():
    """1/3 and 1/3 + 2^-80 are one float64: the strip between the two lines is a cell."""
    third, nearly = fmpq(1, 3), fmpq(1, 3) + fmpq(1, 2**80)
    exact = fmpq_mat(2, 1, [third, nearly]), fmpq_mat(2, 1, [fmpq(-1), fmpq(-1)])
    layer = AffineMap(np.full((2, 1), 1 / 3), np.full(2, -1.0), exact)
    walk = walked(LayerStack((layer,), None, (1, 1), ""), cube(1, 0, 4))
    assert walk.layer_cells == [3]
