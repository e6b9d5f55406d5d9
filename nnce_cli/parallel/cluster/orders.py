"""The orders of a run on a Dask cluster: tasks that are submitted as one.

Each message, whatever is in it, takes Dask's client and its scheduler far longer than a task takes
the journal. So a worker gets some tasks at a time, and orders are submitted, and answers fetched,
as many together as there are.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from nnce_cli.base.errors import InputError
from nnce_cli.parallel.cluster.crew import Crew
from nnce_cli.parallel.cluster.landing import land
from nnce_cli.parallel.cluster.messages import Newcomer, pack_order, walk_there
from nnce_cli.parallel.task import Failure, Outcome, Task

if TYPE_CHECKING:
    from distributed import Client

News = Outcome | Failure | Exception  # what came of a task, or trouble

AHEAD = 3  # orders a thread: one that is walked, one that waits there, one that comes or goes
TOGETHER = 8  # tasks in an order at most; one where they have parts
AT_ONCE = 128  # answers that are fetched
AT_ONCE_WITH_PARTS = 8  # as many are in memory, or put on the disk, at a time
NEWS = 0.1  # the weight of a task in what a task takes
SECONDS_TOGETHER = 0.02  # orders that come up within these are submitted in one message
SECONDS_BEFORE_AGAIN = 0.2
SECONDS_TO_FETCH = 120.0  # an answer; its worker may hang, or the one of another


@dataclass
class Order:
    """Tasks that are submitted as one; ``attempt`` sees to what comes of them."""

    tasks: Sequence[Task]
    key: str
    attempt: asyncio.Task[None] | None = None


class Orders:
    """Has tasks walked by the workers of a client's scheduler, in the client's event loop.

    Other threads may `put` tasks, and look at `room`, `are_due`, and ``crew``.
    """

    def __init__(
        self,
        client: Client,
        token: str,
        name: str,
        run: bytes,
        folder: Path,
        tell: Callable[[News], None],
        *,
        parts: bool,
    ) -> None:
        """Begin with none.

        Args:
            client: a client with an event loop of its own, in which the methods are called.
            token: names the run.
            name: tells people what the tasks are about.
            run: what each worker is to take in.
            folder: that of the run, where parts go.
            tell: is told what comes of each task, once, and of trouble with the workers.
            parts: whether tasks have any.
        """
        self.crew = Crew(client, token, run, self._give_again, tell)
        self._client = cast("Any", client)
        self._token = token
        self._name = name
        self._folder = folder
        self._tell = tell
        self._together = 1 if parts else TOGETHER
        self._few = asyncio.Semaphore(AT_ONCE_WITH_PARTS if parts else AT_ONCE)
        self._landing = ThreadPoolExecutor(AT_ONCE_WITH_PARTS, "nnce-landing") if parts else None
        self._numbers = count(1)
        self._is_due = False
        self._seconds = 1.0  # that a task takes, as the last ones tell
        self._ready: deque[Task] = deque()  # tasks that are in no order
        self._open: set[int] = set()  # tasks of which was not told what came of them
        self._orders: dict[str, Order] = {}
        self._stuck: set[str] = set()  # orders that silent workers have, and others got as well
        self._alone: set[int] = set()  # tasks of orders that came to nothing

    @property
    def room(self) -> int:
        """How many more tasks can be put: what the orders that are missing could hold."""
        return max(0, self._missing * self._together - len(self._ready))

    @property
    def are_due(self) -> bool:
        """Whether there are tasks that are in no order."""
        return bool(self._ready)

    @property
    def _missing(self) -> int:
        """How many more orders can be submitted: a few a thread, and some to begin with."""
        return AHEAD * max(1, self.crew.threads) + len(self._stuck) - len(self._orders)

    def put(self, task: Task) -> None:
        """Add a task; see `submit_soon`."""
        self._open.add(task.number)
        self._ready.append(task)

    def submit_soon(self) -> None:
        """Submit orders of the tasks that are ready within a moment, together with other ones."""
        if self._ready and not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_later(SECONDS_TOGETHER, self._submit)

    def _submit(self) -> None:
        """Put tasks that are ready in orders, about the same number in each, and submit these."""
        self._is_due = False
        if self._client.status == "connecting":
            self.submit_soon()
        if self._client.status != "running":
            return
        orders: list[Order] = []
        while self._ready and (missing := self._missing) > 0:
            order = self._next(len(self._ready) // missing)
            orders.append(order)
            self._orders[order.key] = order
        try:
            self._send(orders)
        except Exception as error:  # nobody waits for what happens here
            self._tell(error)

    def _send(self, orders: Sequence[Order]) -> None:
        if not orders:
            return
        chosen = self.crew.chosen(len(orders))
        futures = self._client.map(
            walk_there(),
            [pack_order(self._token, order.tasks) for order in orders],
            key=[order.key for order in orders],
            pure=False,
            workers=chosen,
            allow_other_workers=chosen is not None,
        )
        for order, future in zip(orders, futures, strict=True):
            order.attempt = asyncio.ensure_future(self._attempt(order, future))

    def _next(self, size: int) -> Order:
        """Return an order of so many tasks, or as many as there is time for in an errand.

        Those that must be alone are.
        """
        tasks = [self._ready.popleft()]
        size = min(size, self._together, 1 + int(tasks[0].errand / self._seconds))
        while len(tasks) < size and not self._alone & {tasks[0].number, self._ready[0].number}:
            tasks.append(self._ready.popleft())
        first = f"{self._name}-task {tasks[0].number}"
        return Order(tasks, f"{first}-{next(self._numbers)}-{self._token}")

    def end(self) -> None:
        """Cancel all orders, and submit none any more."""
        self._open.clear()
        self._ready.clear()
        for order in self._orders.values():
            self._cancel(order)

    def close(self) -> None:
        """Wait, in any thread, until no part is on its way to the disk."""
        if self._landing is not None:
            self._landing.shutdown()

    @staticmethod
    def _cancel(order: Order) -> None:
        if order.attempt is not None:
            order.attempt.cancel()

    def _give_again(self, keys: Iterable[str]) -> None:
        """Have the tasks of silent workers walked by others too; the first outcome is taken."""
        for key in keys:
            if key in self._orders and key not in self._stuck:
                self._stuck.add(key)
                self._walk_again(self._orders[key].tasks)
        self.submit_soon()

    def _walk_again(self, tasks: Sequence[Task]) -> None:
        self._ready.extendleft(task for task in reversed(tasks) if task.number in self._open)

    async def _attempt(self, order: Order, future: Any) -> None:
        """Tell what comes of the tasks of an order; the others are ready again."""
        found: Sequence[Outcome | Failure] = []
        try:
            found = await self._answer(order, future)
        except InputError as error:
            found = [Failure(order.tasks[0], str(error), fatal=True)]
        except (OSError, CancelledError):  # the connection is lost, or a worker is gone
            pass
        except Exception as error:
            found = self._blamed(order, error)
        finally:
            future.release()
            del self._orders[order.key]
            was_stuck = order.key in self._stuck
            self._stuck.discard(order.key)
        self._tell_of(found)
        if not was_stuck:
            if not found:
                await asyncio.sleep(SECONDS_BEFORE_AGAIN)
            self._walk_again(order.tasks[len(found) :])
        self.submit_soon()

    def _tell_of(self, results: Sequence[Outcome | Failure]) -> None:
        for result in results:
            if isinstance(result, Outcome):
                self._seconds += NEWS * (result.seconds - self._seconds)
            if result.task.number in self._open:  # it may come twice
                self._open.discard(result.task.number)
                self._tell(result)
        for order in map(self._orders.__getitem__, self._stuck):
            if not any(task.number in self._open for task in order.tasks):
                self._cancel(order)

    async def _answer(self, order: Order, future: Any) -> Sequence[Outcome | Failure]:
        """Return what comes of the first tasks of an order: none where it has to be given again."""
        error = await future.exception()
        if error is not None:
            return self._blamed(order, error)
        async with self._few:
            data = await asyncio.wait_for(self._client.gather(future), SECONDS_TO_FETCH)
            if self._landing is None:
                answer = land(data, self._folder)
            else:
                loop = asyncio.get_running_loop()
                answer = await loop.run_in_executor(self._landing, land, data, self._folder)
        if isinstance(answer, Newcomer):
            self.crew.has_lost_the_run(answer.address)
            return []
        return answer or []

    def _blamed(self, order: Order, error: BaseException) -> Sequence[Failure]:
        """Return the failure of a task; of several, each is tried alone before one is to blame."""
        if len(order.tasks) == 1:
            text = (str(error).strip() or type(error).__name__).splitlines()[0]
            return [Failure(order.tasks[0], f"its Dask worker: {text}")]
        self._alone.update(task.number for task in order.tasks)
        return []
