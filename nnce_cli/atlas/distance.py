"""The point of a polyhedron that is nearest to another point, exactly.

A point y where all forms are >= 0 is the nearest one to x if and only if y - x is a sum of w_k a_k
with weights w_k >= 0, over forms f_k(y) = 0 with gradients a_k (Karush, Kuhn, Tucker): a rational y
with its weights is proved by looking. Floating point proposes the forms that are zero there, by
least squares with weights >= 0 (Lawson & Hanson 1974, "least distance programming"); rational
arithmetic solves for y and checks it, and what is left over is decided by the dual method of
Goldfarb & Idnani (1983) in rational arithmetic, which ends after finitely many steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul

import numpy as np
from flint import fmpq

from nnce_cli.atlas.halfspaces import Form
from nnce_cli.atlas.linear import floats_of
from nnce_cli.exact import evaluate, matrix

ZERO = fmpq(0)

Point = list[fmpq]


@dataclass(frozen=True, eq=False)
class Nearest:
    """A nearest point, the exact square of the distance, and half-spaces (numbers) it is due to."""

    point: Point
    squared: fmpq
    halfspaces: tuple[int, ...]


def nearest_point(forms: Sequence[Form], x: Point) -> Nearest | None:
    """Return the point nearest to x where all forms are >= 0; None where there is none.

    ``halfspaces`` are those that would let it come nearer: none where x is there itself.
    """
    if all(evaluate(form, x) >= 0 for form in forms):
        return Nearest(x, ZERO, ())
    return _solution(forms, x, _proposal(forms, x)) or _dual_method(forms, x)


def nearest_hyperplane(forms: Sequence[Form], x: Point) -> Nearest | None:
    """Return the nearest point of the border of a polyhedron from a point in it.

    The ball around x that touches the nearest hyperplane is in the polyhedron, and so is the point
    where it touches: no other hyperplane has to be looked at. ``halfspaces`` are all that are as
    near. None where there are no half-spaces.

    Args:
        forms: affine functions that are not constant, >= 0 in the polyhedron.
        x: a point where all of them are >= 0.
    """
    if not forms:
        return None
    values = [evaluate(form, x) for form in forms]
    sizes = [_dot(form[1:], form[1:]) for form in forms]
    squares = [value * value / size for value, size in zip(values, sizes, strict=True)]
    least = min(squares)
    nearest = tuple(k for k, square in enumerate(squares) if square == least)
    k = nearest[0]
    step = values[k] / sizes[k]
    return Nearest([y - step * a for y, a in zip(x, forms[k][1:], strict=True)], least, nearest)


def _proposal(forms: Sequence[Form], x: Point) -> list[int]:
    """Return the forms that seem to be zero at the nearest point, by floating point."""
    from scipy.optimize import nnls

    local = floats_of([[evaluate(form, x), *form[1:]] for form in forms], 1 + len(x))
    with np.errstate(all="ignore"):
        rows = local / np.sqrt((local[:, 1:] ** 2).sum(axis=1))[:, None]
        farthest = -rows[:, 0].min()  # in units of about the distance
        bent = np.vstack([rows[:, 1:].T, -rows[:, 0] / farthest])
    if not np.isfinite(bent).all():
        return []
    try:
        weights, _ = nnls(bent, np.append(np.zeros(len(x)), 1.0))
    except RuntimeError:  # it took too many steps
        return []
    return np.flatnonzero(weights > 0).tolist()


def _solution(forms: Sequence[Form], x: Point, on: list[int]) -> Nearest | None:
    """Return the nearest point where exactly these forms make it so; None where they do not."""
    if not on:
        return None
    weights = _solve([forms[k] for k in on], [-evaluate(forms[k], x) for k in on])
    if weights is None or any(weight < 0 for weight in weights):
        return None
    point = _moved(x, forms, on, weights)
    if any(evaluate(form, point) < 0 for form in forms):
        return None
    return _found(x, point, on, weights)


def _dual_method(forms: Sequence[Form], x: Point) -> Nearest | None:
    """Return the nearest point; None where the forms are >= 0 nowhere."""
    found = _Dual(forms, x)
    while True:
        values = [evaluate(form, found.point) for form in forms]
        lowest = min(range(len(forms)), key=values.__getitem__)
        if values[lowest] >= 0:
            return _found(x, found.point, found.on, found.weights)
        if not found.join(lowest):
            return None


class _Dual:
    """``point``, the nearest one to x where the forms ``on`` are >= 0, and their weights.

    They are zero there, and their gradients independent.
    """

    def __init__(self, forms: Sequence[Form], x: Point) -> None:
        self.point = x
        self.on: list[int] = []
        self.weights: list[fmpq] = []
        self._forms = forms

    def join(self, k: int) -> bool:
        """Go to where another form is zero, too; False where it cannot be.

        Forms whose weights come to zero on the way leave.
        """
        form, weight = self._forms[k], ZERO
        while True:
            rates, way = self._way(form)
            ends = [
                (w / rate, i)
                for i, (w, rate) in enumerate(zip(self.weights, rates, strict=True))
                if rate > 0
            ]
            slope = _dot(way, form[1:])
            whole = -evaluate(form, self.point) / slope if slope else None
            if whole is not None and all(whole <= end for end, _ in ends):
                self._step(whole, way, rates)
                self.on.append(k)
                self.weights.append(weight + whole)
                return True
            if not ends:
                return False
            step, leaving = min(ends)
            self._step(step, way, rates)
            weight += step
            del self.on[leaving], self.weights[leaving]

    def _way(self, form: Form) -> tuple[list[fmpq], list[fmpq]]:
        """Return how fast weights fall while a form joins, and the way that the point takes."""
        walls = [self._forms[k] for k in self.on]
        rates = _solve(walls, [_dot(wall[1:], form[1:]) for wall in walls])
        assert rates is not None  # their gradients are independent
        way = [
            a - sum((rate * wall[j] for rate, wall in zip(rates, walls, strict=True)), ZERO)
            for j, a in enumerate(form[1:], start=1)
        ]
        return rates, way

    def _step(self, step: fmpq, way: list[fmpq], rates: list[fmpq]) -> None:
        self.point = [y + step * z for y, z in zip(self.point, way, strict=True)]
        self.weights = [w - step * rate for w, rate in zip(self.weights, rates, strict=True)]


def _found(x: Point, point: Point, on: list[int], weights: list[fmpq]) -> Nearest:
    way = [b - a for a, b in zip(x, point, strict=True)]
    due = tuple(sorted(k for k, weight in zip(on, weights, strict=True) if weight > 0))
    return Nearest(point, _dot(way, way), due)


def _moved(x: Point, forms: Sequence[Form], on: list[int], weights: list[fmpq]) -> Point:
    """Return x + sum of w_k a_k."""
    return [
        y + sum((w * forms[k][j] for k, w in zip(on, weights, strict=True)), ZERO)
        for j, y in enumerate(x, start=1)
    ]


def _solve(walls: Sequence[Form], right: list[fmpq]) -> list[fmpq] | None:
    """Solve G w = right, G the products of gradients; None where these are dependent."""
    if not walls:
        return []
    gradients = matrix([wall[1:] for wall in walls], len(walls[0]) - 1)
    try:
        found = (gradients * gradients.transpose()).solve(matrix([[r] for r in right], 1))
    except ZeroDivisionError:
        return None
    return [found[k, 0] for k in range(len(walls))]


def _dot(a: Sequence[fmpq], b: Sequence[fmpq]) -> fmpq:
    return sum(map(mul, a, b), ZERO)
