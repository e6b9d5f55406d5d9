"""What all tasks of a run have in common."""

from __future__ import annotations

import copyreg
import io
import pickle
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from pathlib import Path

    from nnce_cli.base.checksum import Checksum
    from nnce_cli.enumeration import CellBatch, Problem, Walk


class PartSink(Protocol):
    """Where the rows of one task go: a file that is whole, on the disk, or not there."""

    @property
    def rows(self) -> int:
        """Number of rows so far."""

    @property
    def first(self) -> bytes:
        """The joined codes of the first row."""

    @property
    def last(self) -> bytes:
        """The joined codes of the last row."""

    @property
    def table(self) -> Checksum | None:
        """The checksum of the rows' file, after `commit`; None where there are no rows."""

    @property
    def proof(self) -> Checksum | None:
        """The checksum of the file of decisions for a certificate; None where there are none."""

    def write(self, batch: CellBatch) -> None:
        """Take the next rows, and decisions."""

    def commit(self, decisions: dict[str, int], exact_witnesses: dict[int, list[str]]) -> None:
        """Put the file into its place, synced; raises InputError where that fails."""

    def discard(self) -> None:
        """Leave nothing behind."""


class Sinks(Protocol):
    """Opens the parts of tasks; plain data, since it goes to wherever tasks are walked."""

    def __call__(self, number: int) -> PartSink:
        """Open the part of the task of this number; raises InputError where that fails."""

    def inside(self, folder: Path) -> Self:
        """Return the same for another folder than that of the run; it has the same bytes."""


@dataclass
class Plan:
    """What all tasks of a run have in common.

    ``method`` and ``lp`` are names (`nnce_cli.method_names`). ``sink`` opens the parts of tasks;
    None where cells are only counted. Where workers are not forked, a plan is pickled.
    """

    problem: Problem
    witness: bool
    certify: bool
    log: bool
    sink: Sinks | None
    method: str = "dictionary"
    lp: str = "dictionary"

    @property
    def widths(self) -> list[int]:
        """The number of inputs, then of the neurons of each hidden layer that belong to units."""
        return [self.problem.domain.n_inputs, *self.problem.stack.rows]

    @cached_property
    def walk(self) -> Walk:
        """A walk to be begun; a forked worker inherits it.

        Raises:
            InputError: the method does not suit the problem.
        """
        from nnce_cli.enumeration import walk_factory

        return walk_factory(self.method, self.lp)(
            self.problem,
            rows=self.sink is not None,
            witness=self.witness and self.sink is not None,
            certify=self.certify,
            log=self.log,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Be pickled as plain data; a walk is made anew."""
        fields = {name: value for name, value in vars(self).items() if name != "walk"}
        return _unpacked, (_packed(fields),)


def _packed(fields: dict[str, Any]) -> bytes:
    """Pickle the fields of a plan; rational matrices do not know how that is done."""
    from flint import fmpq_mat

    data = io.BytesIO()
    pickler = pickle.Pickler(data, pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = copyreg.dispatch_table | {
        fmpq_mat: lambda m: (fmpq_mat, (m.nrows(), m.ncols(), m.entries()))
    }
    pickler.dump(fields)
    return data.getvalue()


def _unpacked(data: bytes) -> Plan:
    return Plan(**pickle.loads(data))
