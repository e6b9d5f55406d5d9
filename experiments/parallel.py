"""What workers gain: measured on the cores here, and by replaying the recorded tasks beyond."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.scaling import measure as replayed
from experiments.commands import enumerate_cells
from experiments.data import write_bounds, write_model
from experiments.plan import Network
from experiments.results import Record
from nnce_cli.domain import read_bounds
from nnce_cli.network import load_network

CORES = 2  # on which runs are measured


def measure_parallel(network: Network, models: Path, rounds: int) -> Record:
    """Count a network's cells with one worker and with two, in turns; keep the shortest times.

    What two cores give at most is measured too: two runs of one worker side by side.
    """
    model, box = write_model(network, models), write_bounds(network.data, models)
    one, two, each_of_two = [], [], []
    for _ in range(rounds):
        one.append(_seconds(model, box, 1))
        two.append(_seconds(model, box, CORES))
        with ThreadPoolExecutor(CORES) as pool:
            runs = [pool.submit(_seconds, model, box, 1) for _ in range(CORES)]
            each_of_two.append(max(run.result() for run in runs))
    stack = load_network(model)
    tasks = replayed(stack, read_bounds(box, stack.n_inputs), CORES)
    return {
        "name": network.name,
        "seconds_of_one": min(one),
        "seconds_of_two": min(two),
        "seconds_side_by_side": min(each_of_two),
    } | tasks


def _seconds(model: Path, box: Path, jobs: int) -> float:
    return float(enumerate_cells(model, box, None, jobs).said["seconds"])
