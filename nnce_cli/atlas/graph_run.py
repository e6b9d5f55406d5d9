"""Finding all edges of the dual graph of a table: in pieces, by processes, and resumable.

Each piece, the borders of some thousand rows, is a file in the folder of the run that appears when
it is whole. A run that was stopped goes on with the pieces that are not there.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from nnce_cli import __version__
from nnce_cli.atlas.borders import BorderFinder, Borders, Gap
from nnce_cli.atlas.graph_file import (
    GRAPH_FORMAT,
    GRAPH_KEY,
    Edges,
    as_edges,
    as_table,
    joined,
    write_graphml,
    write_parquet,
)
from nnce_cli.base.errors import InputError
from nnce_cli.base.workers import in_order
from nnce_cli.network import LayerStack
from nnce_cli.parallel import Lock
from nnce_cli.table import CellTableReader, CodeFile, Output, domain_of

ROWS = 1 << 12  # of a piece
MOST_GAPS = 16  # that are told

RUN, LOCK, CODES, PIECES = "graph.json", "lock", "codes", "pieces"
WRITERS = {"parquet": write_parquet, "graphml": write_graphml}

Progress = Callable[[str, int, int], object]


def never() -> bool:
    """Do not stop."""
    return False


def silent(what: str, done: int, total: int) -> None:
    """Show no progress."""


@dataclass
class Totals:
    """What is known of the graph from its pieces.

    ``degrees`` counts the cells by the number of their facets between cells, ``facets`` those by
    the number of all facets. ``later`` and ``earlier`` are the fingerprints of the edges as seen
    from both sides.
    """

    cells: int = 0
    edges: int = 0
    of_domain: int = 0
    degrees: Counter[int] = field(default_factory=Counter)
    facets: Counter[int] = field(default_factory=Counter)
    gaps: int = 0
    some_gaps: list[Gap] = field(default_factory=list)
    exact: int = 0
    later: int = 0
    earlier: int = 0

    @staticmethod
    def of(found: Borders) -> Totals:
        """Return what is known from one piece."""
        return Totals(
            cells=len(found.degree),
            edges=len(found.row),
            of_domain=int(found.of_domain.sum()),
            degrees=Counter(found.degree.tolist()),
            facets=Counter((found.degree + found.of_domain).tolist()),
            gaps=len(found.gaps),
            some_gaps=found.gaps[:MOST_GAPS],
            exact=found.exact,
            later=found.later,
            earlier=found.earlier,
        )

    def add(self, other: Totals) -> None:
        """Add what is known from a later piece."""
        self.cells += other.cells
        self.edges += other.edges
        self.of_domain += other.of_domain
        self.degrees += other.degrees
        self.facets += other.facets
        self.gaps += other.gaps
        self.some_gaps = (self.some_gaps + other.some_gaps)[:MOST_GAPS]
        self.exact += other.exact
        self.later = (self.later + other.later) % 2**64
        self.earlier = (self.earlier + other.earlier) % 2**64

    @property
    def between_cells(self) -> int:
        """The number of facets that are not the domain's, counted once for each cell."""
        return sum(degree * count for degree, count in self.degrees.items())

    @property
    def is_symmetric(self) -> bool:
        """Whether each edge was found from both of its sides."""
        return self.between_cells == 2 * self.edges + self.gaps and self.later == self.earlier

    def to_values(self) -> dict[str, Any]:
        """Return JSON values, from which `from_values` makes the same."""
        return vars(self) | {
            "degrees": sorted(self.degrees.items()),
            "facets": sorted(self.facets.items()),
        }

    @staticmethod
    def from_values(values: dict[str, Any]) -> Totals:
        """Return what `to_values` wrote."""
        return Totals(
            **values
            | {
                "degrees": Counter(dict(values["degrees"])),
                "facets": Counter(dict(values["facets"])),
                "some_gaps": [Gap(*gap) for gap in values["some_gaps"]],
            }
        )


