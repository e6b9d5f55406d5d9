"""Write docs/limits.md: how far exact enumeration reaches: ``python -m benchmarks.limits``.

Every number on the page comes from here: cells from `nnce estimate` (exact where the tree is small
enough), speeds as it measures them, and what is reached in a minute, an hour and a day.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from benchmarks.networks import REAL, far_names, names, network
from nnce_cli.analysis.estimate import Forecast, Quantity, forecast
from nnce_cli.analysis.estimate.study import EFFICIENCY
from nnce_cli.base.errors import InputError
from nnce_cli.domain import parse_box
from nnce_cli.network import load_network

PAGE = Path(__file__).resolve().parents[1] / "docs" / "limits.md"
MODELS = Path(__file__).resolve().parents[1] / "sample_models"

FAMILIES = {
    "Two layers, growing width": [
        f"{d}-{n}-{n}"
        for d, widths in ((2, (64, 128, 256)), (4, (16, 32, 64)), (8, (8, 16, 32)), (16, (8, 16)))
        for n in widths
    ],
    "Growing depth": ["4-16-16", "4-16-16-16", "4-16-16-16-16", "4-16-16-16-16-16-16"],
    "Growing input dimension": [
        "2-16-16",
        "4-16-16",
        "8-16-16",
        "16-16-16",
        "32-16-16",
        "64-16-16",
    ],
}
WITHOUT_BIASES = ["2-64-64", "3-32-32", "4-16-16", "6-12-12", "8-12-12", "16-8-8"]
TIMES = {"a minute": 60, "an hour": 3600, "a day": 86_400}
CORES = (2, 16, 1000)


@dataclass(frozen=True)
class Row:
    """One network and its forecast on one core."""

    name: str
    result: Forecast

    @property
    def core_seconds(self) -> float:
        """Seconds that counting takes one core; infinite where that is not known."""
        estimate = self.result.count_seconds.estimate
        return math.inf if estimate is None else estimate

    def cells(self) -> str:
        """The number of cells, as a cell of a Markdown table."""
        return _range(self.result.cells)

    def rate(self) -> str:
        """Cells a second on one core."""
        cells, seconds = self.result.cells.estimate, self.result.count_seconds.estimate
        return "" if cells is None or seconds is None else f"{cells / seconds:,.0f}"

    def bytes_per_cell(self) -> str:
        """Bytes of a row of the table, and without the witness."""
        cells = self.result.cells.estimate
        sizes = (self.result.table_bytes.estimate, self.result.table_bytes_no_witness.estimate)
        if cells is None or sizes[0] is None or sizes[1] is None:
            return ""
        return f"{sizes[0] / cells:.1f}, {sizes[1] / cells:.1f}"

    def reach(self, cores: int) -> str:
        """The shortest of `TIMES` that is enough for these cores."""
        for name, seconds in TIMES.items():
            if self.core_seconds <= seconds * speed_up(cores):
                return name
        return "no" if math.isfinite(self.core_seconds) else "?"


def speed_up(cores: int) -> float:
    """Return how much faster than one core so many are taken to be, as in `nnce estimate`."""
    return EFFICIENCY * cores


def main() -> None:
    """Estimate all networks and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="for each network")
    parser.add_argument("--output", type=Path, default=PAGE)
    options = parser.parse_args()
    families = {
        title: [_random(shape, options.seconds) for shape in shapes]
        for title, shapes in FAMILIES.items()
    }
    families["The same without biases"] = [
        _random(shape, options.seconds, "unbiased") for shape in WITHOUT_BIASES
    ]
    real = [_real(name, options.seconds) for name in REAL if name in names()]
    if real:
        families["Networks of verification problems"] = real
    families["Boxes far larger than what is in them"] = [
        _named(name, name, options.seconds) for name in far_names()
    ]
    families["Trained networks of this repository"] = _trained(options.seconds)
    options.output.write_text(page(families, options.seconds), encoding="utf-8")


def _random(shape: str, seconds: float, kind: str = "seeded") -> Row:
    return _named(shape, f"{kind}-{shape}", seconds)


def _named(title: str, name: str, seconds: float) -> Row:
    row = Row(title, forecast(*network(name), seconds=seconds, jobs=1))
    print(row.name, row.cells(), row.rate(), flush=True)
    return row


def _real(name: str, seconds: float) -> Row:
    """Return a network that lies beside the project, on the box of its property."""
    stack, box = network(name)
    shape = "-".join(map(str, stack.widths))
    row = Row(f"{name} ({shape})", forecast(stack, box, seconds=seconds, jobs=1))
    print(row.name, row.cells(), row.rate(), flush=True)
    return row


