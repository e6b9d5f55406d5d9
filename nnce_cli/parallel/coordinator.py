"""The coordinator: gives tasks to workers, commits what they found, until nothing is left."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nnce_cli.base.errors import InputError
from nnce_cli.parallel.engine import Engine, LostError, Worker
from nnce_cli.parallel.journal import Journal
from nnce_cli.parallel.local import Growing, InProcess
from nnce_cli.parallel.plan import Plan
from nnce_cli.parallel.task import Failure, Outcome

ATTEMPTS = 50  # of a task; workers may be killed for no fault of the task's, and often
SECONDS_PER_LOOK = 0.1  # at signals and clocks, while nothing comes back
# Inputs times neurons, beyond which one question to exact arithmetic can take minutes, in calls
# that nothing interrupts.
WIDE = 2**16


@dataclass(frozen=True)
class Limits:
    """Where to stop before the end: a number of cells, a number of seconds."""

    max_cells: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class View:
    """What can be seen of a run: how much is done, and what each worker has in hand."""

    journal: Journal
    engine: Engine

    @property
    def workers(self) -> Sequence[Worker]:
        """The processes at work now."""
        return self.engine.workers

    @property
    def cells(self) -> int:
        """Cells found so far, those of unfinished tasks too."""
        found = sum(worker.cells + worker.written for worker in self.workers)
        return self.journal.totals.cells + found

    @property
    def busy(self) -> int:
        """Number of workers that walk a task."""
        return sum(worker.task is not None for worker in self.workers)

    @property
    def waiting(self) -> int:
        """Number of tasks that no worker has in hand."""
        return self.journal.totals.waiting - len(self.engine.in_hand)


def coordinate(
    journal: Journal,
    plan: Plan,
    jobs: int,
    limits: Limits,
    should_stop: Callable[[], bool],
    observers: Sequence[Callable[[View], None]] = (),
    engine: Engine | None = None,
) -> str | None:
    """Run the journal's tasks on ``jobs`` workers; return what stopped it, None at the end.

    One worker is this process; several are processes of their own, which are started when the run
    has gone on for a while. Of a wide network all workers are processes of their own, from the
    beginning: limits and signals can end those at any time. With an ``engine`` the tasks go there
    instead, and it is ended here.

    ``observers`` are shown the run again and again. The end is where no task waits; tasks that
    were given up are in the journal. Workers are gone when this returns or raises, and the
    journal holds all that they finished.

    Raises:
        InputError: a part or the journal cannot be written.
    """
    engine = engine or _engine(plan, jobs)
    deadline = math.inf if limits.seconds is None else time.monotonic() + limits.seconds
    view = View(journal, engine)
    try:
        results: list[Outcome | Failure] = []
        while True:
            # Workers go on with tasks that are in the journal while results are committed to it.
            _give_out(journal, engine, results)
            _record(journal, results)
            _give_out(journal, engine, [])
            if _has_enough(journal, limits.max_cells, rows=plan.sink is not None):
                return "--max-cells"
            for observe in observers:
                observe(view)
            if not engine.in_hand:
                if journal.totals.waiting:
                    raise InputError("the journal has lost tasks; start again with --force")
                return None
            if should_stop():
                return "a signal"
            if time.monotonic() >= deadline:
                return "--time-limit"
            results = list(engine.results(SECONDS_PER_LOOK))
    except LostError as lost:
        return str(lost)
    finally:
        engine.end()


def _engine(plan: Plan, jobs: int) -> Engine:
    if plan.problem.box.n_inputs * sum(plan.widths[1:]) > WIDE:
        from nnce_cli.parallel.pool import Pool

        return Pool(plan, jobs)
    return InProcess(plan) if jobs == 1 else Growing(plan, jobs)


def _give_out(journal: Journal, engine: Engine, results: list[Outcome | Failure]) -> None:
    """Give waiting tasks to idle workers, but not those that just came back."""
    taken = {task.number for task in engine.in_hand} | {r.task.number for r in results}
    room = engine.room
    if room and journal.totals.waiting > len(taken):
        for task in journal.waiting(room, taken):
            engine.give(task)


def _record(journal: Journal, results: list[Outcome | Failure]) -> None:
    outcomes = [result for result in results if isinstance(result, Outcome)]
    if outcomes:
        journal.commit(outcomes)
    for failure in results:
        if isinstance(failure, Failure):
            if failure.fatal:
                raise InputError(failure.message)
            journal.note_failure(failure.task, failure.message, ATTEMPTS)


def _has_enough(journal: Journal, most: int | None, *, rows: bool) -> bool:
    """Tell whether more than ``most`` cells are known: with ``rows``, the first of the table."""
    if most is None or journal.totals.cells <= most:
        return False
    return not rows or journal.rows_in_front() > most
