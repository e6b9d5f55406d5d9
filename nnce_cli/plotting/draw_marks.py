"""Points on a picture: data as dots, by their labels, and the points of a slice by name."""

from __future__ import annotations

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from nnce_cli.plotting.marks import Marks
from nnce_cli.plotting.plane import Plane
from nnce_cli.plotting.polygons import Floats
from nnce_cli.plotting.style import CURVES, INK, class_colour

SHAPES = "os^Dv*Ph<X>p"  # by label, for those who cannot tell its colour
MOST_LABELS = 12  # in a legend
SIZE = 22.0


def draw_marks(axes: Axes, plane: Plane, marks: Marks) -> None:
    """Draw data as dots, paler far away from the plane, and a slice's own points by name."""
    inside = marks.within(plane)
    for index, label in enumerate(marks.names):
        some = np.flatnonzero(inside & (marks.groups == index))
        colour, shape = mark_style(label, index, plane)
        _dots(axes, marks.places[some], marks.opacities[some], colour, shape)
    for index in np.flatnonzero(inside[: marks.own]).tolist():
        _named(axes, plane, marks.places[index], marks.labels[index])


def mark_style(label: str, index: int, plane: Plane) -> tuple[str, str]:
    """Return the colour and the shape of points of a label: the colour of the class, if it is one.

    ``index`` is that of the label among those that occur.
    """
    classes = plane.classes
    if label.isascii() and label.isdecimal() and int(label) < classes:
        return class_colour(int(label)), SHAPES[int(label) % len(SHAPES)]
    return (CURVES[index % len(CURVES)] if label else INK), SHAPES[index % len(SHAPES)]


def mark_handles(plane: Plane, marks: Marks) -> list[Artist]:
    """Return what explains the data in a legend: a line for each label."""
    data = ~marks.within(plane)[marks.own :]
    if not data.size:
        return []
    out = f", {int(data.sum()):,} outside" if data.any() else ""
    far = ", paler where farther off" if marks.opacities.min() < 1 else ""
    words = f"{data.size:,} points{far}{out}"
    if marks.names == ("",):
        return [_handle(words, INK, "o")]
    handles: list[Artist] = [Line2D([], [], linestyle="", label=words)]
    for index, label in enumerate(marks.names[:MOST_LABELS]):
        shown = f"label {label}" if label else "no label"
        handles.append(_handle(shown, *mark_style(label, index, plane)))
    if len(marks.names) > MOST_LABELS:
        more = f"… and {len(marks.names) - MOST_LABELS:,} more labels"
        handles.append(Line2D([], [], linestyle="", label=more))
    return handles


def _handle(words: str, colour: str, shape: str) -> Line2D:
    edge = "white" if colour == INK else INK
    return Line2D(
        [], [], color=colour, linestyle="", marker=shape, markersize=5,
        markeredgecolor=edge, markeredgewidth=0.7, label=words,
    )  # fmt: skip


def _dots(axes: Axes, places: Floats, opacities: Floats, colour: str, shape: str) -> None:
    if not len(places):
        return
    edge = "white" if colour == INK else INK
    faces = [to_rgba(colour, opacity) for opacity in opacities.tolist()]
    edges = [to_rgba(edge, (1 + opacity) / 2) for opacity in opacities.tolist()]
    x, y = places.T
    axes.scatter(x, y, SIZE, marker=shape, c=faces, edgecolors=edges, linewidths=0.8, zorder=6)


def _named(axes: Axes, plane: Plane, place: Floats, label: str) -> None:
    """Draw a point of the slice, with its name on the side of the middle of the picture."""
    right, above = np.where(place > (plane.lower + plane.upper) / 2, -1, 1).tolist()
    axes.plot(*place, "o", color="white", markeredgecolor=INK, clip_on=False, zorder=7)
    axes.annotate(
        label,
        (place[0], place[1]),
        (7 * right, 7 * above),
        textcoords="offset points",
        horizontalalignment="left" if right > 0 else "right",
        verticalalignment="bottom" if above > 0 else "top",
        fontweight="bold",
        path_effects=[withStroke(linewidth=2.4, foreground="white")],
        zorder=8,
    )
