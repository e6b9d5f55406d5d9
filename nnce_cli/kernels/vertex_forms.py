"""Entering a layer with vertices: its forms, and which of them may cut the cell.

All signs come from `note_signs` and `find_columns`. With f a float form of layer l and h the true
one, v a vertex's float point and v* the true vertex (inside the box, so of size at most 1),

    |f(v) - h(v*)| <= |f(v*) - h(v*)| + |f(v) - f(v*)| + rounding <= error_l + slope blur + 16 u,

and what exceeds this `margin` is proved. docs/exact.md, "Vertices", has the whole argument.
"""

from __future__ import annotations

import numpy as np

from nnce_cli.kernels.arrays import UNIT_ROUNDOFF
from nnce_cli.kernels.bits import lowest_bit
from nnce_cli.kernels.jit import kernel, padded
from nnce_cli.kernels.vertex_arrays import PROVED, VertexNetwork, VertexWorkspace

EVALUATION = 16.0 * UNIT_ROUNDOFF  # the rounding of a form at a point of size at most 2


@kernel
def words(ws: VertexWorkspace, layer: int) -> int:
    """Return the number of words that hold a bit for each column of ``layer``."""
    return int((ws.columns[layer] + 63) >> 6)


@kernel
def values_at(ws: VertexWorkspace, forms: np.ndarray, v: int, n: int) -> None:
    """Write the first ``n`` (padded) of ``forms`` (D + 1, P) at vertex v to ``ws.value`` (P,)."""
    value, x, y = ws.value, ws.point[v, 0], ws.point[v, 1]
    constant, along_x, along_y = forms[0], forms[1], forms[2]
    for j in range(padded(n)):
        value[j] = constant[j] + along_x[j] * x + along_y[j] * y
    for i in range(2, ws.point.shape[1]):
        z, along_z = ws.point[v, i], forms[1 + i]
        for j in range(padded(n)):
            value[j] += along_z[j] * z


@kernel
def margin(net: VertexNetwork, ws: VertexWorkspace, v: int, layer: int) -> float:
    """Return what a form of ``layer`` at the point of vertex v may differ by from the true value.

    The true value is that of the true form at the true vertex.
    """
    blur = ws.blur[v]
    known = blur <= 0.5
    return net.error[layer] + EVALUATION + blur * ws.slope[layer] if known else np.inf


@kernel
def note_signs(net: VertexNetwork, ws: VertexWorkspace, v: int, layer: int) -> None:
    """Write which columns of ``layer`` are proved positive or negative at vertex v."""
    n, value = ws.columns[layer], ws.value
    values_at(ws, ws.column[layer], v, n)
    clear = margin(net, ws, v, layer)
    for w in range(words(ws, layer)):
        positive, negative = 0, 0
        first = 64 * w
        for b in range(padded(min(64, n - first))):
            z = value[first + b]
            positive |= (1 if z > clear else 0) << b
            negative |= (1 if z < -clear else 0) << b
        ws.positive[v, w] = positive
        ws.negative[v, w] = negative


@kernel
def begin_partial(net: VertexNetwork, ws: VertexWorkspace, t: int, layer: int) -> None:
    """Start the forms of the layer after ``layer``: biases, and the neurons active all over."""
    n, partial = net.width[layer + 1], ws.partial[t]
    for j in range(padded(n)):
        partial[0, j] = net.bias[layer + 1, j]
    for i in range(1, partial.shape[0]):
        for j in range(padded(n)):
            partial[i, j] = 0.0
    sign = ws.sign[net.offset[layer] :]
    for k in range(net.width[layer]):
        if sign[k] > 0:
            add_neuron(net, ws, t, layer, k)
    for w in range(ws.added.shape[1]):
        ws.added[t, w] = 0


@kernel
def add_neuron(net: VertexNetwork, ws: VertexWorkspace, t: int, layer: int, k: int) -> None:
    """Add what the active neuron k of ``layer`` contributes to the layer after."""
    n, weight, partial = net.width[layer + 1], net.weight[layer + 1, k], ws.partial[t]
    for i in range(partial.shape[0]):
        g, row = ws.form[layer, i, k], partial[i]
        for j in range(padded(n)):
            row[j] += g * weight[j]


