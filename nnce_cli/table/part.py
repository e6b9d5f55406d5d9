"""A part of a table, and of its certificate: what one task of a run found."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from nnce_cli.base.checksum import Checksum
from nnce_cli.table.metadata import Metadata
from nnce_cli.table.output import Output
from nnce_cli.table.proof import Decisions, ProofWriter
from nnce_cli.table.rows import CellRows
from nnce_cli.table.writer import CellTableWriter


class Batch(CellRows, Protocol):
    """Some consecutive rows, and the decisions taken since the batch before."""

    @property
    def log(self) -> Decisions | None:
        """The decisions, where they were asked for."""


class PartWriter:
    """Writes a part: a cell table with some of the rows, and a certificate's decisions.

    ``rows`` is the number of rows so far, ``first`` and ``last`` the joined codes of the first
    and the last of them. ``table`` and ``proof`` are the checksums of the files, known
    after `commit`; None where there are no rows, or no decisions.
    """

    def __init__(self, path: Path, proof_path: Path | None, metadata: Metadata) -> None:
        """Open the files; those that are there already are of the same task, and replaced.

        Raises:
            InputError: they cannot be created.
        """
        self.first = self.last = b""
        self.table: Checksum | None = None
        self.proof: Checksum | None = None
        self._has_proof = False
        self._outputs = [Output(str(path), force=True, digest=True)]
        self._table_writer = CellTableWriter(self._outputs[0], metadata)
        self._proof_writer: ProofWriter | None = None
        if proof_path is not None:
            self._outputs.append(Output(str(proof_path), force=True, digest=True))
            self._proof_writer = ProofWriter(self._outputs[1], metadata)

    @property
    def rows(self) -> int:
        """Number of rows so far."""
        return self._table_writer.cells

    def write(self, batch: Batch) -> None:
        """Take the next rows and decisions.

        Raises:
            InputError: a file cannot be written.
        """
        if len(batch.active):
            if not self.rows:
                self.first = _row(batch, 0)
            self.last = _row(batch, -1)
            self._table_writer.write(batch)
        if self._proof_writer is not None and batch.log is not None and len(batch.log.neuron):
            self._proof_writer.write(batch.log)
            self._has_proof = True

    def commit(self, decisions: dict[str, int], exact_witnesses: dict[int, list[str]]) -> None:
        """Put the files into their places, whole and synced; empty ones are left out.

        Raises:
            InputError: a file cannot be written.
        """
        self._table_writer.close(
            complete=False,
            certified=False,
            decisions=decisions,
            exact_witnesses=exact_witnesses,
        )
        if self._proof_writer is not None:
            self._proof_writer.close(cells=self.rows, complete=False)
        if self.rows:
            self.table = _committed(self._outputs[0])
        if self._has_proof:
            self.proof = _committed(self._outputs[1])
        self.discard()

    def discard(self) -> None:
        """Remove what is not in its place."""
        for output in self._outputs:
            output.__exit__(None, None, None)


def _committed(output: Output) -> Checksum:
    output.commit()
    return output.checksum


def _row(batch: Batch, index: int) -> bytes:
    return b"".join(signs[index].tobytes() for signs in batch.signs)