class GraphRun:
    """One run, in its folder; use it in a ``with`` block."""

    def __init__(
        self,
        folder: Path,
        reader: CellTableReader,
        stack: LayerStack,
        *,
        resume: bool = False,
        force: bool = False,
    ) -> None:
        """Begin in a new folder, or go on in one that is there.

        Raises:
            InputError: there is a folder and neither ``resume`` nor ``force``; or it is another
                run's, in use, or cannot be written.
        """
        self._folder = folder
        self._reader = reader
        self._stack = stack
        with _reporting(folder):
            is_run = (folder / RUN).exists()
            if folder.exists() and not is_run and any(folder.iterdir()):
                raise InputError(f"{folder} exists and is not the folder of a run; move it away")
            if is_run and not (resume or force):
                raise InputError(
                    f"{folder} holds an unfinished run; add --resume to go on with it, or --force "
                    "to throw it away and start again"
                )
            folder.mkdir(exist_ok=True)
            self._lock = Lock(folder / LOCK)
            try:
                self._begin(goes_on=is_run and resume)
            except BaseException:
                self._lock.__exit__(None, None, None)
                raise

    def _begin(self, *, goes_on: bool) -> None:
        about = self._folder / RUN
        if goes_on and about.read_text() != self._identity:
            raise InputError(
                f"{self._folder} holds a run of another table or version; give what it was "
                "started with, or --force to start again"
            )
        pieces = self._folder / PIECES
        if not goes_on:
            about.unlink(missing_ok=True)
            shutil.rmtree(pieces, ignore_errors=True)
        pieces.mkdir(exist_ok=True)
        for stray in pieces.glob(".nnce-*.part"):
            stray.unlink(missing_ok=True)
        about.write_text(self._identity)

    @cached_property
    def _identity(self) -> str:
        """What a run must have in common with the one that it goes on with."""
        table = hashlib.sha256(self._reader.metadata.to_json().encode()).hexdigest()
        said = {"format": GRAPH_FORMAT, "table": table, "rows": ROWS, "version": __version__}
        return json.dumps(said)

    def work(self, jobs: int, should_stop: Callable[[], bool], progress: Progress) -> bool:
        """Find the edges of all pieces that are not there; tell whether all are there now.

        Raises:
            InputError: the table is damaged, or a row is no cell; or a piece cannot be written.
        """
        reader, rows = self._reader, self._reader.rows
        codes = CodeFile.write(
            self._folder / CODES,
            reader.metadata.sizes.layout.row_bytes,
            reader.batches(witness=False),
        )
        finder = BorderFinder(self._stack, domain_of(reader.metadata), reader, codes)

        def find(start: int) -> int:
            self._save(start, finder.at(start, min(start + ROWS, rows)))
            return min(start + ROWS, rows)

        todo = [start for start in range(0, rows, ROWS) if not self._piece(start).exists()]
        done = rows - sum(min(ROWS, rows - start) for start in todo)
        if should_stop():
            return not todo
        for start, stop in zip(todo, in_order(find, todo, jobs), strict=True):
            done += stop - start
            progress("borders of cells", done, rows)
            if should_stop():
                return start == todo[-1]
        return True

    def _piece(self, start: int) -> Path:
        return self._folder / PIECES / f"{start}.parquet"

    def _save(self, start: int, found: Borders) -> None:
        """Write a piece, whole or not at all."""
        totals = Totals.of(found)
        edges = as_table(Edges(found.row, found.neighbour, found.layer, found.unit))
        with Output(str(self._piece(start)), force=True) as output:
            write_parquet(output, iter([edges]), totals.to_values())
            output.commit()

    @cached_property
    def totals(self) -> Totals:
        """What the pieces, which are all there, say together.

        Raises:
            InputError: a piece is damaged.
        """
        found = Totals()
        for start in range(0, self._reader.rows, ROWS):
            with self._opened(start) as file:
                values = json.loads((file.metadata.metadata or {})[GRAPH_KEY])
                found.add(Totals.from_values(values))
        return found

    def write(self, target: str, form: str, *, force: bool) -> None:
        """Join the pieces to one file in a format of `WRITERS`.

        Raises:
            InputError: it cannot be written, or a piece is damaged.
        """
        with Output(target, force=force) as output:
            WRITERS[form](output, self._edges(), self.about)
            output.commit()

    def _edges(self) -> Iterator[pa.Table]:
        for start in range(0, self._reader.rows, ROWS):
            with self._opened(start) as file:
                yield file.read()

    def edges(self) -> Edges:
        """Return all edges, in memory."""
        return joined(as_edges(table) for table in self._edges())

    @property
    def about(self) -> dict[str, Any]:
        """What the file says of itself."""
        said, totals = self._reader.metadata, self.totals
        return {
            "format": GRAPH_FORMAT,
            "model": said.model,
            **said.sizes.to_values(),
            "domain": said.domain,
            "cells": totals.cells,
            "edges": totals.edges,
            "facets_of_domain": totals.of_domain,
            "complete": said.complete,
            "certified": said.certified and totals.is_symmetric and not totals.gaps,
        }

    @contextmanager
    def _opened(self, start: int) -> Iterator[pq.ParquetFile]:
        path = self._piece(start)
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                yield file
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is damaged; start again with --force") from error

    def remove(self) -> None:
        """Remove the folder: the output is in place."""
        with suppress(OSError):
            (self._folder / RUN).unlink()
            (self._folder / CODES).unlink(missing_ok=True)
            shutil.rmtree(self._folder / PIECES)
            (self._folder / LOCK).unlink()
            self._folder.rmdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.__exit__(kind, error, trace)


@contextmanager
def _reporting(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"cannot write in {folder}, the folder of the run: {error.strerror}; choose another "
            "--output"
        ) from error
