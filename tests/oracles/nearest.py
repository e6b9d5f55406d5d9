"""The nearest point of a polyhedron, by trying all faces: a definition in rational arithmetic."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ppl import C_Polyhedron

Row = list[Fraction]


def squared_distance(polyhedron: C_Polyhedron, x: Row) -> Fraction:
    """Return the squared distance of a point to a polyhedron that is not empty.

    The nearest point is the projection onto the flat of some face, given by independent
    constraints; of all such projections that are in the polyhedron it is the nearest.
    """
    rows = [
        ([Fraction(int(a)) for a in c.coefficients()], Fraction(int(c.inhomogeneous_term())))
        for c in polyhedron.minimized_constraints()
    ]
    rows = [(a + [Fraction(0)] * (len(x) - len(a)), b) for a, b in rows]
    found = [
        sum(((p - q) ** 2 for p, q in zip(y, x, strict=True)), Fraction(0))
        for count in range(len(x) + 1)
        for face in combinations(rows, count)
        if (y := _projection(face, x)) is not None and all(_value(row, y) >= 0 for row in rows)
    ]
    return min(found)


def _value(row: tuple[Row, Fraction], x: Row) -> Fraction:
    return row[1] + _dot(row[0], x)


def _dot(a: Row, b: Row) -> Fraction:
    return sum((p * q for p, q in zip(a, b, strict=True)), Fraction(0))


def _projection(face: tuple[tuple[Row, Fraction], ...], x: Row) -> Row | None:
    """Project onto the flat where all rows are zero; None where they are dependent."""
    y, orthogonal = list(x), []
    for row in face:  # Gram and Schmidt: each row without its part along those before
        a, b = row
        for (other, constant), size in orthogonal:
            share = _dot(a, other) / size
            a = [p - share * q for p, q in zip(a, other, strict=True)]
            b -= share * constant
        size = _dot(a, a)
        if size == 0:
            return None
        step = _value((a, b), y) / size
        y = [p - step * q for p, q in zip(y, a, strict=True)]
        orthogonal.append(((a, b), size))
    return y
