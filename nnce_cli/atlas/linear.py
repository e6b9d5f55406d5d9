"""Small pieces of linear algebra in rational numbers, and roundings with a direction."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.exact import matrix, nearest_float
from nnce_cli.network import nearest_root

Vector = Sequence[fmpq]


def floats_of(rows: Sequence[Vector], n: int) -> NDArray[np.float64]:
    """Return rows (m, n) of rational numbers, each rounded to the nearest float64."""
    return np.array([[nearest_float(x) for x in row] for row in rows]).reshape(len(rows), n)


def rank_of(rows: Sequence[Vector], n: int) -> int:
    """Return the rank of rows (m, n)."""
    return int(matrix(rows, n).rank()) if rows and n else 0


def combination_of(target: Vector, rows: Sequence[Vector]) -> list[fmpq] | None:
    """Return the weights of independent rows whose sum is ``target``; None where there are none."""
    if not rows:
        return None if any(target) else []
    n, m = len(target), len(rows)
    columns = matrix([[*(row[i] for row in rows), target[i]] for i in range(n)], m + 1)
    reduced, rank = columns.rref()
    if rank != m or any(reduced[k, k] != 1 for k in range(m)):
        return None
    return [reduced[k, m] for k in range(m)]


def dependence_of(rows: Sequence[Vector]) -> list[fmpq] | None:
    """Return the weights, the last one 1, of which rows add up to zero; None unless it is unique.

    They are unique where all rows but the last are independent.
    """
    *others, last = rows
    found = combination_of([-x for x in last], others)
    return None if found is None else [*found, fmpq(1)]


def root_below(square: fmpq) -> float:
    """Return a float64 that is not above the square root of a number >= 0, and next to it."""
    return max(0.0, math.nextafter(nearest_root(square), -math.inf)) if square else 0.0


def float_above(x: fmpq) -> float:
    """Return a float64 that is not below a rational number, and next to it."""
    return math.nextafter(nearest_float(x), math.inf)
