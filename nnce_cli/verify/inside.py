"""Which points are strictly inside a domain: in float64 with a bound on errors, else exactly."""

from __future__ import annotations

import numpy as np
from flint import fmpq

from nnce_cli.base.rounding import UNDERFLOW, UNIT_ROUNDOFF
from nnce_cli.domain import Domain
from nnce_cli.verify.forms import rationals
from nnce_cli.verify.layer_units import Bools, Floats


class Inside:
    """Tells of points whether they are strictly inside a domain.

    That is, off all bounds and half-spaces; an input of zero width has to have its value.
    """

    def __init__(self, domain: Domain) -> None:
        self._lower, self._upper = domain.lower, domain.upper
        self._free = domain.lower < domain.upper
        rows = domain.halfspaces
        # A half-space that no input moves a point in or out of has no border to be off from.
        self._rows = rows[(rows[:, :-1][:, self._free] != 0).any(axis=1)]

    def holds(self, points: Floats) -> Bools:
        """Say which points (m, n_0) are strictly inside."""
        lower, upper, free = self._lower, self._upper, self._free
        inside = np.where(free, (lower < points) & (points < upper), points == lower).all(axis=1)
        if not len(self._rows):
            return np.asarray(inside)
        a, b = self._rows[:, :-1], self._rows[:, -1]
        with np.errstate(all="ignore"):
            room = b - points @ a.T
            sizes = np.abs(b) + np.abs(points) @ np.abs(a).T
            wrong = 2 * (points.shape[1] + 4) * UNIT_ROUNDOFF * sizes + UNDERFLOW
            is_sure = (room > wrong).all(axis=1)
            is_outside = (room < -wrong).any(axis=1)
        for i in np.flatnonzero(inside & ~is_sure & ~is_outside).tolist():
            is_sure[i] = self.holds_exactly(rationals(points[i]))
        return np.asarray(inside & is_sure)

    def holds_exactly(self, point: list[fmpq]) -> bool:
        """Tell whether a rational point (n_0 entries) is strictly inside."""
        fixed = np.flatnonzero(~self._free).tolist()
        values = rationals(self._lower[~self._free])
        if any(point[i] != value for i, value in zip(fixed, values, strict=True)):
            return False
        return all(room > 0 for room in self.rooms(point))

    def rooms(self, point: list[fmpq]) -> list[fmpq]:
        """Return how far a rational point is inside of each bound and half-space: b - a.x."""
        found = []
        for sign, bounds in ((1, self._upper), (-1, self._lower)):
            there = np.flatnonzero(self._free & np.isfinite(bounds))
            limits = zip(there.tolist(), rationals(bounds[there]), strict=True)
            found += [sign * (limit - point[i]) for i, limit in limits]
        for row in self._rows:
            *a, b = rationals(row)
            found.append(b - sum((w * x for w, x in zip(a, point, strict=True)), fmpq(0)))
        return found
