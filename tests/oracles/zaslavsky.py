"""Numbers of cells of hyperplane arrangements, from theory.

R. C. Buck, Partition of space, American Mathematical Monthly 50 (1943), doi:10.2307/2303424.
T. Zaslavsky, Facing up to arrangements, Memoirs of the AMS 154 (1975), doi:10.1090/memo/0154.
R. P. Stanley, An introduction to hyperplane arrangements (2004), lectures 1, 2 and 5.

An arrangement is a list of (normal, offset), the hyperplanes ``normal · x + offset = 0``.
"""

from __future__ import annotations

from itertools import combinations
from math import comb, factorial
from typing import TYPE_CHECKING

import numpy as np
from flint import fmpz_mat

from tests.oracles.naive import stack_of

if TYPE_CHECKING:
    from fractions import Fraction

    from nnce_cli.network import LayerStack

Arrangement = list[tuple[list[int], int]]


def network(arrangement: Arrangement) -> LayerStack:
    """Return the one-layer network whose neurons are the hyperplanes of the arrangement."""
    return stack_of(([normal for normal, _ in arrangement], [offset for _, offset in arrangement]))


def generic_cells(m: int, d: int) -> int:
    """Return the number of cells of m hyperplanes in general position in R^d (Buck)."""
    return sum(comb(m, i) for i in range(d + 1))


def central_cells(m: int, d: int) -> int:
    """Return the number of cells of m >= 1 generic hyperplanes through the origin of R^d."""
    return 2 * sum(comb(m - 1, i) for i in range(d))


def is_generic_inside(arrangement: Arrangement, half_width: Fraction | int) -> bool:
    """Tell whether general position holds and the box [-h, h]^d meets every cell, exactly.

    General position: any min(m, d) normals are independent and no d + 1 hyperplanes meet in a
    point. Every cell has a smallest face in its closure, which is the intersection of min(m, d)
    hyperplanes; if its point nearest to the origin is strictly inside the box, so are points
    of the cell. So the counts on the box and in R^d agree.
    """
    d = len(arrangement[0][0])
    k = min(len(arrangement), d)
    for chosen in combinations(arrangement, k):
        A = fmpz_mat([normal for normal, _ in chosen])
        if A.rank() < k:
            return False
        right = fmpz_mat([[-offset] for _, offset in chosen])
        nearest = A.transpose() * (A * A.transpose()).solve(right)
        if any(abs(x) >= half_width for x in nearest.entries()):
            return False
    return not any(
        fmpz_mat([[*normal, offset] for normal, offset in chosen]).rank() <= d
        for chosen in combinations(arrangement, d + 1)
    )


def generic_arrangement(m: int, d: int, seed: int) -> tuple[Arrangement, int]:
    """Return m random integer hyperplanes in general position in R^d, and a box half-width h.

    Redrawn until every vertex is strictly inside [-h, h]^d.
    """
    rng = np.random.default_rng(seed)
    half_width = 2**14
    while True:
        normals = rng.integers(-9, 10, size=(m, d)).tolist()
        offsets = rng.integers(-5, 6, size=m).tolist()
        arrangement = list(zip(normals, offsets, strict=True))
        if is_generic_inside(arrangement, half_width):
            return arrangement, half_width


def difference_arrangement(n: int, offsets: list[int]) -> Arrangement:
    """Return the hyperplanes ``x_i - x_j = c`` for i < j and c in ``offsets``."""
    rows: Arrangement = []
    for i, j in combinations(range(n), 2):
        normal = [int(k == i) - int(k == j) for k in range(n)]
        rows += [(normal, -c) for c in offsets]
    return rows


def reflection_arrangement(n: int) -> Arrangement:
    """Return type B: ``x_i = 0``, ``x_i = x_j``, ``x_i = -x_j``."""
    rows: Arrangement = [([int(k == i) for k in range(n)], 0) for i in range(n)]
    for i, j in combinations(range(n), 2):
        rows += [([int(k == i) + s * int(k == j) for k in range(n)], 0) for s in (1, -1)]
    return rows


def braid_cells(n: int) -> int:
    """``x_i = x_j``: one cell for each order of the coordinates."""
    return factorial(n)


def shi_cells(n: int) -> int:
    """``x_i - x_j = 0, 1``: as many cells as parking functions (Shi 1986)."""
    return (n + 1) ** (n - 1)


def catalan_cells(n: int) -> int:
    """``x_i - x_j = -1, 0, 1``: n! times the n-th Catalan number."""
    return factorial(n) * comb(2 * n, n) // (n + 1)


def reflection_cells(n: int) -> int:
    """Type B: one cell for each order of the absolute values and each choice of signs."""
    return 2**n * factorial(n)
