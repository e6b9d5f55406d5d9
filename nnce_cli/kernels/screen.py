"""Neurons that are far from a layer-k cell, settled all at once, before any linear program.

In a small cell of a wide network hardly any neuron of the next layer cuts. At the vertex of the
cell's dictionary each of them is a constant and a few displacements, none of which is larger in
the cell than its *ceiling*. Ceilings follow from one constraint each (bound propagation:
Savelsbergh 1994, "Preprocessing and probing techniques for mixed integer programming problems",
ORSA J. Comput. 6, section 1). The dictionary in floating point only shows where to look; ceilings
and signs are proved from the neurons as affine functions of the input, by the safe bounds of
Neumaier & Shcherbina (2004, section 3), as in proofs.py.
"""

from __future__ import annotations

import numpy as np

from nnce_cli.kernels.arrays import (
    NEGATIVE,
    NO_ANSWER,
    POSITIVE,
    UNDERFLOW,
    UNIT_ROUNDOFF,
    Network,
    Workspace,
)
from nnce_cli.kernels.jit import entry_point, kernel, padded, subroutine

SMALL_SLOPE = 1e-9  # constraints that depend less on a displacement give it no ceiling
SWEEPS = 2  # what the first one lowers lets the second lower more; a third gains next to nothing
GAIN = 0.9  # a ceiling has to come down to this share to be worth its proof


@kernel
def ceiling_in_box(net: Network, ws: Workspace, variable: int) -> float:
    """Return a proved upper bound on a variable, as a displacement, over the whole box."""
    d = net.lower.size
    if variable < d:
        return float(net.span[variable] * (1.0 + 4.0 * UNIT_ROUNDOFF))
    k = variable - d
    rounding = 4.0 * (d + 8) * UNIT_ROUNDOFF * ws.form_size[k]
    return float(ws.reach[variable] + ws.form_error[k] + rounding + UNDERFLOW)


@subroutine
def add_form(
    net: Network, ws: Workspace, variable: int, at_upper: bool, factor: float
) -> tuple[float, float]:
    """Add ``factor`` times a displacement, as a function of the input, to ``ws.residual``.

    Returns the size of what was added, and its error, over the box.
    """
    d = net.lower.size
    if variable >= d:
        k = variable - d
        g, form, residual = factor * ws.sign[k], ws.form[k], ws.residual
        for i in range(padded(d + 1)):
            residual[i] += g * form[i]
        return abs(factor) * ws.form_size[k], abs(factor) * ws.form_error[k]
    slope = -factor if at_upper else factor
    ws.residual[0] -= slope * (net.upper[variable] if at_upper else net.lower[variable])
    ws.residual[1 + variable] += slope
    return 2.0 * abs(factor) * net.magnitude[variable], 0.0


@kernel
def proved_ceiling(net: Network, ws: Workspace, t: int, c: int, row: int) -> float:
    """Return an upper bound on the displacement of column ``c`` that constraint ``row`` proves.

    With the row's slack s >= 0 (or what it lacks to its cap) and its slopes a, divided by that
    of column c, ``t_c = constant - s + sum a t``: no displacement is negative, none above its
    ceiling, and the constant is what the affine functions leave over, bounded over the box.
    """
    d = net.lower.size
    slope = ws.value[t, 1 + c, row]
    at_cap = slope > 0.0
    scale = 1.0 / abs(slope)
    for i in range(padded(d + 1)):
        ws.residual[i] = 0.0
    size, error = add_form(net, ws, ws.column_variable[t, c], ws.at_upper[t, c] == 1, 1.0)
    s, e = add_form(net, ws, ws.row_variable[t, row], at_cap, scale)
    size += s
    error += e
    ceiling = 0.0
    for other in range(d):
        a = ws.value[t, 1 + other, row] * (-scale if at_cap else scale)
        if other != c and a != 0.0:
            s, e = add_form(net, ws, ws.column_variable[t, other], ws.at_upper[t, other] == 1, -a)
            most = a * ws.ceiling[other] if a > 0.0 else 0.0
            ceiling += most
            size += s + most
            error += e
    ceiling += ws.residual[0]
    for i in range(d):
        g = ws.residual[1 + i]
        ceiling += g * (net.upper[i] if g > 0.0 else net.lower[i])
    return float(ceiling + error + 4.0 * (d + 8) * UNIT_ROUNDOFF * size + UNDERFLOW)


