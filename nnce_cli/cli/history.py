"""The load history of a run: workers busy and tasks waiting over time, as a table."""

from __future__ import annotations

import time
from array import array
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnce_cli.run import Progress

MOST = 1 << 18  # entries; beyond that every other one is dropped, and half as many come in
COLUMNS = ("workers_busy", "tasks_waiting", "tasks_done", "cells")


class LoadHistory:
    """Notes what a run shows whenever it changes; `write` writes the table."""

    def __init__(self, path: Path, *, force: bool) -> None:
        """Begin the history; an existing file is replaced only with ``force``.

        Raises:
            InputError: the file cannot be written.
        """
        from nnce_cli.table import Output

        self._path = path
        self._force = force
        with Output(str(path), force=force):
            pass
        self._started = time.monotonic()
        self._seconds = array("d")
        self._columns = [array("q") for _ in COLUMNS]
        self._pause = 0.0  # seconds between entries

    def note(self, progress: Progress) -> None:
        """Note the present state, if it is another one."""
        now = time.monotonic() - self._started
        state = (progress.busy, progress.waiting, progress.done, progress.kept)
        if self._seconds:
            same = all(c[-1] == x for c, x in zip(self._columns, state, strict=True))
            if same or now < self._seconds[-1] + self._pause:
                return
        self._seconds.append(now)
        for column, value in zip(self._columns, state, strict=True):
            column.append(value)
        if len(self._seconds) >= MOST:
            self._seconds = self._seconds[::2]
            self._columns = [column[::2] for column in self._columns]
            self._pause = 2 * now / MOST

    def write(self) -> None:
        """Write the table: CSV where the file's name ends so, else Parquet.

        Raises:
            InputError: it cannot be written.
        """
        import numpy as np
        import pyarrow as pa
        import pyarrow.csv
        import pyarrow.parquet as pq

        from nnce_cli.table import Output

        columns = {"seconds": np.array(self._seconds)}
        columns |= {n: np.array(c) for n, c in zip(COLUMNS, self._columns, strict=True)}
        table = pa.table(columns)
        with Output(str(self._path), force=self._force) as output:
            if self._path.suffix == ".csv":
                pyarrow.csv.write_csv(table, output)
            else:
                pq.write_table(table, output)
            output.commit()
