"""Sub-cells against rank, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from experiments.results import Record
from experiments.sections.draw import colour, logarithmic, panels
from experiments.sections.found import AGREES, DISAGREES, IN_PART, Found, Section, grouped
from experiments.sections.words import count, decimals, inputs, percent, table, widths
from nnce_cli.plotting.style import INK, finish

ENOUGH = 10  # cells of a rank, for their mean to count
NEARLY_ALWAYS = 0.9

CLAIM = "The dimension of a cell's affine map governs how deeper layers partition the cell."


@dataclass(frozen=True)
class Step:
    """Two ranks, one apart, of the layer-k cells of a network, each of enough cells."""

    lower: float  # mean number of sub-cells
    upper: float


@dataclass(frozen=True)
class OfRank:
    """The layer-k cells of one rank, over the seeds of an architecture."""

    rank: int
    cells: int
    mean: float
    most: int
    bound: int


def ranks_section(found: Found) -> Section:
    """Compare means over ranks with each other, and with the theoretical maximum."""
    steps = [step for each in found.trained for step in _steps(each)]
    growing = sum(step.upper > step.lower for step in steps) / len(steps) if steps else 0.0
    narrow = [each for each in found.trained if each["hidden"][0] <= each["inputs_that_vary"]]
    by_rank = explained(narrow, "rank")
    summary = (
        f"one more dimension means more sub-cells in {percent(growing)} of cases, "
        f"{decimals(_gain(steps))} times as many on average; rank explains {by_rank:.0%} of the "
        "variance of their logarithm under a narrow first layer (in the median network and "
        f"layer), and {explained(found.trained, 'rank'):.0%} over all networks"
    )
    return Section(
        title="Sub-cells against rank",
        claim=CLAIM,
        verdict=_verdict(growing, by_rank),
        summary=summary,
        text=_text(found, steps, summary),
        pictures={"ranks": partial(_draw, found)},
    )


def _verdict(growing: float, by_rank: float) -> str:
    if growing < NEARLY_ALWAYS:
        return DISAGREES if growing <= 0.5 else IN_PART
    return AGREES if by_rank >= 0.5 else IN_PART


def _layers(network: Record) -> Iterator[tuple[int, dict[int, Record]]]:
    for k, layer in enumerate(network["sub_cells_by_rank"], start=1):
        yield k, {int(rank): sub for rank, sub in layer.items()}


def _steps(network: Record) -> Iterator[Step]:
    for _, layer in _layers(network):
        for rank, sub in layer.items():
            more = layer.get(rank + 1)
            if more and min(sub["cells"], more["cells"]) >= ENOUGH:
                yield Step(sub["mean"], more["mean"])


def _gain(steps: Sequence[Step]) -> float:
    """Return the geometric mean of the factors from one rank to the next."""
    factors = [np.log(step.upper / step.lower) for step in steps]
    return float(np.exp(np.mean(factors))) if factors else 1.0


def explained(networks: Sequence[Record], name: str, layer: int | None = None) -> float:
    """Return the median, over networks and layers, of the explained share of the variance."""
    shares = [
        share[name]
        for each in networks
        for k, share in enumerate(each["explained"], start=1)
        if share[name] is not None and layer in (None, k)
    ]
    return float(np.median(shares)) if shares else 0.0


def pooled(networks: Sequence[Record], k: int) -> list[OfRank]:
    """Return the layer-k cells of the networks of one architecture, by rank."""
    ranks: dict[int, list[Record]] = {}
    for each in networks:
        for rank, sub in dict(_layers(each))[k].items():
            ranks.setdefault(rank, []).append(sub)
    return [
        OfRank(
            rank=rank,
            cells=sum(sub["cells"] for sub in subs),
            mean=sum(sub["cells"] * sub["mean"] for sub in subs)
            / sum(sub["cells"] for sub in subs),
            most=max(sub["max"] for sub in subs),
            bound=subs[0]["bound"],
        )
        for rank, subs in sorted(ranks.items())
    ]


def _shown(found: Found) -> dict[str, list[Record]]:
    """Return, for each data set, the networks of three layers with the most ranks and neurons."""
    deep = [each for each in found.trained if len(each["hidden"]) == 3]
    chosen = {}
    for data in found.data:
        groups = grouped((each for each in deep if each["data"] == data), "hidden")
        if groups:
            chosen[data] = max(groups.values(), key=_ranks_and_neurons)
    return chosen


def _ranks_and_neurons(networks: Sequence[Record]) -> tuple[int, int]:
    ranks = [of for k in (1, 2) for of in pooled(networks, k) if of.cells >= ENOUGH]
    return len(ranks), sum(networks[0]["hidden"])


def _largest_rank(networks: Sequence[Record]) -> float:
    """Return the share of the cells that are divided further and have their layer's largest rank.

    That is the number of inputs that vary, or of neurons of a layer before, whichever is least.
    """
    largest = cells = 0
    for each in networks:
        most = each["inputs_that_vary"]
        for (_, layer), width in zip(_layers(each), each["hidden"], strict=False):
            most = min(most, width)
            cells += sum(sub["cells"] for sub in layer.values())
            largest += layer[most]["cells"] if most in layer else 0
    return largest / cells


def _text(found: Found, steps: Sequence[Step], summary: str) -> str:
    reached = [
        (sub["max"], sub["bound"], rank)
        for each in found.trained
        for _, layer in _layers(each)
        for rank, sub in layer.items()
    ]
    above = sum(most > bound for most, bound, _ in reached)
    full = sum(most == bound for most, bound, rank in reached if rank > 0)
    of_rank = sum(rank > 0 for *_, rank in reached)
    shrinking = sum(step.upper <= step.lower for step in steps)
    later = [
        f"from layer {k} to layer {k + 1} {explained(found.trained, 'rank', k):.0%} by rank and "
        f"{explained(found.trained, 'active', k):.0%} by the number of active neurons"
        for k in (1, 2)
    ]
    return "\n\n".join(
        [
            "The rank of a layer-k cell is the dimension of its image at layer k. The n neurons of "
            "layer k+1 cut that image into at most `sum_{i<=r} C(n, i)` parts, for rank r. "
            + (
                "No cell has more; "
                if above == 0
                else f"**{above} cases exceed it, which cannot be;** "
            )
            + f"in {count(full)} of {count(of_rank)} cases (a rank above 0, at one layer of one "
            "trained network) some cell reaches it.",
            f"Over all trained networks {summary}. A case is a pair of neighbouring ranks at one "
            f"layer of one network, of at least {ENOUGH} cells each: there are "
            f"{count(len(steps))}, and in {count(shrinking)} of them the mean does not grow.",
            f"Explained are, in the median, {'; '.join(later)}. At layer 1 the rank is the number "
            f"of active neurons as long as there are more inputs. {_against_active(found)}",
            _by_data(found),
            "Where most cells have the largest rank that the layers before them allow, as the last "
            "column says, rank has little to tell apart. The picture has, for each kind of inputs, "
            "the networks of three layers in which most ranks occur, all seeds together; the table "
            "has the first of them in numbers:",
            _table(found),
            "![Sub-cells against rank](figures/ranks.svg)",
        ]
    )


def _by_data(found: Found) -> str:
    rows = []
    for data in found.data:
        networks = [each for each in found.trained if each["data"] == data]
        steps = [step for each in networks for step in _steps(each)]
        growing = sum(step.upper > step.lower for step in steps)
        rows.append(
            [
                inputs(data),
                f"{growing} of {len(steps)}",
                decimals(_gain(steps)) if steps else "",
                *(percent(explained(networks, name)) for name in ("rank", "active")),
                percent(_largest_rank(networks)),
            ]
        )
    heads = ["inputs", "mean grows", "factor a rank", "explained by rank", "by active neurons"]
    return table([*heads, "cells of largest rank"], rows)


def _against_active(found: Found) -> str:
    """Say which of the two explains more where they differ."""
    shares = [share for each in found.trained for share in each["explained"]]
    differ = [share for share in shares if share["rank"] != share["active"]]
    more = sum(share["rank"] > share["active"] for share in differ)
    return (
        f"Where the two differ, {count(len(differ))} times (a layer of a network), the rank "
        f"explains more in {count(more)}."
    )


def _table(found: Found) -> str:
    data, networks = next(iter(_shown(found).items()))
    hidden = networks[0]["hidden"]
    rows = [
        [
            f"{inputs(data)}, {widths(hidden)}",
            f"{k} → {k + 1}",
            str(of.rank),
            count(of.cells),
            decimals(of.mean),
            count(of.most),
            count(of.bound),
            percent(of.mean / of.bound),
        ]
        for k in range(1, len(hidden))
        for of in pooled(networks, k)
    ]
    heads = ["network", "layers", "rank", "cells", "mean", "most", "theoretical maximum"]
    return table([*heads, "mean of maximum"], rows, left=2)


def _draw(found: Found) -> Figure:
    shown = _shown(found)
    figure, places = panels(max(1, len(shown)), height=3.6)
    for (data, networks), axes in zip(shown.items(), places, strict=False):
        for k in range(1, len(networks[0]["hidden"])):
            _curves(axes, pooled(networks, k), k)
        axes.set(xlabel="rank of the cell")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        logarithmic(axes, "y")
        axes.set_title(f"{inputs(data)}, {widths(networks[0]['hidden'])}")
    places[0].set_ylabel("sub-cells of a cell")
    handles = [
        Line2D([], [], marker="o", color=colour(k - 1), label=f"mean, layer {k} → {k + 1}")
        for k in (1, 2)
    ]
    handles += [
        Line2D([], [], marker="^", linestyle="none", color="#444444", label="most in one cell"),
        Line2D([], [], linestyle="--", color=INK, label="theoretical maximum"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=min(4, 2 * len(shown)))
    finish(figure, "Layer-(k+1) cells in a layer-k cell, by its rank; all seeds together")
    return figure


def _curves(axes: Axes, ranks: Sequence[OfRank], k: int) -> None:
    x = [of.rank for of in ranks]
    axes.plot(x, [of.bound for of in ranks], "--", color=INK, linewidth=1)
    axes.plot(x, [of.mean for of in ranks], "o-", color=colour(k - 1), linewidth=1.3, markersize=4)
    axes.plot(x, [of.most for of in ranks], "^", color=colour(k - 1), markersize=4)
