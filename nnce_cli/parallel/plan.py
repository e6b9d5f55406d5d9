"""What all tasks of a run have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
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


@dataclass
class Plan:
    """What all tasks of a run have in common.

    ``method`` and ``lp`` are names (`nnce_cli.method_names`). ``sink`` opens the part of the task
    of a number; None where cells are only counted. Where workers are not forked, a plan is pickled.
    """

    problem: Problem
    witness: bool
    certify: bool
    log: bool
    sink: Callable[[int], PartSink] | None
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

    def __getstate__(self) -> dict[str, Any]:
        """Return what is to be pickled: a walk is made anew."""
        return {name: value for name, value in vars(self).items() if name != "walk"}
