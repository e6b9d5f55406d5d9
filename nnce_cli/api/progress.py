"""A line that says how far a run is, in a terminal and in a notebook."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from nnce_cli.base.text import duration

if TYPE_CHECKING:
    from nnce_cli.run import Progress

SECONDS_BETWEEN = 0.2


class ProgressLine:
    """Keeps one line of standard error up to date; used in a ``with`` block, it ends the line."""

    def __init__(self) -> None:
        """Write nothing yet: most runs are over before there is something to say."""
        from nnce_cli.run import Pace

        self._pace = Pace()
        self._next = time.monotonic() + SECONDS_BETWEEN
        self._width = 0

    def look(self, progress: Progress) -> None:
        """Say how far the run is."""
        _, left = self._pace.look(progress)
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + SECONDS_BETWEEN
        line = f"{progress.cells:,} cells, {100 * progress.share:.1f}% of the domain"
        if left is not None:
            line += f", about {duration(left)} left"
        print("\r" + line.ljust(self._width), end="", file=sys.stderr, flush=True)
        self._width = len(line)

    def __enter__(self) -> ProgressLine:
        """Begin."""
        return self

    def __exit__(self, *exception: object) -> None:
        """End the line, if there is one."""
        if self._width:
            print(file=sys.stderr, flush=True)
