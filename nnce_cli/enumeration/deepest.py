"""The deepest input of a cell in an image, for the cells that the projection leaves open.

    maximise  r   where  s_k(U x) >= w_k r  for each slack on the path,  and x is in the box,

w_k the half range of s_k over the box. Where r > 0, x is inside the cell; where r < 0, the
multipliers of the slacks show that no input is (`nnce_cli.kernels.image`). One cell in ten
thousand comes here, a sliver at the rim of the image most often.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnce_cli.enumeration.lp.dictionary import Optimum, optimum
from nnce_cli.exact import Guess
from nnce_cli.kernels.arrays import EMPTY, EXISTS, NO_ANSWER, Floats, Network, Workspace
from nnce_cli.kernels.image import input_holds, multipliers_hold

DEPTHS = (-0.5, 2.0)  # the least depth, from the centre's; and the range: the greatest is below 1


def settle_by_inputs(net: Network, ws: Workspace, n: int) -> tuple[int, Guess]:
    """Tell whether the cell of the first ``n`` splits holds an image of the inside of the box.

    Returns EXISTS with such an input in ``ws.preimage.x``, EMPTY, or NO_ANSWER; all proved. And
    what exact arithmetic may start from.
    """
    constant, gradient = _slacks_over_inputs(net, ws, n)
    weight = np.abs(gradient).sum(axis=1)
    weight[weight == 0.0] = 1.0
    constant, gradient = constant / weight, gradient / weight[:, None]
    found = _deepest(constant, gradient)
    if found is None:
        return NO_ANSWER, _no_guess(net, weight)
    point, multipliers = _input(net, constant, gradient, found), found.multipliers / weight
    at_upper = found.at_upper[:-1].tolist()
    guess = Guess(point.tolist(), weight.tolist(), found.basic.tolist(), at_upper)
    ws.preimage.x[:] = point
    if input_holds(net, ws, n):
        return EXISTS, guess
    slacks = np.flatnonzero(multipliers > 0.0)
    missed = multipliers_hold(net, ws, slacks, multipliers[slacks])
    return EMPTY if missed else NO_ANSWER, guess


def _slacks_over_inputs(net: Network, ws: Workspace, n: int) -> tuple[Floats, Floats]:
    """The slacks over the inputs t in [-1, 1]^m (see `Image`): constants (n,), gradients (n, m).

    No matrix products: how these round depends on the number of threads.
    """
    neurons = ws.split_neuron[:n]
    form = ws.sign[neurons, None] * ws.form[neurons, : net.lower.size + 1]
    constant = form[:, 0] + np.einsum("sk,k->s", form[:, 1:], net.image.middle)
    return constant, np.einsum("sk,km->sm", form[:, 1:], net.image.generator)


def _deepest(constant: Floats, gradient: Floats) -> Optimum | None:
    """Solve the program over the unit cube, the depth its last variable; None where that fails."""
    if not len(constant):
        return None
    lowest, span = constant.min() + DEPTHS[0], DEPTHS[1]
    at_lower = constant - gradient.sum(axis=1) - lowest
    rows = np.column_stack([at_lower, 2.0 * gradient, np.full(len(constant), -span)])
    cost = np.zeros(gradient.shape[1] + 1)
    cost[-1] = -1.0
    found = optimum(cost, rows)
    return found if found is not None and np.isfinite(found.point).all() else None


def _input(net: Network, constant: Floats, gradient: Floats, found: Optimum) -> Floats:
    """The deepest input, moved off the bounds of the box at the cost of half of its depth."""
    t = np.clip(2.0 * found.point[:-1] - 1.0, -1.0, 1.0)
    depth = float((constant + np.einsum("sm,m->s", gradient, t)).min())
    at_centre = min(float(constant.min()), 0.0)
    step = 0.5 * depth / (depth - at_centre) if depth > 0.0 else 0.0
    x: NDArray[np.float64] = net.image.centre + net.image.half * ((1.0 - step) * t)
    return x


def _no_guess(net: Network, weight: Floats) -> Guess:
    """What stands for a guess where there is none: the centre, and the basis of all slacks."""
    m, n = net.image.centre.size, len(weight)
    slacks = list(range(m + 1, m + 1 + n))
    return Guess(net.image.centre.tolist(), weight.tolist(), slacks, [False] * m)
