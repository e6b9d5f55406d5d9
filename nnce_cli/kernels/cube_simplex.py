"""The dual simplex method over the unit cube, on a dense dictionary that the caller owns.

Chvátal, *Linear Programming* (1983), chapters 8 and 10. Nothing here decides what is in the
answer: callers prove what they take from it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnce_cli.kernels.arrays import Floats, Ints
from nnce_cli.kernels.jit import entry_point, kernel

VIOLATED = 1e-12  # a basic variable below minus this has to leave the basis
SMALL_PIVOT = 1e-11  # smaller entries take no part in the ratio test


@kernel
def leaving_row(table: Floats, basic: Ints, d: int) -> tuple[int, bool]:
    """Return the row whose variable is furthest out of its bounds, or -1.

    And whether it is an input that is beyond 1, not a variable below 0.
    """
    row, beyond, worst = -1, False, VIOLATED
    for r in range(basic.size):
        below = -table[r, 0]
        if below > worst:
            row, beyond, worst = r, False, below
        if basic[r] < d and table[r, 0] - 1.0 > worst:
            row, beyond, worst = r, True, table[r, 0] - 1.0
    return row, beyond


@kernel
def entering_column(table: Floats, row: int, costs: int) -> int:
    """Return the column that raises row ``row`` at the least cost, or -1; of ties the steepest."""
    least = np.inf
    for c in range(1, table.shape[1]):
        if table[row, c] > SMALL_PIVOT:
            least = min(least, table[costs, c] / table[row, c])
    tie = max(least, 0.0) * (1.0 + 1e-12) + 1e-15
    column, steepest = -1, 0.0
    for c in range(1, table.shape[1]):
        slope = table[row, c]
        if slope > SMALL_PIVOT and slope > steepest and table[costs, c] / slope <= tie:
            column, steepest = c, slope
    return column


@kernel
def flip(table: Floats, columns: Ints, flipped: NDArray[np.bool_], column: int) -> None:
    """Move the nonbasic input of a column to its other bound, in place."""
    for r in range(table.shape[0]):
        table[r, 0] += table[r, column]
        table[r, column] = -table[r, column]
    flipped[columns[column - 1]] = not flipped[columns[column - 1]]


@kernel
def exchange(table: Floats, row: int, column: int) -> None:
    """Exchange the variable of a row with that of a column, in place."""
    inverse = 1.0 / table[row, column]
    for c in range(table.shape[1]):
        table[row, c] = inverse if c == column else -table[row, c] * inverse
    for r in range(table.shape[0]):
        if r != row:
            factor = table[r, column]
            table[r, column] = 0.0
            for c in range(table.shape[1]):
                table[r, c] += factor * table[row, c]


@entry_point
def reoptimise(
    table: Floats, basic: Ints, columns: Ints, flipped: NDArray[np.bool_], limit: int
) -> int:
    """Pivot from a dual feasible dictionary to an optimal one; return the number of pivots.

    ``table`` (m + 1, 1 + d) writes the basic variables, and the cost in its last row, over the
    nonbasic ones, which are 0; the constant comes first. ``basic`` (m,) and ``columns`` (d,)
    name them: v < d is input v, measured from 0, or from 1 where ``flipped[v]``; others are
    slacks. All are modified. Returns -1 where no point satisfies the rows, or after ``limit``
    pivots.
    """
    m, d = basic.size, columns.size
    for pivots in range(limit):
        row, beyond = leaving_row(table, basic, d)
        if row < 0:
            return pivots
        if beyond:
            for c in range(d + 1):
                table[row, c] = -table[row, c]
            table[row, 0] += 1.0
            flipped[basic[row]] = not flipped[basic[row]]
        column = entering_column(table, row, m)
        # An input that is too short to mend the row goes to its other bound for nothing: its cost
        # is wrong there until the pivot, which is on a larger ratio, mends it (the long-step rule,
        # Maros 2003, Computational Techniques of the Simplex Method).
        while column >= 0 and columns[column - 1] < d and table[row, 0] + table[row, column] < 0.0:
            flip(table, columns, flipped, column)
            column = entering_column(table, row, m)
        if column < 0:
            return -1
        exchange(table, row, column)
        basic[row], columns[column - 1] = columns[column - 1], basic[row]
    return -1
