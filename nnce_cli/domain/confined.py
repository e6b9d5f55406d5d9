"""Half-spaces as one more first layer: where its units are inactive, all of them hold.

A half-space a.x <= b is a ReLU with the preactivation a.x - b, which cuts the domain along its
border and hands nothing on; the inputs are carried past it. So the cells of a network on a
polyhedron are those cells of the longer network on a box at which the first units are inactive.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.network import AffineMap, LayerStack, Rows, Units, aligned

Array = NDArray[Any]


def confined(stack: LayerStack, halfspaces: Array) -> LayerStack:
    """Return ``stack`` behind a layer with a unit for each half-space, and pass-throughs.

    Args:
        stack: a network with n inputs.
        halfspaces: exact rows a_1, …, a_n, b (m, n + 1): float64 or rationals.
    """
    m, n = len(halfspaces), stack.n_inputs
    first = _halfspaces_and_inputs(halfspaces, n)
    units = (Units(np.zeros(m)), *stack.units)
    if stack.hidden:
        hidden = (first, _moved(stack.hidden[0], m), *stack.hidden[1:])
        return replace(stack, hidden=hidden, units=units, places=())
    assert stack.output is not None
    output = _moved(stack.output, m)
    return replace(stack, hidden=(first,), output=output, units=units, places=())


def _halfspaces_and_inputs(halfspaces: Array, n: int) -> AffineMap:
    m = len(halfspaces)
    row, column = np.nonzero(halfspaces[:, :n] != 0)
    values, bounds, ones, zeros = aligned(
        halfspaces[row, column], halfspaces[:, n], np.ones(n), np.zeros(n)
    )
    lengths = np.append(np.bincount(row, minlength=m), np.ones(n, dtype=np.int64))
    rows = Rows(
        np.append(0, np.cumsum(lengths)), np.append(column, np.arange(n)), np.append(values, ones)
    )
    return AffineMap.of_rows(rows, n, np.append(-bounds, zeros), ("half-spaces",))


def _moved(layer: AffineMap, m: int) -> AffineMap:
    """Return the map behind m units that it does not see."""
    rows = layer.rows
    seen = Rows(rows.starts, rows.columns + m, rows.values)
    return AffineMap.of_rows(seen, m + layer.n_in, layer.exact_bias, layer.nodes)
