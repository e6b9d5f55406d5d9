"""The walk by vertices behind pooling: sparse layers whose forms are kept from cell to cell."""

from __future__ import annotations

import numpy as np
import pytest

from nnce_cli.domain import Box
from nnce_cli.enumeration import DictionaryWalk, Problem, VertexWalk
from nnce_cli.network import AffineMap, LayerStack, Units
from tests.enumeration.test_vertex import all_rows, walk_in_pieces
from tests.unit_stacks import behind, maximum, with_differences

PIXELS, WINDOWS, SEEN = 64, 16, 3  # windows of four pixels; windows that a neuron behind sees
POOLING = Units(np.zeros(0), tuple(maximum(4, 6 * WINDOWS + m) for m in range(WINDOWS)))
FILTERS = 40


def windows(share):
    """Return the map from pixels to the arguments of each maximum; windows may share pixels."""
    weight = np.zeros((7 * WINDOWS, PIXELS))
    for m, base in enumerate(range(6 * WINDOWS, 7 * WINDOWS)):
        first = 4 * m - (m if share else 0)
        for place, neuron in enumerate([base, *range(6 * m, 6 * m + 3)]):
            weight[neuron, first + place] = 1.0
    return AffineMap(weight, np.zeros(7 * WINDOWS))


def pooled(inputs, seed, *, whole=False, share=False, spread=1.0):
    """Return ReLUs of an image, their maxima by windows, few of which each ReLU behind sees."""
    random = np.random.default_rng(seed)

    def numbers(*shape):
        return random.integers(-3, 4, shape) * 1.0 if whole else random.normal(size=shape)

    first = AffineMap(numbers(PIXELS, inputs), spread * numbers(PIXELS))
    pool = with_differences(windows(share), POOLING)
    weight = np.zeros((FILTERS, 7 * WINDOWS))
    for row in weight:
        row[6 * WINDOWS + random.choice(WINDOWS, SEEN, replace=False)] = numbers(SEEN)
    filters = behind(AffineMap(weight, numbers(FILTERS)), POOLING)
    last = AffineMap(numbers(4, FILTERS), numbers(4))
    units = (Units.relu(PIXELS), POOLING, Units.relu(FILTERS), Units.relu(4))
    return LayerStack((first, pool, filters, last), None, (1, inputs), "", units=units)


def around_zero(inputs, size):
    return Box(np.full(inputs, -size), np.full(inputs, size * 1.25))


CASES = [
    *((2, seed, {}, 0.06) for seed in range(3)),
    *((1, seed, {}, 0.6) for seed in range(2)),
    *((3, seed, {}, 0.02) for seed in range(2)),
    (2, 0, {"whole": True}, 0.5),
    (3, 0, {"whole": True}, 0.25),
    (1, 0, {"spread": 0.0}, 1.0),  # no pixel has a bias: all of them meet
]


@pytest.mark.parametrize(("inputs", "seed", "how", "size"), CASES)
def test_cells_behind_pooling_are_those_of_dictionaries(inputs, seed, how, size):
    problem = Problem.of(pooled(inputs, seed, **how), around_zero(inputs, size))
    reference, walk = DictionaryWalk(problem), VertexWalk(problem)
    expected, found = all_rows(reference), all_rows(walk)
    for name, a, b in zip(("signs", "active", "ranks"), expected, found, strict=False):
        assert np.array_equal(a, b), name
    assert walk.layer_cells == reference.layer_cells
    assert walk.cells > 3
    counting = VertexWalk(problem, rows=False, witness=False)
    while not counting.done:  # it looks at the clock after some time
        counting.advance(2**40)
    assert counting.layer_cells == reference.layer_cells
    check_witnesses(problem, found)


def check_witnesses(problem, found):
    """Assert that the codes of every witness are those of its row."""
    packed, _, _, points = found
    codes = problem.stack.codes(points)
    ours = problem.stack.layout.split(problem.stack.layout.join_layers(codes))
    assert np.array_equal(np.concatenate(ours, axis=1), packed)


@pytest.mark.parametrize("inputs", [1, 2, 3])
def test_no_form_depends_on_what_the_walk_met_before(inputs):
    """Pieces give the rows of the whole to the last bit, witnesses too."""
    problem = Problem.of(pooled(inputs, 5), around_zero(inputs, 0.05))
    expected = all_rows(VertexWalk(problem))
    pieces, layer_cells, share, walks = walk_in_pieces(problem, 7)
    assert all(map(np.array_equal, pieces, expected))
    assert layer_cells[-1] == len(expected[0])
    assert share == pytest.approx(1.0)
    assert walks > 3


@pytest.mark.parametrize("share", [False, True])
def test_windows_that_are_off_or_touch_need_no_guest(share):
    """Differences of ReLUs are zero on whole cells, and touch the planes of these ReLUs."""
    problem = Problem.of(pooled(2, 1, share=share), around_zero(2, 0.3))
    walk = VertexWalk(problem, rows=False, witness=False)
    while not walk.done:
        walk.advance(1000)
        assert walk.decisions["handed_over"] == 0
    assert walk.cells > 300
