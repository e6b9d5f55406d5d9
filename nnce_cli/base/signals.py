"""Stopping a run with what it has found so far."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Stop:
    """Whether a signal has asked the run to stop."""

    requested: bool = False

    def is_requested(self) -> bool:
        """Tell whether a signal has come."""
        return self.requested


@contextmanager
def stop_on_signals(numbers: Sequence[signal.Signals] = STOPPING) -> Iterator[Stop]:
    """Turn the first interrupt, termination or hang-up into a request; the second interrupts.

    Signals are the main thread's business: in another one this does nothing.
    """
    stop = Stop()

    def request(number: int, frame: FrameType | None) -> None:
        if stop.requested:
            raise KeyboardInterrupt
        stop.requested = True

    ours = [
        number
        for number in numbers
        if threading.current_thread() is threading.main_thread()
        and signal.getsignal(number) is not signal.SIG_IGN  # a background job, or under nohup
    ]
    handlers = {number: signal.signal(number, request) for number in ours}
    try:
        yield stop
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
