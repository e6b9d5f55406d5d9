"""A point inside a polytope of many inputs and few slacks, or a proof that there is none.

It is the deepest one, by a linear program over the inputs x and the depth r:

    maximise  r   where  s_k(x) >= w_k r  for each slack s_k,  and x is in the box.

With n slacks a basis has n variables, however many inputs there are. So nothing is kept between
pivots: the revised simplex method solves systems of that size afresh, in rational arithmetic.
"""

from __future__ import annotations

from itertools import count
from typing import NamedTuple

from flint import fmpq, fmpq_mat

from nnce_cli.exact.dictionary import ZERO, Polytope, evaluate
from nnce_cli.exact.matrices import matrix, take_columns

BOLD = 50  # pivots for each row that mend the worst; from the worst basis we saw eight


class Guess(NamedTuple):
    """What floating point says of the program with m inputs and n slacks: only where to start.

    The variables are the inputs 0 … m-1, the depth m, and the n slacks from m + 1 on.
    """

    point: list[float]  # (m,) an input that may be inside
    weight: list[float]  # (n,) w_k > 0
    basic: list[int]  # (n,) the variables that are off their bounds
    at_upper: list[bool]  # (m,) which inputs are at their upper bound, of those that are not basic


def deepest_point(polytope: Polytope, guess: Guess) -> list[fmpq] | None:
    """Return a point off all facets, or None where the polytope has no interior.

    The float point of ``guess`` where that is one, else the deepest, moved off the box's bounds.
    """
    point = [fmpq(*x.as_integer_ratio()) for x in guess.point]
    if _is_inside(polytope, point):
        return point
    if not polytope.slacks:
        return _middle(polytope)
    program = _Program(polytope, guess.weight)
    try:
        vertex = program.solve(guess.basic, guess.at_upper)
    except ZeroDivisionError:  # a singular basis: rounding led the float simplex astray
        vertex = program.solve(program.slacks, guess.at_upper)
    return None if vertex is None else _off_the_bounds(polytope, vertex)


class _Program:
    """The program as ``matrix`` v = ``right`` for the variables v between ``lower`` and ``upper``.

    A slack's upper bound is its largest value in the box, so all variables have two bounds.
    """

    def __init__(self, polytope: Polytope, weight: list[float]) -> None:
        m, n = polytope.dimension, len(weight)
        forms = list(polytope.slacks.values())
        weights = [fmpq(*w.as_integer_ratio()) for w in weight]
        ranges = [_range(polytope, form) for form in forms]
        deepest = max(high / w for (_, high), w in zip(ranges, weights, strict=True))
        shallowest = min(low / w for (low, _), w in zip(ranges, weights, strict=True))
        most = [high - w * shallowest for (_, high), w in zip(ranges, weights, strict=True)]
        rows = [
            [*form[1:], -w, *(fmpq(-int(j == k)) for j in range(n))]
            for k, (form, w) in enumerate(zip(forms, weights, strict=True))
        ]
        self.depth = m
        self.slacks = list(range(m + 1, m + 1 + n))
        self.matrix = matrix(rows, m + 1 + n)
        self.right = fmpq_mat(n, 1, [-form[0] for form in forms])
        self.lower = [*polytope.lower, shallowest, *([ZERO] * n)]
        self.upper = [*polytope.upper, deepest, *most]

    def solve(self, basic: list[int], at_upper: list[bool]) -> list[fmpq] | None:
        """Return the deepest inputs; None where no depth is positive.

        The dual simplex method. Any basis is dual feasible once each nonbasic variable is at the
        bound that its reduced cost prefers, so there is no phase 1. The depth falls from pivot to
        pivot, and is a bound from above all along (weak duality). Bland's rule, which cannot
        cycle but is slow, comes after ``BOLD`` pivots for each row.

        Raises:
            ZeroDivisionError: ``basic`` is no basis.
        """
        basic = list(basic)
        raised = [*at_upper, *([False] * (len(self.lower) - len(at_upper)))]
        for pivots in count():
            square = take_columns(self.matrix, basic)
            reduced = self._reduced_costs(square, basic)
            raised = [r > 0 or (r == 0 and up) for r, up in zip(reduced, raised, strict=True)]
            value = self._values(square, basic, raised)
            if value[self.depth] <= 0:
                return None
            excess = {
                v: max(self.lower[v] - value[v], value[v] - self.upper[v])
                for v in basic
                if not self.lower[v] <= value[v] <= self.upper[v]
            }
            if not excess:
                break
            bold = pivots < BOLD * len(basic)
            leaving = max(excess, key=lambda v: excess[v]) if bold else min(excess)
            below = value[leaving] < self.lower[leaving]
            mending = self._mending(square, basic, leaving, below, reduced, raised)
            entering = mending[0].variable
            if bold:
                entering = _long_step(mending, excess[leaving], raised)
            basic[basic.index(leaving)] = entering
            raised[leaving] = not below
        return value[: self.depth]

    def _reduced_costs(self, square: fmpq_mat, basic: list[int]) -> list[fmpq]:
        """How much the depth gains with each variable, 0 for the basic ones."""
        cost = fmpq_mat(len(basic), 1, [fmpq(int(v == self.depth)) for v in basic])
        reduced = (-(square.transpose().solve(cost)).transpose() * self.matrix).entries()
        reduced[self.depth] += 1
        return list(reduced)

    def _values(self, square: fmpq_mat, basic: list[int], raised: list[bool]) -> list[fmpq]:
        """The values of all variables, those that are not basic at their bounds."""
        value = [
            high if up else low
            for low, high, up in zip(self.lower, self.upper, raised, strict=True)
        ]
        for v in basic:
            value[v] = ZERO
        rest = self.right - self.matrix * fmpq_mat(len(value), 1, value)
        for v, x in zip(basic, square.solve(rest).entries(), strict=True):
            value[v] = x
        return value

    def _mending(
        self,
        square: fmpq_mat,
        basic: list[int],
        leaving: int,
        below: bool,
        reduced: list[fmpq],
        raised: list[bool],
    ) -> list[_Mend]:
        """The variables that can bring ``leaving`` back to its bound, by their loss."""
        unit = fmpq_mat(len(basic), 1, [fmpq(int(v == leaving)) for v in basic])
        row = (square.transpose().solve(unit).transpose() * self.matrix).entries()
        nonbasic = sorted(set(range(len(row))).difference(basic))
        # v_leaving = … - row_j v_j, and v_j can only move away from its bound
        return sorted(
            _Mend(abs(reduced[j] / row[j]), j, abs(row[j]) * (self.upper[j] - self.lower[j]))
            for j in nonbasic
            if row[j] != 0 and ((row[j] < 0) ^ raised[j]) == below
        )


