"""The deepest input of a cell in an image, for the cells that the projection leaves open.

    maximise  r   where  s_k(U x) >= w_k r  for each slack on the path,  and x is in the box,

w_k the half range of s_k over the box. Where r > 0, x is inside the cell; where r < 0, the
multipliers of the slacks show that no input is (core/image/search.hpp). One cell in ten
thousand comes here, a sliver at the rim of the image most often.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from nnce_cli.enumeration.dictionary.image import Image
from nnce_cli.enumeration.layerwise.lp.dictionary import Optimum, optimum
from nnce_cli.exact import Guess

Floats = NDArray[np.float64]

DEPTHS = (-0.5, 2.0)  # the least depth, from the centre's; and the range: the greatest is below 1


class Cell(Protocol):
    """What proves something of a cell in the image, such as ``nnce_cli._core.ImageCell``."""

    def input_holds(self, x: Floats) -> bool:
        """Prove that ``x`` (m,) is inside the box and its image strictly inside the cell."""

    def multipliers_hold(self, slacks: NDArray[np.int64], multipliers: Floats) -> bool:
        """Prove that no image of an input is in the cell: by some ``slacks``, their places (k,)."""


class Settled(NamedTuple):
    """Whether a cell holds an image of the inside of the box: proved, or None."""

    exists: bool | None
    point: Floats  # (m,) such an input, where there is one
    guess: Guess  # what exact arithmetic may start from, where nothing is proved


def settle_by_inputs(image: Image, forms: Floats, cell: Cell) -> Settled:
    """Tell whether a cell holds an image of the inside of the box.

    ``forms`` (n, 1 + d) are the cell's slacks over u, constant first, positive inside.
    """
    constant, gradient = _slacks_over_inputs(image, forms)
    weight = np.abs(gradient).sum(axis=1)
    weight[weight == 0.0] = 1.0
    constant, gradient = constant / weight, gradient / weight[:, None]
    found = _deepest(constant, gradient)
    if found is None:
        return Settled(None, image.centre, _no_guess(image, weight))
    point, multipliers = _input(image, constant, gradient, found), found.multipliers / weight
    at_upper = found.at_upper[:-1].tolist()
    guess = Guess(point.tolist(), weight.tolist(), found.basic.tolist(), at_upper)
    if cell.input_holds(point):
        return Settled(True, point, guess)
    slacks = np.flatnonzero(multipliers > 0.0)
    missed = cell.multipliers_hold(slacks, multipliers[slacks])
    return Settled(False if missed else None, point, guess)


def _slacks_over_inputs(image: Image, forms: Floats) -> tuple[Floats, Floats]:
    """The slacks over the inputs t in [-1, 1]^m (see `Image`): constants (n,), gradients (n, m).

    No matrix products: how these round depends on the number of threads.
    """
    constant = forms[:, 0] + np.einsum("sk,k->s", forms[:, 1:], image.middle)
    return constant, np.einsum("sk,km->sm", forms[:, 1:], image.generator)


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


def _input(image: Image, constant: Floats, gradient: Floats, found: Optimum) -> Floats:
    """The deepest input, moved off the bounds of the box at the cost of half of its depth."""
    t = np.clip(2.0 * found.point[:-1] - 1.0, -1.0, 1.0)
    depth = float((constant + np.einsum("sm,m->s", gradient, t)).min())
    at_centre = min(float(constant.min()), 0.0)
    step = 0.5 * depth / (depth - at_centre) if depth > 0.0 else 0.0
    x: NDArray[np.float64] = image.centre + image.half * ((1.0 - step) * t)
    return x


def _no_guess(image: Image, weight: Floats) -> Guess:
    """What stands for a guess where there is none: the centre, and the basis of all slacks."""
    m, n = image.centre.size, len(weight)
    slacks = list(range(m + 1, m + 1 + n))
    return Guess(image.centre.tolist(), weight.tolist(), slacks, [False] * m)
