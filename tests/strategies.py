"""Hypothesis strategies: small networks with ties, dead and nearly equal neurons, and boxes.

The examples are the same in every run. ``NNCE_EXAMPLES`` multiplies their number: `make test` has
a part of them; with more than 1 they are drawn anew.
"""

from __future__ import annotations

import math
import os
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from flint import fmpq, fmpq_mat
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from nnce_cli.domain import Box
from nnce_cli.network import AffineMap, LayerStack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

Row = list[Fraction]  # the weights of a neuron, then its bias

INTEGERS = [Fraction(k) for k in range(-3, 4)]
HALVES = [Fraction(k, 2) for k in range(-6, 7)]
SHAPES = [
    *((n, width) for width in (1, 3, 6) for n in (1, 2, 3, 4)),
    *((n, *widths) for widths in [(2, 2), (4, 3), (5, 5), (6, 6)] for n in (1, 2, 3, 4)),
    *((n, *widths) for widths in [(3, 2, 3), (4, 1, 5), (5, 6, 4), (6, 6, 6)] for n in (1, 2, 3)),
    (4, 4, 4, 4),
    (4, 5, 5, 5),
]
SLIVERS = [Fraction(s, 2**k) for k in (40, 60) for s in (1, -1)]


def examples(count: int) -> Callable[..., object]:
    """Return settings with ``count`` examples, times ``NNCE_EXAMPLES``.

    A failing example is printed as it is: weights come from a seed, which is no use to shrink.
    """
    factor = float(os.environ.get("NNCE_EXAMPLES") or 1)
    return settings(
        max_examples=max(1, math.ceil(count * factor)),
        derandomize=factor <= 1,
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def affine_map(rows: list[Row]) -> AffineMap:
    """Return the map with these rows; ``exact`` is set only where float64 cannot hold them."""
    table = np.array([[float(t) for t in row] for row in rows])
    if all(Fraction(float(t)) == t for row in rows for t in row):
        return AffineMap(table[:, :-1], table[:, -1])
    exact = fmpq_mat([[fmpq(t.numerator, t.denominator) for t in row] for row in rows]).tolist()
    weight = fmpq_mat([row[:-1] for row in exact])
    bias = fmpq_mat([[row[-1]] for row in exact])
    return AffineMap(table[:, :-1], table[:, -1], exact=(weight, bias))


def layer_rows(random: Random, n_in: int, width: int) -> list[Row]:
    """Return the rows of a layer; many of them are related to an earlier row."""
    rows: list[Row] = []
    for _ in range(width):
        entries = random.choice([INTEGERS, HALVES])
        row = random.choices(entries, k=n_in + 1)
        kind = random.choices(["free", "zero", "same", "opposite", "near"], [12, 1, 2, 2, 3])[0]
        if kind == "zero":
            row[:-1] = [Fraction(0)] * n_in
        elif kind != "free" and rows:
            earlier = random.choice(rows)
            row = [-t for t in earlier] if kind == "opposite" else list(earlier)
            if kind == "near":
                row[random.randint(0, n_in)] += random.choice(SLIVERS)
        rows.append(row)
    return rows


@st.composite
def networks(draw: st.DrawFn, shapes: Sequence[tuple[int, ...]] = SHAPES) -> list[list[Row]]:
    """Draw the hidden layers of a network as lists of rows.

    The weights are drawn by a seeded generator, since hypothesis prefers the simplest numbers,
    and networks of those have a cell or two.
    """
    shape = draw(st.sampled_from(shapes))
    random = draw(st.randoms(use_true_random=True))
    return [layer_rows(random, n_in, width) for n_in, width in pairwise(shape)]


@st.composite
def integer_networks(draw: st.DrawFn, shapes: Sequence[tuple[int, ...]]) -> list[list[Row]]:
    """Draw the hidden layers of a network of integers from -2 to 2; half of them have no biases."""
    shape = draw(st.sampled_from(shapes))
    random = draw(st.randoms(use_true_random=True))
    entries, unbiased = INTEGERS[1:-1], draw(st.booleans())
    layers = []
    for n_in, width in pairwise(shape):
        rows = [random.choices(entries, k=n_in + 1) for _ in range(width)]
        layers.append([[*row[:-1], Fraction(0)] if unbiased else row for row in rows])
    return layers


@st.composite
def boxes(draw: st.DrawFn, n: int, fixed: bool = False) -> Box:
    """Draw a box with integer corners around 0; with ``fixed``, some inputs may be fixed.

    The last input never is, so there is always one that is free.
    """
    lower = [draw(st.integers(-3, 0)) for _ in range(n)]
    upper = [draw(st.integers(1, 3)) for _ in range(n)]
    if fixed:
        pinned = draw(st.lists(st.integers(0, n - 2), unique=True)) if n > 1 else []
        upper = [
            lo if j in pinned else hi for j, (lo, hi) in enumerate(zip(lower, upper, strict=True))
        ]
    return Box(np.array(lower, dtype=np.float64), np.array(upper, dtype=np.float64))


def stack_from(layers: list[list[Row]]) -> LayerStack:
    """Return the layer stack of drawn rows; there is no output layer."""
    maps = tuple(affine_map(rows) for rows in layers)
    return LayerStack(hidden=maps, output=None, input_shape=(maps[0].n_in,), digest="")
