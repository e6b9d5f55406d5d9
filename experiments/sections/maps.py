"""Distinct affine maps and linear regions against cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.plan import MAX_FIRST, MAX_POOLING, PLAIN
from experiments.results import Record
from experiments.sections.draw import colour, logarithmic, panels
from experiments.sections.found import (
    AGREES,
    DISAGREES,
    IN_PART,
    Found,
    Section,
    end,
    grouped,
    start,
)
from experiments.sections.words import count, decimals, kinds, middle, percent, table, widths
from nnce_cli.plotting.style import INK, finish

CLAIM = "(Not a claim of the paper.) A cell is a linear region: each cell has a map of its own."
NEARLY = 0.999  # of the cells

When = Callable[[Record], Record]


def maps_section(found: Found) -> Section:
    """Count the maps of the networks on boxes, and of those on planes at the end of training."""
    networks = [when(each) for each in found.boxes for when in (start, end)]
    each_its_own = sum(each["distinct_maps"] == each["cells"] for each in networks)
    pooled = [maps / cells for _, cells, maps in on_planes(found)]
    summary = (
        f"in {count(each_its_own)} of {count(len(networks))} dense networks each cell has a map of "
        f"its own{_from_which_width(found)}, and all of them together have "
        f"{percent(_share(networks))} as many linear regions as cells; on planes through digits, "
        f"convolutional networks have {percent(min(pooled))} to {percent(max(pooled))} as many "
        "maps as cells"
    )
    return Section(
        title="Affine maps and linear regions against cells",
        claim=CLAIM,
        verdict=_verdict(_share(networks), min(pooled)),
        summary=summary,
        text=_text(found, summary),
        pictures={"maps": partial(_draw, found)},
    )


def _from_which_width(found: Found) -> str:
    """Say how wide layers have to be for it, as far as can be seen."""
    narrow = [
        max(each["hidden"])
        for each in found.boxes
        for when in (start, end)
        if when(each)["distinct_maps"] < when(each)["cells"]
    ]
    least = [min(each["hidden"]) for each in found.boxes]
    wide = [width for width in least if width > max(narrow, default=0)]
    return f" (in all with {min(wide)} neurons a layer or more)" if narrow and wide else ""


def _share(networks: Sequence[Record]) -> float:
    regions = sum(int(each["linear_regions"]) for each in networks)
    return regions / sum(int(each["cells"]) for each in networks)


def _verdict(of_dense: float, of_pooled: float) -> str:
    agree = [share >= NEARLY for share in (of_dense, of_pooled)]
    return AGREES if all(agree) else IN_PART if any(agree) else DISAGREES


def on_planes(found: Found) -> Iterator[tuple[str, int, int]]:
    """Yield the kind, the cells and the maps of each network on the first plane."""
    for each in found.planes:
        plane = end(each)["planes"][0]
        yield each["kind"], int(plane["cells"]), int(plane["distinct_maps"])


def two_orders(found: Found) -> list[tuple[Record, Record]]:
    """Return planes of a network with max pooling behind the ReLU, and of it in the other order."""
    planes = {
        (kind, seed): end(each)["planes"][0]
        for (kind, seed), (each,) in grouped(found.planes, "kind", "seed").items()
    }
    return [
        (plane, planes[MAX_FIRST, seed])
        for (kind, seed), plane in planes.items()
        if kind == MAX_POOLING
    ]


def _text(found: Found, summary: str) -> str:
    return "\n\n".join(
        [
            "A linear region is a connected part of the domain on which the network is one affine "
            "map, from cell to cell through facets; maps are compared in exact arithmetic "
            "(`nnce geometry`). Cells are told apart by their sign vectors, so that two cells may "
            "have one map: where all units that a unit's output goes to are inactive, its own "
            "sign makes no difference. The networks are those of the section before.",
            _table(found),
            f"So {summary}. {_one_map_twice(found)}",
            _orders(found),
            _planes(found),
            "![Maps and regions against cells](figures/maps.svg)",
        ]
    )


def _one_map_twice(found: Found) -> str:
    networks = [when(each) for each in found.boxes for when in (start, end)]
    regions = sum(each["linear_regions"] > each["distinct_maps"] for each in networks)
    return f"In {count(regions)} of the networks two regions that are apart have one map."


def _table(found: Found) -> str:
    """Return the settings in which some cells have no map of their own."""
    rows = []
    settings = grouped(found.boxes, "hidden", "kind")
    for (hidden, kind), group in settings.items():
        networks = [when(each) for each in group for when in (start, end)]
        if all(each["linear_regions"] == each["cells"] for each in networks):
            continue
        row = [widths(hidden), kinds(kind)]
        for when in (start, end):
            cells = [when(each)["cells"] for each in group]
            shares = [when(each)["linear_regions"] / when(each)["cells"] for each in group]
            row += [middle(cells, count), middle(shares, percent)]
        rows.append(row)
    heads = ["hidden layers", "kind"]
    for words in ("before", "after"):
        heads += [f"cells, {words} training", "regions over cells"]
    others = len(settings) - len(rows)
    rest = f"In the other {others} settings all seeds have as many regions as cells."
    return f"{table(heads, rows, left=2)}\n\n{rest}" if rows else rest


def _orders(found: Found) -> str:
    pairs = two_orders(found)
    equal = sum(one["distinct_maps"] == other["distinct_maps"] for one, other in pairs)
    factors = [one["cells"] / other["cells"] for one, other in pairs]
    return (
        "That cells are not a property of the function alone is plainest with max pooling. A ReLU "
        "before it or behind it makes the same function of the same weights; but before it there "
        "is a ReLU for each value, and behind it one for each window. The first has "
        f"{middle(factors, partial(decimals, places=1))} times as many cells. The distinct maps, "
        f"which are a property of the function, are equal in number on {equal} of the {len(pairs)} "
        "planes."
    )


def _planes(found: Found) -> str:
    rows = []
    kinds_found = dict.fromkeys(kind for kind, *_ in on_planes(found))
    for kind in kinds_found:
        cells = [cells for of, cells, _ in on_planes(found) if of == kind]
        maps = [maps for of, _, maps in on_planes(found) if of == kind]
        shares = [m / c for m, c in zip(maps, cells, strict=True)]
        rows.append(
            [kinds(kind), str(len(cells)), middle(cells, count), middle(maps, count),
             middle(shares, percent)]
        )  # fmt: skip
    heads = ["convolutional network", "planes", "cells", "distinct maps", "maps over cells"]
    return table(heads, rows)


def _draw(found: Found) -> Figure:
    figure, places = panels(3, height=3.4)
    dense = [each for each in found.boxes if each["kind"] == PLAIN]
    depths = sorted({len(each["hidden"]) for each in dense})
    for axes, when, words in zip(places, (start, end), ("before", "after"), strict=False):
        for place, depth in enumerate(depths):
            _draw_shares(axes, [e for e in dense if len(e["hidden"]) == depth], when, place)
        axes.set(xlabel="neurons of a layer", ylim=(-4, 104))
        axes.set_xticks(sorted({each["hidden"][0] for each in dense}))
        axes.set_title(f"dense, {words} training")
    places[0].set_ylabel("linear regions, % of the cells")
    _draw_planes(places[2], found)
    of_planes = dict.fromkeys(kind for kind, *_ in on_planes(found))
    named: list[tuple[Literal["o", "D"], int, str]] = [
        *(("o", place, f"{depth} hidden layers") for place, depth in enumerate(depths)),
        *(("D", place, kinds(kind)) for place, kind in enumerate(of_planes)),
    ]
    handles = [
        Line2D([], [], marker=shape, linestyle="none", color=colour(place), label=name)
        for shape, place, name in named
    ]
    handles.append(Line2D([], [], linestyle="--", color=INK, label="as many maps as cells"))
    figure.legend(handles=handles, loc="outside lower left", ncols=3)
    finish(figure, "Linear regions and distinct affine maps against cells")
    return figure


def _draw_planes(axes: Axes, found: Found) -> None:
    """Draw each network as a point: its maps over its cells on a plane."""
    for place, kind in enumerate(dict.fromkeys(kind for kind, *_ in on_planes(found))):
        x = [cells for of, cells, _ in on_planes(found) if of == kind]
        y = [maps for of, _, maps in on_planes(found) if of == kind]
        axes.plot(x, y, "D", color=colour(place), markersize=4, alpha=0.8)
    ends = [min(m for *_, m in on_planes(found)), max(c for _, c, _ in on_planes(found))]
    axes.plot(ends, ends, "--", color=INK, linewidth=1)
    axes.set(xlabel="cells of a plane", ylabel="distinct maps")
    logarithmic(axes)
    axes.set_title("convolutional, after training")


def _draw_shares(axes: Axes, trainings: Sequence[Record], when: When, place: int) -> None:
    """Draw each network as a point, and the medians as a line."""
    groups = grouped(trainings, "hidden")
    shares = {
        hidden[0]: [100 * when(e)["linear_regions"] / when(e)["cells"] for e in group]
        for (hidden,), group in groups.items()
    }
    axes.plot(list(shares), [np.median(s) for s in shares.values()], "-", color=colour(place))
    for width, values in shares.items():
        x = [width + 0.12 * (place - 1)] * len(values)
        (drawn,) = axes.plot(x, values, "o", color=colour(place), markersize=3.5)
        drawn.set(alpha=0.75, markeredgewidth=0)
