"""Exact volumes of polytopes, in rational arithmetic.

Lasserre 1983, "An analytical expression and an algorithm for the volume of a convex polyhedron in
R^n": with the origin in a corner of its box, a polytope is the sum of the cones over its facets; a
facet has the volume of its projection along a coordinate, which is a polytope of one dimension
less.
"""

from __future__ import annotations

from collections.abc import Sequence

from flint import fmpq

ZERO, ONE = fmpq(0), fmpq(1)

Form = list[fmpq]  # the constant, then the coefficients of x


def volume(forms: Sequence[Form], dimension: int) -> fmpq:
    """Return the volume of {x in R^dimension : f(x) >= 0 for all forms}, which is bounded."""
    kept = _without_repeats(forms)
    if kept is None:
        return ZERO
    if dimension == 1:
        return _length(kept)
    total = ZERO
    for k, wall in enumerate(kept):
        if wall[0] == 0:  # the cone over a facet through the origin is flat
            continue
        j = max(range(dimension), key=lambda i: abs(wall[1 + i]))
        others = [_on_wall(form, wall, j) for i, form in enumerate(kept) if i != k]
        facet = volume(others, dimension - 1)
        if facet:
            total += wall[0] / abs(wall[1 + j]) * facet
    return total / dimension


def _without_repeats(forms: Sequence[Form]) -> list[Form] | None:
    """Return functions with different directions, the tightest of each; None if none is fulfilled.

    So no facet is counted twice.
    """
    tightest: dict[tuple[fmpq, ...], fmpq] = {}
    for constant, *linear in forms:
        size = max((abs(x) for x in linear), default=ZERO)
        if size == 0:
            if constant < 0:
                return None
            continue
        direction = tuple(x / size for x in linear)
        bound = constant / size
        tightest[direction] = min(bound, tightest.get(direction, bound))
    for direction, bound in tightest.items():
        opposite = tightest.get(tuple(-x for x in direction))
        if opposite is not None and bound + opposite <= 0:
            return None  # empty or flat
    return [[bound, *direction] for direction, bound in tightest.items()]


def _length(forms: Sequence[Form]) -> fmpq:
    low = max(-constant / slope for constant, slope in forms if slope > 0)
    high = min(-constant / slope for constant, slope in forms if slope < 0)
    return max(high - low, ZERO)


def _on_wall(form: Form, wall: Form, j: int) -> Form:
    """Return a function on the hyperplane ``wall`` = 0, without the coordinate j."""
    share = form[1 + j] / wall[1 + j]
    return [a - share * b for i, (a, b) in enumerate(zip(form, wall, strict=True)) if i != 1 + j]
