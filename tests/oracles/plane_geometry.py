"""Cells of a plane domain as polygons by exact clipping: slow and obvious."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from flint import fmpq, fmpq_mat

from nnce_cli.domain import Box
from nnce_cli.network import LayerStack
from tests.oracles.naive import fraction, pull_back

Point = tuple[Fraction, Fraction]
Line = list[Fraction]  # (a, b, c) stands for a x + b y + c


def clip(corners: list[Point], line: Line, sign: int) -> list[Point]:
    """Return the part of a convex polygon where ``sign`` times the line's function is >= 0."""
    kept: list[Point] = []
    for here, after in pairwise([*corners, *corners[:1]]):
        u, v = (sign * (line[0] * x + line[1] * y + line[2]) for x, y in (here, after))
        if u >= 0:
            kept.append(here)
        if u * v < 0:
            share = u / (u - v)
            kept.append(
                (here[0] + share * (after[0] - here[0]), here[1] + share * (after[1] - here[1]))
            )
    return kept


def area(corners: list[Point]) -> Fraction:
    """Return the area of a polygon."""
    edges = pairwise([*corners, *corners[:1]])
    return sum(((p[0] * q[1] - p[1] * q[0]) for p, q in edges), Fraction(0)) / 2


def rectangle(box: Box) -> list[Point]:
    """Return the corners of a box, which is a strip of height 1 where it has one input."""
    lower, upper = ([Fraction(x) for x in side.tolist()] for side in (box.lower, box.upper))
    if len(lower) == 1:
        lower, upper = [lower[0], Fraction(0)], [upper[0], Fraction(1)]
    (left, bottom), (right, top) = lower, upper
    return [(left, bottom), (right, bottom), (right, top), (left, top)]


def lines_of(stack: LayerStack, signs: tuple[int, ...]) -> list[Line]:
    """Return all neurons as functions of the input on the cell of these signs."""
    n = stack.n_inputs
    incoming = fmpq_mat(n, n + 1, [fmpq(int(i == j)) for i in range(n) for j in range(n + 1)])
    lines: list[Line] = []
    for layer in stack.hidden:
        rows = pull_back(layer, incoming).tolist()
        bits = signs[len(lines) : len(lines) + len(rows)]
        incoming = fmpq_mat([[t * bit for t in row] for row, bit in zip(rows, bits, strict=True)])
        for row in rows:
            values = [fraction(t) for t in row]
            lines.append([*values[:-1], *[Fraction(0)] * (2 - n), values[-1]])
    return lines


def polygon_of(stack: LayerStack, box: Box, signs: tuple[int, ...]) -> list[Point]:
    """Return the corners of a cell."""
    corners = rectangle(box)
    for line, bit in zip(lines_of(stack, signs), signs, strict=True):
        corners = clip(corners, line, 1 if bit else -1)
    return corners