def _trained(seconds: float) -> list[Row]:
    """Return the sample models, on the box that `nnce enumerate` takes by default."""
    rows = []
    for path in sorted(MODELS.glob("*.onnx")):
        try:
            stack = load_network(path)
            result = forecast(stack, parse_box("-1,1", stack.n_inputs), seconds=seconds, jobs=1)
        except InputError as error:
            raise SystemExit(f"{path}: {error}") from error
        shape = "-".join(map(str, stack.widths))
        rows.append(Row(f"{path.stem} ({shape})", result))
        print(rows[-1].name, rows[-1].cells(), flush=True)
    return rows


def page(families: dict[str, list[Row]], seconds: float) -> str:
    """Return the text of the page."""
    rows = [row for family in families.values() for row in family]
    rates = sorted(
        row.result.cells.estimate / row.core_seconds
        for row in rows
        if row.result.cells.estimate is not None and 0 < row.core_seconds < math.inf
    )
    parts = [HEAD.format(seconds=seconds, efficiency=EFFICIENCY, machine=_machine())]
    parts.append(_reachable(rates))
    for title, family in families.items():
        parts.append(f"## {title}\n\n{_table(family)}")
    parts.append(TAIL)
    return "\n".join(parts)


def _reachable(rates: list[float]) -> str:
    """Return the table of the numbers of cells that can be counted."""
    slow, middle, fast = rates[0], rates[len(rates) // 2], rates[-1]
    lines = [
        "## Cells within reach\n",
        "Counting, at the median speed of the networks below "
        f"({middle:,.0f} cells/s a core; the slowest has {slow:,.0f}, the fastest {fast:,.0f}).\n",
        "| cores | " + " | ".join(TIMES) + " |",
        "|---:|" + "---:|" * len(TIMES),
    ]
    for cores in CORES:
        counts = [_short(middle * t * speed_up(cores)) for t in TIMES.values()]
        lines.append(f"| {cores:,} | " + " | ".join(counts) + " |")
    return "\n".join(lines) + "\n"


def _table(rows: list[Row]) -> str:
    head = ["network", "cells", "cells/s, one core", "bytes a row, no witness"]
    lines = ["| " + " | ".join([*head, *(f"{cores:,} cores" for cores in CORES)]) + " |"]
    lines.append("|---|---:|---:|---:|" + "---|" * len(CORES))
    for row in rows:
        cells = [row.name, row.cells(), row.rate(), row.bytes_per_cell()]
        lines.append("| " + " | ".join([*cells, *map(row.reach, CORES)]) + " |")
    return "\n".join(lines) + "\n"


def _range(quantity: Quantity) -> str:
    """Write a number of cells with its interval."""
    if quantity.estimate is None or quantity.low is None or quantity.high is None:
        return "not known"
    if quantity.is_exact:
        return f"{quantity.estimate:,.0f}"
    return " ".join(
        [_short(quantity.estimate), f"({_short(quantity.low)} to {_short(quantity.high)})"]
    )


def _short(count: float) -> str:
    """Write a number with three digits."""
    if count < 1e6:
        return f"{float(f'{count:.3g}'):,.0f}"
    exponent = math.floor(math.log10(count))
    return f"{count / 10**exponent:.2f}e{exponent}"


def _machine() -> str:
    """Name the processor."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return f"{line.split(':', 1)[1].strip()}, {os.cpu_count()} cores seen"
    return f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores seen"


HEAD = """# How far exact enumeration reaches

This page is written by `python -m benchmarks.limits`; every number on it is measured or estimated
there. Random networks have weights N(0, 2/fan_in), biases N(0, 1/4) and the box [-1, 1]^n; trained
ones are the [sample models](../sample_models/README.md) on the same box. A network's name gives
its inputs and hidden widths; `box60-…` are on [-2^60, 2^60]^n. Networks of verification problems
(ACAS Xu, lattices of tllverifybench, and one of nnenum with repeated neurons) are on the boxes of
their properties.

Cells are exact where they stand alone, else an estimate with its 90% interval from `nnce estimate
--time-limit {seconds:g}` ([how it is made](estimate.md)). Speeds are of counting with all proofs
on one core ({machine}), from the same samples, in seconds of the processor; N cores are
taken to be {efficiency:g} N times as fast as one, which is an assumption. The last columns say in
which time the network can be counted: a minute, an hour, a day, or not in a day.
"""

TAIL = """## What to make of it

The number of cells is what limits enumeration, not the time that a cell takes. It grows with the
width like a power whose exponent is the input dimension (Buck 1943), with the dimension much faster
than the speed of a cell falls, and with the depth, on random networks, slowly once the layers have
halved the space often enough. The bottleneck of a complete table can be its size: multiply the
cells by the bytes of a row.
"""


if __name__ == "__main__":
    main()
