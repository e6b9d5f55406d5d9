"""Predicted classes on the plane: where each one is the largest output, and the boundary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.task import Task
from nnce_cli.plotting.cutting import Partition
from nnce_cli.plotting.plane import Plane
from nnce_cli.plotting.polygons import Floats, Ints, Polygons

TIE = 1e-9  # outputs closer than this are equal, as a share of the largest one
STEP = 1e-6  # beyond an edge, as a share of the domain's diagonal


@dataclass(frozen=True, eq=False)
class Classes:
    """The cells of a partition, cut where the predicted class changes.

    ``pieces`` are polygons, ``cells`` (p,) the rows of the cells that they are part of, and
    ``classes`` (p,) what is predicted there: the index of the largest score, the first one of
    several (`_scores`). ``boundary`` (s, 2, 2) are the segments on which the decision changes. A
    regression has one class and no boundary.
    """

    pieces: Polygons
    cells: Ints
    classes: Ints
    boundary: Floats


def classes(partition: Partition) -> Classes:
    """Cut the cells by their scores, which are affine on each of them."""
    outputs = _scores(partition.outputs, partition.plane.task)
    scale = _largest(partition.polygons, partition.outputs) * TIE
    pieces = partition.polygons
    cells = np.arange(len(pieces))
    label = np.zeros(len(pieces), dtype=np.int64)
    for rival in range(1, outputs.shape[1]):
        gain = outputs[cells, rival] - outputs[cells, label]
        low, high = pieces.lowest_and_highest(pieces.values(gain))
        wins = high > scale
        label[wins & (low >= -scale)] = rival
        cut = np.flatnonzero(wins & (low < -scale))
        if not cut.size:
            continue
        below, above, _ = pieces.take(cut).split(gain[cut])
        kept = np.flatnonzero(~wins | (low >= -scale))
        pieces = Polygons.join([pieces.take(kept), below, above])
        label = np.concatenate([label[kept], label[cut], np.full(len(cut), rival)])
        cells = np.concatenate([cells[kept], cells[cut], cells[cut]])
    order = np.argsort(cells, kind="stable")
    pieces, cells, label = pieces.take(order), cells[order], label[order]
    boundary = _boundary(partition.plane, pieces, outputs, cells, label, scale)
    return Classes(pieces, cells, label, boundary)


def _scores(outputs: Floats, task: Task) -> Floats:
    """Return the scores (c, classes, …) among which the largest is the class.

    Outputs (c, m, …) are their own scores, or for an argmin their negatives; a single one is held
    against 0, and of a regression all scores are equal.
    """
    if task is Task.ARGMAX:
        return outputs
    if task is Task.ARGMIN:
        return -outputs
    nothing = np.zeros_like(outputs[:, :1])
    return nothing if task is Task.REGRESSION else np.concatenate([nothing, outputs], axis=1)


def _largest(polygons: Polygons, outputs: Floats) -> float:
    """Return the largest absolute output at a corner."""
    sizes = (np.abs(polygons.values(outputs[:, i])) for i in range(outputs.shape[1]))
    return max(float(values.max(initial=0.0)) for values in sizes)


def _boundary(
    plane: Plane, pieces: Polygons, outputs: Floats, cells: Ints, label: Ints, scale: float
) -> Floats:
    """Return the edges on which an earlier class ties with that of the piece, and goes on to.

    Only edges of the later class: each segment is found once, and where two classes tie on a
    whole region, the first one of them has it and its border is part of the boundary.
    """
    ends: list[Floats] = [np.empty((0, 2, 2))]
    for rival in range(outputs.shape[1] - 1):
        gap = outputs[cells, label] - outputs[cells, rival]
        values = pieces.values(gap)
        _, high = pieces.lowest_and_highest(values)
        later = (label > rival) & (high > scale)
        near = (values <= scale) & later[pieces.owner]
        edges = np.flatnonzero(near & near[pieces.following])
        segments = np.stack([pieces.points[edges], pieces.points[pieces.following[edges]]], axis=1)
        beyond = _rival_has_it(plane, segments, label[pieces.owner[edges]], rival, scale)
        ends.append(segments[beyond])
    return np.concatenate(ends)


def _rival_has_it(
    plane: Plane, edges: Floats, label: Ints, rival: int, scale: float
) -> NDArray[np.bool_]:
    """Tell whether just outside each edge (s, 2, 2) the rival is no less than the class inside.

    It is not where an output only touches another one; and nothing is outside of the domain.
    """
    along = edges[:, 1] - edges[:, 0]
    length = np.hypot(*along.T)
    outward = np.stack([along[:, 1], -along[:, 0]], axis=1) / np.maximum(length, 1e-300)[:, None]
    points = edges.mean(axis=1) + STEP * np.hypot(*(plane.upper - plane.lower)) * outward
    inside = ((plane.lower < points) & (points < plane.upper)).all(axis=1) & (length > 0)
    outputs = _scores(plane.stack.forward(points[:, : plane.dimension]), plane.task)
    own = outputs[np.arange(len(points)), label]
    result: NDArray[np.bool_] = inside & (outputs[:, rival] >= own - scale)
    return result
