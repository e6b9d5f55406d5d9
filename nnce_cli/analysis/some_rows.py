"""The rows of a table some at a time, divided where cells of early layers begin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnce_cli.analysis.layer_cells import unsorted
from nnce_cli.table import CellRows, LayerCounter, Metadata, Rows

ROWS = 1 << 14  # that are looked at in one go, at most

Bits = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class SomeRows:
    """Consecutive rows of a table, of which ``first`` is the number of the first one.

    ``joined`` (m, B) are their codes, ``before`` (1, B) those of the row before them, without a
    row at the beginning of the table. ``ends_batch`` says whether a batch ends with them.
    """

    rows: Rows
    first: int
    joined: Bits
    before: Bits
    ends_batch: bool

    @staticmethod
    def of(
        batch: CellRows, part: slice, first: int, last: SomeRows | None, *, ends_batch: bool
    ) -> SomeRows:
        """Return rows of a batch; ``last`` are those before them."""
        signs = [column[part] for column in batch.signs]
        witness = None if batch.witness is None else batch.witness[part]
        rows = Rows(signs, batch.active[part], batch.ranks[part], witness)
        none = np.zeros((len(rows.active), 0), np.uint8)
        joined = np.concatenate([none, *signs], axis=1)
        before = joined[:0] if last is None else last.joined[-1:]
        return SomeRows(rows, first, joined, before, ends_batch)


def parts_of(batches: Iterable[CellRows], metadata: Metadata) -> Iterator[SomeRows]:
    """Yield the rows of a table's batches some at a time.

    Raises:
        InputError: the rows are not in order.
    """
    counter, last = LayerCounter(metadata.sizes.layout), None
    for batch in batches:
        for part in _of_batch(batch, counter, last):
            last = part
            yield part


def _of_batch(batch: CellRows, counter: LayerCounter, last: SomeRows | None) -> Iterator[SomeRows]:
    """Divide a batch where cells of early layers begin; ``last`` is the part before it."""
    first, rows = counter.cells, len(batch.active)
    try:
        layers = counter.add(batch)
    except ValueError as error:
        raise unsorted(error) from error
    start = 0
    while start < rows:
        stop = _end(layers, start, rows)
        last = SomeRows.of(batch, slice(start, stop), first + start, last, ends_batch=stop == rows)
        yield last
        start = stop


def _end(layers: list[NDArray[np.bool_]], start: int, rows: int) -> int:
    """Return where a part that begins at a row is to end: at most `ROWS` behind it."""
    most = start + ROWS
    if rows <= most:
        return rows
    half = start + ROWS // 2
    for begins in layers:  # true where a layer-k cell does
        places = np.flatnonzero(begins[half:most])
        if places.size:
            return half + int(places[-1])
    return most
