"""How the code of a cell is kept: the columns that a table's rows are sorted by.

Each hidden layer has units with two pieces, which have a bit each, and units with more pieces
(clip, max, pooling), which have a byte each: the number of their piece. The bits of a layer are
packed as ``base/bits.py`` says and come first. A *joined* row is the bytes of all columns, in
order; byte by byte, joined rows have the order of the tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.bits import Bytes, packed_bytes


@dataclass(frozen=True)
class Layout:
    """The units of the hidden layers of a network, as far as columns depend on them.

    ``bits`` has the number of units with two pieces of each hidden layer, ``pieces`` the numbers
    of pieces (each 3 to 256) of its other units, in order.
    """

    bits: tuple[int, ...]
    pieces: tuple[tuple[int, ...], ...]

    @staticmethod
    def of_widths(widths: Sequence[int], pieces: Sequence[Sequence[int]] = ()) -> Layout:
        """Return the layout of layers of so many units (n_1, …, n_L).

        ``pieces`` are those of the units with more than two, layer by layer; none where empty.
        """
        many = tuple(tuple(p) for p in pieces) if pieces else ((),) * len(widths)
        return Layout(tuple(n - len(p) for n, p in zip(widths, many, strict=True)), many)

    @property
    def depth(self) -> int:
        """The number of hidden layers."""
        return len(self.bits)

    @property
    def widths(self) -> list[int]:
        """The number of units of each hidden layer."""
        return [n + len(p) for n, p in zip(self.bits, self.pieces, strict=True)]

    @property
    def has_pieces(self) -> bool:
        """Whether any unit has more than two pieces."""
        return any(self.pieces)

    @property
    def columns(self) -> list[tuple[str, int]]:
        """The names of the columns and their bytes, in order; a layer may lack one of its two."""
        found = []
        for k, (n, many) in enumerate(zip(self.bits, self.pieces, strict=True), start=1):
            found += [(f"layer_{k}", packed_bytes(n))] if n else []
            found += [(f"piece_{k}", len(many))] if many else []
        return found

    @property
    def layer_bytes(self) -> list[int]:
        """The bytes of all columns of each layer."""
        both = zip(self.bits, self.pieces, strict=True)
        return [packed_bytes(n) + len(many) for n, many in both]

    @property
    def row_bytes(self) -> int:
        """The bytes of a joined row."""
        return sum(self.layer_bytes)

    def split(self, joined: Bytes) -> list[Bytes]:
        """Divide joined rows (…, row_bytes) into the columns, in order."""
        sizes = [size for _, size in self.columns]
        ends = accumulate(sizes)
        return [joined[..., end - size : end] for size, end in zip(sizes, ends, strict=True)]

    def split_layers(self, joined: Bytes) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
        """Divide joined rows (…, row_bytes) by layers: bits (…, n) as 0 and 1, pieces (…, p)."""
        found, end = [], 0
        for n, many in zip(self.bits, self.pieces, strict=True):
            middle = end + packed_bytes(n)
            bits = np.unpackbits(joined[..., end:middle], axis=-1, count=n)
            end = middle + len(many)
            found.append((bits, joined[..., middle:end]))
        return found

    def join_layers(
        self, layers: Sequence[tuple[NDArray[np.uint8], NDArray[np.uint8]]]
    ) -> NDArray[np.uint8]:
        """Join layers of bits (…, n) and pieces (…, p), as `split_layers` divides them."""
        parts = [part for bits, many in layers for part in (np.packbits(bits, axis=-1), many)]
        return np.concatenate(parts, axis=-1)
