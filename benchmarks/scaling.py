"""How many workers can one coordinator keep busy? ``python -m benchmarks.scaling``.

Enumerates a network (counting), then replays its recorded tree of tasks for more and more workers:
each task takes the time that it took, becomes known when the task that left it over is committed,
and each result keeps the coordinator busy for the time that a commit took on average. Results are
committed one by one, though the real coordinator takes all that wait in one transaction.
"""

from __future__ import annotations

import argparse
import heapq
import json
import sqlite3
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnce_cli.domain import Box
    from nnce_cli.network import LayerStack

WORKERS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)


@dataclass(frozen=True)
class Recorded:
    """A task of a finished run: where it is in the table's order, how long it took, its tasks."""

    place: tuple[bytes, int]
    seconds: float
    children: tuple[int, ...]


def main() -> None:
    """Enumerate, replay, print."""
    from benchmarks.networks import network

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--widths", default="6-32-32", metavar="N-N-N", help="of a random network")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="workers of the real run")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    figures = measure(*network(f"seeded-{options.widths}"), options.jobs)
    if options.json:
        print(json.dumps({"widths": options.widths} | figures))
        return
    print(
        f"{options.widths}: {figures['cells']:,} cells, {figures['tasks']:,} tasks of "
        f"{figures['task_seconds'] * 1e3:.1f} ms on average, "
        f"{figures['commit_seconds'] * 1e6:.0f} µs of the coordinator for each"
    )
    print("workers  seconds  speed-up  efficiency  coordinator busy")
    for row in figures["replayed"]:
        print(
            f"{row['workers']:7,}  {row['seconds']:7.3f}  {row['speed_up']:8.1f}  "
            f"{row['efficiency']:9.0%}  {row['coordinator_busy']:15.0%}"
        )


def measure(stack: LayerStack, box: Box, jobs: int) -> dict[str, Any]:
    """Enumerate a network on a box with some workers (counting), and replay its tasks."""
    from nnce_cli.enumeration import Problem
    from nnce_cli.parallel import JOURNAL, Journal, Limits, Plan, coordinate

    plan = Plan(Problem.of(stack, box), False, True, False, None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / JOURNAL
        Journal.create(path, {}, len(stack.hidden))
        with Journal(path, write=True) as journal:
            commits = _Stopwatch(journal)
            coordinate(journal, plan, jobs, Limits(), lambda: False)
            cells = journal.totals.cells
        tasks = recorded(path)
    commit_seconds = commits.seconds / len(tasks)
    work = sum(task.seconds for task in tasks.values())
    return {
        "cells": cells,
        "tasks": len(tasks),
        "task_seconds": work / len(tasks),
        "commit_seconds": commit_seconds,
        "replayed": [_row(tasks, workers, commit_seconds, work) for workers in WORKERS],
    }


class _Stopwatch:
    """Measures how long a journal's commits take together."""

    def __init__(self, journal: object) -> None:
        self.seconds = 0.0
        commit = journal.commit  # type: ignore[attr-defined]

        def timed(outcomes: object) -> None:
            started = time.perf_counter()
            commit(outcomes)
            self.seconds += time.perf_counter() - started

        journal.commit = timed  # type: ignore[attr-defined]


def recorded(path: Path) -> dict[int, Recorded]:
    """Read the tasks of a finished run from its journal."""
    database = sqlite3.connect(path)
    rows = database.execute("SELECT number, parent, signs, length, seconds FROM tasks").fetchall()
    database.close()
    children: dict[int, list[int]] = {}
    for number, parent, *_ in rows:
        children.setdefault(parent, []).append(number)
    return {
        number: Recorded((signs, length), seconds, tuple(children.get(number, ())))
        for number, _, signs, length, seconds in rows
    }


def replay(tasks: dict[int, Recorded], workers: int, commit_seconds: float) -> tuple[float, float]:
    """Return the time that the tasks take, and how long the coordinator was busy in it.

    Tasks are given out in table order, the first of them has number 1.
    """
    waiting = [(tasks[1].place, 1)]
    running: list[tuple[float, int]] = []  # (when it ends, task)
    now = committed = busy = 0.0
    while waiting or running:
        while waiting and len(running) < workers:
            _, number = heapq.heappop(waiting)
            heapq.heappush(running, (now + tasks[number].seconds, number))
        ended, number = heapq.heappop(running)
        committed = max(committed, ended) + commit_seconds
        busy += commit_seconds
        now = committed
        for child in tasks[number].children:
            heapq.heappush(waiting, (tasks[child].place, child))
    return now, busy


def _row(
    tasks: dict[int, Recorded], workers: int, commit_seconds: float, work: float
) -> dict[str, float]:
    seconds, busy = replay(tasks, workers, commit_seconds)
    return {
        "workers": workers,
        "seconds": seconds,
        "speed_up": work / seconds,
        "efficiency": work / seconds / workers,
        "coordinator_busy": busy / seconds,
    }


if __name__ == "__main__":
    main()
