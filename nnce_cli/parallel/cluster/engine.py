"""The engine that gives the tasks of a run to a Dask cluster.

All that has to do with Dask happens in the event loop of the client, which has a thread of its own:
`Orders`, `Crew`. The coordinator's thread puts tasks in, and takes what came of them from a queue.
"""

from __future__ import annotations

import asyncio
import pickle
import secrets
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, cast

from nnce_cli.base.errors import InputError
from nnce_cli.parallel.cluster.messages import Shared, forget_there, pack_run
from nnce_cli.parallel.cluster.orders import News, Orders
from nnce_cli.parallel.engine import LostError, Worker
from nnce_cli.parallel.folder import PARTS, new_stray
from nnce_cli.parallel.plan import Plan
from nnce_cli.parallel.task import Failure, Outcome, Task

if TYPE_CHECKING:
    from distributed import Client

SECONDS_TO_END = 5.0  # that a cluster which does not answer is waited for
SECONDS_BEFORE_WORDS = 10.0  # about workers that are not there


class DaskEngine:
    """Walks tasks on the workers of a Dask cluster, while these come and go."""

    # An order takes the client a millisecond (`python -m benchmarks.cluster`).
    result_seconds = 2e-3

    def __init__(
        self,
        client: Client,
        plan: Plan,
        folder: Path,
        name: str,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Begin to watch the workers.

        Args:
            client: a client with a thread of its own; it stays open.
            plan: what the tasks have in common.
            folder: that of the run.
            name: tells people what the tasks are about.
            tell: is told, in a line, that the run waits for workers.

        Raises:
            InputError: the client cannot be used, or the folder not be written.
        """
        _refuse(client)
        self._client = cast("Any", client)
        self._loop: asyncio.AbstractEventLoop = self._client.loop.asyncio_loop
        self._tell = tell
        self._alone_since, self._has_told = time.monotonic(), False
        self._token = secrets.token_hex(4)
        self._where: str = self._client.scheduler.address
        self._probe = None if plan.sink is None else _probe(folder)
        self._given: dict[int, Task] = {}
        self._since: dict[int, float] = {}
        self._news: SimpleQueue[News] = SimpleQueue()
        shared = None if self._probe is None else Shared(str(folder.resolve()), self._probe.name)
        self._orders = Orders(
            client,
            self._token,
            f"nnce {name.replace('-', '_')}",
            pack_run(self._token, zlib.compress(pickle.dumps(plan)), shared),
            folder,
            self._news.put,
            parts=plan.sink is not None,
        )
        self._crew = self._orders.crew
        self._watch = asyncio.run_coroutine_threadsafe(self._crew.watch(), self._loop)

    @property
    def workers(self) -> Sequence[Worker]:
        """The threads of all workers, with the tasks that they have told of, or probably have."""
        slots, told = [], set()
        for address, member in list(self._crew.members.items()):
            hands = [number for number in member.hands if number in self._given]
            told.update(hands)
            for k in range(member.threads):
                worker = Worker(address)
                if k < len(hands):
                    self._put(worker, hands[k], member.hands[hands[k]])
                slots.append(worker)
        free = (worker for worker in slots if worker.task is None)
        for number, worker in zip((n for n in self._given if n not in told), free, strict=False):
            self._put(worker, number, 0)
        return slots

    def _put(self, worker: Worker, number: int, cells: int) -> None:
        worker.task, worker.since = self._given[number], self._since[number]
        worker.cells = cells

    @property
    def size(self) -> int:
        """The threads of the workers that were heard of lately; one where there are none yet."""
        return max(1, self._crew.threads)

    @property
    def in_hand(self) -> int:
        """The number of tasks whose outcome was not taken yet."""
        return len(self._given)

    @property
    def room(self) -> int:
        """How many more tasks can be given: some orders for each thread."""
        return self._orders.room

    def give(self, task: Task) -> bool:
        """Take a task in hand; it goes to a worker when results are asked for."""
        self._given[task.number] = task
        self._since[task.number] = time.monotonic()
        self._orders.put(task)
        return True

    def results(self, seconds: float) -> Iterator[Outcome | Failure]:
        """Wait for something to come, at most that long; yield it, and all that is there by then.

        Raises:
            InputError: a worker refuses the run.
            LostError: the scheduler is gone.
        """
        if self._orders.are_due:
            with suppress(RuntimeError):  # the loop has ended, as is seen below
                self._loop.call_soon_threadsafe(self._orders.submit_soon)
        with suppress(Empty):
            news = self._news.get(timeout=seconds)
            while True:
                yield self._taken(news)
                news = self._news.get_nowait()
        if self._client.status == "closed":
            raise LostError(f"the loss of the Dask scheduler {self._where}")
        if self._watch.done():
            self._watch.result()  # it ends by an error only
        self._tell_of_waiting()

    def _tell_of_waiting(self) -> None:
        """Say once that no worker is there, where that has lasted for a while."""
        now = time.monotonic()
        if self._crew.threads:
            self._alone_since, self._has_told = now, False
        elif not self._has_told and now > self._alone_since + SECONDS_BEFORE_WORDS:
            self._has_told = True
            self._tell(f"no worker is at the Dask scheduler {self._where}; waiting for one")

    def _taken(self, news: News) -> Outcome | Failure:
        if isinstance(news, TimeoutError):
            raise LostError(f"silence of the Dask scheduler {self._where}")
        if isinstance(news, Exception):
            raise InputError(str(news))
        del self._given[news.task.number], self._since[news.task.number]
        return news

    def end(self) -> None:
        """Take nothing more; workers leave what they have in hand within a moment."""
        self._watch.cancel()
        ending = self._end()
        try:
            ended = asyncio.run_coroutine_threadsafe(ending, self._loop)
        except RuntimeError:  # the loop has ended before
            ending.close()
        else:
            with suppress(TimeoutError, CancelledError):  # the cluster hangs
                ended.result(SECONDS_TO_END)
        self._orders.close()
        if self._probe is not None:
            with suppress(OSError):
                self._probe.unlink()

    async def _end(self) -> None:
        self._orders.end()
        members = [a for a, member in self._crew.members.items() if not member.is_silent]
        if self._client.status == "running" and members:
            forget = self._client.run(
                forget_there(), self._token, workers=members, on_error="ignore"
            )
            with suppress(OSError):
                await asyncio.wait_for(forget, SECONDS_TO_END / 2)


def _refuse(client: Client) -> None:
    """Refuse what is no client, or none that can be used from this thread."""
    if not (hasattr(client, "submit") and hasattr(client, "scheduler_info")):
        raise InputError(
            f"a {type(client).__name__} is no engine; give a distributed.Client, or leave it out"
        )
    if client.asynchronous:
        raise InputError("the Dask client is asynchronous; make one with asynchronous=False")
    if client.status != "running":
        raise InputError(f"the Dask client is {client.status}; connect it to its scheduler")


def _probe(folder: Path) -> Path:
    """Write a file among the parts of a run by which a worker knows that it sees the folder."""
    probe = folder / PARTS / new_stray()
    try:
        probe.write_text(probe.name)
    except OSError as error:
        raise InputError(
            f"cannot write in the run folder {folder}: {error.strerror}; choose another --run-dir"
        ) from error
    return probe
