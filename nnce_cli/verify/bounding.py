"""A box around a polyhedron, close to it: proposed in floating point, proved in rationals."""

from __future__ import annotations

import numpy as np
from flint import fmpq

from nnce_cli.domain import Box
from nnce_cli.network import nearest
from nnce_cli.verify.chart import Chart
from nnce_cli.verify.forms import ZERO, Form, rationals
from nnce_cli.verify.polytope import Polytope, highest_point, scaled_floats
from nnce_cli.verify.spanning import span_positively

REACHES = tuple(2.0**k for k in (0, 10, 40, 160, 640, 1000))  # of inputs without a bound
ROOM = 2.0**-20  # that is left on each side, as a share of the box before


def large_box(cone: Chart) -> Box | None:
    """Return a box around the polyhedron that a cone is over, None where it is not bounded.

    Nor is there one for a polyhedron that leaves the range of float64.
    """
    bounds = -1 * cone.domain.lower, 1 * cone.domain.upper  # of -x and x
    gradients = [form[cone.gradient] for form in cone.fences]
    if np.isinf(bounds).any() and not span_positively(gradients, cone.inputs):
        return None
    for sign, bound in zip((-1, 1), bounds, strict=True):
        for i in np.flatnonzero(np.isinf(bound)).tolist():
            direction = [ZERO] * cone.domain.n_inputs
            direction[i] = fmpq(-sign)
            within = (r for r in REACHES if _holds(cone, cone.form(direction, fmpq(int(r)))))
            bound[i] = next(within, np.inf)
    return None if np.isinf(bounds).any() else Box(-bounds[0], bounds[1])


def smaller_box(chart: Chart) -> Box:
    """Return a box around the domain of a chart, closer to it where it has a lot of room."""
    lower, upper = chart.lower.copy(), chart.upper.copy()
    corner, opposite = rationals(lower), rationals(upper)
    for place, i in enumerate(np.flatnonzero(chart.free).tolist()):
        span = opposite[i] - corner[i]
        low, high = -_reach(chart, place, -1), _reach(chart, place, 1)
        lower[i] = max(lower[i], -_above(-(corner[i] + span * low)))
        upper[i] = min(upper[i], _above(corner[i] + span * high))
    return Box(lower, upper)


def _reach(chart: Chart, place: int, sign: int) -> fmpq:
    """Return a number that ``sign`` times a coordinate does not exceed in the domain."""
    direction = np.zeros(1 + chart.dimension)
    direction[1 + place] = sign
    found = highest_point(scaled_floats(chart.fences, chart.dimension), direction)
    widest = fmpq(max(sign, 0))
    if found is None:
        return widest
    reach = fmpq(*(sign * float(found[place]) + ROOM).as_integer_ratio())
    form = [reach, *[ZERO] * chart.dimension]
    form[1 + place] = fmpq(-sign)
    return reach if reach < widest and _holds(chart, form) else widest


def _holds(chart: Chart, form: Form) -> bool:
    """Prove that a function is >= 0 in the domain of a chart."""
    return Polytope([form, *chart.fences], chart.dimension).is_redundant(0)


def _above(x: fmpq) -> float:
    """Return the least float64 that is not below a number, or the one after it."""
    found = float(nearest(np.array([x], dtype=object))[0])
    return found if fmpq(*found.as_integer_ratio()) >= x else float(np.nextafter(found, np.inf))
