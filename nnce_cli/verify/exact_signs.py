"""The sign vector around a rational point, in rational arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import fmpq, fmpq_mat

from nnce_cli.verify.exact_network import ZERO, Bits, ExactNetwork


@dataclass(frozen=True, eq=False)
class Location:
    """Where a point is: in the cell with the signs ``bits`` (N,), or on a hyperplane.

    ``touched`` is the first neuron, counted through all layers, that is zero at the point and
    not identically zero around it. Then ``bits`` are right for the layers before it only.
    """

    bits: Bits
    touched: int | None = None


def locate(network: ExactNetwork, point: list[fmpq]) -> Location:
    """Find the cell of a point x (n_0 entries) of the domain."""
    bits = np.zeros(network.neurons, dtype=np.uint8)
    activation = fmpq_mat(len(point), 1, point)
    for layer, (weight, bias) in enumerate(network.maps):
        start = network.starts[layer]
        values = (weight * activation + bias).entries()
        positive = [z > 0 for z in values]
        bits[start : start + len(values)] = positive
        zero = [j for j, z in enumerate(values) if z == 0]
        if zero:
            forms = network.forms(layer, bits)
            touched = next((j for j in zero if any(forms[j])), None)
            if touched is not None:
                return Location(bits, start + touched)
        kept = [z if on else ZERO for z, on in zip(values, positive, strict=True)]
        activation = fmpq_mat(len(kept), 1, kept)
    return Location(bits)
