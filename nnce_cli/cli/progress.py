"""Live progress on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Show = Callable[[int, float], None]


@contextmanager
def progress(enabled: bool) -> Iterator[Show]:
    """Yield a function that takes the cells found so far and the share of the tree done.

    It shows them on standard error where that is a terminal, and does nothing elsewhere.
    """
    if not (enabled and sys.stderr is not None and sys.stderr.isatty()):
        yield lambda cells, share: None
        return

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.fields[cells]:,} cells"),
        TextColumn("{task.fields[rate]:,.0f} cells/s"),
        BarColumn(),
        TaskProgressColumn(text_format="{task.percentage:.1f}% of the domain"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task("", total=1.0, cells=0, rate=0.0)

        def show(cells: int, share: float) -> None:
            elapsed = display.tasks[0].elapsed or 0.0
            rate = cells / elapsed if elapsed > 0 else 0.0
            display.update(task, completed=share, cells=cells, rate=rate)

        yield show


@contextmanager
def check_progress(enabled: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function that takes the name of a check, how much is done and how much there is."""
    if not (enabled and sys.stderr is not None and sys.stderr.isatty()):
        yield lambda name, done, total: None
        return

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task("", total=None)
        shown = ""

        def show(name: str, done: int, total: int) -> None:
            nonlocal shown
            if name != shown:
                display.reset(task, description=name)
                shown = name
            display.update(task, completed=done, total=total)

        yield show
