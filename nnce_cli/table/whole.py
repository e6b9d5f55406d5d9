"""From the parts of a run to its table and its certificate."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from nnce_cli.base.errors import InputError
from nnce_cli.table.described import footer_entries
from nnce_cli.table.join import Join, Piece
from nnce_cli.table.metadata import KEY, Metadata
from nnce_cli.table.output import Output
from nnce_cli.table.prefixes import LayerCounter
from nnce_cli.table.proof import (
    DECISIONS_PER_GROUP,
    PROOF_KEY,
    PROOF_OPTIONS,
    PROOF_SCHEMA,
    ProofWriter,
    about_proof,
    proof_rows,
)
from nnce_cli.table.reader import CellTableReader
from nnce_cli.table.rows import Rows
from nnce_cli.table.schema import rows_per_group, table_schema
from nnce_cli.table.writer import CellTableWriter, writer_options


@dataclass(frozen=True)
class TablePart:
    """A part with rows: its file, and the joined codes of its ends."""

    path: Path
    rows: int
    first: bytes
    last: bytes


class PartCounter:
    """Counts the layer-k cells of parts that come in table order, mostly without reading rows.

    ``cells`` is how many rows were counted, ``decisions`` are those that were taken for the parts,
    and ``exact_witnesses`` theirs.
    """

    def __init__(self, metadata: Metadata) -> None:
        """Start with no parts."""
        layout = metadata.sizes.layout
        self.cells = 0
        self.layer_cells = [0] * layout.depth
        self.decisions: dict[str, int] = {}
        self.exact_witnesses: dict[int, list[str]] = {}
        self._ends = list(accumulate(layout.layer_bytes))
        self._last: bytes | None = None

    def add(self, part: TablePart, rows: int) -> Piece:
        """Count the first ``rows`` rows of the next part.

        Raises:
            InputError: the part is missing or damaged.
            RuntimeError: it does not come after the part before it.
        """
        said = _metadata(part.path)
        counts = said.layer_cells if rows == part.rows else _layer_cells(part.path, rows)
        if self._last is not None and not self._last < part.first:
            raise RuntimeError(f"{part.path} is out of order")
        before = self.cells
        self.cells += rows
        for layer, end in enumerate(self._ends):
            goes_on = self._last is not None and self._last[:end] == part.first[:end]
            self.layer_cells[layer] += counts[layer] - goes_on
        self.exact_witnesses |= {
            before + row: point for row, point in said.exact_witnesses.items() if row < rows
        }
        for name, count in said.decisions.items():
            self.decisions[name] = self.decisions.get(name, 0) + count
        self._last = part.last
        return Piece(part.path, part.rows, rows, said.digests)


class TableJoin:
    """Joins parts, which come in table order, into a table of at most ``most`` rows."""

    def __init__(self, output: Output, metadata: Metadata, most: int | None = None) -> None:
        """Begin a table; of ``metadata`` all is used but the counts and what `close` is told."""
        self._output = output
        self._metadata = metadata
        self._most = most
        self._counter = PartCounter(metadata)
        sizes, witness = metadata.sizes, metadata.witness
        self._schema = table_schema(sizes, witness=witness, bounded=metadata.tells_bounded)
        options = writer_options(self._schema, metadata)
        self._join = Join(output, options, rows_per_group(sizes, witness=witness))

    def add(self, part: TablePart) -> None:
        """Append a part, or as much of it as there is room for.

        Raises:
            InputError: it is missing or damaged, or the output cannot be written.
            BrokenPipeError: nobody reads the output any more.
        """
        room = part.rows if self._most is None else self._most - self._counter.cells
        if room > 0:
            self._join.add(self._counter.add(part, min(part.rows, room)))

    def close(
        self, *, stopped_by: str | None, certified: bool, decisions: dict[str, int]
    ) -> Metadata:
        """Write the footer with the metadata, which is returned; `Output.commit` is next.

        ``stopped_by`` is one of `STOPS`, or None where the table is complete and ``decisions``
        are those of the whole run. An incomplete one has the decisions of its parts: how much
        more was done before it was stopped is a matter of chance.

        Raises:
            InputError: a part is missing or damaged, or the output cannot be written.
        """
        complete, counter = stopped_by is None, self._counter
        about = dataclasses.replace(self._metadata, stopped_by=stopped_by)
        if not complete:
            decisions = counter.decisions
        if not counter.cells:
            empty = CellTableWriter(self._output, about)
            return empty.close(complete=complete, certified=certified, decisions=decisions)
        self._join.finish()
        found = dataclasses.replace(
            about,
            layer_cells=tuple(counter.layer_cells),
            complete=complete,
            certified=certified,
            decisions=decisions,
            exact_witnesses=counter.exact_witnesses if about.witness else {},
            digests=self._join.digests,
        )
        self._join.close(footer_entries(self._schema, KEY, found.to_json()))
        return found


def join_proof(output: Output, metadata: Metadata, parts: Iterable[Path], cells: int) -> None:
    """Join the parts of a certificate of so many cells, given in order; `Output.commit` is next.

    A network without hidden layers has no decisions, and no parts.

    Raises:
        InputError: a part is missing or damaged, or the output cannot be written.
    """
    if not metadata.sizes.layout.depth:
        ProofWriter(output, metadata).close(cells=cells, complete=True)
        return
    join = Join(output, PROOF_OPTIONS, DECISIONS_PER_GROUP)
    for path in parts:
        rows = proof_rows(path)
        join.add(Piece(path, rows, rows))
    join.finish()
    about = about_proof(metadata, cells=cells, complete=True)
    join.close(footer_entries(PROOF_SCHEMA, PROOF_KEY, about))


def _metadata(path: Path) -> Metadata:
    """Return what a part says about itself, without opening its rows."""
    try:
        return Metadata.from_json(pq.read_metadata(path).metadata[KEY])
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"the part {path} cannot be read ({error}); start again with --force"
        ) from error


def _layer_cells(path: Path, rows: int) -> list[int]:
    """Count the layer-k cells of the first rows of a table."""
    with CellTableReader(path) as reader:
        counter = LayerCounter(reader.metadata.sizes.layout)
        for batch in reader.batches(witness=False):
            room = rows - counter.cells
            if room <= 0:
                break
            signs = [layer[:room] for layer in batch.signs]
            counter.add(Rows(signs, batch.active[:room], batch.ranks[:room]))
    return counter.layer_cells
