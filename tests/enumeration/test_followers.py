"""Networks in which neurons follow others: they are walked without these (core/merged.hpp)."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.base.bits import unpack_layers
from nnce_cli.domain import Box
from nnce_cli.enumeration import DictionaryWalk, Problem, batches
from tests.oracles.ppl import exact_cells
from tests.strategies import examples, stack_from

SHAPES = [(1, 4, 4), (2, 4, 4), (2, 4, 3, 3), (3, 5, 4), (4, 4, 3)]
NUMBERS = [1.0, -1.0, 2.0, 0.75, 1.0 + 2.0**-52, 2.0**-40, 0.0]  # sums of which may round
RATIOS = [1.0, 1.0, 2.0, 0.125, -1.0, 3.0, -1.25]


@st.composite
def repeated_networks(draw):
    """Draw layers in which about every second row is another one times some number."""
    shape = draw(st.sampled_from(SHAPES))
    random = draw(st.randoms(use_true_random=True))
    layers = []
    for n_in, width in pairwise(shape):
        rows = [random.choices(NUMBERS, k=n_in + 1)]
        while len(rows) < width:
            if random.random() < 0.5:
                ratio, row = random.choice(RATIOS), random.choice(rows)
                rows.append([ratio * x for x in row])
            else:
                rows.append(random.choices(NUMBERS, k=n_in + 1))
        layers.append([list(map(Fraction, row)) for row in rows])
    return layers


def signs_at(layers, point):
    """Return the bits of all neurons at a rational point, layer by layer."""
    found = []
    for rows in layers:
        z = [sum(w * x for w, x in zip(row[:-1], point, strict=True)) + row[-1] for row in rows]
        found += [int(v > 0) for v in z]
        point = [max(v, Fraction(0)) for v in z]
    return found


@examples(60)
@given(repeated_networks())
def test_cells_and_witnesses_are_those_of_the_whole_network(layers):
    n = len(layers[0][0]) - 1
    stack, box = stack_from(layers), Box(np.full(n, -2.0), np.full(n, 2.0))
    walk = DictionaryWalk(Problem.of(stack, box))
    found = list(batches(walk))
    bits = np.concatenate([unpack_layers(b.signs, stack.widths[1:]) for b in found])
    expected = exact_cells(stack, box)
    assert list(map(tuple, bits.tolist())) == expected.signs
    assert walk.layer_cells == expected.layer_cells
    assert np.concatenate([b.ranks for b in found]).tolist() == list(map(list, expected.ranks))
    points = [list(map(Fraction, x)) for b in found for x in b.witness.tolist()]
    for row, point in walk.exact_witnesses.items():
        points[row] = list(map(Fraction, point))
    for row, point in zip(bits.tolist(), points, strict=True):
        assert signs_at(layers, point) == row


def test_multiples_are_found_when_the_network_is_loaded():
    """By 3, -7 and 5: all of them are one hyperplane, which decides them all."""
    random = np.random.default_rng(2)
    first = random.normal(size=(3, 4)).astype(np.float32).astype(float)  # so 7 and 5 times fit
    second = random.normal(size=(5, 11)).astype(np.float32).astype(float)
    rows = np.concatenate([first, 3 * first, -7 * first, 5 * first[:1]])
    stack = stack_from([[[*map(Fraction, row)] for row in table] for table in (rows, second)])
    walk = DictionaryWalk(Problem.of(stack, Box(-np.ones(3), np.ones(3))), rows=False)
    for _ in batches(walk):
        pass
    assert walk.layer_cells == exact_cells(stack, Box(-np.ones(3), np.ones(3))).layer_cells
    assert walk.decisions["neurons_exact"] == 0
