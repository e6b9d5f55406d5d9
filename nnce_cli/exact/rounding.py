"""A float64 point strictly inside a polytope that may be thinner than the float grid."""

from __future__ import annotations

import math
from itertools import islice, permutations

from flint import fmpq

from nnce_cli.exact.dictionary import Polytope, feasible_dictionary

ORDERS = 24  # how many orders of the coordinates are tried


def nearest_float(x: fmpq) -> float:
    """Return the float64 nearest to ``x``: Python's division of integers rounds correctly."""
    return int(x.p) / int(x.q)


def float_point(polytope: Polytope) -> list[float] | None:
    """Look for a float64 point strictly inside a polytope with an interior.

    Fixes one coordinate after the other to the float nearest to the middle of what the others
    leave it, in different orders. None where all orders end without one; that is no proof that
    there is none.
    """
    d = polytope.dimension
    for order in islice(permutations(range(d)), ORDERS):
        point = _fix_in_order(polytope, order)
        if point is not None:
            return point
    return None


def _fix_in_order(polytope: Polytope, order: tuple[int, ...]) -> list[float] | None:
    point = [0.0] * len(order)
    left = list(range(len(order)))  # the coordinates that are still free
    for i in order:
        c = left.index(i)
        bounds = _range(polytope, c)
        x = None if bounds is None else float_between(*bounds)
        if x is None:
            return None
        point[i] = x
        polytope = _slice(polytope, c, fmpq(*x.as_integer_ratio()))
        left.remove(i)
    return point


def float_between(low: fmpq, high: fmpq) -> float | None:
    """Return a float64 strictly between two rationals, near their middle, or None."""
    x = nearest_float((low + high) / 2)
    for candidate in (x, math.nextafter(x, math.inf), math.nextafter(x, -math.inf)):
        if low < fmpq(*candidate.as_integer_ratio()) < high:
            return candidate
    return None


def _range(polytope: Polytope, c: int) -> tuple[fmpq, fmpq] | None:
    """The least and the greatest coordinate ``c`` of the polytope, None if it is empty."""
    d = polytope.dimension
    dictionary = feasible_dictionary(polytope, list(range(d)), [False] * d)
    if dictionary is None:
        return None
    ends = []
    for side in (-1, 1):
        dictionary.set_objective([fmpq(0), *(fmpq(side * int(i == c)) for i in range(d))])
        ends.append(side * dictionary.maximise(lambda b: False))
    return ends[0], ends[1]


def _slice(polytope: Polytope, c: int, x: fmpq) -> Polytope:
    """The polytope at coordinate ``c`` = ``x``, in one dimension less."""
    d = polytope.dimension
    lower = [v for i, v in enumerate(polytope.lower) if i != c]
    upper = [v for i, v in enumerate(polytope.upper) if i != c]
    slacks = {}
    for variable, form in polytope.slacks.items():
        rest = [a for i, a in enumerate(form[1:]) if i != c]
        slacks[variable - d + len(lower)] = [form[0] + form[1 + c] * x, *rest]
    return Polytope(lower, upper, slacks)
