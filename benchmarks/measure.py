"""Measure one network and print the figures as JSON: ``python -m benchmarks.measure NAME``.

A process of its own, so that the peak memory is that of this network. Run by `benchmarks.bench`,
which keeps NumPy to one thread.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.floor import Floor
from benchmarks.networks import network
from nnce_cli.enumeration import Enumeration
from nnce_cli.memory import peak_memory_bytes
from nnce_cli.table import CellTableWriter, Metadata, Output

if TYPE_CHECKING:
    from nnce_cli.domain import Box
    from nnce_cli.network import LayerStack

ENOUGH_SECONDS, MOST_REPETITIONS = 3.0, 7


@dataclass(frozen=True)
class Figures:
    """What was measured; times in seconds, medians of ``repetitions`` runs.

    ``times_the_floor`` is counting over one forward pass a cell, measured before and after each
    run; ``certified_over_not`` is counting with proofs over counting without; and
    ``table_over_counting`` is enumerating into a table with witnesses over counting.
    """

    network: str
    cells: int
    repetitions: int
    counting_seconds: float
    cells_per_second: float
    floor_seconds: float
    times_the_floor: float
    certified_over_not: float
    table_seconds: float
    table_over_counting: float
    table_bytes: int
    peak_memory_bytes: int


def measure(name: str) -> Figures:
    """Measure a network by its name."""
    stack, box = network(name)
    floor = Floor(stack, box)
    _warm_up()
    counting, floors, unproved, tables = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cells.parquet"
        while len(counting) < MOST_REPETITIONS and sum(counting) < ENOUGH_SECONDS:
            before = floor.seconds_per_point()
            seconds, cells = _count(stack, box)
            floors.append((before + floor.seconds_per_point()) / 2 * cells)
            counting.append(seconds)
            unproved.append(_count(stack, box, certify=False)[0])
            tables.append(_write_table(stack, box, path))
        table_bytes = path.stat().st_size
    return Figures(
        network=name,
        cells=cells,
        repetitions=len(counting),
        counting_seconds=median(counting),
        cells_per_second=cells / median(counting),
        floor_seconds=median(floors),
        times_the_floor=median(t / f for t, f in zip(counting, floors, strict=True)),
        certified_over_not=median(t / u for t, u in zip(counting, unproved, strict=True)),
        table_seconds=median(tables),
        table_over_counting=median(t / c for t, c in zip(tables, counting, strict=True)),
        table_bytes=table_bytes,
        peak_memory_bytes=peak_memory_bytes(),
    )


def _warm_up() -> None:
    """Compile the kernels, or load them from the cache, on a network that takes no time."""
    stack, box = network("seeded-2-4-4")
    _count(stack, box)
    with tempfile.TemporaryDirectory() as folder:
        _write_table(stack, box, Path(folder) / "cells.parquet")


def _count(stack: LayerStack, box: Box, *, certify: bool = True) -> tuple[float, int]:
    """Return the seconds that counting takes, and the number of cells."""
    started = time.perf_counter()
    run = Enumeration(stack, box, rows=False, witness=False, certify=certify)
    for _ in run.batches():
        pass
    return time.perf_counter() - started, run.cells


def _write_table(stack: LayerStack, box: Box, path: Path) -> float:
    """Return the seconds that enumerating into a table takes."""
    metadata = Metadata.of(stack, box, witness=True)
    started = time.perf_counter()
    with Output(str(path), force=True) as output:
        writer = CellTableWriter(output, metadata)
        run = Enumeration(stack, box)
        for batch in run.batches():
            writer.write(batch)
        writer.close(complete=run.complete, certified=run.certified, decisions=run.decisions)
        output.commit()
    return time.perf_counter() - started


if __name__ == "__main__":
    print(json.dumps(asdict(measure(sys.argv[1]))))
