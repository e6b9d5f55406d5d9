"""Our own dense dictionary: the dual simplex method, from a corner of the cube.

The corner where each input is at the bound that its cost prefers is dual feasible, so there is
no phase 1: the method walks from there to a vertex that satisfies all rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnce_cli._core import reoptimise
from nnce_cli.enumeration.layerwise.lp.program import Floats, Solution


@dataclass(frozen=True, eq=False, kw_only=True)
class Optimum(Solution):
    """A solution and its basis: variables 0 … d-1 are the inputs, the others the rows' slacks.

    ``basic`` (m,) are the variables off their bounds, ``at_upper`` (d,) says of the other inputs
    which bound they are at.
    """

    basic: NDArray[np.int64]
    at_upper: NDArray[np.bool_]


class Dictionary:
    """The back end ``dictionary``."""

    def minimise(self, cost: Floats, rows: Floats) -> Solution | None:
        """See `LinearSolver`."""
        return optimum(cost, rows)


def optimum(cost: Floats, rows: Floats) -> Optimum | None:
    """Do what `LinearSolver.minimise` does, and tell the basis."""
    m, d = len(rows), cost.size
    flipped = cost < 0
    slope = np.where(flipped, -1.0, 1.0)
    table = np.zeros((m + 1, 1 + d))
    table[:m, 0] = rows[:, 0] + rows[:, 1:] @ flipped
    table[:m, 1:] = rows[:, 1:] * slope
    table[m, 1:] = cost * slope
    basic, columns = np.arange(d, d + m), np.arange(d)
    pivots = reoptimise(table, basic, columns, flipped, 20 * (m + d) + 100)
    if pivots < 0:
        return None
    values, reduced = np.zeros(d + m), np.zeros(d + m)
    values[basic] = table[:m, 0]
    reduced[columns] = table[m, 1:]
    point = np.where(flipped, 1.0 - values[:d], values[:d])
    return Optimum(point, reduced[d:], pivots, basic=basic, at_upper=flipped)
