"""How fast a run goes, and how long it takes yet."""

from __future__ import annotations

import time

from nnce_cli.run.events import Progress

ALMOST = 0.999  # all, as long as a run is not over


class Pace:
    """Measures from the first look, since a run that was resumed has a past.

    ``expected`` is the number of cells to be expected in all, None as long as it is not known.
    """

    def __init__(self) -> None:
        """Begin the clock."""
        self.started = time.monotonic()
        self.expected: float | None = None
        self._first: tuple[float, int, float] | None = None  # when, cells, share

    def expect(self, cells: float | None) -> None:
        """Take a forecast; shares are shares of something else from now on."""
        if cells != self.expected:
            self.expected, self._first = cells, None

    def share(self, progress: Progress) -> float:
        """Return about how much of the run is done, in [0, 1]: 1 at the end only."""
        if progress.is_over:
            return 1.0
        share = progress.share if self.expected is None else progress.cells / self.expected
        return min(share, ALMOST)

    def look(self, progress: Progress) -> tuple[float, float | None]:
        """Return cells per second, and the seconds left, None where that cannot be told."""
        share = self.share(progress)
        if self._first is None:
            self._first = (time.monotonic(), progress.cells, share)
        started, cells, before = self._first
        elapsed = time.monotonic() - started
        rate = (progress.cells - cells) / elapsed if elapsed > 0 else 0.0
        gained = share - before
        if gained <= 1e-9 or (share >= ALMOST and not progress.is_over):
            return rate, None  # there are more cells than were expected
        return rate, elapsed * (1.0 - share) / gained
