"""Print how often the intervals of `nnce estimate` hold the truth: ``-m benchmarks.calibration``.

Each network is estimated many times with different seeds and few probes, and its cells are known,
from a file beside the project or by counting them. Printed are, for the last layer and for the
worst layer, how many of the intervals that were given hold the truth, how many runs gave none,
and the median of an interval's high end over its low end. ``--costs`` compares the forecasts of
time and size with one run instead.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.measure import count, write_table
from benchmarks.networks import known_layer_cells, network
from benchmarks.networks import names as known_names
from nnce_cli.analysis.estimate import Forecast, Quantity, forecast
from nnce_cli.analysis.estimate.study import Study
from nnce_cli.enumeration import DICTIONARY, Problem, batches, walk_factory

if TYPE_CHECKING:
    from nnce_cli.analysis.estimate.probes import Probe
    from nnce_cli.domain import Box
    from nnce_cli.network import LayerStack

SHAPES = (
    "2-32-32", "2-64-64", "2-128-128", "3-32-32", "3-8-8-8", "4-32-32", "5-20-20", "6-16-16",
    "8-12-12", "16-10-10", "20-10-10-10", "50-8-8-8",
)  # fmt: skip


class CellsOnly(Study):
    """A study that looks at the number of cells, and never at the whole tree to save time."""

    def measure_speed(self, pilot: Probe) -> None:
        """Leave it out: it has no part in the number of cells, and takes most of the time."""


@dataclass(frozen=True)
class Coverage:
    """Of ``runs`` estimates of one number, how many were given, how many of these are right."""

    runs: int
    given: int
    right: int
    width: float

    @staticmethod
    def of(quantities: list[Quantity], truth: int) -> Coverage:
        """Compare estimates with the truth."""
        given = [q for q in quantities if q.low is not None and q.high is not None]
        right = sum(q.low <= truth <= q.high for q in given)
        width = statistics.median(q.high / q.low for q in given) if given else math.nan
        return Coverage(len(quantities), len(given), right, width)

    @property
    def share(self) -> float:
        """The share of the intervals given that hold the truth."""
        return self.right / self.given if self.given else math.nan


def coverage(
    stack: LayerStack, box: Box, truth: list[int], probes: int, runs: int
) -> list[Coverage]:
    """Estimate a network ``runs`` times, with seeds 0, 1, …; return the coverage of each layer."""
    forecasts: list[Forecast] = []
    for seed in range(runs):
        study = CellsOnly(stack, box, seed, probes, math.inf)
        study.probe()
        forecasts.append(study.forecast(jobs=1))
    return [
        Coverage.of([result.layer_cells[k] for result in forecasts], cells)
        for k, cells in enumerate(truth)
    ]


def known_cells(name: str) -> list[int]:
    """Return the cells after each layer: those of a known case, else by counting."""
    if (known := known_layer_cells(name)) is not None:
        return known
    walk = walk_factory(DICTIONARY)(Problem.of(*network(name)), rows=False, witness=False)
    for _ in batches(walk):
        pass
    return list(walk.layer_cells)


def names() -> list[str]:
    """Return the networks by name: known cases where they are present, and seeded ones."""
    random = [f"random-{shape}" for shape in SHAPES]
    present = [name for name in random if name in known_names()]
    return present + [f"seeded-{shape}" for shape in SHAPES]


def main() -> None:
    """Print a row for each network and number of probes, and the sum of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="NAME", action="append", help="repeatable")
    parser.add_argument("--probes", metavar="N", type=int, action="append", help="repeatable")
    parser.add_argument("--runs", metavar="N", type=int, default=200)
    parser.add_argument("--costs", action="store_true", help="time and size instead of cells")
    options = parser.parse_args()
    if options.costs:
        print("network | seconds / forecast | in its interval | bytes / forecast | in its interval")
        for name in options.only or names():
            _print_costs(name)
        return
    print(
        "network | cells | probes | last layer holds | worst layer | none | high / low | ms a run"
    )
    for probes in options.probes or [1000]:
        given = right = 0
        for name in options.only or names():
            last = _print_coverage(name, probes, options.runs)
            given, right = given + last.given, right + last.right
        print(f"all | | {probes:,} | {right / max(given, 1):.1%} | | | |", flush=True)


def _print_coverage(name: str, probes: int, runs: int) -> Coverage:
    truth = known_cells(name)
    started = time.perf_counter()
    layers = coverage(*network(name), truth, probes, runs)
    milliseconds = (time.perf_counter() - started) / runs * 1e3
    last, worst = layers[-1], min(layers, key=lambda layer: (layer.share, layer.given))
    print(
        f"{name} | {truth[-1]:,} | {probes:,} | {last.share:.1%} | {worst.share:.1%} | "
        f"{1 - last.given / runs:.0%} | {last.width:.2f} | {milliseconds:.0f}",
        flush=True,
    )
    return last


def _print_costs(name: str) -> None:
    """Compare the forecast of a run on one core with the run, in the processor's seconds."""
    stack, box = network(name)
    count(*network("seeded-2-4-4"))
    result = forecast(stack, box, probes=1000, jobs=1)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "cells.parquet"
        started = time.process_time()
        write_table(stack, box, path)
        seconds = time.process_time() - started
        size = path.stat().st_size
    pairs = [(seconds, result.table_seconds), (size, result.table_bytes)]
    texts = [
        f"{true / q.estimate:.2f} | {'yes' if q.low <= true <= q.high else 'no'}"
        for true, q in pairs
    ]
    print(f"{name} | {' | '.join(texts)}", flush=True)


if __name__ == "__main__":
    main()
