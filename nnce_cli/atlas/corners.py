"""The vertices of a polyhedron of few inputs, and what they tell: volume and diameter, exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import factorial

from flint import fmpq

from nnce_cli.atlas.halfspaces import Form
from nnce_cli.atlas.linear import rank_of
from nnce_cli.domain import dual_rays, primitive
from nnce_cli.exact import matrix

MOST_INPUTS = 6
MOST_SIMPLICES = 20_000

ZERO = fmpq(0)
Point = list[fmpq]


@dataclass(frozen=True, eq=False)
class Corners:
    """Vertices (k, n), the rays (directions) of an unbounded polyhedron, and which meet where.

    ``on`` has for each half-space the numbers of the vertices on its hyperplane.
    """

    vertices: list[Point]
    rays: list[Point]
    on: list[frozenset[int]]

    @property
    def dimension(self) -> int:
        """The number of inputs."""
        return len(self.vertices[0])


def corners_of(forms: Sequence[Form], n: int) -> Corners | None:
    """Return the vertices of the polyhedron where these forms are >= 0.

    None where it has none: a line runs through it.

    Raises:
        InputError: there are too many.
    """
    if n == 0:
        return Corners([[]], [], [])
    if rank_of([form[1:] for form in forms], n) < n:
        return None
    generators = [primitive([Fraction(int(x.p), int(x.q)) for x in form]) for form in forms]
    generators.append((1, *[0] * n))  # t >= 0, of the cone over it
    rays = dual_rays(generators)
    vertices, directions, on = [], [], []
    for ray in rays:
        t, *y = ray.vector
        if t:
            vertices.append([fmpq(x, t) for x in y])
            on.append(ray.on)
        else:
            directions.append([fmpq(x) for x in y])
    order = sorted(range(len(vertices)), key=lambda k: vertices[k])
    meets = [
        frozenset(place for place, k in enumerate(order) if on[k] >> facet & 1)
        for facet in range(len(forms))
    ]
    return Corners([vertices[k] for k in order], sorted(directions), meets)


def volume_of(polytope: Corners) -> fmpq | None:
    """Return the volume of a bounded polytope, by simplices; None where these are too many.

    From one vertex to all the facets that it is not on, which are divided likewise (Cohen &
    Hickey 1979).
    """
    n = polytope.dimension
    if n == 0:
        return fmpq(1)
    walls = list(dict.fromkeys(polytope.on))
    total = ZERO
    everything = frozenset(range(len(polytope.vertices)))
    for count, simplex in enumerate(_simplices(everything, n, walls)):
        if count == MOST_SIMPLICES:
            return None
        first, *others = (polytope.vertices[k] for k in simplex)
        edges = [[a - b for a, b in zip(other, first, strict=True)] for other in others]
        total += abs(matrix(edges, n).det())
    return total / factorial(n)


def squared_diameter(vertices: Sequence[Point]) -> fmpq:
    """Return the square of the largest distance between two vertices."""
    pairs = combinations(vertices, 2)
    return max(
        (sum(((a - b) ** 2 for a, b in zip(p, q, strict=True)), ZERO) for p, q in pairs),
        default=ZERO,
    )


def _simplices(
    face: frozenset[int], dimension: int, walls: Sequence[frozenset[int]]
) -> Iterator[tuple[int, ...]]:
    """Yield the simplices, by the numbers of their vertices, that a face is divided into."""
    apex = min(face)
    if dimension == 0:
        yield (apex,)
        return
    parts = {face & wall for wall in walls} - {face, frozenset()}
    sides = [part for part in parts if not any(part < other for other in parts)]
    for side in sorted(sides, key=sorted):
        if apex not in side:
            for simplex in _simplices(side, dimension - 1, walls):
                yield (apex, *simplex)
