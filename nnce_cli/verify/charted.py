"""From a domain to its chart: fences, whether there is an interior, and whether it is bounded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from flint import fmpq

from nnce_cli.domain import Box, Domain, Polyhedron
from nnce_cli.verify.bounding import large_box, smaller_box
from nnce_cli.verify.chart import Chart
from nnce_cli.verify.forms import ZERO, Form, least_on_cube, rationals
from nnce_cli.verify.polytope import Polytope

MOST_INPUTS = 64  # with more, a box is taken as it is

HalfSpace = tuple[list[fmpq], fmpq]
"""A half-space a.x <= b: (a, b)."""


class NoInteriorError(Exception):
    """A domain has no interior: the message says whether it is empty or flat."""


def chart_of(domain: Domain) -> Chart:
    """Return the chart of a domain: in a box around it, or as a cone where there is none.

    Raises:
        NoInteriorError: it is empty or flat, but for inputs of zero width.
    """
    if isinstance(domain, Box):
        return Chart(domain, domain.lower, domain.upper)
    if np.isfinite([domain.lower, domain.upper]).all():
        return _close(_with_interior(in_box(domain, Box(domain.lower, domain.upper))))
    cone = _with_interior(cone_over(domain))
    box = large_box(cone)
    return cone if box is None else _close(in_box(domain, box))


def cone_over(domain: Polyhedron) -> Chart:
    """Return the chart of a polyhedron as a cone; t is its last fence.

    Raises:
        NoInteriorError: a half-space leaves nothing, whatever the inputs that vary.
    """
    free = domain.lower < domain.upper
    lower, upper = np.where(free, -1.0, domain.lower), np.where(free, 1.0, domain.upper)
    chart = Chart(domain, lower, upper, is_cone=True)
    t = [ZERO] * chart.dimension + [fmpq(1)]
    fences = _fences(chart, [*_halfspaces(domain), *_bounds(domain)])
    return replace(chart, fences=[*fences, t])


def in_box(domain: Domain, box: Box) -> Chart:
    """Return the chart of a domain in a box around it, without fences that the box implies."""
    chart = Chart(domain, box.lower, box.upper)
    fences = _fences(chart, _halfspaces(domain))
    return replace(chart, fences=[form for form in fences if least_on_cube(form) < 0])


def _close(chart: Chart) -> Chart:
    """Return the chart in a smaller box, where there is one that is far smaller."""
    if chart.dimension > MOST_INPUTS:
        return chart
    while chart.fences:
        box = smaller_box(chart)
        is_far_smaller = ((box.upper - box.lower) * 2 < chart.upper - chart.lower).any()
        smaller = in_box(chart.domain, box)
        if not is_far_smaller:
            return smaller
        chart = smaller
    return chart


def _halfspaces(domain: Domain) -> Iterator[HalfSpace]:
    for row in domain.halfspaces:
        *a, b = rationals(row)
        yield a, b


def _bounds(domain: Domain) -> Iterator[HalfSpace]:
    """Yield the bounds of the inputs that vary."""
    for i, (lo, hi) in enumerate(zip(domain.lower.tolist(), domain.upper.tolist(), strict=True)):
        for sign, bound in ((-1, -lo), (1, hi)):
            if lo < hi and np.isfinite(bound):
                a = [ZERO] * domain.n_inputs
                a[i] = fmpq(sign)
                yield a, fmpq(*bound.as_integer_ratio())


def _fences(chart: Chart, rows: Iterator[HalfSpace] | list[HalfSpace]) -> list[Form]:
    """Return the functions b - a.x of half-spaces, each hyperplane once.

    Raises:
        NoInteriorError: one is negative everywhere.
    """
    found: dict[tuple[fmpq, ...], Form] = {}
    for a, b in rows:
        form = chart.form([-x for x in a], b)
        leading = next((abs(x) for x in form[chart.gradient] if x != 0), None)
        if leading is not None:
            found.setdefault(tuple(x / leading for x in form), form)
        elif form[chart.one] < 0:
            raise NoInteriorError("is empty: one of its half-spaces has no point in it")
    return list(found.values())


def _with_interior(chart: Chart) -> Chart:
    """Return a chart, of which it is proved that all fences are positive somewhere in it."""
    if Polytope(chart.fences, chart.dimension).interior_point() is not None:
        return chart
    below = [ZERO] * (1 + chart.dimension)
    below[chart.one] = fmpq(-1)
    if Polytope([below, *chart.fences], chart.dimension).is_redundant(0):
        raise NoInteriorError("is empty: no point is in all of its half-spaces")
    raise NoInteriorError("is flat: its half-spaces leave points, but no interior")
