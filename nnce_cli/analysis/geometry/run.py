"""The whole of ``nnce geometry``: from a cell table to columns beside it and a summary."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from nnce_cli.analysis.geometry.columns import Column
from nnce_cli.analysis.geometry.of_rows import OfRows, Values
from nnce_cli.analysis.geometry.regions import regions_of
from nnce_cli.analysis.geometry.same_maps import EqualMaps, MapKeys, first_rows_with, split_unequal
from nnce_cli.analysis.geometry.spool import spooled
from nnce_cli.analysis.geometry.summary import Summary
from nnce_cli.analysis.geometry.table import GeometryWriter
from nnce_cli.analysis.some_rows import SomeRows, parts_of
from nnce_cli.analysis.table_and_model import refuse_other_model
from nnce_cli.analysis.task import output_map
from nnce_cli.base.task import Task
from nnce_cli.base.workers import in_order
from nnce_cli.enumeration import Problem
from nnce_cli.network import LayerStack
from nnce_cli.table import CellTableReader, Output, domain_of

PAIRS = 1 << 14  # of cells whose maps are compared in one go
SMALL = 256  # rows that one process looks at as fast

Ints = NDArray[np.int64]
Progress = Callable[[str, int, int], object]
Edges = Iterable[tuple[Ints, Ints]]


class Geometry:
    """Computes columns of a table's cells in several processes; the result does not depend on them.

    Memory does not grow with the number of rows, but for temporary files.
    """

    def __init__(
        self,
        reader: CellTableReader,
        stack: LayerStack,
        task: Task,
        columns: Sequence[Column],
        jobs: int = 1,
        progress: Progress = lambda name, done, total: None,
    ) -> None:
        """Prepare for the table of a network.

        Raises:
            InputError: the table is not one of this network.
        """
        refuse_other_model(reader.metadata, stack)
        self._reader, self._stack = reader, stack
        self._columns, self._task = columns, task
        self._jobs = jobs if reader.rows > SMALL else 1
        self._progress = progress

    def write(self, output: Output, edges: Edges | None = None) -> Summary:
        """Write the columns to an output, which is to be committed; return what they add up to.

        Args:
            output: where they go.
            edges: pairs of rows that share a facet, for the column ``region``.

        Raises:
            InputError: a row is no cell of the network, or the rows are not in order.
        """
        summary = Summary()
        by_row: dict[str, Ints] = {}
        if Column.map_id in self._columns or Column.region in self._columns:
            by_row["map_id"] = self._map_ids()
            summary.distinct_maps = _count_firsts(by_row["map_id"])
        if edges is not None:
            by_row["region"] = regions_of(by_row["map_id"], edges)
            summary.linear_regions = _count_firsts(by_row["region"])
        writer = GeometryWriter(output, self._reader.metadata, self._columns)
        for rows, values in self._values():
            here = slice(summary.cells, summary.cells + rows)
            summary.add(rows, values)
            writer.write(values | {name: column[here] for name, column in by_row.items()})
            self._progress("geometry", summary.cells, self._reader.rows)
        writer.close()
        return summary

    def _values(self) -> Iterator[tuple[int, Values]]:
        """Yield how many the next rows are, and their columns."""
        look = OfRows(self._reader, self._stack, self._task, self._columns)

        def at(some: SomeRows) -> tuple[int, Values]:
            return len(some.joined), look.at(some)

        witness = bool({*self._columns} - {Column.map_id, Column.region, Column.rank, Column.norms})
        parts = parts_of(self._reader.batches(witness=witness), self._reader.metadata)
        yield from in_order(at, parts, self._jobs)

    def _map_ids(self) -> Ints:
        """Return for each row (rows,) the first row with exactly the same map."""
        rows, width = self._reader.rows, self._stack.layout.row_bytes
        stack = Problem.of(self._stack, domain_of(self._reader.metadata)).stack
        output = output_map(stack)
        keys, joined = spooled(rows, None, np.uint64), spooled(rows, width, np.uint8)
        finder = MapKeys(stack, output)

        def keys_of(some: SomeRows) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
            return some.joined, finder.of(some.joined)

        parts = parts_of(self._reader.batches(witness=False), self._reader.metadata)
        done = 0
        for codes, found in in_order(keys_of, parts, self._jobs):
            here = slice(done, done + len(found))
            joined[here], keys[here] = codes, found
            done = here.stop
            self._progress("keys of affine maps", done, rows)
        first = first_rows_with(keys)
        equal = EqualMaps(stack, output)
        unequal = [np.zeros(0, np.int64)]

        def unequal_in(start: int) -> Ints:
            here = first[start : start + PAIRS]
            own = start + np.flatnonzero(here != np.arange(start, start + len(here)))
            return own[~equal.of(joined[own], joined[first[own]])]

        for part in in_order(unequal_in, range(0, rows, PAIRS), self._jobs):
            unequal.append(part)
            self._progress("affine maps", min(PAIRS * (len(unequal) - 1), rows), rows)
        split_unequal(first, np.concatenate(unequal), joined, equal)
        return first


def _count_firsts(first: Ints) -> int:
    """Return how many rows are the first ones of their kind."""
    return sum(
        int(np.count_nonzero(first[k : k + PAIRS] == np.arange(k, min(k + PAIRS, len(first)))))
        for k in range(0, len(first), PAIRS)
    )