@kernel
def find_ceilings(net: Network, ws: Workspace, t: int) -> None:
    """Write proved bounds on frame ``t``'s displacements in its cell to ``ws.ceiling``."""
    d = net.lower.size
    for c in range(d):
        ws.ceiling[c] = ceiling_in_box(net, ws, ws.column_variable[t, c])
    for _ in range(SWEEPS):
        lower_ceilings(net, ws, t)


@subroutine
def lower_ceilings(net: Network, ws: Workspace, t: int) -> None:
    """Lower ``ws.ceiling`` where a constraint of frame ``t`` and the other ceilings prove it."""
    d = net.lower.size
    first = ws.free[t]
    n = ws.rows[t] - first
    constant, cap = ws.value[t, 0, first:], ws.row_cap[t, first:]
    most, least, ratio = ws.most_slack, ws.least_slack, ws.ratio  # of the rows, over the ceilings
    for r in range(padded(n)):
        most[r] = constant[r]
        least[r] = constant[r]
    for c in range(d):
        slope, ceiling = ws.value[t, 1 + c, first:], ws.ceiling[c]
        for r in range(padded(n)):
            change = slope[r] * ceiling
            most[r] += change if change > 0.0 else 0.0
            least[r] += change if change < 0.0 else 0.0
    for c in range(d):
        slope = ws.value[t, 1 + c, first:]
        for r in range(padded(n)):
            room = most[r] if slope[r] < 0.0 else cap[r] - least[r]
            size = abs(slope[r])
            far = size > SMALL_SLOPE
            ratio[r] = room / size if far else np.inf
        row, lowest = -1, GAIN * ws.ceiling[c]
        for r in range(n):
            row = r if ratio[r] < lowest else row
            lowest = ratio[r] if ratio[r] < lowest else lowest
        if row >= 0:
            proved = proved_ceiling(net, ws, t, c, first + row)
            ws.ceiling[c] = min(proved, ws.ceiling[c])


@entry_point
def screen(net: Network, ws: Workspace, t: int, layer: int) -> None:
    """Write what is proved of each free row of frame ``t`` on its cell to ``ws.answer``.

    The free rows are all neurons of ``layer`` in descending order; the answer is POSITIVE,
    NEGATIVE or, where the bounds do not tell, NO_ANSWER. An entry point of its own: it is long,
    and called once a layer-k cell.
    """
    d = net.lower.size
    n = net.width[layer]
    find_ceilings(net, ws, t)
    low, high, size, error = ws.lowest, ws.highest, ws.ratio, ws.column
    start = net.offset[layer]
    for r in range(n):
        neuron = start + n - 1 - r
        low[r] = 0.0
        high[r] = 0.0
        size[r] = ws.form_size[neuron]
        error[r] = ws.form_error[neuron]
    for i in range(d + 1):
        rest = ws.rest[i]
        for r in range(n):
            rest[r] = ws.form[start + n - 1 - r, i]
    for c in range(d):
        slope, ceiling = ws.value[t, 1 + c], ws.ceiling[c]
        for r in range(n):
            change = slope[r] * ceiling
            low[r] += change if change < 0.0 else 0.0
            high[r] += change if change > 0.0 else 0.0
            size[r] += abs(change)
        for i in range(padded(d + 1)):
            ws.residual[i] = 0.0
        s, e = add_form(net, ws, ws.column_variable[t, c], ws.at_upper[t, c] == 1, 1.0)
        for r in range(n):
            size[r] += abs(slope[r]) * s
            error[r] += abs(slope[r]) * e
        for i in range(d + 1):
            g, rest = ws.residual[i], ws.rest[i]
            if g != 0.0:
                for r in range(n):
                    rest[r] -= slope[r] * g
    for i in range(d):
        rest, lower, upper = ws.rest[1 + i], net.lower[i], net.upper[i]
        for r in range(n):
            at_lower, at_upper = rest[r] * lower, rest[r] * upper
            low[r] += at_lower if at_lower < at_upper else at_upper
            high[r] += at_upper if at_lower < at_upper else at_lower
    rest = ws.rest[0]
    for r in range(n):
        unsure = error[r] + 4.0 * (d + 12) * UNIT_ROUNDOFF * size[r] + UNDERFLOW
        positive, negative = low[r] + rest[r] > unsure, high[r] + rest[r] < -unsure
        ws.answer[r] = POSITIVE if positive else (NEGATIVE if negative else NO_ANSWER)
