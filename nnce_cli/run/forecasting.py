"""The forecast of a long run, made in a process of its own while the run goes on.

What is to be expected is computed above this room, so the function for that is given. A run knows
nothing of it: this is one of its observers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from nnce_cli.base.errors import InputError
from nnce_cli.run.events import Progress
from nnce_cli.run.request import Request

SECONDS_BEFORE = 3.0  # most runs are over by then

Forecast = TypeVar("Forecast")


class Forecasting(Generic[Forecast]):
    """Starts a forecast when a run has gone on for a while, and tells of it when it is there."""

    def __init__(
        self,
        request: Request,
        forecast: Callable[[Request], Forecast],
        tell: Callable[[Forecast, Progress], None],
    ) -> None:
        """Start nothing yet; ``forecast`` may raise InputError, and then there is none."""
        self._request = request
        self._forecast = forecast
        self._tell = tell
        self._begin = time.monotonic() + SECONDS_BEFORE
        self._process: Any = None
        self._result: Any = None

    def look(self, progress: Progress) -> None:
        """Start the forecast, or take its result."""
        if self._process is None:
            if time.monotonic() >= self._begin:
                self._begin = float("inf")
                with suppress(OSError):  # no more processes; the run does not need it
                    self._start()
        elif self._result is not None and self._result.poll():
            result: Forecast | None = None
            with suppress(EOFError, OSError):  # it failed; the run does not need it
                result = self._result.recv()
            self._result = None
            if result is not None:
                self._tell(result, progress)

    def stop(self) -> None:
        """End the forecast, if it is still at work."""
        if self._process is not None:
            self._process.kill()
            self._process.join()

    def _start(self) -> None:
        import multiprocess

        self._result, theirs = multiprocess.Pipe(duplex=False)
        self._process = multiprocess.Process(
            target=_send, args=(theirs, self._forecast, self._request), daemon=True
        )
        self._process.start()
        theirs.close()


def _send(connection: Any, forecast: Callable[[Request], Any], request: Request) -> None:
    """Make a forecast and send it: the body of the process."""
    import signal

    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with suppress(InputError, ConnectionError):
        connection.send(forecast(request))
