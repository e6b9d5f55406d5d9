"""The path to a cell as a walk in floating point knows it, and what it means exactly."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.domain import Box
from nnce_cli.exact.dictionary import Polytope
from nnce_cli.exact.pullback import Pullback


@dataclass(frozen=True, eq=False)
class CellPath:
    """A cell, by the decisions on the way to it, and a basis to start from. N neurons.

    ``signs`` (N,) are 1 or -1 for the neurons that are decided, 1 where they are handed on;
    ``is_zero`` (N,) says which of them are identically zero on the cell, ``is_ignored`` (N,) of
    which nothing is asked: they belong to a max whose winner others tell. ``splits`` (n,) are the
    neurons whose hyperplanes cut what the decisions before them had left. ``scale`` (N,) are the
    powers of two by which the walk multiplies each neuron. ``columns`` (d,) and ``at_upper`` (d,)
    are the basis of the walk's dictionary: variable i < d is an input, d + j the slack of neuron j.
    """

    signs: NDArray[np.integer]
    is_zero: NDArray[np.bool_]
    splits: NDArray[np.integer]
    scale: NDArray[np.float64]
    columns: NDArray[np.integer]
    at_upper: NDArray[np.bool_]
    is_ignored: NDArray[np.bool_] | None = None


class NetworkOnBox:
    """What paths are about: a network and a box, in rational numbers.

    ``lower`` and ``upper`` (d,) are the bounds of the box.
    """

    def __init__(self, pullback: Pullback, box: Box) -> None:
        self.pullback = pullback
        self.lower = rationals(box.lower.tolist())
        self.upper = rationals(box.upper.tolist())

    def form(self, neuron: int, path: CellPath) -> list[fmpq]:
        """The neuron's preactivation on the path's cell: its constant, its coefficients of x."""
        offset = self.pullback.offset
        layer = bisect_right(offset, neuron) - 1
        active = self.pullback.layers(path.signs[: offset[layer]].tolist())
        rows = self.pullback.preactivations(layer, active)
        return [rows[neuron - offset[layer], c] for c in range(rows.ncols())]

    def scaled(self, neuron: int, side: int, path: CellPath) -> list[fmpq]:
        """The neuron's row in the walk's dictionary: its form times its scale and ``side``."""
        factor = side * fmpq(*float(path.scale[neuron]).as_integer_ratio())
        return [factor * x for x in self.form(neuron, path)]

    def cell(self, path: CellPath) -> Polytope:
        """The cell as a polytope with a slack for each split."""
        d = len(self.lower)
        slacks = {
            d + neuron: self.scaled(neuron, int(path.signs[neuron]), path)
            for neuron in path.splits.tolist()
        }
        return Polytope(self.lower, self.upper, slacks)


def rationals(values: Sequence[float]) -> list[fmpq]:
    """Return floats as rational numbers."""
    return [fmpq(*x.as_integer_ratio()) for x in values]
