"""The half-spaces of a polyhedron that vertices, rays and lines give.

A vertex v is the generator (1, v) of a cone, and a ray r is (0, r). The half-spaces b + a . x >= 0
that hold on the polyhedron are the vectors (b, a) with no negative product with a generator: a
cone, too, whose extreme rays are found by the double description method (Motzkin et al. 1953;
Fukuda & Prodon 1996) in whole numbers, so exactly. It begins with the rays of n + 1 independent
generators and takes in the others one by one: rays on the negative side go, and each pair of
neighbouring rays on two sides gives one on the new hyperplane. Two rays are neighbours where no
third one lies on all the hyperplanes on which both lie.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

from nnce_cli.base.errors import InputError

MOST_GENERATORS = 2000
MOST_RAYS = 1000  # at any time
MOST_BITS = 4096  # of a number

Vector = tuple[int, ...]

TOO_LARGE = (
    "it has too many {} for this conversion; write half-spaces (.ine) with lrs or cddexec --rep"
)


def facets_of(rows: Sequence[Sequence[Fraction]], lines: Iterable[int]) -> list[list[Fraction]]:
    """Return rows b, a of the half-spaces b + a . x >= 0 that generators give, in whole numbers.

    Args:
        rows: 1, v for a vertex and 0, r for a ray.
        lines: which rows are lines: rays in both directions.

    Raises:
        InputError: there is no vertex, or no interior, or the work would be too much.
    """
    generators = [primitive(row) for row in rows]
    for row, generator in zip(rows, generators, strict=True):
        if row[0] not in (0, 1) or not any(generator):
            raise InputError("a row of vertices and rays begins with 1 or 0, and is not all zero")
    if not any(generator[0] for generator in generators):
        raise InputError("it has rays and no vertex; add the vertex that they begin at")
    for i in lines:
        if rows[i][0] != 0:
            raise InputError(f"'linearity' names row {i + 1}, which is a vertex and not a line")
        generators.append(tuple(-x for x in generators[i]))
    generators = list(dict.fromkeys(generators))
    if len(generators) > MOST_GENERATORS:
        raise InputError(TOO_LARGE.format("vertices and rays"))
    found = dual_rays(generators)
    return [[Fraction(x) for x in ray.vector] for ray in found if any(ray.vector[1:])]


@dataclass(frozen=True)
class Ray:
    """A ray, and on which hyperplanes it lies: a bit for each generator taken in so far."""

    vector: Vector
    on: int


def dual_rays(generators: Sequence[Vector]) -> list[Ray]:
    """Return the extreme rays of the cone of vectors without a negative product."""
    chosen, vectors = _simplex(generators)
    everything = sum(1 << i for i in chosen)
    rays = [Ray(vector, everything & ~(1 << i)) for i, vector in zip(chosen, vectors, strict=True)]
    for i, generator in enumerate(generators):
        if i not in chosen:
            rays = _taken_in(rays, generator, 1 << i)
            if len(rays) > MOST_RAYS:
                raise InputError(TOO_LARGE.format("facets"))
    return rays


def _taken_in(rays: Sequence[Ray], generator: Vector, bit: int) -> list[Ray]:
    """Return the rays of the part of a cone that has no negative product with a generator."""
    values = [_product(ray.vector, generator) for ray in rays]
    pairs = list(zip(rays, values, strict=True))
    kept = [Ray(ray.vector, ray.on | bit) if v == 0 else ray for ray, v in pairs if v >= 0]
    inside = [(ray, v) for ray, v in pairs if v > 0]
    outside = [(ray, v) for ray, v in pairs if v < 0]
    fewest = len(generator) - 2
    for first, above in inside:
        for second, below in outside:
            common = first.on & second.on
            if common.bit_count() < fewest or _has_third(rays, common, first, second):
                continue
            between = [
                above * y - below * x for x, y in zip(first.vector, second.vector, strict=True)
            ]
            kept.append(Ray(_divided(between), common | bit))
    return kept


def _has_third(rays: Sequence[Ray], common: int, first: Ray, second: Ray) -> bool:
    """Tell whether another ray lies on all hyperplanes on which two lie."""
    return any(ray.on & common == common and ray is not first and ray is not second for ray in rays)


def _simplex(generators: Sequence[Vector]) -> tuple[list[int], list[Vector]]:
    """Choose independent generators, and return for each the vector that is zero on the others.

    Raises:
        InputError: they do not span the space.
    """
    size = len(generators[0])
    chosen: list[int] = []
    reduced: list[tuple[int, list[Fraction], list[Fraction]]] = []  # pivot, row, combination
    for i, generator in enumerate(generators):
        row = [Fraction(x) for x in generator]
        combination = [Fraction(0)] * size
        for pivot, other, its in reduced:
            factor = row[pivot]
            if factor:
                row = [x - factor * y for x, y in zip(row, other, strict=True)]
                combination = [x - factor * y for x, y in zip(combination, its, strict=True)]
        place = next((j for j, x in enumerate(row) if x), None)
        if place is None:
            continue
        combination[len(chosen)] += 1
        scale = row[place]
        reduced.append((place, [x / scale for x in row], [x / scale for x in combination]))
        chosen.append(i)
        if len(chosen) == size:
            return chosen, _inverse(reduced, size)
    raise InputError(
        "its vertices and rays lie in a plane of fewer dimensions: the domain has no interior; "
        "give a slice through points of it with --slice"
    )


def _inverse(
    reduced: Sequence[tuple[int, list[Fraction], list[Fraction]]], size: int
) -> list[Vector]:
    """Return the vectors whose products with the chosen generators are those of the identity.

    Each reduced row is a combination of the generators; they are eliminated from below, until each
    is a unit vector, and the combinations are the rows of the inverse.
    """
    rows = {pivot: (list(row), list(its)) for pivot, row, its in reduced}
    for pivot, *_ in reversed(reduced):
        row, its = rows[pivot]
        for j in range(size):
            if j != pivot and row[j]:
                factor, (other, theirs) = row[j], rows[j]
                row = [x - factor * y for x, y in zip(row, other, strict=True)]
                its = [x - factor * y for x, y in zip(its, theirs, strict=True)]
        rows[pivot] = (row, its)
    return [primitive([rows[j][1][k] for j in range(size)]) for k in range(size)]


def primitive(row: Sequence[Fraction]) -> Vector:
    """Return the whole numbers without a common factor that are a positive multiple of a row."""
    scale = 1
    for x in row:
        scale = lcm(scale, x.denominator)
        if max(scale.bit_length(), abs(x.numerator).bit_length()) > MOST_BITS:
            raise InputError(TOO_LARGE.format("digits"))
    return _divided([x.numerator * (scale // x.denominator) for x in row])


def _divided(row: Sequence[int]) -> Vector:
    factor = gcd(*row) or 1
    return tuple(x // factor for x in row)


def _product(a: Vector, b: Vector) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True))
