"""Networks of which some layers have no biases: what they hand on meets in one point.

Where no more neurons of a layer are seen than there are inputs, all hyperplanes of the layers
without biases behind it go through the point at which these neurons are zero.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.base.bits import unpack_layers
from nnce_cli.enumeration import DictionaryWalk, Problem, batches, choose, walk_factory
from tests.cases import cube
from tests.oracles.ppl import exact_cells
from tests.strategies import examples, stack_from

SHAPES = [
    *[(2, 2, 5, 4), (2, 3, 4, 4), (2, 5, 3, 4), (2, 4, 2, 3, 3), (3, 3, 4, 3), (3, 2, 5, 3)],
    *[(3, 4, 4, 3), (3, 3, 3, 3, 2), (4, 3, 4, 3), (4, 4, 3, 3), (4, 4, 4), (5, 3, 4, 3)],
]


def rows_of(random, n_in, width, has_bias, divisor):
    """Return rows of numbers of 24 bits, over ``divisor``."""

    def number():
        return Fraction(random.randint(-(2**23), 2**23), 2**22 * divisor)

    return [
        [*(number() for _ in range(n_in)), number() / 2 if has_bias else Fraction(0)]
        for _ in range(width)
    ]


@st.composite
def networks(draw):
    """Draw layers with and without biases, of float32 numbers or thirds of them."""
    shape, random = draw(st.sampled_from(SHAPES)), draw(st.randoms(use_true_random=True))
    biased = [draw(st.booleans()) for _ in shape[1:]]
    divisors = [draw(st.sampled_from([1, 1, 3])) for _ in shape[1:]]
    return [
        rows_of(random, *sizes, has_bias, divisor)
        for sizes, has_bias, divisor in zip(pairwise(shape), biased, divisors, strict=True)
    ]


def cells(stack, box, method):
    """Return the cells on a box by a method, and their number by layer."""
    walk = walk_factory(method)(Problem.of(stack, box))
    found = [unpack_layers(batch.signs, stack.widths[1:]) for batch in batches(walk)]
    return list(map(tuple, np.concatenate(found).tolist())), walk.layer_cells


@examples(120)
@given(networks(), st.sampled_from([(-1, 1), (0, 1), (-0.25, 3), (-(2**30), 2**30)]))
def test_against_exact_polyhedra(layers, interval):
    stack = stack_from(layers)
    box = cube(stack.n_inputs, *interval)
    expected = exact_cells(stack, box)
    for method in {"dictionary", choose(Problem.of(stack, box))[0]}:
        found, layer_cells = cells(stack, box, method)
        assert found == expected.signs, method
        assert layer_cells == expected.layer_cells, method


@pytest.mark.parametrize("divisor", [1, 3])
@pytest.mark.parametrize(
    ("shape", "biased"),
    [((4, 4, 8, 8), [0]), ((4, 4, 8, 8), [0, 2]), ((5, 5, 5, 5), [0]), ((3, 6, 6, 6), [1])],
)
def test_no_rational_arithmetic_is_needed(shape, biased, divisor):
    """These took thousands of rational decisions, some milliseconds each."""
    random = Random(1)
    layers = [
        rows_of(random, *sizes, layer in biased, divisor)
        for layer, sizes in enumerate(pairwise(shape))
    ]
    stack = stack_from(layers)
    walk = DictionaryWalk(Problem.of(stack, cube(shape[0], -1, 1)), rows=False)
    for _ in batches(walk):
        pass
    assert walk.decisions["neurons_exact"] == 0
    assert walk.decisions["neurons_cone"] > 0
    assert walk.layer_cells == cells(stack, cube(shape[0], -1, 1), "incremental")[1]