@kernel
def add_active_columns(net: VertexNetwork, ws: VertexWorkspace, t: int, layer: int) -> None:
    """Add the columns that are positive on all of frame t, as far as they are not added yet."""
    for w in range(words(ws, layer)):
        missing = ws.all_positive[w] & ~ws.added[t, w]
        ws.added[t, w] |= missing
        while missing != 0:
            column = 64 * w + lowest_bit(missing)
            add_neuron(net, ws, t, layer, ws.column_neuron[layer, column])
            missing &= missing - 1


@kernel
def take_forms(net: VertexNetwork, ws: VertexWorkspace, t: int, layer: int) -> None:
    """Write the forms of ``layer`` on the cell of frame t, and their largest slope."""
    form = ws.form[layer]
    n = padded(net.width[layer])
    for i in range(form.shape[0]):
        source = net.first[i] if layer == 0 else ws.partial[t, i]
        target = form[i]
        for j in range(n):
            target[j] = source[j]
    slope = ws.value
    for j in range(n):
        slope[j] = abs(form[1, j])
    for i in range(2, form.shape[0]):
        for j in range(n):
            slope[j] += abs(form[i, j])
    largest = 0.0
    for j in range(n):
        largest = slope[j] if slope[j] > largest else largest
    ws.slope[layer] = largest * (1.0 + 2.0**-40)


@kernel
def find_columns(net: VertexNetwork, ws: VertexWorkspace, t: int, layer: int) -> None:
    """Prove the signs of the neurons of ``layer`` that do not cut frame t; list the others."""
    n, value, lowest, highest = net.width[layer], ws.value, ws.lowest, ws.highest
    for j in range(padded(n)):
        lowest[j] = np.inf
        highest[j] = -np.inf
    clear = 0.0
    for v in range(ws.start[t], ws.start[t] + ws.vertices[t]):
        at_v = margin(net, ws, v, layer)
        clear = at_v if at_v > clear else clear
        values_at(ws, ws.form[layer], v, n)
        for j in range(padded(n)):
            z = value[j]
            lowest[j] = z if z < lowest[j] else lowest[j]
            highest[j] = z if z > highest[j] else highest[j]
    neuron, sign = ws.column_neuron[layer], ws.sign[net.offset[layer] :]
    found = 0
    for j in range(n):
        active, inactive = lowest[j] > clear, highest[j] < -clear
        sign[j] = 1 if active else (-1 if inactive else 0)
        neuron[found] = j
        found += 0 if active or inactive else 1
    ws.columns[layer] = found
    ws.control[PROVED] += n - found


@kernel
def take_columns(ws: VertexWorkspace, layer: int) -> None:
    """Put the forms of the columns side by side, zeros after the last."""
    neuron, found = ws.column_neuron[layer], ws.columns[layer]
    for i in range(ws.form.shape[1]):
        form, column = ws.form[layer, i], ws.column[layer, i]
        for c in range(found):
            column[c] = form[neuron[c]]
        for c in range(found, padded(found)):
            column[c] = 0.0


@kernel
def enter_layer(net: VertexNetwork, ws: VertexWorkspace, t: int) -> None:
    """Bring the neurons of frame t's next layer in: their forms, columns and signs."""
    layer = ws.layer[t]
    take_forms(net, ws, t, layer)
    find_columns(net, ws, t, layer)
    take_columns(ws, layer)
    for v in range(ws.start[t], ws.start[t] + ws.vertices[t]):
        note_signs(net, ws, v, layer)
    for w in range(words(ws, layer)):
        rest = ws.columns[layer] - 64 * w
        ws.open[t, w] = -1 if rest >= 64 else (1 << rest) - 1
    if layer + 1 < net.width.size:
        begin_partial(net, ws, t, layer)
