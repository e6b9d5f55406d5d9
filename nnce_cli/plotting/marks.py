"""Points of the input space that are marked on a picture: those of a slice, and data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnce_cli.plotting.plane import Plane
from nnce_cli.plotting.polygons import Floats, Ints

PALEST = 0.3
DIGITS = 12  # of the coordinates of a slice's own points, which are zeros and ones


@dataclass(frozen=True, eq=False)
class Marks:
    """Points on a plane: ``places`` (m, 2), on a strip at half its height.

    The first ones are those that the slice goes through, and have ``labels``; the others are
    data, projected: ``distances`` (m,) is how far from the plane they are in the input space.
    ``groups`` (m,) is which of ``names`` the label of a data point is, -1 for the slice's own.
    """

    places: Floats
    labels: tuple[str, ...]
    distances: Floats
    opacities: Floats
    names: tuple[str, ...]
    groups: Ints

    @staticmethod
    def of(plane: Plane, data: Floats | None = None, labels: Sequence[str] = ()) -> Marks:
        """Return the points of the slice, if the plane is one, and ``data`` (m, inputs).

        ``labels`` are those of the data, if it has any.
        """
        own = np.array(plane.stack.points).reshape(-1, plane.origin.size)
        places, distances = _projected(plane, own)
        places = np.round(places, DIGITS) + 0.0
        given: list[str] = []
        if data is not None:
            more, far = _projected(plane, data)
            places, distances = np.concatenate([places, more]), np.append(distances, far)
            given = list(labels) or [""] * len(data)
        size = np.linalg.norm(plane.directions, axis=1).max()
        opacities = np.maximum(PALEST, 1 - distances / size)
        names = tuple(sorted(set(given), key=_order))
        groups = [-1] * len(own) + [names.index(label) for label in given]
        slices = tuple(f"p{i}" for i in range(len(own)))
        return Marks(places, slices, distances, opacities, names, np.array(groups, dtype=np.int64))

    @property
    def own(self) -> int:
        """The number of points that the slice goes through."""
        return len(self.labels)

    def within(self, plane: Plane) -> NDArray[np.bool_]:
        """Tell which of them are in the frame of a plane."""
        inside = (self.places >= plane.lower) & (self.places <= plane.upper)
        return np.asarray(inside.all(axis=1))


def _order(label: str) -> tuple[int, str]:
    """Put numbers in their order, before words."""
    return (len(label) if label.isdecimal() else 1 << 30, label)


def _projected(plane: Plane, points: Floats) -> tuple[Floats, Floats]:
    """Return where points (m, inputs) are on a plane, and how far from it: least squares."""
    steps, _, _, _ = np.linalg.lstsq(plane.directions.T, (points - plane.origin).T)
    rest = points - plane.origin - steps.T @ plane.directions
    half = np.full((len(points), 2 - plane.dimension), 0.5)
    return np.concatenate([steps.T, half], axis=1), np.linalg.norm(rest, axis=1)
