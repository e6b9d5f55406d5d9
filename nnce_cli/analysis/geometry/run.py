"""The whole of ``nnce geometry``: from a cell table to columns beside it and a summary."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

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
from nnce_cli.atlas import BorderFinder
from nnce_cli.base.task import Task
from nnce_cli.base.workers import in_order
from nnce_cli.enumeration import Problem
from nnce_cli.network import LayerStack
from nnce_cli.table import CellTableReader, CodeFile, Output, domain_of

ROWS = 1 << 13  # that a process looks at in one go
SMALL = 256  # rows that one process looks at as fast
NEED_WITNESS = {Column.inradius, Column.centre, Column.class_, Column.crossed}

Ints = NDArray[np.int64]
Found = TypeVar("Found")
Progress = Callable[[str, int, int], object]


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
        self._domain = domain_of(reader.metadata)
        self._columns, self._task = columns, task
        self._jobs = jobs if reader.rows > SMALL else 1
        self._progress = progress

    def write(self, output: Output) -> Summary:
        """Write the columns to an output, which is to be committed; return what they add up to.

        Raises:
            InputError: a row is no cell of the network, or the rows are not in order.
        """
        summary = Summary()
        with tempfile.TemporaryDirectory(prefix="nnce-") as folder:
            kept = self._kept(Path(folder) / "codes", summary)
            writer = GeometryWriter(output, self._reader.metadata, self._columns)
            for rows, values in self._of_rows():
                here = slice(summary.cells, summary.cells + rows)
                values |= {name: column[here] for name, column in kept.items()}
                summary.add(rows, values)
                writer.write(values)
                self._progress("geometry", summary.cells, self._reader.rows)
        writer.close()
        return summary

    def _kept(self, path: Path, summary: Summary) -> dict[str, Ints]:
        """Return the columns for which all rows are looked at first: facets, maps, regions."""
        wanted = {*self._columns}
        kept: dict[str, Ints] = {}
        if not wanted & {Column.facets, Column.map_id, Column.region}:
            return kept
        batches = self._reader.batches(witness=False)
        codes = CodeFile.write(path, self._stack.layout.row_bytes, batches)
        if wanted & {Column.map_id, Column.region}:
            kept["map_id"] = self._map_ids(codes)
            summary.distinct_maps = _count_firsts(kept["map_id"])
        if wanted & {Column.facets, Column.region}:
            facets = spooled(codes.rows, np.int64)
            edges = self._borders(codes, facets)
            if Column.region in wanted:
                kept["region"] = regions_of(kept["map_id"], edges)
                summary.linear_regions = _count_firsts(kept["region"])
            deque(edges, maxlen=0)  # to the end, in any case
            kept |= {"facets": facets} if Column.facets in wanted else {}
        return kept

    def _map_ids(self, codes: CodeFile) -> Ints:
        """Return for each row (rows,) the first row with exactly the same map."""
        stack = Problem.of(self._stack, self._domain).stack
        output = output_map(stack)
        keys, finder = spooled(codes.rows, np.uint64), MapKeys(stack, output)
        for here, found in self._by_parts(
            "keys of affine maps", lambda a, b: finder.of(codes.codes(a, b))
        ):
            keys[here] = found
        first = first_rows_with(keys)
        equal = EqualMaps(stack, output)

        def unequal_in(start: int, stop: int) -> Ints:
            """Return the rows whose map is not that of the first row with their key."""
            later = start + np.flatnonzero(first[start:stop] != np.arange(start, stop))
            return later[~equal.of(codes.at(later), codes.at(first[later]))]

        unequal = [found for _, found in self._by_parts("affine maps", unequal_in)]
        split_unequal(first, np.concatenate([first[:0], *unequal]), codes, equal)
        return first

    def _borders(self, codes: CodeFile, facets: Ints) -> Iterator[tuple[Ints, Ints]]:
        """Yield the pairs of rows that share a facet; put in how many facets each row has."""
        finder = BorderFinder(self._stack, self._domain, self._reader, codes)

        def borders(start: int, stop: int) -> tuple[Ints, Ints, Ints]:
            found = finder.at(start, stop)
            return found.degree + found.of_domain, found.row, found.neighbour

        for here, (counts, rows, neighbours) in self._by_parts("borders of cells", borders):
            facets[here] = counts
            yield rows, neighbours

    def _by_parts(
        self, name: str, work: Callable[[int, int], Found]
    ) -> Iterator[tuple[slice, Found]]:
        """Yield what work on all rows from one to another finds, in their order."""
        rows = self._reader.rows
        parts = [slice(start, min(start + ROWS, rows)) for start in range(0, rows, ROWS)]
        found = in_order(lambda part: work(part.start, part.stop), parts, self._jobs)
        for part, each in zip(parts, found, strict=True):
            yield part, each
            self._progress(name, part.stop, rows)

    def _of_rows(self) -> Iterator[tuple[int, Values]]:
        """Yield how many the next rows are, and the columns that tell of each by itself."""
        look = OfRows(self._reader, self._stack, self._task, self._columns)

        def at(some: SomeRows) -> tuple[int, Values]:
            return len(some.joined), look.at(some)

        witness = bool(NEED_WITNESS & {*self._columns})
        parts = parts_of(self._reader.batches(witness=witness), self._reader.metadata)
        yield from in_order(at, parts, self._jobs)


def _count_firsts(first: Ints) -> int:
    """Return how many rows are the first ones of their kind."""
    starts = range(0, len(first), ROWS)
    parts = ((start, first[start : start + ROWS]) for start in starts)
    return sum(int(np.count_nonzero(part == start + np.arange(len(part)))) for start, part in parts)
