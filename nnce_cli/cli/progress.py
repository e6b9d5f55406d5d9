"""Live progress on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnce_cli.cli.report import duration
from nnce_cli.cli.say import say

if TYPE_CHECKING:
    from rich.progress import Progress

    from nnce_cli.cli.forecasting import Forecasting
    from nnce_cli.parallel import View

SECONDS_BETWEEN_LINES = 30.0  # where standard error is no terminal
SECONDS_BETWEEN_FRAMES = 0.1


@dataclass(frozen=True)
class Verbosity:
    """How much a run tells about itself while it goes on."""

    quiet: bool
    verbose: bool


@contextmanager
def run_progress(
    verbosity: Verbosity, forecasting: Forecasting
) -> Iterator[Callable[[View], None]]:
    """Yield a function that shows how far a run is, on standard error.

    On a terminal it keeps a few lines up to date; elsewhere it writes one now and then. How much
    is left goes by the forecast of the number of cells, once there is one, else by the share of
    the domain's tree.
    """
    if verbosity.quiet or sys.stderr is None:
        yield lambda view: None
    elif sys.stderr.isatty():
        with _live(verbosity, forecasting) as show:
            yield show
    else:
        yield _Lines(verbosity, forecasting)


class _Pace:
    """How fast a run goes: measured from the first look, since a resumed one has a past."""

    def __init__(self, forecasting: Forecasting) -> None:
        self.started = time.monotonic()
        self._forecasting = forecasting
        self._forecast: float | None = None
        self._first: tuple[int, float] | None = None

    @property
    def whole(self) -> str:
        """What shares are shares of."""
        return "of the domain" if self._forecasting.cells is None else "of the cells expected"

    def share(self, view: View) -> float:
        """Return about how much of the run is done, in [0, 1]."""
        if self._forecasting.cells is not None:
            return min(view.cells / self._forecasting.cells, 1.0)
        return view.journal.totals.share

    def look(self, view: View) -> tuple[float, float | None]:
        """Return cells per second, and the seconds left, None where that cannot be told."""
        share = self.share(view)
        if self._forecast != self._forecasting.cells:  # shares are of something else from now on
            self._forecast, self._first = self._forecasting.cells, None
            self.started = time.monotonic()
        if self._first is None:
            self._first = (view.cells, share)
        elapsed = time.monotonic() - self.started
        rate = (view.cells - self._first[0]) / elapsed if elapsed > 0 else 0.0
        gained = share - self._first[1]
        return rate, elapsed * max(1.0 - share, 0.0) / gained if gained > 1e-9 else None


class _Lines:
    """Writes a line every half minute."""

    def __init__(self, verbosity: Verbosity, forecasting: Forecasting) -> None:
        self._verbose = verbosity.verbose
        self._pace = _Pace(forecasting)
        self._next = self._pace.started + SECONDS_BETWEEN_LINES

    def __call__(self, view: View) -> None:
        rate, left = self._pace.look(view)  # at once, or the first line would have no beginning
        if time.monotonic() < self._next:
            return
        self._next += SECONDS_BETWEEN_LINES
        lines = [_state(view, rate, left)]
        if self._verbose:
            lines += [f"  {line}" for line in _worker_lines(view)]
        for line in lines:
            say(line)


@contextmanager
def _live(verbosity: Verbosity, forecasting: Forecasting) -> Iterator[Callable[[View], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.fields[state]}"),
        BarColumn(),
        TaskProgressColumn(text_format="{task.percentage:.1f}% {task.fields[whole]}"),
        TimeElapsedColumn(),
    )
    # No thread of rich's own: worker processes are forked from this one.
    with Progress(
        *columns, console=Console(stderr=True), transient=True, auto_refresh=False
    ) as display:
        yield _Display(display, verbosity, forecasting)


class _Display:
    """Keeps a progress display up to date: a bar, and with ``verbose`` a line a worker."""

    def __init__(self, display: Progress, verbosity: Verbosity, forecasting: Forecasting) -> None:
        self._display = display
        self._verbose = verbosity.verbose
        self._pace = _Pace(forecasting)
        self._next = 0.0
        self._bar = display.add_task("", total=1.0, state="", whole="")

    def __call__(self, view: View) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + SECONDS_BETWEEN_FRAMES
        rate, left = self._pace.look(view)
        state = _state(view, rate, left, share=False)
        if self._verbose:
            state = "\n".join([state, *_worker_lines(view)])
        self._display.update(
            self._bar, completed=self._pace.share(view), state=state, whole=self._pace.whole
        )
        self._display.refresh()


def _state(view: View, rate: float, left: float | None, *, share: bool = True) -> str:
    totals = view.journal.totals
    parts = [f"{view.cells:,} cells", f"{rate:,.0f} cells/s"]
    if share:
        parts.append(f"{100 * totals.share:.1f}% of the domain")
    parts.append(f"tasks: {totals.done:,} done, {view.waiting:,} waiting")
    if totals.retries:
        parts.append(f"{totals.retries} retries")
    if left is not None:
        parts.append(f"about {duration(left)} left")
    return ", ".join(parts)


def _worker_lines(view: View) -> list[str]:
    return [
        f"worker {worker.pid}: "
        + (
            f"task {worker.task.number}, {worker.cells:,} cells, "
            f"{time.monotonic() - worker.since:.1f} s"
            if worker.task is not None
            else "idle"
        )
        for worker in view.workers
    ]


@contextmanager
def check_progress(enabled: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function that takes the name of a check, how much is done and how much there is.

    It shows that and the time left on standard error: on a terminal all the time, elsewhere in a
    line now and then.
    """
    if not enabled or sys.stderr is None:
        yield lambda name, done, total: None
        return
    if not sys.stderr.isatty():
        yield _CheckLines()
        return

    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    # No thread of rich's own: worker processes are forked from this one.
    with Progress(
        *columns, console=Console(stderr=True), transient=True, auto_refresh=False
    ) as display:
        task = display.add_task("", total=None)
        shown, next_frame = "", 0.0

        def show(name: str, done: int, total: int) -> None:
            nonlocal shown, next_frame
            if name != shown:
                display.reset(task, description=name)
                shown = name
            elif time.monotonic() < next_frame:
                return
            next_frame = time.monotonic() + SECONDS_BETWEEN_FRAMES
            display.update(task, completed=done, total=total)
            display.refresh()

        yield show


class _CheckLines:
    """Writes a line about a check every half minute."""

    def __init__(self) -> None:
        self._name = ""
        self._started = 0.0
        self._next = time.monotonic() + SECONDS_BETWEEN_LINES

    def __call__(self, name: str, done: int, total: int) -> None:
        now = time.monotonic()
        if name != self._name:
            self._name, self._started = name, now
        if now < self._next:
            return
        self._next = now + SECONDS_BETWEEN_LINES
        left = (now - self._started) * (total - done) / done if done else None
        rest = "" if left is None else f", about {duration(left)} left"
        say(f"{name}: {done:,} of {total:,}{rest}")
