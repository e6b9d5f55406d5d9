"""Ranks from the forms in hand, where floating point proves them: lower bound = upper bound.

A minor of active forms' coefficients that is clear of zero proves a lower bound. The coefficients
of a form err by at most its layer's ``error`` in sum, and sum to at most about 1; replacing row by
row, a minor of up to three rows errs by at most 3.1 ``error``, and its rounding is below 8 u.
"""

from __future__ import annotations

import numpy as np

from nnce_cli.kernels.arrays import UNIT_ROUNDOFF
from nnce_cli.kernels.bits import count_bits, lowest_bit
from nnce_cli.kernels.jit import kernel
from nnce_cli.kernels.vertex_arrays import VertexNetwork, VertexWorkspace
from nnce_cli.kernels.vertex_forms import words


@kernel
def minor(a: np.ndarray, b: np.ndarray, i: int, j: int) -> float:
    """Return a minor of two vectors."""
    return float(a[i] * b[j] - a[j] * b[i])


@kernel
def is_independent(basis: np.ndarray, found: int, clear: float) -> bool:
    """Tell whether row ``found`` of ``basis`` is proved independent of the rows before it."""
    dimension = basis.shape[1]
    a, largest = basis[found], 0.0
    if found == 0:
        for i in range(dimension):
            largest = max(largest, abs(a[i]))
    elif found == 1:
        for i in range(dimension):
            for j in range(i):
                largest = max(largest, abs(minor(basis[0], a, i, j)))
    elif dimension == 3:
        b, c = basis[0], basis[1]
        det = a[0] * minor(b, c, 1, 2) + a[1] * minor(b, c, 2, 0) + a[2] * minor(b, c, 0, 1)
        largest = abs(det)
    return largest > clear


@kernel
def extend(
    net: VertexNetwork, ws: VertexWorkspace, layer: int, j: int, basis: np.ndarray, found: int
) -> int:
    """Add neuron j of ``layer`` to ``basis`` if it is independent; return the number of rows."""
    dimension = basis.shape[1]
    if found == dimension:
        return found
    for i in range(dimension):
        basis[found, i] = ws.form[layer, 1 + i, j]
    clear = 16.0 * (net.error[layer] + UNIT_ROUNDOFF)
    return found + 1 if is_independent(basis, found, clear) else found


@kernel
def begin_rank(net: VertexNetwork, ws: VertexWorkspace, layer: int) -> None:
    """Find independent forms among the neurons of ``layer`` that are active all over."""
    sign, found = ws.sign[net.offset[layer] :], 0
    for j in range(net.width[layer]):
        if sign[j] > 0:
            found = extend(net, ws, layer, j, ws.basis[layer], found)
    ws.base_rank[layer] = found


@kernel
def prove_rank(net: VertexNetwork, ws: VertexWorkspace, layer: int) -> None:
    """Write the rank of the path's cell at ``layer`` to ``ws.rank``, or -1 if it is not proved."""
    active, found = ws.base_active[layer], ws.base_rank[layer]
    for w in range(words(ws, layer)):
        active += count_bits(ws.settled[layer, w])
    before = ws.rank[layer]
    most = min(active, ws.rank[0] if before < 0 else before)
    basis = ws.basis[layer]
    for w in range(words(ws, layer)):
        bits = ws.settled[layer, w]
        while bits != 0 and found < most:
            column = 64 * w + lowest_bit(bits)
            found = extend(net, ws, layer, ws.column_neuron[layer, column], basis, found)
            bits &= bits - 1
    ws.rank[1 + layer] = found if found == most else -1
