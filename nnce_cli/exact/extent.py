"""How far a polyhedron reaches, exactly: whether it is bounded, empty or flat, and its box."""

from __future__ import annotations

from collections.abc import Sequence
from operator import mul

import numpy as np
from flint import fmpq, fmpq_mat

from nnce_cli.exact.dictionary import (
    ZERO,
    Dictionary,
    Polytope,
    feasible_dictionary,
    interior_point,
)
from nnce_cli.exact.matrices import matrix
from nnce_cli.exact.rounding import nearest_float

ONE = fmpq(1)
NEARLY = 1e-9  # what is left of a row of size 1 that is taken for nothing: only to propose
LARGEST_POWER = 1000  # of two: boxes beyond are out of the range of float64

Form = list[fmpq]
"""An affine function: its constant, then its n coefficients."""


def is_pointed(linear: Sequence[Sequence[fmpq]], n: int) -> bool:
    """Tell whether y = 0 alone has a . y >= 0 for all rows a (n,): a cone that is bounded.

    It is where the rows span R^n and minus their sum is a combination of them with weights >= 0:
    then a . y >= 0 for all rows means that it is zero for all. Floating point proposes rows for
    the combination. The simplex method decides where these do not do: where the rows span R^n,
    y = 0 is a vertex to start from, and the question is whether their sum is positive anywhere.
    """
    rows = [list(row) for row in linear if any(row)]
    if _combines(rows, n):
        return True
    basis = _independent(rows, n)
    if len(basis) < n:
        return False
    cone = Polytope([-ONE] * n, [ONE] * n, {n + k: [ZERO, *row] for k, row in enumerate(rows)})
    dictionary = Dictionary(cone, [n + k for k in basis], [False] * n)
    dictionary.set_objective([ZERO, *(sum(column, ZERO) for column in zip(*rows, strict=True))])
    return bool(dictionary.maximise(lambda value: value > 0) <= 0)


def _combines(rows: list[list[fmpq]], n: int) -> bool:
    """Tell whether n rows are found of which minus a positive sum of all is a sum, weights >= 0."""
    if len(rows) <= n:
        return False
    from scipy.optimize import nnls

    floats = np.array([[nearest_float(x) for x in row] for row in rows])
    sizes = np.abs(floats).max(axis=1)
    if not np.isfinite(sizes).all() or not sizes.all():
        return False
    floats /= sizes[:, None]
    try:
        weights, rest = nnls(floats.T, -floats.sum(axis=0))
    except RuntimeError:  # it does not converge
        return False
    chosen = np.flatnonzero(weights).tolist()
    if rest > NEARLY * np.sqrt(n) * len(rows) or len(chosen) != n:
        return False
    scaled = [fmpq(*float(1.0 / size).as_integer_ratio()) for size in sizes.tolist()]
    total = [sum(map(mul, scaled, column), ZERO) for column in zip(*rows, strict=True)]
    right = fmpq_mat(n, 1, [-x for x in total])
    try:
        found = matrix([rows[k] for k in chosen], n).transpose().solve(right)
    except ZeroDivisionError:
        return False
    return all(weight >= 0 for weight in found.entries())


def inner_point(forms: Sequence[Form], n: int) -> list[fmpq] | None:
    """Return a point strictly inside the polyhedron where all forms are >= 0; None if none is.

    It need not be bounded: the point is one of the cone over it.
    """
    found = interior_point(_cone(forms, n))
    if found is None:
        return None
    *y, t = found
    return [x / t for x in y]


def tight_everywhere(forms: Sequence[Form], n: int) -> int | None:
    """Return a form that is zero on all of a polyhedron without interior; None if it is empty."""
    dictionary = _cone(forms, n)
    dictionary.set_objective([ZERO] * (1 + n) + [ONE])
    if dictionary.maximise(lambda t: t > 0) <= 0:
        return None
    for k, form in enumerate(forms):
        dictionary.set_objective([ZERO, *form[1:], form[0]])
        if dictionary.maximise(lambda value: value > 0) <= 0:
            return k
    # Each is positive somewhere, so that the mean of these points would be inside.
    raise ValueError("the polyhedron has an interior")


def bounding_box(forms: Sequence[Form], n: int) -> tuple[list[fmpq], list[fmpq]] | None:
    """Return the least box around a bounded polyhedron with an interior.

    None where it is too large for float64. The box that is tried is large enough where the part
    of the polyhedron in it does not reach its border: else the way from that part to a point
    outside would cross it.
    """
    power = 1
    while power <= LARGEST_POWER:
        size = fmpq(2) ** power
        found = _box_inside(forms, n, size)
        if found is not None and all(abs(x) < size for ends in found for x in ends):
            return found
        power *= 2
    return None


def _box_inside(forms: Sequence[Form], n: int, size: fmpq) -> tuple[list[fmpq], list[fmpq]] | None:
    slacks = {n + k: list(form) for k, form in enumerate(forms)}
    polytope = Polytope([-size] * n, [size] * n, slacks)
    dictionary = feasible_dictionary(polytope, list(range(n)), [False] * n)
    if dictionary is None:
        return None
    ends = []
    for sign in (-ONE, ONE):
        for i in range(n):
            dictionary.set_objective([ZERO, *(sign * int(i == k) for k in range(n))])
            ends.append(sign * dictionary.maximise(lambda value: False))
    return ends[:n], ends[n:]


def _cone(forms: Sequence[Form], n: int) -> Dictionary:
    """Return a vertex of the cone over a polyhedron, x = y / t, cut by a box around the origin."""
    slacks = {1 + n + k: [ZERO, *form[1:], form[0]] for k, form in enumerate(forms)}
    polytope = Polytope([-ONE] * n + [ZERO], [ONE] * (1 + n), slacks)
    found = feasible_dictionary(polytope, list(range(1 + n)), [False] * (1 + n))
    assert found is not None  # the origin is in it
    return found


def _independent(rows: list[list[fmpq]], n: int) -> list[int]:
    """Return which rows are a basis of what all of them span: the first ones that do."""
    if not rows:
        return []
    reduced, rank = matrix(rows, n).transpose().rref()
    pivots, column = [], 0
    for r in range(int(rank)):
        while reduced[r, column] == 0:
            column += 1
        pivots.append(column)
    return pivots
