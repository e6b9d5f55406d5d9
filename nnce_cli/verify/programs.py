"""Many linear programs side by side in float64: a search for combinations that prove.

Each polytope is one of many, {u in [0, 1]^d : g(u) >= 0 for its walls g}, and for each of its
targets f the least value over it is sought, by the simplex method (Chvátal 1983, chapters 2, 3
and 8): at a vertex, all functions are written in terms of the d displacements t >= 0 of the walls
and bounds that meet there. A function whose coefficients are all nonnegative there is least at
this vertex, and its coefficients are the multipliers that `combinations` checks. Nothing here is
a proof: tolerances, a perturbation of the walls against cycling, and the limit on the number of
steps decide only what is found.

All polytopes step together, each on its own target, so that a step is a few operations on
arrays. The start is a point inside, from where the first d steps lead to a vertex.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nnce_cli.verify.layer_units import Bools, Floats, Ints

TOLERANCE = 1e-9
PERTURBATION = 1e-7  # of a wall whose largest coefficient is 1
STEPS = 10  # for each wall and input of a polytope: far more than are ever of use
CROWD = 0.7  # polytopes that are done leave the arrays when there are fewer than this share left


@dataclass(frozen=True, eq=False)
class Found:
    """The combinations that were found: for p targets, of the polytopes ``cell``.

    ``points`` (p, d) are where the targets are least.

    ``columns`` (p, d) says what each multiplier is for: the function k < n, or n + i for a bound
    of input i, which needs none. Multipliers (p, d) are those of the functions as given.
    """

    cell: Ints
    target: Ints
    columns: Ints
    multipliers: Floats
    points: Floats


def find_combinations(forms: Floats, walls: Bools, targets: Bools, points: Floats) -> Found:
    """Minimise the targets over the polytopes.

    Args:
        forms: (m, n, 1 + d), the functions of m polytopes.
        walls: (m, n), those that are >= 0 on the polytope.
        targets: (m, n), those to be minimised, none of them a wall.
        points: (m, d), a point inside each polytope.
    """
    with np.errstate(all="ignore"):
        search = _Search(forms, walls, targets, points)
        steps = STEPS * (forms.shape[1] + forms.shape[2])
        for _ in range(steps):
            search.collect()
            if not search.go_on():
                break
            search.step()
        return search.found()


class _Search:
    """The dictionaries of all polytopes that still have a target.

    ``table`` (m, n + d, 1 + d) holds the n functions and then the d inputs, as functions of the
    displacements. ``columns`` (m, d) are the rows that are displaced; ``is_free`` says where
    that is an input that has not yet been moved to a wall, which may go both ways.
    """

    def __init__(self, forms: Floats, walls: Bools, targets: Bools, points: Floats) -> None:
        m, n, width = forms.shape
        d = width - 1
        self.n = n
        self.scale = np.abs(forms).max(axis=2)
        self.scale[~(self.scale > 0)] = 1.0
        self.table = np.zeros((m, n + d, width))
        self.table[:, :n] = forms / self.scale[:, :, None]
        self.table[:, :n, 0] += np.matmul(self.table[:, :n, 1:], points[:, :, None])[:, :, 0]
        self.table[:, :n, 0] += PERTURBATION * np.random.default_rng(0).uniform(1, 2, n) * walls
        self.table[:, n:, 0] = points
        self.table[:, range(n, n + d), range(1, width)] = 1.0
        self.stops = np.concatenate([walls, np.ones((m, d), dtype=np.bool_)], axis=1)
        self.columns = np.broadcast_to(np.arange(n, n + d), (m, d)).copy()
        self.is_free = np.ones((m, d), dtype=np.bool_)
        self.targets = targets.copy()
        self.target = np.full(m, -1)
        self.cell = np.arange(m)
        self._found: list[Found] = []

    def collect(self) -> None:
        """Take out the targets that are least where their polytope's vertex is."""
        least = self.table[:, : self.n, 1:].min(axis=2)
        is_vertex = np.asarray(~self.is_free.any(axis=1))
        done = self.targets & (least >= -TOLERANCE) & is_vertex[:, None]
        i, k = np.nonzero(done)
        self.targets[i, k] = False
        columns = self.columns[i]
        scales = np.take_along_axis(self.scale[i], np.minimum(columns, self.n - 1), axis=1)
        multipliers = self.table[i, k, 1:] * self.scale[i, k][:, None] / scales
        points = self.table[i, self.n :, 0]
        self._found.append(Found(self.cell[i], k, columns, multipliers, points))
        # A target that is done makes room for the one whose row looks most like the end.
        idle = np.flatnonzero((self.target < 0) | ~self.targets[self._every, self.target])
        ranked = np.where(self.targets[idle], least[idle], -np.inf)
        self.target[idle] = ranked.argmax(axis=1)

    def go_on(self) -> bool:
        """Drop the polytopes that have no targets any more; False if none is left."""
        busy = np.asarray(self.targets.any(axis=1))
        if busy.sum() <= CROWD * len(busy):
            for name in ("scale", "table", "stops", "columns", "is_free", "targets", "target"):
                setattr(self, name, getattr(self, name)[busy])
            self.cell = self.cell[busy]
        return bool(busy.any())

    def step(self) -> None:
        """Move each polytope's vertex along an edge that lowers its target."""
        every = self._every
        row = self.table[every, self.target, 1:]
        gains = np.where(self.is_free, np.abs(row) + 1.0, -row)  # first leave the inside
        q = gains.argmax(axis=1)
        down = np.where(self.is_free[every, q] & (row[every, q] > 0), -1.0, 1.0)
        slopes = self.table[every, :, 1 + q]
        moving = slopes * down[:, None]
        to_upper = moving > TOLERANCE
        to_upper[:, : self.n] = False
        room = np.where(to_upper, 1.0 - self.table[:, :, 0], self.table[:, :, 0])
        stopping = self.stops & (to_upper | (moving < -TOLERANCE))
        ratios = np.where(stopping, np.maximum(room, 0.0) / np.abs(moving), np.inf)
        p = ratios.argmin(axis=1)
        lost = ~(ratios[every, p] < np.inf)
        self.targets[lost] = False
        self._exchange(every[~lost], p[~lost], q[~lost], slopes[~lost], to_upper[~lost])

    def _exchange(self, i: Ints, p: Ints, q: Ints, slopes: Floats, to_upper: Bools) -> None:
        """Displace row p, which has reached a bound, in the place of column q."""
        here = np.arange(len(i))
        whole = len(i) == len(self.table)
        table = self.table if whole else self.table[i]
        pivot = slopes[here, p]
        upper = to_upper[here, p]
        solved = table[here, p] / -pivot[:, None]
        solved[:, 0] += np.where(upper, 1.0, 0.0) / pivot
        solved[here, 1 + q] = 0.0
        table += slopes[:, :, None] * solved[:, None, :]
        table[here, :, 1 + q] = slopes * (np.where(upper, -1.0, 1.0) / pivot)[:, None]
        if not whole:
            self.table[i] = table
        self.columns[i, q] = p
        self.is_free[i, q] = False

    def found(self) -> Found:
        """Return all that was collected."""
        parts = self._found
        return Found(
            np.concatenate([part.cell for part in parts]),
            np.concatenate([part.target for part in parts]),
            np.concatenate([part.columns for part in parts]),
            np.concatenate([part.multipliers for part in parts]),
            np.concatenate([part.points for part in parts]),
        )

    @property
    def _every(self) -> Ints:
        return np.arange(len(self.table))
