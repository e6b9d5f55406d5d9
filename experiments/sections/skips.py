"""Skip connections against plain networks: cells and ranks at the same widths and weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.plan import PLAIN, SKIP
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
from experiments.sections.words import between, count, inputs, percent, table, widths
from experiments.statistics import Interval, ratio_of_pairs
from nnce_cli.plotting.style import finish

CLAIM = (
    "(Not a claim of the paper.) Skip connections make more cells, and cells of larger rank, at "
    "the same widths."
)
NEARLY_ALWAYS = 0.9  # of the settings

STYLES: tuple[tuple[Literal[":", "-"], str, str], ...] = (
    (":", "white", "before training"),
    ("-", "#444444", "after training"),
)

When = Callable[[Record], Record]


@dataclass(frozen=True)
class Pair:
    """Trainings without and with skip connections, of equal widths and in the order of the seeds.

    Those of one seed begin with the same weights.
    """

    hidden: tuple[int, ...]
    plain: list[Record]
    skip: list[Record]

    def ratio(self, when: When) -> Interval | None:
        """Return the cells with skip connections over those without."""
        return ratio_of_pairs(_cells(self.skip, when), _cells(self.plain, when))

    def gain_of_rank(self, when: When) -> float:
        """Return by how much the share of cells of full rank is larger with skip connections."""
        plain, skip = (np.mean(full_rank(each, when)) for each in (self.plain, self.skip))
        return float(skip - plain)


def skips_section(found: Found) -> Section:
    """Compare the two kinds before and after training."""
    compared = pairs(found)
    after = by_depth(compared, end)
    gains = [pair.gain_of_rank(end) for pair in compared]
    summary = (
        f"over all widths, networks with skip connections have {_factors(after)} times as many "
        f"cells as plain ones after training, and {_factors(by_depth(compared, start))} times "
        "before it; after training the share of "
        f"cells of full rank is larger in {sum(gain > 0 for gain in gains)} of {len(gains)} "
        f"settings, by {percent(float(np.mean(gains)))} of all cells on average"
    )
    return Section(
        title="Skip connections",
        claim=CLAIM,
        verdict=_verdict(list(after.values()), gains),
        summary=summary,
        text=_text(compared, summary),
        pictures={"skips": partial(_draw, compared)},
    )


def by_depth(compared: Sequence[Pair], when: When) -> dict[int, Interval | None]:
    """Return the cells with skip connections over those without, over all widths of a depth."""
    depths = sorted({len(pair.hidden) for pair in compared})
    return {
        depth: ratio_of_pairs(
            [c for pair in compared if len(pair.hidden) == depth for c in _cells(pair.skip, when)],
            [c for pair in compared if len(pair.hidden) == depth for c in _cells(pair.plain, when)],
        )
        for depth in depths
    }


def pairs(found: Found) -> list[Pair]:
    """Return the widths that there are of both kinds."""
    groups: dict[tuple[int, ...], dict[str, list[Record]]] = {}
    for (hidden, kind), group in grouped(found.boxes, "hidden", "kind").items():
        groups.setdefault(hidden, {})[kind] = sorted(group, key=lambda each: int(each["seed"]))
    return [
        Pair(hidden, kinds[PLAIN], kinds[SKIP])
        for hidden, kinds in groups.items()
        if {PLAIN, SKIP} <= kinds.keys()
    ]


def full_rank(trainings: Sequence[Record], when: When) -> list[float]:
    """Return the share of cells with as many dimensions left as there are inputs, or neurons."""
    return [shares[-1] for shares in (_shares(each, when) for each in trainings)]


def _shares(training: Record, when: When) -> list[float]:
    """Return the shares of the cells by rank at the last layer, from rank 0 to the largest."""
    ranks = {int(rank): cells for rank, cells in when(training)["cells_by_rank"][-1].items()}
    most = min(int(training["inputs"]), *training["hidden"])
    return [ranks.get(rank, 0) / sum(ranks.values()) for rank in range(most + 1)]


def _cells(trainings: Sequence[Record], when: When) -> list[float]:
    return [float(when(each)["cells"]) for each in trainings]


def _mean_cells(trainings: Sequence[Record], when: When) -> float:
    return float(np.exp(np.mean(np.log(_cells(trainings, when)))))


def _mean_accuracy(trainings: Sequence[Record], when: When) -> float:
    return float(np.mean([when(each)["test_accuracy"] for each in trainings]))


def _factors(ratios: dict[int, Interval | None]) -> str:
    return " and ".join(
        f"{between(ratio) if ratio else '(not defined)'} ({depth} hidden layers)"
        for depth, ratio in ratios.items()
    )


def _verdict(ratios: Sequence[Interval | None], gains: Sequence[float]) -> str:
    """Agreed is that cells and ranks both grow; that one of them does is agreed in part."""
    more = all(ratio is not None and ratio.low > 1 for ratio in ratios)
    larger = sum(gain > 0 for gain in gains) >= NEARLY_ALWAYS * len(gains)
    if more and larger:
        return AGREES
    if any(ratio is not None and ratio.high < 1 for ratio in ratios):
        return IN_PART if larger else DISAGREES
    return IN_PART if more or larger else CANNOT_TELL


def _text(compared: Sequence[Pair], summary: str) -> str:
    first = compared[0].plain[0]
    return "\n\n".join(
        [
            f"Networks on the digits' {inputs(first['data'])}, with dense layers of equal widths. "
            "After the first one, layers with a skip connection are blocks of two, "
            "`relu(x + W' relu(W x + b) + b')`; a plain network has the same layers without `x +`. "
            f"For each of {len(compared[0].plain)} seeds both begin with the same weights and see "
            "the same batches. The ratio is the geometric mean over these pairs, with Student's "
            "interval for the logarithms (so it is over all widths, too, where pairs of all "
            "widths count alike); full rank is as many dimensions at the last hidden layer "
            "as there are inputs, or neurons where these are fewer.",
            _table(compared),
            f"So {summary}. {_single(compared)} {_dead(compared)}",
            "Where the units inside a block are inactive, a plain network is constant from there "
            "on, and one with skip connections passes the block's input on.",
            "![Cells and ranks with skip connections](figures/skips.svg)",
        ]
    )


def _single(compared: Sequence[Pair]) -> str:
    """Say in how many single settings chance is ruled out."""
    ratios = [pair.ratio(when) for pair in compared for when in (start, end)]
    told = [ratio for ratio in ratios if ratio is not None and not ratio.low <= 1 <= ratio.high]
    return (
        "The seeds of a single setting are few: for the cells, chance is ruled out in "
        f"{len(told)} of {len(ratios)} lines of the table."
    )


def _dead(compared: Sequence[Pair]) -> str:
    """Say of how many networks training leaves a single cell."""
    plain, skip = (
        sum(end(each)["cells"] == 1 for group in groups for each in group)
        for groups in zip(*((pair.plain, pair.skip) for pair in compared), strict=True)
    )
    if not plain + skip:
        return ""
    return (
        f"Narrow, deep networks may die in training: {plain} plain and {skip} with skip "
        "connections end with a single cell."
    )


def _table(compared: Sequence[Pair]) -> str:
    rows = []
    for pair in compared:
        for when, words in ((start, "before"), (end, "after")):
            ratio = pair.ratio(when)
            kinds = (pair.plain, pair.skip)
            row = [
                widths(pair.hidden),
                words,
                *(count(_mean_cells(group, when)) for group in kinds),
                between(ratio) if ratio else "not defined",
                *(percent(float(np.mean(full_rank(group, when)))) for group in kinds),
                *(percent(_mean_accuracy(group, when)) for group in kinds),
            ]
            rows.append(row)
    heads = ["hidden layers", "training", "cells, plain", "cells, skip", "skip over plain [95%]"]
    heads += ["full rank, plain", "full rank, skip", "accuracy, plain", "accuracy, skip"]
    return table(heads, rows, left=2)


def _draw(compared: Sequence[Pair]) -> Figure:
    depths = sorted({len(pair.hidden) for pair in compared})
    figure, places = panels(len(depths) + 1, height=3.4)
    for depth, axes in zip(depths, places, strict=False):
        _draw_cells(axes, [pair for pair in compared if len(pair.hidden) == depth])
        axes.set_title(f"{depth} hidden layers")
    places[0].set_ylabel("cells")
    _draw_ranks(places[-1], max(compared, key=lambda pair: sum(pair.hidden)))
    handles = [
        Line2D([], [], marker="s", linestyle="none", color=colour(i), label=label)
        for i, label in enumerate(("plain", "with skip connections"))
    ]
    handles += [
        Line2D(
            [],
            [],
            linestyle=style,
            color="#444444",
            marker="o",
            markersize=4,
            markerfacecolor=face,
            label=label,
        )
        for style, face, label in STYLES
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=4)
    finish(figure, "Cells and ranks with and without skip connections, at equal widths")
    return figure


def _draw_cells(axes: Axes, compared: Sequence[Pair]) -> None:
    """Draw each network as a point, and the geometric means as lines."""
    for place, kind in enumerate(("plain", "skip")):
        for when, style in ((start, ":"), (end, "-")):
            groups = [(pair.hidden[0], getattr(pair, kind)) for pair in compared]
            means = [_mean_cells(group, when) for _, group in groups]
            axes.plot([x for x, _ in groups], means, style, color=colour(place), linewidth=1.4)
            for x, group in groups:
                aside = x * (1 + 0.03 * (2 * place - 1))
                cells = _cells(group, when)
                (drawn,) = axes.plot([aside] * len(group), cells, "o", color=colour(place))
                filled = colour(place) if when is end else "white"
                drawn.set(markersize=3.5, markerfacecolor=filled, markeredgewidth=0.7)
    axes.set(xlabel="neurons of a layer")
    logarithmic(axes)
    axes.set_xticks([pair.hidden[0] for pair in compared])


def _draw_ranks(axes: Axes, pair: Pair) -> None:
    """Draw the shares of the cells by rank, each network a point, and their means as lines."""
    for place, group in enumerate((pair.plain, pair.skip)):
        for when, style in ((start, ":"), (end, "-")):
            shares = 100 * np.array([_shares(each, when) for each in group])
            ranks = np.arange(shares.shape[1])
            axes.plot(ranks, shares.mean(axis=0), style, color=colour(place), linewidth=1.4)
            for row in shares:
                (drawn,) = axes.plot(ranks, row, "o", color=colour(place), markersize=3.5)
                filled = colour(place) if when is end else "white"
                drawn.set(markerfacecolor=filled, markeredgewidth=0.7)
    axes.set(xlabel="rank at the last hidden layer", ylabel="% of the cells", xticks=ranks)
    axes.set_title(widths(pair.hidden))
