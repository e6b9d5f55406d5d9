"""Walking in this process: for one worker, and for the beginning of any run.

Most runs are small, and starting processes, which load what they need and report through pipes,
takes longer than such a run. So a run begins here, and worker processes join in when it has gone
on for a while and is not about to end.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING

from nnce_cli.parallel.engine import Worker
from nnce_cli.parallel.plan import Plan
from nnce_cli.parallel.task import Failure, Outcome, Task
from nnce_cli.parallel.walking import WalkedTask, attempt, walk_task

if TYPE_CHECKING:
    from nnce_cli.parallel.pool import Pool

SECONDS_OF_START = 0.1  # about as long as two worker processes take to start
SECONDS_ALONE = 3 * SECONDS_OF_START
SMALL_RUN = 1.0  # seconds from the beginning to the end, here alone
RESULT_SECONDS = 2e-4  # see `Engine`


class InProcess:
    """This process as the only worker: it walks on while results are asked for.

    There is no thread, since forecasts and workers are forked from this process: a part is
    written before the next task is walked.
    """

    result_seconds = RESULT_SECONDS

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._worker = Worker(os.getpid())
        self._steps: Generator[int, None, WalkedTask] | None = None

    @property
    def workers(self) -> Sequence[Worker]:
        """This process."""
        return [self._worker]

    @property
    def size(self) -> int:
        """One."""
        return 1

    @property
    def in_hand(self) -> int:
        """One while a task is walked."""
        return len(self._worker.in_hand)

    @property
    def room(self) -> int:
        """One, or none while a task is in hand."""
        return 0 if self._worker.task else 1

    def give(self, task: Task) -> bool:
        """Take a task in hand."""
        self._worker.task, self._worker.since = task, time.monotonic()
        self._worker.cells = 0
        self._steps = walk_task(task, self._plan)
        return True

    def results(self, seconds: float) -> Iterator[Outcome | Failure]:
        """Walk the task in hand on, for about that long; yield what came of it at its end."""
        task = self._worker.task
        if task is not None:
            result = attempt(task, lambda: self._walk_on(time.monotonic() + seconds))
            if result is not None:
                self._worker.task, self._worker.cells, self._steps = None, 0, None
                yield result

    def _walk_on(self, until: float) -> Outcome | None:
        assert self._steps is not None
        while True:
            try:
                self._worker.cells = next(self._steps)
            except StopIteration as ending:
                walked: WalkedTask = ending.value
                return walked.finish()
            if time.monotonic() >= until:
                return None

    def end(self) -> None:
        """Give the task in hand up, and leave nothing of its part."""
        if self._steps is not None:
            self._steps.close()


class Growing:
    """This process at first, and then up to ``jobs`` worker processes.

    They start where the run would not end here in a second, as the share of the tree tells that is
    done. The task that is in hand here then is walked to its end beside them.
    """

    result_seconds = RESULT_SECONDS

    def __init__(self, plan: Plan, jobs: int, left: float = 1.0) -> None:
        """Begin alone; ``left`` is the share of the domain's tree that is to be walked."""
        self._plan = plan
        self._jobs = jobs
        self._here = InProcess(plan)
        self._pool: Pool | None = None
        self._began = time.monotonic()
        self._left = left
        self._gained = 0.0
        self._is_alone = not self._pays()

    @property
    def workers(self) -> Sequence[Worker]:
        """This process while it walks, and the worker processes."""
        if self._pool is None:
            return self._here.workers
        here = [] if self._here.room else self._here.workers
        return [*here, *self._pool.workers]

    @property
    def size(self) -> int:
        """One, and then that of the pool."""
        if self._pool is None:
            return self._here.size if self._is_alone else self._jobs
        return self._pool.size

    @property
    def in_hand(self) -> int:
        """The number of tasks that are walked or written, here and in worker processes."""
        return self._here.in_hand + (0 if self._pool is None else self._pool.in_hand)

    @property
    def room(self) -> int:
        """How many more tasks can be given at once."""
        if self._is_alone:
            return self._here.room
        others = self._jobs if self._pool is None else self._pool.room
        return max(0, others - (1 - self._here.room))

    def give(self, task: Task) -> bool:
        """Take a task in hand: here, or in a worker process, if there can be one.

        Raises:
            InputError: the system allows no worker process at all.
        """
        if self._is_alone and self._here.room:
            return self._here.give(task)
        if self._pool is None:
            from nnce_cli.parallel.pool import Pool

            self._pool = Pool(self._plan, self._jobs)
        return self._pool.give(task)

    def results(self, seconds: float) -> Iterator[Outcome | Failure]:
        """Walk on here, or wait for the workers, about that long; yield what came back."""
        if not self._here.room:
            for result in self._here.results(seconds):
                self._gained += result.share if isinstance(result, Outcome) else 0.0
                yield result
            seconds = 0.0
        if self._pool is not None:
            yield from self._pool.results(seconds)
        self._is_alone = self._is_alone and not self._pays()

    def _pays(self) -> bool:
        """Tell whether workers are worth their start, now that this process has worked alone.

        The share of the tree that is done foretells the end within a factor of two or three.
        """
        elapsed = time.monotonic() - self._began
        if elapsed < SECONDS_ALONE:
            return False
        return elapsed * self._left >= SMALL_RUN * self._gained or elapsed >= SMALL_RUN

    def end(self) -> None:
        """End the workers at once, and give up what is in hand here."""
        if self._pool is not None:
            self._pool.end()
        self._here.end()
