"""The largest ball in a polyhedron: its centre and radius (Chebyshev), with proved bounds.

A linear program: the largest r with f_k(x) >= r |a_k| for all k. Floating point proposes x, which
is proved to be inside; the distance to the nearest hyperplane is a lower bound of the radius. The
dual program gives the upper bound: with weights w_k >= 0 and sum w_k a_k = 0 the sum of the
w_k f_k is a constant c, so that no point is farther from all hyperplanes than c / sum w_k |a_k|.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.atlas.halfspaces import Form
from nnce_cli.atlas.linear import (
    dependence_of,
    float_above,
    floats_of,
    root_below,
)
from nnce_cli.exact import evaluate, inner_point, rationals

ZERO = fmpq(0)
SMALL_WEIGHT = 1e-9  # of the dual program, taken for nothing: only to propose

Point = list[fmpq]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ball:
    """A ball in a polyhedron: its exact ``centre``, and bounds of the largest ball's radius.

    The ball of radius ``low`` around the centre is inside, and no ball inside has a radius above
    ``high``. Both are infinite where there are balls of any size.
    """

    centre: Point
    low: float
    high: float


def largest_ball(forms: Sequence[Form], n: int, *, is_bounded: bool) -> Ball | None:
    """Return the largest ball where all forms are >= 0; None where there is no inner point.

    Args:
        forms: affine functions of n inputs that are not constant.
        n: the number of inputs.
        is_bounded: whether the polyhedron is bounded.
    """
    if not forms:
        size = math.inf if n else 0.0
        return Ball([ZERO] * n, size, size)
    centre, weights = _proposal(floats_of(forms, n + 1))
    if centre is None or not _is_inside(forms, centre):
        centre = inner_point(forms, n)
        if centre is None:
            return None
        centre, weights = _moved(forms, centre)
    if not is_bounded and _holds_any_ball(forms, n):
        return Ball(centre, math.inf, math.inf)
    low = min(root_below(_squared_distance(form, centre)) for form in forms)
    return Ball(centre, low, _upper_bound(forms, weights))


def _proposal(floats: Floats) -> tuple[Point | None, Floats]:
    """Return a centre by floating point, and the weights of the dual program."""
    from scipy.optimize import linprog

    m, n = floats.shape[0], floats.shape[1] - 1
    with np.errstate(all="ignore"):
        size = np.sqrt((floats[:, 1:] ** 2).sum(axis=1))
        rows = floats / size[:, None]
    if not np.isfinite(rows).all():
        return None, np.zeros(m)
    # In units of a typical distance, so that small cells are no matter.
    unit = float(np.median(np.abs(rows[:, 0]))) or 1.0
    found = linprog(
        np.append(np.zeros(n), -1.0),
        A_ub=np.column_stack([-rows[:, 1:], np.ones(m)]),
        b_ub=rows[:, 0] / unit,
        bounds=[*[(None, None)] * n, (0, None)],
        method="highs-ds",
    )
    if found.status != 0:
        return None, np.zeros(m)
    weights = -found.ineqlin.marginals / size
    return rationals((unit * found.x[:-1]).tolist()), weights


def _moved(forms: Sequence[Form], inside: Point) -> tuple[Point, Floats]:
    """Return the centre of a thin polyhedron: the same program, seen from an inner point."""
    local = [[evaluate(form, inside), *form[1:]] for form in forms]
    step, weights = _proposal(floats_of(local, 1 + len(inside)))
    if step is not None:
        moved = [x + y for x, y in zip(inside, step, strict=True)]
        if _is_inside(forms, moved):
            return moved, weights
    return inside, weights


def _is_inside(forms: Sequence[Form], point: Point) -> bool:
    return all(evaluate(form, point) > 0 for form in forms)


def _holds_any_ball(forms: Sequence[Form], n: int) -> bool:
    """Tell whether there is a direction in which all forms grow."""
    return inner_point([[ZERO, *form[1:]] for form in forms], n) is not None


def _squared_distance(form: Form, point: Point) -> fmpq:
    return evaluate(form, point) ** 2 / sum((x * x for x in form[1:]), ZERO)


def _upper_bound(forms: Sequence[Form], weights: Floats) -> float:
    """Return the bound that weights give, made exact; infinity where they do not do."""
    largest = weights.max(initial=0.0)
    used = [forms[k] for k in np.flatnonzero(weights > SMALL_WEIGHT * largest).tolist()]
    if len(used) < 2:
        return math.inf
    exact = dependence_of([form[1:] for form in used])
    if exact is None or any(weight < 0 for weight in exact):
        return math.inf
    constant = sum(map(mul, exact, (form[0] for form in used)), ZERO)
    sizes = (root_below(sum((x * x for x in form[1:]), ZERO)) for form in used)
    total = sum(map(mul, exact, rationals(list(sizes))), ZERO)
    return float_above(constant / total) if total > 0 else math.inf
