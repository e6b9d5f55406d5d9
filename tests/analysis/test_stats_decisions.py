"""Predicted classes and the cells on the decision boundary, against exact polyhedra."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.analysis.network_stats import NetworkCounter
from nnce_cli.base.errors import InputError
from nnce_cli.domain import Box
from nnce_cli.network import AffineMap, LayerStack
from tests.cases import cube
from tests.network_tables import (
    cells_of,
    exact_class,
    is_crossed,
    network_of,
    one_by_one,
    scores,
)
from tests.oracles.naive import stack_of
from tests.oracles.ppl import expression
from tests.strategies import boxes, examples, layer_rows, networks
from tests.thin_cells import inward_functions


def found(cells, stack=None):
    """Return (class, crossed) of each row, as counted row by row."""
    counter = NetworkCounter(stack or cells.stack, cells.metadata)
    answers, before = [], counter.result()
    for _ in counter.watch(one_by_one(cells)):
        after = counter.result()
        more = {j: n - before.classes.get(j, 0) for j, n in after.classes.items()}
        (predicted,) = (j for j, n in more.items() if n)
        answers.append((predicted, after.boundary_cells > before.boundary_cells))
        before = after
    return answers


def truth(cells):
    return [(exact_class(cells, i), is_crossed(cells, i)) for i in range(len(cells.bits))]


@st.composite
def classifiers(draw):
    """Draw a network with up to five outputs, of which some may be equal, opposite or constant."""
    layers = draw(networks([(1, 3), (2, 4), (3, 3), (1, 3, 3), (2, 4, 3), (2, 3, 3, 2), (3, 3, 3)]))
    outputs = draw(st.integers(0, 5))
    random = draw(st.randoms(use_true_random=True))
    output = layer_rows(random, len(layers[-1]), outputs) if outputs else None
    return network_of(layers, output)


@examples(60)
@given(st.data())
def test_against_exact_polyhedra(data):
    stack = data.draw(classifiers())
    box = data.draw(boxes(stack.n_inputs, fixed=True))
    cells = cells_of(stack, box)
    assert found(cells) == truth(cells)


@examples(15)
@given(st.data())
def test_tables_without_witnesses(data):
    stack = data.draw(classifiers())
    box = data.draw(boxes(stack.n_inputs, fixed=True))
    cells, bare = cells_of(stack, box), cells_of(stack, box, witness=False)
    expected = truth(cells)
    answers = found(bare)
    assert [crossed for _, crossed in answers] == [crossed for _, crossed in expected]
    for (predicted, crossed), (at_witness, _) in zip(answers, expected, strict=True):
        assert crossed or predicted == at_witness


# One neuron |x| on [-1, 1], as two: cells x < 0 and x > 0, on which a = (0, x), (-x, 0).
ABSOLUTE = ([[1], [-1]], [0, 0])
X, MINUS_X = [1, 0], [0, 1]


@pytest.mark.parametrize(
    ("weight", "bias", "expected"),
    [
        # |x| - 1/2: class 1 near the ends, so both cells are cut; the witnesses are ±1/2.
        ([[1, 1]], [-0.5], [(None, True), (None, True)]),
        ([[1, 1]], [0], [(1, False), (1, False)]),  # zero at a facet only
        ([[1, -1]], [0], [(0, False), (1, False)]),  # x: the boundary is between the cells
        ([[0, 0]], [0], [(0, False), (0, False)]),  # zero everywhere: class 0
        ([[0, 0]], [1], [(1, False), (1, False)]),
        ([[1, 1]], [-1], [(0, False), (0, False)]),  # touches zero at the ends
        # Two outputs: equal everywhere, equal on one side, different.
        ([[1, 2], [1, 2]], [0, 0], [(0, False), (0, False)]),
        ([[1, 2], [1, 3]], [0, 0], [(1, False), (0, False)]),
        ([[1, 1], [0, 0]], [0, 0.5], [(None, True), (None, True)]),
        # Three: the first two are the same on x > 0, and above the third there.
        ([[1, 0], [1, 2], [0, 1]], [0, 0, 0], [(1, False), (0, False)]),
        # The first two are the same everywhere, and the third is above them near 0.
        ([[1, 1], [1, 1], [0, 0]], [0, 0, 0.25], [(None, True), (None, True)]),
        # The second and third cross, but below the first.
        ([[0, 0], [1, 1], [0, 0]], [9, 0, 0.5], [(0, False), (0, False)]),
    ],
)
def test_by_hand(weight, bias, expected):
    stack = dataclasses.replace(
        stack_of(ABSOLUTE), output=AffineMap(np.array(weight, float), np.array(bias, float))
    )
    answers = found(cells_of(stack, cube(1, -1, 1)))
    assert [crossed for _, crossed in answers] == [crossed for _, crossed in expected]
    for (predicted, _), (wanted, _) in zip(answers, expected, strict=True):
        assert wanted in (None, predicted)


@examples(40)
@given(st.data())
def test_rational_witnesses_on_the_boundary(data):
    """A witness may be any point of the cell: also one where the two best scores are equal."""
    stack = data.draw(classifiers())
    cells = cells_of(stack, data.draw(boxes(stack.n_inputs)))
    moved = dict(cells.metadata.exact_witnesses)
    for i in range(len(cells.bits)):
        point = tie_inside(cells, i)
        if point is not None:
            moved[i] = [str(x) for x in point]
    tied = dataclasses.replace(
        cells, metadata=dataclasses.replace(cells.metadata, exact_witnesses=moved)
    )
    answers = found(tied)
    assert answers == truth(tied)
    assert [crossed for _, crossed in answers] == [crossed for _, crossed in found(cells)]


def tie_inside(cells, i):
    """Return a point inside a cell where two different scores are equal, or None."""
    functions = scores(cells.outputs(i))
    for f, g in combinations(functions, 2):
        difference = [a - b for a, b in zip(f, g, strict=True)]
        if any(difference):
            line = cells.polyhedron(i)
            line.add_constraint(expression(difference) == 0)
            point = mean_of_generators(line)
            if point is not None and is_inside(cells, i, point):
                return point
    return None


def is_inside(cells, i, point):
    bounds = zip(cells.domain.lower.tolist(), point, cells.domain.upper.tolist(), strict=True)
    rows = [row for row in inward_functions(cells.stack, cells.bits[i]) if any(row)]
    return all(exactly(lo) < x < exactly(hi) for lo, x, hi in bounds) and all(
        evaluate(row, point) > 0 for row in rows
    )


def exactly(x):
    return fmpq(*x.as_integer_ratio())


def mean_of_generators(polyhedron):
    points = [g for g in polyhedron.generators() if g.is_point()]
    if not points:
        return None
    coordinates = [[fmpq(int(c), int(g.divisor())) for c in g.coefficients()] for g in points]
    return [sum(column, fmpq(0)) / len(points) for column in zip(*coordinates, strict=True)]


def evaluate(row, point):
    return row[-1] + sum((a * x for a, x in zip(row, point, strict=False)), fmpq(0))


def test_a_tie_at_the_witness():
    """The line x = y is the boundary, and the witness of the only cell lies on it."""
    stack = dataclasses.replace(
        stack_of(([[1, 0], [0, 1]], [4, 4])), output=AffineMap(np.eye(2), np.zeros(2))
    )
    cells = cells_of(stack, cube(2, -1, 1))
    cells.rows.witness[:] = 0.25
    assert found(cells) == [(0, True)]


@pytest.mark.parametrize(("shift", "crossed"), [(0, False), (2.0**-52, False), (-(2.0**-52), True)])
def test_one_ulp_decides(shift, crossed):
    """The outputs meet at the corner x = y = 1, or one unit in the last place beside it."""
    stack = dataclasses.replace(
        stack_of(([[1, 0], [0, 1]], [4, 4])),
        output=AffineMap(np.array([[1.0, 1.0], [0.0, 0.0]]), np.array([0.0, 10.0 + shift * 8])),
    )
    assert found(cells_of(stack, cube(2, -1, 1))) == [(1, crossed)]


def test_weights_that_are_no_floats():
    third = Fraction(1, 3)
    layers = [[[Fraction(1), Fraction(0)], [Fraction(-1), Fraction(0)]]]
    # Two outputs |x| / 3 and 2x / 3 - 1 / 3 on x > 0: equal at the end x = 1 of the domain.
    two = network_of(layers, [[third, third, Fraction(0)], [2 * third, third / 2, -third]])
    one = network_of(layers, [[third, third, -third / 2]])  # |x| - 1/2
    for stack, crossed in ((two, [False, False]), (one, [True, True])):
        cells = cells_of(stack, cube(1, -1, 1))
        assert found(cells) == truth(cells)
        assert [c for _, c in found(cells)] == crossed


def test_outputs_that_differ_in_a_fixed_input_only():
    """With the second input fixed at 1/2, the outputs a_0 and a_0 + a_1 - 1/2 are equal."""
    stack = dataclasses.replace(
        stack_of(([[1, 0], [0, 1]], [2, 0])),
        output=AffineMap(np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([0.0, -0.5])),
    )
    cells = cells_of(stack, Box(np.array([-1.0, 0.5]), np.array([1.0, 0.5])))
    assert found(cells) == truth(cells) == [(0, False)]


def test_a_domain_that_is_a_point():
    stack = dataclasses.replace(
        stack_of(([[1, 0], [0, 1]], [0, 0])), output=AffineMap(np.eye(2), np.zeros(2))
    )
    point = np.array([0.25, 0.5])
    cells = cells_of(stack, Box(point, point))
    assert found(cells) == [(1, False)]
    counter = NetworkCounter(stack, cells.metadata)
    list(counter.watch([cells.rows]))
    assert counter.result().spectral_norm.largest == 0


def test_the_order_and_the_scale_of_outputs_do_not_matter():
    random = np.random.default_rng(5)
    hidden = (AffineMap(random.normal(size=(6, 3)), random.normal(size=6)),)
    weight, bias = random.normal(size=(4, 6)), random.normal(size=4)
    turn = [2, 0, 3, 1]
    plain = LayerStack(hidden, AffineMap(weight, bias), (3,), "")
    turned = LayerStack(hidden, AffineMap(4 * weight[turn], 4 * bias[turn]), (3,), "")
    cells = cells_of(plain, cube(3, -1, 1))
    answers = found(cells)
    assert len({j for j, _ in answers}) > 1
    assert {crossed for _, crossed in answers} == {True, False}
    assert [(turn[j], crossed) for j, crossed in found(cells, turned)] == answers


def test_a_row_that_is_no_cell_is_refused():
    cells = cells_of(stack_of(([[1, 0], [1, 0]], [0, -0.5])), cube(2, -1, 1))
    for layer in cells.rows.signs:
        layer[0] = 0b01000000  # x <= 0 and x > 1/2
    for witness in (True, False):
        rows = dataclasses.replace(cells.rows, witness=cells.rows.witness if witness else None)
        counter = NetworkCounter(cells.stack, cells.metadata)
        with pytest.raises(InputError, match="row 0 of the table is not a cell"):
            list(counter.watch([rows]))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_witness_that_is_no_point_is_refused(value):
    cells = cells_of(stack_of(([[1, 0]], [0])), cube(2, -1, 1))
    cells.rows.witness[1] = value
    counter = NetworkCounter(cells.stack, cells.metadata)
    with pytest.raises(InputError, match="row 1 of the table has a witness that is not a point"):
        list(counter.watch([cells.rows]))


def test_another_model_is_refused():
    cells = cells_of(stack_of(([[1, 0]], [0])), cube(2, -1, 1))
    with pytest.raises(InputError, match="digests differ"):
        NetworkCounter(dataclasses.replace(cells.stack, digest="other"), cells.metadata)
    with pytest.raises(InputError, match="digests differ"):
        NetworkCounter(stack_of(([[1, 0, 0]], [0])), cells.metadata)
