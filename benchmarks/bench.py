"""Measure the enumeration against the floor and against others: ``python -m benchmarks.bench``.

The floor is one float64 forward pass a cell, batched in NumPy, on one core, measured in the same
process right before and after. Times with two workers are those that ``nnce enumerate`` reports,
without the start of its own process; they are measured on large networks alone, since elsewhere
the start of the workers is most of it.

All networks together, with the programs of `benchmarks.peers`, are a measured state: a line of
benchmarks/history.jsonl. With ``--only`` nothing is written.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import history, peers, rungs
from benchmarks.command import count_cells
from benchmarks.networks import default_names, names

ONE_THREAD = dict.fromkeys(
    ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"], "1"
)
LARGE, ROUNDS = 100_000, 3  # cells from which on two workers are timed, and how often
COLUMNS = {
    "network": "{network}",
    "method": "{method}",
    "cells": "{cells:,}",
    "cells/s": "{cells_per_second:,.0f}",
    "times the floor": "{times_the_floor:.1f}",
    "LPs a cell": "{linear_programs_per_cell:.2f}",
    "pivots a cell": "{pivots_per_cell:.2f}",
    "exact": "{exact_share:.2%}",
    "proved / not": "{certified_over_not:.2f}",
    "table / counting": "{table_over_counting:.2f}",
    "peak MB": "{peak_megabytes:.0f}",
    "-j 2 / -j 1": "{two_workers}",
}


def main() -> None:
    """Measure networks one after the other and print a row for each as it is done."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", metavar="NAME", action="append", choices=names(), help="measure this; repeatable"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object a line")
    options = parser.parse_args()
    chosen = options.only or default_names()
    state = history.this_state()
    widths = [max(map(len, chosen)), 10, *map(len, list(COLUMNS)[2:])]
    if not options.json:
        print_row(list(COLUMNS), widths)
    for name in chosen:
        figures = _measure(name)
        state.networks[name] = figures
        if options.json:
            print(json.dumps(figures), flush=True)
        else:
            print_row(row(figures), widths)
    if not options.json:
        print_rungs(list(state.networks.values()))
    if options.only:
        return
    rows = peers.measure()
    if options.json:
        print("\n".join(map(json.dumps, rows)), flush=True)
    else:
        print(*["", *peers.table(rows)], sep="\n")
    history.append(dataclasses.replace(state, peers=rows))


def row(figures: dict[str, Any]) -> list[str]:
    """Return the text of each of `COLUMNS`."""
    ratio = figures["jobs_2_over_1"]
    more = {
        "peak_megabytes": figures["peak_memory_bytes"] / 1e6,
        "two_workers": "" if ratio is None else f"{ratio:.2f}",
    }
    return [text.format(**figures, **more) for text in COLUMNS.values()]


def print_rungs(measured: list[dict[str, Any]]) -> None:
    """Print which rungs of the ladder of proofs took the decisions of each network."""
    rows = [rungs.HEAD, *map(rungs.row, measured)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print()
    for texts in rows:
        print_row(texts, widths)


def _measure(name: str) -> dict[str, Any]:
    """Measure a network in a process of its own, and then the command."""
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks.measure", name],
        stdout=subprocess.PIPE,
        check=True,
        cwd=Path(__file__).resolve().parents[1],
        env=os.environ | ONE_THREAD,
    )
    figures: dict[str, Any] = json.loads(finished.stdout)
    figures["jobs_2_over_1"] = two_workers_over_one(name) if figures["cells"] >= LARGE else None
    return figures


def two_workers_over_one(name: str) -> float:
    """Return the command's time with two workers over that with one: the shortest, in turns."""
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(ROUNDS):
        for jobs, times in seconds.items():
            times.append(count_cells(name, jobs).summary["seconds"])
    return min(seconds[2]) / min(seconds[1])


def print_row(cells: list[str], widths: list[int]) -> None:
    """Print a row: the names to the left, numbers to the right."""
    texts = [text.ljust(width) for text, width in zip(cells[:2], widths[:2], strict=True)]
    numbers = [text.rjust(width) for text, width in zip(cells[2:], widths[2:], strict=True)]
    print(*texts, *numbers, sep="  ", flush=True)


if __name__ == "__main__":
    main()
