"""Entering a layer: its neurons as affine functions of the input, and as rows of the dictionary."""

from __future__ import annotations

import math

import numpy as np

from nnce_cli.kernels.arrays import PULLBACKS, UNIT_ROUNDOFF, Network, Workspace
from nnce_cli.kernels.dictionary import pivot
from nnce_cli.kernels.jit import entry_point, kernel

DRIFT = 1e-9  # a nonbasic slack further than this from 0 at its vertex: rebuild the dictionary


@kernel
def pull_back(net: Network, ws: Workspace, layer: int) -> None:
    """Write the preactivations of ``layer`` on the path's cell as affine functions of the input.

    Fills ``ws.gradient[layer]``, its ``size`` and its ``error``, and each neuron's ``scale``,
    ``form`` and range over the box.
    The error bounds, over the box, the difference to the exact coefficients: what the layer
    before was off by, and the rounding of the sums (Higham 2002, section 3.1).
    """
    d = net.lower.size
    n_out = net.width[layer]
    n_in = d if layer == 0 else net.width[layer - 1]
    size, error, gradient = ws.size[layer], ws.error[layer], ws.gradient[layer]
    unit = UNIT_ROUNDOFF * net.inexact[layer]
    ws.preimage.kept[PULLBACKS] += 1
    rounding = 2.0 * (n_in + 4) * UNIT_ROUNDOFF + unit
    for i in range(d + 1):
        for j in range(n_out):
            gradient[i, j] = 0.0
    if layer == 0:
        for j in range(n_out):
            gradient[0, j] = net.bias[0, j]
            for i in range(d):
                gradient[1 + i, j] = net.weight[0, i, j]
            error[j] = 0.0
    else:
        for j in range(n_out):
            gradient[0, j] = net.bias[layer, j]
            error[j] = rounding * abs(net.bias[layer, j])
        for k in range(n_in):
            neuron = net.offset[layer - 1] + k
            if ws.sign[neuron] < 0:
                continue
            inherited = ws.error[layer - 1, k] + rounding * ws.size[layer - 1, k]
            for j in range(n_out):
                error[j] += abs(net.weight[layer, k, j]) * inherited
            for i in range(d + 1):
                g = ws.gradient[layer - 1, i, k]
                if g != 0.0:
                    for j in range(n_out):
                        gradient[i, j] += g * net.weight[layer, k, j]
    for j in range(n_out):
        size[j] = abs(gradient[0, j])
    start = net.offset[layer]
    least, most = ws.least[start:], ws.most[start:]
    for j in range(n_out):
        least[j] = gradient[0, j]
        most[j] = gradient[0, j]
    for i in range(d):
        lower, upper = net.lower[i], net.upper[i]
        for j in range(n_out):
            at_lower, at_upper = gradient[1 + i, j] * lower, gradient[1 + i, j] * upper
            least[j] += at_lower if at_lower < at_upper else at_upper
            most[j] += at_upper if at_lower < at_upper else at_lower
            size[j] += abs(gradient[1 + i, j]) * net.magnitude[i]
    for j in range(n_out):
        if layer == 0:
            error[j] = unit * size[j]
        s = size[j]
        # Slacks are exact multiples of their neurons, so the factor must be neither 0 nor infinite.
        scale = 2.0 ** -math.floor(math.log2(s)) if 1e-250 < s < 1e250 else 1.0
        ws.scale[start + j] = scale
        least[j] *= scale
        most[j] *= scale
        ws.form_size[start + j] = scale * s
        ws.form_error[start + j] = scale * error[j]
        form = ws.form[start + j]
        for i in range(d + 1):
            form[i] = scale * gradient[i, j]


