"""What a cell costs, measured on subtrees: seconds to count it and to write it, bytes in a table.

The subtrees are those around cells drawn at random, so a subtree is met in proportion to its
cells, and the mean of the costs per cell over the subtrees is that over all cells.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from nnce_cli.analysis.estimate.probes import Probe
from nnce_cli.enumeration import (
    DICTIONARY,
    CellBatch,
    Problem,
    Subtree,
    Walk,
    batches,
    choose,
    walk_factory,
)
from nnce_cli.network import LayerStack
from nnce_cli.table import CellTableWriter, Metadata, Output

FIRST_NODES = 1 << 10  # walked before the clock is looked at, then twice as many
LARGEST = 8  # times the cells that are wanted: what is walked of a subtree that turns out larger


@dataclass(frozen=True, eq=False)
class Speed:
    """Costs of a cell in each of m >= 1 subtrees (m,), and of a row in their table.

    Seconds are those of one core, of a table as it is wanted. ``row_bytes`` is without the column
    ``witness``, ``witness_bytes`` for that column, ``frame_bytes`` what the table has besides its
    rows.
    """

    count_seconds: NDArray[np.float64]
    table_seconds: NDArray[np.float64]
    row_bytes: float
    witness_bytes: float
    frame_bytes: int


def measure_speed(
    problem: Problem,
    stack: LayerStack,
    probe: Probe,
    cells: float,
    deadline: float,
    *,
    witness: bool,
) -> Speed | None:
    """Walk subtrees of about ``cells`` cells around the probe's sample, until ``deadline``.

    ``stack`` is the network as given, for the table, which has witnesses with ``witness``. The
    walks are those of the method that ``nnce enumerate`` chooses. None where no subtree shows a
    cell in time.
    """
    chosen = _subtrees(probe, cells)
    walk_of = walk_factory(choose(problem)[0])
    most = LARGEST * cells
    count_costs: list[float] = []
    table_costs: list[float] = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sample.parquet"
        with Output(str(path)) as output:
            writer = CellTableWriter(output, Metadata.of(stack, problem.domain, witness=witness))
            for subtree, times in chosen:
                counting = walk_of(problem, subtree, rows=False, witness=False)
                counted = _seconds_per_cell(counting, most, None, deadline)
                writing = walk_of(problem, subtree, witness=witness)
                written = _seconds_per_cell(writing, most, writer.write, deadline)
                if counted is not None and written is not None:
                    count_costs += [counted] * times
                    table_costs += [written] * times
                if time.perf_counter() > deadline:
                    break
            writer.close(complete=False, certified=True, decisions={})
            if not count_costs:
                return None
            output.commit()
        row, witnesses, frame = _sizes(path)
    if not witness:
        witnesses = _bytes_of_witnesses(problem, stack, chosen[0][0])
    return Speed(np.array(count_costs), np.array(table_costs), row, witnesses, frame)


def _bytes_of_witnesses(problem: Problem, stack: LayerStack, subtree: Subtree) -> float:
    """Return what a row's witness would weigh, from the first rows of a subtree."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "witnesses.parquet"
        with Output(str(path)) as output:
            writer = CellTableWriter(output, Metadata.of(stack, problem.domain, witness=True))
            walk = walk_factory(DICTIONARY)(problem, subtree)
            for batch in batches(walk, FIRST_NODES):
                writer.write(batch)
            writer.close(complete=False, certified=True, decisions={})
            output.commit()
        return _sizes(path)[1]


def _subtrees(probe: Probe, cells: float) -> list[tuple[Subtree, int]]:
    """Return distinct subtrees of about ``cells`` cells in table order, and how often each is met.

    They are those below the first neurons, as many of them as leave so many cells below them.
    """
    neurons = int(np.argmax(probe.sizes[-1] / probe.sizes <= max(cells, 1.0)))
    met = Counter(tuple(signs[:neurons].tolist()) for signs in probe.sample)
    return [(Subtree(prefix), times) for prefix, times in sorted(met.items())]


def _seconds_per_cell(
    walk: Walk,
    most: float,
    take: Callable[[CellBatch], object] | None,
    deadline: float,
) -> float | None:
    """Return the processor's seconds a cell that a walk takes, the way to its root left out.

    Not the clock's: what else the machine does for a moment would be a large part of so short a
    measurement.
    """
    for batch in batches(walk, 1):
        if take is not None:
            take(batch)
    before, started, nodes = walk.cells, time.process_time(), FIRST_NODES
    while not walk.done and walk.cells - before < most and time.perf_counter() < deadline:
        for batch in batches(walk, nodes):
            if take is not None:
                take(batch)
        nodes *= 2
    found = walk.cells - before
    return (time.process_time() - started) / found if found else None


def _sizes(path: Path) -> tuple[float, float, int]:
    """Return the bytes a row of a table (all columns but ``witness``, that one), and the rest."""
    footer = pq.read_metadata(path)
    row = witness = 0
    for g in range(footer.num_row_groups):
        group = footer.row_group(g)
        for c in range(footer.num_columns):
            column = group.column(c)
            if column.path_in_schema.startswith("witness"):
                witness += column.total_compressed_size
            else:
                row += column.total_compressed_size
    rows = max(footer.num_rows, 1)
    return row / rows, witness / rows, path.stat().st_size - row - witness
