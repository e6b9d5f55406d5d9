"""The cells of a plane domain as data for the map in a report page."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.network import AffineMap, Units
from nnce_cli.plotting.classes import Classes
from nnce_cli.plotting.cutting import Partition
from nnce_cli.plotting.fills import MAP_COLOURS
from nnce_cli.plotting.marks import Marks
from nnce_cli.plotting.palette import shades_of_scale
from nnce_cli.plotting.plane import Plane
from nnce_cli.plotting.polygons import Floats, Ints
from nnce_cli.plotting.style import AREAS, BOUNDARY, LINES, SCALE

FINENESS = 2.0**32 - 1  # coordinates are this many steps of the domain's width, in uint32
MOST_OUTPUTS = 4  # that the map can be coloured by
SHADES = 64
COMPRESSION = 9


def map_data(partition: Partition, classes: Classes, marks: Marks | None = None) -> dict[str, Any]:
    """Return the cells as JSON values; arrays are little-endian bytes, deflated, in base64.

    The page finds the cell under the pointer by its code, so that it needs the weights, the units
    and the sorted codes; polygons, cuts and colours are only drawn. Coordinates are
    uint32, counted from the frame's lower to its upper bound. ``marks`` are points on the plane,
    by default those of a slice.
    """
    plane, rows = partition.plane, partition.rows
    last = plane.stack.output
    layers = zip(plane.stack.hidden, plane.stack.units, strict=True)
    nothing = np.zeros((len(rows.active), 0), dtype=np.uint8)
    return {
        "names": plane.names,
        "axes": plane.axis_labels,
        "lower": plane.lower.tolist(),
        "upper": plane.upper.tolist(),
        "halfspaces": plane.halfspaces.tolist(),
        "layers": [_units(units, layer.n_out) for layer, units in layers],
        "noun": plane.stack.sizes.noun,
        "task": plane.task.value,
        "outputs": int(partition.outputs.shape[1]),
        "cells": len(partition.polygons),
        "hidden": [_weights(layer) for layer in plane.stack.hidden],
        "output": None
        if last is None
        else _encoded(np.column_stack((last.weight, last.bias)), "<f8"),
        "codes": _encoded(np.concatenate([nothing, *rows.signs], axis=1), "u1"),
        "ranks": _encoded(rows.ranks, "<u2"),
        "corners": _encoded(_steps(plane, partition.polygons.points), "<u4"),
        "counts": _encoded(partition.polygons.counts, "<u2"),
        "maps": _encoded(_in_steps(plane, partition.outputs[:, :MOST_OUTPUTS]), "<f4"),
        "cuts": _encoded(_steps(plane, partition.cuts), "<u4"),
        "cutLayers": _encoded(partition.cut_layers, "<u2"),
        "boundary": _encoded(_steps(plane, classes.boundary), "<u4"),
        "marks": _marks(plane, Marks.of(plane) if marks is None else marks),
        **_class_data(plane, len(partition.polygons), classes),
        "areas": AREAS,
        "mapColours": MAP_COLOURS,
        "lines": LINES,
        "boundaryColour": BOUNDARY,
        "scale": shades_of_scale(SCALE, SHADES),
    }


def _marks(plane: Plane, marks: Marks) -> list[dict[str, Any]]:
    """Return the marks in the frame; of data, the number in its file is the label."""
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
        "classes": _encoded(least, "<u2"),
        "pieceCorners": _encoded(_steps(plane, pieces.points), "<u4"),
        "pieceCounts": _encoded(pieces.counts, "<u2"),
        "pieceClasses": _encoded(classes.classes[several], "<u2"),
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


def _units(units: Units, neurons: int) -> dict[str, Any]:
    """Return the units of a layer: how many have a bit, their slopes, and the others' kinds."""
    return {
        "neurons": neurons,
        "bits": units.bits,
        "slopes": units.slopes.tolist() if units.slopes.any() else None,
        "pieces": [[unit.kind, unit.pieces] for unit in units.pieces],
    }


def _weights(layer: AffineMap) -> str:
    """Return the rows (W, b) of a map."""
    return _encoded(np.column_stack((layer.weight, layer.bias)), "<f8")


def _encoded(values: NDArray[Any], dtype: str) -> str:
    packed = zlib.compress(np.ascontiguousarray(values.astype(dtype)).tobytes(), COMPRESSION)
    return base64.b64encode(packed).decode()