@kernel
def write_row(
    net: Network, ws: Workspace, t: int, row: int, layer: int, j: int, factor: float
) -> None:
    """Write ``factor`` times neuron j of ``layer`` as row ``row`` of frame ``t``.

    The inputs are taken from the frame: basic ones are rows, nonbasic ones columns.
    """
    d = net.lower.size
    value = ws.value[t]
    constant = ws.gradient[layer, 0, j]
    for i in range(d):
        constant += ws.gradient[layer, 1 + i, j] * net.lower[i]
    value[0, row] = factor * constant
    for c in range(d):
        value[1 + c, row] = 0.0
    for c in range(d):
        variable = ws.column_variable[t, c]
        if variable < d:
            g = factor * ws.gradient[layer, 1 + variable, j]
            if ws.at_upper[t, c] == 1:
                value[0, row] += g * net.span[variable]
                g = -g
            value[1 + c, row] += g
    for r in range(ws.free[t], ws.rows[t]):
        variable = ws.row_variable[t, r]
        if variable < d:
            g = factor * ws.gradient[layer, 1 + variable, j]
            for c in range(d + 1):
                value[c, row] += g * value[c, r]


@kernel
def drifted(net: Network, ws: Workspace, t: int) -> bool:
    """Tell whether the vertex of frame ``t`` has left a hyperplane that it should lie on."""
    d = net.lower.size
    x = ws.point
    vertex(net, ws, t, x)
    for c in range(d):
        variable = ws.column_variable[t, c]
        if variable >= d:
            form = ws.form[variable - d]
            z = form[0]
            for i in range(d):
                z += form[1 + i] * x[i]
            if abs(z) > DRIFT:
                return True
    return False


@kernel
def vertex(net: Network, ws: Workspace, t: int, x: np.ndarray) -> None:
    """Write the vertex of frame ``t`` into ``x`` (d,)."""
    d = net.lower.size
    for c in range(d):
        variable = ws.column_variable[t, c]
        if variable < d:
            x[variable] = net.upper[variable] if ws.at_upper[t, c] == 1 else net.lower[variable]
    for r in range(ws.free[t], ws.rows[t]):
        variable = ws.row_variable[t, r]
        if variable < d:
            x[variable] = net.lower[variable] + ws.value[t, 0, r]


@entry_point
def rebuild(net: Network, ws: Workspace, t: int) -> None:
    """Compute the dictionary of frame ``t``, which has no free rows, afresh for its basis.

    Starts at a corner of the box with all slacks basic and pivots the nonbasic ones in, each
    in the column where its entry is largest.
    """
    d = net.lower.size
    stays = ws.activation  # inputs that stay nonbasic
    wanted, upper = ws.wanted, ws.wanted_upper
    for c in range(d):
        wanted[c] = ws.column_variable[t, c]
        upper[c] = ws.at_upper[t, c]
        stays[c] = 0.0
        ws.column_variable[t, c] = c
        ws.at_upper[t, c] = 0
    for c in range(d):
        if wanted[c] < d:
            stays[wanted[c]] = 1.0
            ws.at_upper[t, wanted[c]] = upper[c]
    ws.rows[t] = 0
    for s in range(ws.splits[t]):
        k = ws.split_neuron[s]
        layer = net.layer_of[k]
        write_row(net, ws, t, s, layer, k - net.offset[layer], ws.sign[k] * ws.scale[k])
        ws.row_variable[t, s] = d + k
        ws.row_cap[t, s] = np.inf
    ws.rows[t] = ws.splits[t]
    for w in range(d):
        if wanted[w] < d:
            continue
        p = 0
        for r in range(ws.rows[t]):
            if ws.row_variable[t, r] == wanted[w]:
                p = r
        q = -1
        largest = 0.0
        for c in range(d):
            variable = ws.column_variable[t, c]
            if variable < d and stays[variable] == 0.0:
                a = abs(ws.value[t, 1 + c, p]) * net.span[variable]
                if a > largest:
                    largest, q = a, c
        if q >= 0:
            ws.row_cap[t, p] = 0.0  # it leaves at 0, whichever way its entry points
            pivot(net, ws, t, p, q)
            if ws.at_upper[t, q] == 1:  # measured downwards from that cap: turn it round
                ws.at_upper[t, q] = 0
                for r in range(ws.rows[t]):
                    ws.value[t, 1 + q, r] = -ws.value[t, 1 + q, r]


