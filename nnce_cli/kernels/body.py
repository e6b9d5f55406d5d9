"""Cells that meet a body inside the image: they exist, without a look at the many inputs.

The body is an ellipsoid (`nnce_cli.enumeration.body`), and the hull of it and of one more point of
the image, in the direction of the cell.
"""

from __future__ import annotations

import math

from nnce_cli.kernels.arrays import (
    FACTORED,
    PULLBACKS,
    SAME,
    UNIT_ROUNDOFF,
    Floats,
    Network,
    Workspace,
)
from nnce_cli.kernels.jit import kernel
from nnce_cli.kernels.projection import project, slacks_at, slacks_exceed

MOST_OUT = 0.98  # how near the point of the cell must be to the body's surface
REACH = 4.5  # of the one more point: most of its inputs are at the bounds of the box
HULL_STEPS, LAST_STEP = 16, 12  # balls that are tried on the way to that point
STEPS = (0.25, 0.02, 0.002)  # from the cell's facets towards its inside


@kernel
def combine(weights: Floats, rows: Floats, out: Floats) -> None:
    """Add the combination of ``rows`` (d, m) with ``weights`` (d,) to ``out`` (m,)."""
    d = weights.size
    k = 0
    while k + 4 <= d:  # four at a time: ``out`` is read and written less often
        a, b, c, e = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        row_a, row_b, row_c, row_e = rows[k], rows[k + 1], rows[k + 2], rows[k + 3]
        for i in range(out.size):
            out[i] += a * row_a[i] + b * row_b[i] + c * row_c[i] + e * row_e[i]
        k += 4
    while k < d:
        a, row_a = weights[k], rows[k]
        for i in range(out.size):
            out[i] += a * row_a[i]
        k += 1


@kernel
def to_ball(net: Network, u: Floats, out: Floats) -> float:
    """Write where ``u`` is in the coordinates in which the body is a ball about 0; its length."""
    body, middle = net.image.body, net.image.middle
    total = 0.0
    for i in range(u.size):
        entry, row = 0.0, body.transform[i]
        for k in range(u.size):
            entry += row[k] * (u[k] - middle[k])
        out[i] = entry
        total += entry * entry
    return math.sqrt(total)


@kernel
def far_point(net: Network, ws: Workspace) -> None:
    """Write a point of the image, far out in the direction of the projection, to ``tip``.

    In the coordinates of the ball.
    """
    d, body, pre = net.lower.size, net.image.body, ws.preimage
    t, point = pre.t, pre.anchor
    for i in range(t.size):
        t[i] = 0.0
    combine(pre.direction, body.generator, t)
    length = 0.0
    for k in range(d):
        length += pre.ball[k] * pre.ball[k]
    scale = REACH / math.sqrt(length)
    for i in range(t.size):
        t[i] = min(max(scale * t[i], -1.0), 1.0)
    for k in range(d):
        total, row = 0.0, net.image.generator[k]
        for i in range(t.size):
            total += row[i] * t[i]
        point[k] = net.image.middle[k] + total
    to_ball(net, point, pre.tip)


@kernel
def is_in_hull(net: Network, ws: Workspace, with_tip: bool) -> bool:
    """Prove that the scratch ``ball`` is inside the body, or inside the hull of it and ``tip``.

    That hull is all balls about a share s of the way to the tip, smaller by that share.
    """
    d, pre, radius = net.lower.size, ws.preimage, net.image.body.radius
    for step in range(LAST_STEP + 1 if with_tip else 1):
        s = step / HULL_STEPS
        total = 0.0
        for k in range(d):
            gap = pre.ball[k] - s * pre.tip[k]
            total += gap * gap
        if math.sqrt(total) < (1.0 - s) * radius:
            return True
    return False


@kernel
def is_on_path(net: Network, ws: Workspace, n: int) -> bool:
    """Prove that ``place`` is strictly inside the cell of the first ``n`` splits."""
    slacks_at(net, ws, ws.preimage.place, n)
    return slacks_exceed(ws, 2.0 * (net.lower.size + 8) * UNIT_ROUNDOFF, n)


@kernel
def meets_body(net: Network, ws: Workspace, n: int) -> bool:
    """Prove that the cell of the first ``n`` splits holds an inner point of the body.

    From the point of the cell that is nearest to the centre, on facets, it goes some way towards
    ``ws.point``, inside the cell. Its slacks are evaluated there, with a bound on rounding.
    The projection starts from that of the leaf before, often a neighbour; its factors are of use
    as long as centre, metric and forms stay the same. Where the body is not reached, the hull of
    it and a point far out may be.
    """
    d, body, pre = net.lower.size, net.image.body, ws.preimage
    if body.radius == 0.0:
        return False
    for k in range(d):
        pre.centre[k] = net.image.middle[k]
        for j in range(d):
            pre.metric[k, j] = body.metric[k, j]
    pre.kept[SAME] = 1 if pre.kept[FACTORED] == pre.kept[PULLBACKS] else 0
    if project(net, ws, n) < 0:
        pre.kept[FACTORED] = -1
        return False
    pre.kept[FACTORED] = pre.kept[PULLBACKS]
    u = pre.place
    far = to_ball(net, ws.point, pre.ball)
    near = to_ball(net, u, pre.ball)
    with_tip = near > MOST_OUT * body.radius
    if with_tip:
        far_point(net, ws)
        if not is_in_hull(net, ws, True):
            return False
    base = pre.anchor
    for k in range(d):
        base[k] = u[k]
    for most in STEPS:
        step = most
        if not with_tip:  # a length is convex
            step = min(0.5, 0.5 * (body.radius - near) / (near + far))
        for k in range(d):
            u[k] = base[k] + step * (ws.point[k] - base[k])
        to_ball(net, u, pre.ball)
        if is_in_hull(net, ws, with_tip):
            return is_on_path(net, ws, n)
    return False
