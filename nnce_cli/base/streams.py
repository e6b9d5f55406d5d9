"""Standard output and error: what is written there never changes what the work is worth.

Standard output is ours, too: what other people's code writes to it would spoil our data.
"""

from __future__ import annotations

import ctypes
import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

STDIN, STDOUT, STDERR = range(3)  # the file descriptors, which C and C++ code writes to
_LOCK = RLock()


class SteadyText(io.TextIOWrapper):
    """Standard output or error as text: writing never fails, and ``lost`` says what it cost.

    Where the reader is gone, the disk is full, or there is no such stream, the rest goes to
    nowhere. The buffer beneath, for binary data, raises as any other. What the encoding does not
    have is written with escapes.
    """

    def __init__(self, buffer: Any, **options: Any) -> None:
        super().__init__(buffer, **{"encoding": "utf-8", "errors": "backslashreplace"} | options)
        self.lost: OSError | None = None

    @property
    def is_there(self) -> bool:
        """Whether the process was started with this stream."""
        return not isinstance(getattr(self.buffer, "raw", None), _Closed)

    def write(self, text: str, /) -> int:
        """Write the text, if that is possible."""
        try:
            return super().write(text)
        except OSError as error:
            self._lose(error)
            return len(text)

    def flush(self) -> None:
        """Hand everything to the operating system, if that is possible."""
        try:
            super().flush()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: OSError) -> None:
        self.lost = self.lost or error
        send_nowhere(self.fileno())


class _Closed(io.RawIOBase):
    """A stream that was closed before the process began: the first write tells so."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._told = False

    def fileno(self) -> int:
        return self._descriptor

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        if not self._told:
            self._told = True
            raise OSError(errno.EBADF, "it is closed")
        return len(data)


def steady_streams() -> None:
    """Make standard output and error steady, unless somebody has put others in their place.

    A descriptor that is closed is opened on nothing, or the next file that is opened would be
    standard output to the libraries that write there.
    """
    for descriptor in (STDIN, STDOUT, STDERR):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free: this one
    if sys.stdout is sys.__stdout__:
        sys.stdout = _steady(sys.stdout, STDOUT)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _steady(sys.stderr, STDERR)


def _steady(stream: Any, descriptor: int) -> SteadyText:
    if stream is None:
        return SteadyText(io.BufferedWriter(_Closed(descriptor)))
    if isinstance(stream, SteadyText):
        return stream
    options = {"encoding": stream.encoding, "line_buffering": stream.line_buffering}
    options["write_through"] = stream.write_through
    return SteadyText(stream.detach(), **options)


def lost_output() -> OSError | None:
    """Return why text for standard output was lost, None where it was not, or not by fault.

    A reader that has closed its pipe has read what it wanted.
    """
    if not isinstance(sys.stdout, SteadyText):
        return None
    sys.stdout.flush()
    return None if isinstance(sys.stdout.lost, BrokenPipeError) else sys.stdout.lost


def send_nowhere(descriptor: int) -> None:
    """Send to nowhere what is still written to a descriptor."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


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
        send_nowhere(STDOUT)
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
