"""Cells and boundary cells of convolutional networks during training, on planes through digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.results import Record
from experiments.sections.draw import colour, logarithmic, panels
from experiments.sections.found import (
    AGREES,
    CANNOT_TELL,
    DISAGREES,
    IN_PART,
    Found,
    Section,
    end,
    grouped,
    start,
)
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
NEARLY_ALWAYS = 0.9  # of the trainings


def planes_section(found: Found) -> Section:
    """Follow cells, and the share of them that the boundary crosses, along training."""
    groups = {kind: group for (kind,), group in grouped(found.planes, "kind").items()}
    growth = {kind: growth_of_cells(group) for kind, group in groups.items()}
    factors = ", ".join(
        f"{between(ratio) if ratio else 'not defined'} ({kinds(kind)})"
        for kind, ratio in growth.items()
    )
    shares = ", ".join(
        f"{percent(_median_share(group, start))} to {percent(_median_share(group, end))} "
        f"({kinds(kind)})"
        for kind, group in groups.items()
    )
    grown = sum(share(end(each)) > share(start(each)) for each in found.planes)
    summary = (
        f"from before training to its end the cells of a plane change by the factors {factors}; "
        f"the share of them that the boundary crosses goes, in the median, from {shares}, and is "
        f"larger at the end in {count(grown)} of {count(len(found.planes))} trainings"
    )
    return Section(
        title="Convolutions and pooling, along training",
        claim=CLAIM,
        verdict=_verdict(list(growth.values()), grown / len(found.planes)),
        summary=summary,
        text=_text(found, summary),
        pictures={"planes": partial(_draw, found)},
    )


def growth_of_cells(trainings: Sequence[Record]) -> Interval | None:
    """Return the cells at the end of training over those before it, a pair for each training."""
    late, early = ([total(when(each), CELLS) for each in trainings] for when in (end, start))
    return ratio_of_pairs(late, early)


def of_a_plane(moment: Record) -> float:
    """Return the mean number of cells of a plane."""
    return total(moment, CELLS) / len(moment["planes"])


def share(moment: Record) -> float:
    """Return the share of the cells of all planes that the decision boundary crosses."""
    return total(moment, CROSSED) / total(moment, CELLS)


def _median_share(trainings: Sequence[Record], when: Callable[[Record], Record]) -> float:
    return float(np.median([share(when(each)) for each in trainings]))


def total(moment: Record, key: str) -> float:
    """Return a number of cells on all planes together."""
    return float(sum(plane[key] for plane in moment["planes"]))


def _verdict(growth: Sequence[Interval | None], grown: float) -> str:
    """Agreed is that cells and the share of boundary cells grow; one of them is agreed in part."""
    told = [ratio for ratio in growth if ratio is not None]
    if not told:
        return CANNOT_TELL
    more = all(ratio.low > 1 for ratio in told)
    nearer = grown >= NEARLY_ALWAYS
    if more and nearer:
        return AGREES
    return IN_PART if more or nearer else DISAGREES


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
            "interval for the logarithms. Before training some planes have a single class and no "
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
        for axes, value, factor in ((places[0], of_a_plane, 1), (places[1], share, 100)):
            values = [[factor * value(moment) for moment in each["moments"]] for each in group]
            for line in values:
                axes.plot(steps, line, "-", color=colour(place), linewidth=0.7, alpha=0.5)
            axes.plot(steps, np.median(values, axis=0), "o-", color=colour(place), markersize=4)
            axes.set(xlabel="epochs", xticks=steps, xticklabels=[str(epoch) for epoch in epochs])
    places[0].set_ylabel("cells of a plane")
    places[1].set_ylabel("% of them that the boundary crosses")
    logarithmic(places[0], "y")
    handles = [
        Line2D([], [], marker="s", linestyle="none", color=colour(i), label=kinds(kind))
        for i, (kind,) in enumerate(groups)
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=4)
    name = f"convolutional networks {widths(found.planes[0]['hidden'])}"
    finish(figure, f"Cells of a plane through three digits, {name}: seeds and their median")
    return figure
