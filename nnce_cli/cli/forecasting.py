"""The forecast of a long run, made in a process of its own while the run goes on."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nnce_cli.base.errors import InputError
from nnce_cli.cli.report import duration, number
from nnce_cli.cli.say import say

if TYPE_CHECKING:
    from nnce_cli.analysis import Forecast
    from nnce_cli.parallel import View
    from nnce_cli.run import Request

SECONDS_BEFORE = 3.0  # most runs are over by then
SECONDS_OF_FORECAST = 6.0
WORTH_TELLING = 60.0  # seconds that a run is expected to take


class Forecasting:
    """Starts a forecast when a run has gone on for a while, and tells what it says.

    ``cells`` is the number of cells to be expected, None as long as that is not known.
    """

    def __init__(self, request: Request, *, quiet: bool) -> None:
        """Start nothing yet; with ``quiet``, never."""
        self.cells: float | None = None
        self._request = request
        self._begin = float("inf") if quiet else time.monotonic() + SECONDS_BEFORE
        self._process: Any = None
        self._result: Any = None

    def look(self, view: View) -> None:
        """Start the forecast, or take its result."""
        if self._process is None:
            if time.monotonic() >= self._begin:
                self._begin = float("inf")
                with suppress(OSError):  # no more processes; the run does not need it
                    self._start()
        elif self._result is not None and self._result.poll():
            result = None
            with suppress(EOFError, OSError):  # it failed; the run does not need it
                result = self._result.recv()
            self._result = None
            if result is not None:
                self._tell(result, view)

    def stop(self) -> None:
        """End the forecast, if it is still at work."""
        if self._process is not None:
            self._process.kill()
            self._process.join()

    def _start(self) -> None:
        import multiprocess

        self._result, theirs = multiprocess.Pipe(duplex=False)
        self._process = multiprocess.Process(
            target=_forecast, args=(theirs, self._request), daemon=True
        )
        self._process.start()
        theirs.close()

    def _tell(self, forecast: Forecast, view: View) -> None:
        cells, seconds = forecast.cells, self._expected(forecast)
        if seconds.estimate is None or seconds.estimate < WORTH_TELLING:
            return
        if cells.estimate is None or cells.low is None or cells.high is None:
            say(f"no forecast of this run is possible: {cells.reason}")
            return
        self.cells = max(cells.estimate, view.cells)
        say(
            f"forecast (90%): {number(round(cells.low))} to {number(round(cells.high))} "
            f"cells, {duration(seconds.low)} to {duration(seconds.high)} in all"
        )

    def _expected(self, forecast: Forecast) -> Any:
        return forecast.count_seconds if self._request.target is None else forecast.table_seconds


def _forecast(connection: Any, request: Request) -> None:
    """Make a forecast and send it: the body of the process."""
    import signal

    from nnce_cli.analysis import forecast

    for number_ in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number_, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with suppress(InputError, ConnectionError):
        connection.send(
            forecast(
                request.stack,
                request.domain,
                seconds=SECONDS_OF_FORECAST,
                jobs=request.jobs,
                witness=request.witness,
            )
        )
