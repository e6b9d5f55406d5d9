"""What cells are coloured by: areas, a number for each, and colours for the numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.bits import unpack
from nnce_cli.base.errors import InputError
from nnce_cli.plotting.classes import Classes
from nnce_cli.plotting.plane import Partition
from nnce_cli.plotting.polygons import Floats, Ints, Polygons
from nnce_cli.table import Rows

Colouring = Literal["layer1", "rank", "class", "output", "active"]
COLOURINGS: tuple[Colouring, ...] = get_args(Colouring)

MAP_COLOURS = 7


@dataclass(frozen=True, eq=False)
class Fill:
    """Areas and their values, one number a polygon (p,), or one a corner (v,) if ``smooth``.

    ``label`` says what the values are. ``names`` gives each value that occurs a name, where
    they are few things to be told apart and not a scale; where it is empty the values mean
    nothing by themselves. ``ordered`` says whether they go from less to more.
    """

    polygons: Polygons
    values: Floats | Ints
    label: str
    names: dict[int, str] | None = None
    ordered: bool = False
    smooth: bool = False


def fill(partition: Partition, classes: Classes, colouring: Colouring, component: int = 0) -> Fill:
    """Return what one way of colouring paints; ``component`` is the output of "output".

    Raises:
        InputError: there is no such output.
    """
    if colouring == "output":
        return _output(partition, component)
    if colouring == "class":
        return _class(partition, classes)
    by_row: dict[Colouring, Callable[[Polygons, Rows], Fill]] = {
        "layer1": _layer_1,
        "rank": _rank,
        "active": _active,
    }
    return by_row[colouring](partition.polygons, partition.rows)


def _layer_1(polygons: Polygons, rows: Rows) -> Fill:
    return Fill(polygons, map_colours(rows.signs[0]), "layer-1 cell", names={})


def _rank(polygons: Polygons, rows: Rows) -> Fill:
    ranks = rows.ranks[:, -1].astype(np.int64)
    layer = rows.ranks.shape[1]
    return Fill(polygons, ranks, f"rank at layer {layer}", _names(ranks), ordered=True)


def _active(polygons: Polygons, rows: Rows) -> Fill:
    return Fill(polygons, rows.active.sum(axis=1, dtype=np.int64), "active neurons")


def _class(partition: Partition, classes: Classes) -> Fill:
    if partition.outputs.shape[1] == 1:
        return Fill(classes.pieces, classes.classes, "output", {0: "≤ 0", 1: "> 0"})
    return Fill(classes.pieces, classes.classes, "predicted class", _names(classes.classes))


def _output(partition: Partition, component: int) -> Fill:
    outputs = partition.outputs.shape[1]
    if component >= outputs:
        raise InputError(
            f"the model has no output {component}; its {outputs} outputs are counted from 0"
        )
    values = partition.polygons.values(partition.outputs[:, component])
    label = "output" if outputs == 1 else f"output {component}"
    return Fill(partition.polygons, values, label, smooth=True)


def _names(values: Ints) -> dict[int, str]:
    return {value: str(value) for value in np.unique(values).tolist()}


def map_colours(first_layer: NDArray[np.uint8]) -> Ints:
    """Return a number below `MAP_COLOURS` for each row: that of its layer-1 cell.

    ``first_layer`` (rows, bytes) are the packed sign vectors. Each active neuron adds a number
    that the prime `MAP_COLOURS` does not divide, so that the cells on the two sides of one
    neuron's line never get the same colour.
    """
    bits = unpack(first_layer, 8 * first_layer.shape[1])
    weight = 1 + np.arange(bits.shape[1]) % (MAP_COLOURS - 1)
    result: Ints = bits @ weight % MAP_COLOURS
    return result
