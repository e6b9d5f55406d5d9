"""A worker process: takes tasks from a pipe, walks them, and sends back what it found."""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from threading import Lock
from typing import Any, Protocol, TypeVar

from nnce_cli.enumeration import CellBatch, Problem, Subtree, Walk, node_cost, walk_factory
from nnce_cli.base.errors import InputError
from nnce_cli.base.memory import peak_memory_bytes
from nnce_cli.parallel.budget import budget, divide
from nnce_cli.parallel.task import Failure, Outcome, Task

SECONDS_BETWEEN_SIGNS = 0.25  # how often a worker tells how far it is
SECONDS_BETWEEN_LOOKS = 1.0  # how often an idle worker looks whether its parent is there

T = TypeVar("T")


class PartSink(Protocol):
    """Where the rows of one task go: a file that is whole, on the disk, or not there."""

    @property
    def rows(self) -> int:
        """Number of rows so far."""

    @property
    def first(self) -> bytes:
        """The joined packed sign vector of the first row."""

    @property
    def last(self) -> bytes:
        """The joined packed sign vector of the last row."""

    @property
    def has_proof(self) -> bool:
        """Whether there were decisions for a certificate."""

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
    of a number; None where cells are only counted.
    """

    problem: Problem
    widths: tuple[int, ...]
    witness: bool
    certify: bool
    log: bool
    sink: Callable[[int], PartSink] | None
    method: str = "dictionary"
    lp: str = "dictionary"

    @cached_property
    def walk(self) -> Walk:
        """A walk to be begun; a forked worker inherits it with all its kernels loaded.

        Raises:
            InputError: the method does not suit the problem.
        """
        return walk_factory(self.method, self.lp)(
            self.problem,
            rows=self.sink is not None,
            witness=self.witness and self.sink is not None,
            certify=self.certify,
            log=self.log,
        )


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
    _hold_blas_at_one_thread()
    channel = _Channel(connection)
    alive = _SignsOfLife(channel, parent)
    # The coordinator may be gone.
    with suppress(EOFError, ConnectionError), ThreadPoolExecutor(1) as writer:
        writing: Future[None] | None = None
        while True:
            while not connection.poll(SECONDS_BETWEEN_LOOKS):
                _leave_if_orphan(parent)
            task = connection.recv()
            walked = _attempt(task, partial(walk_task, task, plan, alive))
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
    channel.send(_attempt(task, walked.finish))


def _attempt(task: Task, step: Callable[[], T]) -> T | Failure:
    try:
        return step()
    except InputError as error:
        return Failure(task, str(error), fatal=True)
    except Exception:
        return Failure(task, traceback.format_exc())


def walk_task(
    task: Task, plan: Plan, alive: Callable[[int], None] = lambda cells: None
) -> WalkedTask:
    """Walk a task within its budget; `WalkedTask.finish` is next.

    Raises:
        InputError: the part cannot be written.
    """
    started, walk = time.perf_counter(), plan.walk
    sink = None if plan.sink is None else plan.sink(task.number)
    sums = _Sums(len(plan.widths) - 1)
    room, leftover = budget(task.generation, plan.widths, node_cost(plan.method)), list[Subtree]()
    try:
        for index, root in enumerate(task.roots):
            if room <= 0:
                leftover += task.roots[index:]
                break
            walk.begin(root)
            for batch in walk.batches(room):
                if sink is not None:
                    sink.write(batch)
                alive(sums.layer_cells[-1] + walk.cells)
            room -= max(walk.nodes, 1)
            if not walk.done:
                leftover += walk.leftover()
            sums.add(walk)
    except BaseException:
        if sink is not None:
            sink.discard()
        raise
    return WalkedTask(task, sums, leftover, sink, time.perf_counter() - started)


@dataclass
class WalkedTask:
    """A task that was walked, and whose part is not on the disk yet."""

    task: Task
    sums: _Sums
    leftover: list[Subtree]
    sink: PartSink | None
    seconds: float

    @property
    def cells(self) -> int:
        """Number of cells found."""
        return self.sums.layer_cells[-1]

    def finish(self) -> Outcome:
        """Put the part, if any, on the disk; it uses nothing that the next task changes.

        Raises:
            InputError: the part cannot be written.
        """
        sums, sink, started = self.sums, self.sink, time.perf_counter()
        if sink is not None:
            try:
                sink.commit(sums.decisions, sums.exact_witnesses)
            except BaseException:
                sink.discard()
                raise
        return Outcome(
            task=self.task,
            layer_cells=sums.layer_cells,
            nodes=sums.nodes,
            share=sums.share,
            decisions=sums.decisions,
            seconds=self.seconds + time.perf_counter() - started,
            rows=0 if sink is None else sink.rows,
            first=b"" if sink is None else sink.first,
            last=b"" if sink is None else sink.last,
            proof=sink is not None and sink.has_proof,
            memory=peak_memory_bytes(),
            tasks=divide(self.leftover, self.task.generation) if self.leftover else [],
        )


class _Sums:
    """What the walks of a task's subtrees found together."""

    def __init__(self, layers: int) -> None:
        self.layer_cells = [0] * layers
        self.nodes = 0
        self.share = 0.0
        self.decisions: dict[str, int] = {}
        self.exact_witnesses: dict[int, list[str]] = {}

    def add(self, walk: Walk) -> None:
        before = self.layer_cells[-1]
        self.exact_witnesses |= {before + row: p for row, p in walk.exact_witnesses.items()}
        self.layer_cells = [a + b for a, b in zip(self.layer_cells, walk.layer_cells, strict=True)]
        self.nodes += walk.nodes
        self.share += walk.share
        for name, count in walk.decisions.items():
            self.decisions[name] = self.decisions.get(name, 0) + count


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


def _hold_blas_at_one_thread() -> None:
    """Keep the linear algebra libraries of NumPy from starting threads in every worker."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
