"""Other programs and the method as published beside nnce, in one run: ``-m benchmarks.peers``.

On small networks everybody finds all cells, and the numbers must agree. On large ones the others
stop after some cells, and the seconds a cell are compared: those of nnce are of the whole network.
Seconds are those of the processor, on one core.

relucent (https://pypi.org/project/relucent, breadth-first search from cell to cell with Gurobi) is
run where a virtual environment has it: ``make bench-peers`` makes .venv-peers. Gurobi's licence
that comes with it is limited in size.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import baselines
from benchmarks.networks import network

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
NETWORKS = {"seeded-2-10-10": None, "seeded-3-8-8": None, "seeded-20-5-5": None,
            "seeded-6-16-16": 100, "seeded-8-12-12": 100}  # fmt: skip
OURS, RELUCENT = "nnce", "relucent"
BASELINES = {"as published, scipy linprog": "linprog", "as published, cvxpy": "cvxpy"}
ENOUGH_SECONDS, LEAST_TURNS = 0.5, 3
MOST_SECONDS = 300.0
HEAD = "| network | program | cells | seconds a cell | times nnce |\n|---|---|--:|--:|--:|"


def main() -> None:
    """Measure all and print a Markdown table, or one JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one", nargs=3, metavar=("NETWORK", "TEST", "MOST"))
    parser.add_argument("--json", action="store_true", help="print a JSON object a line")
    options = parser.parse_args()
    if options.one:
        name, test, most = options.one
        print(json.dumps(run_baseline(name, test, int(most) or None)))
        return
    rows = measure()
    print("\n".join(map(json.dumps, rows)) if options.json else "\n".join(table(rows)))


def measure() -> list[dict[str, Any]]:
    """Return a row for each network and program.

    ``cells`` of ``all_cells`` were found in ``seconds``; ``trouble`` says in a line why a program
    could not run.

    Raises:
        RuntimeError: programs that were to find all cells disagree.
    """
    rows = []
    for name, most in NETWORKS.items():
        ours = run_nnce(name)
        found = {OURS: ours}
        for title, test in BASELINES.items():
            found[title] = _in_a_process("-m", "benchmarks.peers", "--one", name, test, most or 0)
        found[RELUCENT] = run_relucent(name, most)
        for program, figures in found.items():
            if most is None and figures.get("cells", ours["cells"]) != ours["cells"]:
                raise RuntimeError(f"{program} finds {figures['cells']} cells of {name}: {ours}")
            rows.append(_row(name, program, ours) | figures)
    return rows


def _row(name: str, program: str, ours: dict[str, Any]) -> dict[str, Any]:
    return {"network": name, "program": program, "all_cells": ours["cells"], "trouble": None}


def run_nnce(name: str) -> dict[str, Any]:
    """Count all cells again and again; return the shortest time."""
    from benchmarks.measure import count

    stack, box = network(name)
    count(stack, box)  # compiles, or loads what is compiled
    times: list[dict[str, Any]] = []
    while len(times) < LEAST_TURNS or sum(each["seconds"] for each in times) < ENOUGH_SECONDS:
        times.append(_timed(lambda: count(stack, box)[1].cells))
    return min(times, key=lambda figures: figures["seconds"])


def run_baseline(name: str, test: str, most: int | None) -> dict[str, Any]:
    """Count cells by the method as published, in this process."""
    tests: dict[str, baselines.InteriorTest] = {
        "linprog": baselines.linprog_test,
        "cvxpy": baselines.cvxpy_test,
    }
    baselines.count(*network("seeded-2-2-2"), tests[test])  # loads what is needed
    return _timed(lambda: baselines.count(*network(name), tests[test], most))


def run_relucent(name: str, most: int | None) -> dict[str, Any]:
    """Count cells with relucent in its own environment; or say why not."""
    if not PYTHON.exists():
        return {"trouble": "not installed: make bench-peers"}
    stack, _ = network(name)
    maps = [*stack.hidden, *([stack.output] if stack.output else [])]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.npz"
        arrays = {f"W{k}": layer.weight for k, layer in enumerate(maps)}
        np.savez(path, **arrays, **{f"b{k}": layer.bias for k, layer in enumerate(maps)})
        limit = [] if most is None else [most]
        script = ROOT / "benchmarks" / "relucent_peer.py"
        return _in_a_process(script, path, *limit, python=PYTHON)


def _timed(work: Callable[[], int]) -> dict[str, Any]:
    started = time.process_time()
    cells = work()
    return {"cells": cells, "seconds": time.process_time() - started}


def _in_a_process(*arguments: object, python: object = sys.executable) -> dict[str, Any]:
    """Return what a process prints as JSON; or its trouble, in a line."""
    from benchmarks.bench import ONE_THREAD

    try:
        finished = subprocess.run(
            [str(python), *map(str, arguments)],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            timeout=MOST_SECONDS,
            env=os.environ | ONE_THREAD,
        )
    except subprocess.TimeoutExpired:
        return {"trouble": f"not done after {MOST_SECONDS:g} s"}
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or [f"it ended with {error.returncode}"]
        return {"trouble": lines[-1]}
    result: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return result


def table(rows: list[dict[str, Any]]) -> list[str]:
    """Return the lines of a Markdown table."""
    lines = HEAD.splitlines()
    ours = {row["network"]: row for row in rows if row["program"] == OURS}
    for row in rows:
        base = ours[row["network"]]
        if row["trouble"] is not None:
            values = [row["network"], row["program"], row["trouble"], "", ""]
        else:
            a_cell = row["seconds"] / row["cells"]
            part = "" if row["cells"] == row["all_cells"] else f" of {row['all_cells']:,}"
            ratio = a_cell / (base["seconds"] / base["cells"])
            values = [row["network"], row["program"], f"{row['cells']:,}{part}",
                      f"{a_cell:.2g}", f"{ratio:,.0f}"]  # fmt: skip
        lines.append(f"| {' | '.join(values)} |")
    return lines


if __name__ == "__main__":
    main()
