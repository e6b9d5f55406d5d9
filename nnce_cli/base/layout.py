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

    def only(self, layer: int) -> Layout:
        """Return the layout of one layer, counted from 0, by itself."""
        return Layout((self.bits[layer],), (self.pieces[layer],))

    @property
    def column_ends(self) -> list[int]:
        """How many columns the first k layers have together, for k = 1, …, L."""
        both = zip(self.bits, self.pieces, strict=True)
        return list(accumulate((n > 0) + (len(many) > 0) for n, many in both))

    @property
    def layer_columns(self) -> list[slice]:
        """Which of the columns belong to each layer."""
        ends = self.column_ends
        return [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]

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

    def layers(self, columns: Sequence[Bytes]) -> list[tuple[Bytes, Bytes]]:
        """Return what columns (…, bytes) say by layers: bits (…, n) as 0 and 1, pieces (…, p)."""
        found = []
        for n, many, of_layer in zip(self.bits, self.pieces, self.layer_columns, strict=True):
            first, last = columns[of_layer.start], columns[of_layer.stop - 1]
            bits = np.unpackbits(first, axis=-1, count=n) if n else first[..., :0]
            found.append((bits, last if many else last[..., :0]))
        return found

    def split_layers(self, joined: Bytes) -> list[tuple[Bytes, Bytes]]:
        """Divide joined rows (…, row_bytes) by layers: bits (…, n) as 0 and 1, pieces (…, p)."""
        return self.layers(self.split(joined))

    def join_layers(
        self, layers: Sequence[tuple[NDArray[np.uint8], NDArray[np.uint8]]]
    ) -> NDArray[np.uint8]:
        """Join layers of bits (…, n) and pieces (…, p), as `split_layers` divides them."""
        parts = [part for bits, many in layers for part in (np.packbits(bits, axis=-1), many)]
        return np.concatenate(parts, axis=-1)

    def texts(self, joined: Bytes) -> tuple[str, ...]:
        """Write a joined row (row_bytes,) as a text a layer: bits, as in 0110, then any pieces.

        Pieces stand behind a stroke, as in 0110/2,0,13.
        """
        layers = [(bits.tolist(), many.tolist()) for bits, many in self.split_layers(joined)]
        return tuple(
            "".join(map(str, bits)) + (f"/{','.join(map(str, many))}" if many else "")
            for bits, many in layers
        )
