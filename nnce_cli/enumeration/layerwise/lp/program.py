"""What a linear programming back end takes and gives.

All programs of the layer-wise methods are over the unit cube (inputs are scaled to it), so they
are never unbounded, and the box needs no rows:

    minimise  cost . u   where  rows[:, 0] + rows[:, 1:] u >= 0  and  0 <= u <= 1.

Nothing that a back end says is believed: points and multipliers are proposals, which are proved
with error bounds or taken again in rational arithmetic. But the answer should be a function of
the arguments alone: reverse search asks the same question twice, and finds out at its end where
the answers differed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Solution:
    """A point (d,) that is about optimal, and the rows' multipliers (m,), about nonnegative.

    ``pivots`` is the number of simplex steps, or of whatever iterations the solver takes.
    """

    point: Floats
    multipliers: Floats
    pivots: int = 0


class LinearSolver(Protocol):
    """A back end."""

    def minimise(self, cost: Floats, rows: Floats) -> Solution | None:
        """Solve the program of ``cost`` (d,) and ``rows`` (m, 1 + d).

        Returns None where the solver fails or finds no feasible point.
        """
