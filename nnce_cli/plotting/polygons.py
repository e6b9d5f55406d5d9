"""Many convex polygons in flat arrays, and cutting all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Polygons:
    """Convex polygons: the corners ``points`` (v, 2) of all of them, one after the other.

    ``counts`` (p,) is how many corners each one has. A polygon that floating point cannot hold
    has fewer than three, or no area.
    """

    points: Floats
    counts: Ints

    @staticmethod
    def rectangle(lower: Floats, upper: Floats) -> Polygons:
        """Return the one rectangle between two corners (2,)."""
        (left, bottom), (right, top) = lower, upper
        corners = [[left, bottom], [right, bottom], [right, top], [left, top]]
        return Polygons(np.array(corners, dtype=np.float64), np.array([4]))

    @staticmethod
    def join(parts: Sequence[Polygons]) -> Polygons:
        """Return the polygons of all parts in order."""
        return Polygons(
            np.concatenate([part.points for part in parts]),
            np.concatenate([part.counts for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.counts)

    @cached_property
    def starts(self) -> Ints:
        """Where each polygon's corners begin, and where the last ones end: (p + 1,)."""
        return np.concatenate([[0], np.cumsum(self.counts)])

    @cached_property
    def owner(self) -> Ints:
        """Which polygon each corner belongs to: (v,)."""
        return np.repeat(np.arange(len(self)), self.counts)

    @cached_property
    def following(self) -> Ints:
        """The index of the next corner of the same polygon: (v,)."""
        following = np.arange(1, len(self.points) + 1)
        real = self.counts > 0
        following[self.starts[1:][real] - 1] = self.starts[:-1][real]
        return following

    def take(self, which: Ints) -> Polygons:
        """Return the polygons of these indices, in their order."""
        return _gather(self.points, self.starts[which], self.counts[which])

    def areas(self) -> Floats:
        """Return the areas (p,)."""
        here = self.points - self.centres()[self.owner]
        after = here[self.following]
        cross = here[:, 0] * after[:, 1] - here[:, 1] * after[:, 0]
        return np.bincount(self.owner, cross, minlength=len(self)) / 2

    def centres(self) -> Floats:
        """Return the mean of each polygon's corners (p, 2), zero where there are none."""
        sums = [np.bincount(self.owner, x, minlength=len(self)) for x in self.points.T]
        return np.stack(sums, axis=1) / np.maximum(self.counts, 1)[:, None]

    def values(self, maps: Floats) -> Floats:
        """Return at each corner (v,) what its polygon's map of ``maps`` (p, 3) gives there.

        A map's row (a, b, c) stands for ``a x + b y + c``.
        """
        a, b, c = maps[self.owner].T
        result: Floats = a * self.points[:, 0] + b * self.points[:, 1] + c
        return result

    def lowest_and_highest(self, values: Floats) -> tuple[Floats, Floats]:
        """Return the least and the greatest of each polygon's ``values`` (v,); NaN for none."""
        low, high = np.full(len(self), np.nan), np.full(len(self), np.nan)
        real = self.counts > 0
        if real.any():
            low[real] = np.minimum.reduceat(values, self.starts[:-1][real])
            high[real] = np.maximum.reduceat(values, self.starts[:-1][real])
        return low, high

    def split(self, maps: Floats) -> tuple[Polygons, Polygons, Floats]:
        """Cut every polygon along the zero line of its map.

        Args:
            maps: (p, 3), as for `values`.

        Returns:
            What lies where the map is <= 0, what lies where it is >= 0 (Sutherland and Hodgman,
            Reentrant polygon clipping, CACM 1974), and the cuts: the two ends of each (p, 2, 2),
            NaN where the line misses the polygon.
        """
        here = self.values(maps)
        after = here[self.following]
        crossed = (here < 0) & (after > 0) | (here > 0) & (after < 0)
        share = np.divide(here, here - after, out=np.zeros_like(here), where=crossed)
        step = self.points[self.following] - self.points
        crossings = self.points + share[:, None] * step
        # In the order of the boundary: a corner, then the crossing between it and the next one.
        candidates = np.stack([self.points, crossings], axis=1).reshape(-1, 2)

        def chosen(corners: NDArray[np.bool_]) -> NDArray[np.bool_]:
            return np.stack([corners, crossed], axis=1).ravel()

        def clipped(corners: NDArray[np.bool_]) -> Polygons:
            counts = np.bincount(self.owner[corners], minlength=len(self))
            counts += np.bincount(self.owner[crossed], minlength=len(self))
            return Polygons(candidates[chosen(corners)], counts)

        on_line = chosen(here == 0)
        chords = self._first_and_last(candidates[on_line], np.repeat(self.owner, 2)[on_line])
        return clipped(here <= 0), clipped(here >= 0), chords

    def _first_and_last(self, points: Floats, owner: Ints) -> Floats:
        """Return the first and the last of each polygon's ``points``; NaN where there are none."""
        ends = np.full((len(self), 2, 2), np.nan)
        ends[owner[::-1], 0] = points[::-1]
        ends[owner, 1] = points
        return ends


class Pool:
    """Polygons that come in batches, and are taken by the index under which they were added."""

    def __init__(self, polygons: Polygons) -> None:
        """Begin with these, under the indices 0, 1, …."""
        self._points = polygons.points
        self._starts = polygons.starts[:-1]
        self._counts = polygons.counts
        self._corners, self._filled = len(polygons.points), len(polygons)

    def add(self, polygons: Polygons) -> Ints:
        """Add polygons; return their indices."""
        corners = slice(self._corners, self._corners + len(polygons.points))
        new = slice(self._filled, self._filled + len(polygons))
        self._points = _with_room(self._points, corners.stop)
        self._starts = _with_room(self._starts, new.stop)
        self._counts = _with_room(self._counts, new.stop)
        self._points[corners] = polygons.points
        self._starts[new] = corners.start + polygons.starts[:-1]
        self._counts[new] = polygons.counts
        self._corners, self._filled = corners.stop, new.stop
        return np.arange(new.start, new.stop)

    def take(self, which: Ints) -> Polygons:
        """Return the polygons of these indices, in their order."""
        return _gather(self._points, self._starts[which], self._counts[which])


def _gather(points: Floats, starts: Ints, counts: Ints) -> Polygons:
    """Return the polygons whose corners begin at ``starts`` in ``points``."""
    ends = np.cumsum(counts)
    shift = np.repeat(starts - ends + counts, counts)
    return Polygons(points[np.arange(len(shift)) + shift], counts)


def _with_room(array: NDArray[Any], size: int) -> NDArray[Any]:
    """Return the array, or a longer one with the same contents: at least ``size`` long."""
    if size <= len(array):
        return array
    longer = np.empty((2 * size, *array.shape[1:]), dtype=array.dtype)
    longer[: len(array)] = array
    return longer
