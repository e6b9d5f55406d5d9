"""What a run reports while it goes on: plain values, for whoever shows or keeps them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnce_cli.parallel import View


@dataclass(frozen=True)
class WorkerState:
    """A process at work: its number (in a cluster its address), and what it has in hand.

    ``task`` is the number of the task, None where it is idle; ``cells`` it found in ``seconds``.
    """

    pid: int | str
    task: int | None
    cells: int
    seconds: float


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    ``cells`` are those found so far, in unfinished tasks too, and ``kept`` those of finished ones;
    ``share`` in [0, 1] is about how much of the domain's tree is done. ``done``, ``waiting`` and
    ``retries`` count tasks; ``is_over`` says that none is left.
    """

    cells: int
    kept: int
    share: float
    done: int
    waiting: int
    retries: int
    is_over: bool
    workers: tuple[WorkerState, ...]

    @property
    def busy(self) -> int:
        """The number of workers that have a task."""
        return sum(worker.task is not None for worker in self.workers)

    @staticmethod
    def of(view: View) -> Progress:
        """Return what can be seen of a run now."""
        totals, now = view.journal.totals, time.monotonic()
        return Progress(
            cells=view.cells,
            kept=totals.cells,
            share=totals.share,
            done=totals.done,
            waiting=view.waiting,
            retries=totals.retries,
            is_over=totals.waiting == totals.given_up == 0,
            workers=tuple(
                WorkerState(
                    worker.pid,
                    None if worker.task is None else worker.task.number,
                    worker.cells,
                    now - worker.since,
                )
                for worker in view.workers
            ),
        )


Observer = Callable[[Progress], None]
"""Whoever is shown a run, again and again; an exception of it ends the run."""
