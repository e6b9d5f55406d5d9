"""A walk along the rows of a table: of the tree, only the subtrees that the table has cells in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnce_cli.enumeration import CellBatch, Subtree, Walk, batches

NODES = 1 << 13  # of the walk between two looks at where it is
STRAYS = 64  # cells that the table has not and that a walk may meet, beside as many as it has

Bits = NDArray[np.uint8]
Index = NDArray[np.int64]


class Met(NamedTuple):
    """What a walk met: a batch, of each of its rows the row of the table, and exact witnesses.

    ``rows`` (len(batch),) are -1 where the table has no such cell. ``exact_witnesses`` are by
    place in the batch.
    """

    batch: CellBatch
    rows: Index
    exact_witnesses: dict[int, list[str]]


class _Piece(NamedTuple):
    """A subtree, and the rows of the table that are in it."""

    prefix: tuple[int, ...]
    start: int
    stop: int


def walk_along(walk: Walk, bits: Bits, joined: Bits, before: Bits | None) -> Iterator[Met]:
    """Yield what a walk meets in the cells of consecutive rows of a table, in their order.

    The walk may be that of a longer network: then it meets a cell of the table as often as the
    layers behind divide it. Where a table has gaps, the walk goes round what is in them.

    Args:
        walk: a walk with rows, of the table's network, or with layers behind it.
        bits: the bits of the rows' neurons (m, N).
        joined: the rows' codes (m, B), ascending.
        before: the bits (N,) of the row before these, None where there is none.
    """
    todo = _subtrees(bits, before)[::-1]
    while todo:
        piece = todo.pop()
        walk.begin(Subtree(piece.prefix))
        places = _Places(joined[: piece.stop], piece.start)
        walked = 0
        while not (walk.done or places.passed or places.strays > STRAYS + places.found):
            for batch in batches(walk, NODES):
                if not len(batch):
                    continue
                exact = walk.exact_witnesses
                yield Met(
                    batch,
                    places.take(_codes(batch, joined.shape[1])),
                    {row - walked: point for row, point in exact.items() if row >= walked},
                )
                walked += len(batch)
        if not (walk.done or places.passed):
            rest = [subtree.prefix for subtree in walk.rest()]
            todo += _with_rows(rest, bits, _Piece((), places.at, piece.stop))[::-1]


class _Places:
    """Finds the rows of a table that walked cells are, both in ascending order.

    ``at`` is the first row that no cell was in or behind, ``passed`` whether the walk is behind
    all rows, ``found`` and ``strays`` how many cells were rows, and how many were none.
    """

    def __init__(self, joined: Bits, start: int) -> None:
        self._joined = joined
        self.at = start
        self.passed = False
        self.found = self.strays = 0
        self._last: Bits | None = None
        self._place = -1  # of the last cell

    def take(self, codes: Bits) -> Index:
        """Return the rows (m,) of the next walked cells (m, B), -1 where the table has none."""
        is_new = np.ones(len(codes), np.bool_)
        is_new[1:] = (codes[1:] != codes[:-1]).any(axis=1)
        if self._last is not None:
            is_new[0] = (codes[0] != self._last).any()
        cells = codes[is_new]
        places = np.append(self._place, self._find(cells))
        self.found += int(np.count_nonzero(places[1:] >= 0))
        self.strays += int(np.count_nonzero(places[1:] < 0))
        self._last, self._place = codes[-1], int(places[-1])
        return places[np.cumsum(is_new)]

    def _find(self, cells: Bits) -> Index:
        end = self.at + len(cells)
        if np.array_equal(self._joined[self.at : end], cells):  # as in a table without gaps
            places = np.arange(self.at, end)
            self.at = end
            return places
        rows = _keys(self._joined[self.at :])
        keys = _keys(cells)
        places = np.searchsorted(rows, keys)
        is_row = rows[np.minimum(places, len(rows) - 1)] == keys if len(rows) else keys != keys
        self.passed = bool(places[-1] == len(rows))
        found = np.where(is_row, places + self.at, -1)
        self.at += int(places[-1]) + bool(is_row[-1])
        return found


def _codes(batch: CellBatch, size: int) -> Bits:
    """Return the first bytes of the joined rows of a batch: those of the table's layers."""
    none = np.zeros((len(batch), 0), np.uint8)
    return np.concatenate([none, *batch.signs], axis=1)[:, :size]


def _keys(joined: Bits) -> NDArray[np.bytes_]:
    """Return byte strings that compare as joined rows (m, B >= 1) of one length do."""
    return np.ascontiguousarray(joined).view(f"S{joined.shape[1]}").ravel()


def _subtrees(bits: Bits, before: Bits | None) -> list[_Piece]:
    """Divide rows into few subtrees, in order, that are as large as the row before them allows."""
    if not len(bits):
        return []
    shared = np.empty(len(bits), np.int64)  # bits that a row and the one before have in common
    shared[0] = -1 if before is None else _shared(before[None], bits[:1])[0]
    shared[1:] = _shared(bits[:-1], bits[1:])
    least = np.minimum.accumulate(shared)
    starts = np.flatnonzero(np.append(True, least[1:] < least[:-1]))
    pieces = []
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(bits)], strict=True):
        length = max(int(shared[start]) + 1, _in_common(bits[start], bits[stop - 1]))
        pieces.append(_Piece(tuple(bits[start, :length].tolist()), start, stop))
    return pieces


def _with_rows(prefixes: list[tuple[int, ...]], bits: Bits, rows: _Piece) -> list[_Piece]:
    """Return subtrees, no larger than need be, for those of these that have rows, and the rows."""
    some = bits[rows.start : rows.stop]
    pieces = []
    for prefix in prefixes:
        n = min(len(prefix), bits.shape[1])
        inside = np.flatnonzero((some[:, :n] == np.array(prefix[:n], np.uint8)).all(axis=1))
        if not inside.size:
            continue
        start, stop = rows.start + int(inside[0]), rows.start + int(inside[-1]) + 1
        common = bits[start, : _in_common(bits[start], bits[stop - 1])].tolist()
        longer = prefix if len(prefix) >= len(common) else tuple(common)
        pieces.append(_Piece(longer, start, stop))
    return pieces


def _in_common(first: Bits, last: Bits) -> int:
    """Return how many of the first bits two rows share."""
    return int(_shared(first[None], last[None])[0])


def _shared(first: Bits, second: Bits) -> Index:
    """Return of pairs of rows (m, N) how many of the first bits they share."""
    differs = np.ones((len(first), first.shape[1] + 1), np.bool_)
    differs[:, :-1] = first != second
    shared: Index = differs.argmax(axis=1)
    return shared
