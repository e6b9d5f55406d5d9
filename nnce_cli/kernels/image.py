"""Cells in the image of a box of many inputs under the first layer: which of them exist.

A walk in the image u = U x relaxes it, a zonotope, to a box, so some of its cells hold no image of
an input. Here each cell is settled: by an input x of the box whose image is strictly inside the
cell, or by multipliers λ >= 0 that make the sum of λ_k s_k(U x) over the cell's slacks negative
for all x in the box (Farkas). Both are checked over x with bounds on rounding.
They are found by projecting the centre of the zonotope onto the cell. Most cells come so near to
the centre that they meet an ellipsoid inside the zonotope: where no input is asked for, that does.
"""

from __future__ import annotations

from nnce_cli.kernels.arrays import (
    COUNT,
    EMPTY,
    EXISTS,
    FACTORED,
    NO_ANSWER,
    UNDERFLOW,
    UNIT_ROUNDOFF,
    Floats,
    Ints,
    Network,
    Workspace,
)
from nnce_cli.kernels.body import combine, meets_body
from nnce_cli.kernels.jit import entry_point, kernel
from nnce_cli.kernels.projection import gather_slacks, project, slacks_at, slacks_exceed

ROOMS = (1e-2, 1e-5, 1e-8)  # how far inputs stay from the box's bounds: the first that does
# How much of the image's metric keeps a projection regular: less where rounds change nothing any
# more, more where they jump from corner to corner of the box.
FIRST_DAMPING, FASTER, SLOWER = 1e-3, 0.3, 5.0
MOST_STEPS = 20
MOST_CLIPS = 24  # rounds of clipping; after that a linear program over the inputs decides


@kernel
def is_in_box(net: Network, ws: Workspace) -> bool:
    """Tell whether ``ws.preimage.x`` is strictly inside the box."""
    im, x = net.image, ws.preimage.x
    outside = 0
    for i in range(x.size):
        outside += 0 if (im.lower[i] < x[i]) & (x[i] < im.upper[i]) else 1
    return outside == 0


@kernel
def is_inside(net: Network, ws: Workspace, n: int) -> bool:
    """Prove that the image of ``ws.preimage.x`` is strictly inside the cell.

    The slacks of the first ``n`` splits are evaluated at it; the bound on rounding is that of
    sums of sums (Higham 2002, section 3.1).
    """
    d, im, x, u = net.lower.size, net.image, ws.preimage.x, ws.preimage.place
    for k in range(d):
        total, row = 0.0, im.linear[k]
        for i in range(x.size):
            total += row[i] * x[i]
        u[k] = total
    slacks_at(net, ws, u, n)
    return slacks_exceed(ws, (2.0 * (x.size + d + 8) + im.inexact) * UNIT_ROUNDOFF, n)


@kernel
def is_missed(net: Network, ws: Workspace, slacks: Ints, multiplier: Floats, n: int) -> bool:
    """Prove that the cell holds no image of an input of the box.

    ``slacks`` are places on the path; the first ``n`` of them and of their multipliers count.
    """
    d, im, pre = net.lower.size, net.image, ws.preimage
    g, p = pre.place, pre.x
    for k in range(d):
        g[k] = 0.0
    constant, size, error = 0.0, 0.0, 0.0
    for a in range(n):
        neuron = ws.split_neuron[slacks[a]]
        weight, form = multiplier[a], ws.form[neuron]
        if not weight > 0.0:
            continue
        signed = weight * ws.sign[neuron]
        constant -= signed * form[0]
        for k in range(d):
            g[k] -= signed * form[1 + k]
        size += weight * ws.form_size[neuron]
        error += weight * ws.form_error[neuron]
    for k in range(d):
        size += abs(g[k]) * im.magnitude[k]
    for i in range(p.size):
        p[i] = 0.0
    combine(g, im.linear, p)
    bound = constant
    for i in range(p.size):
        bound += min(p[i] * im.lower[i], p[i] * im.upper[i])
    units = 2.0 * (n + d + p.size + 8) + im.inexact
    return bool(bound > error + units * UNIT_ROUNDOFF * size + UNDERFLOW)


@kernel
def start_search(net: Network, ws: Workspace) -> None:
    """Clip nothing: centre and metric are those of the whole image."""
    d, im, pre = net.lower.size, net.image, ws.preimage
    for i in range(pre.clipped.size):
        pre.clipped[i] = 0.0
    for k in range(d):
        pre.anchor[k] = im.middle[k]
        pre.centre[k] = im.middle[k]
        for j in range(d):
            pre.metric[k, j] = im.gram[k, j]


@kernel
def clip(net: Network, ws: Workspace, limit: float) -> int:
    """Clip the scratch ``t`` to ``limit``; return how many entries are clipped now or no longer.

    Then ``anchor`` and ``metric`` are those of the zonotope that the entries between their limits
    generate, moved by the others.
    """
    d, im, pre = net.lower.size, net.image, ws.preimage
    t, clipped = pre.t, pre.clipped
    changed = 0.0
    for i in range(t.size):  # no branch: most often little changes
        side = (1.0 if t[i] > limit else 0.0) - (1.0 if t[i] < -limit else 0.0)
        changed += abs(side - clipped[i])
    if changed == 0.0:
        return 0
    changes = 0
    for i in range(t.size):
        side = (1.0 if t[i] > limit else 0.0) - (1.0 if t[i] < -limit else 0.0)
        before = clipped[i]
        if side == before:
            continue
        clipped[i] = side
        changes += 1
        held = abs(side) - abs(before)
        column = im.column[i]
        for k in range(d):
            g = column[k]
            pre.anchor[k] += (side - before) * limit * g
            row = pre.metric[k]
            for j in range(d):
                row[j] -= held * g * column[j]
    return changes


