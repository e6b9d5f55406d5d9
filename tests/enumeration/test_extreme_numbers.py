"""Weights a unit in the last place apart, subnormal and huge ones, on tiny and huge boxes."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.base.bits import unpack_layers
from nnce_cli.domain import Box
from nnce_cli.enumeration import Problem, batches, choose, walk_factory
from tests.oracles.ppl import exact_cells
from tests.strategies import examples, stack_from

NEAR = [1.0, 1.0 + 2.0**-52, 1.0 - 2.0**-53, -1.0, -1.0 - 2.0**-52, 0.0, 2.0]
TINY = [5e-324, -5e-324, 2.0**-1030, -(2.0**-1022), 1.0, 0.0, -1.0]
HUGE = [2.0**400, -(2.0**401), 2.0**60, 1.0, -1.0, 0.0]
MIXED = [5e-324, 2.0**300, -(2.0**-300), 1.0, -1.0, 0.0, 1.0 + 2.0**-52]
WIDTHS = [5e-324, 2.0**-1000, 2.0**-30, 1.0, 2.0**60, 2.0**300]
SHAPES = [(1, 3, 3), (2, 4, 3), (2, 3, 3, 2), (3, 4, 3), (4, 4, 2)]


@st.composite
def extreme_networks(draw):
    """Draw layers of rows from one family of numbers; some or all have no biases."""
    shape, numbers = draw(st.sampled_from(SHAPES)), draw(st.sampled_from([NEAR, TINY, HUGE, MIXED]))
    random = draw(st.randoms(use_true_random=True))
    share = draw(st.sampled_from([0, 0.5, 1]))  # of the layers that have biases
    layers = []
    for n_in, width in pairwise(shape):
        rows = [random.choices(numbers, k=n_in + 1) for _ in range(width)]
        has_bias = random.random() < share
        layers.append(
            [[*map(Fraction, row[:-1]), Fraction(row[-1] if has_bias else 0)] for row in rows]
        )
    return shape[0], layers


@pytest.mark.parametrize("method", ["auto", "dictionary"])
@examples(24)
@given(st.data())
def test_cells_are_those_of_exact_polyhedra(method, data):
    n, layers = data.draw(extreme_networks())
    size = data.draw(st.sampled_from(WIDTHS))
    lower = data.draw(st.sampled_from([-1.0, 0.0])) * size
    stack, box = stack_from(layers), Box(np.full(n, lower), np.full(n, size))
    problem = Problem.of(stack, box)
    walk_of = walk_factory(choose(problem)[0] if method == "auto" else method)
    walk = walk_of(problem)
    found = list(batches(walk))
    parts = [np.concatenate(columns) for columns in zip(*(b.signs for b in found), strict=True)]
    expected = exact_cells(stack, box)
    assert list(map(tuple, unpack_layers(parts, stack.widths[1:]).tolist())) == expected.signs
    assert np.concatenate([b.ranks for b in found]).tolist() == list(map(list, expected.ranks))
    assert walk.layer_cells == expected.layer_cells
