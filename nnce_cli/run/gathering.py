"""From the parts of a run to its output."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from nnce_cli.run.request import STDOUT, Request

if TYPE_CHECKING:
    from nnce_cli.parallel import Part, Plan, RunFolder, View
    from nnce_cli.table import Metadata, Output, PartCounter, TableJoin, TablePart


SECONDS_BEFORE = 1.0  # of joining a table: most runs are over by then, and join it at the end
SECONDS_AT_ONCE = 0.02  # of joining, while workers may wait for tasks


class Counted(Protocol):
    """Whatever has counted cells: a table's metadata, or totals."""

    @property
    def cells(self) -> int:
        """Number of cells."""

    @property
    def layer_cells(self) -> Sequence[int]:
        """The layer-k cells, for k = 1, …, L."""


class Gathering:
    """Joins the parts of a run into its table, as they become whole in front.

    A pipe gets the rows at once. A file has a temporary name until it is whole; a run that goes on
    after an interruption begins it anew, as it has all parts.

    ``written`` says whether there is a table. ``tell`` is told, in a line, of what has to be done
    again. Use it in a ``with`` block.
    """

    def __init__(
        self,
        request: Request,
        folder: RunFolder,
        plan: Plan,
        should_stop: Callable[[], bool],
        tell: Callable[[str], None],
    ) -> None:
        from nnce_cli.parallel import NO_PLACE, Parts

        self.written = False
        self._request = request
        self._folder = folder
        self._should_stop = should_stop
        self._parts = Parts(folder, plan, should_stop, tell)
        self._last = NO_PLACE  # of the parts joined so far
        self._done = 0  # tasks done when all that were whole in front had been joined
        self._begins = time.monotonic() + SECONDS_BEFORE
        self._output: Output | None = None
        self._join: TableJoin | None = None
        self._check_outputs()
        if self._streams:
            self._open()

    @property
    def _streams(self) -> bool:
        """Whether rows that are joined cannot be taken back."""
        return self._request.target == STDOUT

    def look(self, view: View) -> None:
        """Join parts before which no row is missing, for a moment.

        Raises:
            InputError: the output cannot be written, or a part is damaged.
            BrokenPipeError: nobody reads the output any more.
        """
        from nnce_cli.parallel import StoppedError

        done = view.journal.totals.done
        if self._request.target is None or done == self._done:
            return
        if self._join is None:
            if time.monotonic() < self._begins:
                return
            self._open()
        until = time.monotonic() + SECONDS_AT_ONCE
        with suppress(StoppedError):  # the coordinator looks at the signal next
            for part in self._parts.between(self._last, self._folder.journal.front()):
                self._add(part)
                if time.monotonic() >= until:
                    return
            self._done = done

    def finish(self, stopped_by: str | None) -> tuple[Counted, str | None]:
        """Write the output, where there is to be one.

        A limit leaves a table of the cells found so far, marked as incomplete; after a signal
        there is no time for that, but a pipe that has got rows gets the end of the table too.

        Returns what counted the cells of the answer, and what stopped the run.

        Raises:
            InputError: the output cannot be written, or a part is damaged.
        """
        from nnce_cli.parallel import StoppedError

        journal = self._folder.journal
        by_limit = stopped_by is not None and stopped_by.startswith("--")
        try:
            if self._request.target is not None and (
                stopped_by is None or by_limit or self._streams
            ):
                return self._write(stopped_by), stopped_by
            if stopped_by == "--max-cells" and journal.about["rows"]:
                return self._count_first(), stopped_by
        except StoppedError:
            return journal.totals, "a signal"
        return journal.totals, stopped_by

    def _open(self) -> None:
        from nnce_cli.table import TableJoin

        request = self._request
        assert request.target is not None
        self._output = self._new_output(request.target, "table")
        self._join = TableJoin(self._output, request.metadata, request.limits.max_cells)

    def _check_outputs(self) -> None:
        """Refuse outputs that cannot be written; remove what a killed process left of them."""
        for kind, target in (("table", self._request.target), ("proof", self._request.proof)):
            if target is not None and target != STDOUT:
                with self._new_output(target, kind):
                    pass

    def _may_replace(self, kind: str) -> bool:
        return self._request.force or kind in self._folder.journal.about.get("ours", [])

    def _new_output(self, target: str, kind: str) -> Output:
        """Open an output, in place of the temporary file that a killed process left of it."""
        from nnce_cli.table import Output

        return Output(
            target,
            force=self._may_replace(kind),
            temporary=partial(self._folder.temporary_name, kind),
        )

    def _commit(self, output: Output, kind: str) -> None:
        """Put an output in its place; whoever resumes this run may replace it, as it is ours."""
        journal = self._folder.journal
        output.commit(
            lambda: journal.set_about("ours", sorted({*journal.about.get("ours", []), kind}))
        )

    def _add(self, part: Part) -> None:
        assert self._join is not None
        if part.table is not None:
            self._join.add(self._table_part(part))
        self._last = part.place

    def _write(self, stopped_by: str | None) -> Metadata:
        """Write the table, and the certificate; return what the table says of itself."""
        if self._join is None:
            self._open()
        assert self._join is not None
        assert self._output is not None
        totals, complete = self._folder.journal.totals, stopped_by is None
        if stopped_by != "a signal":
            for part in self._interruptible(self._parts.between(self._last)):
                self._add(part)
        table = self._join.close(
            stopped_by=_reason(stopped_by),
            certified=self._request.certify,
            decisions=totals.decisions,
        )
        if complete and list(table.layer_cells) != totals.layer_cells:
            raise RuntimeError(f"{table.layer_cells} joined, {totals.layer_cells} enumerated")
        if self._request.proof is not None and complete:
            self._write_proof(self._request.proof, cells=table.cells)
        self._commit(self._output, "table")
        self.written = True
        return table

    def _write_proof(self, target: str, cells: int) -> None:
        from nnce_cli.parallel import proof_part_path
        from nnce_cli.table import join_proof

        parts = self._interruptible(self._parts.between())
        with self._new_output(target, "proof") as output:
            folder = self._folder.path
            paths = (
                proof_part_path(folder, part.number) for part in parts if part.proof is not None
            )
            join_proof(output, self._request.metadata, paths, cells)
            self._commit(output, "proof")

    def _interruptible(self, parts: Iterator[Part]) -> Iterator[Part]:
        from nnce_cli.parallel import StoppedError

        for part in parts:
            if self._should_stop():
                raise StoppedError
            yield part

    def _table_part(self, part: Part) -> TablePart:
        from nnce_cli.parallel import part_path
        from nnce_cli.table import TablePart

        path = part_path(self._folder.path, part.number)
        return TablePart(path, part.rows, part.first, part.last)

    def _count_first(self) -> PartCounter:
        """Count the layer-k cells of the first rows, as many as the limit says."""
        from nnce_cli.table import PartCounter

        most = self._request.limits.max_cells
        assert most is not None
        counter = PartCounter(self._request.metadata)
        for part in self._parts.between():
            room = most - counter.cells
            if room <= 0:
                break
            counter.add(self._table_part(part), min(part.rows, room))
        return counter

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._output is not None:
            self._output.__exit__(kind, error, trace)


def _reason(stopped_by: str | None) -> str | None:
    """Return what the table says of why it is incomplete."""
    from nnce_cli.table import STOPS, TROUBLE

    return stopped_by if stopped_by is None or stopped_by in STOPS else TROUBLE
