"""The point of a cell that is nearest to a centre: a quadratic program in the image's coordinates.

The cell is given by the slacks of its path. What the projection finds is no proof; callers check
it with `slacks_exceed`.
"""

from __future__ import annotations

import numpy as np

from nnce_cli.kernels.arrays import (
    COUNT,
    GATHERED,
    PULLBACKS,
    SAME,
    UNDERFLOW,
    Floats,
    Network,
    Workspace,
)
from nnce_cli.kernels.jit import kernel, padded, subroutine
from nnce_cli.kernels.vectors import weighted_sum

TIGHT = 1e-12  # a slack below minus this is violated
RIDGE = 1e-9  # of a slack's squared size: with less beside the tight ones it depends on them


@kernel
def gather_slacks(net: Network, ws: Workspace, n: int) -> None:
    """Write the first ``n`` slacks of the path to the scratch, the coefficients of u in rows.

    Those that are there from the call before, with the same forms, stay.
    """
    d, pre = net.lower.size, ws.preimage
    out, same = pre.form, pre.kept[GATHERED] == pre.kept[PULLBACKS]
    for s in range(n):
        neuron = ws.split_neuron[s]
        sign, form = ws.sign[neuron], ws.form[neuron]
        if same and pre.slack_neuron[s] == neuron and pre.slack_side[s] == sign:
            continue
        pre.slack_neuron[s] = neuron
        pre.slack_side[s] = sign
        for k in range(d + 1):
            out[k, s] = sign * form[k]
    if not same:
        for s in range(n, pre.slack_neuron.size):
            pre.slack_neuron[s] = -1
    pre.kept[GATHERED] = pre.kept[PULLBACKS]


@kernel
def slacks_at(net: Network, ws: Workspace, u: Floats, n: int) -> None:
    """Write the values of the first ``n`` gathered slacks at ``u`` to the scratch."""
    form = ws.preimage.form
    weighted_sum(ws.preimage.slack, form[0], form[1:], u, net.lower.size, padded(n))


@kernel
def slacks_exceed(ws: Workspace, rounding: float, n: int) -> bool:
    """Tell whether the first ``n`` slacks are more than their forms and ``rounding`` are off by."""
    for s in range(n):
        neuron = ws.split_neuron[s]
        bound = ws.form_error[neuron] + rounding * ws.form_size[neuron] + UNDERFLOW
        if not ws.preimage.slack[s] > bound:
            return False
    return True


@kernel
def times_inverse(ws: Workspace, vector: Floats, out: Floats, count: int) -> None:
    """Write ``inverse``, of the gram matrix of ``count`` slacks, times ``vector`` to ``out``."""
    for a in range(padded(count)):
        out[a] = 0.0
    weighted_sum(out, out, ws.preimage.inverse, vector, count, padded(count))


@kernel
def solve_tight(ws: Workspace, count: int) -> None:
    """Solve for the multipliers (``target``) at which all ``count`` tight slacks are 0."""
    target = ws.preimage.target
    times_inverse(ws, ws.preimage.base, target, count)
    for a in range(count):
        target[a] = -target[a]


@kernel
def forget_tight(ws: Workspace) -> None:
    """Make no slack tight."""
    inverse = ws.preimage.inverse
    for a in range(inverse.shape[0]):
        for b in range(inverse.shape[1]):
            inverse[a, b] = 0.0


@kernel
def look_at(net: Network, ws: Workspace, s: int, count: int) -> float:
    """Write slack ``s`` behind the last place for tight slacks; return the square of its size.

    In the metric; and ``entry`` is its row of the gram matrix with the ``count`` tight ones.
    """
    d, pre = net.lower.size, ws.preimage
    spare = pre.gradient.shape[0] - 1
    gradient, product = pre.gradient[spare], pre.product[spare]
    neuron = ws.split_neuron[s]
    side, form = float(ws.sign[neuron]), ws.form[neuron]
    base = side * form[0]
    for k in range(d):
        gradient[k] = side * form[1 + k]
        base += gradient[k] * pre.centre[k]
    for k in range(padded(d)):
        product[k] = 0.0
    weighted_sum(product, product, pre.metric, gradient, d, padded(d))
    pre.base[spare] = base
    for b in range(count):
        entry, other = 0.0, pre.gradient[b]
        for k in range(padded(d)):
            entry += other[k] * product[k]
        pre.entry[b] = entry
    size = 0.0
    for k in range(padded(d)):
        size += gradient[k] * product[k]
    return size


