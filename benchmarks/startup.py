"""What commands cost before they do anything: seconds by the clock and of processor, and memory.

``python -m benchmarks.startup [RUNS]`` runs each command on a network of 28 cells, so that nearly
all that is measured is the start, and prints the median of the runs, after one that does not count,
and the largest memory.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MODEL = Path(__file__).parents[1] / "sample_models" / "hand-made.onnx"
TABLE = "cells.parquet"
COMMANDS = [
    ["--help"],
    ["inspect", str(MODEL)],
    ["enumerate", str(MODEL), "--count-only", "-q", "-j", "1"],
    ["enumerate", str(MODEL), "-o", TABLE, "--force", "-q"],
    ["stats", TABLE],
    ["verify", TABLE, str(MODEL)],
]
# Python keeps what it compiled, as it does for users.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True)
class Cost:
    """What one command took: seconds by the clock and of processor, and bytes."""

    clock: float
    processor: float
    memory: int


def cost(arguments: Sequence[str], folder: Path) -> Cost:
    """Run ``nnce`` once; its children count, but for their memory."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "nnce_cli", *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    clock = time.perf_counter() - started
    if status != 0:
        raise SystemExit(f"nnce {' '.join(arguments)} failed")
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(clock, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)


def main(runs: int = 7) -> None:
    """Print the table."""
    print("| command | clock, s | processor, s | peak memory, MB |")
    print("|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for arguments in COMMANDS:
            cost(arguments, Path(folder))
            costs = [cost(arguments, Path(folder)) for _ in range(runs)]
            words = " ".join("hand-made.onnx" if a == str(MODEL) else a for a in arguments)
            clock = statistics.median(c.clock for c in costs)
            processor = statistics.median(c.processor for c in costs)
            memory = max(c.memory for c in costs) / 1e6
            print(f"| nnce {words} | {clock:.2f} | {processor:.2f} | {memory:,.0f} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
