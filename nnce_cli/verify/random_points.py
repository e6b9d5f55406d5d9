"""Random points of a domain: of a box uniformly, elsewhere at random places of all kinds.

In a polyhedron points walk at random in the chart (hit-and-run, Smith 1984,
doi:10.1287/opre.32.6.1296): each goes to a uniform place on a chord. They begin at mixtures of
vertices, and every other chord has the direction of a difference of these, so that thin domains
are walked through along their length. In a cone half of the points are then moved in a direction
in which the domain is unbounded, by any power of two, and others towards a point inside.

What is handed out is proved to be strictly inside. A point that rounding took out of the domain
is rational instead, and goes back along the line to the point inside as far as it has to.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import fmpq

from nnce_cli.domain import Box
from nnce_cli.verify.chart import Chart, Floats
from nnce_cli.verify.forms import rationals
from nnce_cli.verify.inside import Inside
from nnce_cli.verify.polytope import Polytope, highest_point, scaled_floats

Rational = list[fmpq]

STEPS = 8  # of the walk of each point
MOST_CORNERS = 32  # dimensions for which there are vertices: two of each
MOST_RATIONAL = 2**8  # points at a time: they take longer
FARTHEST, NEAREST = 40, 30  # powers of two, that points are moved out by, and towards the inside


@dataclass(frozen=True, eq=False)
class Drawn:
    """Points strictly inside: float64 (m, n_0), and others as rationals."""

    points: Floats
    rational: list[Rational]


class RandomPoints:
    """Draws points of a chart's domain."""

    def __init__(self, chart: Chart, generator: np.random.Generator) -> None:
        self._chart, self._generator = chart, generator
        if isinstance(chart.domain, Box):
            return
        self._inside = Inside(chart.domain)
        middle = Polytope(chart.fences, chart.dimension).interior_point()
        assert middle is not None
        self._middle: Rational = chart.point(middle)
        forms = scaled_floats(chart.fences, chart.dimension)
        self._forms = np.concatenate([forms, _faces(chart.dimension)])
        start = np.array([[float(int(x.p) / int(x.q)) for x in middle]])
        self._corners = np.concatenate([start, self._vertices(forms)])
        self._rays = 2 * self._vertices(forms[:, :-1]) - 1 if chart.is_cone else start[:0]

    def draw(self, count: int) -> Drawn:
        """Draw up to ``count`` points."""
        if isinstance(self._chart.domain, Box):
            return Drawn(self._of_box(self._chart.domain, count), [])
        with np.errstate(all="ignore"):
            u = self._walked(count)
            points = self._at_many_scales(self._chart.points(u))
        holds = self._inside.holds(points)
        lost = np.flatnonzero(~holds & np.isfinite(points).all(axis=1))[:MOST_RATIONAL].tolist()
        if self._chart.is_cone:
            exact = [rationals(points[i]) for i in lost]
        else:
            exact = [self._chart.point(rationals(u[i])) for i in lost]
        return Drawn(points[holds], [self._taken_back(x) for x in exact])

    def _of_box(self, box: Box, count: int) -> Floats:
        share = self._generator.random((count, box.n_inputs))
        # Not lower + share * (upper - lower), which may overflow.
        return np.clip(box.lower * (1 - share) + box.upper * share, box.lower, box.upper)

    def _vertices(self, forms: Floats) -> Floats:
        """Return vertices (k, d) of a polytope, those farthest in random directions."""
        d = forms.shape[1] - 1
        count = 2 * min(d, MOST_CORNERS) + 4
        directions = self._generator.normal(size=(count, 1 + d))
        found = [highest_point(forms, direction) for direction in directions]
        return np.array([u for u in found if u is not None]).reshape(-1, d)

    def _mixtures(self, points: Floats, count: int) -> Floats:
        """Return random means (count, d) of points, with any weights."""
        weights = self._generator.exponential(size=(count, len(points)))
        return np.asarray(weights @ points / weights.sum(axis=1, keepdims=True))

    def _walked(self, count: int) -> Floats:
        u = self._mixtures(self._corners, count)
        steps = self._corners - self._corners[0]
        every = np.eye(u.shape[1])
        for along in (steps, every) * (STEPS // 2):
            direction = self._generator.normal(size=(count, len(along))) @ along
            values = self._forms[:, 0] + u @ self._forms[:, 1:].T
            slopes = direction @ self._forms[:, 1:].T
            ends = -values / slopes
            most = np.where(slopes < 0, ends, np.inf).min(axis=1)
            least = np.where(slopes > 0, ends, -np.inf).max(axis=1)
            share = self._generator.random(count)
            step = least * (1 - share) + most * share
            u += np.where(np.isfinite(step) & (least < most), step, 0.0)[:, None] * direction
        return u

    def _at_many_scales(self, points: Floats) -> Floats:
        """Move half of the points of an unbounded domain far out, and a quarter far in."""
        if not self._chart.is_cone:
            return points
        count, free = len(points), self._chart.free
        random = self._generator.random(count)
        middle = np.array([float(int(x.p) / int(x.q)) for x in self._middle])
        share = np.exp2(-NEAREST * self._generator.random((count, 1)))
        inwards = middle + share * (points - middle)
        found = np.where((random < 0.25)[:, None], inwards, points)
        if len(self._rays):
            length = np.exp2(FARTHEST * self._generator.random((count, 1)))
            outwards = length * self._mixtures(self._rays, count)
            found[:, free] += np.where((random > 0.5)[:, None], outwards, 0.0)
        return found

    def _taken_back(self, point: Rational) -> Rational:
        """Return a point; or, of one outside, a random one between it and that inside."""
        rooms = zip(self._inside.rooms(self._middle), self._inside.rooms(point), strict=True)
        most = min((here / (here - there) for here, there in rooms if there <= 0), default=None)
        if most is None:
            return point
        share = most * fmpq(*float(self._generator.random()).as_integer_ratio())
        return [m + share * (x - m) for m, x in zip(self._middle, point, strict=True)]


def _faces(d: int) -> Floats:
    """Return the functions that are >= 0 in the unit cube."""
    return np.concatenate(
        [np.column_stack([np.zeros(d), np.eye(d)]), np.column_stack([np.ones(d), -np.eye(d)])]
    )
