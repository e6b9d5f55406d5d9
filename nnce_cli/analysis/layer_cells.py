"""The layer-k cells of a table, each reported when its last row has passed, in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.base.layout import Layout
from nnce_cli.base.sizes import Sizes
from nnce_cli.table import CellRows, LayerCounter

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LayerCells:
    """Some consecutive cells of layer ``layer`` (from 1), m of them, in table order.

    The first is number ``first`` among the layer's cells; numbers and rows count from 0. Of each
    cell: ``parent`` (m,), the number of the layer-(k-1) cell that it lies in (0, the domain, at
    layer 1); ``first_row`` (m,) and ``rows`` (m,), where its rows stand and how many they are;
    ``signs`` uint8 (m, bytes), this layer's columns joined; ``active`` and ``rank``
    uint16 (m,), at this layer; ``sub_cells`` (m,), the layer-(k+1) cells in it, None at the last
    layer; ``bounded`` bool (m,), whether all its rows are, None where the table does not tell it.
    Numbers are int64 but where it says otherwise.
    """

    layer: int
    first: int
    parent: Ints
    first_row: Ints
    rows: Ints
    signs: NDArray[np.uint8]
    active: NDArray[np.uint16]
    rank: NDArray[np.uint16]
    sub_cells: Ints | None
    bounded: NDArray[np.bool_] | None

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.rank)


def layer_cells(batches: Iterable[CellRows], sizes: Sizes) -> Iterator[list[LayerCells]]:
    """Yield the cells that end in each batch, an entry a layer, then those that end with the table.

    ``sizes`` are those of the network. The batches are those of a table, in its order; what is
    held in memory is one batch and the last cell of each layer.

    Raises:
        InputError: the rows are not in the order of a cell table, or a number in them is too
            large for the sizes.
    """
    tree = _Tree(sizes.layout)
    for batch in batches:
        _check_numbers(batch, sizes)
        try:
            ended = tree.add(batch)
        except ValueError as error:
            raise unsorted(error) from error
        yield ended
    yield tree.end()


def unsorted(error: ValueError) -> InputError:
    """Return the error of a table of which a row is out of order, as ``error`` says."""
    return InputError(f"the table is not sorted: {error}; give it as nnce enumerate wrote it")


@dataclass(frozen=True, eq=False)
class _Begun:
    """Cells of a layer that have begun, where they begin, and what their first rows say.

    ``begins`` (m, 4) holds the first row, the number of the parent, that of the first sub-cell, and
    how many rows before it are bounded.
    """

    begins: Ints
    signs: NDArray[np.uint8]
    active: NDArray[np.uint16]
    rank: NDArray[np.uint16]

    def __getitem__(self, cells: slice) -> _Begun:
        return _Begun(self.begins[cells], self.signs[cells], self.active[cells], self.rank[cells])

    def followed_by(self, more: _Begun) -> _Begun:
        """Return these cells and then ``more``."""
        return _Begun(
            np.concatenate([self.begins, more.begins]),
            np.concatenate([self.signs, more.signs]),
            np.concatenate([self.active, more.active]),
            np.concatenate([self.rank, more.rank]),
        )


class _Tree:
    """Where the layer-k cells begin and end: a cell ends where the next one of its layer begins."""

    def __init__(self, layout: Layout) -> None:
        self._counter = LayerCounter(layout)
        self._columns = layout.layer_columns
        self._open: list[_Begun | None] = [None] * layout.depth  # the last cell of each layer
        self._ended = [0] * layout.depth
        self._bounded = 0  # rows so far
        self._tells_bounded = False

    def add(self, batch: CellRows) -> list[LayerCells]:
        """Take the next rows; return the cells that have ended, an entry a layer.

        Raises:
            ValueError: a row does not come after the row before it.
        """
        before, rows = list(self._counter.layer_cells), self._counter.cells
        firsts = self._counter.add(batch)
        row = rows + np.arange(len(batch.active))
        # The number of the layer-k cell of each row, for k = 0 (the domain), 1, …, L; then rows.
        number = [np.zeros_like(row)]
        number += [n - 1 + np.cumsum(first) for n, first in zip(before, firsts, strict=True)]
        number.append(row)
        bounded = self._bounded_before(batch)
        found = []
        for layer, first in enumerate(firsts):
            at = np.flatnonzero(first)
            numbers = [row, number[layer], number[layer + 2], bounded]
            begins = np.stack([counts[at] for counts in numbers], axis=1)
            columns = [column[at] for column in batch.signs[self._columns[layer]]]
            signs = columns[0] if len(columns) == 1 else np.concatenate(columns, axis=1)
            begun = _Begun(begins, signs, batch.active[at, layer], batch.ranks[at, layer])
            last = self._open[layer]
            if last is not None:
                begun = last.followed_by(begun)
            self._open[layer] = begun[-1:] if len(begun.rank) else None
            found.append(self._close(layer, begun[:-1], begun.begins[1:]))
        return found

    def end(self) -> list[LayerCells]:
        """Return the last cell of each layer; there are none in a table without rows."""
        counts = [*self._counter.layer_cells, self._counter.cells]
        return [
            self._close(layer, last, np.array([[counts[-1], 0, counts[layer + 1], self._bounded]]))
            for layer, last in enumerate(self._open)
            if last is not None
        ]

    def _bounded_before(self, batch: CellRows) -> Ints:
        """Return how many rows before each of some are bounded; none where nothing tells it."""
        if batch.bounded is None:
            return np.zeros(len(batch.active), dtype=np.int64)
        self._tells_bounded = True
        before: Ints = self._bounded + np.cumsum(batch.bounded, dtype=np.int64) - batch.bounded
        self._bounded += int(np.count_nonzero(batch.bounded))
        return before

    def _close(self, layer: int, cells: _Begun, following: Ints) -> LayerCells:
        """Return cells that end where the ``following`` ones, an entry each, begin."""
        size = following - cells.begins
        closed = LayerCells(
            layer=layer + 1,
            first=self._ended[layer],
            parent=cells.begins[:, 1],
            first_row=cells.begins[:, 0],
            rows=size[:, 0],
            signs=cells.signs,
            active=cells.active,
            rank=cells.rank,
            sub_cells=size[:, 2] if layer + 1 < len(self._open) else None,
            bounded=size[:, 3] == size[:, 0] if self._tells_bounded else None,
        )
        self._ended[layer] += len(closed)
        return closed


def _check_numbers(batch: CellRows, sizes: Sizes) -> None:
    """Refuse ranks and numbers of active units that are larger than they can be."""
    too_large = (batch.ranks > np.array(sizes.dimensions[1:])).any()
    if too_large or (batch.active > np.array(sizes.layout.widths)).any():
        raise InputError(
            "the table has ranks or active neurons that its widths do not allow; "
            "give it as nnce enumerate wrote it"
        )
