"""How much memory this process has taken."""

from __future__ import annotations

import resource
import sys
from contextlib import suppress


def peak_memory_bytes() -> int:
    """Return the largest resident size of this process so far, in bytes."""
    # Linux hands getrusage's figure on through exec, so it may be that of a larger parent.
    with suppress(FileNotFoundError), open("/proc/self/status", "rb") as status:
        for line in status:
            if line.startswith(b"VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
