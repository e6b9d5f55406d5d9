"""A walk along the rows of a table: of the tree, only the subtrees that the table has cells in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnce_cli.enumeration.batch import CellBatch
from nnce_cli.enumeration.driver import batches
from nnce_cli.enumeration.subtree import Subtree
from nnce_cli.enumeration.walk import Walk
from nnce_cli.network import MAX, LayerStack, neuron_bits

NODES = 1 << 13  # of the walk between two looks at where it is, at most
NODES_OF_A_ROW = 8
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


@dataclass(frozen=True, eq=False)
class TreeRows:
    """Consecutive rows of a table as paths in the tree of a network.

    ``bits`` (m, N) are those of the rows' neurons, ``joined`` (m, B) the rows' codes, ascending;
    ``before`` (1, N) are the bits of the row before them, without a row where there is none.
    """

    stack: LayerStack
    bits: Bits
    joined: Bits
    before: Bits

    @staticmethod
    def of(stack: LayerStack, joined: Bits, before: Bits) -> TreeRows:
        """Return rows with these codes, behind the row ``before`` (1, B) if there is one."""
        return TreeRows(stack, neuron_bits(stack, joined), joined, neuron_bits(stack, before))

    def take(self, kept: NDArray[np.bool_]) -> TreeRows:
        """Return some of the rows (m,)."""
        return TreeRows(self.stack, self.bits[kept], self.joined[kept], self.before)

    def subtrees(self) -> list[_Piece]:
        """Divide the rows into few subtrees, as large as the row before them allows, in order."""
        shared = np.append(
            _shared(self.before, self.bits[:1]) if len(self.before) else -1,
            _shared(self.bits[:-1], self.bits[1:]),
        )
        shared = np.append(self._last_end, -1)[shared]  # numbers of a max differ all at once
        least = np.minimum.accumulate(shared)
        starts = [0, *(np.flatnonzero(shared[1:] <= least[:-1]) + 1).tolist()]
        return [
            self._piece(start, stop, int(self._next_end[shared[start] + 1]))
            for start, stop in zip(starts, [*starts[1:], len(self.bits)], strict=True)
        ]

    def inside(self, prefixes: list[tuple[int, ...]], start: int, stop: int) -> list[_Piece]:
        """Return subtrees, no larger than need be, for those of these that have such rows."""
        pieces = []
        for prefix in prefixes:
            own = np.array(prefix[: self.bits.shape[1]], np.uint8)
            has_prefix = (self.bits[start:stop, : len(own)] == own).all(axis=1)
            rows = start + np.flatnonzero(has_prefix)
            if rows.size:
                piece = self._piece(int(rows[0]), int(rows[-1]) + 1, len(own))
                longer = len(prefix) > len(piece.prefix)
                pieces.append(piece._replace(prefix=prefix) if longer else piece)
        return pieces

    def _piece(self, start: int, stop: int, length: int) -> _Piece:
        """Return the subtree of some rows, with at least so many bits of a prefix."""
        common = int(_shared(self.bits[start : start + 1], self.bits[stop - 1 : stop])[0])
        length = max(length, int(self._last_end[common]))
        return _Piece(tuple(self.bits[start, :length].tolist()), start, stop)

    @cached_property
    def _ends(self) -> NDArray[np.bool_]:
        """How long prefixes may be (N + 1,): they have all neurons of a max or none."""
        ends = np.ones(self.bits.shape[1] + 1, np.bool_)
        layers = zip(self.stack.units, np.cumsum([0, *self.stack.rows]).tolist(), strict=False)
        for units, offset in layers:
            for unit, first in units.firsts():
                if unit.kind == MAX:
                    ends[offset + first + 1 : offset + first + unit.neurons] = False
        return ends

    @cached_property
    def _last_end(self) -> Index:
        """The longest prefix of at most k bits, for each k."""
        return np.maximum.accumulate(np.where(self._ends, np.arange(len(self._ends)), 0))

    @cached_property
    def _next_end(self) -> Index:
        """The shortest prefix of at least k bits, for each k; of k = N + 1 that of N."""
        n = len(self._ends)
        found = np.minimum.accumulate(np.where(self._ends, np.arange(n), n)[::-1])[::-1]
        return np.append(found, n - 1)


def walk_along(walk: Walk, rows: TreeRows) -> Iterator[Met]:
    """Yield what a walk meets in the cells of consecutive rows of a table, in their order.

    The walk, with rows, is that of the table's network or of one with more layers, by which it
    meets a cell of the table as often as these divide it. Where a table has gaps, the walk goes
    round what is in them.
    """
    todo = rows.subtrees()[::-1]
    while todo:
        piece = todo.pop()
        walk.begin(Subtree(piece.prefix))
        places = _Places(rows.joined[: piece.stop], piece.start)
        nodes = min(NODES, NODES_OF_A_ROW * (STRAYS + piece.stop - piece.start))
        walked = 0
        while not (walk.done or places.passed or places.strays > STRAYS + places.found):
            for batch in batches(walk, nodes):
                if not len(batch):
                    continue
                exact = walk.exact_witnesses
                yield Met(
                    batch,
                    places.take(_codes(batch, rows.joined.shape[1])),
                    {row - walked: point for row, point in exact.items() if row >= walked},
                )
                walked += len(batch)
        if not (walk.done or places.passed):
            rest = [subtree.prefix for subtree in walk.rest()]
            todo += rows.inside(rest, places.at, piece.stop)[::-1]


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


def _shared(first: Bits, second: Bits) -> Index:
    """Return of pairs of rows (m, N) how many of the first bits they share."""
    differs = np.ones((len(first), first.shape[1] + 1), np.bool_)
    differs[:, :-1] = first != second
    shared: Index = differs.argmax(axis=1)
    return shared
