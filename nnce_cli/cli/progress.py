"""Live progress on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnce_cli.base.text import duration
from nnce_cli.cli.forecasting import ToldForecast
from nnce_cli.cli.report import number
from nnce_cli.cli.say import say
from nnce_cli.run import Forecasting, Pace

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from nnce_cli.run import Observer, Request
    from nnce_cli.run import Progress as Seen

SECONDS_BETWEEN_LINES = 30.0  # where standard error is no terminal
SECONDS_BETWEEN_FRAMES = 0.1


@dataclass(frozen=True)
class Verbosity:
    """How much a run tells about itself while it goes on."""

    quiet: bool
    verbose: bool


@contextmanager
def run_progress(verbosity: Verbosity, request: Request) -> Iterator[list[Observer]]:
    """Yield who is to be shown a run, so that standard error says how far it is; none if quiet.

    On a terminal there is a line of at most its width, which is kept up to date; elsewhere one is
    written now and then. Both the share that is done and the time left go by the forecast of the
    number of cells, once there is one, else by the share of the domain's tree.
    """
    if verbosity.quiet:
        yield []
        return
    told = ToldForecast(request)
    forecasting = Forecasting(request, told.of, told.tell)
    try:
        with _shown(verbosity, told) as show:
            yield [show, forecasting.look]
    finally:
        forecasting.stop()


@contextmanager
def _shown(verbosity: Verbosity, forecast: ToldForecast) -> Iterator[Observer]:
    if sys.stderr is None:
        yield lambda seen: None
    elif sys.stderr.isatty():
        with _live(verbosity, forecast) as show:
            yield show
    else:
        yield _Lines(verbosity, forecast)


class _Lines:
    """Writes a line every half minute."""

    def __init__(self, verbosity: Verbosity, forecast: ToldForecast) -> None:
        self._verbose = verbosity.verbose
        self._pace, self._forecast = Pace(), forecast
        self._next = self._pace.started + SECONDS_BETWEEN_LINES

    def __call__(self, seen: Seen) -> None:
        self._pace.expect(self._forecast.cells)
        rate, left = self._pace.look(seen)  # at once, or the first line would have no beginning
        if time.monotonic() < self._next:
            return
        self._next += SECONDS_BETWEEN_LINES
        say(f"{_percentage(self._pace.share(seen))} done, {_state(seen, rate, left)}")
        for line in _details(seen, verbose=self._verbose):
            say(f"  {line}")


@contextmanager
def _live(verbosity: Verbosity, forecast: ToldForecast) -> Iterator[Observer]:
    from rich.console import Console

    with _bar(Console(stderr=True)) as display:
        yield _Display(display, verbosity, forecast)


def _bar(console: Console) -> Progress:
    """Return a display in which the bar takes the room that the text leaves."""
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.fields[share]}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[state]}"),
    )
    # No thread of rich's own: worker processes are forked from this one.
    return Progress(*columns, console=console, transient=True, auto_refresh=False, expand=True)


class _Display:
    """Keeps a progress display up to date: a bar, and with ``verbose`` a line a worker."""

    def __init__(self, display: Progress, verbosity: Verbosity, forecast: ToldForecast) -> None:
        self._display = display
        self._verbose = verbosity.verbose
        self._pace, self._forecast = Pace(), forecast
        self._next = 0.0
        self._bar = display.add_task("", total=1.0, state="", share="")

    def __call__(self, seen: Seen) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + SECONDS_BETWEEN_FRAMES
        self._pace.expect(self._forecast.cells)
        rate, left = self._pace.look(seen)
        share = self._pace.share(seen)
        lines = [_state(seen, rate, left), *_details(seen, verbose=self._verbose)]
        self._display.update(
            self._bar, completed=share, share=_percentage(share), state="\n".join(lines)
        )
        self._display.refresh()


def _percentage(share: float) -> str:
    return f"{100 * share:.1f}%"


def _state(seen: Seen, rate: float, left: float | None) -> str:
    """Return what fits a narrow terminal together with a percentage and a bar."""
    parts = [f"{number(seen.cells)} cells", f"{rate:,.0f} cells/s"]
    if left is not None:
        parts.append(f"about {duration(left)} left")
    return ", ".join(parts)


def _details(seen: Seen, *, verbose: bool) -> list[str]:
    """Return what else there is to tell: with ``verbose``, or where something is amiss."""
    if not (verbose or seen.retries):
        return []
    retries = f", {seen.retries:,} retries" if seen.retries else ""
    tasks = f"tasks: {seen.done:,} done, {seen.waiting:,} waiting{retries}"
    return [tasks, *(_worker_lines(seen) if verbose else [])]


def _worker_lines(seen: Seen) -> list[str]:
    return [
        f"worker {worker.pid}: "
        + (
            f"task {worker.task}, {worker.cells:,} cells, {worker.seconds:.1f} s"
            if worker.task is not None
            else "idle"
        )
        for worker in seen.workers
    ]


@contextmanager
def check_progress(enabled: bool) -> Iterator[Callable[[str, int, int | None], None]]:
    """Yield a function that takes the name of a check, how much is done and how much there is.

    It shows that and the time left on standard error: on a terminal all the time, elsewhere in a
    line now and then. Of a search nobody knows how much there is: None.
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

        def show(name: str, done: int, total: int | None) -> None:
            nonlocal task, shown, next_frame
            if name != shown:
                display.remove_task(task)
                task = display.add_task(name, total=total)
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

    def __call__(self, name: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if name != self._name:
            self._name, self._started = name, now
        if now < self._next:
            return
        self._next = now + SECONDS_BETWEEN_LINES
        if total is None:
            say(f"{name}: {done:,} so far")
            return
        left = (now - self._started) * (total - done) / done if done else None
        rest = "" if left is None else f", about {duration(left)} left"
        say(f"{name}: {done:,} of {total:,}{rest}")
