"""Cells and boundary cells of convolutional networks during training, on planes through digits."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.results import Record
from experiments.sections.draw import colour, logarithmic, panels
from experiments.sections.found import CANNOT_TELL, Found, Section, end, grouped, start
from experiments.sections.words import (
    between,
    count,
    decimals,
    kinds,
    middle,
    percent,
    table,
    widths,
)
from experiments.statistics import Interval, ratio_of_pairs
from nnce_cli.plotting.style import finish

CLAIM = (
    "(Not a claim of the paper.) A convolutional network gets more cells as it learns, near its "
    "decision boundary above all."
)
CELLS, CROSSED = "cells", "boundary_cells"


def planes_section(found: Found) -> Section:
    """Follow cells and boundary cells along training."""
    growth = {
        kind: (along(found, kind, CELLS), along(found, kind, CROSSED, first=1))
        for (kind,) in grouped(found.planes, "kind")
    }
    epochs = sorted({each["epochs"] for each in found.planes[0]["moments"]})
    parts = [
        f"{kinds(kind)} {between(cells) if cells else 'not defined'} and "
        f"{between(crossed) if crossed else 'not defined'}"
        for kind, (cells, crossed) in growth.items()
    ]
    summary = (
        f"from epoch 0 to {epochs[-1]} the cells of a plane, and from epoch {epochs[1]} on those "
        f"that the decision boundary crosses, change by the factors: {'; '.join(parts)}"
    )
    return Section(
        title="Convolutions and pooling, along training",
        claim=CLAIM,
        verdict=_verdict(list(growth.values())),
        summary=summary,
        text=_text(found, summary),
        pictures={"planes": partial(_draw, found)},
    )


def along(found: Found, kind: str, key: str, first: int = 0) -> Interval | None:
    """Return the growth from a moment, the first or a later one, to the last: a pair a training."""
    trainings = [each for each in found.planes if each["kind"] == kind]
    epochs = sorted({moment["epochs"] for each in trainings for moment in each["moments"]})
    early, late = (
        [total(_at(each, epoch), key) for each in trainings]
        for epoch in (epochs[first], epochs[-1])
    )
    return ratio_of_pairs(late, early) if min(early + late) > 0 else None


def total(moment: Record, key: str) -> float:
    """Return a number of cells on all planes together."""
    return float(sum(plane[key] for plane in moment["planes"]))


def _at(training: Record, epoch: int) -> Record:
    found: Record = next(each for each in training["moments"] if each["epochs"] == epoch)
    return found


def _verdict(growth: list[tuple[Interval | None, Interval | None]]) -> str:
    cells, crossed = ({_sign(each[place]) for each in growth} for place in (0, 1))
    words = {1: "grow", -1: "shrink"}
    if len(cells) == len(crossed) == 1 and not {*cells, *crossed} & {0}:
        (of_cells,), (of_crossed,) = cells, crossed
        return f"cells {words[of_cells]}, boundary cells {words[of_crossed]}"
    return CANNOT_TELL if {*cells, *crossed} == {0} else "it depends"


def _sign(ratio: Interval | None) -> int:
    """Return 1 for growth, -1 for the contrary, 0 where chance is not ruled out."""
    if ratio is None or ratio.low <= 1 <= ratio.high:
        return 0
    return 1 if ratio.low > 1 else -1


def _text(found: Found, summary: str) -> str:
    first = found.planes[0]
    channels, width = first["hidden"]
    seeds = len({each["seed"] for each in found.planes})
    planes = len(first["moments"][0]["planes"])
    return "\n\n".join(
        [
            f"Networks on the images of 8 by 8 pixels: {channels} filters of 3 by 3, a way from 36 "
            f"places to 9, a dense layer of {width} neurons, {first['parameters']:,} parameters. "
            "The way is max pooling behind a ReLU, average pooling behind one, or a stride of 2 "
            "without pooling; all have the same first weights for a seed. Looked at are "
            f"{planes} planes, each through three test digits of different classes and somewhat "
            f"beyond, for each of {seeds} seeds. Cells of a plane are fewer than those of the box "
            "of all images, which nobody could list, and say nothing of other planes.",
            _table(found),
            f"So {summary}. The factors are geometric means over the seeds, with Student's "
            "interval for the logarithms; before training some planes have a single class and no "
            "boundary. A network in which the ReLU stands behind the pooling is the same "
            "function, with fewer cells (see above).",
            _of_dense(found),
            "![Cells and boundary cells along training](figures/planes.svg)",
        ]
    )


def _of_dense(found: Found) -> str:
    """Say what the dense networks' boundaries cross, before and after training."""
    before, after = (
        [100 * when(each)[CROSSED] / when(each)[CELLS] for each in found.boxes]
        for when in (start, end)
    )
    grown = sum(late > early for early, late in zip(before, after, strict=True))
    return (
        "The dense networks of the sections before, on their whole boxes: the boundary crosses "
        f"{decimals(float(np.median(before)), 1)}% of the cells before training and "
        f"{decimals(float(np.median(after)), 1)}% after it, in the median; the share is larger "
        f"after it in {count(grown)} of {count(len(before))} trainings."
    )


def _table(found: Found) -> str:
    rows = []
    for (kind,), group in grouped(found.planes, "kind").items():
        for k, moment in enumerate(group[0]["moments"]):
            planes = [plane for each in group for plane in each["moments"][k]["planes"]]
            accuracy = np.median([each["moments"][k]["test_accuracy"] for each in group])
            rows.append(
                [
                    kinds(kind),
                    str(moment["epochs"]),
                    percent(float(accuracy)),
                    *(middle([plane[key] for plane in planes], count) for key in (CELLS, CROSSED)),
                ]
            )
    return table(
        ["network", "epochs", "median test accuracy", "cells of a plane", "boundary cells"], rows
    )


def _draw(found: Found) -> Figure:
    figure, places = panels(2, height=3.4)
    groups = grouped(found.planes, "kind")
    for place, group in enumerate(groups.values()):
        epochs = [each["epochs"] for each in group[0]["moments"]]
        steps = range(len(epochs))
        for axes, key in zip(places, (CELLS, CROSSED), strict=True):
            planes = len(group[0]["moments"][0]["planes"])
            values = [[total(moment, key) / planes for moment in e["moments"]] for e in group]
            for line in values:
                axes.plot(steps, line, "-", color=colour(place), linewidth=0.7, alpha=0.5)
            axes.plot(steps, np.median(values, axis=0), "o-", color=colour(place), markersize=4)
            axes.set(xlabel="epochs", xticks=steps, xticklabels=[str(epoch) for epoch in epochs])
    places[0].set_ylabel("cells of a plane")
    places[1].set_ylabel("cells that the boundary crosses")
    logarithmic(places[0], "y")
    places[1].set_yscale("symlog", linthresh=10)
    places[1].set_ylim(bottom=0)
    handles = [
        Line2D([], [], marker="s", linestyle="none", color=colour(i), label=kinds(kind))
        for i, (kind,) in enumerate(groups)
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=4)
    name = f"convolutional networks {widths(found.planes[0]['hidden'])}"
    finish(figure, f"Cells of a plane through three digits, {name}: seeds and their median")
    return figure
