"""How many workers can one coordinator keep busy? ``python -m benchmarks.scaling``.

Replays counting for more and more workers: the tasks of trees that are far too large to be walked
here (`benchmarks.trees`), with the costs of a transaction, of a result in it, and of a task to be
given out that are measured first, on a journal whose tasks are those of such a tree.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from benchmarks.tasks import Costs
    from benchmarks.trees import Tree
    from nnce_cli.domain import Box
    from nnce_cli.network import LayerStack
    from nnce_cli.parallel import Journal

WORKERS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
NETWORKS = ("seeded-8-26-26", "seeded-12-26-26", "acasxu-full")
PIECES = 1800
# The unnormalised inputs' ranges of ACAS Xu, as its networks take them.
ACASXU_BOX = ((-0.328422877, 0.679857769), *[(-0.5, 0.5)] * 4)
SECONDS_ON_THE_WAY = 0.5e-3  # of a message, in a cluster's network
SECONDS_TO_START = 0.3  # as long as this process works alone (`parallel.local.SECONDS_ALONE`)
DASK_SECONDS = 1e-3  # of a message, on top of the journal's: `python -m benchmarks.cluster`
TASKS_WAITING = 2_000  # in the journal that is measured
COMMITS = ((1, 200), (64, 20))  # results in a transaction, and how many of these are measured


def main() -> None:
    """Grow trees, measure, replay, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", action="append", metavar="NAME", help="repeatable")
    parser.add_argument("--pieces", type=int, default=PIECES, help="subtrees that are weighed")
    parser.add_argument("--dask", action="store_true", help="with what Dask costs a coordinator")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    for name in options.network or NETWORKS:
        figures = measure(*problem(name), pieces=options.pieces, dask=options.dask)
        if options.json:
            print(json.dumps({"network": name} | figures))
        else:
            _print(name, figures)


def problem(name: str) -> tuple[LayerStack, Box]:
    """Return a network and its box; that of ACAS Xu in full."""
    from benchmarks.networks import network
    from nnce_cli.domain import Box

    if name != "acasxu-full":
        return network(name)
    lower, upper = np.array(ACASXU_BOX).T
    return network("acasxu-3")[0], Box(lower, upper)


def measure(stack: LayerStack, box: Box, pieces: int, *, dask: bool = False) -> dict[str, Any]:
    """Grow the tree of a network on a box, and replay counting its cells."""
    from benchmarks.trees import grown
    from nnce_cli.enumeration import Problem

    tree = grown(Problem.of(stack, box), pieces)
    return replayed(tree, [box.n_inputs, *stack.rows], costs(len(stack.hidden)), dask=dask)


def replayed(tree: Tree, widths: list[int], costs: Costs, *, dask: bool = False) -> dict[str, Any]:
    """Replay the tasks of a tree for each of `WORKERS`."""
    from benchmarks.tasks import Way, replay, tasks_of
    from nnce_cli.parallel.budget import budget, divide

    way = Way()
    if dask:
        from nnce_cli.parallel.cluster.engine import DaskEngine
        from nnce_cli.parallel.cluster.orders import TOGETHER

        costs = replace(costs, message=DASK_SECONDS)
        way = Way(together=TOGETHER, result_seconds=DaskEngine.result_seconds)
    tasks = tasks_of(tree, lambda generation: budget(generation, widths, rows=False), divide)
    seconds = sum(task.nodes for task in tasks) * tree.node_seconds
    rows = []
    for workers in WORKERS:
        run = replay(tasks, workers, tree.node_seconds, costs, way)
        rows.append(
            {
                "workers": workers,
                "seconds": run.seconds,
                "speed_up": seconds / run.seconds,
                "efficiency": seconds / run.seconds / workers,
                "coordinator_busy": run.busy / run.seconds,
                "messages": run.messages,
            }
        )
    return {
        "cells": tree.cells,
        "tasks": len(tasks),
        "task_seconds": seconds / len(tasks),
        "costs": vars(costs),
        "replayed": rows,
    }


def costs(layers: int) -> Costs:
    """Measure what the journal of a run costs its coordinator, in processor's seconds."""
    from benchmarks.tasks import Costs
    from nnce_cli.parallel import JOURNAL, Journal

    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / JOURNAL
        Journal.create(path, {}, layers)
        with Journal(path, write=True) as journal:
            while journal.totals.waiting < TASKS_WAITING:
                _commit(journal, COMMITS[1][0], layers, children=4)
            for results, times in COMMITS:
                found.append([_commit(journal, results, layers, children=1) for _ in range(times)])
            found.append([_commit(journal, COMMITS[1][0], layers, children=4) for _ in range(5)])
            give = min(_seconds_to_give(journal) for _ in range(5))
    one, many, more = (min(seconds) for seconds in found)
    count = COMMITS[1][0]
    task = max(more - many, 0.0) / (3 * count)
    result = max(many - one, 0.0) / (count - 1) - task
    return Costs(
        commit=max(one - result - task, 0.0),
        result=max(result, 0.0),
        task=task,
        give=give,
        way=SECONDS_ON_THE_WAY,
        start=SECONDS_TO_START,
    )


def _commit(journal: Journal, results: int, layers: int, children: int) -> float:
    """Commit some results, each of which leaves some tasks over; return how long that took."""
    from nnce_cli.enumeration import Subtree
    from nnce_cli.parallel.queue import Queue
    from nnce_cli.parallel.task import Outcome

    rng = np.random.default_rng(journal.totals.done)
    outcomes = [
        Outcome(
            task=task, cells=10**5, layer_cells=[10**5] * layers, nodes=2**17, share=0.0,
            decisions={f"a kind of decision {k}": 10**6 for k in range(12)}, seconds=0.1, rows=0,
            first=b"", last=b"", table=None, proof=None, memory=10**8,
            tasks=[
                (task.generation + 1, [Subtree(tuple(rng.integers(0, 2, 40).tolist()))] * 4)
                for _ in range(children)
            ],
        )
        for task in Queue(journal).take(results)
    ]  # fmt: skip
    started = time.process_time()
    journal.commit(outcomes)
    return time.process_time() - started


def _seconds_to_give(journal: Journal) -> float:
    """Return how long it takes to find a task, when as many are looked for as in a transaction."""
    from nnce_cli.parallel.queue import Queue

    queue, count = Queue(journal), COMMITS[1][0]
    started = time.process_time()
    list(queue.take(count))
    return (time.process_time() - started) / count


def _print(name: str, figures: dict[str, Any]) -> None:
    costs = {key: f"{value * 1e6:.0f}" for key, value in figures["costs"].items()}
    print(
        f"{name}: {figures['cells']:.3g} cells, {figures['tasks']:,} tasks of "
        f"{figures['task_seconds'] * 1e3:.1f} ms on average; a transaction {costs['commit']} µs, "
        f"a result {costs['result']}, a new task {costs['task']}, to give one {costs['give']}"
    )
    print("workers     seconds  speed-up  efficiency  coordinator busy  messages")
    for row in figures["replayed"]:
        print(
            f"{row['workers']:7,}  {row['seconds']:10,.1f}  {row['speed_up']:8,.1f}  "
            f"{row['efficiency']:10.1%}  {row['coordinator_busy']:16.0%}  {row['messages']:8,}",
            flush=True,
        )


if __name__ == "__main__":
    main()
