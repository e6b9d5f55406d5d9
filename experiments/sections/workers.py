"""What workers gain."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.figure import Figure

from experiments.results import Record
from experiments.sections.draw import colour, logarithmic, panels
from experiments.sections.found import AGREES, DISAGREES, IN_PART, Found, Section
from experiments.sections.words import count, decimals, inputs, percent, short, table, widths
from nnce_cli.plotting.style import finish

SHOWN = (4, 16, 64, 256, 1024)
MANY = 16  # workers
HOUR = 3600
MANY_CELLS = 10**10

CLAIM = "Parallelism is what makes real networks feasible."


def workers_section(found: Found) -> Section:
    """Compare the runs of one worker, of two, and the simulated ones of more."""
    largest = _largest(found)
    gain, most = _speed_up(largest), _best(largest)
    summary = (
        f"on the largest network measured ({count(largest['cells'])} cells, "
        f"{count(largest['tasks'])} tasks) two workers gain a factor of {decimals(gain)} and "
        f"{count(MANY)} simulated ones {decimals(_simulated(largest, MANY), 1)} (at most "
        f"{decimals(most['speed_up'], 1)}, with {count(most['workers'])}); no network of the study "
        f"took more than {short(_slowest(found)['processor_seconds'])} s on one core"
    )
    return Section(
        title="Speed-up with workers",
        claim=CLAIM,
        verdict=_verdict(largest, found),
        summary=summary,
        text=_text(found, summary),
        pictures={"workers": partial(_draw, found)},
    )


def _verdict(largest: Record, found: Found) -> str:
    """Agreed is what helps and is needed; what helps only is agreed in part."""
    if _speed_up(largest) <= 1:
        return DISAGREES
    return AGREES if _slowest(found)["processor_seconds"] >= HOUR else IN_PART


def _largest(found: Found) -> Record:
    return max(found.parallel, key=lambda each: int(each["cells"]))


def _hours(record: Record) -> float:
    """Return how long one worker takes for many cells at the pace of a run."""
    return MANY_CELLS / float(record["cells"]) * float(record["seconds_of_one"]) / HOUR


def _slowest(found: Found) -> Record:
    return max(found.networks, key=lambda each: float(each["processor_seconds"]))


def _speed_up(record: Record) -> float:
    return float(record["seconds_of_one"]) / float(record["seconds_of_two"])


def _limit(record: Record) -> float:
    """Return what two cores gained for two runs side by side."""
    return 2 * float(record["seconds_of_one"]) / float(record["seconds_side_by_side"])


def _simulated(record: Record, workers: int) -> float:
    return float(next(row["speed_up"] for row in record["replayed"] if row["workers"] == workers))


def _best(record: Record) -> dict[str, float]:
    """Return the fewest workers with nearly the largest speed-up of all."""
    most = max(row["speed_up"] for row in record["replayed"])
    best: dict[str, float] = next(
        row for row in record["replayed"] if row["speed_up"] >= 0.99 * most
    )
    return best


def _text(found: Found, summary: str) -> str:
    slowest, largest = _slowest(found), _largest(found)
    longest = slowest["processor_seconds"]
    need = (
        "So none of these networks needs more than one core to be feasible."
        if longest < HOUR
        else "Networks such as this one are where workers are needed."
    )
    return "\n\n".join(
        [
            "`nnce enumerate --count-only` by the clock, with one worker and with two, in turns, "
            "the shortest of each. How much two cores give at most, on this machine and beside "
            "what else ran on it, is measured by two runs of one worker side by side. For more "
            "workers the recorded tree of tasks is replayed (`benchmarks/scaling.py`): each task "
            "takes the time that it took, and the coordinator the time that a commit took.",
            _measured(found),
            _replayed(found),
            f"In short, {summary}. The number of tasks grows with the network, and with it the "
            "number of workers that they keep busy: [parallel.md](parallel.md) replays a far "
            "larger network.",
            _one_task_a_cell(found),
            "Is it needed? The enumeration that took longest in this study is that of "
            f"{inputs(slowest['data'])}, {widths(slowest['hidden'])}, with "
            f"{count(slowest['cells'])} cells: {short(longest)} processor seconds. {need} At the "
            f"pace of the largest network measured, {count(MANY_CELLS)} cells would take one "
            f"worker {short(_hours(largest))} hours: it is for networks of that size that workers "
            "are needed.",
            "![Simulated speed-up](figures/workers.svg)",
        ]
    )


def _name(record: Record) -> str:
    data, hidden, *_ = record["name"].split("_")
    return f"{inputs(data)}, {hidden}"


def _measured(found: Found) -> str:
    rows = [
        [
            _name(record),
            count(record["cells"]),
            count(record["tasks"]),
            decimals(record["seconds_of_one"]),
            decimals(record["seconds_of_two"]),
            decimals(_speed_up(record)),
            decimals(_limit(record)),
        ]
        for record in found.parallel
    ]
    heads = ["network", "cells", "tasks", "1 worker, s", "2 workers, s", "speed-up", "at most"]
    return table(heads, rows)


def _replayed(found: Found) -> str:
    rows = [
        [_name(record), *(decimals(_simulated(record, workers), 1) for workers in SHOWN)]
        for record in found.parallel
    ]
    return table(["simulated speed-up", *(f"{workers:,} workers" for workers in SHOWN)], rows)


def _one_task_a_cell(found: Found) -> str:
    """Say how far one gets with a task for each layer-1 cell."""
    rows = []
    for data in found.data:
        limits = [
            each["cells"] / each["largest_subtree"]
            for each in found.trained
            if each["data"] == data
        ]
        rows.append([inputs(data), *(short(f(limits)) for f in (min, np.median, max))])
    share = max(each["largest_subtree"] / each["cells"] for each in found.trained)
    return (
        "With one task for each layer-1 cell, as in the paper's `ParLayerWise1-NNCE`, a run takes "
        "at least as long as the largest of these tasks: up to "
        f"{percent(share)} of all cells lie in one layer-1 cell. The speed-up is then at most\n\n"
        + table(["inputs", "least", "median", "most"], rows)
        + "\n\nover the trained networks. `nnce` divides large tasks, so this does not bound it."
    )


def _draw(found: Found) -> Figure:
    figure, (axes,) = panels(1, height=3.8)
    for place, record in enumerate(found.parallel):
        workers = [row["workers"] for row in record["replayed"]]
        gains = [row["speed_up"] for row in record["replayed"]]
        label = f"{_name(record)} ({count(record['cells'])} cells)"
        axes.plot(workers, gains, ".-", color=colour(place), linewidth=1.4, label=label)
        axes.plot(2, _speed_up(record), "D", color=colour(place), markersize=5)
    most = max(row["speed_up"] for record in found.parallel for row in record["replayed"])
    axes.plot([1, 1.5 * most], [1, 1.5 * most], ":", color="#767676", label="as many as workers")
    axes.set(xlabel="workers", ylabel="speed-up")
    logarithmic(axes)
    figure.legend(loc="outside lower left", ncols=1)
    finish(figure, "Speed-up by replaying recorded tasks; diamonds: measured with two workers")
    return figure
