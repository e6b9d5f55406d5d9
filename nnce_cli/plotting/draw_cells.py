"""Pictures of the cells of a plane domain, and of the function on an interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from matplotlib.tri import Triangulation

from nnce_cli.base.task import Task
from nnce_cli.plotting.classes import Classes, classes
from nnce_cli.plotting.cutting import Partition
from nnce_cli.plotting.draw_marks import draw_marks, mark_handles
from nnce_cli.plotting.fills import Colouring, Fill, fill
from nnce_cli.plotting.lines import WIDEST, Stroke, strokes
from nnce_cli.plotting.marks import Marks
from nnce_cli.plotting.palette import Palette, Scale, palette
from nnce_cli.plotting.plane import Plane
from nnce_cli.plotting.polygons import Floats, Polygons
from nnce_cli.plotting.style import (
    AREAS,
    BOUNDARY,
    CURVES,
    LINES,
    MUTED,
    Look,
    finish,
    new_figure,
)

MOST_CURVES = len(CURVES)
MOST_DOTS = 300
COLUMNS = 3000  # finer than a picture of an interval can show
LONGEST = 5.4  # inches: the longer side of a plane domain
THINNEST_SIDE = 0.25  # the shorter side of the axes to the longer, however thin the domain is
AROUND = (2.4, 1.6)  # inches that labels, title and legends need at first
LEGEND_COLUMN, LEGEND_LETTERS = 1.75, 22  # inches that an entry of so many letters takes
MOST_IN_COLUMN = 16  # classes


@dataclass(frozen=True, eq=False)
class _Scene:
    """What is drawn, and in which colours."""

    partition: Partition
    classes: Classes
    fill: Fill
    palette: Palette
    marks: Marks
    look: Look


def draw_cells(
    partition: Partition,
    colouring: Colouring,
    title: str,
    component: int = 0,
    marks: Marks | None = None,
    look: Look = Look(),  # noqa: B008
) -> Figure:
    """Draw the cells of a domain; call it within `our_style`.

    Two inputs: the cells with the neurons' bent lines and the decision boundary. One input: the
    outputs with their breakpoints, over a strip of the cells. ``component`` is the output that
    the colouring "output" shows, and ``marks`` are the points on it, by default those of a slice.

    Raises:
        InputError: there is no such output, or there are no classes.
    """
    found = classes(partition)
    painted = fill(partition, found, colouring, component)
    marks = Marks.of(partition.plane) if marks is None else marks
    scene = _Scene(partition, found, painted, palette(painted), marks, look)
    if partition.plane.dimension == 1:
        figure, fitted = _interval(scene), None
    else:
        figure, fitted = _plane(scene)
    finish(figure, title, None if look.size else fitted)
    return figure


def _plane(scene: _Scene) -> tuple[Figure, tuple[Axes, tuple[float, float]]]:
    """Draw a plane; return its axes, too, and their size in inches where none is asked for."""
    plane = scene.partition.plane
    width, height = (plane.upper - plane.lower).tolist()
    ratio = min(max(height / width, THINNEST_SIDE), 1 / THINNEST_SIDE)
    inches = (LONGEST / max(1.0, ratio), LONGEST * min(1.0, ratio))
    figure = new_figure(inches[0] + AROUND[0], inches[1] + AROUND[1], scene.look)
    axes = figure.add_subplot()
    axes.set_box_aspect(ratio)
    _paint(axes, scene, inches)
    (left, bottom), (right, top) = plane.lower, plane.upper
    axes.set(xlim=(left, right), ylim=(bottom, top))
    x, y = plane.axis_labels
    axes.set(xlabel=x, ylabel=y)
    _explain(figure, [axes], scene)
    return figure, (axes, inches)


def _interval(scene: _Scene) -> Figure:
    figure = new_figure(8.0, 5.4, scene.look)
    axes, strip = figure.subplots(2, 1, sharex=True, height_ratios=[8, 1])
    _plot_outputs(axes, scene.partition)
    _paint(strip, scene, (6.5, 0.5))
    plane = scene.partition.plane
    strip.set(ylim=(0, 1), yticks=[], xlabel=plane.axis_labels[0])
    strip.set_ylabel("cells", rotation=0, horizontalalignment="right", verticalalignment="center")
    strip.set_xlim(plane.lower[0], plane.upper[0])
    _explain(figure, [axes, strip], scene)
    return figure


def _plot_outputs(axes: Axes, partition: Partition) -> None:
    """Plot the outputs over the input, each cell as a segment of its own."""
    order = np.argsort(partition.polygons.centres()[:, 0], kind="stable")
    order = order[partition.polygons.counts[order] > 0]  # not those out of a window
    cells = partition.polygons.take(order)
    ends = np.stack(cells.lowest_and_highest(cells.points[:, 0]), axis=1)
    count = partition.outputs.shape[1]
    for index in range(min(count, MOST_CURVES)):
        slope, _, constant = partition.outputs[order, index].T
        values = slope[:, None] * ends + constant[:, None]
        x, y = _polyline(ends, values)
        name = "output" if count == 1 else f"output {index}"
        axes.plot(x, y, color=CURVES[index], linewidth=1.4, label=name, zorder=2)
        _dot_breakpoints(axes, partition, ends.ravel(), values.ravel())
    axes.set_ylabel("output" if count <= MOST_CURVES else f"the first {MOST_CURVES} outputs")
    if count > 1:
        axes.legend(loc="best", frameon=True, framealpha=0.8, edgecolor="none")


def _polyline(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the points of segments whose ends are the rows of x and y (s, 2), with gaps between.

    More segments than can be seen are drawn by columns, from the first point in it to the least
    and the greatest to the last (Jugel et al., M4: a visualization-oriented time series data
    aggregation, VLDB 2014).
    """
    if len(x) <= COLUMNS:
        gap = np.full((len(x), 1), np.nan)
        return np.append(x, gap, axis=1).ravel(), np.append(y, gap, axis=1).ravel()
    column = ((x[:, 0] - x[0, 0]) * (COLUMNS / (x[-1, 1] - x[0, 0]))).astype(np.int64)
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    stops = np.append(starts[1:], len(x)) - 1
    middle = (x[starts, 0] + x[stops, 1]) / 2
    least = np.minimum.reduceat(y.min(axis=1), starts)
    most = np.maximum.reduceat(y.max(axis=1), starts)
    between = np.full(len(starts), np.nan)
    columns = [x[starts, 0], middle, middle, x[stops, 1], between]
    values = [y[starts, 0], least, most, y[stops, 1], between]
    return np.stack(columns, axis=1).ravel(), np.stack(values, axis=1).ravel()


