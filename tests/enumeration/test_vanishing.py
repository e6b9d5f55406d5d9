"""Units that are zero on a whole cell, of which floating point has nothing but rounding.

On neither side of such a unit anything of the cell is left: whoever splits on it loses the cell.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.base.bits import unpack_layers
from nnce_cli.domain import Box
from nnce_cli.enumeration import Problem, batches, choose, walk_factory
from tests.oracles.ppl import exact_cells
from tests.strategies import examples, stack_from

# Bits of the weights, and how many layers are before the unit: products of all of them have more
# bits than float64. The last ones are no numbers of float64 at all.
KINDS = {"float32, deep": (21, 2), "float64": (48, 1), "thirds": (3, 1)}


@st.composite
def vanishing_networks(draw, kind):
    """Draw layers; the last but one has a row twice, times a factor, and the last cancels it."""
    bits, before = KINDS[kind]
    random = draw(st.randoms(use_true_random=True))
    n = draw(st.sampled_from([2, 3, 4, 9] if before > 1 else [2, 3, 4]))

    def number():
        part = Fraction(random.randint(-(2**bits), 2**bits), 2 ** (bits - 1))
        return part / 3 if kind == "thirds" else part

    def rows(n_in, count):
        return [[number() for _ in range(n_in + 1)] for _ in range(count)]

    layers = [] if before == 1 else [rows(n, 3)]
    row, factor, weight = rows(3 if layers else n, 1)[0], random.choice([3, 5, 7]), number()
    layers.append([row, *rows(len(row) - 1, 1), [factor * x for x in row]])
    cancels = [factor * weight, Fraction(0), -weight, Fraction(0)]
    layers.append([*rows(3, 1), cancels, [-x for x in cancels]])
    return layers


def cells(layers, size, method):
    """Return the cells on a box by a method, None for the one that is chosen; and those of PPL."""
    n = len(layers[0][0]) - 1
    stack, box = stack_from(layers), Box(np.full(n, -size), np.full(n, size))
    problem = Problem.of(stack, box)
    walk = walk_factory(method or choose(problem)[0])(problem)
    found = [unpack_layers(batch.signs, stack.widths[1:]) for batch in batches(walk)]
    return list(map(tuple, np.concatenate(found).tolist())), exact_cells(stack, box).signs


@pytest.mark.parametrize("kind", KINDS)
@examples(40)
@given(st.data(), st.sampled_from([1.0, 2.0**30, 2.0**60]))
def test_no_cell_is_lost(kind, data, size):
    layers = data.draw(vanishing_networks(kind))
    for method in (None, "dictionary"):
        found, expected = cells(layers, size, method)
        assert found == expected, method


@pytest.mark.parametrize("exponents", [(-500, -560, 300), (-300, -745, 300), (-600, -430, 260)])
def test_what_underflow_takes_away_is_no_sign(exponents):
    """The forms of the second layer are subnormal numbers, which the third one makes large."""
    first, second, third = (Fraction(2) ** e for e in exponents)
    one, two = Fraction(16777213, 2**24), Fraction(11184811, 2**24)
    nothing = Fraction(0)
    layers = [
        [[first, nothing, 2 * first], [nothing, first, nothing], [first, 3 * first, first]],
        [
            [one * second, nothing, nothing, nothing],
            [two * second, nothing, nothing, nothing],
            [nothing, second, second, nothing],
        ],
        [
            [two * third, -one * third, nothing, nothing],
            [-two * third, one * third, nothing, nothing],
            [third, third, -third, nothing],
        ],
    ]
    assert all(Fraction(float(x)) == x for layer in layers for row in layer for x in row)
    found, expected = cells(layers, 1.0, "dictionary")
    assert found == expected
