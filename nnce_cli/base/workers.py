"""Work that is shared out among processes, and comes back in order."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import multiprocess
from multiprocess.connection import wait

from nnce_cli.base.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")

# A forked worker has the network and the table's sign vectors in memory from the start, and
# rational matrices cannot be sent to others: where forking is not safe there is one process.
CAN_SHARE = sys.platform == "linux"

AHEAD = 4  # items a worker that may be done before the first one is


def in_order(work: Callable[[Item], Result], items: Iterable[Item], jobs: int) -> Iterator[Result]:
    """Yield ``work(item)`` for all items, in their order, from up to ``jobs`` processes.

    Raises:
        InputError: a process ended before its work did.
    """
    if jobs == 1 or not CAN_SHARE:
        yield from map(work, items)
        return
    crew = _Crew(work, jobs)
    try:
        yield from crew.results(iter(items))
    finally:
        crew.end()


@dataclass
class _Worker:
    """A process, the pipe to it, and the number of the item that it has in hand."""

    process: Any
    connection: Any
    number: int | None = None


class _Crew:
    """Worker processes; each is started when there is an item for it."""

    def __init__(self, work: Callable[[Any], Any], size: int) -> None:
        self._work = work
        self._size = size
        self._context: Any = multiprocess.get_context("fork")
        self._workers: list[_Worker] = []
        self._done: dict[int, Any] = {}

    def results(self, items: Iterator[Any]) -> Iterator[Any]:
        given, returned, more = 0, 0, True
        while more or returned < given:
            while more and given - returned < AHEAD * self._size:
                worker = self._idle()
                if worker is None:
                    break
                try:
                    item = next(items)
                except StopIteration:
                    more = False
                    break
                worker.number = given
                with suppress(OSError):  # it is dead, as `_wait` will see
                    worker.connection.send(item)
                given += 1
            if returned in self._done:
                yield self._done.pop(returned)
                returned += 1
            elif returned < given:
                self._wait()

    def end(self) -> None:
        """End all workers, whatever they have in hand."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.connection.close()

    def _idle(self) -> _Worker | None:
        """Return a worker without an item, a new one if need be; None if there are enough."""
        for worker in self._workers:
            if worker.number is None:
                return worker
        return self._started() if len(self._workers) < self._size else None

    def _started(self) -> _Worker | None:
        ours, theirs = self._context.Pipe()
        others = [worker.connection for worker in self._workers] + [ours]
        process = self._context.Process(
            target=_serve, args=(self._work, theirs, others), daemon=True
        )
        try:
            process.start()
        except OSError as error:
            if not self._workers:
                raise InputError(
                    f"cannot start a worker process: {error.strerror}; use -j 1"
                ) from error
            self._size = len(self._workers)
            return None
        theirs.close()  # so that the end of the worker is the end of the pipe
        self._workers.append(_Worker(process, ours))
        return self._workers[-1]

    def _wait(self) -> None:
        """Wait for a result of any worker."""
        at_work = {w.connection: w for w in self._workers if w.number is not None}
        for connection in wait([*at_work]):
            worker = at_work[connection]
            try:
                done, value = connection.recv()
            except (EOFError, OSError) as error:
                worker.process.join()
                code = worker.process.exitcode
                how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
                raise InputError(
                    f"a worker process {how}; if memory ran out, use fewer with -j"
                ) from error
            if not done:
                raise value
            assert worker.number is not None
            self._done[worker.number] = value
            worker.number = None


def _serve(work: Callable[[Any], Any], connection: Any, others: list[Any]) -> None:
    """Do one item after the other until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one that gives out the work sees to it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for other in others:
        other.close()
    with suppress(EOFError, OSError):
        while True:
            item = connection.recv()
            try:
                answer = (True, work(item))
            except Exception as error:  # raised again where the results are read
                answer = (False, error)
            connection.send(answer)
