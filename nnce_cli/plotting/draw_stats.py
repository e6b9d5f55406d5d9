"""Pictures of a table's statistics: sub-cells against rank, and growth from layer to layer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from nnce_cli.analysis import Stats, SubCells, montufar, serra
from nnce_cli.plotting.style import AREAS, CURVES, INK, Look, finish, new_figure

MOST_COLUMNS = 3
MOST_PANELS = 24  # of deeper networks some layers are drawn, evenly spaced
MOST_TICKS = 6  # ranks whose numbers of cells are written below them
MOST_LABELS = 16
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
IN_SIGHT = 1000  # an upper bound that is larger than all cells by this factor is not drawn to scale


def draw_ranks(stats: Stats, title: str, look: Look = Look()) -> Figure:  # noqa: B008
    """Draw how many layer-(k+1) cells a layer-k cell of each rank holds, a panel for each k.

    There are at least two hidden layers. Call it within `our_style`.
    """
    layers = dict(enumerate(stats.sub_cells_by_rank, start=1))
    if len(layers) > MOST_PANELS:
        title += f"; {MOST_PANELS} of {len(layers)} layers"
        kept = np.linspace(min(layers), max(layers), MOST_PANELS).astype(int).tolist()
        layers = {k: layers[k] for k in kept}
    columns = min(MOST_COLUMNS, len(layers))
    rows = -(-len(layers) // columns)
    panel = 0.9 + 0.5 * min(max(map(len, layers.values())), MOST_TICKS)
    figure = new_figure(max(4.8, max(2.8, panel) * columns + 0.6), 2.9 * rows + 1.1, look)
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    ceiling = IN_SIGHT * max(sub.max for layer in layers.values() for sub in layer.values())
    for (k, layer), axes in zip(layers.items(), panels, strict=False):
        _panel(axes, k, layer, ceiling)
    for axes in panels[len(layers) :]:
        axes.remove()
    for axes in panels[::columns]:
        axes.set_ylabel("sub-cells of a cell")
    figure.legend(handles=_explanation(), loc="outside lower left", ncols=5 if columns > 1 else 3)
    finish(figure, title)
    return figure


def _panel(axes: Axes, k: int, layer: Mapping[int, SubCells], ceiling: int) -> None:
    for rank, sub in layer.items():
        first, median, third = sub.quartiles
        axes.plot([rank, rank], [sub.min, sub.max], color=CURVES[0], linewidth=1.2, zorder=2)
        (box,) = axes.bar(rank, third - first, bottom=first, width=0.44, zorder=3)
        box.set(facecolor=AREAS[0], edgecolor=CURVES[0], linewidth=0.9)
        axes.plot([rank - 0.22, rank + 0.22], [median, median], color=INK, linewidth=1.6, zorder=4)
        axes.plot(rank, sub.mean, "o", color="white", markeredgecolor=INK, markersize=4.5, zorder=5)
        _draw_bound(axes, rank, sub.bound, ceiling, half_width=0.36)
    _logarithmic(axes)
    axes.set_ylim(bottom=0.8)
    axes.set_title(f"layer-{k + 1} cells in a layer-{k} cell")
    axes.set_xlabel(f"rank at layer {k}")
    ranks = list(layer) or [0]
    axes.set_xlim(min(ranks) - 0.8, max(ranks) + 0.8)
    if len(ranks) <= MOST_TICKS:
        counted = [f"{rank}\n({short_number(layer[rank].cells)})" for rank in ranks]
        axes.set_xticks(ranks, counted, fontsize=7.5)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _logarithmic(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short_number(round(value))))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)


def _draw_bound(axes: Axes, x: float, bound: int, ceiling: int, half_width: float) -> None:
    """Draw an upper bound as a bar, or how large it is where that is out of sight."""
    if bound <= ceiling:
        ends = [x - half_width, x + half_width]
        axes.plot(ends, [bound, bound], color=CURVES[2], linewidth=1.8, zorder=3)
        return
    axes.plot(x, ceiling, marker="^", color=CURVES[2], markersize=5, linestyle="none", zorder=3)
    axes.annotate(
        short_number(bound),
        (x, ceiling),
        xytext=(0, 5),
        textcoords="offset points",
        horizontalalignment="center",
        fontsize=7,
        color=INK,
    )


def _explanation() -> list[Line2D | Patch]:
    return [
        Line2D([], [], color=CURVES[0], linewidth=1.2, label="least to most"),
        Patch(facecolor=AREAS[0], edgecolor=CURVES[0], label="quartiles"),
        Line2D([], [], color=INK, linewidth=1.6, label="median"),
        Line2D(
            [], [], marker="o", color="white", markeredgecolor=INK, markersize=4.5, label="mean"
        ),
        Line2D([], [], color=CURVES[2], linewidth=1.8, label="theoretical maximum"),
    ]


def draw_layers(
    stats: Stats,
    dimension: int,
    title: str,
    look: Look = Look(),  # noqa: B008
) -> Figure:
    """Draw the number of layer-k cells against k, and an upper bound on it.

    ``dimension`` is the number of inputs that vary. Call it within `our_style`.
    """
    counts = [1, *stats.layer_cells]
    strongest = serra if stats.sizes.is_relu else montufar
    bounds = [strongest(stats.sizes.of(dimension, k)) for k in range(1, len(counts))]
    ceiling = IN_SIGHT * max(counts)
    figure = new_figure(max(5.2, min(9.0, 1.2 * len(counts) + 2)), 4.2, look)
    axes = figure.add_subplot()
    layers = range(len(counts))
    axes.plot(layers, counts, "o-", color=CURVES[0], linewidth=1.6, markersize=5, zorder=4)
    for layer, bound in enumerate(bounds, start=1):
        _draw_bound(axes, layer, bound, ceiling, half_width=0.18)
    if len(counts) <= MOST_LABELS:
        for layer, count in enumerate(counts):
            axes.annotate(
                short_number(count),
                (layer, count),
                xytext=(0, -14),
                textcoords="offset points",
                horizontalalignment="center",
                fontsize=8,
                zorder=5,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.8},
            )
    _logarithmic(axes)
    axes.set_ylim(bottom=0.25)
    axes.set_xlim(-0.4, len(counts) - 0.6)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="layer k (0 is the domain)", ylabel="layer-k cells")
    source = "Serra et al. 2018" if stats.sizes.is_relu else "Montúfar 2017"
    handles = [
        Line2D([], [], marker="o", color=CURVES[0], linewidth=1.6, label="cells"),
        Line2D([], [], color=CURVES[2], linewidth=1.8, label=f"upper bound ({source})"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=2)
    finish(figure, title)
    return figure


def short_number(value: int) -> str:
    """Write an integer in little room: 12,345, or 1.2×10⁴⁵ where it is long."""
    if value < 10**7:
        return f"{value:,}"
    exponent = len(str(value)) - 1
    digits = f"{value // 10 ** (exponent - 1) / 10:.1f}×"
    return ("" if digits == "1.0×" else digits) + "10" + str(exponent).translate(RAISED)
