"""What cells are coloured by: areas, a number for each, and colours for the numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.base.task import Task
from nnce_cli.plotting.classes import Classes
from nnce_cli.plotting.cutting import Partition
from nnce_cli.plotting.polygons import Floats, Ints, Polygons

Colouring = Literal["layer1", "rank", "class", "output", "active"]
COLOURINGS: tuple[Colouring, ...] = get_args(Colouring)

MAP_COLOURS = 7
LEVELS = 8  # steps of a scale within which colours are mixed in a straight line


@dataclass(frozen=True, eq=False)
class Fill:
    """Areas and their values, one number a polygon (p,), or one a corner (v,) if ``smooth``.

    ``label`` says what the values are. ``names`` gives each value that occurs a name, where
    they are few things to be told apart and not a scale; where it is empty the values mean
    nothing by themselves. ``ordered`` says whether they go from less to more, ``of_classes`` that
    they are classes, whose colours are known, and ``centre`` what the middle of a scale is.
    """

    polygons: Polygons
    values: Floats | Ints
    label: str
    names: dict[int, str] | None = None
    ordered: bool = False
    smooth: bool = False
    of_classes: bool = False
    centre: float | None = None


def usual_colouring(task: Task) -> Colouring:
    """Return the colouring that shows what a network is for: its classes, or its output."""
    return "class" if task in (Task.ARGMAX, Task.ARGMIN) else "output"


def fill(partition: Partition, classes: Classes, colouring: Colouring, component: int = 0) -> Fill:
    """Return what one way of colouring paints; ``component`` is the output of "output".

    Raises:
        InputError: there is no such output, or there are no classes.
    """
    refuse_colouring(colouring, component, partition.outputs.shape[1], partition.plane.task)
    if colouring == "output":
        return _output(partition, component)
    if colouring == "class":
        return _class(partition, classes)
    by_row: dict[Colouring, Callable[[Partition], Fill]] = {
        "layer1": _layer_1,
        "rank": _rank,
        "active": _active,
    }
    return by_row[colouring](partition)


def refuse_colouring(colouring: Colouring, component: int, outputs: int, task: Task) -> None:
    """Refuse a colouring of what there is not.

    Raises:
        InputError: there is no such output, or there are no classes.
    """
    if colouring == "class" and task is Task.REGRESSION:
        raise InputError(
            "the outputs of this model are no classes; choose another --colour, or say with --task "
            "how a class is read off them"
        )
    if colouring == "output" and component >= outputs:
        raise InputError(
            f"the model has no output {component}: "
            + (f"its outputs are 0 to {outputs - 1}" if outputs > 1 else "its only output is 0")
        )


def _layer_1(partition: Partition) -> Fill:
    layout, count = partition.plane.stack.layout, len(partition.rows.active)
    codes = np.zeros((count, 0), dtype=np.uint8)
    if layout.depth:
        columns = partition.rows.signs[layout.layer_columns[0]]
        codes = np.concatenate(layout.only(0).layers(columns)[0], axis=1)
    return Fill(partition.polygons, map_colours(codes), "layer-1 cell", names={})


def _rank(partition: Partition) -> Fill:
    """Paint ranks at the last layer; without one, the image is the domain."""
    ranks = partition.rows.ranks
    layer = ranks.shape[1]
    domain = np.full((len(ranks), 1), partition.plane.dimension)
    last = np.concatenate([domain, ranks], axis=1)[:, -1].astype(np.int64)
    return Fill(partition.polygons, last, f"rank at layer {layer}", _names(last), ordered=True)


def _active(partition: Partition) -> Fill:
    active = partition.rows.active.sum(axis=1, dtype=np.int64)
    return Fill(partition.polygons, active, f"active {partition.plane.stack.sizes.noun}")


def _class(partition: Partition, classes: Classes) -> Fill:
    task = partition.plane.task
    if task is Task.SIGN:
        names, label = {0: "≤ 0", 1: "> 0"}, "output"
    else:
        names, label = _names(classes.classes), "predicted class"
    return Fill(classes.pieces, classes.classes, label, names, of_classes=True)


def _output(partition: Partition, component: int) -> Fill:
    outputs = partition.outputs.shape[1]
    maps = partition.outputs[:, component]
    label = "output" if outputs == 1 else f"output {component}"
    centre = 0.0 if partition.plane.task is Task.SIGN else None
    values = partition.polygons.values(maps)
    low, high = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    if centre is not None:
        reach = max(high - centre, centre - low)
        low, high = centre - reach, centre + reach
    polygons, values = _at_levels(partition.polygons, maps, np.linspace(low, high, LEVELS + 1))
    return Fill(polygons, values, label, smooth=True, centre=centre)


def _at_levels(polygons: Polygons, maps: Floats, levels: Floats) -> tuple[Polygons, Floats]:
    """Cut polygons where their maps (p, 3) have these values; return the values at the corners.

    Colours between corners are mixed from those at the corners, so that a polygon is to be within
    one step of a scale.
    """
    for level in levels[1:-1].tolist():
        low, high = polygons.lowest_and_highest(polygons.values(maps))
        cut = (low < level) & (level < high)
        which, kept = np.flatnonzero(cut), np.flatnonzero(~cut)
        moved = maps[which] - np.array([0.0, 0.0, level])
        below, above, _ = polygons.take(which).split(moved)
        polygons = Polygons.join([polygons.take(kept), below, above])
        maps = np.concatenate([maps[kept], maps[which], maps[which]])
    return polygons, polygons.values(maps)


def _names(values: Ints) -> dict[int, str]:
    return {value: str(value) for value in np.unique(values).tolist()}


def map_colours(codes: NDArray[np.uint8]) -> Ints:
    """Return a number below `MAP_COLOURS` for each row: that of its layer-1 cell.

    ``codes`` (rows, units) are the bits and pieces of the first layer. Each active unit adds a
    number that the prime `MAP_COLOURS` does not divide, times its piece, so that the cells on the
    two sides of one unit's line never get the same colour (but where two of more than
    `MAP_COLOURS` pieces meet).
    """
    weight = 1 + np.arange(codes.shape[1]) % (MAP_COLOURS - 1)
    result: Ints = codes @ weight % MAP_COLOURS
    return result
