"""The rows of a table as the checks need them: codes, joined bytes, names for messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.layout import Layout
from nnce_cli.table import CellTableReader, Metadata, Rows
from nnce_cli.verify.layer_units import Bools, Codes

BATCH = 2**13
SHOWN_UNITS = 64

Packed = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Part:
    """Some consecutive rows of a table; ``start`` is the number of the first, from 0.

    ``packed`` (m, bytes) joins the columns of codes, and ``codes`` (m, N) has the code of each
    unit, the layers joined. A number that is no code of its unit stands as the largest code in
    ``codes``: `check_order` finds it.
    """

    start: int
    rows: Rows
    packed: Packed
    codes: Codes

    def __len__(self) -> int:
        return len(self.packed)


class Table:
    """A cell table that is read several times, in small parts.

    ``layout`` is that of the network that it is checked against.
    """

    def __init__(self, reader: CellTableReader, layout: Layout) -> None:
        self.reader = reader
        self.metadata = reader.metadata
        self.rows = reader.rows
        self.layout = layout

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
        none = np.zeros((len(rows.active), 0), dtype=np.uint8)
        packed = np.concatenate([none, *rows.signs], axis=1)
        return Part(start, rows, packed, codes_of(packed, self.layout))


def layout_said(metadata: Metadata) -> Layout:
    """Return the layout of its rows that a table tells."""
    return metadata.sizes.layout


def _slice(rows: Rows, start: int, stop: int) -> Rows:
    return Rows(
        signs=[signs[start:stop] for signs in rows.signs],
        active=rows.active[start:stop],
        ranks=rows.ranks[start:stop],
        witness=None if rows.witness is None else rows.witness[start:stop],
        bounded=None if rows.bounded is None else rows.bounded[start:stop],
    )


def codes_of(packed: Packed, layout: Layout) -> Codes:
    """Return the codes (m, N) of joined rows (m, bytes)."""
    found = [np.zeros((len(packed), 0), dtype=np.uint8)]
    for (bits, pieces), most in zip(layout.split_layers(packed), layout.pieces, strict=True):
        found += [bits, np.minimum(pieces, np.array(most, dtype=np.int64) - 1).astype(np.uint8)]
    return np.concatenate(found, axis=1)


def packed_rows(codes: Codes, layout: Layout) -> Packed:
    """Join codes (m, N) as a table does: (m, bytes)."""
    parts = [np.zeros((len(codes), 0), dtype=np.uint8)]
    for bits, pieces in _layers(codes, layout):
        parts += [np.packbits(bits, axis=1), pieces]
    return np.concatenate(parts, axis=1)


def first_of_layer_cells(packed: Packed, layout: Layout, before: Packed | None) -> list[Bools]:
    """Say for each layer k which rows (m,) begin another layer-k cell than that of the row before.

    ``before`` (1, bytes) is the row before the first of them, None if there is none.
    """
    differs = np.ones(packed.shape, dtype=np.bool_)
    differs[1:] = packed[1:] != packed[:-1]
    if before is not None and len(packed):
        differs[0] = packed[0] != before[0]
    first = np.zeros(len(packed), dtype=np.bool_)
    if before is None:
        first[:1] = True
    found, end = [], 0
    for size in layout.layer_bytes:
        first = first | differs[:, end : end + size].any(axis=1)
        end += size
        found.append(first)
    return found


def keys(packed: Packed) -> NDArray[np.bytes_]:
    """View rows (m, bytes) as one byte string each (m,), which compare as memcmp does."""
    if not packed.shape[1]:
        return np.zeros(len(packed), dtype="S1")
    # NumPy drops trailing zero bytes, which are the smallest ones: the order stays the same.
    return np.ascontiguousarray(packed).view(f"S{packed.shape[1]}").ravel()


def shown(codes: Codes, layout: Layout) -> str:
    """Write the code (N,) of a cell for a message: layers apart, long ones shortened.

    A layer is the bits of its units with two pieces, then the numbers of the others' pieces.
    """
    if len(codes) > SHOWN_UNITS:
        text = packed_rows(codes[None, :], layout).tobytes().hex()
        return "0x" + (text if len(text) <= SHOWN_UNITS else text[:SHOWN_UNITS] + "…")
    return " ".join(
        "".join(map(str, bits[0].tolist()))
        + (f"({','.join(map(str, pieces[0].tolist()))})" if pieces.size else "")
        for bits, pieces in _layers(codes[None, :], layout)
    )


def _layers(codes: Codes, layout: Layout) -> Iterator[tuple[Codes, Codes]]:
    """Divide codes (m, N) by layers: those of units with two pieces, and the others."""
    start = 0
    for n, many in zip(layout.bits, layout.pieces, strict=True):
        middle = start + n
        yield codes[:, start:middle], codes[:, middle : middle + len(many)]
        start = middle + len(many)
