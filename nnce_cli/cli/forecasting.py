"""The forecast of a long run, and what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnce_cli.base.text import duration
from nnce_cli.cli.report import number
from nnce_cli.cli.say import say
from nnce_cli.run import Starting, seconds_so_far

if TYPE_CHECKING:
    from nnce_cli.analysis import Forecast
    from nnce_cli.run import Progress, Request

SECONDS_OF_FORECAST = 6.0
WORTH_TELLING = 60.0  # seconds that a run is expected to take


class ToldForecast:
    """Says a forecast when there is one.

    ``cells`` is the number of cells to be expected, None as long as that is not known.
    """

    def __init__(self, request: Request) -> None:
        """Wait for the forecast of a run."""
        self.cells: float | None = None
        self._only_counts = request.target is None
        self._started = seconds_so_far()

    def of(self, request: Request) -> Forecast:
        """Return the forecast of the run, with what this process took to come to it.

        Raises:
            InputError: none is possible.
        """
        from nnce_cli.analysis import forecast

        return forecast(
            request.stack,
            request.domain,
            seconds=SECONDS_OF_FORECAST,
            jobs=request.jobs,
            witness=request.witness,
            starting=Starting(self._started, self._started),
        )

    def tell(self, forecast: Forecast, progress: Progress) -> None:
        """Say what is expected, where the run is a long one."""
        cells = forecast.cells
        seconds = forecast.count_seconds if self._only_counts else forecast.table_seconds
        if seconds.estimate is not None and seconds.estimate < WORTH_TELLING:
            return
        if cells.estimate is None or cells.low is None or cells.high is None:
            say(f"no forecast of this run is possible: {cells.reason}")
            return
        self.cells = max(cells.estimate, progress.cells)
        in_all = f"{number(round(cells.low))} to {number(round(cells.high))} cells"
        if seconds.low is not None and seconds.high is not None:
            in_all += f", {duration(seconds.low)} to {duration(seconds.high)} in all"
        say(f"forecast (90%): {in_all}")
