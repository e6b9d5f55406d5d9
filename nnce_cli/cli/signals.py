"""Stopping a run with what it has found so far."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Stop:
    """Whether a signal has asked the run to stop."""

    requested: bool = False

    def is_requested(self) -> bool:
        """Tell whether a signal has come."""
        return self.requested


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Turn the first interrupt, termination or hang-up into a request; the second interrupts."""
    stop = Stop()

    def request(number: int, frame: FrameType | None) -> None:
        if stop.requested:
            raise KeyboardInterrupt
        stop.requested = True

    numbers = [
        number
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is not signal.SIG_IGN  # a background job, or under nohup
    ]
    handlers = {number: signal.signal(number, request) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
