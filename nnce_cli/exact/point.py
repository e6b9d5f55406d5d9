"""Whether a cell has an interior, and a point in it: in float64 where that is fine enough."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace

import numpy as np
from flint import fmpq

from nnce_cli.exact.deepest import Guess, deepest_point
from nnce_cli.exact.dictionary import Polytope, feasible_dictionary, interior_point
from nnce_cli.exact.forward import signs_on
from nnce_cli.exact.path import CellPath, NetworkOnBox, rationals
from nnce_cli.exact.rounding import centre, nearest_float


@dataclass(frozen=True)
class InnerPoint:
    """A point strictly inside a cell: ``point`` (d,), or where no float64 point was found there
    ``exact`` (d,), of which ``point`` is each coordinate's nearest float64.
    """

    point: list[float]
    exact: list[fmpq] | None = None


def cell_point(
    network: NetworkOnBox, path: CellPath, guess: Guess | None = None
) -> InnerPoint | None:
    """Return a point inside the path's cell; None is the proof that it has no interior.

    Starts from the path's basis, or from a ``guess``, which is for cells of many inputs and few
    splits: those of a walk in an image, whose paths have no basis over the inputs.
    """
    cell = network.cell(path)
    point = _point_inside(cell, path, guess)
    if point is None:
        return None
    rounded = [nearest_float(x) for x in point]
    if is_witness(network, path, rounded):
        return InnerPoint(rounded)
    if guess is None:  # with a guess, it was the deepest point already
        point = centre(cell)
        rounded = [nearest_float(x) for x in point]
        if is_witness(network, path, rounded):
            return InnerPoint(rounded)
    return InnerPoint(rounded, point)  # the cell is thinner than the grid of floats


def has_interior(network: NetworkOnBox, path: CellPath, guess: Guess | None = None) -> bool:
    """Tell whether the path's cell has an interior; see `cell_point`."""
    return _point_inside(network.cell(path), path, guess) is not None


def splits_to_nothing(network: NetworkOnBox, path: CellPath) -> int:
    """Return how many of the first splits of a path leave no interior, where all of them do."""
    d = len(network.lower)
    corner = replace(path, columns=np.arange(d), at_upper=np.zeros(d, dtype=np.bool_))

    def leave_nothing(count: int) -> bool:
        return not has_interior(network, replace(corner, splits=path.splits[:count]))

    return bisect_left(range(len(path.splits)), True, key=leave_nothing)


def is_witness(network: NetworkOnBox, path: CellPath, point: list[float]) -> bool:
    """Tell whether a point is strictly inside the box and has exactly the path's signs (N,)."""
    if not np.isfinite(point).all():
        return False
    exact = rationals(point)
    bounds = zip(network.lower, exact, network.upper, strict=True)
    if not all(lower < x < upper for lower, x, upper in bounds):
        return False
    pullback = network.pullback
    on = pullback.layers(path.signs.tolist())
    found = np.array([s for layer in signs_on(pullback, exact, on) for s in layer])
    asked = np.where(path.is_zero, 0, path.signs)
    is_ignored = False if path.is_ignored is None else path.is_ignored
    return bool(((found == asked) | is_ignored).all())


def _point_inside(cell: Polytope, path: CellPath, guess: Guess | None) -> list[fmpq] | None:
    if guess is not None:
        return deepest_point(cell, guess)
    dictionary = feasible_dictionary(cell, path.columns.tolist(), path.at_upper.tolist())
    return None if dictionary is None else interior_point(dictionary)
