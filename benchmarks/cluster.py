"""What a run on Dask costs its coordinator: ``python -m benchmarks.cluster``.

Starts a scheduler and workers as processes of this machine, counts the cells of a network and
writes its table on them, and prints the processor's time that the coordinator (client, journal and
join) and the scheduler took for a result. Elapsed time says nothing here: sixteen workers share the
cores of one machine. With ``--threads 100 --nodes 1500`` two workers have as many orders in hand as
hundreds do, which give results as fast as the coordinator can take them in.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distributed import Client

    from nnce_cli.run import Progress

NETWORK = "seeded-8-16-16"
WORKERS = 16
SECONDS_TO_START = 600  # all workers, on few cores


def main() -> None:
    """Measure a count and a table, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default=NETWORK, metavar="NAME")
    parser.add_argument("--workers", type=int, default=WORKERS, metavar="N")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of a worker")
    parser.add_argument("--nodes", type=int, metavar="N", help="that a task has; else as in a run")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    from tests.dask_cluster import Processes, client_of, small_tasks

    preload = "" if options.nodes is None else small_tasks(options.nodes)

    with tempfile.TemporaryDirectory() as folder:
        processes = Processes(Path(folder))
        try:
            for _ in range(options.workers):
                processes.start_worker(preload, options.threads)
            with client_of(processes) as client:
                client.wait_for_workers(options.workers, timeout=SECONDS_TO_START)
                for what in ("count", "table"):
                    before = _processor_seconds(processes.scheduler.pid)
                    figures = measure(client, options.network, what)
                    spent = _processor_seconds(processes.scheduler.pid) - before
                    figures["scheduler_seconds_per_result"] = spent / figures["results"]
                    _print(what, figures, as_json=options.json)
        finally:
            processes.end()


def measure(client: Client, name: str, what: str) -> dict[str, Any]:
    """Run a network on the cluster of a client, in a folder that the workers do not share."""
    from benchmarks.networks import network
    from nnce_cli.enumeration import DICTIONARY
    from nnce_cli.parallel import Limits
    from nnce_cli.run import Request, run

    stack, box = network(name)
    seen: list[Progress] = []
    with tempfile.TemporaryDirectory() as folder:
        request = Request(
            model=Path(f"{name}.onnx"),
            stack=stack,
            domain=box,
            target=str(Path(folder) / "cells") if what == "table" else None,
            proof=None,
            folder=Path(folder) / "run",
            witness=False,
            certify=True,
            method=DICTIONARY,
            lp=DICTIONARY,
            jobs=1,
            limits=Limits(),
            force=False,
            resume=False,
            engine=client,
        )
        started, began = time.perf_counter(), time.process_time()
        result = run(request, [seen.append])
        spent, elapsed = time.process_time() - began, time.perf_counter() - started
    return {
        "network": name,
        "what": what,
        "workers": max(len(progress.workers) for progress in seen),
        "cells": result.cells,
        "results": seen[-1].done,
        "retries": seen[-1].retries,
        "seconds": elapsed,
        "coordinator_seconds_per_result": spent / seen[-1].done,
    }


def _processor_seconds(pid: int) -> float:
    """Return the processor's time that a process has taken (proc(5), stat: utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _print(what: str, figures: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures), flush=True)
        return
    print(
        f"{what}: {figures['cells']:,} cells, {figures['results']:,} results of "
        f"{figures['workers']} workers, {1e3 * figures['coordinator_seconds_per_result']:.2f} ms "
        f"of the coordinator for each, {1e3 * figures['scheduler_seconds_per_result']:.2f} ms of "
        "the scheduler",
        flush=True,
    )


if __name__ == "__main__":
    main()
