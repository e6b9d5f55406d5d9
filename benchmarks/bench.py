"""Print how fast the enumeration is, against the floor: ``python -m benchmarks.bench``.

The floor is one float64 forward pass a cell, batched in NumPy, on one core, measured in the same
process right before and after. Compiling the kernels is not counted. Networks named ``random-…``
are known cases that lie beside the project, where they are present; ``seeded-…`` are made here.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.networks import names

ONE_THREAD = dict.fromkeys(
    ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"], "1"
)
COLUMNS = {
    "network": "{network}",
    "cells": "{cells:,}",
    "cells/s": "{cells_per_second:,.0f}",
    "times the floor": "{times_the_floor:.1f}",
    "proved / not": "{certified_over_not:.2f}",
    "table / counting": "{table_over_counting:.2f}",
    "table MB": "{table_megabytes:.1f}",
    "peak memory MB": "{peak_megabytes:.0f}",
}


def main() -> None:
    """Measure networks one after the other and print a row for each as it is done."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", metavar="NAME", action="append", choices=names(), help="measure this; repeatable"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object a line")
    options = parser.parse_args()
    chosen = options.only or names()
    widths = [max(map(len, chosen)), *map(len, list(COLUMNS)[1:])]
    if not options.json:
        _print_row(list(COLUMNS), widths)
    for name in chosen:
        figures = _measure(name)
        if options.json:
            print(json.dumps(figures), flush=True)
        else:
            _print_row([text.format(**figures) for text in COLUMNS.values()], widths)


def _measure(name: str) -> dict[str, Any]:
    """Measure a network in a process of its own; return its figures, and sizes in megabytes."""
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks.measure", name],
        stdout=subprocess.PIPE,
        check=True,
        cwd=Path(__file__).resolve().parents[1],
        env=os.environ | ONE_THREAD,
    )
    figures: dict[str, Any] = json.loads(finished.stdout)
    figures["table_megabytes"] = figures["table_bytes"] / 1e6
    figures["peak_megabytes"] = figures["peak_memory_bytes"] / 1e6
    return figures


def _print_row(cells: list[str], widths: list[int]) -> None:
    """Print a row: the name to the left, numbers to the right."""
    name, *numbers = cells
    padded = [text.rjust(width) for text, width in zip(numbers, widths[1:], strict=True)]
    print(name.ljust(widths[0]), *padded, sep="  ", flush=True)


if __name__ == "__main__":
    main()
