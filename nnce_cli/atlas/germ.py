"""What a network does at a point, and just beyond it in a direction, in rational arithmetic.

All numbers are pairs (value, slope along the direction), compared as such: the second counts where
the first ones are the same. So the pairs have the order of the numbers at point + e * direction
for all small e > 0. Without a direction the slopes are zero.

A cell around a point has the codes of the point, but where a neuron is zero there: what its unit
does at zero, any of its neighbouring pieces may. Conversely each cell with such codes reaches the
point, for all that bounds it is >= 0 there. (A cell's functions are those of the network along its
codes, and they pass on at the point what the network does, as the pieces meet there.)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray

from nnce_cli.exact import Pullback
from nnce_cli.network import CLIP, LayerStack, PieceUnit

ZERO = fmpq(0)
Pair = tuple[fmpq, fmpq]
Options = list[list[tuple[int, ...]]]
"""Of each layer, the codes that each of its units may have; the first one is the point's own."""


def options_at(
    pullback: Pullback, point: Sequence[fmpq], direction: Sequence[fmpq] | None = None
) -> Options:
    """Return the codes that cells around a point have, or those just beyond it."""
    slopes = [ZERO] * len(point) if direction is None else direction
    rows = [x for pair in zip(point, slopes, strict=True) for x in pair]
    activation = fmpq_mat(len(point), 2, rows)
    found = []
    for layer in range(len(pullback.maps)):
        options, activation = _through(pullback, layer, activation)
        found.append(options)
    return found


def first_code(stack: LayerStack, options: Options) -> NDArray[np.uint8]:
    """Return the joined row (1, row_bytes) of the first options."""
    return joined_row(stack, [[choice[0] for choice in layer] for layer in options])


def count_codes(options: Options) -> int:
    """Return how many codes there are to choose from."""
    total = 1
    for layer in options:
        for choice in layer:
            total *= len(choice)
    return total


def all_codes(stack: LayerStack, options: Options) -> NDArray[np.uint8]:
    """Return the joined rows (m, row_bytes) of all choices."""
    choices = product(*(choice for layer in options for choice in layer))
    ends = np.cumsum([len(layer) for layer in options]).tolist()
    starts = [0, *ends]
    rows = [
        joined_row(stack, [codes[a:b] for a, b in zip(starts, ends, strict=False)])
        for codes in choices
    ]
    return np.concatenate(rows)


def pattern_of(stack: LayerStack, options: Options) -> NDArray[np.bool_]:
    """Return the values that each byte of a joined row may have: (row_bytes, 256)."""
    parts = [np.zeros((0, 256), np.bool_)]
    values = np.arange(256, dtype=np.uint8)
    for units, layer in zip(stack.units, options, strict=True):
        bits = layer[: units.bits]
        known = np.packbits(np.array([len(choice) == 1 for choice in bits], np.uint8))
        chosen = np.packbits(np.array([choice[0] for choice in bits], np.uint8))
        if len(bits) % 8:  # what is behind the last unit is zero
            known[-1] |= 0xFF >> (len(bits) % 8)
        parts.append((values & known[:, None]) == (chosen & known)[:, None])
        parts += [np.isin(values, choice)[None] for choice in layer[units.bits :]]
    return np.concatenate(parts)


def joined_row(stack: LayerStack, codes: Sequence[Sequence[int]]) -> NDArray[np.uint8]:
    """Return the joined row (1, row_bytes) of the codes of all units, layer by layer."""
    layers = []
    for units, layer in zip(stack.units, codes, strict=True):
        row = np.array(layer, dtype=np.uint8)[None]
        layers.append((row[:, : units.bits], row[:, units.bits :]))
    return stack.layout.join_layers(layers) if layers else np.zeros((1, 0), np.uint8)


def _through(
    pullback: Pullback, layer: int, activation: fmpq_mat
) -> tuple[list[tuple[int, ...]], fmpq_mat]:
    """Return the options of a layer's units behind an activation (n, 2), and what they pass on."""
    weight, bias = pullback.maps[layer]
    z = weight * activation
    numbers = [(z[i, 0] + bias[i, 0], z[i, 1]) for i in range(z.nrows())]
    units = pullback.units[layer]
    options = [_two_pieces(pair) for pair in numbers[: units.bits]]
    options += [_more_pieces(unit, numbers[first:]) for unit, first in units.firsts()]
    on = [choice[0] > 0 for choice in options[: units.bits]]
    if units.pieces:
        codes = np.array([[choice[0] for choice in options[units.bits :]]], dtype=np.uint8)
        on += units.on(codes)[0].tolist()
    factors = pullback.factors(layer, on)
    passed = [f * x for f, pair in zip(factors, numbers, strict=True) for x in pair]
    return options, fmpq_mat(len(numbers), 2, passed)


def _two_pieces(pair: Pair) -> tuple[int, ...]:
    side = _side(pair)
    return (0, 1) if side == 0 else (int(side > 0),)


def _more_pieces(unit: PieceUnit, numbers: list[Pair]) -> tuple[int, ...]:
    """Return the options of a clip or a max whose neurons are the first ones of ``numbers``."""
    if unit.kind == CLIP:
        low, high = (_side(pair) for pair in numbers[:2])
        if low == 0:
            return (0, 1)
        return (1, 2) if high == 0 else (int(low > 0) + int(high > 0),)
    leads = [(ZERO, ZERO), *reversed(numbers[: unit.pieces - 1])]
    best = max(leads)
    return tuple(j for j, lead in enumerate(leads) if lead == best)


def _side(pair: Pair) -> int:
    decisive = pair[0] or pair[1]
    return int(decisive > 0) - int(decisive < 0)
