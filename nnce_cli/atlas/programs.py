"""Whether affine functions can all be <= 0 on a box: in float64 as a guess, exactly as a proof.

Both solve one program, which is never infeasible:

    minimise  t   where  f_k(x) <= t  for all k,  and x is in the box.

Its multipliers l_k >= 0 sum to 1, and sum l_k f_k is at least the smallest t all over the box.
Where that is positive it is the proof that there is no such point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.base.rounding import UNDERFLOW, UNIT_ROUNDOFF
from nnce_cli.enumeration import optimum
from nnce_cli.exact import Dictionary, Polytope, feasible_dictionary

Floats = NDArray[np.float64]
Form = list[fmpq]  # the constant, then the coefficients of x

ZERO, ONE = fmpq(0), fmpq(1)


Name = tuple[str, int]  # of a function: "h" a half-space, "n" a neuron, or one of:
INEQUALITY = ("g", "f")  # an inequality, bounded by the one or the other rule of `Relaxation`


Combination = list[tuple[Name, float]]  # of functions, with multipliers that are not negative
ExactCombination = list[tuple[Name, fmpq]]


class Program:
    """The program in float64, for functions ``slope . x + constant`` on a box.

    Variables are scaled to the unit cube, and functions to slopes of size 1.
    """

    def __init__(
        self, names: list[Name], slope: Floats, constant: Floats, lower: Floats, upper: Floats
    ) -> None:
        self.names = names
        self.point = (lower + upper) / 2
        self.multipliers = np.zeros(len(names))
        self.closes = False
        self._slope, self._constant = slope, constant
        self._lower, self._upper = lower.copy(), upper.copy()  # as the cuts of a box are about it
        self._width = upper - lower
        scaled = slope * self._width
        shifted = constant + slope @ lower
        self._scale = np.maximum(np.abs(scaled).sum(axis=1), 1e-300)
        self._rows = np.concatenate([shifted[:, None], scaled], axis=1) / self._scale[:, None]

    def solve(self) -> None:
        """Find about the best point, and multipliers; ``closes`` says that these are a proof."""
        rows = self._rows
        if len(rows) == 0 or not np.isfinite(rows).all():
            return
        d = len(self._lower)
        most = float((rows[:, 0] + np.maximum(rows[:, 1:], 0).sum(axis=1)).max())
        least = float((rows[:, 0] + np.minimum(rows[:, 1:], 0).sum(axis=1)).min()) - 1.0
        whole = np.empty((len(rows), 2 + d))
        whole[:, 0] = least - rows[:, 0]
        whole[:, 1:-1] = -rows[:, 1:]
        whole[:, -1] = most - least
        cost = np.zeros(d + 1)
        cost[d] = 1.0
        found = optimum(cost, whole)
        if found is None:
            return
        self.multipliers = np.maximum(found.multipliers, 0.0) / self._scale
        self.point = np.clip(self._lower + self._width * found.point[:d], self._lower, self._upper)
        self.closes = self._least(self.multipliers, 0, 0.0) > 0

    def least_input(self, i: int, sign: float) -> tuple[float, Floats, Combination] | None:
        """Bound an input, times ``sign``, from below where all functions are <= 0.

        Returns the input's bound, about the point where it is attained, and multipliers of which
        it follows; None where nothing is found.
        """
        rows = self._rows
        near = rows[:, 0] + np.maximum(rows[:, 1:], 0).sum(axis=1) > 0
        chosen = np.flatnonzero(near)
        cost = np.zeros(len(self._lower))
        cost[i] = sign
        found = optimum(cost, -rows[chosen])
        if found is None:
            return None
        multipliers = np.zeros(len(rows))
        multipliers[chosen] = (
            np.maximum(found.multipliers, 0.0) * self._width[i] / self._scale[chosen]
        )
        point = self._lower + self._width * found.point
        value = sign * self._least(multipliers, i, sign)
        return value, point, self._combination(multipliers)

    def combination(self) -> Combination:
        """Return the multipliers that are not zero."""
        return self._combination(self.multipliers)

    def _combination(self, multipliers: Floats) -> Combination:
        return [(self.names[k], float(multipliers[k])) for k in np.flatnonzero(multipliers)]

    def _least(self, multipliers: Floats, i: int, sign: float) -> float:
        """Bound ``sign x_i + sum of multipliers times functions`` over the box from below."""
        slope = multipliers @ self._slope
        slope[i] += sign
        constant = float(multipliers @ self._constant)
        reach = np.maximum(np.abs(self._lower), np.abs(self._upper))
        size = float(multipliers @ (np.abs(self._constant) + np.abs(self._slope) @ reach))
        size += abs(sign) * float(reach[i])
        value = slope @ (self._lower + self._upper) / 2 - np.abs(slope) @ self._width / 2
        roundings = 8 * (2 * len(multipliers) + len(self._lower) + 8)
        return float(value + constant - roundings * UNIT_ROUNDOFF * size - UNDERFLOW)


@dataclass(frozen=True, eq=False)
class Possible:
    """A point of the box at which the functions are <= 0, the strict ones < 0."""

    point: list[fmpq]


@dataclass(frozen=True, eq=False)
class Impossible:
    """Multipliers >= 0 with which the functions sum to more than 0 all over the box.

    Or to 0 at least, where one of a strict function is not 0.
    """

    multipliers: list[fmpq]


def decide(
    lower: list[fmpq],
    upper: list[fmpq],
    forms: Sequence[Form],
    strict: Sequence[bool],
) -> Possible | Impossible:
    """Decide exactly whether the functions are all <= 0 somewhere in the box, or < 0 if strict."""
    if not forms:
        return Possible(list(lower))
    every = [True] * len(forms)
    best, point, multipliers = _least(lower, upper, forms, every)
    if best > 0:
        return Impossible(multipliers)
    if best < 0 or not any(strict):
        return Possible(point)
    best, point, multipliers = _least(lower, upper, forms, strict)
    return Possible(point) if best < 0 else Impossible(multipliers)


def minimise(
    lower: list[fmpq], upper: list[fmpq], objective: Form, forms: Sequence[Form]
) -> tuple[fmpq, list[fmpq] | None]:
    """Return the least value of an affine function where others are <= 0 in the box, and where.

    The point is None where there is none.
    """
    d = len(lower)
    slacks = {d + k: [-x for x in form] for k, form in enumerate(forms)}
    dictionary = feasible_dictionary(Polytope(lower, upper, slacks), list(range(d)), [False] * d)
    if dictionary is None:
        return ZERO, None
    dictionary.set_objective([-x for x in objective])
    return -dictionary.maximise(lambda value: False), dictionary.vertex()


def _least(
    lower: list[fmpq],
    upper: list[fmpq],
    forms: Sequence[Form],
    elastic: Sequence[bool],
) -> tuple[fmpq, list[fmpq], list[fmpq]]:
    """Minimise t where the elastic functions are <= t and the others <= 0.

    Where only some are elastic there must be a point at which the others are. Returns t, the
    point, and the multipliers.
    """
    d = len(lower)
    ranges = [_range(form, lower, upper) for form in forms]
    most = max(high for _, high in ranges)
    least = min(low for low, _ in ranges) - 1
    slacks = {
        d + 1 + k: [-x for x in form] + [ONE if moves else ZERO]
        for k, (form, moves) in enumerate(zip(forms, elastic, strict=True))
    }
    polytope = Polytope([*lower, least], [*upper, most], slacks)
    columns, at_upper = list(range(d + 1)), [False] * d + [True]
    dictionary = feasible_dictionary(polytope, columns, at_upper)
    assert dictionary is not None
    dictionary.set_objective([ZERO] * (d + 1) + [-ONE])
    value = -dictionary.maximise(lambda value: False)
    return value, dictionary.vertex()[:d], _multipliers(dictionary, len(forms))


def _multipliers(dictionary: Dictionary, n: int) -> list[fmpq]:
    """Read the multipliers of the n functions off an optimal dictionary."""
    first = dictionary.polytope.dimension
    row = len(dictionary.rows)
    found = [ZERO] * n
    for c, variable in enumerate(dictionary.columns):
        if variable >= first:
            found[variable - first] = -dictionary.table[row, 1 + c]
    return found


def _range(form: Form, lower: list[fmpq], upper: list[fmpq]) -> tuple[fmpq, fmpq]:
    """Return the least and the largest value of an affine function over the box."""
    ends = [(a * lo, a * hi) for a, lo, hi in zip(form[1:], lower, upper, strict=True)]
    return form[0] + sum(map(min, ends), ZERO), form[0] + sum(map(max, ends), ZERO)
