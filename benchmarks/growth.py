"""How the time grows with the cells, on image-sized networks: ``python -m benchmarks.growth``.

Counts networks of one family with two workers, certified, from 10^4 to 10^7 cells or beyond, and
keeps what was measured in benchmarks/growth.json; docs/figures/growth.svg is drawn from that.
`benchmarks.hundred_million` adds the largest one. Seconds are those that ``nnce enumerate``
reports, the shortest of some runs where a run is short, without what it takes to start workers:
that is how long a network of the same inputs with a few cells takes. Processor seconds are those
of all processes from their very start.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from statistics import linear_regression
from typing import TYPE_CHECKING, Any

from benchmarks.history import ROOT, this_state

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FAMILY = (
    "image-784-8-8", "image-784-9-9", "image-784-10-10", "image-784-11-11", "image-784-12-12",
    "image-784-13-13", "image-784-14-14",
)  # fmt: skip
START = "image-784-2-2"  # has a few cells
JOBS = 2
SHORT_SECONDS, TURNS = 10.0, 3  # runs shorter than this are made so often
LEAST_SECONDS = 1e-3  # what is shorter than the noise of the start
RESULTS = ROOT / "benchmarks" / "growth.json"
FIGURE = ROOT / "docs" / "figures" / "growth.svg"

Row = dict[str, Any]


def main() -> None:
    """Measure the family, one network after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", metavar="NAME", nargs="*", help="default: the whole family")
    for name in parser.parse_args().names or FAMILY:
        measure_and_keep(name)


def measure_and_keep(name: str) -> Row:
    """Measure a network, print the result, put it into the file and draw the figure again."""
    row = measure(name)
    print(text(row), flush=True)
    keep(row)
    return row


def measure(name: str) -> Row:
    """Count the cells of a network; return what it took.

    Raises:
        RuntimeError: the count is not complete and certified.
    """
    from benchmarks.command import count_cells

    state = this_state()
    start = min(count_cells(START, JOBS).summary["seconds"] for _ in range(TURNS))
    runs = [count_cells(name, JOBS)]
    while runs[0].summary["seconds"] < SHORT_SECONDS and len(runs) < TURNS:
        runs.append(count_cells(name, JOBS))
    best = min(runs, key=lambda run: run.summary["seconds"])
    if not (best.summary["complete"] and best.summary["certified"]):
        raise RuntimeError(f"{name}: {best.summary}")
    return {
        "network": name,
        "cells": best.summary["cells"],
        "layer_cells": best.summary["layer_cells"],
        "seconds": max(best.summary["seconds"] - start, LEAST_SECONDS),
        "start_seconds": start,
        "processor_seconds": best.processor_seconds,
        "decisions": best.summary["decisions"],
        "memory": best.memory._asdict(),
        "jobs": JOBS,
        "commit": state.commit,
        "dirty": state.dirty,
        "date": state.date,
        "load": state.load,
        "machine": state.machine,
    }


def text(row: Row) -> str:
    """Return a row as a line for a person."""
    megabytes = {kind: f"{size / 1e6:.0f} MB" for kind, size in row["memory"].items()}
    return (
        f"{row['network']}: {row['cells']:,} cells, certified, in {row['seconds']:.2f} s with "
        f"{row['jobs']} workers, after {row['start_seconds']:.2f} s of starting "
        f"({row['processor_seconds']:.1f} s of the processor); peak memory of all processes "
        f"{megabytes['pss']} (PSS), {megabytes['uss']} (USS), {megabytes['rss']} (RSS)"
    )


def read(path: Path = RESULTS) -> list[Row]:
    """Return the kept rows, by the number of cells."""
    rows: list[Row] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return sorted(rows, key=lambda row: row["cells"])


def keep(row: Row, path: Path = RESULTS, figure: Path = FIGURE) -> None:
    """Put a row in the place of an older one of the same network; draw the figure."""
    rows = [old for old in read(path) if old["network"] != row["network"]] + [row]
    rows.sort(key=lambda each: each["cells"])
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    if len(rows) > 1:
        figure.write_bytes(picture(rows))


def power(rows: list[Row]) -> tuple[float, float]:
    """Return (a, b) of the power law seconds = a * cells^b, fitted by least squares of logs."""
    cells = [math.log(row["cells"]) for row in rows]
    slope, intercept = linear_regression(cells, [math.log(row["seconds"]) for row in rows])
    return math.exp(intercept), slope


def picture(rows: list[Row]) -> bytes:
    """Return the figure as SVG."""
    from nnce_cli.plotting.style import finish, new_figure, our_style
    from nnce_cli.plotting.style import picture as as_file

    with our_style():
        figure = new_figure(6.0, 4.0)
        _draw(figure.subplots(), rows)
        finish(figure, "Counting all cells of networks with 784 inputs in [0, 1], two workers")
        return as_file(figure, "svg")


def _draw(axes: Axes, rows: list[Row]) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    from nnce_cli.plotting.style import CURVES, MUTED

    cells = [row["cells"] for row in rows]
    factor, slope = power(rows)
    line = [factor * n**slope for n in cells]
    axes.plot(cells, line, color=MUTED, linewidth=1, label=f"fit: time ∝ cells^{slope:.2f}")
    seconds = [row["seconds"] for row in rows]
    axes.plot(cells, seconds, "o", color=CURVES[0], label="measured, certified")
    for row in rows:
        shape = row["network"].split("-", 1)[1]
        place = (row["cells"], row["seconds"])
        axes.annotate(shape, place, (5, -9), textcoords="offset points", fontsize=7)
    axes.set(xscale="log", yscale="log", xlabel="cells", ylabel="seconds")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}" if x >= 1 else f"{x:g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.legend(loc="upper left")


if __name__ == "__main__":
    main()
