"""Statistics of a cell table, in one streaming pass and in memory that its rows do not add to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.analysis.bounds import arrangement_cells
from nnce_cli.analysis.layer_cells import LayerCells, layer_cells
from nnce_cli.base.sizes import Sizes
from nnce_cli.table import CellRows

Counts = dict[int, int]
Pairs = Counter[tuple[int, int]]


@dataclass(frozen=True)
class SubCells:
    """How many layer-(k+1) cells lie in one layer-k cell, over ``cells`` layer-k cells of one rank.

    ``quartiles`` are the first, the median and the third, with linear interpolation between
    neighbours (NumPy's default). ``histogram[s]`` is the number of layer-k cells with s
    layer-(k+1) cells inside, for each s that occurs. ``bound`` is the theoretical maximum, an exact
    integer (`arrangement_cells`).
    """

    cells: int
    mean: float
    min: int
    quartiles: tuple[float, float, float]
    max: int
    bound: int
    histogram: Counts

    @staticmethod
    def of(histogram: Counts, bound: int) -> SubCells:
        """Summarise a histogram that is not empty."""
        histogram = dict(sorted(histogram.items()))
        cells = sum(histogram.values())
        return SubCells(
            cells=cells,
            mean=sum(value * count for value, count in histogram.items()) / cells,
            min=min(histogram),
            quartiles=_quartiles(histogram),
            max=max(histogram),
            bound=bound,
            histogram=histogram,
        )


@dataclass(frozen=True)
class Stats:
    """The statistics of a table; lists run over the layers.

    ``cells`` is the number of cells, ``layer_cells[k-1]`` that of layer-k cells.
    ``cells_by_rank[k-1]`` and ``active_neurons[k-1]`` count the layer-k cells by their rank at
    layer k and by their active units of layer k, and ``ranks_by_active[k-1]`` by both:
    ``[active][rank]``. A unit is active where its code is not 0. ``sub_cells_by_rank[k-1]``, for
    k = 1, …, L-1, tells by the rank of a layer-k cell how many layer-(k+1) cells it holds.
    ``sizes`` are those of the network. The keys of the dictionaries ascend, and only values that
    occur are among them. ``bounded_cells`` and ``bounded_layer_cells`` count the bounded ones of
    ``cells`` and ``layer_cells``, where the table tells them apart; elsewhere they are None.
    """

    sizes: Sizes
    cells: int
    layer_cells: list[int]
    cells_by_rank: list[Counts]
    active_neurons: list[Counts]
    ranks_by_active: list[dict[int, Counts]]
    sub_cells_by_rank: list[dict[int, SubCells]]
    bounded_cells: int | None = None
    bounded_layer_cells: list[int] | None = None

    @property
    def widths(self) -> list[int]:
        """The number of inputs n_0, then of the units of each layer."""
        return self.sizes.widths

    def to_dict(self) -> dict[str, Any]:
        """Return the statistics as JSON values."""
        return {
            **self.sizes.to_values(),
            "cells": self.cells,
            "layer_cells": self.layer_cells,
            **self._bounded(),
            "cells_by_rank": self.cells_by_rank,
            "active_neurons": self.active_neurons,
            "ranks_by_active": self.ranks_by_active,
            "sub_cells_by_rank": [
                {
                    rank: vars(sub) | {"quartiles": list(sub.quartiles)}
                    for rank, sub in layer.items()
                }
                for layer in self.sub_cells_by_rank
            ],
        }

    def _bounded(self) -> dict[str, Any]:
        if self.bounded_cells is None:
            return {}
        return {
            "bounded_cells": self.bounded_cells,
            "unbounded_cells": self.cells - self.bounded_cells,
            "bounded_layer_cells": self.bounded_layer_cells,
        }


def stats(
    batches: Iterable[CellRows],
    sizes: Sizes,
    take: Callable[[list[LayerCells]], object] | None = None,
) -> Stats:
    """Compute the statistics of a table whose rows come in batches, in table order.

    ``sizes`` are those of the network (`Metadata.sizes`); ``take`` is given all layer-k cells too,
    as `layer_cells` yields them.

    Raises:
        InputError: the rows are not in the order of a cell table, or a number in them is too
            large for the sizes.
    """
    layers = range(1, sizes.layout.depth + 1)
    rows = bounded = 0
    tells_bounded = False

    def counted() -> Iterator[CellRows]:
        nonlocal rows, bounded, tells_bounded
        for batch in batches:
            rows += len(batch.active)
            if batch.bounded is not None:
                tells_bounded = True
                bounded += int(np.count_nonzero(batch.bounded))
            yield batch

    shapes: list[Pairs] = [Counter() for _ in layers]  # (active neurons, rank)
    inside: list[Pairs] = [Counter() for _ in layers[:-1]]  # (rank, sub-cells)
    bounded_in = [0 for _ in layers]
    for ended in layer_cells(counted(), sizes):
        for cells in ended:
            k = cells.layer - 1
            _count_pairs(shapes[k], cells.active, cells.rank)
            if cells.sub_cells is not None:
                _count_pairs(inside[k], cells.rank, cells.sub_cells)
            if cells.bounded is not None:
                bounded_in[k] += int(np.count_nonzero(cells.bounded))
        if take is not None:
            take(ended)
    by_active = [_nested(pairs) for pairs in shapes]
    return Stats(
        sizes=sizes,
        cells=rows,
        layer_cells=[pairs.total() for pairs in shapes],
        cells_by_rank=[_sums(_nested(pairs, swap=True)) for pairs in shapes],
        active_neurons=[_sums(layer) for layer in by_active],
        ranks_by_active=by_active,
        sub_cells_by_rank=[
            _sub_cells(_nested(pairs), bits, pieces)
            for pairs, bits, pieces in zip(
                inside, sizes.layout.bits[1:], sizes.layout.pieces[1:], strict=True
            )
        ],
        bounded_cells=bounded if tells_bounded else None,
        bounded_layer_cells=bounded_in if tells_bounded else None,
    )


def _count_pairs(pairs: Pairs, first: NDArray[np.uint16], second: NDArray[Any]) -> None:
    """Count the pairs of numbers that stand side by side; the second ones are below 2^47."""
    codes, counts = np.unique((first.astype(np.int64) << 47) | second, return_counts=True)
    for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
        pairs[code >> 47, code & (1 << 47) - 1] += count


def _nested(pairs: Pairs, *, swap: bool = False) -> dict[int, Counts]:
    """Return counts of pairs by the first number, then by the second; ``swap`` turns them round."""
    nested: dict[int, Counts] = {}
    for (a, b), count in sorted(((b, a) if swap else (a, b), n) for (a, b), n in pairs.items()):
        nested.setdefault(a, {})[b] = count
    return nested


def _sums(nested: dict[int, Counts]) -> Counts:
    return {value: sum(counts.values()) for value, counts in nested.items()}


def _sub_cells(
    histograms: dict[int, Counts], bits: int, pieces: tuple[int, ...]
) -> dict[int, SubCells]:
    """Summarise the histograms of sub-cells by rank, given the units that cut the cells."""
    bounds = arrangement_cells(bits, histograms, pieces)
    return {rank: SubCells.of(histogram, bounds[rank]) for rank, histogram in histograms.items()}


def _quartiles(histogram: Counts) -> tuple[float, float, float]:
    """Return the quartiles, which are multiples of 1/4, of a histogram with ascending values."""
    values = np.array(list(histogram))
    ends = np.cumsum(list(histogram.values()))
    found = []
    for quarter in (1, 2, 3):
        place, quarters = divmod(quarter * (int(ends[-1]) - 1), 4)
        low, high = values[np.searchsorted(ends, [place, place + (quarters > 0)], side="right")]
        found.append(float(low) + float(high - low) * quarters / 4)
    return found[0], found[1], found[2]
