"""Where the tasks of a run are walked: what the coordinator knows of it, whatever it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from nnce_cli.parallel.task import Failure, Outcome, Task


@dataclass
class Worker:
    """A process that walks tasks, and the task that it walks: None while it could walk another.

    ``pid`` is its number, or its address in a cluster. ``writing`` is the task before, as long as
    its part is on the way to the disk.
    """

    pid: int | str
    task: Task | None = None
    since: float = 0.0  # when it got the task, by the monotonic clock
    cells: int = 0  # found in the task so far
    writing: Task | None = None
    written: int = 0  # cells that were found in that one

    @property
    def in_hand(self) -> list[Task]:
        """The tasks that are lost if the worker dies."""
        return [task for task in (self.writing, self.task) if task is not None]


class LostError(Exception):
    """All that could walk is gone, and the journal has what was found; says what is lost."""


class Engine(Protocol):
    """Walks the tasks that it is given; tasks and what they give do not depend on which it is.

    Each task that it was given comes back as an outcome or a failure, once. ``result_seconds`` is
    about twice what a message of a worker takes of this process.
    """

    result_seconds: float

    @property
    def size(self) -> int:
        """How many tasks can be walked at a time."""

    @property
    def workers(self) -> Sequence[Worker]:
        """The processes at work now."""

    @property
    def in_hand(self) -> int:
        """The number of tasks that were given and did not come back yet."""

    @property
    def room(self) -> int:
        """How many more tasks can be given at once."""

    def give(self, task: Task) -> bool:
        """Take a task in hand, see `room`; return False where that cannot be now.

        Raises:
            InputError: nothing can walk it (the system allows no process, for instance).
        """

    def results(self, seconds: float) -> Iterator[Outcome | Failure]:
        """Wait for something to happen, or walk, about that long; yield what came of it.

        Raises:
            LostError: nothing that was given will come back, and nothing can be given.
        """

    def end(self) -> None:
        """End it at once; what is in hand is lost, and waits in the journal."""
