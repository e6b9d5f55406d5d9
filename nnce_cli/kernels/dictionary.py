"""The dense simplex dictionary: ratio test, pivot, bound flip, and the descent of one row.

Rows are written over the nonbasic displacements as in Chvátal, *Linear Programming* (1983),
chapters 2 and 8 (bounded variables). Nothing here decides what is in the answer: a wrong turn
in floating point costs time, and is found by the proofs.
"""

from __future__ import annotations

import numpy as np

from nnce_cli.kernels.arrays import LPS, PIVOTS, Network, Workspace
from nnce_cli.kernels.jit import kernel, padded
from nnce_cli.kernels.vectors import ratio_test

# Rows are scaled to about 1, so these are relative. They choose which path (float or exact)
# takes a decision, never what the decision is.
CLEAR = 1e-10  # a value at a vertex beyond this counts as strictly on its side
SMALL_COST = 1e-13  # smaller coefficients do not attract a pivot
OPTIMAL, CROSSED, STALLED = 0, 1, 2  # how a descent ended


@kernel
def copy_frame(ws: Workspace, source: int, target: int) -> None:
    """Copy the dictionary of frame ``source`` into frame ``target``."""
    rows = ws.rows[source]
    for c in range(ws.value.shape[1]):
        old, new = ws.value[source, c], ws.value[target, c]
        for r in range(padded(rows)):
            new[r] = old[r]
    old_variable, new_variable = ws.row_variable[source], ws.row_variable[target]
    old_cap, new_cap = ws.row_cap[source], ws.row_cap[target]
    for r in range(padded(rows)):
        new_variable[r] = old_variable[r]
        new_cap[r] = old_cap[r]
    old_column, new_column = ws.column_variable[source], ws.column_variable[target]
    old_upper, new_upper = ws.at_upper[source], ws.at_upper[target]
    for c in range(ws.column_variable.shape[1]):
        new_column[c] = old_column[c]
        new_upper[c] = old_upper[c]
    ws.rows[target] = rows
    ws.free[target] = ws.free[source]
    ws.layer[target] = ws.layer[source]
    ws.phase[target] = ws.phase[source]
    ws.splits[target] = ws.splits[source]
    ws.share[target] = ws.share[source]
    ws.known_active[target] = ws.known_active[source]
    ws.known_inactive[target] = ws.known_inactive[source]


@kernel
def leaving_row(net: Network, ws: Workspace, t: int, q: int) -> tuple[int, float]:
    """Return the row that blocks column ``q`` of frame ``t`` first, and the step length.

    The row is -1 where the column's own opposite bound comes first (a flip), -2 where nothing
    blocks. Ties go to the larger pivot.
    """
    row, step = ratio_test(
        ws.value[t, 0], ws.value[t, 1 + q], ws.row_cap[t], ws.free[t], ws.rows[t]
    )
    variable = ws.column_variable[t, q]
    if variable < net.lower.size and not step < net.span[variable]:
        return -1, net.span[variable]
    return (row if row >= 0 else -2), step


@kernel
def flip(net: Network, ws: Workspace, t: int, q: int) -> None:
    """Move the nonbasic input of column ``q`` to its opposite bound."""
    variable = ws.column_variable[t, q]
    span = net.span[variable]
    constant, slope = ws.value[t, 0], ws.value[t, 1 + q]
    for r in range(ws.rows[t]):
        constant[r] += slope[r] * span
        slope[r] = -slope[r]
    ws.at_upper[t, q] = 1 - ws.at_upper[t, q]


