"""All of space as a cone: the network of (y, t) that has the cells of x = y / t.

A piecewise linear network f becomes F(y, t) = t f(y / t), which is linear along each ray: its
biases are multiplied by t, which is one more input, carried past all layers. For t > 0 the units
have the signs at (y, t) that they have at x = y / t, so that the cells of f on all of R^n are
those of F on the cone t > 0; a cell of a cone has an interior where its part in
[-1, 1]^n x [0, 1] has one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nnce_cli.network import AffineMap, LayerStack, Rows, aligned


def homogenised(stack: LayerStack) -> LayerStack:
    """Return the network F with one input more than ``stack``, t, which comes last."""
    hidden = tuple(_homogeneous(layer, carries=True) for layer in stack.hidden)
    output = None if stack.output is None else _homogeneous(stack.output, carries=False)
    return replace(
        stack, hidden=hidden, output=output, input_shape=(stack.n_inputs + 1,), places=()
    )


def _homogeneous(layer: AffineMap, *, carries: bool) -> AffineMap:
    """Return (a, t) -> W a + b t, followed by t where the map ``carries`` it."""
    rows, n = layer.rows, layer.n_in
    values, bias, one = aligned(rows.values, layer.exact_bias, np.ones(1))
    is_biased = bias != 0
    at = rows.starts[1:][is_biased]
    columns = np.insert(rows.columns, at, n)
    values = np.insert(values, at, bias[is_biased])
    lengths = rows.lengths + is_biased
    if carries:
        columns, values = np.append(columns, n), np.append(values, one)
        lengths = np.append(lengths, 1)
    starts = np.append(0, np.cumsum(lengths))
    none = np.zeros(len(lengths))
    return AffineMap.of_rows(Rows(starts, columns, values), n + 1, none, layer.nodes)
