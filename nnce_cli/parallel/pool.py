"""Worker processes that may die at any moment, and the tasks that they have in hand.

`multiprocess.Pool` waits for ever for the result of a worker that was killed, and a queue that
workers share stays locked when the one that holds its lock dies. So each worker has a pipe of
its own to the coordinator, which keeps the queue.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import multiprocess
from multiprocess.connection import wait

from nnce_cli.base.errors import InputError
from nnce_cli.parallel.engine import Worker
from nnce_cli.parallel.local import RESULT_SECONDS
from nnce_cli.parallel.plan import Plan
from nnce_cli.parallel.task import Failure, Outcome, Task
from nnce_cli.parallel.worker import Sign, Walked, work

# A forked worker has all modules and the network in memory from the start.
_CONTEXT: Any = multiprocess.get_context("fork" if sys.platform == "linux" else "spawn")


@dataclass
class Child(Worker):
    """A worker process that was started here, and the pipe to it."""

    process: Any = None
    connection: Any = None


class Pool:
    """At most ``size`` workers; they are started when there is a task for them."""

    result_seconds = RESULT_SECONDS

    def __init__(self, plan: Plan, size: int) -> None:
        """Start no worker yet, but make the walk that forked ones inherit."""
        plan.walk  # noqa: B018
        self._plan = plan
        self.size = size
        self.workers: list[Child] = []

    @property
    def in_hand(self) -> int:
        """The number of tasks that are walked or written."""
        return sum(len(worker.in_hand) for worker in self.workers)

    @property
    def room(self) -> int:
        """How many more tasks can be given out at once."""
        return self.size - sum(worker.task is not None for worker in self.workers)

    def give(self, task: Task) -> bool:
        """Give a task to an idle worker, which is started if there is none; see `room`.

        Where the system allows no more processes, those that are there have to do: return False.

        Raises:
            InputError: it allows none at all.
        """
        idle = (worker for worker in self.workers if worker.task is None)
        worker = next(idle, None)
        if worker is None:
            try:
                worker = self._start()
            except OSError as error:
                if not self.workers:
                    raise InputError(
                        f"cannot start a worker process: {error.strerror}; end other programs, "
                        "or raise the limit (ulimit)"
                    ) from error
                self.size = len(self.workers)
                return False
        worker.task, worker.since, worker.cells = task, time.monotonic(), 0
        with suppress(OSError):  # it is dead, as `results` will see
            worker.connection.send(task)
        return True

    def results(self, seconds: float) -> Iterator[Outcome | Failure]:
        """Wait for something to happen, at most that long; yield what came back.

        A worker that is gone gives the failure of its task, and makes room for another.
        """
        channels = {worker.connection: worker for worker in self.workers}
        exits = {worker.process.sentinel: worker for worker in self.workers}
        ready = wait([*channels, *exits], seconds)
        # A worker may have sent its result and died after it: the pipe comes first.
        for channel in ready:
            if channel in channels:
                yield from self._read(channels[channel])
        for sentinel in ready:
            worker = exits.get(sentinel)
            if worker is not None and worker in self.workers:
                yield from self._read(worker)
                if worker in self.workers:
                    yield from self._bury(worker)

    def end(self) -> None:
        """End all workers at once; what they have in hand is lost, and waits in the journal."""
        for worker in self.workers:
            worker.process.kill()
        for worker in self.workers:
            worker.process.join()
            worker.connection.close()
        self.workers.clear()

    def _start(self) -> Child:
        ours, theirs = _CONTEXT.Pipe()
        strangers = [worker.connection for worker in self.workers] + [ours]
        process = _CONTEXT.Process(
            target=work, args=(theirs, strangers, self._plan, os.getpid()), daemon=True
        )
        process.start()
        theirs.close()  # so that the end of the worker is the end of the pipe
        worker = Child(process.pid, process=process, connection=ours)
        self.workers.append(worker)
        return worker

    def _read(self, worker: Child) -> Iterator[Outcome | Failure]:
        """Take all messages of a worker out of its pipe."""
        try:
            while worker.connection.poll():
                message = worker.connection.recv()
                if isinstance(message, Sign):
                    worker.cells = message.cells
                elif isinstance(message, Walked):
                    worker.writing, worker.written = worker.task, message.cells
                    worker.task, worker.cells = None, 0
                elif worker.writing is not None and message.task.number == worker.writing.number:
                    worker.writing, worker.written = None, 0
                    yield message
                else:
                    worker.task, worker.cells = None, 0
                    yield message
        except (EOFError, OSError):
            yield from self._bury(worker)

    def _bury(self, worker: Child) -> Iterator[Failure]:
        """Forget a worker that is gone; its tasks have failed."""
        self.workers.remove(worker)
        worker.process.join()
        worker.connection.close()
        code = worker.process.exitcode
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        for task in worker.in_hand:
            yield Failure(task, f"its worker {how}")
