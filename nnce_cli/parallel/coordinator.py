"""The coordinator: gives tasks to workers, commits what they found, until nothing is left."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from nnce_cli.base.errors import InputError
from nnce_cli.parallel.budget import errand_seconds
from nnce_cli.parallel.engine import Engine, LostError, Worker
from nnce_cli.parallel.journal import Journal
from nnce_cli.parallel.local import Growing, InProcess
from nnce_cli.parallel.plan import Plan
from nnce_cli.parallel.queue import Queue
from nnce_cli.parallel.task import Failure, Outcome

SECONDS_PER_LOOK = 0.1  # at signals and clocks, while nothing comes back
SECONDS_BETWEEN_COMMITS = 0.05  # while workers have enough to do without the tasks of new results
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
    """What can be seen of a run: how much is done, and what each worker has in hand.

    ``results`` have come back and are not committed yet.
    """

    journal: Journal
    engine: Engine
    results: list[Outcome | Failure] = field(default_factory=list)

    @property
    def workers(self) -> Sequence[Worker]:
        """The processes at work now."""
        return self.engine.workers

    @property
    def cells(self) -> int:
        """Cells found so far, those of unfinished tasks too."""
        found = sum(worker.cells + worker.written for worker in self.workers)
        found += sum(result.cells for result in self.results if isinstance(result, Outcome))
        return self.journal.totals.cells + found

    @property
    def busy(self) -> int:
        """Number of workers that walk a task."""
        return sum(worker.task is not None for worker in self.workers)

    @property
    def waiting(self) -> int:
        """Number of tasks that no worker has in hand."""
        return self.journal.totals.waiting - self.engine.in_hand - len(self.results)


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
    has gone on for a while and will not end in a second. Of a wide network all workers are
    processes of their own, from the beginning: limits and signals can end those at any time. With
    an ``engine`` the tasks go there instead, and it is ended here.

    ``observers`` are shown the run again and again. The end is where no task waits; tasks that
    were given up are in the journal. Workers are gone when this returns or raises, and the
    journal holds all that they finished.

    Raises:
        InputError: a part or the journal cannot be written.
    """
    engine = engine or _engine(plan, jobs, 1.0 - journal.totals.share)
    started = committed = time.monotonic()
    deadline = math.inf if limits.seconds is None else started + limits.seconds
    view, queue = View(journal, engine), Queue(journal)
    try:
        while True:
            # Workers go on with tasks that are in the journal while results are committed to it,
            # all that have come in one transaction.
            _give_out(queue, engine, time.monotonic() - started)
            now = time.monotonic()
            if engine.room or now - committed >= SECONDS_BETWEEN_COMMITS:
                _record(view, queue)
                committed = now
                _give_out(queue, engine, now - started)
            stopped_by = _stopped_by(journal, plan, limits, deadline, should_stop)
            if stopped_by is not None or not engine.in_hand:
                _record(view, queue)
            if stopped_by == "--max-cells":
                return stopped_by
            for observe in observers:
                observe(view)
            if not engine.in_hand:
                if journal.totals.waiting:
                    raise InputError("the journal has lost tasks; start again with --force")
                return None
            if stopped_by is not None:
                return stopped_by
            view.results.extend(engine.results(SECONDS_PER_LOOK))
    except LostError as lost:
        _record(view, queue)
        return str(lost)
    finally:
        engine.end()


def _engine(plan: Plan, jobs: int, left: float) -> Engine:
    if plan.problem.box.n_inputs * sum(plan.widths[1:]) > WIDE:
        from nnce_cli.parallel.pool import Pool

        return Pool(plan, jobs)
    return InProcess(plan) if jobs == 1 else Growing(plan, jobs, left)


def _give_out(queue: Queue, engine: Engine, elapsed: float) -> None:
    """Give tasks to workers that could walk more."""
    room = engine.room
    if room and queue:
        busy = min(engine.size, engine.in_hand)
        errand = errand_seconds(elapsed, len(queue), engine.size, busy, engine.result_seconds)
        for task in queue.take(room):
            if not engine.give(replace(task, errand=errand)):
                queue.put_back(task)


def _record(view: View, queue: Queue) -> None:
    """Commit what came back; what it leaves over waits, and so does what failed."""
    results = list(view.results)
    outcomes = [result for result in results if isinstance(result, Outcome)]
    if outcomes:
        queue.finish(outcomes)
    view.results.clear()
    for failure in results:
        if isinstance(failure, Failure):
            if failure.fatal:
                raise InputError(failure.message)
            queue.note_failure(failure)


def _stopped_by(
    journal: Journal,
    plan: Plan,
    limits: Limits,
    deadline: float,
    should_stop: Callable[[], bool],
) -> str | None:
    """Return what stops a run now, if anything does."""
    if _has_enough(journal, limits.max_cells, rows=plan.sink is not None):
        return "--max-cells"
    if should_stop():
        return "a signal"
    return "--time-limit" if time.monotonic() >= deadline else None


def _has_enough(journal: Journal, most: int | None, *, rows: bool) -> bool:
    """Tell whether more than ``most`` cells are known: with ``rows``, the first of the table."""
    if most is None or journal.totals.cells <= most:
        return False
    return not rows or journal.rows_in_front() > most
