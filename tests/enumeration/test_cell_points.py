"""Points inside cells that are known by their sign vectors, against the table's witnesses."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.base.bits import unpack_layers
from nnce_cli.base.errors import InputError
from nnce_cli.domain import Box
from nnce_cli.enumeration import CellPoints, Problem, batches, walk_factory
from tests.cases import cube
from tests.enumeration.test_subtree import random_stack
from tests.oracles.naive import cell_at, stack_of
from tests.strategies import boxes, examples, networks, stack_from


def table_of(problem, method):
    """Return the bits (m, N), the witnesses (m, n_0) and the exact ones of a walk's rows."""
    walk = walk_factory(method)(problem)
    found = list(batches(walk))
    layers = [np.concatenate(parts) for parts in zip(*(b.signs for b in found), strict=True)]
    return (
        unpack_layers(layers, problem.widths),
        np.concatenate([b.witness for b in found]),
        walk.exact_witnesses,
    )


def assert_points_are_the_witnesses(problem, method, most=200):
    """Hold points of some rows, in random order, against the rows."""
    bits, witness, exact = table_of(problem, method)
    points = CellPoints(problem, method)
    for row in np.random.default_rng(0).permutation(len(bits))[:most].tolist():
        found = points.find(bits[row])
        assert found is not None
        assert found.point.tobytes() == witness[row].tobytes()
        assert found.exact == exact.get(row)


@pytest.mark.parametrize(
    ("widths", "method"),
    [
        ((1, 8, 8), "vertex"),
        ((2, 12, 12), "vertex"),
        ((3, 8, 8), "vertex"),
        ((1, 8, 8), "dictionary"),
        ((2, 12, 12), "dictionary"),
        ((5, 8, 8), "dictionary"),
        ((8, 6, 6, 6), "dictionary"),
        ((40, 5, 5), "dictionary"),  # in the image of the first layer
    ],
)
def test_points_are_the_witnesses_of_the_table(widths, method):
    stack = random_stack(list(widths), seed=3)
    assert_points_are_the_witnesses(Problem.of(stack, cube(widths[0], -1, 1)), method)


@examples(60)
@given(st.data())
def test_points_of_degenerate_networks_are_the_witnesses_of_the_table(data):
    stack = stack_from(data.draw(networks()))
    problem = Problem.of(stack, data.draw(boxes(stack.n_inputs, fixed=True)))
    methods = ["dictionary", "vertex"] if 1 <= problem.stack.n_inputs <= 3 else ["dictionary"]
    for method in methods:
        assert_points_are_the_witnesses(problem, method, most=20)


@pytest.mark.parametrize("method", ["incremental", "reverse-search", "exhaustive"])
def test_points_of_other_methods_are_inside(method):
    stack = random_stack([3, 5, 4], seed=1)
    problem = Problem.of(stack, cube(3, -1, 1))
    bits, _, _ = table_of(problem, method)
    points = CellPoints(problem, method)
    for row in bits:
        cell = cell_at(stack, points.find(row).point.tolist())
        assert cell is not None
        assert cell.signs == tuple(row.tolist())


def test_a_sign_vector_without_a_cell_has_no_point():
    """Both neurons are the same, so no cell has one of them active and the other not."""
    stack = stack_of(([[1, 1], [1, 1]], [0, 0]))
    points = CellPoints(Problem.of(stack, cube(2, -1, 1)))
    assert [points.find(np.array(s)) is None for s in ([0, 0], [0, 1], [1, 0], [1, 1])] == [
        *(False, True, True, False)
    ]


@pytest.mark.parametrize("method", ["dictionary", "vertex", "incremental"])
def test_all_sign_vectors_but_those_of_cells_have_no_point(method):
    """On the box some neurons are constant, in either layer: no neuron is on a path there."""
    stack = stack_of(([[1, 0], [0, 1], [1, 1]], [2, 0, -3]), ([[1, 1, 0], [-1, 0, 0]], [-2, 4]))
    problem = Problem.of(stack, cube(2, -1, 1))
    bits, _, _ = table_of(problem, method)
    cells = set(map(tuple, bits.tolist()))
    points = CellPoints(problem, method)
    for signs in product([0, 1], repeat=5):
        assert (points.find(np.array(signs, dtype=np.uint8)) is not None) == (signs in cells)
    assert 1 < len(cells) < 8


def test_a_cell_thinner_than_the_floats_has_a_fraction():
    """Nothing in float64 lies between 1/3 and (1 + 2^-80) / 3."""
    sliver = [[3.0, 0.0], [-3.0, 2.0**-80]]
    stack = stack_of((sliver, [-1.0, 1.0]))
    box = Box(np.array([0.0, 1.0]), np.array([1.0, 1.0]))  # the second input is fixed at 1
    found = CellPoints(Problem.of(stack, box)).find(np.array([1, 1]))
    assert found is not None
    assert found.exact is not None
    assert 1 < 3 * Fraction(found.exact[0]) < 1 + Fraction(1, 2**80)
    assert found.exact[1] == "1"


def test_a_method_that_does_not_suit_is_refused():
    stack = random_stack([4, 3], seed=0)
    with pytest.raises(InputError, match="vertex"):
        CellPoints(Problem.of(stack, cube(4, -1, 1)), "vertex")