def _dot_breakpoints(axes: Axes, partition: Partition, x: Floats, y: Floats) -> None:
    """Mark where the slope changes, in the colour of the neuron's layer, if the dots are few."""
    breaks = partition.cuts[:, 0, 0]
    if len(breaks) <= MOST_DOTS:
        colours = [LINES[layer % len(LINES)] for layer in partition.cut_layers.tolist()]
        axes.scatter(breaks, np.interp(breaks, x, y), s=10, c=colours, zorder=3, linewidths=0)


def _paint(axes: Axes, scene: _Scene, inches: tuple[float, float]) -> None:
    """Colour the cells, and draw the neurons' lines and the decision boundary over them."""
    if scene.fill.smooth and scene.palette.scale is not None:
        _paint_smoothly(axes, scene.fill, scene.palette.scale)
    else:
        _paint_flat(axes, scene.fill, scene.palette)
    if scene.look.lines:
        _draw_lines(axes, scene.partition, inches)
    _stroke(axes, scene.classes.boundary, "white", Stroke(2.8, 0.9))
    _stroke(axes, scene.classes.boundary, BOUNDARY, Stroke(1.4, 1.0))
    draw_marks(axes, scene.partition.plane, scene.marks)


def _draw_lines(axes: Axes, partition: Partition, inches: tuple[float, float]) -> None:
    """Draw the neurons' lines, those of the first layer on top."""
    by_layer = list(enumerate(strokes(partition, inches)))
    for layer, stroke in reversed(by_layer):
        segments = partition.cuts[partition.cut_layers == layer]
        if partition.plane.dimension == 1:
            segments = _one_a_column(segments, partition.plane)
        _stroke(axes, segments, LINES[layer % len(LINES)], stroke)


def _one_a_column(breaks: Floats, plane: Plane) -> Floats:
    """Return one of the lines that cannot be told apart."""
    share = (breaks[:, 0, 0] - plane.lower[0]) / (plane.upper[0] - plane.lower[0])
    _, first = np.unique((share * COLUMNS).astype(np.int64), return_index=True)
    return breaks[first]


def _stroke(axes: Axes, segments: Floats, colour: str, stroke: Stroke) -> None:
    """Draw segments (s, 2, 2) as one path, which keeps files of many cells small."""
    if not len(segments):
        return
    codes = np.tile(np.array([Path.MOVETO, Path.LINETO], dtype=np.uint8), len(segments))
    path = Path(segments.reshape(-1, 2), codes)
    axes.add_artist(
        PathPatch(
            path,
            fill=False,
            edgecolor=colour,
            linewidth=stroke.width,
            alpha=stroke.opacity,
            capstyle="round",
        )
    )