@kernel
def pivot(net: Network, ws: Workspace, t: int, p: int, q: int) -> None:
    """Exchange the variable of row ``p`` with that of column ``q``, in place."""
    d = net.lower.size
    rows = padded(ws.rows[t])
    value = ws.value[t]
    column, entering_column = ws.column, value[1 + q]
    for r in range(rows):  # a copy: aliasing would stop vectorisation below
        column[r] = entering_column[r]
    a = entering_column[p]
    to_cap = a > 0.0  # the row's variable leaves at its cap, not at 0
    target = ws.row_cap[t, p] if to_cap else 0.0
    inverse = 1.0 / a
    entering_value = (target - value[0, p]) * inverse
    entering_slope = -inverse if to_cap else inverse
    for c in range(d + 1):
        if c != 1 + q:
            other = value[c]
            k = entering_value if c == 0 else -other[p] * inverse
            for r in range(rows):
                other[r] = k if r == p else other[r] + k * column[r]
    for r in range(rows):
        entering_column[r] = entering_slope if r == p else column[r] * entering_slope
    leaving = ws.row_variable[t, p]
    entering = ws.column_variable[t, q]
    ws.row_variable[t, p] = entering
    ws.row_cap[t, p] = np.inf
    if entering < d:
        span = net.span[entering]
        ws.row_cap[t, p] = span
        if ws.at_upper[t, q] == 1:  # rows measure an input from its lower bound
            for c in range(d + 1):
                value[c, p] = -value[c, p]
            value[0, p] += span
    ws.column_variable[t, q] = leaving
    ws.at_upper[t, q] = 1 if to_cap else 0


@kernel
def step_along(net: Network, ws: Workspace, t: int, q: int) -> bool:
    """Move frame ``t`` along its column ``q`` to the next vertex; False where nothing blocks."""
    p, _ = leaving_row(net, ws, t, q)
    ws.control[PIVOTS] += 1
    if p == -2:
        return False
    if p == -1:
        flip(net, ws, t, q)
    else:
        pivot(net, ws, t, p, q)
    return True


@kernel
def entering_column(ws: Workspace, t: int, row: int, side: float) -> tuple[int, float]:
    """Return the column that lowers ``side`` times row ``row`` most within its reach, or -1.

    And the lowest value that the row could have if all improving columns went as far as the
    box lets them: an estimate, in floating point, of a bound from below.
    """
    best, lowest = -1, -SMALL_COST
    bound = side * ws.value[t, 0, row]
    variables = ws.column_variable[t]
    for c in range(variables.size):
        cost = side * ws.value[t, 1 + c, row] * ws.reach[variables[c]]
        best = c if cost < lowest else best
        lowest = cost if cost < lowest else lowest
        bound += cost if cost < 0.0 else 0.0
    return best, bound


@kernel
def first_entering_column(ws: Workspace, t: int, row: int, side: float) -> int:
    """Return the improving column with the smallest variable, or -1 (Bland 1977: no cycling)."""
    best = -1
    variables = ws.column_variable[t]
    for c in range(variables.size):
        cost = side * ws.value[t, 1 + c, row] * ws.reach[variables[c]]
        if cost < -SMALL_COST and (best < 0 or variables[c] < variables[best]):
            best = c
    return best


@kernel
def first_vertex(ws: Workspace, t: int) -> None:
    """Take the values of the free rows at the vertex of frame ``t`` as all that is seen so far."""
    constant = ws.value[t, 0]
    for r in range(ws.free[t]):
        ws.lowest[r] = constant[r]
        ws.highest[r] = constant[r]


@kernel
def note_vertex(ws: Workspace, t: int) -> None:
    """Take the values of the free rows at the vertex of frame ``t`` as evidence of their signs."""
    constant, lowest, highest = ws.value[t, 0], ws.lowest, ws.highest
    for r in range(ws.free[t]):
        b = constant[r]
        lowest[r] = b if b < lowest[r] else lowest[r]
        highest[r] = b if b > highest[r] else highest[r]


@kernel
def descend(net: Network, ws: Workspace, t: int, row: int, side: float, note: bool) -> int:
    """Minimise ``side`` times row ``row`` over the cell of frame ``t``, until clearly negative.

    ``side`` is +1.0 or -1.0. Modifies the frame; with ``note`` every vertex on the way is
    evidence for the other free rows. Returns CROSSED, OPTIMAL (in floating point; or so near
    that a bound over the box shows the row positive) or STALLED.
    """
    ws.control[LPS] += 1
    patience = 4 * (net.lower.size + ws.rows[t]) + 20
    for i in range(2 * patience):
        if side * ws.value[t, 0, row] < -CLEAR:
            return CROSSED
        q, bound = entering_column(ws, t, row, side)
        if i > patience:
            q = first_entering_column(ws, t, row, side)
        if q < 0 or bound > CLEAR:
            return OPTIMAL
        if not step_along(net, ws, t, q):
            return STALLED
        if note:
            note_vertex(ws, t)
    return STALLED
