"""How much memory this process has taken, and whether there was more."""

from __future__ import annotations

import errno
import resource
import sys
from contextlib import suppress

# What the loader says of a library for which it finds no memory.
_NOT_LOADED = ("failed to map segment", "cannot allocate memory", "cannot create shared object")


LEAST_BYTES = 400 * 2**20  # of addresses: NumPy, onnx and their buffers


def refuse_few_addresses() -> None:
    """Refuse to start where a limit leaves no room for the libraries.

    OpenBLAS ends the process by itself where it finds none for its buffers.

    Raises:
        MemoryError: it does.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < LEAST_BYTES:
        raise MemoryError


def peak_memory_bytes() -> int:
    """Return the largest resident size of this process so far, in bytes."""
    # Linux hands getrusage's figure on through exec, so it may be that of a larger parent.
    with suppress(FileNotFoundError), open("/proc/self/status", "rb") as status:
        for line in status:
            if line.startswith(b"VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether there was no memory for what was asked, a library for instance."""
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    if isinstance(error, ImportError | OSError):
        return any(words in str(error).lower() for words in _NOT_LOADED)
    return isinstance(error, MemoryError)
