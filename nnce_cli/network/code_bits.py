"""From the codes of cells to the bits of their neurons, and back.

Walks name the subtrees of the tree of layer-k cells by bits: one for each neuron of the units
(`LayerStack.rows`), which says whether the neuron passes its number on. Tables name cells by the
codes of the units (`Layout`). For units with two pieces these are the same; of a clip or a max
the code counts, and the comparisons of a max have no say, so that their bits are 0. Both orders,
that of the joined rows and that of the bits as strings, are the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnce_cli.network.stack import LayerStack
from nnce_cli.network.units import CLIP, Codes, Units

Bits = NDArray[np.uint8]


def neuron_bits(stack: LayerStack, joined: Bits) -> Bits:
    """Return the bits (m, N) of all neurons on the cells of joined rows (m, row_bytes)."""
    found = [np.zeros((len(joined), 0), np.uint8)]
    for units, (bits, pieces) in zip(stack.units, stack.layout.split_layers(joined), strict=True):
        found += [bits, units.on(pieces).astype(np.uint8)]
    return np.concatenate(found, axis=1)


def joined_rows(stack: LayerStack, bits: Bits) -> Bits:
    """Return the joined rows (m, row_bytes) of cells with these bits (m, N) of all neurons."""
    ends = np.cumsum([0, *stack.rows])
    layers = zip(stack.units, ends, ends[1:], strict=False)
    codes = [_codes(units, bits[:, start:end]) for units, start, end in layers]
    return stack.layout.join_layers(codes) if codes else bits


def _codes(units: Units, bits: Bits) -> Codes:
    """Return the codes of a layer whose neurons have these bits (m, rows)."""
    pieces = np.zeros((len(bits), len(units.pieces)), np.uint8)
    for p, (unit, first) in enumerate(units.firsts()):
        if unit.kind == CLIP:
            pieces[:, p] = bits[:, first] + bits[:, first + 1]
            continue
        on = bits[:, first : first + unit.pieces - 1]  # of the arguments k - 1, …, 1
        pieces[:, p] = np.where(on.any(axis=1), unit.pieces - 1 - on.argmax(axis=1), 0)
    return bits[:, : units.bits], pieces
