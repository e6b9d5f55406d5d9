"""The code around a rational point, in rational arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import fmpq

from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.layer_units import Codes


@dataclass(frozen=True, eq=False)
class Location:
    """Where a point is: in the cell with the code ``codes`` (N,), or on a hyperplane.

    ``touched`` is the first neuron, counted through all layers, that is a wall of the cell, zero
    at the point and not identically zero around it. Then ``codes`` are right for the layers before
    it only, and there are no ``values``, which are those that the last layer passes on: each alone
    in a list, None for zero.
    """

    codes: Codes
    touched: int | None = None
    values: tuple[list[fmpq] | None, ...] = ()


def locate(network: ExactNetwork, point: list[fmpq]) -> Location:
    """Find the cell of a point x (n_0 entries) of the domain."""
    codes = np.zeros(network.units, dtype=np.uint8)
    before: list[list[fmpq] | None] = [[x] for x in point]
    for k, (units, layer) in enumerate(zip(network.layers, network.maps, strict=True)):
        bias = layer.rational[1]
        numbers = [x + bias[j, 0] for j, [x] in enumerate(layer.times(before, 1))]
        here = network.of_layer(k, codes)
        here[:] = units.codes_of(numbers)
        sides = units.sides(here).tolist()
        zero = [j for j, side in enumerate(sides) if side and numbers[j] == 0]
        if zero:
            forms = network.forms(k, codes)
            touched = next((j for j in zero if any(forms[j])), None)
            if touched is not None:
                return Location(codes, network.row_starts[k] + touched)
        before = units.exact_values([[z] for z in numbers], here)
    return Location(codes, values=tuple(before))