@kernel
def damp(net: Network, ws: Workspace, more: float, damping: float) -> None:
    """Add ``more`` times the whole image's metric to that of the next projection.

    That keeps it regular. The centre makes up for it, once the direction has settled: the proximal
    point method (Rockafellar 1976), with ``damping`` the sum of all that was added.
    """
    d, im, pre = net.lower.size, net.image, ws.preimage
    for k in range(d):
        moved = 0.0
        for j in range(d):
            pre.metric[k, j] += more * im.gram[k, j]
            moved += im.gram[k, j] * pre.direction[j]
        pre.centre[k] = pre.anchor[k] - damping * moved


@kernel
def separates(net: Network, ws: Workspace, count: int) -> bool:
    """Prove, where it seems so, that the multipliers of the ``count`` tight slacks show a miss.

    Writes the smallest t in the direction of the projection to the scratch.
    """
    im, pre = net.image, ws.preimage
    t = pre.t
    for i in range(t.size):
        t[i] = 0.0
    combine(pre.direction, im.generator, t)
    largest = 0.0  # that the sum of multipliers times slacks becomes in the box
    for a in range(count):
        largest += pre.multiplier[a] * pre.form[0, pre.tight[a]]
    for k in range(net.lower.size):
        largest += pre.direction[k] * im.middle[k]
    for i in range(t.size):
        largest += abs(t[i])
    return largest < 0.0 and is_missed(net, ws, pre.tight, pre.multiplier, count)


@kernel
def search(net: Network, ws: Workspace, n: int, room: float) -> int:
    """Look for the smallest t with |t_i| <= 1 - room whose image lies in the cell.

    Returns EXISTS with the input in ``ws.preimage.x``, EMPTY, or NO_ANSWER. A semismooth Newton
    method: each round solves the problem for the entries of t that were within their limits in
    the round before. Where there is no such t, the direction tends to one that separates the
    cell from the image.
    """
    start_search(net, ws)
    damping = 0.0
    for _ in range(MOST_CLIPS):
        count = project(net, ws, n)
        if count < 0:
            return NO_ANSWER
        if separates(net, ws, count):
            return EMPTY
        changes = clip(net, ws, 1.0 - room)
        if changes == 0 and step_inside(net, ws, n, 1.0 - room):
            return EXISTS
        wanted = damping * FASTER if changes <= 1 else damping
        if damping == 0.0:
            wanted = FIRST_DAMPING
        elif all_clipped(ws):
            wanted = damping * SLOWER
        damp(net, ws, wanted - damping, wanted)
        damping = wanted
    return NO_ANSWER


@kernel
def all_clipped(ws: Workspace) -> bool:
    """Tell whether all inputs are held at their limits."""
    clipped = ws.preimage.clipped
    free = 0
    for i in range(clipped.size):
        free += 1 if clipped[i] == 0.0 else 0
    return free == 0


@kernel
def step_inside(net: Network, ws: Workspace, n: int, limit: float) -> bool:
    """Go from the scratch ``t``, on facets of the cell, towards the inner point; prove the input.

    The t of the inner point need not be in the box; steps are tried until one stays inside.
    """
    im, pre = net.image, ws.preimage
    t, inner, x = pre.t, pre.inner, pre.x
    for i in range(inner.size):
        inner[i] = 0.0
        clipped = limit if t[i] > limit else t[i]
        t[i] = clipped if clipped > -limit else -limit
    combine(pre.towards, im.generator, inner)
    step = 0.5
    for _ in range(MOST_STEPS):
        for i in range(t.size):
            x[i] = im.centre[i] + im.half[i] * (t[i] + step * (inner[i] - t[i]))
        if is_in_box(net, ws):
            return is_inside(net, ws, n)
        step *= 0.3
    return False


@entry_point
def settle(net: Network, ws: Workspace, n: int, wants_input: bool) -> int:
    """Tell whether the cell of the first ``n`` splits holds an image of the inside of the box.

    ``ws.point`` is a point inside the cell. Returns EXISTS, with such an input in
    ``ws.preimage.x`` if ``wants_input``, EMPTY, or NO_ANSWER.
    """
    d, im, pre = net.lower.size, net.image, ws.preimage
    gather_slacks(net, ws, n)
    if wants_input:
        pre.kept[COUNT] = 0  # the input must not depend on leaves before
    elif meets_body(net, ws, n):
        return EXISTS
    pre.kept[FACTORED] = -1  # another metric
    for k in range(d):
        pre.towards[k] = 0.0
    for i in range(d):
        a, row = ws.point[i] - im.middle[i], im.inverse[i]
        for k in range(d):
            pre.towards[k] += a * row[k]
    for room in ROOMS:
        answer = search(net, ws, n, room)
        if answer != NO_ANSWER:
            return answer
    return NO_ANSWER


@entry_point
def input_holds(net: Network, ws: Workspace, n: int) -> bool:
    """Prove that ``ws.preimage.x`` is inside the box, its image in the cell of ``n`` splits."""
    gather_slacks(net, ws, n)
    return is_in_box(net, ws) and is_inside(net, ws, n)


@entry_point
def multipliers_hold(net: Network, ws: Workspace, slacks: Ints, multiplier: Floats) -> bool:
    """Do what `is_missed` does, for callers outside the kernels. Writes ``ws.preimage.x``."""
    return is_missed(net, ws, slacks, multiplier, slacks.size)
