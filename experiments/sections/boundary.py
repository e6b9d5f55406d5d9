"""The topology of the decision boundary along training."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.data import inputs as samples_of
from experiments.plan import CIRCLES, MOONS, SHELL, SPIRALS
from experiments.results import Record
from experiments.sections.draw import colour
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
from experiments.sections.words import count, inputs, middle, percent, table, widths
from nnce_cli.plotting.style import BOUNDARY, class_colour, finish, new_figure

CLAIM = (
    "(Not a claim of the paper.) A network that has learned its data has a decision boundary of "
    "their shape."
)
LEARNED = 0.99  # of the test samples
POOR = 0.9
OFTEN = 0.9  # of the networks
SHOWN = 4  # moments
POINTS = 100  # of the data in a picture

# What divides the classes: a curve from border to border, a closed one, a sphere.
EXPECTED = {CIRCLES: (1, 1), MOONS: (1, 0), SPIRALS: (1, 0), SHELL: (1, 0, 1)}


def boundary_section(found: Found) -> Section:
    """Compare Betti numbers with those of what divides the classes."""
    ends = [(each, end(each)) for each in found.boundaries]
    learned = [(each, last) for each, last in ends if last["test_accuracy"] >= LEARNED]
    same = sum(_is_expected(each, last) for each, last in learned)
    moments = [moment for each in found.boundaries for moment in each["moments"]]
    pieces = max(_pieces(moment) for moment in moments)
    summary = (
        f"of {count(len(ends))} networks {count(len(learned))} have at least {percent(LEARNED)} "
        f"test accuracy at the end, and {count(same)} of these have a boundary of the expected "
        f"Betti numbers on the whole box; at no moment has a boundary more than {count(pieces)} "
        "pieces"
    )
    return Section(
        title="Topology of the decision boundary",
        claim=CLAIM,
        verdict=_verdict(same, len(learned)),
        summary=summary,
        text=_text(found, summary, moments),
        pictures={"boundary": partial(_draw, found)},
    )


def _verdict(same: int, learned: int) -> str:
    if learned == 0:
        return CANNOT_TELL
    return AGREES if same >= OFTEN * learned else IN_PART if same else DISAGREES


def _betti(moment: Record) -> tuple[int, ...]:
    return tuple(moment["boundary"]["betti"])


def _pieces(moment: Record) -> int:
    return int(moment["boundary"]["betti"][0])


def _is_expected(training: Record, moment: Record) -> bool:
    return _betti(moment) == EXPECTED[training["data"]]


def euler_agrees(moment: Record) -> bool:
    """Tell whether each Euler characteristic is the alternating sum of the Betti numbers."""
    return all(
        part["euler"] == sum((-1) ** k * number for k, number in enumerate(part["betti"]))
        for part in (moment["boundary"], *moment["classes"].values())
    )


def _text(found: Found, summary: str, moments: Sequence[Record]) -> str:
    checked = sum(1 + len(moment["classes"]) for moment in moments)
    wrong = sum(not euler_agrees(moment) for moment in moments)
    agreed = (
        "they agree at all of them"
        if wrong == 0
        else f"**they do not agree at {wrong} of them, which cannot be**"
    )
    sets = grouped(found.boundaries, "data", "hidden")
    kinds = "; ".join(
        f"{inputs(data)} (a network {widths(hidden)}, {len(group)} seeds)"
        for (data, hidden), group in sets.items()
    )
    return "\n\n".join(
        [
            f"Points of two classes: {kinds}. Circles lie around one another, moons interlock, two "
            "spirals wind around one another, each with noise; the shell is a ball within a hollow "
            "ball, in three dimensions, with a gap between. `nnce topology` divides the bounding "
            "box of the samples into polytopes and counts pieces (b0), loops (b1) and cavities "
            "(b2) of each class and of the boundary between them. What divides the classes is one "
            "curve from border to border (b = 1, 0), for circles a closed one (1, 1), for the "
            "shell a sphere (1, 0, 1).",
            f"The Betti numbers come from simplices, the Euler characteristics from the counted "
            f"faces of {count(sum(moment['parts'] for moment in moments))} parts of cells: "
            f"{agreed}, {count(len(moments))} moments with {count(checked)} sets (classes and "
            "boundaries).",
            _table(found),
            f"So {summary}. {_away(found)} {_converse(found)} The boxes reach beyond the samples, "
            "where no sample says what is right, and accuracy cannot see what the boundary does "
            "there.",
            "![The decision boundary along training](figures/boundary.svg)",
        ]
    )


def _away(found: Found) -> str:
    """Say what the wrong shapes are."""
    wrong = [
        f"{inputs(each['data'])} {_written(_betti(end(each)))}"
        for each in found.boundaries
        if end(each)["test_accuracy"] >= LEARNED and not _is_expected(each, end(each))
    ]
    if not wrong:
        return "Where the accuracy is that high, no other shape occurs."
    return f"The others have b = {', '.join(wrong)}."


def _converse(found: Found) -> str:
    """Say how often the shape is there without the accuracy."""
    early = [
        _is_expected(each, moment)
        for each in found.boundaries
        for moment in each["moments"]
        if moment["test_accuracy"] < POOR
    ]
    return (
        f"The converse does not follow: of {count(len(early))} moments with less than "
        f"{percent(POOR)} accuracy {count(sum(early))} have the expected shape, too; one curve "
        "across the box is easily had."
    )


def _written(betti: Sequence[int]) -> str:
    return f"({', '.join(map(str, betti))})"


def _table(found: Found) -> str:
    rows = []
    for (data, hidden), group in grouped(found.boundaries, "data", "hidden").items():
        for k, first in enumerate(group[0]["moments"]):
            moments = [each["moments"][k] for each in group]
            pieces = [_pieces(moment) for moment in moments]
            holes = [sum(_betti(moment)[1:]) for moment in moments]
            same = sum(_is_expected(group[0], moment) for moment in moments)
            rows.append(
                [
                    f"{inputs(data)}, {widths(hidden)}",
                    str(first["epochs"]),
                    middle([moment["test_accuracy"] for moment in moments], percent),
                    middle([moment["cells"] for moment in moments], count),
                    f"{min(pieces)} – {max(pieces)}",
                    f"{min(holes)} – {max(holes)}",
                    f"{same} of {len(group)}",
                ]
            )
    heads = ["data, network", "epochs", "test accuracy", "cells", "pieces", "loops and cavities"]
    return table([*heads, "expected shape"], rows)


def _draw(found: Found) -> Figure:
    drawn = [each for each in found.boundaries if "drawn" in each["moments"][0]]
    shown = [_shown(each["moments"]) for each in drawn]
    figure = new_figure(9.2, 1.75 * len(drawn) + 0.8)
    grid = figure.subplots(len(drawn), SHOWN + 1, squeeze=False, width_ratios=[1] * SHOWN + [1.5])
    for row, training, moments in zip(grid, drawn, shown, strict=True):
        for axes in row[:SHOWN]:
            axes.set_axis_off()
        for axes, moment in zip(row, moments, strict=False):
            axes.set_axis_on()
            _draw_boundary(axes, training, moment)
        group = [each for each in found.boundaries if each["data"] == training["data"]]
        _draw_shape(row[SHOWN], group)
    grid[-1][SHOWN].set_xlabel("epochs")
    handles = [
        Line2D([], [], color=BOUNDARY, label="decision boundary"),
        Line2D(
            [],
            [],
            color=BOUNDARY,
            marker="o",
            markersize=4,
            label="networks of the expected shape, %",
        ),
        Line2D([], [], color=colour(0), linewidth=0.7, label="test accuracy, a line a network"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=3)
    finish(figure, "The boundary of one network along training; right: all seeds")
    return figure


def _shown(moments: Sequence[Record]) -> list[Record]:
    """Return some moments from the first to the last."""
    places = np.linspace(0, len(moments) - 1, min(SHOWN, len(moments)))
    return [moments[round(place)] for place in places]


def _draw_boundary(axes: Axes, training: Record, moment: Record) -> None:
    data = samples_of(training["data"])
    for label in (0, 1):
        x, y = data.train[:POINTS][data.train_labels[:POINTS] == label].T
        axes.plot(x, y, ".", color=class_colour(label), markersize=3, markeredgewidth=0)
    axes.add_collection(LineCollection(moment["drawn"], colors=BOUNDARY, linewidths=1.4))
    corners = np.concatenate([data.train, data.test])
    (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
    axes.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(True)
    epochs = f"{moment['epochs']} epochs" if moment["epochs"] else "before training"
    name = f"{inputs(training['data'])}, " if moment is start(training) else ""
    axes.set_title(f"{name}{epochs}", fontsize=8)


def _draw_shape(axes: Axes, group: Sequence[Record]) -> None:
    """Draw the share of networks of the expected shape, and the accuracy of each."""
    epochs = [moment["epochs"] for moment in group[0]["moments"]]
    steps = range(len(epochs))
    for each in group:
        accuracy = [100 * moment["test_accuracy"] for moment in each["moments"]]
        axes.plot(steps, accuracy, "-", color=colour(0), linewidth=0.7, alpha=0.6)
    same = [
        100 * np.mean([_is_expected(each, each["moments"][k]) for each in group]) for k in steps
    ]
    axes.plot(steps, same, "o-", color=BOUNDARY, markersize=4, linewidth=1.4)
    axes.set(ylim=(-5, 105), xticks=steps, xticklabels=[str(epoch) for epoch in epochs])
    axes.set_title(f"{len(group)} networks, %", fontsize=8)
