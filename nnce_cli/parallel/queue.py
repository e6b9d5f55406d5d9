"""The tasks of a run that wait and that nobody has in hand, in table order.

The journal has them all. The first of them are in memory too, as thousands of others may be in hand
when the next ones are looked for, many times in a second.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nnce_cli.enumeration import place
from nnce_cli.parallel.task import Failure, Outcome, Task

if TYPE_CHECKING:
    from nnce_cli.parallel.journal import Journal, Waiting

KEPT = 2**13  # tasks in memory: up to twice as many for a while
ATTEMPTS = 50  # of a task; workers may be killed for no fault of the task's, and often


class Queue:
    """Gives the tasks of a journal out, the first in table order first, and takes them back."""

    def __init__(self, journal: Journal) -> None:
        """Begin with all that wait in a journal."""
        self._journal = journal
        self._in_hand: set[int] = set()
        self._last: Waiting | None = None  # those behind it are in the journal alone; None: none is
        self._heap = self._read()

    def _read(self) -> list[Waiting]:
        """Return the tasks behind the last one in memory, in order, and so as a heap."""
        count = KEPT + len(self._in_hand)
        found = self._journal.waiting(count, self._last)
        self._last = found[-1] if len(found) == count else None
        return [entry for entry in found if entry[-1] not in self._in_hand]

    def __len__(self) -> int:
        """The number of tasks that wait; where there are more than `KEPT`, some of them."""
        while not self._heap and self._last is not None:
            self._heap = self._read()
        return len(self._heap)

    def take(self, count: int) -> Iterator[Task]:
        """Take out up to ``count`` tasks."""
        for _ in range(count):
            if not len(self):
                return
            *_, number = heapq.heappop(self._heap)
            self._in_hand.add(number)
            yield self._journal.task(number)

    def put_back(self, task: Task) -> None:
        """Let a task wait again that was taken out."""
        self._in_hand.discard(task.number)
        self._put([(*place(task.roots[0]), task.number)])

    def finish(self, outcomes: Sequence[Outcome]) -> None:
        """Commit tasks that were taken out and walked; what they left over waits.

        Raises:
            InputError: the journal cannot be written.
        """
        new = self._journal.commit(outcomes)
        self._in_hand -= {outcome.task.number for outcome in outcomes}
        self._put(new)

    def note_failure(self, failure: Failure) -> None:
        """Let a task wait again that was taken out in vain, or give it up."""
        if not self._journal.note_failure(failure.task, failure.message, ATTEMPTS):
            self.put_back(failure.task)

    def _put(self, waiting: Sequence[Waiting]) -> None:
        for entry in waiting:
            if self._last is None or entry <= self._last:
                heapq.heappush(self._heap, entry)
        if len(self._heap) > 2 * KEPT:
            self._heap = heapq.nsmallest(KEPT, self._heap)
            self._last = self._heap[-1]
