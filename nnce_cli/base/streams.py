"""Standard output is ours: what other people's code writes to it would spoil our data."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

STDOUT = 1  # the file descriptor, which C and C++ code writes to
_LOCK = RLock()


@contextmanager
def silent_stdout() -> Iterator[None]:
    """Send to nowhere what is written to standard output inside, by native code too.

    What we wrote before comes out first. The descriptor belongs to the whole process, so other
    threads had better not write to it meanwhile; others that come here wait.
    """
    with _LOCK:
        _flush()
        try:
            kept = os.dup(STDOUT)
        except OSError:  # closed: nothing comes out anyway
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, STDOUT)
        os.close(nowhere)
        try:
            yield
        finally:
            _flush()  # C keeps what it writes to a pipe back, and would write it later
            os.dup2(kept, STDOUT)
            os.close(kept)


def _flush() -> None:
    """Write out what Python and C keep back."""
    if sys.stdout is not None and not sys.stdout.closed:
        sys.stdout.flush()
    ctypes.CDLL(None).fflush(None)
