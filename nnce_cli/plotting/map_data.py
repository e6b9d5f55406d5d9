"""The cells of a plane domain as data for the map in a report page."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnce_cli.plotting.classes import Classes
from nnce_cli.plotting.cutting import Partition
from nnce_cli.plotting.encoding import encoded, network_values, row_values
from nnce_cli.plotting.marks import Marks
from nnce_cli.plotting.plane import Plane
from nnce_cli.plotting.polygons import Floats, Ints

FINENESS = 2.0**32 - 1  # coordinates are this many steps of the domain's width, in uint32
MOST_OUTPUTS = 4  # that the map can be coloured by


def map_data(partition: Partition, classes: Classes, marks: Marks | None = None) -> dict[str, Any]:
    """Return the cells as JSON values; arrays are little-endian bytes, deflated, in base64.

    The page finds the cell under the pointer by its code, so that it needs the weights, the units
    and the sorted codes; polygons, cuts and colours are only drawn. Coordinates are
    uint32, counted from the frame's lower to its upper bound. ``marks`` are points on the plane,
    by default those of a slice.
    """
    plane = partition.plane
    return {
        "names": plane.names,
        "axes": plane.axis_labels,
        "lower": plane.lower.tolist(),
        "upper": plane.upper.tolist(),
        "halfspaces": plane.halfspaces.tolist(),
        "task": plane.task.value,
        **network_values(plane.stack, int(partition.outputs.shape[1])),
        **row_values(partition.rows),
        "corners": encoded(_steps(plane, partition.polygons.points), "<u4"),
        "counts": encoded(partition.polygons.counts, "<u2"),
        "areas": encoded(partition.polygons.areas(), "<f4"),
        "maps": encoded(_in_steps(plane, partition.outputs[:, :MOST_OUTPUTS]), "<f4"),
        "cuts": encoded(_steps(plane, partition.cuts), "<u4"),
        "cutLayers": encoded(partition.cut_layers, "<u2"),
        "boundary": encoded(_steps(plane, classes.boundary), "<u4"),
        "marks": _marks(plane, Marks.of(plane) if marks is None else marks),
        **_class_data(plane, len(partition.polygons), classes),
    }


def _marks(plane: Plane, marks: Marks) -> list[dict[str, Any]]:
    """Return the marks in the frame; data is called by its number in the file, from 0."""
    numbers = (f"point {i}" for i in range(len(marks.places) - marks.own))
    extent = plane.upper - plane.lower
    shares = (marks.places - plane.lower) / extent
    labels = [*marks.labels, *numbers]
    return [
        {
            "at": shares[i].tolist(),
            "label": labels[i],
            "own": i < marks.own,
            "distance": float(marks.distances[i]),
            "opacity": float(marks.opacities[i]),
            "group": "" if i < marks.own else marks.names[marks.groups[i]],
        }
        for i in np.flatnonzero(marks.within(plane)).tolist()
    ]


def _class_data(plane: Plane, cells: int, classes: Classes) -> dict[str, str]:
    """Return each cell's class, and the pieces of the cells that have several."""
    least, most = np.full(cells, classes.classes.max()), np.zeros(cells, dtype=np.int64)
    np.minimum.at(least, classes.cells, classes.classes)
    np.maximum.at(most, classes.cells, classes.classes)
    several = np.flatnonzero((least < most)[classes.cells])
    pieces = classes.pieces.take(several)
    return {
        "classes": encoded(least, "<u2"),
        "pieceCorners": encoded(_steps(plane, pieces.points), "<u4"),
        "pieceCounts": encoded(pieces.counts, "<u2"),
        "pieceClasses": encoded(classes.classes[several], "<u2"),
    }


def _steps(plane: Plane, points: Floats) -> Ints:
    """Return points (…, 2) in steps of the domain's width."""
    share = (points - plane.lower) / (plane.upper - plane.lower)
    return np.rint(np.clip(share, 0, 1) * FINENESS).astype(np.int64)


def _in_steps(plane: Plane, maps: Floats) -> Floats:
    """Return affine maps (…, 3) as functions of the share of the domain's width."""
    constant = maps[..., 2] + maps[..., :2] @ plane.lower
    slopes = maps[..., :2] * (plane.upper - plane.lower)
    return np.concatenate([slopes, constant[..., None]], axis=-1)