class _Mend(NamedTuple):
    """What a variable that may enter the basis does for the one that leaves."""

    loss: fmpq  # of depth, for each unit
    variable: int
    most: fmpq  # all that it mends from bound to bound


def _long_step(mending: list[_Mend], excess: fmpq, raised: list[bool]) -> int:
    """Return the variable that mends the rest of ``excess``; move those before it.

    One that is too short to mend all goes to its other bound, for its reduced cost changes its
    sign at the pivot (Maros 2003, "A generalized dual phase-2 simplex algorithm").
    """
    for mend in mending[:-1]:
        if mend.most >= excess:
            return mend.variable
        excess -= mend.most
        raised[mend.variable] = not raised[mend.variable]
    return mending[-1].variable


def _range(polytope: Polytope, form: list[fmpq]) -> tuple[fmpq, fmpq]:
    """The smallest and the largest value of an affine function over the box."""
    ends = [
        (a * low, a * high)
        for a, low, high in zip(form[1:], polytope.lower, polytope.upper, strict=True)
    ]
    return form[0] + sum(map(min, ends), ZERO), form[0] + sum(map(max, ends), ZERO)


def _middle(polytope: Polytope) -> list[fmpq]:
    bounds = zip(polytope.lower, polytope.upper, strict=True)
    return [(low + high) / 2 for low, high in bounds]


def _is_inside(polytope: Polytope, point: list[fmpq]) -> bool:
    """Tell whether a point is off all facets, on the right side."""
    bounds = zip(polytope.lower, point, polytope.upper, strict=True)
    return all(low < x < high for low, x, high in bounds) and all(
        evaluate(form, point) > 0 for form in polytope.slacks.values()
    )


def _off_the_bounds(polytope: Polytope, vertex: list[fmpq]) -> list[fmpq]:
    """Move a point with positive slacks towards the middle of the box, so far that they stay so."""
    middle = _middle(polytope)
    step = fmpq(1, 2)
    for form in polytope.slacks.values():
        here, there = evaluate(form, vertex), evaluate(form, middle)
        if there <= 0:
            step = min(step, here / (here - there) / 2)
    return [x + step * (c - x) for x, c in zip(vertex, middle, strict=True)]