@kernel
def independent_part(ws: Workspace, size: float, count: int) -> float:
    """Return what is left of ``size`` beside the ``count`` tight slacks.

    Writes how much each of them there is in the slack that was looked at to ``weight``.
    """
    pre = ws.preimage
    times_inverse(ws, pre.entry, pre.weight, count)
    rest = size
    for b in range(count):
        rest -= pre.entry[b] * pre.weight[b]
    return rest


@kernel
def add_tight(net: Network, ws: Workspace, s: int, rest: float, count: int) -> None:
    """Make slack ``s``, that was looked at, tight: the one after the ``count`` that are.

    The inverse of the gram matrix grows by a row and a column (Schur complement).
    """
    pre = ws.preimage
    spare = pre.gradient.shape[0] - 1
    pre.tight[count] = s
    pre.base[count] = pre.base[spare]
    for k in range(padded(net.lower.size)):
        pre.gradient[count, k] = pre.gradient[spare, k]
        pre.product[count, k] = pre.product[spare, k]
    over, weight, last = 1.0 / rest, pre.weight, pre.inverse[count]
    for b in range(count):
        share, row = weight[b] * over, pre.inverse[b]
        for c in range(padded(count)):
            row[c] += share * weight[c]
        row[count] = -share
        last[b] = -share
    last[count] = over


@kernel
def drop_tight(net: Network, ws: Workspace, drop: int, count: int) -> None:
    """Take the tight slack number ``drop`` out of ``count``; the last one takes its place."""
    pre, last = ws.preimage, count - 1
    if drop < last:
        pre.tight[drop] = pre.tight[last]
        pre.tight_neuron[drop] = pre.tight_neuron[last]
        pre.tight_side[drop] = pre.tight_side[last]
        pre.multiplier[drop] = pre.multiplier[last]
        pre.entry[drop] = pre.entry[last]
        pre.base[drop] = pre.base[last]
        for k in range(padded(net.lower.size)):
            pre.gradient[drop, k] = pre.gradient[last, k]
            pre.product[drop, k] = pre.product[last, k]
        here, there = pre.inverse[drop], pre.inverse[last]
        for c in range(padded(count)):
            here[c], there[c] = there[c], here[c]
        for b in range(count):
            row = pre.inverse[b]
            row[drop], row[last] = row[last], row[drop]
    gone = pre.inverse[last]
    over = 1.0 / gone[last]
    for b in range(last):
        row = pre.inverse[b]
        share = row[last] * over
        for c in range(padded(last)):
            row[c] -= share * gone[c]
        row[last] = 0.0
    for c in range(padded(count)):
        gone[c] = 0.0


@kernel
def resume(net: Network, ws: Workspace, n: int) -> int:
    """Make the tight slacks of the projection before, as far as they are on this path, tight again.

    Those with the wrong sign of their multipliers are left out: what stays is a start for the dual
    method. Returns how many that are.
    """
    pre = ws.preimage
    for s in range(n):
        pre.where[ws.split_neuron[s]] = s
    same, before = pre.kept[SAME] == 1, pre.kept[COUNT]
    count = before if same else 0
    if not same:
        forget_tight(ws)
    for i in range(before):
        a = before - 1 - i if same else i  # a tight slack that is dropped gives way to a later one
        neuron = pre.tight_neuron[a]
        s = pre.where[neuron]
        on_path = s < n and ws.split_neuron[s] == neuron and ws.sign[neuron] == pre.tight_side[a]
        if same:
            pre.tight[a] = s
            if not on_path:
                drop_tight(net, ws, a, count)
                count -= 1
        elif on_path:
            size = look_at(net, ws, s, count)
            rest = independent_part(ws, size, count)
            if count < net.lower.size and rest > RIDGE * size:
                add_tight(net, ws, s, rest, count)
                count += 1
    while count > 0:
        solve_tight(ws, count)
        drop, least = -1, 0.0
        for a in range(count):
            drop = a if pre.target[a] <= least else drop
            least = min(least, pre.target[a])
        if drop < 0:
            break
        drop_tight(net, ws, drop, count)
        count -= 1
    for a in range(count):
        pre.multiplier[a] = pre.target[a]
    return count


