"""Stacks of units of all kinds: the walks' cells are those of exact polyhedra."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.base.errors import InputError
from nnce_cli.enumeration import WHOLE, Problem, batches, choose, walk_factory
from nnce_cli.network import AffineMap, LayerStack
from tests.cases import cube
from tests.oracles.units import DrawnLayer, codes_at, exact_cells, stack_of
from tests.strategies import INTEGERS, boxes, examples

SMALL = INTEGERS[1:-1]
SLOPES = [Fraction(0), Fraction(0), Fraction(-1), Fraction(1, 4), Fraction(-1, 2), Fraction(2)]
SHAPES = [  # units with two pieces, clips, the arguments of each max, pass-throughs
    [(2, 1, (3,), 0), (2, 0, (), 0)],
    [(0, 0, (3, 4), 1), (2, 1, (), 0)],
    [(0, 0, (4, 3), 0), (0, 0, (3,), 1), (2, 0, (), 0)],
    [(3, 1, (), 1), (0, 1, (3,), 0)],
    [(0, 2, (5,), 0), (3, 0, (), 0)],
    [(4, 0, (), 2), (2, 1, (3, 3), 0)],
    [(2, 2, (), 1), (3, 1, (), 0)],
]


@st.composite
def layers(draw, shapes=SHAPES, most_inputs=4):
    """Draw an input dimension and layers of units of all kinds, all or some without biases."""
    n = draw(st.integers(1, most_inputs))
    random = draw(st.randoms(use_true_random=True))
    share = draw(st.sampled_from([0, 0.5, 1]))  # of the layers that have biases
    has_bias = True
    found, width = [], n

    def row():
        entries = random.choices(SMALL, k=width)
        return [*entries, random.choice(SMALL) if has_bias else Fraction(0)]

    for plain, clips, maxima, passed in draw(st.sampled_from(shapes)):
        has_bias = random.random() < share
        groups = []
        for count in maxima:
            rows = [row() for _ in range(count)]
            if random.random() < 0.4:  # a number that is there twice, or tied with a constant
                rows[-1] = list(random.choice(rows))
            if random.random() < 0.2:
                rows[0] = [Fraction(0)] * width + [random.choice(SMALL)]
            groups.append(rows)
        layer = DrawnLayer(
            plain=[(row(), random.choice(SLOPES)) for _ in range(plain)],
            clips=[(row(), *random.choice([(0, 1), (-1, 1), (0, 3)])) for _ in range(clips)],
            maxima=groups,
            passed=[row() for _ in range(passed)],
        )
        layer.clips = [(r, Fraction(lo), Fraction(hi)) for r, lo, hi in layer.clips]
        found.append(layer)
        width = layer.values
    return n, found


def rows_of(stack, batch):
    """Return the codes of a batch's rows, bits and pieces layer by layer."""
    joined = np.concatenate(batch.signs, axis=1)
    parts = [part for layer in stack.layout.split_layers(joined) for part in layer]
    return [tuple(row) for row in np.concatenate(parts, axis=1).tolist()]


def walk_all(stack, box, method, subtree=WHOLE):
    """Return (rows, ranks, active, witnesses, the walk) of a method."""
    walk = walk_factory(method)(Problem.of(stack, box), subtree)
    rows, ranks, active, points = [], [], [], []
    for batch in batches(walk):
        rows += rows_of(stack, batch)
        ranks += [tuple(r) for r in batch.ranks.tolist()]
        active += batch.active.tolist()
        points.append(batch.witness)
    return rows, ranks, active, np.concatenate(points), walk


def active_of(stack, row):
    """Return the active units of each layer of a row of codes."""
    ends = np.cumsum(stack.widths[1:])
    return [int(np.count_nonzero(part)) for part in np.split(np.array(row), ends[:-1])]


@pytest.mark.parametrize("method", ["auto", "dictionary", "incremental"])
@examples(60)
@given(st.data())
def test_cells_are_those_of_exact_polyhedra(method, data):
    n, drawn = data.draw(layers())
    box = data.draw(boxes(n))
    stack = stack_of(drawn)
    if method == "incremental" and any(units.has_max for units in stack.units):
        with pytest.raises(InputError, match="winner of three or more"):
            walk_factory(method)(Problem.of(stack, box))
        return
    name = choose(Problem.of(stack, box))[0] if method == "auto" else method
    expected = exact_cells(drawn, box)
    rows, ranks, active, points, walk = walk_all(stack, box, name)
    assert rows == expected.codes
    assert ranks == expected.ranks
    assert list(walk.layer_cells) == expected.layer_cells
    assert active == [active_of(stack, row) for row in rows]
    for i, (row, point) in enumerate(zip(rows, points.tolist(), strict=True)):
        exact = walk.exact_witnesses.get(i, point)
        assert codes_at(drawn, [Fraction(x) for x in exact]) == row


