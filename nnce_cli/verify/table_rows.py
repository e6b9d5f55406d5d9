"""The rows of a table as the checks need them: unpacked signs, joined bytes, names for messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.bits import pack_layers, unpack_layers
from nnce_cli.table import CellTableReader, Rows

BATCH = 2**13
SHOWN_NEURONS = 64


@dataclass(frozen=True, eq=False)
class Part:
    """Some consecutive rows of a table; ``start`` is the number of the first, from 0.

    ``packed`` (m, bytes) joins the layers' packed sign vectors, ``bits`` (m, N) their bits
    without the padding.
    """

    start: int
    rows: Rows
    packed: NDArray[np.uint8]
    bits: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.packed)


class Table:
    """A cell table that is read several times, in small parts."""

    def __init__(self, reader: CellTableReader) -> None:
        self.reader = reader
        self.metadata = reader.metadata
        self.rows = reader.rows
        self.widths = list(reader.metadata.widths[1:])

    def parts(self, *, witness: bool = False) -> Iterator[Part]:
        """Iterate over all rows in order.

        Raises:
            InputError: the table is damaged.
        """
        start = 0
        for rows in self.reader.batches(witness=witness):
            for first in range(0, len(rows.active), BATCH):
                part = self._part(start + first, _slice(rows, first, first + BATCH))
                yield part
            start += len(rows.active)

    def _part(self, start: int, rows: Rows) -> Part:
        bits = unpack_layers(rows.signs, self.widths)
        return Part(start, rows, np.concatenate(rows.signs, axis=1), bits)


def _slice(rows: Rows, start: int, stop: int) -> Rows:
    return Rows(
        signs=[signs[start:stop] for signs in rows.signs],
        active=rows.active[start:stop],
        ranks=rows.ranks[start:stop],
        witness=None if rows.witness is None else rows.witness[start:stop],
    )


def packed_rows(bits: NDArray[np.uint8], widths: list[int]) -> NDArray[np.uint8]:
    """Pack network sign vectors (m, N) as a table does, the layers joined: (m, bytes)."""
    return np.concatenate(pack_layers(bits, widths), axis=1)


def keys(packed: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    """View rows (m, bytes) as one byte string each (m,), which compare as memcmp does."""
    # NumPy drops trailing zero bytes, which are the smallest ones: the order stays the same.
    return np.ascontiguousarray(packed).view(f"S{packed.shape[1]}").ravel()


def shown(bits: NDArray[np.uint8], widths: list[int]) -> str:
    """Write a network sign vector (N,) for a message: layers apart, long ones shortened."""
    if len(bits) > SHOWN_NEURONS:
        text = packed_rows(bits[None, :], widths).tobytes().hex()
        return "0x" + (text if len(text) <= SHOWN_NEURONS else text[:SHOWN_NEURONS] + "…")
    ends = np.cumsum(widths)[:-1]
    return " ".join("".join(map(str, layer.tolist())) for layer in np.split(bits, ends))
