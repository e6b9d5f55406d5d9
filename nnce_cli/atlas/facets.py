"""Which half-spaces of a polyhedron with an interior are its facets, with proof.

A facet is proved by a point of its hyperplane that is strictly inside all other half-spaces: the
place where a ray from an inner point leaves the polyhedron. That a half-space is redundant is
proved by Farkas' lemma: its function is a combination, with weights >= 0, of the others and a
constant >= 0. Floating point proposes rays and weights, and rational arithmetic checks them; what
is left over is decided by the simplex method on the hyperplane, in rational arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import mul

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.atlas.halfspaces import Form
from nnce_cli.atlas.linear import combination_of, floats_of
from nnce_cli.exact import evaluate, inner_point, rationals

ZERO = fmpq(0)
RAYS = 64  # random ones, besides those along the normals
NEARLY = 1e-7  # what is left of 1 that is taken for nothing: only to propose

Point = list[fmpq]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Facet:
    """A facet: the half-spaces (their numbers) with its hyperplane, and a point inside of it."""

    halfspaces: tuple[int, ...]
    point: Point


def facets(forms: Sequence[Form], inside: Point) -> list[Facet]:
    """Return the facets of the polyhedron where all forms are >= 0, in the order of the forms.

    Args:
        forms: affine functions that are not constant.
        inside: a point where all of them are positive.
    """
    groups = _parallel(forms)
    walls = [forms[group[0]] for group in groups]
    points = _FacetSearch(walls, inside).points()
    return [
        Facet(tuple(group), point)
        for group, point in zip(groups, points, strict=True)
        if point is not None
    ]


def _parallel(forms: Sequence[Form]) -> list[list[int]]:
    """Return the different hyperplanes, each by its half-spaces; of parallel ones the tightest."""
    by_normal: dict[tuple[fmpq, ...], list[tuple[fmpq, int]]] = {}
    for k, form in enumerate(forms):
        size = abs(next(x for x in form[1:] if x != 0))
        normal = tuple(x / size for x in form[1:])
        by_normal.setdefault(normal, []).append((form[0] / size, k))
    groups = []
    for same in by_normal.values():
        nearest = min(constant for constant, _ in same)
        groups.append([k for constant, k in same if constant == nearest])
    return sorted(groups)


class _FacetSearch:
    """The search for a point on the facet of each wall, where it has one."""

    def __init__(self, walls: list[Form], inside: Point) -> None:
        self._walls = walls
        self._inside = inside
        self._room = [evaluate(wall, inside) for wall in walls]
        # 1 + B u > 0 inside, for x = inside + scale * u.
        scaled = [
            [x / room for x in wall[1:]] for wall, room in zip(walls, self._room, strict=True)
        ]
        rates = floats_of(scaled, len(inside))
        with np.errstate(all="ignore"):
            largest = np.abs(rates).max(axis=0, initial=0.0)
            self._scale = np.where((largest > 0) & np.isfinite(largest), 1 / largest, 1.0)
            self._rates = np.nan_to_num(rates * self._scale)

    def points(self) -> list[Point | None]:
        """Return a point inside of each facet, None for walls that are redundant."""
        found = self._by_rays()
        for k in range(len(self._walls)):
            if k not in found:
                found[k] = self._by_program(k)
        return [found[k] for k in range(len(self._walls))]

    def _by_rays(self) -> dict[int, Point | None]:
        """Shoot rays along the normals and others; return the facets that they meet."""
        found: dict[int, Point | None] = {}
        for direction, wall in self._rays():
            if wall not in found:
                point = self._leaving(wall, direction)
                if point is not None:
                    found[wall] = point
        return found

    def _rays(self) -> Iterator[tuple[Floats, int]]:
        """Yield rays, and the wall that each seems to meet first, those far from others first."""
        d = len(self._inside)
        others = np.random.default_rng(0).normal(size=(RAYS * min(d, 16), d))
        with np.errstate(all="ignore"):
            rays = np.concatenate([-self._rates, others])
            speed = -(rays @ self._rates.T)  # how fast each wall comes nearer
            order = np.sort(speed, axis=1)
            margin = order[:, -1] - order[:, -2] if speed.shape[1] > 1 else order[:, -1]
            margin = np.nan_to_num(margin / order[:, -1])
        first = speed.argmax(axis=1)
        for i in np.argsort(-margin, kind="stable").tolist():
            if margin[i] > NEARLY:
                yield rays[i], int(first[i])

    def _leaving(self, wall: int, direction: Floats) -> Point | None:
        """Return where a ray leaves through a wall, None where it meets another before or there."""
        steps = direction * self._scale
        if not np.isfinite(steps).all():
            return None
        ray = rationals(steps.tolist())
        falls = [-_dot(form[1:], ray) for form in self._walls]
        if falls[wall] <= 0:
            return None
        time = self._room[wall] / falls[wall]
        for k, (room, fall) in enumerate(zip(self._room, falls, strict=True)):
            if k != wall and room <= time * fall:
                return None
        return [x + time * y for x, y in zip(self._inside, ray, strict=True)]

    def _by_program(self, wall: int) -> Point | None:
        """Decide about one wall by a linear program: how far below zero its function can get."""
        from scipy.optimize import linprog

        others = [k for k in range(len(self._walls)) if k != wall]
        rates = np.concatenate([self._rates[others], self._rates[wall : wall + 1]])
        right = np.append(np.ones(len(others)), 2.0)
        found = linprog(
            self._rates[wall], A_ub=-rates, b_ub=right, bounds=(None, None), method="highs-ds"
        )
        if found.status == 0:
            if 1 + found.fun < -NEARLY:
                point = self._leaving(wall, found.x)
                if point is not None:
                    return point
            weights = -found.ineqlin.marginals[: len(others)]
            used = [others[k] for k in np.flatnonzero(weights > 0).tolist()]
            if self._is_combination(wall, used):
                return None
        return self._exactly(wall, others)

    def _is_combination(self, wall: int, used: list[int]) -> bool:
        """Tell whether a wall's function is a combination of others and a constant, all >= 0."""
        form = self._walls[wall]
        weights = combination_of(form[1:], [self._walls[k][1:] for k in used])
        if weights is None or any(weight < 0 for weight in weights):
            return False
        return bool(_dot(weights, [self._walls[k][0] for k in used]) <= form[0])

    def _exactly(self, wall: int, others: list[int]) -> Point | None:
        """Return a point of a wall strictly inside all others, by the simplex method."""
        form = self._walls[wall]
        j = next(i for i in range(1, len(form)) if form[i] != 0)
        on_wall = [_without(self._walls[k], form, j) for k in others]
        if any(not any(rest[1:]) and rest[0] <= 0 for rest in on_wall):
            return None
        point = inner_point([rest for rest in on_wall if any(rest[1:])], len(form) - 2)
        if point is None:
            return None
        value = form[0] + _dot([*form[1:j], *form[j + 1 :]], point)
        return [*point[: j - 1], -value / form[j], *point[j - 1 :]]


def _without(form: Form, wall: Form, j: int) -> Form:
    """Return a function on the hyperplane ``wall`` = 0, without the coordinate of the entry j."""
    share = form[j] / wall[j]
    return [a - share * b for i, (a, b) in enumerate(zip(form, wall, strict=True)) if i != j]


def _dot(a: Sequence[fmpq], b: Sequence[fmpq]) -> fmpq:
    return sum(map(mul, a, b), ZERO)
