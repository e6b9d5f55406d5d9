"""Compare the methods and linear programming back ends: ``python -m benchmarks.methods``.

Each measurement is a process of its own, with one thread, that counts the cells of one network by
one method; the rounds go through all of them in turn, and the least processor time counts.
Compiling is not counted, nor is the time to load what a method needs. The first networks have more
neurons in layer 1 than inputs, the others have not: the two settings of Drammis et al. (arXiv
2403.00860).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.bench import ONE_THREAD
from benchmarks.networks import network
from nnce_cli.enumeration import DICTIONARY, METHODS

NETWORKS = ("seeded-2-10-10", "seeded-3-8-8", "seeded-20-5-5", "seeded-6-6-6")
BACK_ENDS = (DICTIONARY, "highs", "cvxpy:CLARABEL")
ROUNDS = 3
HEAD = (
    "| setting | network | cells | method | --lp | LPs a cell | µs a cell | times dictionary "
    "| memory MB |\n"
    "|---|---|--:|---|---|--:|--:|--:|--:|"
)


def main() -> None:
    """Measure all and print a Markdown table, or one JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure", nargs=3, metavar=("NETWORK", "METHOD", "LP"))
    parser.add_argument("--json", action="store_true", help="print a JSON object a line")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", metavar="NETWORK", action="append", help="repeatable")
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(*options.measure)))
        return
    if not options.json:
        print(HEAD, flush=True)
    for name in options.only or NETWORKS:
        rows = compare(name, options.rounds)
        text = "\n".join(map(json.dumps, rows)) if options.json else markdown(rows)
        print(text, flush=True)


def measure(name: str, method: str, lp: str) -> dict[str, Any]:
    """Count the cells of a network; return what it took."""
    from nnce_cli.base.memory import peak_memory_bytes
    from nnce_cli.enumeration import Problem, batches, walk_factory

    make = walk_factory(method, lp)
    for _ in batches(make(Problem.of(*network("seeded-2-3-3")), rows=False)):
        pass  # everything is loaded now
    before = peak_memory_bytes()
    problem = Problem.of(*network(name))
    started = time.process_time()
    walk = make(problem, rows=False, witness=False)
    for _ in batches(walk):
        pass
    return {
        "network": name,
        "method": method,
        "lp": lp,
        "cells": walk.cells,
        "layer_cells": walk.layer_cells,
        "seconds": time.process_time() - started,
        "programs": walk.decisions.get("linear_programs", 0),
        "memory_bytes": peak_memory_bytes() - before,
    }


def compare(name: str, rounds: int) -> list[dict[str, Any]]:
    """Measure a network by all methods; return a row for each, with the least time."""
    best: dict[tuple[str, str], dict[str, Any]] = {}
    for _ in range(rounds):
        for pair in _pairs(name):
            found = _in_a_process(name, *pair)
            if pair not in best or found["seconds"] < best[pair]["seconds"]:
                best[pair] = found
    counts = {tuple(row["layer_cells"]) for row in best.values()}
    if len(counts) > 1:
        raise RuntimeError(f"the methods disagree on {name}: {counts}")
    return list(best.values())


def _pairs(name: str) -> list[tuple[str, str]]:
    """Return the methods that a network suits, with their back ends."""
    widths = [int(n) for n in name.split("-")[1:]]
    found = []
    for method in METHODS.values():
        fits = not method.needs_image  # there the method dictionary is the same
        fits &= method.most_inputs is None or widths[0] <= method.most_inputs
        fits &= method.widest is None or max(widths[1:]) <= method.widest
        if fits:
            back_ends = BACK_ENDS if method.layer_wise else BACK_ENDS[:1]
            found += [(method.name, lp) for lp in back_ends]
    return found


def _in_a_process(name: str, method: str, lp: str) -> dict[str, Any]:
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks.methods", "--measure", name, method, lp],
        stdout=subprocess.PIPE,
        check=True,
        cwd=Path(__file__).resolve().parents[1],
        env=os.environ | ONE_THREAD,
    )
    result: dict[str, Any] = json.loads(finished.stdout)
    return result


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return the rows of one network for the Markdown table."""
    lines = []
    base = next(row["seconds"] for row in rows if row["method"] == DICTIONARY)
    for row in rows:
        widths = row["network"].split("-", 1)[1]
        n_0, n_1 = map(int, widths.split("-")[:2])
        own = not METHODS[row["method"]].layer_wise
        values = (
            "n_1 > n_0" if n_1 > n_0 else "n_1 <= n_0",
            widths,
            f"{row['cells']:,}",
            row["method"],
            "" if own else row["lp"],
            f"{row['programs'] / row['cells']:.1f}",
            f"{1e6 * row['seconds'] / row['cells']:,.1f}",
            f"{row['seconds'] / base:,.1f}",
            f"{row['memory_bytes'] / 1e6:.1f}",
        )
        lines.append(f"| {' | '.join(values)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
