"""Cells of all of space from those of the cone over it: points x = y / t, and which are bounded."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnce_cli.enumeration.problem import Problem, sign_errors
from nnce_cli.network import MAX, LayerStack

if TYPE_CHECKING:
    from flint import fmpq

    from nnce_cli.exact import Pullback

Floats = NDArray[np.float64]
Bits = NDArray[np.uint8]
Bools = NDArray[np.bool_]


class _Around(NamedTuple):
    """A layer-k cell: its neurons' bits, what bounds it far out, and whether it is bounded."""

    path: bytes
    rows: list[list[fmpq]]
    is_bounded: bool


class ConeCells:
    """Looks at cells of a problem whose walk is in a cone; ``bits`` (m, N) are of all neurons."""

    def __init__(self, problem: Problem) -> None:
        assert problem.reduction is not None
        self._cone = problem.reduction.stack
        self._stack = problem.reduction.over_inputs
        self._around: list[_Around] = []  # the layer-k cells around the last cell

    def points(
        self, bits: Bits, found: Floats, exact: dict[int, list[str]], first: int
    ) -> tuple[Floats, dict[int, list[str]]]:
        """Return points x (m, n) strictly inside cells, for points (y, t) that are.

        ``exact`` has those points that are no floats, by rows of which these begin at ``first``;
        so has what is returned with the points the x that are none, which are rounded here.
        """
        with np.errstate(all="ignore"):
            points = found[:, :-1] / found[:, -1:]
        inside = self._are_inside(self._stack, bits, points)
        inside[[row - first for row in exact if 0 <= row - first < len(found)]] = False
        fractions = {}
        for i in np.flatnonzero(~inside).tolist():
            point = _rationals(exact.get(first + i), found[i])
            x = [y / point[-1] for y in point[:-1]]
            points[i], is_inside = self._rounded(bits[i], x)
            if not is_inside:
                fractions[first + i] = list(map(str, x))
        return points, fractions

    def are_bounded(self, bits: Bits, found: Floats | None) -> Bools:
        """Say which cells are bounded, exactly: those with no direction but 0 to go on for ever."""
        bounded = np.ones(len(bits), np.bool_)
        if found is not None:
            at_infinity = found.copy()
            at_infinity[:, -1] = 0.0
            bounded &= ~self._are_inside(self._cone, bits, at_infinity)
        sides = _sides(self._stack, bits)
        for i in np.flatnonzero(bounded).tolist():
            bounded[i] = self._is_bounded(bits[i], sides[i].tolist())
        return bounded

    def _are_inside(self, stack: LayerStack, bits: Bits, points: Floats) -> Bools:
        """Say of which points float64 proves that they have the signs of cells, off all borders."""
        if any(units.has_max for units in stack.units):
            return np.zeros(len(bits), np.bool_)
        ok = np.isfinite(points).all(axis=1)
        with np.errstate(all="ignore"):
            layers = zip(
                stack.preactivations(points),
                sign_errors(stack, np.abs(points)),
                stack.rows,
                strict=True,
            )
            start = 0
            for z, error, rows in layers:
                side = np.where(bits[:, start : start + rows] == 1, 1.0, -1.0)
                ok &= (side * z[:, :rows] > error).all(axis=1)
                start += rows
        return np.asarray(ok)

    def _rounded(self, bits: Bits, x: list[fmpq]) -> tuple[list[float], bool]:
        """Return the float64 point nearest to one of a cell, and whether it is in the cell too."""
        from nnce_cli.exact import nearest_float, rationals, signs_on

        near = [nearest_float(value) for value in x]
        if not np.isfinite(near).all():
            return np.nan_to_num(near).tolist(), False
        active = self._pullback.layers(bits.tolist())
        signs = (signs_on(self._pullback, point, active) for point in (x, rationals(near)))
        return near, next(signs) == next(signs)

    def _is_bounded(self, bits: Bits, sides: list[int]) -> bool:
        """Tell whether a cell is bounded: whether the layer-k cell around it is, for some k."""
        from nnce_cli.exact import is_pointed

        rows: list[list[fmpq]] = []
        start = 0
        for layer, count in enumerate(self._stack.rows):
            end = start + count
            path = bits[:end].tobytes()
            if len(self._around) <= layer or self._around[layer].path != path:
                rows += self._linear(layer, bits, sides[start:end])
                found = _Around(path, rows, is_pointed(rows, self._stack.n_inputs))
                self._around[layer:] = [found]
            rows = list(self._around[layer].rows)
            if self._around[layer].is_bounded:
                return True
            start = end
        return False

    def _linear(self, layer: int, bits: Bits, sides: list[int]) -> list[list[fmpq]]:
        """Return the linear parts of a layer's neurons, turned to be >= 0 far out in a cell."""
        forms = self._pullback.preactivations(layer, self._pullback.layers(bits.tolist()))
        columns = range(1, forms.ncols())
        return [[side * forms[k, c] for c in columns] for k, side in enumerate(sides) if side]

    @cached_property
    def _pullback(self) -> Pullback:
        from nnce_cli.exact import Pullback

        return Pullback(self._stack)


def _sides(stack: LayerStack, bits: Bits) -> NDArray[np.int8]:
    """Return on which side of each neuron's hyperplane cells are (m, N); 0 where on both.

    Of a max, the comparisons with the winner tell where a cell ends, and no others.
    """
    sides = np.where(bits == 1, 1, -1).astype(np.int8)
    start = 0
    for units in stack.units:
        for unit, first in units.firsts():
            if unit.kind != MAX:
                continue
            at = start + first
            on = bits[:, at : at + unit.pieces - 1]
            winner = np.where(on.any(axis=1), unit.pieces - 1 - on.argmax(axis=1), 0)
            for q, (i, j) in enumerate(unit.pairs):
                sides[:, at + q] = (winner == j).astype(np.int8) - (winner == i)
        start += units.rows
    return sides


def _rationals(fractions: list[str] | None, point: Floats) -> list[fmpq]:
    from flint import fmpq

    from nnce_cli.exact import rationals

    if fractions is None:
        return rationals(point.tolist())
    return [fmpq(*map(int, x.split("/"))) for x in fractions]
