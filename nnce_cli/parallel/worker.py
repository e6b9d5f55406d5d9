"""A worker process: takes tasks from a pipe, walks them, and sends back what it found."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any

from nnce_cli.parallel.plan import Plan
from nnce_cli.parallel.task import Failure, Task
from nnce_cli.parallel.walking import WalkedTask, attempt, steps_to_end, walk_task

SECONDS_BETWEEN_SIGNS = 0.25  # how often a worker tells how far it is
SECONDS_BETWEEN_LOOKS = 1.0  # how often an idle worker looks whether its parent is there


@dataclass(frozen=True)
class Sign:
    """A sign of life: the cells found so far in the present task."""

    cells: int


@dataclass(frozen=True)
class Walked:
    """The present task is walked, and its part is being written: there is time for another."""

    cells: int


def work(connection: Any, strangers: Iterable[Any], plan: Plan, parent: int) -> None:
    """Serve tasks until killed, or the parent is gone: the body of a worker process.

    ``strangers`` are the connections of other workers that this process inherited. While a thread
    waits for the disk to take the part of one task, the next task is walked.
    """
    # The terminal sends Ctrl-C to all processes; what it means is the coordinator's business.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for stranger in strangers:
        stranger.close()
    hold_blas_at_one_thread()
    channel = _Channel(connection)
    alive = _SignsOfLife(channel, parent)
    # The coordinator may be gone.
    with suppress(EOFError, ConnectionError), ThreadPoolExecutor(1) as writer:
        writing: Future[None] | None = None
        while True:
            while not connection.poll(SECONDS_BETWEEN_LOOKS):
                _leave_if_orphan(parent)
            task = connection.recv()
            walked = attempt(task, partial(steps_to_end, walk_task(task, plan), alive))
            if writing is not None:
                writing.result()  # one part at a time, and the room of two in memory
            if isinstance(walked, Failure):
                channel.send(walked)
            elif walked.sink is None:
                _finish(task, walked, channel)
            else:
                channel.send(Walked(walked.cells))
                writing = writer.submit(_finish, task, walked, channel)


def _finish(task: Task, walked: WalkedTask, channel: _Channel) -> None:
    channel.send(attempt(task, walked.finish))


class _Channel:
    """The way to the coordinator, for one thread at a time."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._lock = Lock()

    def send(self, message: object) -> None:
        with self._lock:
            self._connection.send(message)


class _SignsOfLife:
    """Tells the coordinator how far a task is, now and then; ends an orphaned process."""

    def __init__(self, channel: _Channel, parent: int) -> None:
        self._channel = channel
        self._parent = parent
        self._next = time.monotonic() + SECONDS_BETWEEN_SIGNS

    def __call__(self, cells: int) -> None:
        if time.monotonic() >= self._next:
            _leave_if_orphan(self._parent)
            self._channel.send(Sign(cells))
            self._next = time.monotonic() + SECONDS_BETWEEN_SIGNS


def _leave_if_orphan(parent: int) -> None:
    if os.getppid() != parent:
        os._exit(1)


def hold_blas_at_one_thread() -> None:
    """Keep the linear algebra libraries of NumPy from starting threads in every worker."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
