"""Slices: the plane, line or space through given points of the input space.

With points p_0, p_1, …, p_k a slice is x = p_0 + u_1 (p_1 - p_0) + … + u_k (p_k - p_0), and u are
its coordinates. It is one more affine map in front of the network, which is multiplied into the
first layer without rounding: the cells of the network on the slice are those of the product on a
box of coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.domain.box import Box
from nnce_cli.domain.numbers import nearest_float, parse_decimal
from nnce_cli.domain.points_file import read_points
from nnce_cli.network import AffineMap, LayerStack, rational_matrix, rationals

if TYPE_CHECKING:
    from flint import fmpq

MOST_POINTS = 17  # the corners of a box of coordinates are looked at

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Slice:
    """The slice through ``points``: float64 (k + 1, n), the corner first; all are exact.

    Raises:
        InputError: there are too few or too many points, or they do not span k dimensions.
    """

    points: Floats

    def __post_init__(self) -> None:
        """Refuse points that make no slice."""
        count, n = self.points.shape
        if not 2 <= count <= MOST_POINTS:
            raise InputError(f"a slice goes through 2 to {MOST_POINTS} points, not {count}")
        if not np.isfinite(self.points).all():
            raise InputError("a point of a slice has a coordinate that is not finite")
        if count - 1 > n or self._rank() < count - 1:
            raise InputError(
                f"the {count} points of the slice span fewer than {count - 1} dimensions: some of "
                "them are the same, or on a line or plane with the others"
            )

    @property
    def dimension(self) -> int:
        """The number k of coordinates."""
        return len(self.points) - 1

    @property
    def n_inputs(self) -> int:
        """The number n of the network's inputs."""
        return int(self.points.shape[1])

    def inputs_at(self, coordinates: Floats) -> Floats:
        """Return the inputs (m, n) at coordinates (m, k), rounded to float64."""
        origin, directions = self.points[0], self.points[1:] - self.points[0]
        return np.asarray(origin + coordinates @ directions)

    @cached_property
    def directions(self) -> NDArray[Any]:
        """The exact steps p_i - p_0 (k, n): rationals."""
        found = rationals(self.points)
        return np.asarray(found[1:] - found[0])

    def exact_inputs_at(self, coordinates: list[fmpq]) -> list[fmpq]:
        """Return the input (n) at rational coordinates (k)."""
        u = np.array(coordinates, dtype=object)
        return list(rationals(self.points)[0] + u @ self.directions)

    def _rank(self) -> int:
        return int(rational_matrix(self.directions).rank())


def on_slice(stack: LayerStack, plane: Slice) -> LayerStack:
    """Return the network over the coordinates of a slice; it keeps the network's digest.

    Raises:
        InputError: the points have another number of coordinates than the network has inputs.
    """
    if plane.n_inputs != stack.n_inputs:
        raise InputError(
            f"the points of the slice have {plane.n_inputs} coordinates and the network "
            f"has {stack.n_inputs} inputs"
        )
    points = tuple(map(tuple, plane.points.tolist()))
    reduced = replace(stack, input_shape=(plane.dimension,), points=points)
    if stack.hidden:
        return replace(reduced, hidden=(_composed(stack.hidden[0], plane), *stack.hidden[1:]))
    assert stack.output is not None
    return replace(reduced, output=_composed(stack.output, plane))


def read_slice(path: Path) -> Slice:
    """Read the points of a slice: CSV with a point a row, JSON with a list of lists, or .npy.

    Points may have any shape in JSON and .npy, behind the axis of points: that of an image.

    Raises:
        InputError: it cannot be read, or its points make no slice.
    """
    try:
        return Slice(read_points(path))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def widened(box: Box, margin: str) -> Box:
    """Return a box of coordinates that goes beyond another by a decimal in every direction.

    Raises:
        InputError: the margin is not a number, or below zero.
    """
    try:
        more = parse_decimal(margin.strip())
    except InputError as error:
        raise InputError(f"the margin {error}: write for example 0.2") from error
    if more < 0:
        raise InputError(f"the margin {margin} is below zero")
    return Box(
        np.array([nearest_float(Fraction(lo) - more) for lo in box.lower.tolist()]),
        np.array([nearest_float(Fraction(hi) + more) for hi in box.upper.tolist()]),
    )


def _composed(layer: AffineMap, plane: Slice) -> AffineMap:
    """Return ``z = W (p_0 + P u) + b`` without rounding."""
    return layer.after(plane.directions.T, plane.points[0])