@kernel
def add_rows(net: Network, ws: Workspace, t: int, layer: int) -> None:
    """Put all neurons of ``layer`` into frame ``t`` as free rows, in descending order.

    The frame must have no free rows.
    """
    d = net.lower.size
    n = net.width[layer]
    rows = ws.rows[t]
    value = ws.value[t]
    for r in range(rows - 1, -1, -1):
        ws.row_variable[t, r + n] = ws.row_variable[t, r]
        ws.row_cap[t, r + n] = ws.row_cap[t, r]
        for c in range(d + 1):
            value[c, r + n] = value[c, r]
    ws.rows[t] = rows + n
    ws.free[t] = n
    first = net.offset[layer]
    for r in range(n):
        ws.row_variable[t, r] = d + first + n - 1 - r
        ws.row_cap[t, r] = np.inf
    write_free_rows(net, ws, t, layer)


@kernel
def write_free_rows(net: Network, ws: Workspace, t: int, layer: int) -> None:
    """Fill the free rows of frame ``t``, which are all neurons of ``layer`` in descending order.

    The same sums as `write_row`, with the loop over the neurons inside.
    """
    d = net.lower.size
    n = net.width[layer]
    value, gradient = ws.value[t], ws.gradient[layer]
    scale = ws.column
    for r in range(n):
        scale[r] = ws.scale[net.offset[layer] + n - 1 - r]
    constant = value[0]
    for r in range(n):
        constant[r] = scale[r] * gradient[0, n - 1 - r]
    for i in range(d):
        g, lower = gradient[1 + i], net.lower[i]
        if lower != 0.0:
            for r in range(n):
                constant[r] += scale[r] * g[n - 1 - r] * lower
    for c in range(d):
        column = value[1 + c]
        variable = ws.column_variable[t, c]
        if variable >= d:
            for r in range(n):
                column[r] = 0.0
            continue
        g = gradient[1 + variable]
        at_upper = ws.at_upper[t, c] == 1
        slope = -1.0 if at_upper else 1.0
        shift = net.span[variable] if at_upper else 0.0
        for r in range(n):
            a = scale[r] * g[n - 1 - r]
            column[r] = slope * a
            constant[r] += shift * a
    for b in range(n, ws.rows[t]):
        variable = ws.row_variable[t, b]
        if variable < d:
            g = gradient[1 + variable]
            for c in range(d + 1):
                column = value[c]
                x = column[b]
                if x != 0.0:
                    for r in range(n):
                        column[r] += x * scale[r] * g[n - 1 - r]


@kernel
def drop_rows(net: Network, ws: Workspace, t: int, cuts: np.ndarray) -> None:
    """Keep the free rows with ``cuts[r] == 1`` and the constraints that can bind.

    A constraint whose row has no negative entry is implied by the nonbasic ones. Dropping one
    that could bind would only enlarge what the descents see: never an answer, only a detour.
    """
    d = net.lower.size
    kept = 0
    free = 0
    for r in range(ws.rows[t]):
        if r < ws.free[t]:
            keep = cuts[r] == 1
            free += 1 if keep else 0
        else:
            keep = ws.row_variable[t, r] < d
            for c in range(d):
                keep = keep or ws.value[t, 1 + c, r] < 0.0
        if keep:
            if kept != r:
                ws.row_variable[t, kept] = ws.row_variable[t, r]
                ws.row_cap[t, kept] = ws.row_cap[t, r]
                for c in range(d + 1):
                    ws.value[t, c, kept] = ws.value[t, c, r]
            kept += 1
    ws.rows[t] = kept
    ws.free[t] = free