@kernel
def keep(ws: Workspace, count: int) -> None:
    """Note the ``count`` tight slacks for the next projection."""
    pre = ws.preimage
    pre.kept[COUNT] = count
    for a in range(count):
        neuron = ws.split_neuron[pre.tight[a]]
        pre.tight_neuron[a] = neuron
        pre.tight_side[a] = ws.sign[neuron]


@kernel
def place_of_tight(net: Network, ws: Workspace, count: int) -> None:
    """Write the point that the multipliers of the ``count`` tight slacks lead to to ``place``."""
    d, pre = net.lower.size, ws.preimage
    u = pre.place
    for k in range(d):
        u[k] = pre.centre[k]
    for a in range(count):
        weight, product = pre.multiplier[a], pre.product[a]
        for k in range(d):
            u[k] += weight * product[k]


@subroutine
def project(net: Network, ws: Workspace, n: int) -> int:
    """Project ``centre`` onto the cell in the scratch metric H; return the number of tight slacks.

    Minimises (u - centre) H^-1 (u - centre) over the u where the first ``n`` slacks are >= 0, by
    the dual active-set method of Goldfarb & Idnani (1983, "A numerically stable dual method
    for solving strictly convex quadratic programs"), from the tight slacks that ``kept`` tells of.
    Writes u to ``place``, the ``multiplier`` of the tight slacks, and ``direction``, the sum of
    their gradients: u = centre + H direction. Returns -1 where rounding stops it.
    """
    d, pre = net.lower.size, ws.preimage
    slack = pre.slack
    count = resume(net, ws, n)
    pre.kept[COUNT] = 0
    pre.kept[SAME] = 0
    for _ in range(4 * n + 20):
        place_of_tight(net, ws, count)
        slacks_at(net, ws, pre.place, n)
        for a in range(count):
            slack[pre.tight[a]] = 0.0
        row, lowest = -1, -TIGHT
        for s in range(n):
            row = s if slack[s] < lowest else row
            lowest = slack[s] if slack[s] < lowest else lowest
        if row < 0:
            for k in range(d):
                pre.direction[k] = 0.0
            for a in range(count):
                weight, gradient = pre.multiplier[a], pre.gradient[a]
                for k in range(d):
                    pre.direction[k] += weight * gradient[k]
            keep(ws, count)
            return count
        size, multiplier, short = look_at(net, ws, row, count), 0.0, -lowest
        while True:
            rest = independent_part(ws, size, count)
            # d tight slacks leave nothing, whatever rounding says of the rest
            step, drop = np.inf, -1
            if count < d and rest > RIDGE * size:
                step = short / rest
            for a in range(count):
                if pre.weight[a] > 0.0 and pre.multiplier[a] < step * pre.weight[a]:
                    step, drop = pre.multiplier[a] / pre.weight[a], a
            if step == np.inf:
                return -1  # the slack that must rise does not
            for a in range(count):
                pre.multiplier[a] -= step * pre.weight[a]
            multiplier += step
            if drop < 0:
                break
            short -= step * rest
            drop_tight(net, ws, drop, count)
            count -= 1
        add_tight(net, ws, row, rest, count)
        pre.multiplier[count] = multiplier
        count += 1
    return -1
