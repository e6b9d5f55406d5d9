"""Boxes far larger than what is in them, and tiny ones: who decides, exact witnesses, pieces."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from nnce_cli.base.bits import unpack_layers
from nnce_cli.domain import Box
from nnce_cli.enumeration import WHOLE, DictionaryWalk, Problem, batches, walk_factory
from tests.oracles.ppl import exact_cells
from tests.strategies import stack_from


def random_rows(shape, seed, scale=1):
    """Return rows with float32 weights and biases of order ``scale``."""
    random = np.random.default_rng(seed)
    layers = []
    for n_in, width in pairwise(shape):
        rows = random.normal(size=(width, n_in + 1)).astype(np.float32).astype(float)
        layers.append([[Fraction(x) * scale for x in row] for row in rows.tolist()])
    return layers


def signs_at(layers, point):
    """Return the signs of all neurons at a rational point, layer by layer."""
    found = []
    for rows in layers:
        z = [sum(w * x for w, x in zip(row[:-1], point, strict=True)) + row[-1] for row in rows]
        found += [(v > 0) - (v < 0) for v in z]
        point = [max(v, Fraction(0)) for v in z]
    return found


def walked(problem, budget=None, subtree=WHOLE):
    """Return the bits (rows, N) and the exact witnesses of all rows, and the walks."""
    walk = DictionaryWalk(problem, subtree)
    bits, points = [], []
    for batch in batches(walk, budget):
        bits.append(unpack_layers(batch.signs, problem.widths))
        points += [list(map(Fraction, row)) for row in batch.witness.tolist()]
    for row, point in walk.exact_witnesses.items():
        points[row] = [Fraction(x) for x in point]
    walks = [walk]
    if not walk.done:
        for rest in walk.rest():
            more, their_points, their_walks = walked(problem, budget, rest)
            bits.append(more)
            points += their_points
            walks += their_walks
    return np.concatenate(bits), points, walks


@pytest.mark.parametrize("exponent", [30, 34, 45, 60, 120, 400])
@pytest.mark.parametrize("shape", [(2, 5, 4), (3, 5, 3), (4, 5, 2), (2, 4, 3, 3)])
def test_huge_boxes_need_no_rational_arithmetic(shape, exponent):
    """What is near the origin is far below the rounding of numbers of the box's size."""
    layers = random_rows(shape, seed=sum(shape))
    stack, size = stack_from(layers), 2.0**exponent
    box = Box(np.full(shape[0], -size), np.full(shape[0], size))
    bits, points, (walk,) = walked(Problem.of(stack, box))
    assert list(map(tuple, bits.tolist())) == exact_cells(stack, box).signs
    decisions = walk.decisions
    assert decisions["neurons_exact"] == decisions["witnesses_exact"] == 0
    assert decisions["neurons_fine"] == decisions["witnesses_fine"] == 0 or exponent < 40
    for row, point in zip(bits.tolist(), points, strict=True):
        assert all(abs(x) < size for x in point)
        assert signs_at(layers, point) == [1 if bit else -1 for bit in row]


@pytest.mark.parametrize(
    ("lower", "upper", "scale"),
    [
        (-5e-324, 5e-324, Fraction(5e-324)),  # no float64 is inside but 0
        (0.0, 5e-324, Fraction(1, 2**1074)),
        (-(2.0**-1000), 2.0**-1000, Fraction(1, 2**1000)),
        (-(2.0**-600), 2.0**-600, Fraction(2.0**101) / 2**600),
        (-(2.0**300), 2.0**300, Fraction(2**300)),
    ],
)
def test_boxes_of_any_size_have_exact_witnesses(lower, upper, scale):
    """Biases as large as the box, or such that most neurons are settled by them."""
    layers = random_rows((2, 4, 3), seed=5)
    for rows in layers:
        for row in rows:
            row[-1] = Fraction(float(row[-1] * scale))
    layers[0][0] = [Fraction(2.0**400), Fraction(-(2.0**400)), Fraction(0)]
    stack, box = stack_from(layers), Box(np.full(2, lower), np.full(2, upper))
    bits, points, _ = walked(Problem.of(stack, box))
    assert list(map(tuple, bits.tolist())) == exact_cells(stack, box).signs
    assert len(bits) > 1
    for row, point in zip(bits.tolist(), points, strict=True):
        assert all(Fraction(lower) < x < Fraction(upper) for x in point)
        found = signs_at(layers, point)
        assert all((sign > 0) == bool(bit) for sign, bit in zip(found, row, strict=True))


@pytest.mark.parametrize("size", [2.0**60, 2.0**-1060])
def test_pieces_have_the_same_cells_and_witnesses(size):
    layers = random_rows((3, 4, 4), seed=11)
    for rows in layers if size < 1 else ():
        for row in rows:
            row[-1] = Fraction(0)
    box = Box(np.full(3, -size), np.full(3, size))
    problem = Problem.of(stack_from(layers), box)
    bits, points, walks = walked(problem)
    assert len(walks) == 1
    pieces, their_points, walks = walked(problem, budget=5)
    assert len(walks) > 3
    assert np.array_equal(pieces, bits)
    assert their_points == points


@pytest.mark.parametrize("exponent", [25, -25])
def test_witnesses_of_a_walk_in_the_image_are_inputs(exponent):
    layers = random_rows((12, 2, 3), seed=4, scale=Fraction(2) ** exponent)
    layers[0] = [[w / Fraction(2) ** exponent for w in row[:-1]] + row[-1:] for row in layers[0]]
    stack, size = stack_from(layers), 2.0**exponent
    problem = Problem.of(stack, Box(np.full(12, -size), np.full(12, size)))
    assert problem.in_image
    walk = walk_factory("image")(problem)
    found = list(batches(walk))
    assert walk.cells > 1
    for batch in found:
        bits = unpack_layers(batch.signs, problem.widths)
        for row, point in zip(bits.tolist(), batch.witness.tolist(), strict=True):
            assert all(abs(x) < size for x in point)
            expected = [1 if bit else -1 for bit in row]
            assert signs_at(layers, list(map(Fraction, point))) == expected