def walk_in_pieces(walks, budget):
    """Return (rows, layer cells, share) of walks that stop after a few nodes, each in turn.

    The share is that of a walk by vertices; it is lost where a dictionary leaves out an empty node.
    """
    waiting, rows, counts, share = [WHOLE], [], np.zeros(len(walks[0].layer_cells), dtype=int), 0.0
    for walk in itertools.cycle(walks):
        walk.begin(waiting.pop(0))
        for batch in batches(walk, budget):
            rows += rows_of(walk.problem.stack, batch)
        counts += np.array(walk.layer_cells)
        share += np.nan if walk.decisions.get("handed_over", 1) else walk.share
        waiting = walk.rest() + waiting if not walk.done else waiting
        if not waiting:
            return rows, counts.tolist(), share


@pytest.mark.parametrize("methods", [["dictionary"], ["vertex"], ["vertex", "dictionary"]])
@examples(40)
@given(st.data())
def test_subtrees_together_are_the_whole(methods, data):
    """Cells and counts of pieces add up; what one method leaves another one goes on with."""
    n, drawn = data.draw(layers(most_inputs=3 if "vertex" in methods else 4))
    box = data.draw(boxes(n))
    budget = data.draw(st.integers(1, 7))
    stack = stack_of(drawn)
    problem = Problem.of(stack, box)
    whole_rows, _, _, _, whole = walk_all(stack, box, "dictionary")
    walks = [walk_factory(method)(problem) for method in methods]
    rows, counts, share = walk_in_pieces(walks, budget)
    assert rows == whole_rows
    assert counts == list(whole.layer_cells)
    assert np.isnan(share) or share == pytest.approx(1.0)


@examples(60)
@given(st.data())
def test_counting_by_vertices_finds_as_many_cells(data):
    n, drawn = data.draw(layers(most_inputs=3))
    box = data.draw(boxes(n))
    problem = Problem.of(stack_of(drawn), box)
    walk = walk_factory("vertex")(problem, rows=False, witness=False)
    assert all(len(batch) == 0 for batch in batches(walk))
    assert walk.layer_cells == exact_cells(drawn, box).layer_cells


def test_a_max_of_numbers_that_are_all_the_same_is_won_by_the_first():
    same = [Fraction(1), Fraction(0), Fraction(0)]
    drawn = [DrawnLayer(plain=[], maxima=[[same, same, same, same]])]
    rows, ranks, *_ = walk_all(stack_of(drawn), cube(2, -1, 1), "dictionary")
    assert rows == [(0,)]
    assert ranks == [(1,)]


def test_a_comparison_that_does_not_matter_divides_no_cell():
    """Of x, y and 5 the last is the largest everywhere: x against y is never asked."""
    x = [Fraction(1), Fraction(0), Fraction(0)]
    y = [Fraction(0), Fraction(1), Fraction(0)]
    five = [Fraction(0), Fraction(0), Fraction(5)]
    drawn = [DrawnLayer(plain=[], maxima=[[x, y, five]])]
    rows, ranks, *_ = walk_all(stack_of(drawn), cube(2, -1, 1), "dictionary")
    assert rows == [(2,)]
    assert ranks == [(0,)]


@pytest.mark.parametrize("method", ["auto", "dictionary", "incremental"])
def test_a_network_without_units_has_one_cell(method):
    stack = LayerStack((), AffineMap(np.array([[1.0, 2.0]]), np.array([0.5])), (1, 2), "")
    problem = Problem.of(stack, cube(2, -1, 3))
    name = choose(problem)[0] if method == "auto" else method
    walk = walk_factory(name)(problem)
    [batch] = batches(walk)
    assert (walk.cells, walk.done, walk.share, len(batch)) == (1, True, 1.0, 1)
    assert batch.witness.tolist() == [[1.0, 1.0]]
    assert walk.rest() == []
    with pytest.raises(InputError, match="nothing to prove"):
        walk_factory("dictionary")(problem, log=True)
