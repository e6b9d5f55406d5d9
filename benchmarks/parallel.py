"""What workers gain and what they cost: ``python -m benchmarks.parallel``.

Times the count and the whole table of a network with one worker, with two, and the latter by a walk
in this process that writes the same rows, in turns, and takes the shortest of each. What two cores
can give at most is measured in the same run: two walks side by side, against one. Cores that share
caches and turbo clocks give less than two.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WALK = "import sys; from benchmarks.parallel import walk; walk(*sys.argv[1:])"


def main() -> None:
    """Measure each network and print a row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--widths", action="append", metavar="N-N-N", help="repeatable")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    options = parser.parse_args()
    print("                      seconds of -j 1   -j 1 / -j 2   two cores  table, -j 1 /")
    print("network         cells  count    table  count   table   at most   in process")
    for widths in options.widths or ["8-16-16", "6-26-26"]:
        row = measure(widths, options.rounds)
        print(
            f"{widths:9} {row['cells']:11,}  {row['count_seconds']:5.1f}  "
            f"{row['table_seconds']:7.1f}  {row['count_speed_up']:5.2f}  "
            f"{row['table_speed_up']:6.2f}  {row['limit']:8.2f}  {row['over_in_process']:11.3f}",
            flush=True,
        )


def measure(widths: str, rounds: int) -> dict[str, float]:
    """Return the ratios of the shortest times of a seeded network."""
    from benchmarks.networks import network
    from tests.command import save_network

    stack, _ = network(f"seeded-{widths}")
    assert stack.output is not None
    layers = [(layer.weight, layer.bias) for layer in (*stack.hidden, stack.output)]
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        model = save_network(Path(folder) / "model.onnx", layers)
        for _ in range(rounds):
            for jobs in (1, 2):
                for what in ("count", "table"):
                    summary = _enumerate(model, jobs, what)
                    _keep(best, f"{what} {jobs}", float(summary["seconds"]))
            _keep(best, "in process", _walks(model, 1, "table"))
            _keep(best, "alone", _walks(model, 1, "count"))
            _keep(best, "side by side", _walks(model, 2, "count"))
    return {
        "cells": int(summary["cells"]),
        "count_seconds": best["count 1"],
        "table_seconds": best["table 1"],
        "count_speed_up": best["count 1"] / best["count 2"],
        "table_speed_up": best["table 1"] / best["table 2"],
        "limit": 2 * best["alone"] / best["side by side"],
        "over_in_process": best["table 1"] / best["in process"],
    }


def walk(model: str, what: str) -> None:
    """Walk a network in this process after a line on standard input; print the seconds."""
    from nnce_cli.domain import parse_box
    from nnce_cli.enumeration import DICTIONARY, Problem, batches, walk_factory
    from nnce_cli.network import load_network
    from nnce_cli.table import CellTableWriter, Metadata, Output

    stack = load_network(Path(model))
    box = parse_box("-1,1", stack.n_inputs)
    rows = what == "table"
    cells = walk_factory(DICTIONARY)(Problem.of(stack, box), rows=rows, witness=rows)
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.perf_counter()
    if rows:
        with Output(f"{model}.{time.time_ns()}.cells") as output:
            writer = CellTableWriter(output, Metadata.of(stack, box, witness=True))
            for batch in batches(cells):
                writer.write(batch)
            writer.close(complete=True, certified=True, decisions=cells.decisions)
            output.commit()
    else:
        for _ in batches(cells):
            pass
    print(time.perf_counter() - started)


def _enumerate(model: Path, jobs: int, what: str) -> dict[str, float]:
    where = ["-o", f"{model}.t"] if what == "table" else ["--count-only", "--run-dir", f"{model}.r"]
    command = [Path(sys.executable).parent / "nnce", "enumerate", model, *where]
    options = ["--force", "--quiet", "--json", "--method", "dictionary", "-j", str(jobs)]
    finished = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
    summary: dict[str, float] = json.loads(finished.stdout)
    return summary


def _walks(model: Path, count: int, what: str) -> float:
    """Return the time of the slowest of some walks that begin together."""
    command = [sys.executable, "-c", WALK, str(model), what]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    walks = [subprocess.Popen(command, text=True, **pipes) for _ in range(count)]
    for process in walks:
        assert process.stdout is not None
        process.stdout.readline()
    return max(float(process.communicate("go\n")[0]) for process in walks)


def _keep(best: dict[str, float], name: str, seconds: float) -> None:
    best[name] = min(seconds, best.get(name, seconds))


if __name__ == "__main__":
    main()