def _paint_flat(axes: Axes, fill: Fill, palette: Palette) -> None:
    """Fill all polygons of one colour as one path, which leaves no seams between them."""
    for shade in np.unique(palette.shades).tolist():
        path = _outline(fill.polygons.take(np.flatnonzero(palette.shades == shade)))
        colour = palette.colours[shade]
        axes.add_artist(PathPatch(path, color=colour, linewidth=0, antialiased=False))


def _outline(polygons: Polygons) -> Path:
    """Return the closed outlines of polygons as one path."""
    real = polygons.take(np.flatnonzero(polygons.counts > 2))
    # A path closes a polygon by one more point, which is not looked at.
    where = real.starts[1:]
    points = np.insert(real.points, where, real.points[real.starts[:-1]], axis=0)
    codes = np.full(len(real.points), Path.LINETO, dtype=np.uint8)
    codes[real.starts[:-1]] = Path.MOVETO
    return Path(points, np.insert(codes, where, Path.CLOSEPOLY))


def _paint_smoothly(axes: Axes, fill: Fill, scale: Scale) -> None:
    """Colour a function that is affine on each polygon; SVG and PDF hold it as an image."""
    polygons = fill.polygons
    corner = np.arange(len(polygons.points))
    begin, end = polygons.starts[polygons.owner], polygons.starts[polygons.owner + 1]
    corner = corner[(begin < corner) & (corner < end - 1)]
    if not corner.size:
        return
    triangles = np.stack([begin[corner], corner, corner + 1], axis=1)
    axes.tripcolor(
        Triangulation(polygons.points[:, 0], polygons.points[:, 1], triangles),
        fill.values.astype(np.float64),
        shading="gouraud",
        cmap=scale.colours,
        norm=scale.norm,
        rasterized=True,
    )


def _explain(figure: Figure, axes: list[Axes], scene: _Scene) -> None:
    """Say what the colours and the lines are: colours at the side, lines below."""
    fill, palette = scene.fill, scene.palette
    if palette.scale is not None:
        mappable = ScalarMappable(palette.scale.norm, palette.scale.colours)
        figure.colorbar(mappable, ax=axes, label=fill.label, shrink=0.9, aspect=25)
    elif palette.names:
        swatches = [
            Patch(facecolor=palette.colours[shade], edgecolor=MUTED, linewidth=0.5, label=name)
            for shade, name in palette.names.items()
        ]
        more = len(palette.colours) - len(palette.names)
        if more > 0:
            swatches.append(Patch(facecolor="none", label=f"… and {more:,} more"))
        columns = 1 + len(swatches) // MOST_IN_COLUMN
        figure.legend(handles=swatches, title=fill.label, loc="outside right center", ncols=columns)
    handles = [*_line_handles(scene), *mark_handles(scene.partition.plane, scene.marks)]
    if not palette.names and palette.scale is None:
        label = f"colours: {fill.label}s"
        handles.insert(0, Patch(facecolor=AREAS[0], edgecolor=MUTED, linewidth=0.5, label=label))
    if handles:
        longest = max(len(str(handle.get_label())) for handle in handles)
        column = LEGEND_COLUMN * max(1.0, longest / LEGEND_LETTERS)
        columns = max(1, int(figure.get_size_inches()[0] / column))
        figure.legend(handles=handles, loc="outside lower left", ncols=columns)


def _line_handles(scene: _Scene) -> list[Artist]:
    """Return a line for each colour of layers, and one for the boundary."""
    partition = scene.partition
    layers = np.unique(partition.cut_layers) if scene.look.lines else np.empty(0, dtype=np.int64)
    handles: list[Artist] = []
    for index in range(len(LINES)):
        same = layers[layers % len(LINES) == index].tolist()
        if same:
            width = WIDEST[min(same[0], len(WIDEST) - 1)]
            name = f"{partition.plane.stack.sizes.noun} of {_layers_words(same)}"
            handles.append(Line2D([], [], color=LINES[index], linewidth=width, label=name))
    if len(scene.classes.boundary):
        single = partition.plane.task is Task.SIGN
        name = "output = 0" if single else "decision boundary"
        handles.append(Line2D([], [], color=BOUNDARY, linewidth=1.6, label=name))
    return handles


def _layers_words(layers: list[int]) -> str:
    """Name layers, which are counted from 0."""
    named = ", ".join(str(layer + 1) for layer in layers[:2])
    more = ", …" if len(layers) > 2 else ""
    return f"layer{'s' if len(layers) > 1 else ''} {named}{more}"
