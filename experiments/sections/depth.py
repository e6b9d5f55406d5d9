"""Depth against cells, at equal number of neurons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from experiments.results import Record
from experiments.sections.draw import explain, logarithmic, panels, points
from experiments.sections.found import CANNOT_TELL, Found, Section
from experiments.sections.words import between, count, inputs, percent, table, widths
from experiments.statistics import Interval, ratio_of_means

CLAIM = "(Not a claim of the paper.) Deeper networks of as many neurons have more cells."
DEEPER_MORE, DEEPER_FEWER, BOTH = "more cells", "fewer cells", "it depends"


@dataclass(frozen=True)
class Pair:
    """The networks of two and of three hidden layers, of equal inputs and number of neurons."""

    data: str
    neurons: int
    two: list[Record]
    three: list[Record]

    @property
    def ratio(self) -> Interval | None:
        """Cells of three layers over cells of two, in the geometric mean."""
        return ratio_of_means(_cells(self.three), _cells(self.two))


def depth_section(found: Found) -> Section:
    """Compare the two architectures of each pair."""
    compared = pairs(found)
    ratios = [ratio for pair in compared if (ratio := pair.ratio) is not None]
    more = sum(ratio.low > 1 for ratio in ratios)
    fewer = sum(ratio.high < 1 for ratio in ratios)
    summary = (
        f"with as many neurons, three layers have more cells than two in {more} of {len(ratios)} "
        f"settings, fewer in {fewer}, and in {len(ratios) - more - fewer} chance is not ruled out"
    )
    return Section(
        title="Depth against cells",
        claim=CLAIM,
        verdict=_verdict(len(ratios), more, fewer),
        summary=summary,
        text=_text(compared, summary),
        pictures={"depth": partial(_draw, found, compared)},
    )


def pairs(found: Found) -> list[Pair]:
    """Return the architectures that have a counterpart of another depth."""
    groups: dict[tuple[str, int], dict[int, list[Record]]] = {}
    for each in found.trained:
        of_depth = groups.setdefault((each["data"], sum(each["hidden"])), {})
        of_depth.setdefault(len(each["hidden"]), []).append(each)
    return [
        Pair(data, neurons, by_depth[2], by_depth[3])
        for (data, neurons), by_depth in groups.items()
        if {2, 3} <= by_depth.keys()
    ]


def _cells(networks: Sequence[Record]) -> list[float]:
    return [float(each["cells"]) for each in networks]


def _verdict(compared: int, more: int, fewer: int) -> str:
    if more + fewer == 0:
        return CANNOT_TELL
    return DEEPER_MORE if more == compared else DEEPER_FEWER if fewer == compared else BOTH


def _text(compared: Sequence[Pair], summary: str) -> str:
    return "\n\n".join(
        [
            "Networks of two and of three hidden layers on the same inputs, with the same number "
            "of neurons; the ratio is that of the geometric means over the seeds, with Welch's "
            "interval for the logarithms.",
            _table(compared),
            f"So {summary}. Equal neurons are not equal parameters: where the inputs are many, two "
            "wide layers have more weights than three narrow ones. And a narrow first layer keeps "
            "few dimensions for the others to cut.",
            "![Depth against cells](figures/depth.svg)",
        ]
    )


def _table(compared: Sequence[Pair]) -> str:
    rows = []
    for pair in compared:
        ratio = pair.ratio
        row = [inputs(pair.data), str(pair.neurons)]
        for networks in (pair.two, pair.three):
            mean = float(np.exp(np.mean(np.log(_cells(networks)))))
            accuracy = float(np.mean([each["test_accuracy"] for each in networks]))
            shape = widths(networks[0]["hidden"])
            row += [f"{shape} ({networks[0]['parameters']:,})", count(mean), percent(accuracy)]
        rows.append([*row, between(ratio) if ratio else "not defined"])
    heads = ["inputs", "neurons"]
    for depth in ("two", "three"):
        heads += [f"{depth} layers (parameters)", "cells", "accuracy"]
    return table([*heads, "three over two [95%]"], rows)


def _draw(found: Found, compared: Sequence[Pair]) -> Figure:
    figure, (axes,) = panels(1, height=3.8)
    for pair in compared:
        place = found.data.index(pair.data)
        for depth, networks in ((2, pair.two), (3, pair.three)):
            aside = place - (len(found.data) - 1) / 2 + (depth - 2.5) / 2  # not over each other
            x = [pair.neurons + aside] * len(networks)
            points(axes, x, _cells(networks), place, depth)
    axes.set(xlabel="neurons", ylabel="cells")
    logarithmic(axes, "y")
    explain(figure, found.data, "Cells of two and of three hidden layers with as many neurons")
    return figure
