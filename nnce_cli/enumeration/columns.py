"""The rows that a walk finds, a bit for each neuron of a unit, as columns of a table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.bits import split_layers, unpack_layers
from nnce_cli.network import LayerStack, joined_rows

Bytes = NDArray[np.uint8]
Counts = NDArray[np.uint16]


def table_columns(stack: LayerStack, signs: Bytes, active: Counts) -> tuple[list[Bytes], Counts]:
    """Return the columns of rows (`Layout.columns`), and the active units of each layer (rows, L).

    ``signs`` (rows, B) has the packed bits of the neurons of each layer's units, ``active``
    (rows, L) how many of them are 1. A unit with more than two pieces is active where its code is
    not 0.
    """
    layers = split_layers(signs, stack.rows)
    layout = stack.layout
    if not layout.has_pieces:
        return layers, active
    joined = joined_rows(stack, unpack_layers(layers, stack.rows))
    counts = [
        bits.sum(axis=1, dtype=np.uint16) + np.count_nonzero(pieces, axis=1)
        for bits, pieces in layout.split_layers(joined)
    ]
    return layout.split(joined), np.column_stack(counts).astype(np.uint16)
