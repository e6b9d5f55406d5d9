"""How many processes may work at a time."""

from __future__ import annotations

import os

MOST_PROCESSES = 4096  # that can be asked for


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1
