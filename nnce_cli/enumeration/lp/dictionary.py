"""Our own dense dictionary in NumPy: the dual simplex method, from a corner of the cube.

The corner where each input is at the bound that its cost prefers is dual feasible, so there is
no phase 1: the method walks from there to a vertex that satisfies all rows (Chvátal, *Linear
Programming*, 1983, chapter 10, with bounded variables as in chapter 8).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnce_cli.enumeration.lp.program import Floats, Solution

VIOLATED = 1e-12  # a basic variable below minus this has to leave the basis
SMALL_PIVOT = 1e-11  # smaller entries take no part in the ratio test


class Dictionary:
    """The back end ``dictionary``."""

    def minimise(self, cost: Floats, rows: Floats) -> Solution | None:
        """See `LinearSolver`."""
        state = _State(cost, rows)
        for pivots in range(20 * sum(rows.shape) + 100):
            leaving = state.most_violated()
            if leaving < 0:
                return state.solution(pivots)
            entering = state.entering(leaving)
            if entering < 0:
                return None
            state.pivot(leaving, entering)
        return None  # it may be cycling


class _State:
    """The dictionary: basic variables and the cost, over nonbasic displacements t >= 0.

    Variable v < d is input v, measured from 0, or from 1 where ``flipped``; variable d + k is
    the slack of row k. ``table`` has a row for each basic variable and the cost last, the
    constant first.
    """

    def __init__(self, cost: Floats, rows: Floats) -> None:
        d, m = cost.size, len(rows)
        self.d, self.m = d, m
        self.flipped: NDArray[np.bool_] = cost < 0
        slope = np.where(self.flipped, -1.0, 1.0)
        self.table = np.empty((m + 1, d + 1))
        self.table[:m, 1:] = rows[:, 1:] * slope
        self.table[:m, 0] = rows[:, 0] + rows[:, 1:] @ self.flipped
        self.table[m, 1:] = cost * slope
        self.table[m, 0] = 0.0
        self.columns = np.arange(d)
        self.basic = np.arange(d, d + m)

    def most_violated(self) -> int:
        """Return the row of the variable that is furthest out of its bounds, or -1.

        An input beyond 1 is measured from there afterwards.
        """
        constant = self.table[: self.m, 0]
        above = np.where(self.basic < self.d, constant - 1.0, -np.inf)
        excess = np.maximum(-constant, above)
        row = int(np.argmax(excess)) if self.m else -1
        if row < 0 or not excess[row] > VIOLATED:
            return -1
        if above[row] > -constant[row]:
            self.table[row] *= -1.0
            self.table[row, 0] += 1.0
            self.flipped[self.basic[row]] ^= True
        return row

    def entering(self, row: int) -> int:
        """Return the column that can raise a row at the least cost, or -1."""
        slope, cost = self.table[row, 1:], self.table[self.m, 1:]
        can = slope > SMALL_PIVOT
        if not can.any():
            return -1
        ratio = np.full(self.d, np.inf)
        np.divide(cost, slope, out=ratio, where=can)
        least = max(float(ratio.min()), 0.0)
        ties = can & (ratio <= least * (1.0 + 1e-12) + 1e-15)
        return int(np.argmax(np.where(ties, slope, 0.0)))  # the largest of the pivots

    def pivot(self, row: int, column: int) -> None:
        """Exchange the variable of a row with that of a column."""
        entering = self.table[:, 1 + column].copy()
        new = self.table[row] / -entering[row]
        new[1 + column] = 1.0 / entering[row]
        self.table[:, 1 + column] = 0.0
        self.table += entering[:, None] * new
        self.table[row] = new
        self.basic[row], self.columns[column] = self.columns[column], self.basic[row]

    def solution(self, pivots: int) -> Solution:
        """Return the point, and the reduced costs of the slacks as multipliers."""
        displacement = np.zeros(self.d + self.m)
        displacement[self.basic] = self.table[: self.m, 0]
        u = displacement[: self.d]
        reduced = np.zeros(self.d + self.m)
        reduced[self.columns] = self.table[self.m, 1:]
        return Solution(np.where(self.flipped, 1.0 - u, u), reduced[self.d :], pivots)
