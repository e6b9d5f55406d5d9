"""Exact volumes of polytopes in the unit cube of dimension 1, 2 or 3, and of cones in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from flint import fmpq

from nnce_cli.verify.forms import ZERO, Form, greatest_on_cube, least_on_cube, value_at

Point = tuple[fmpq, fmpq]

MAX_DIMENSION = 3


def volume(forms: Sequence[Form], dimension: int) -> fmpq:
    """Return the volume of {u in [0, 1]^dimension : f(u) >= 0 for all f in ``forms``}.

    Of the functions no two may vanish on the same hyperplane.
    """
    forms = [form for form in forms if least_on_cube(form) < 0]
    if any(greatest_on_cube(form) <= 0 for form in forms):
        return ZERO
    if dimension == 1:
        return _length(forms)
    if dimension == 2:
        return _area(_clip(UNIT_SQUARE, forms))
    return _volume_3(forms)


def cone_volume(forms: Sequence[Form], dimension: int) -> fmpq:
    """Return the same where all functions are zero at y = 0, t = 0, the apex of a chart's cone.

    It is made of cones from there over what it has of the faces y_i = -1, y_i = 1 and t = 1 of the
    cube, whose distances are 1/2, 1/2 and 1. The dimension is 2 or 3.
    """
    total = ZERO
    for i in range(dimension):
        is_t = i == dimension - 1
        for side in (1,) if is_t else (0, 1):
            face = [[f[0] + side * f[1 + i], *f[1 : 1 + i], *f[2 + i :]] for f in forms]
            total += volume(face, dimension - 1) / (1 if is_t else 2)
    return total / dimension


UNIT_SQUARE: list[Point] = [
    (fmpq(x), fmpq(y)) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))
]  # counter-clockwise


def _length(forms: Sequence[Form]) -> fmpq:
    low, high = fmpq(0), fmpq(1)
    for constant, slope in forms:
        if slope > 0:
            low = max(low, -constant / slope)
        elif slope < 0:
            high = min(high, -constant / slope)
        elif constant < 0:
            return ZERO
    return max(high - low, ZERO)


def _clip(polygon: list[Point], forms: Iterable[Form]) -> list[Point]:
    """Cut a convex polygon by half-planes, one after the other (Sutherland & Hodgman 1974)."""
    for form in forms:
        if len(polygon) < 3:
            return []
        values = [value_at(form, corner) for corner in polygon]
        if min(values) >= 0:
            continue
        kept: list[Point] = []
        ring = [*zip(polygon, values, strict=True), (polygon[0], values[0])]
        for (p, f), (q, g) in pairwise(ring):
            if f >= 0:
                kept.append(p)
            if (f > 0 and g < 0) or (f < 0 and g > 0):
                t = f / (f - g)
                kept.append((p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])))
        polygon = kept
    return polygon


def _area(polygon: list[Point]) -> fmpq:
    """Return the area of a polygon (the shoelace formula)."""
    if len(polygon) < 3:
        return ZERO
    ring = [*polygon, polygon[0]]
    return sum((p[0] * q[1] - q[0] * p[1] for p, q in pairwise(ring)), ZERO) / 2


def _volume_3(forms: Sequence[Form]) -> fmpq:
    """Add up the cones from the origin over the facets (Lasserre 1983).

    The cone over the facet f = 0 has a third of f(0) / |df/du_j| times the area of the facet's
    projection along u_j; faces of the cube through the origin add nothing.
    """
    one = fmpq(1)
    far = [[one, *(-one if i == j else ZERO for i in range(3))] for j in range(3)]
    near = [[ZERO, *(one if i == j else ZERO for i in range(3))] for j in range(3)]
    total = ZERO
    walls = [*forms, *far]
    for k, wall in enumerate(walls):
        if wall[0] == 0:
            continue
        j = max(range(3), key=lambda i: abs(wall[1 + i]))
        others = [*walls[:k], *walls[k + 1 :], *near]
        facet = (_on_wall(form, wall, j) for form in others)
        total += wall[0] / abs(wall[1 + j]) * _area(_clip(UNIT_SQUARE, facet))
    return total / 3


def _on_wall(form: Form, wall: Form, j: int) -> Form:
    """Return a function on the hyperplane ``wall`` = 0, without the coordinate j."""
    share = form[1 + j] / wall[1 + j]
    return [form[i] - share * wall[i] for i in range(4) if i != 1 + j]
