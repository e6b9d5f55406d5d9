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
from benchmarks.networks import known_layer_cells, network
from benchmarks.rungs import taken
from nnce_cli.base.memory import peak_memory_bytes
from nnce_cli.enumeration import Problem, batches, choose, walk_factory
from nnce_cli.table import CellTableWriter, Metadata, Output

if TYPE_CHECKING:
    from nnce_cli.domain import Box
    from nnce_cli.enumeration import Walk
    from nnce_cli.network import LayerStack

ENOUGH_SECONDS, LEAST_REPETITIONS, MOST_REPETITIONS = 3.0, 3, 9


@dataclass(frozen=True)
class Figures:
    """What was measured on one core: seconds of the processor, medians of ``repetitions`` in turns.

    ``times_the_floor`` is counting over one forward pass a cell, measured before and after each
    run, and ``spread`` how far its largest and least value are apart, over the median.
    ``exact_share`` is the share of the decisions (that a neuron cuts no cell, that a cell exists)
    which were taken in rational arithmetic, and ``decisions`` how many each rung of the ladder of
    proofs took (`benchmarks.rungs`). ``certified_over_not`` is counting with proofs over
    counting without; ``table_over_counting`` is enumerating into a table with witnesses over
    counting. ``peak_memory_bytes`` is that of the process that did all this.
    """

    network: str
    method: str
    cells: int
    layer_cells: list[int]
    repetitions: int
    counting_seconds: float
    cells_per_second: float
    floor_seconds: float
    times_the_floor: float
    spread: float
    linear_programs_per_cell: float
    pivots_per_cell: float
    exact_share: float
    decisions: dict[str, int]
    certified_over_not: float
    table_seconds: float
    table_over_counting: float
    table_bytes: int
    peak_memory_bytes: int


def measure(name: str) -> Figures:
    """Measure a network by its name.

    Raises:
        RuntimeError: the cells are not those that are known.
    """
    stack, box = network(name)
    floor = Floor(stack, box)
    _warm_up(stack.n_inputs)
    counting, floors, unproved, tables = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cells.parquet"
        while len(counting) < LEAST_REPETITIONS or (
            len(counting) < MOST_REPETITIONS and sum(counting) < ENOUGH_SECONDS
        ):
            before = floor.seconds_per_point()
            seconds, walk = count(stack, box)
            floors.append((before + floor.seconds_per_point()) / 2 * walk.cells)
            counting.append(seconds)
            unproved.append(count(stack, box, certify=False)[0])
            tables.append(write_table(stack, box, path))
        table_bytes = path.stat().st_size
    known = known_layer_cells(name)
    if known not in (None, walk.layer_cells):
        raise RuntimeError(f"{name} has {known} cells by layer, but {walk.layer_cells} were found")
    ratios = [t / f for t, f in zip(counting, floors, strict=True)]
    decisions = walk.decisions
    return Figures(
        network=name,
        method=choose(Problem.of(stack, box))[0],
        cells=walk.cells,
        layer_cells=walk.layer_cells,
        repetitions=len(counting),
        counting_seconds=median(counting),
        cells_per_second=walk.cells / median(counting),
        floor_seconds=median(floors),
        times_the_floor=median(ratios),
        spread=(max(ratios) - min(ratios)) / median(ratios),
        linear_programs_per_cell=decisions["linear_programs"] / walk.cells,
        pivots_per_cell=decisions["pivots"] / walk.cells,
        exact_share=exact_share(decisions),
        decisions=taken(decisions),
        certified_over_not=median(t / u for t, u in zip(counting, unproved, strict=True)),
        table_seconds=median(tables),
        table_over_counting=median(t / c for t, c in zip(tables, counting, strict=True)),
        table_bytes=table_bytes,
        peak_memory_bytes=peak_memory_bytes(),
    )


def exact_share(decisions: dict[str, int]) -> float:
    """Return the share of a walk's decisions that were taken in rational arithmetic."""
    exactly = decisions["neurons_exact"] + decisions["witnesses_exact"]
    return exactly / max(sum(taken(decisions).values()), 1)


def _warm_up(n_inputs: int) -> None:
    """Load all that is loaded when it is first used, on a network that takes no time."""
    stack, box = network(f"seeded-{min(n_inputs, 4)}-4-4")
    count(stack, box)
    with tempfile.TemporaryDirectory() as folder:
        write_table(stack, box, Path(folder) / "cells.parquet")


def count(stack: LayerStack, box: Box, *, certify: bool = True) -> tuple[float, Walk]:
    """Count the cells by the method that ``nnce`` would take; return the seconds and the walk."""
    started = time.process_time()
    problem = Problem.of(stack, box)
    walk = walk_factory(choose(problem)[0])(problem, rows=False, witness=False, certify=certify)
    for _ in batches(walk):
        pass
    return time.process_time() - started, walk


def write_table(stack: LayerStack, box: Box, path: Path) -> float:
    """Return the processor's seconds that enumerating into a table takes, by the same method."""
    metadata = Metadata.of(stack, box, witness=True)
    started = time.process_time()
    problem = Problem.of(stack, box)
    with Output(str(path), force=True) as output:
        writer = CellTableWriter(output, metadata)
        walk = walk_factory(choose(problem)[0])(problem)
        for batch in batches(walk):
            writer.write(batch)
        writer.close(complete=walk.done, certified=True, decisions=walk.decisions)
        output.commit()
    return time.process_time() - started


if __name__ == "__main__":
    print(json.dumps(asdict(measure(sys.argv[1]))))
