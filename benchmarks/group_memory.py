"""The peak memory of a command and all its worker processes together, from Linux's /proc."""

from __future__ import annotations

import threading
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

SECONDS = 0.1  # between two looks, and more where these would cost
SHARE = 0.02  # of a core
FIELDS = {"Rss:": "rss", "Pss:": "pss", "Private_Clean:": "uss", "Private_Dirty:": "uss"}


class Memory(NamedTuple):
    """Bytes of some processes together.

    ``rss`` counts a page that processes share once for each of them, ``pss`` (proportional) once
    in all, and ``uss`` (unique) not at all.
    """

    rss: int = 0
    pss: int = 0
    uss: int = 0

    @property
    def is_known(self) -> bool:
        """Whether this system told; only Linux does."""
        return self.rss > 0


class MemoryWatch:
    """Looks at the memory of a session's processes again and again until the block ends.

    ``peak`` has the largest of each kind that was seen.
    """

    def __init__(self, session: int) -> None:
        self.peak = Memory()
        self._session = session
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> MemoryWatch:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            started = perf_counter()
            self.peak = Memory(*map(max, self.peak, memory_of_session(self._session)))
            if self._ended.wait(max(SECONDS, (perf_counter() - started) / SHARE)):
                return


def memory_of_session(session: int) -> Memory:
    """Return the memory of all processes of a session now."""
    total = dict.fromkeys(Memory._fields, 0)
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) != session:
                continue
            lines = (process / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue  # it has ended meanwhile
        for line in lines:
            name, number, *_ = [*line.split(), "", ""]
            if name in FIELDS:
                total[FIELDS[name]] += int(number) * 1024
    return Memory(**total)
