"""The walk by vertices: the cells of the walk by dictionaries, and of exact polyhedra."""

from __future__ import annotations

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.domain import Box
from nnce_cli.enumeration import Subtree, SubtreeWalk, VertexWalk
from nnce_cli.enumeration.problem import Problem
from nnce_cli.errors import InputError
from nnce_cli.network import AffineMap, LayerStack, load_network
from tests.cases import FOLDER, cube, known_cases
from tests.naive import Cell, cell_at
from tests.oracle_ppl import exact_cells
from tests.strategies import boxes, examples, layer_rows, networks, stack_from
from tests.test_subtree import random_stack
from tests.thin_cells import holds_no_float

SHAPES = [
    *((n, width) for width in (1, 3, 6) for n in (1, 2, 3)),
    *((n, *widths) for widths in [(2, 2), (4, 3), (5, 5), (6, 6)] for n in (1, 2, 3)),
    *((n, *widths) for widths in [(3, 2, 3), (4, 1, 5), (5, 6, 4), (4, 4, 4, 4)] for n in (1, 2, 3)),
]


def all_rows(walk, budget=None):
    """Walk to the end; return (packed signs, active, ranks, witnesses) of all rows."""
    batches = list(walk.batches(budget))
    packed = np.concatenate([np.concatenate(b.signs, axis=1) for b in batches])
    parts = [np.concatenate([getattr(b, name) for b in batches]) for name in ("active", "ranks")]
    return packed, *parts, np.concatenate([b.witness for b in batches])


def assert_same_cells(stack, box):
    """Hold the walk by vertices against the one by dictionaries, rows, counts and witnesses."""
    problem = Problem.of(stack, box)
    reference, walk = SubtreeWalk(problem), VertexWalk(problem)
    expected, found = all_rows(reference), all_rows(walk)
    for name, a, b in zip(("signs", "active", "ranks"), expected, found, strict=False):
        assert np.array_equal(a, b), name
    assert walk.done
    assert walk.layer_cells == reference.layer_cells
    assert walk.cells == reference.cells == len(found[0])
    assert walk.share == pytest.approx(1.0)
    counting = VertexWalk(problem, rows=False, witness=False)
    assert all(len(batch) == 0 for batch in counting.batches())
    assert counting.layer_cells == reference.layer_cells
    check_witnesses(problem, *found)
    return walk


def check_witnesses(problem, packed, active, ranks, witness):
    """Assert that every witness is strictly inside its cell, in rational arithmetic."""
    stack, box = problem.stack, problem.box
    widths = stack.widths[1:]
    ends = np.cumsum([(n + 7) // 8 for n in widths])
    layers = np.split(packed, ends[:-1], axis=1)
    bits = [np.unpackbits(a, axis=1)[:, :n] for a, n in zip(layers, widths, strict=True)]
    signs = np.concatenate(bits, axis=1)
    for row, point in enumerate(witness[:, problem.free]):
        said = Cell(*(tuple(a[row].tolist()) for a in (signs, active, ranks)))
        inside = bool(np.all((box.lower < point) & (point < box.upper)))
        is_witness = inside and cell_at(stack, point) == said
        assert is_witness or holds_no_float(stack, box, said.signs, point.tolist())


@examples(150)
@given(st.data())
def test_drawn_networks_have_the_cells_of_exact_polyhedra(data):
    stack = stack_from(data.draw(networks(SHAPES)))
    box = data.draw(boxes(stack.n_inputs, fixed=True))
    walk = assert_same_cells(stack, box)
    assert walk.layer_cells == exact_cells(stack, box).layer_cells


@pytest.mark.parametrize(
    "widths", [(1, 7), (1, 9, 9), (2, 12), (2, 10, 10), (2, 8, 8, 8), (3, 9), (3, 8, 8), (3, 6, 5, 5)]
)
def test_generic_networks_need_no_guest(widths):
    walk = assert_same_cells(random_stack(widths, seed=len(widths)), cube(widths[0], -1, 1))
    assert walk.decisions["handed_over"] == 0
