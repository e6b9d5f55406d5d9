"""A simplex dictionary on the unit cube, in rational arithmetic or in floating point.

The textbook dictionary (Chvátal 1983, *Linear Programming*, chapters 2, 3 and 8, with the upper
bounds of chapter 8 for the inputs): d variables are nonbasic and zero, all others are affine
functions of them. The same code runs on rational entries (dtype object), where Bland's rule
makes it end with the truth, and on float64, where it is fast and proves nothing: its bases are
hints, to be checked exactly by whoever takes them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

FLOAT_TOLERANCE = 1e-9
FLOAT_STEPS = 400  # of one linear program, and STEPS_PER_INPUT more; a longer one is not worth it
STEPS_PER_INPUT = 4  # many of them only take an input from one of its bounds to the other

Array = NDArray[Any]


class GaveUpError(ArithmeticError):
    """The float64 dictionary went astray; only a hint is lost."""


class Dictionary:
    """A vertex of {u in [0, 1]^d : f_k(u) >= 0 for all constraints k that are held}.

    Variables 0 … d-1 are the inputs and d + k is the slack f_k. ``table`` (m, 1 + d) holds the
    ``basic`` variables as functions of the displacements of the nonbasic ones (``columns``) from
    their bounds, the constant first. An input at its upper bound (``flipped``) is displaced
    downwards. A constraint that is not held stays basic and may have any sign: it is what an
    objective is elsewhere.
    """

    def __init__(self, forms: Array) -> None:
        """Start at the corner u = 0 with the constraints ``forms`` (m, 1 + d), none of them held.

        The entries are float64 or of type fmpq (dtype object).
        """
        m, d = forms.shape[0], forms.shape[1] - 1
        self.dimension = d
        self.exact = forms.dtype == np.object_
        self.zero: Any = fmpq(0) if self.exact else 0.0
        self.one: Any = fmpq(1) if self.exact else 1.0
        self.tolerance: Any = self.zero if self.exact else FLOAT_TOLERANCE
        self.table = forms.copy()
        self.columns = np.arange(d)
        self.flipped = np.zeros(d, dtype=np.bool_)
        self.basic = np.arange(d, d + m)
        self.held = np.zeros(d + m, dtype=np.bool_)
        self.held[:d] = True

    def row_of(self, variable: int) -> int | None:
        """Return the row of a basic variable, None for a nonbasic one."""
        rows = np.flatnonzero(self.basic == variable)
        return int(rows[0]) if rows.size else None

    def hold(self, k: int) -> bool:
        """Move to a vertex where f_k >= 0 and stay there; False if there is none."""
        variable = self.dimension + k
        row = self.row_of(variable)
        if row is not None:
            self._climb(row, 1, until_nonnegative=True)
            if self.table[row, 0] < -self.tolerance:
                return False
        self.held[variable] = True
        return True

    def release(self, k: int) -> None:
        """Drop the constraint k, which becomes basic; `hold` brings it back."""
        variable = self.dimension + k
        if self.row_of(variable) is None:
            self._step(int(np.flatnonzero(self.columns == variable)[0]))
        self.held[variable] = False

    def maximise(self, k: int, sign: int = 1) -> Any:
        """Maximise ``sign`` times the basic slack f_k as far as its sign can tell.

        Stops at the first vertex where ``sign * f_k`` is positive, else at the largest value.
        """
        row = self.row_of(self.dimension + k)
        assert row is not None
        self._climb(row, sign, until_nonnegative=False)
        return sign * self.table[row, 0]

    def vertex(self) -> Array:
        """Return the point u (d,) of the vertex."""
        u = np.empty(self.dimension, dtype=self.table.dtype)
        u[:] = self.zero
        for c, variable in enumerate(self.columns.tolist()):
            if variable < self.dimension and self.flipped[c]:
                u[variable] = self.one
        for row, variable in enumerate(self.basic.tolist()):
            if variable < self.dimension:
                u[variable] = self.table[row, 0]
        return u

    def basis(self) -> tuple[list[int], list[int]]:
        """Return the nonbasic constraints k, and the basic inputs: as many as the former."""
        d = self.dimension
        slacks = [v - d for v in self.columns.tolist() if v >= d]
        inputs = sorted(v for v in self.basic.tolist() if v < d)
        return slacks, inputs

    def _climb(self, row: int, sign: int, *, until_nonnegative: bool) -> None:
        """Step while ``sign`` times the row grows and is not yet > 0 (or >= 0).

        The row is that of a constraint that is not held, so it stays where it is.
        """
        steps = 0
        while True:
            value = sign * self.table[row, 0]
            if value > self.tolerance or (until_nonnegative and value >= 0):
                return
            q = self._entering(sign * self.table[row, 1:])
            if q is None:
                return
            self._step(q)
            steps += 1
            if steps > FLOAT_STEPS + STEPS_PER_INPUT * self.dimension and not self.exact:
                raise GaveUpError

    def _entering(self, gains: Array) -> int | None:
        """Choose a column: by Bland's rule where exact, else the steepest."""
        if not self.dimension:
            return None
        if not self.exact:
            q = int(gains.argmax())
            return q if gains[q] > self.tolerance else None
        improving = np.flatnonzero(gains > 0)
        return int(improving[self.columns[improving].argmin()]) if improving.size else None

    def _step(self, q: int) -> None:
        """Increase the displacement of column q until a bound stops it."""
        slopes = self.table[:, 1 + q]
        is_input = self.basic < self.dimension
        stops = self.held[self.basic] & (
            (slopes < -self.tolerance) | ((slopes > self.tolerance) & is_input)
        )
        rows = np.flatnonzero(stops)
        own = int(self.columns[q])
        best, leaving, first = None, -1, own
        if own < self.dimension:
            best = self.one
        if rows.size:
            bounds = np.where(slopes[rows] > 0, self.one, self.zero)
            ratios = (bounds - self.table[rows, 0]) / slopes[rows]
            least = ratios.min()
            ties = rows[ratios == least]
            row = int(ties[self.basic[ties].argmin()])
            if best is None or least < best or (least == best and self.basic[row] < first):
                best, leaving = least, row
        if best is None:
            raise GaveUpError  # no edge of a bounded polytope is unbounded
        if leaving < 0:
            self._flip(q)
        else:
            self._pivot(leaving, q)

    def _flip(self, q: int) -> None:
        """Move an input from one of its bounds to the other."""
        self.table[:, 0] += self.table[:, 1 + q]
        self.table[:, 1 + q] = -self.table[:, 1 + q]
        self.flipped[q] = not self.flipped[q]

    def _pivot(self, p: int, q: int) -> None:
        """Exchange the variable of row p, which has reached a bound, with that of column q."""
        slope = self.table[p, 1 + q]
        leaving, entering = int(self.basic[p]), int(self.columns[q])
        to_upper = leaving < self.dimension and slope > 0
        # target - sign * t_new = row, so the old displacement is a function of the new one.
        solved = -self.table[p] / slope
        solved[0] += (self.one if to_upper else self.zero) / slope
        solved[1 + q] = (-self.one if to_upper else self.one) / slope
        column = self.table[:, 1 + q].copy()
        self.table[:, 1 + q] = self.zero
        self.table += np.multiply.outer(column, solved)
        if self.flipped[q]:  # rows hold inputs themselves, not displacements
            solved = -solved
            solved[0] += self.one
        self.table[p] = solved
        self.basic[p], self.columns[q] = entering, leaving
        self.flipped[q] = to_upper
