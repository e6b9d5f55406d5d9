"""In which cells of a table points are: decided exactly, for many points together.

Floating point with error bounds tells the codes of most points, and rational arithmetic those of
the others, which are close to a border or on one. A point on a border is in all the cells whose
codes are its own but for the neurons that are zero there (germ.py). All codes together are then
looked up in the sorted table.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.atlas.float_codes import float_codes, points_at_a_time
from nnce_cli.atlas.germ import Options, all_codes, count_codes, options_at, pattern_of
from nnce_cli.base.errors import InputError
from nnce_cli.base.rounding import UNDERFLOW, UNIT_ROUNDOFF
from nnce_cli.domain import Domain
from nnce_cli.exact import Pullback, rationals
from nnce_cli.network import LayerStack
from nnce_cli.table import CellTableReader, find_rows, matching_rows

MOST_CODES = 256  # of a point on borders that are looked up; with more the table is read

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Located:
    """Where m points are.

    ``row`` (m,) is the first row whose cell has the point, -1 where there is none;
    ``is_outside`` (m,) says which points are outside of the domain. ``borders`` has all rows of
    the points that are in more than one cell. ``exact`` is how many points took rational
    arithmetic. In a table that is not complete, a point inside may have no row.
    """

    row: Ints
    is_outside: Bools
    borders: dict[int, tuple[int, ...]] = field(default_factory=dict)
    exact: int = 0

    def rows_of(self, point: int) -> tuple[int, ...]:
        """Return all rows whose cells have a point."""
        row = int(self.row[point])
        return self.borders.get(point, (row,) if row >= 0 else ())

    def occupancy(self) -> tuple[Ints, Ints]:
        """Return the rows that have points, ascending, and how many each has.

        A point on a border counts in each of its cells.
        """
        further = [row for rows in self.borders.values() for row in rows[1:]]
        rows = np.concatenate([self.row[self.row >= 0], np.array(further, dtype=np.int64)])
        found, counts = np.unique(rows, return_counts=True)
        return found, counts.astype(np.int64)


class Locator:
    """Finds the cells of points in one table of a network's cells on a domain."""

    def __init__(self, reader: CellTableReader, stack: LayerStack, domain: Domain) -> None:
        """Prepare for points; ``stack`` and ``domain`` are those of the table."""
        self._reader = reader
        self._stack = stack
        self._domain = domain
        self._pullback = Pullback(stack)

    def locate(self, points: Floats) -> Located:
        """Return where points (m, n_0) are; each coordinate is taken as the float64 that it is.

        Raises:
            InputError: they have another number of coordinates, or one that is not finite; or the
                table is damaged.
        """
        self._refuse(points)
        is_inside = _is_inside(self._domain, points)
        joined, is_certain = self._codes(points, is_inside)
        row = np.full(len(points), -1, dtype=np.int64)
        row[is_certain] = find_rows(self._reader, joined[is_certain])
        unsure = np.flatnonzero(is_inside & ~is_certain)
        borders = self._around(points[unsure], unsure)
        for point, rows in borders.items():
            row[point] = rows[0] if rows else -1
        several = {point: rows for point, rows in borders.items() if len(rows) > 1}
        return Located(row, ~is_inside, several, len(unsure))

    def _refuse(self, points: Floats) -> None:
        n = self._stack.n_inputs
        if points.ndim != 2 or points.shape[1] != n:
            inputs = "coordinates of the slice" if self._stack.points else "inputs of the network"
            raise InputError(
                f"the points have {points.shape[-1]} coordinates and there are {n} {inputs}; "
                "give a row of as many numbers for each point"
            )
        wrong = ~np.isfinite(points).all(axis=1)
        if wrong.any():
            raise InputError(
                f"point {int(wrong.argmax())} has a coordinate that is not finite; leave it out"
            )

    def _codes(self, points: Floats, is_inside: Bools) -> tuple[NDArray[np.uint8], Bools]:
        """Return the joined rows that floating point tells, and which are certain and inside."""
        joined = np.zeros((len(points), self._stack.layout.row_bytes), np.uint8)
        is_certain = np.zeros(len(points), dtype=np.bool_)
        step = points_at_a_time(self._stack)
        for start in range(0, len(points), step):
            some = slice(start, start + step)
            found = float_codes(self._stack, points[some])
            joined[some], is_certain[some] = found.joined, found.is_certain
        return joined, is_certain & is_inside

    def _around(self, points: Floats, numbers: Ints) -> dict[int, tuple[int, ...]]:
        """Return all rows around points (k, n_0), by their numbers (k,)."""
        different, where = np.unique(points, axis=0, return_inverse=True)
        options = [options_at(self._pullback, rationals(x)) for x in different.tolist()]
        rows = self._rows_of(options)
        return {
            point: rows[k] for point, k in zip(numbers.tolist(), where.reshape(-1), strict=True)
        }

    def _rows_of(self, options: list[Options]) -> list[tuple[int, ...]]:
        """Return the rows with one of the codes of each of some options."""
        found: list[tuple[int, ...]] = [()] * len(options)
        few = [k for k, each in enumerate(options) if count_codes(each) <= MOST_CODES]
        if few:
            codes = [all_codes(self._stack, options[k]) for k in few]
            rows = find_rows(self._reader, np.concatenate(codes))
            ends = np.cumsum([len(each) for each in codes])[:-1]
            for k, part in zip(few, np.split(rows, ends), strict=True):
                found[k] = tuple(sorted(part[part >= 0].tolist()))
        many = sorted(set(range(len(options))).difference(few))
        if many:
            patterns = [pattern_of(self._stack, options[k]) for k in many]
            for k, part in zip(many, matching_rows(self._reader, patterns), strict=True):
                found[k] = tuple(part.tolist())
        return found


def _is_inside(domain: Domain, points: Floats) -> Bools:
    """Say which points are in a domain, its border included."""
    inside = ((domain.lower <= points) & (points <= domain.upper)).all(axis=1)
    rows = domain.halfspaces
    if not len(rows):
        return np.asarray(inside)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        value = points @ rows[:, :-1].T - rows[:, -1]
        size = np.abs(points) @ np.abs(rows[:, :-1]).T + np.abs(rows[:, -1])
        error = 2 * (points.shape[1] + 4) * UNIT_ROUNDOFF * size + UNDERFLOW
    inside &= ~(value > error).any(axis=1)
    open_points = inside & ~(value < -error).all(axis=1)
    for i in np.flatnonzero(open_points).tolist():
        inside[i] = _holds(points[i].tolist(), rows[~(value[i] < -error[i])].tolist())
    return np.asarray(inside)


def _holds(point: list[float], halfspaces: list[list[float]]) -> bool:
    """Tell exactly whether a point is in half-spaces a.x <= b."""
    x = rationals(point)
    for row in halfspaces:
        *a, b = rationals(row)
        if sum((c * y for c, y in zip(a, x, strict=True)), fmpq(0)) > b:
            return False
    return True
