"""The network that a walk on dictionaries is about, with boxes of any size brought to about 1."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nnce_cli.domain import Box
from nnce_cli.enumeration.problem import Problem
from nnce_cli.network import AffineMap, LayerStack, Rows, nearest, rationals

if TYPE_CHECKING:
    from flint import fmpq

Array = NDArray[np.float64] | NDArray[np.object_]
Exponents = NDArray[np.int64]
Floats = NDArray[np.float64]

ORDINARY = 20  # boxes that reach to between 2^-20 and 2^20 of zero are walked as they are
NO_EXPONENT = -(2**30)  # of the number 0


@dataclass(frozen=True, eq=False)
class Scaled:
    """``stack`` on ``box``: the network over y, where x_i = 2^e_i y_i, e = ``exponents`` (d,).

    Each layer is divided by a power of two as well. Both are exact, and change no sign, as all
    units are positively homogeneous; numbers that leave float64's range so are held as rationals.
    """

    stack: LayerStack
    box: Box
    exponents: Exponents

    @staticmethod
    def unchanged(problem: Problem) -> Scaled:
        """Return the network of a problem as it is, y = x."""
        return Scaled(problem.stack, problem.box, np.zeros(problem.stack.n_inputs, np.int64))

    @property
    def is_same(self) -> bool:
        """Whether y is x."""
        return not self.exponents.any()

    def points(self, scaled: Floats) -> tuple[Floats, dict[int, list[fmpq]]]:
        """Return points x (m, d) for points y; where x is no float64 it is rounded, and here."""
        if self.is_same:
            return scaled, {}
        points = np.ldexp(scaled, self.exponents)
        lost = (np.ldexp(points, -self.exponents) != scaled).any(axis=1)
        rows = np.flatnonzero(lost).tolist()
        return points, {row: self.fractions(rationals(scaled[row]).tolist()) for row in rows}

    def fractions(self, point: list[fmpq]) -> list[fmpq]:
        """Return the rational point x for a rational point y."""
        return [y * _power(e) for y, e in zip(point, self.exponents.tolist(), strict=True)]


@lru_cache(maxsize=1)  # the tasks of a run are all about the same network
def scaled(problem: Problem) -> Scaled:
    """Return what is walked for a problem: the same where its box is of an ordinary size."""
    stack, box = problem.stack, problem.box
    magnitude = np.maximum(np.abs(box.lower), np.abs(box.upper))
    exponents = np.frexp(magnitude)[1].astype(np.int64)
    for bound in (box.lower, box.upper):  # which have to stay what they are
        exponents[np.ldexp(np.ldexp(bound, -exponents), exponents) != bound] = 0
    if (np.abs(exponents) <= ORDINARY).all() or not stack.hidden:
        return Scaled.unchanged(problem)
    hidden: list[AffineMap] = []
    before = exponents
    for layer in stack.hidden:
        divided, exponent = _scale(layer, before)
        hidden.append(divided)
        before = np.full(layer.n_out, exponent)
    small = Box(*(np.ldexp(bound, -exponents) for bound in (box.lower, box.upper)))
    return Scaled(replace(stack, hidden=tuple(hidden), output=None), small, exponents)


def _scale(layer: AffineMap, exponents: Exponents) -> tuple[AffineMap, int]:
    """Return 2^-f times a layer over inputs divided by 2^``exponents`` (n_in,), and f.

    Its largest number then is about 1.
    """
    rows, bias = layer.rows, layer.exact_bias
    of_entries = exponents[rows.columns]
    largest = max(
        int(sizes.max(initial=NO_EXPONENT))
        for sizes in (_exponents(rows.values) + of_entries, _exponents(bias))
    )
    f = 0 if largest < NO_EXPONENT // 2 else largest
    entries = Rows(rows.starts, rows.columns, _times_powers(rows.values, of_entries - f))
    divided = _times_powers(bias, np.full(layer.n_out, -f))
    return AffineMap.of_rows(entries, layer.n_in, divided, layer.nodes), f


def _exponents(values: Array) -> Exponents:
    """Return e of each number such that it is below 2^e, and next to none for zeros."""
    if values.dtype != np.object_:
        found = np.frexp(nearest(values))[1].astype(np.int64)
        return np.where(values == 0, NO_EXPONENT, found)
    sizes = [
        int(x.p).bit_length() - int(x.q).bit_length() + 1 if x != 0 else NO_EXPONENT
        for x in values.tolist()
    ]
    return np.array(sizes, dtype=np.int64)


def _times_powers(values: Array, exponents: Exponents) -> Array:
    """Return numbers times powers of two: in float64 where that has them all exactly."""
    if values.dtype != np.object_:
        floats = nearest(values)
        product = np.ldexp(floats, exponents)
        if (np.ldexp(product, -exponents) == floats).all():
            return product
        values = rationals(floats)
    powers = map(_power, exponents.tolist())
    exact = [x * power for x, power in zip(values.tolist(), powers, strict=True)]
    return np.array([*exact, None], dtype=object)[:-1]


def _power(exponent: int) -> fmpq:
    from flint import fmpq

    return fmpq(2) ** exponent
