"""Points of the input space that are marked on a picture: those of a slice, and data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.domain import read_points
from nnce_cli.plotting.plane import Plane
from nnce_cli.plotting.polygons import Floats

MOST_DATA = 10_000
PALEST = 0.2
DIGITS = 12  # of the coordinates of a slice's own points, which are zeros and ones


@dataclass(frozen=True, eq=False)
class Marks:
    """Points on a plane: ``places`` (m, 2), on a strip at half its height.

    The first ones are those that the slice goes through, and have ``labels``; the others are
    data, projected: ``distances`` (m,) is how far from the plane they are in the input space.
    """

    places: Floats
    labels: tuple[str, ...]
    distances: Floats
    opacities: Floats

    @staticmethod
    def of(plane: Plane, data: Floats | None = None) -> Marks:
        """Return the points of the slice, if the plane is one, and ``data`` (m, inputs).

        Raises:
            InputError: the data has another number of coordinates than the network has inputs.
        """
        own = np.array(plane.stack.points).reshape(-1, plane.origin.size)
        places, distances = _projected(plane, own)
        places = np.round(places, DIGITS) + 0.0
        if data is not None:
            more, far = _projected(plane, data)
            places, distances = np.concatenate([places, more]), np.append(distances, far)
        size = np.linalg.norm(plane.directions, axis=1).max()
        opacities = np.maximum(PALEST, 1 - distances / size)
        return Marks(places, tuple(f"p{i}" for i in range(len(own))), distances, opacities)

    @property
    def own(self) -> int:
        """The number of points that the slice goes through."""
        return len(self.labels)

    def within(self, plane: Plane) -> NDArray[np.bool_]:
        """Tell which of them are in the frame of a plane."""
        inside = (self.places >= plane.lower) & (self.places <= plane.upper)
        return np.asarray(inside.all(axis=1))


def read_data(path: Path, plane: Plane) -> Floats:
    """Read data points (m, inputs) from a file like that of a slice.

    Raises:
        InputError: it cannot be read, or is not of inputs of this network; it names the file.
    """
    try:
        points = read_points(path)
        n = plane.origin.size
        if len(points) > MOST_DATA:
            raise InputError(f"it has {len(points):,} points; give at most {MOST_DATA:,}")
        if len(points) and points.shape[1] != n:
            raise InputError(
                f"its points have {points.shape[1]:,} coordinates and the network has {n:,} inputs"
            )
        if not np.isfinite(points).all():
            raise InputError("a point has a coordinate that is not finite")
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return points.reshape(-1, n)


def _projected(plane: Plane, points: Floats) -> tuple[Floats, Floats]:
    """Return where points (m, inputs) are on a plane, and how far from it: least squares."""
    steps, _, _, _ = np.linalg.lstsq(plane.directions.T, (points - plane.origin).T)
    rest = points - plane.origin - steps.T @ plane.directions
    half = np.full((len(points), 2 - plane.dimension), 0.5)
    return np.concatenate([steps.T, half], axis=1), np.linalg.norm(rest, axis=1)
