"""A point strictly inside a cell, from its dictionary."""

from __future__ import annotations

from nnce_cli.kernels.arrays import Network, Workspace
from nnce_cli.kernels.dictionary import CLEAR, first_entering_column, step_along
from nnce_cli.kernels.jit import entry_point, kernel, padded
from nnce_cli.kernels.layers import vertex
from nnce_cli.kernels.vectors import ratio_test, weighted_sum


@kernel
def inner_point(net: Network, ws: Workspace, t: int, first: int) -> None:
    """Write a point off the vertex of frame ``t`` into the inside of its cell to ``ws.point``.

    The ray that raises all nonbasic displacements at once, half way to where it leaves the
    cell: strictly inside unless the vertex is degenerate. Rows from ``first`` on, which may be
    a free row with a positive value, bound the ray.
    """
    d = net.lower.size
    n = ws.rows[t]
    constant, slope, weight = ws.value[t, 0], ws.column, ws.weight
    for r in range(padded(n)):
        slope[r] = 0.0
    for c in range(d):
        weight[c] = ws.reach[ws.column_variable[t, c]]
    weighted_sum(slope, slope, ws.value[t, 1:], weight, d, padded(n))
    _, step = ratio_test(constant, slope, ws.row_cap[t], first, n)
    step = step if step < 1.0 else 1.0
    step *= 0.5
    x = ws.point
    for c in range(d):
        variable = ws.column_variable[t, c]
        if variable < d:
            move = step * net.span[variable]
            at_upper = ws.at_upper[t, c] == 1
            x[variable] = net.upper[variable] - move if at_upper else net.lower[variable] + move
    variables = ws.row_variable[t]
    for r in range(first, n):
        if variables[r] < d:
            x[variables[r]] = net.lower[variables[r]] + constant[r] + step * slope[r]


@kernel
def raise_variable(net: Network, ws: Workspace, t: int, variable: int, up: float) -> None:
    """Move frame ``t`` to a vertex with ``variable`` off its floor (``up`` = 1.0) or its cap."""
    d = net.lower.size
    for c in range(d):
        if ws.column_variable[t, c] == variable:
            if (ws.at_upper[t, c] == 1) == (up > 0.0):
                return
            step_along(net, ws, t, c)
            break
    for _ in range(4 * (d + ws.rows[t]) + 20):
        row = -1
        for r in range(ws.free[t], ws.rows[t]):
            if ws.row_variable[t, r] == variable:
                row = r
        if row < 0:
            return
        b = ws.value[t, 0, row]
        if (b if up > 0.0 else ws.row_cap[t, row] - b) > CLEAR:
            return
        q = first_entering_column(ws, t, row, -up)
        if q < 0 or not step_along(net, ws, t, q):
            return


@entry_point
def mean_of_vertices(net: Network, ws: Workspace, t: int) -> None:
    """Write a mean of vertices of frame ``t``'s cell that lies off its facets to ``ws.point``.

    For degenerate vertices, where `inner_point` stays on the boundary: each constraint
    that is tight at the mean so far asks for one more vertex, away from it. Moves the frame.
    """
    d = net.lower.size
    mean, x = ws.mean, ws.point
    vertex(net, ws, t, mean)
    count = 1.0
    for s in range(ws.splits[t] + 2 * d):
        up = 1.0
        if s < ws.splits[t]:
            k = ws.split_neuron[s]
            form = ws.form[k]
            slack = form[0]
            for i in range(d):
                slack += form[1 + i] * mean[i]
            slack *= ws.sign[k]
            variable = d + k
        else:
            variable = (s - ws.splits[t]) // 2
            up = 1.0 if (s - ws.splits[t]) % 2 == 0 else -1.0
            slack = mean[variable] - net.lower[variable]
            if up < 0.0:
                slack = net.upper[variable] - mean[variable]
        if slack * count > CLEAR:
            continue
        raise_variable(net, ws, t, variable, up)
        vertex(net, ws, t, x)
        for i in range(d):
            mean[i] += (x[i] - mean[i]) / (count + 1.0)
        count += 1.0
    for i in range(d):
        x[i] = mean[i]
