"""The oracles are held against each other, against theory and against cells counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.domain import Box
from nnce_cli.network import load_network
from tests.cases import FOLDER, cube, known_cases, needs_cases
from tests.oracles import hand_counted, zaslavsky
from tests.oracles.naive import (
    cell_at,
    exhaustive_signs,
    sampled_signs,
    stack_of,
    strictly_feasible,
)
from tests.oracles.ppl import exact_cells
from tests.strategies import boxes, examples, networks, stack_from


@examples(40)
@given(st.data())
def test_exhaustive_search_agrees_with_polyhedra(data):
    layers = data.draw(networks(shapes=[(1, 4), (2, 3), (1, 3, 3), (2, 3, 3), (3, 3, 2)]))
    stack = stack_from(layers)
    box = data.draw(boxes(stack.n_inputs))
    assert exhaustive_signs(stack, box) == exact_cells(stack, box).signs


@examples(25)
@given(st.data())
def test_sampled_cells_are_cells_of_the_polyhedra(data):
    stack = stack_from(data.draw(networks()))
    box = data.draw(boxes(stack.n_inputs))
    cells = exact_cells(stack, box)
    ranks = dict(zip(cells.signs, cells.ranks, strict=True))
    assert sampled_signs(stack, box, 30, seed=0) <= set(cells.signs)
    inside = cell_at(stack, np.random.default_rng(1).uniform(box.lower, box.upper))
    if inside is not None:
        assert ranks[inside.signs] == inside.ranks


def test_sampling_finds_every_cell_of_a_network_without_small_ones():
    """|x| and |y| on [-1, 1]^2: four quadrants of equal area."""
    stack = stack_of(([[1, 0], [0, 1]], [0, 0]))
    assert sampled_signs(stack, cube(2, -1, 1), 100, seed=0) == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_a_point_on_a_boundary_has_no_cell():
    stack = stack_of(([[1, 0], [0, 0]], [0, 0]))
    assert cell_at(stack, [0.0, 0.5]) is None
    assert cell_at(stack, [0.5, 0.0]).signs == (1, 0)


def test_elimination_is_strict():
    """The sides x > 0 and -x > 0 only touch at 0; x > 0 and 2^-60 - x > 0 leave room."""
    assert not strictly_feasible([(1, 0), (-1, 0)])
    assert strictly_feasible([(1, 0), (-(2**60), 1)])
    assert not strictly_feasible([(0, 0)])


@pytest.mark.parametrize(("m", "d"), [(3, 1), (2, 3), (5, 2), (8, 2), (6, 3), (8, 3), (6, 4)])
def test_polyhedra_count_generic_arrangements(m, d):
    arrangement, half_width = zaslavsky.generic_arrangement(m, d, seed=m * d)
    cells = exact_cells(zaslavsky.network(arrangement), cube(d, -half_width, half_width))
    assert len(cells.signs) == zaslavsky.generic_cells(m, d)


@pytest.mark.parametrize(
    ("arrangement", "expected"),
    [
        (zaslavsky.difference_arrangement(3, [0]), zaslavsky.braid_cells(3)),
        (zaslavsky.difference_arrangement(4, [0]), zaslavsky.braid_cells(4)),
        (zaslavsky.difference_arrangement(3, [0, 1]), zaslavsky.shi_cells(3)),
        (zaslavsky.difference_arrangement(4, [0, 1]), zaslavsky.shi_cells(4)),
        (zaslavsky.difference_arrangement(3, [-1, 0, 1]), zaslavsky.catalan_cells(3)),
        (zaslavsky.reflection_arrangement(3), zaslavsky.reflection_cells(3)),
    ],
)
def test_polyhedra_count_famous_arrangements(arrangement, expected):
    """Braid 6, 24; Shi 16, 125; Catalan 30; B_3 48. All vertices are within [-9, 9]^d."""
    stack = zaslavsky.network(arrangement)
    assert len(exact_cells(stack, cube(stack.n_inputs, -9, 9)).signs) == expected


def test_an_arrangement_that_leaves_the_box_is_not_called_generic():
    lines = [([1, 0], 0), ([0, 1], 0)]
    assert zaslavsky.is_generic_inside(lines, 1)
    assert not zaslavsky.is_generic_inside([*lines, ([1, 1], -2)], 2), "a vertex at (2, 0)"
    assert not zaslavsky.is_generic_inside([*lines, ([1, 1], 0)], 2), "three lines in a point"
    assert not zaslavsky.is_generic_inside([*lines, ([1, 0], -1)], 2), "parallel lines"


@pytest.mark.parametrize("case", hand_counted.CASES)
def test_polyhedra_count_as_by_hand(case):
    stack, box, layer_cells = case()
    assert exact_cells(stack, box).layer_cells == layer_cells


def test_ranks_of_the_diamond():
    """Every quadrant has rank 2, and each active neuron of layer 2 adds a dimension."""
    stack, box, _ = hand_counted.diamond()
    cells = exact_cells(stack, box)
    for signs, ranks in zip(cells.signs, cells.ranks, strict=True):
        assert ranks == (2, sum(signs[4:]))


def test_a_neuron_that_is_zero_on_a_cell_is_inactive():
    """Layer 1 is max(x, 0); layer 2 repeats it, and is identically zero for x < 0."""
    stack = stack_of(([[1]], [0]), ([[1]], [0]))
    assert exact_cells(stack, cube(1, -1, 1)).signs == [(0, 0), (1, 1)]


def test_a_hyperplane_that_touches_the_box_does_not_cut_it():
    """The function x + y - 2 on [-1, 1]^2 is zero at a corner only, negative elsewhere."""
    stack = stack_of(([[1, 1], [-1, -1]], [-2, 2]))
    assert exact_cells(stack, cube(2, -1, 1)).signs == [(0, 1)]


def test_a_cell_thinner_than_any_float_tolerance():
    """The points x = 0 and x = 2^-60 leave a cell of that width between them."""
    stack = stack_of(([[1], [1]], [0, -(2.0**-60)]))
    assert exact_cells(stack, cube(1, -1, 1)).signs == [(0, 0), (1, 0), (1, 1)]
    assert exhaustive_signs(stack, cube(1, -1, 1)) == [(0, 0), (1, 0), (1, 1)]


def test_a_fixed_input_takes_its_dimension_with_it():
    """The function x + y on [-1, 1] x {0.5}: cut at x = -0.5, and the rank of (x, y) is 1."""
    stack = stack_of(([[1, 1], [0, 1]], [0, 0]))
    cells = exact_cells(stack, Box(np.array([-1.0, 0.5]), np.array([1.0, 0.5])))
    assert cells.signs == [(0, 1), (1, 1)]
    assert cells.ranks == [(0,), (1,)]


@needs_cases
@pytest.mark.parametrize("folder", ["degenerate", "random"])
def test_polyhedra_agree_with_the_known_counts(folder):
    small = {
        name: case
        for name, case in known_cases(folder).items()
        if case["cells"] <= 600 and case["widths"][0] <= 5
    }
    assert len(small) >= 3
    for name, case in small.items():
        stack = load_network(FOLDER / folder / f"{name}.onnx")
        cells = exact_cells(stack, cube(stack.n_inputs, *case["box"]))
        assert cells.layer_cells == case["layer_cells"], name
