"""The engine that gives the tasks of a run to a Dask cluster.

All that has to do with Dask happens in the event loop of the client, which has a thread of its own:
there is a coroutine for each attempt at a task. The coordinator's thread puts tasks in, and takes
what came of them from a queue.
"""

from __future__ import annotations

import asyncio
import pickle
import secrets
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, cast

from nnce_cli.base.errors import InputError
from nnce_cli.parallel.cluster.crew import Crew
from nnce_cli.parallel.cluster.landing import land
from nnce_cli.parallel.cluster.messages import (
    Newcomer,
    Shared,
    forget_there,
    pack_order,
    pack_run,
    walk_there,
)
from nnce_cli.parallel.engine import LostError, Worker
from nnce_cli.parallel.folder import PARTS, new_stray
from nnce_cli.parallel.plan import Plan
from nnce_cli.parallel.task import Failure, Outcome, Task

if TYPE_CHECKING:
    from distributed import Client

News = tuple[int, Outcome | Failure] | Exception  # what came of a task, by its number, or trouble

AHEAD = 3  # tasks a thread: one that is walked, one that waits there, one that comes or goes
AT_ONCE = 8  # results that are fetched and put on the disk: as many are in memory at most
SECONDS_BEFORE_AGAIN = 0.2
SECONDS_TO_FETCH = 120.0  # a result; its worker may hang, or the one of another
SECONDS_TO_END = 5.0  # that a cluster which does not answer is waited for
SECONDS_BEFORE_WORDS = 10.0  # about workers that are not there


class DaskEngine:
    """Walks tasks on the workers of a Dask cluster, while these come and go."""

    # Dask's client takes 4 ms (`python -m benchmarks.cluster`), and of `AHEAD` tasks that a thread
    # has in hand one is walked.
    result_seconds = 3e-3

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
        self._folder = folder
        self._tell = tell
        self._alone_since, self._has_told = time.monotonic(), False
        self._token = secrets.token_hex(4)
        self._name = f"nnce {name.replace('-', '_')}"
        self._where: str = self._client.scheduler.address
        self._probe = None if plan.sink is None else _probe(folder)
        self._given: dict[int, Task] = {}
        self._since: dict[int, float] = {}
        self._news: SimpleQueue[News] = SimpleQueue()
        self._landing = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="nnce-landing")
        # What follows belongs to the loop.
        self._few = asyncio.Semaphore(AT_ONCE)
        self._attempts: dict[int, set[asyncio.Task[None]]] = {}
        self._tried: Counter[int] = Counter()
        self._keys: dict[str, Task] = {}
        self._stuck: set[str] = set()  # keys that silent workers have, and others got as well
        run = pack_run(self._token, zlib.compress(pickle.dumps(plan)), self._shared())
        self._crew = Crew(client, self._token, run, self._give_again, self._news.put)
        self._watch = asyncio.run_coroutine_threadsafe(self._crew.watch(), self._loop)

    def _shared(self) -> Shared | None:
        if self._probe is None:
            return None
        return Shared(str(self._folder.resolve()), self._probe.name)

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
    def in_hand(self) -> Sequence[Task]:
        """The tasks whose outcome was not taken yet."""
        return list(self._given.values())

    @property
    def room(self) -> int:
        """How many more tasks can be given: a few a thread, and some to begin with."""
        return max(0, AHEAD * max(1, self._crew.threads) - len(self._given))

    def give(self, task: Task) -> None:
        """Take a task in hand."""
        self._given[task.number] = task
        self._since[task.number] = time.monotonic()
        self._in_loop(self._try, task)

    def results(self, seconds: float) -> Iterator[Outcome | Failure]:
        """Wait for something to come, at most that long; yield it, and all that is there by then.

        Raises:
            InputError: a worker refuses the run.
            LostError: the scheduler is gone.
        """
        with suppress(Empty):
            news = self._news.get(timeout=seconds)
            while True:
                yield from self._taken(news)
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

    def _taken(self, news: News) -> Iterator[Outcome | Failure]:
        if isinstance(news, TimeoutError):
            raise LostError(f"silence of the Dask scheduler {self._where}")
        if isinstance(news, Exception):
            raise InputError(str(news))
        number, result = news
        if self._given.pop(number, None) is not None:  # it may come twice
            del self._since[number]
            self._in_loop(self._drop, number)
            yield result

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
        self._landing.shutdown()
        if self._probe is not None:
            with suppress(OSError):
                self._probe.unlink()

    async def _end(self) -> None:
        for number in list(self._attempts):
            self._drop(number)
        members = [a for a, member in self._crew.members.items() if not member.is_silent]
        if self._client.status == "running" and members:
            forget = self._client.run(
                forget_there(), self._token, workers=members, on_error="ignore"
            )
            with suppress(OSError):
                await asyncio.wait_for(forget, SECONDS_TO_END / 2)

    def _in_loop(self, call: Any, *arguments: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended, as `results` will see
            self._loop.call_soon_threadsafe(call, *arguments)

    # In the loop.

    def _try(self, task: Task) -> None:
        attempt = asyncio.ensure_future(self._attempt(task))
        attempts = self._attempts.setdefault(task.number, set())
        attempts.add(attempt)
        attempt.add_done_callback(attempts.discard)

    def _drop(self, number: int) -> None:
        for attempt in self._attempts.pop(number, ()):
            attempt.cancel()

    def _give_again(self, keys: Iterable[str]) -> None:
        """Try the tasks of workers that are silent once more; the first outcome is taken."""
        for key in keys:
            task = self._keys.get(key)
            if task is not None and key not in self._stuck:
                self._stuck.add(key)
                self._try(task)

    async def _attempt(self, task: Task) -> None:
        """Have a task walked, and its part in its place; begin again when the cluster lost it."""
        result: Outcome | Failure | None = None
        while result is None:
            while self._client.status == "connecting":
                await asyncio.sleep(SECONDS_BEFORE_AGAIN)
            if self._client.status != "running":
                return
            try:
                result = await self._answer(task)
            except InputError as error:
                result = Failure(task, str(error), fatal=True)
            except (OSError, CancelledError):  # the connection is lost, or a worker is gone
                pass
            except Exception as error:
                result = Failure(task, _trouble(error))
            if result is None:
                await asyncio.sleep(SECONDS_BEFORE_AGAIN)
        self._news.put((task.number, result))

    async def _answer(self, task: Task) -> Outcome | Failure | None:
        """Return what comes of one submission; None where nothing does."""
        self._tried[task.number] += 1
        key = f"{self._name}-task {task.number}-{self._tried[task.number]}-{self._token}"
        order = pack_order(self._token, task)
        chosen = self._crew.chosen()
        future = self._client.submit(
            walk_there(),
            order,
            key=key,
            pure=False,
            workers=chosen,
            allow_other_workers=chosen is not None,
        )
        self._keys[key] = task
        try:
            error = await future.exception()
            if error is not None:
                return Failure(task, _trouble(error))
            async with self._few:
                data = await asyncio.wait_for(self._client.gather(future), SECONDS_TO_FETCH)
                answer = await self._loop.run_in_executor(
                    self._landing, land, data, task, self._folder
                )
        finally:
            del self._keys[key]
            self._stuck.discard(key)
            future.release()
        if isinstance(answer, Newcomer):
            self._crew.has_lost_the_run(answer.address)
            return None
        return answer


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


def _trouble(error: BaseException) -> str:
    """Say in a line what Dask says of a task that came to nothing."""
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    return f"its Dask worker: {text}"
