"""Many inputs under few neurons: the walk in the image of the first layer.

Held against exact polyhedra over the inputs themselves, and against the walk over the inputs,
which runs where decisions are logged.
"""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.enumeration import Enumeration, SubtreeWalk, image
from nnce_cli.enumeration.image import reduce_to_image
from nnce_cli.enumeration.problem import Problem
from nnce_cli.network import AffineMap, LayerStack
from tests.cases import cube
from tests.collect import check_rows, count, enumerate_all
from tests.oracle_ppl import exact_cells
from tests.strategies import affine_map, boxes, examples, layer_rows, networks, stack_from
from tests.test_subtree import walk_in_pieces

SHAPES = [
    (4, 1, 3),
    (5, 1, 2, 2),
    (6, 2, 3),
    (7, 2, 2, 2),
    (6, 2, 6),
    (8, 2, 5),
    (9, 3, 4),
    (9, 3, 2, 3),
]


@pytest.fixture(autouse=True, scope="module")
def small_gain():
    """Walk in the image for networks that are small enough for the oracles, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image, "GAIN", 3)
        yield


def normal_stack(widths, seed):
    """Return a network with normal weights of 24 binary digits."""
    random = np.random.default_rng(seed)
    maps = []
    for n_in, n_out in pairwise(widths):
        weight = random.normal(0, np.sqrt(2 / n_in), (n_out, n_in)).astype(np.float32)
        bias = random.normal(0, 0.5, n_out).astype(np.float32)
        maps.append(AffineMap(weight.astype(np.float64), bias.astype(np.float64)))
    return LayerStack(tuple(maps), None, (1, widths[0]), "")


@examples(60)
@given(st.data())
def test_rows_are_the_cells_of_exact_polyhedra(data):
    stack = stack_from(data.draw(networks(SHAPES)))
    box = data.draw(boxes(stack.n_inputs, fixed=True))
    cells = exact_cells(stack, box)
    table = enumerate_all(stack, box)
    assert table.signs() == cells.signs
    assert list(map(tuple, table.ranks.tolist())) == cells.ranks
    assert table.run.layer_cells == cells.layer_cells
    check_rows(table, 20)
    assert count(stack, box) == cells.layer_cells


@examples(15)
@given(st.data())
def test_pieces_make_the_whole(data):
    """A subtree of the relaxed tree may be empty; then the next one counts the cells above it."""
    stack = stack_from(data.draw(networks(SHAPES)))
    problem = Problem.of(stack, data.draw(boxes(stack.n_inputs)))
    whole, layer_cells, _ = walk_in_pieces(problem, None)
    pieces, their_cells, _ = walk_in_pieces(problem, data.draw(st.integers(1, 9)))
    assert np.array_equal(pieces, whole)
    assert np.array_equal(their_cells, layer_cells)


@pytest.mark.parametrize(
    ("widths", "seed"), [((12, 4, 6), 1), ((15, 5, 5), 2), ((40, 5, 4, 4), 3), ((100, 6, 5), 4)]
)
def test_the_walk_over_the_inputs_has_the_same_cells(widths, seed):
    stack, box = normal_stack(widths, seed), cube(widths[0], -1, 1)
    assert reduce_to_image(stack, box) is not None
    table = enumerate_all(stack, box)
    over_inputs = Enumeration(stack, box, log=True)
    batches = list(over_inputs.batches())
    signs = np.concatenate([np.concatenate(batch.signs, axis=1) for batch in batches])
    assert np.array_equal(table.packed, signs)
    assert np.array_equal(table.ranks, np.concatenate([batch.ranks for batch in batches]))
    assert table.run.layer_cells == over_inputs.layer_cells
    check_rows(table, 60)
    assert table.run.decisions["witnesses_exact"] <= table.run.cells / 100


def test_leftover_subtrees_of_a_generic_network():
    problem = Problem.of(normal_stack((20, 5, 5), 5), cube(20, -1, 1))
    whole, layer_cells, _ = walk_in_pieces(problem, None)
    pieces, their_cells, walks = walk_in_pieces(problem, 25)
    assert walks > 10
    assert np.array_equal(pieces, whole)
    assert np.array_equal(their_cells, layer_cells)


def test_a_hyperplane_that_touches_the_image_cuts_nothing():
    """|x_1 + … + x_6| <= 6 on the box: a threshold at 6 has one side, one ulp less has two."""
    for threshold, cells in [(6.0, 1), (np.nextafter(6.0, 0.0), 2)]:
        first = AffineMap(np.ones((2, 6)) * [[1.0], [0.5]], np.array([-threshold, -8.0]))
        stack = LayerStack((first,), None, (1, 6), "")
        assert reduce_to_image(stack, cube(6, -1, 1)) is not None
        assert count(stack, cube(6, -1, 1)) == [cells]
        check_rows(enumerate_all(stack, cube(6, -1, 1)))


def test_a_corner_of_the_relaxation_that_no_input_reaches():
    """The image (x_1 + … + x_6, x_1 + … + x_3 - x_4 - … - x_6) is a diamond, not its square."""
    u = [[1.0] * 6, [1.0] * 3 + [-1.0] * 3]
    second = AffineMap(np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([-12.0 - 6.0, -12.0 - 6.1]))
    stack = LayerStack((AffineMap(np.array(u), np.array([6.0, 6.0])), second), None, (1, 6), "")
    # relu is the identity: u + 6 >= 0. The sums reach 6 + 12 and no further.
    table = enumerate_all(stack, cube(6, -1, 1))
    assert table.run.layer_cells == [1, 1]
    lower = AffineMap(second.weight, np.array([-17.0, -17.9]))
    stack = LayerStack((stack.hidden[0], lower), None, (1, 6), "")
    assert enumerate_all(stack, cube(6, -1, 1)).run.layer_cells == [1, 3]


def test_rows_that_depend_on_others_are_written_exactly():
    """Duplicate, opposite, dead and mixed neurons, and weights that are no floats."""
    third = fmpq(1, 3)
    base = [[1, 2, 0, -1, 3, 1, 1, 2, 1], [0, 1, 1, 2, -1, 1, 0, 1, -2]]
    rows = [base[0], base[1], [-x for x in base[0]], [0] * 9]
    rows.append([x + third * y for x, y in zip(*base, strict=True)])
    weight, bias = (
        fmpq_mat([[fmpq(x) for x in row] for row in rows]),
        fmpq_mat(5, 1, [0, 1, 1, 1, 2]),
    )
    floats = np.array([[float(x.p) / float(x.q) for x in row] for row in weight.tolist()])
    first = AffineMap(floats, np.array([0.0, 1, 1, 1, 2]), (weight, bias))
    second = affine_map(layer_rows(Random(3), 5, 4))
    stack, box = LayerStack((first, second), None, (1, 9), ""), cube(9, -1, 1)
    reduction = reduce_to_image(stack, box)
    assert reduction is not None
    over, constant = reduction.stack.hidden[0].rational
    assert (over.nrows(), over.ncols()) == (5, 2)
    assert constant == bias
    chosen = [i for i in range(5) if floats[i].tolist() in reduction.image.linear.tolist()][:2]
    assert over * fmpq_mat([weight.tolist()[i] for i in chosen]) == weight
    assert enumerate_all(stack, box).signs() == exact_cells(stack, box).signs


def test_where_it_is_no_gain_the_walk_is_over_the_inputs():
    for widths in [(2 * image.GAIN - 1, 2, 4), (8, 8, 4)]:
        assert reduce_to_image(normal_stack(widths, 0), cube(widths[0], -1, 1)) is None
    dead = AffineMap(np.zeros((2, 9)), np.ones(2))
    assert reduce_to_image(LayerStack((dead,), None, (1, 9), ""), cube(9, -1, 1)) is None
    close = AffineMap(np.stack([np.ones(9), np.ones(9) + 2.0**-45 * np.arange(9)]), np.zeros(2))
    stack = LayerStack((close,), None, (1, 9), "")
    assert count(stack, cube(9, -1, 1)) == [len(exact_cells(stack, cube(9, -1, 1)).signs)]
    huge = AffineMap(np.full((1, 9), 1e300), np.ones(1))
    assert reduce_to_image(LayerStack((huge,), None, (1, 9), ""), cube(9, -1, 1)) is None


def test_the_relaxation_holds_the_image_of_every_corner():
    stack = normal_stack((9, 3, 3), 7)
    box = cube(9, -1, 0.3)
    reduction = reduce_to_image(stack, box)
    assert reduction is not None
    corners = np.array(np.meshgrid(*[[-1.0, 0.3]] * 9)).reshape(9, -1).T
    weight, _ = stack.hidden[0].rational
    for corner in corners[::7]:
        point = fmpq_mat(9, 1, [fmpq(*float(x).as_integer_ratio()) for x in corner])
        u = [(weight * point)[i, 0] for i in range(3)]
        for value, lower, upper in zip(u, reduction.box.lower, reduction.box.upper, strict=True):
            assert fmpq(*float(lower).as_integer_ratio()) <= value
            assert value <= fmpq(*float(upper).as_integer_ratio())


def test_without_proofs_the_same_cells():
    stack, box = normal_stack((24, 5, 6), 8), cube(24, -1, 1)
    run = SubtreeWalk(Problem.of(stack, box), rows=False, certify=False)
    for _ in run.batches():
        pass
    assert run.layer_cells == count(stack, box)
