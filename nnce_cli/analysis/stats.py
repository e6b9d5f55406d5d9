"""Statistics of a cell table, in one streaming pass and in memory that its rows do not add to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.errors import InputError
from nnce_cli.table import CellRows, LayerCounter

Counts = dict[int, int]


@dataclass(frozen=True)
class SubCells:
    """How many layer-(k+1) cells lie in one layer-k cell, over ``cells`` layer-k cells."""

    cells: int
    mean: float
    min: int
    max: int


@dataclass(frozen=True)
class Stats:
    """The statistics of a table; lists run over the layers.

    ``layer_cells[k-1]`` is the number of layer-k cells. ``cells_by_rank[k-1]`` and
    ``active_neurons[k-1]`` count the layer-k cells by their rank at layer k and by their active
    neurons of layer k. ``sub_cells_by_rank[k-1]``, for k = 1, …, L-1, tells by the rank of a
    layer-k cell how many layer-(k+1) cells it holds.
    """

    widths: list[int]
    layer_cells: list[int]
    cells_by_rank: list[Counts]
    active_neurons: list[Counts]
    sub_cells_by_rank: list[dict[int, SubCells]]

    @property
    def cells(self) -> int:
        """Number of cells."""
        return self.layer_cells[-1]

    def to_dict(self) -> dict[str, Any]:
        """Return the statistics as JSON values."""
        return {
            "widths": self.widths,
            "cells": self.cells,
            "layer_cells": self.layer_cells,
            "cells_by_rank": self.cells_by_rank,
            "active_neurons": self.active_neurons,
            "sub_cells_by_rank": [
                {rank: vars(sub) for rank, sub in layer.items()} for layer in self.sub_cells_by_rank
            ],
        }


def stats(batches: Iterable[CellRows], widths: Iterable[int]) -> Stats:
    """Compute the statistics of a table whose rows come in batches, in table order.

    Raises:
        InputError: the rows are not in the order of a cell table, or a number in them is too
            large for the widths.
    """
    widths = list(widths)
    counter = LayerCounter(len(widths) - 1)
    ranks = [np.zeros(n + 1, dtype=np.int64) for n in widths[1:]]
    active = [np.zeros(n + 1, dtype=np.int64) for n in widths[1:]]
    sub_cells = [_SubCellCounter(n) for n in widths[1:-1]]
    for batch in batches:
        _check_numbers(batch, widths)
        try:
            firsts = counter.add(batch)
        except ValueError as error:
            raise InputError(
                f"the table is not sorted: {error}; give it as nnce enumerate wrote it"
            ) from error
        for layer, first in enumerate(firsts):
            ranks[layer] += np.bincount(batch.ranks[first, layer], minlength=len(ranks[layer]))
            active[layer] += np.bincount(batch.active[first, layer], minlength=len(active[layer]))
        for layer, counts in enumerate(sub_cells):
            counts.add(firsts[layer], firsts[layer + 1], batch.ranks[:, layer])
    return Stats(
        widths=widths,
        layer_cells=list(counter.layer_cells),
        cells_by_rank=[_nonzero(counts) for counts in ranks],
        active_neurons=[_nonzero(counts) for counts in active],
        sub_cells_by_rank=[dict(counts.result()) for counts in sub_cells],
    )


class _SubCellCounter:
    """Counts the layer-(k+1) cells inside each layer-k cell, by the rank of the latter."""

    def __init__(self, width: int) -> None:
        self._cells = np.zeros(width + 1, dtype=np.int64)
        self._sum = np.zeros(width + 1, dtype=np.int64)
        self._min = np.full(width + 1, np.iinfo(np.int64).max)
        self._max = np.zeros(width + 1, dtype=np.int64)
        # The last cell may go on in the next batch; before the first row there is none.
        self._open_rank = 0
        self._open_count = 0

    def add(
        self, outer: NDArray[np.bool_], inner: NDArray[np.bool_], ranks: NDArray[np.uint16]
    ) -> None:
        """Take the next rows: where layer-k and layer-(k+1) cells begin, and layer-k ranks."""
        starts = np.flatnonzero(outer)
        if not starts.size:
            self._open_count += int(np.count_nonzero(inner))
            return
        counts = np.add.reduceat(inner, starts, dtype=np.int64)
        self._open_count += int(np.count_nonzero(inner[: starts[0]]))
        self._record(
            np.append(self._open_rank, ranks[starts[:-1]]), np.append(self._open_count, counts[:-1])
        )
        self._open_rank = int(ranks[starts[-1]])
        self._open_count = int(counts[-1])

    def _record(self, ranks: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        """Record finished cells; a count of zero is that there was no cell yet."""
        ranks, counts = ranks[counts > 0], counts[counts > 0]
        np.add.at(self._cells, ranks, 1)
        np.add.at(self._sum, ranks, counts)
        np.minimum.at(self._min, ranks, counts)
        np.maximum.at(self._max, ranks, counts)

    def result(self) -> Iterator[tuple[int, SubCells]]:
        """Finish the last cell and yield the ranks that occur."""
        self._record(np.array([self._open_rank]), np.array([self._open_count]))
        self._open_count = 0
        for rank in np.flatnonzero(self._cells).tolist():
            cells = int(self._cells[rank])
            mean = int(self._sum[rank]) / cells
            yield rank, SubCells(cells, mean, int(self._min[rank]), int(self._max[rank]))


def _check_numbers(batch: CellRows, widths: list[int]) -> None:
    """Refuse ranks and numbers of active neurons that are larger than the layer."""
    largest = np.array(widths[1:])
    if (batch.ranks > largest).any() or (batch.active > largest).any():
        raise InputError(
            "the table has ranks or active neurons that its widths do not allow; "
            "give it as nnce enumerate wrote it"
        )


def _nonzero(counts: NDArray[np.int64]) -> Counts:
    return {value: int(counts[value]) for value in np.flatnonzero(counts).tolist()}
