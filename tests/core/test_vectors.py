"""The vector loops give what their plain forms give: the ratio test and weighted sums."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import default_rng

from nnce_cli._core import Ended, Network, Workbench, ratio_test, weighted_sum
from tests.strategies import examples

MOST_ROWS = 40
SPAN = 3.0  # of the inputs
INPUTS = [1, 5, 12, 15, 19, 22]  # for each number of vectors one, and for many
NEAR = 1e-10  # steps that are so near, relatively, may count as one
TINY = 2.0**-1060  # steps below this may all count as one
TIES = [0.0, 1.0, 2.0, 3.0]
WILD = [0.0, -1.0, 5e-324, -5e-324, 1e-310, 2.0**-1022, 1e-12, 1e300, 1e-11, -1e-11, 1e-10]


def bench_of(inputs: int) -> Workbench:
    """Return a workbench with room for the rows; every input is in [0, SPAN]."""
    n = MOST_ROWS + 1
    layer = (np.ones((n, inputs)), np.zeros(n), n, np.zeros(n), np.zeros(n), False, False, [])
    span = np.full(inputs, SPAN)
    return Workbench(Network(np.zeros(inputs), span, span, [layer]))


def step(constant, slope, cap, free, inputs=1):
    """Return the row that blocks the first column first, -1 where none does.

    By a descent of one step: its row falls along the first column only, and behind it there is a
    slack that has no reach. The column of ``inputs`` is told by which instructions are used.
    """
    value = np.zeros((len(slope), 1 + inputs))
    value[:, 0], value[:, 1] = constant, slope
    bench = bench_of(inputs)
    bench.put_rows(value, cap, free)
    assert bench.descend(0, 1.0) != Ended.STALLED
    _, _, _, _, column, _ = bench.dictionary
    assert sorted(column[1:].tolist()) == list(range(1, inputs))
    return int(column[0]) - inputs if column[0] >= inputs else -1


def steps(constant, slope, cap, free):
    """Return how far each row lets the column go; infinity where it does not block."""
    down = np.maximum(constant, 0.0)
    room = np.maximum(np.where(slope < 0.0, down, cap - down), 0.0)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        ratios = np.where(np.abs(slope) > 1e-11, room / np.abs(slope), np.inf)
    ratios[:free] = np.inf
    return ratios


def numbers(values):
    return st.one_of(st.sampled_from(values), st.floats(-4.0, 4.0))


@st.composite
def frames(draw, values):
    """Draw (constant, slope, cap, free) of a frame's rows along a column, first that of `step`."""
    n = draw(st.integers(0, MOST_ROWS))
    column = st.lists(numbers(values), min_size=n, max_size=n)
    constant, slope, room = (np.array(draw(column), dtype=float) for _ in range(3))
    cap = np.where(draw(st.lists(st.booleans(), min_size=n, max_size=n)), np.abs(room), np.inf)
    rows = np.append(2.0, constant), np.append(-1.0, slope), np.append(np.inf, cap)
    return *rows, draw(st.integers(1, n + 1))


@examples(300)
@given(frames(TIES + [-x for x in TIES]), st.sampled_from(INPUTS))
def test_ties_go_where_the_plain_test_sends_them(frame, inputs):
    """Small numbers, so that steps tie, slopes vanish and rows are outside their bounds."""
    constant, slope, cap, free = frame
    plain, length = ratio_test(constant, slope, cap, free, len(slope))
    row = step(constant, slope, cap, free, inputs)
    ratios = np.sort(steps(constant, slope, cap, free))
    ratios = ratios[ratios < np.inf]
    if (np.diff(ratios) <= ratios[1:] * NEAR).any() and len(set(ratios.tolist())) > 1:
        return  # whether these are ties is a matter of the last digits
    assert row == (plain if length < SPAN else -1)


@examples(300)
@given(frames(WILD), st.sampled_from(INPUTS))
def test_the_row_that_leaves_is_the_first_to_block(frame, inputs):
    """Zeros, infinite caps, denormal numbers: the step is the shortest one, but for rounding."""
    constant, slope, cap, free = frame
    ratios = steps(constant, slope, cap, free)
    shortest = ratios.min(initial=np.inf)
    row = step(constant, slope, cap, free, inputs)
    if row < 0:
        assert shortest >= SPAN * (1 - NEAR)
    else:
        assert free <= row < len(slope)
        assert ratios[row] <= max(min(shortest, SPAN) * (1 + NEAR), TINY)


@examples(300)
@given(frames(WILD + TIES))
def test_the_plain_test_is_the_definition(frame):
    """Of the rows within a hair of the shortest step, the one with the largest entry."""
    constant, slope, cap, free = frame
    ratios = steps(constant, slope, cap, free)
    row, length = ratio_test(constant, slope, cap, free, len(slope))
    assert length == ratios.min(initial=np.inf)
    if length == np.inf:
        assert row == -1
        return
    exact_ties = ratios == length
    assert ratios[row] <= length * (1 + 2e-12)
    assert abs(slope[row]) >= np.abs(slope[exact_ties]).max()


@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("n", [1, 3, 4, 5, 17, MOST_ROWS])
def test_a_column_that_nothing_blocks_goes_to_its_other_bound(n, inputs):
    """The padding behind the rows does not block either."""
    for slope in (0.0, 1e-12, 1.0):
        value = np.zeros((n + 1, 1 + inputs))
        value[:, 0], value[:, 1] = 1.0, slope
        value[0, :2] = SPAN, -1.0
        for move in (lambda bench: bench.descend(0, 1.0), lambda bench: bench.step_along(0)):
            bench = bench_of(inputs)
            bench.put_rows(value, np.full(n + 1, np.inf), 1)
            move(bench)
            moved, _, _, _, column, at_upper = bench.dictionary
            assert column.tolist() == list(range(inputs))
            assert at_upper.tolist() == [1] + [0] * (inputs - 1)
            assert np.array_equal(moved[:, 0], value[:, 0] + SPAN * value[:, 1])
            assert np.array_equal(moved[:, 1], -value[:, 1])


def test_free_rows_do_not_block():
    constant, slope, cap = np.ones(10), np.full(10, -1.0), np.full(10, np.inf)
    constant[9] = 2.0
    for free in range(1, 10):
        assert step(constant, slope, cap, free) >= free
    assert step(constant, slope, cap, 9) == 9
    assert step(constant, slope, cap, 10) == -1
    assert ratio_test(constant, slope, cap, 3, 3) == (-1, np.inf)


@pytest.mark.parametrize("seed", range(4))
def test_a_weighted_sum_is_taken_term_after_term(seed):
    random = default_rng(seed)
    for _ in range(100):
        count, n = int(random.integers(0, 20)), 4 * int(random.integers(0, 9))
        start, rows, weights = (random.normal(size=s) for s in (n, (count, n), count))
        expected = start + weights @ rows
        size = np.abs(start) + np.abs(weights) @ np.abs(rows)
        found = weighted_sum(start, rows, weights)
        assert (np.abs(found - expected) <= 2.0**-50 * (count + 1) * size).all()
        # Each column on its own, in the same order: the same digits.
        for j in range(0, n, 4):
            part = weighted_sum(start[j : j + 4].copy(), rows[:, j : j + 4].copy(), weights)
            assert np.array_equal(found[j : j + 4], part)
