"""The classes that a network predicts on its cells, and the cells that its boundary runs through.

A class is predicted where its score is the largest, the first of several that are. On a cell the
scores are affine, so the largest of them is one affine function, and the same class is predicted
all over the cell, or the decision boundary runs through its interior. A score is the largest on
all of a cell where no neuron of one more layer, made of the differences of the other scores to
it, is active anywhere in the cell: that layer does not divide the cell, which the enumeration
decides with proof, in floating point and where need be in rational arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache

import numpy as np
from flint import fmpq, fmpq_mat, fmpz
from numpy.typing import NDArray

from nnce_cli.analysis.affine_maps import CellMaps
from nnce_cli.domain import Domain
from nnce_cli.enumeration import (
    CellPoints,
    Problem,
    Subtree,
    Walk,
    batches,
    choose,
    walk_factory,
)
from nnce_cli.exact import Pullback
from nnce_cli.network import AffineMap, LayerStack, Units, rationals

WALKS = 16  # classes whose networks of differences are kept, ready to be walked
NODES = 16  # of the walk between two looks at what it has found

Bits = NDArray[np.uint8]


class Decisions:
    """Decides the classes of cells and whether the boundary runs through them, exactly.

    A cell is given by the bits of its neurons (N,), the layers joined (`neuron_bits`).
    """

    def __init__(self, stack: LayerStack, domain: Domain, scores: AffineMap) -> None:
        """Prepare for a network on a domain; the class is that of the largest of the ``scores``."""
        self._stack = stack
        self._domain = domain
        self._scores = scores
        self._pullback = Pullback(_followed_by(stack, scores))
        self._walk = lru_cache(WALKS)(self._walk_of_differences)

    @property
    def classes(self) -> int:
        """The number of classes."""
        return self._scores.n_out

    @cached_property
    def _points(self) -> CellPoints:
        """Finds points inside the cells that are asked about."""
        return CellPoints(Problem.of(replace(self._stack, output=None), self._domain))

    def point_in(self, bits: Bits) -> list[fmpq] | None:
        """Return a point inside a cell, None where there is no such cell."""
        found = self._points.find(bits)
        if found is None:
            return None
        return rational_point(found.point) if found.exact is None else rationals_of(found.exact)

    def class_at(self, bits: Bits, point: list[fmpq]) -> int:
        """Return the class predicted at a point (n_0 numbers) inside a cell, exactly."""
        active = self._pullback.layers(bits.tolist())
        forms = self._pullback.preactivations(len(self._stack.hidden), active)
        values = (forms * fmpq_mat(len(point) + 1, 1, [fmpq(1), *point])).entries()
        return values.index(max(values))

    def is_crossed(self, bits: Bits, predicted: int) -> bool | None:
        """Tell whether the boundary runs through a cell, None where there is no such cell.

        ``predicted`` is the class at a point inside the cell. No difference is positive there; one
        that is zero there is zero on the whole cell, or takes both signs and divides it. So where
        nothing divides the cell, the score of ``predicted`` is the largest on all of it. Where
        something does, that score is not, and no other one is, being no larger at the point.
        """
        walk = self._walk(predicted)
        walk.begin(Subtree(tuple(bits.tolist())))
        while not walk.done and walk.cells < 2:
            for _ in batches(walk, NODES):
                pass
        return walk.cells > 1 if walk.cells else None

    def _walk_of_differences(self, predicted: int) -> Walk:
        """Return a walk of the network whose last layer are the differences to one score."""
        weight, bias = (rationals(values) for values in self._scores.exact_arrays)
        others = np.arange(self.classes) != predicted
        last = AffineMap.of(
            weight[others] - weight[predicted], bias[others] - bias[predicted], self._scores.nodes
        )
        problem = Problem.of(_followed_by(self._stack, last), self._domain)
        return walk_factory(choose(problem)[0])(problem, rows=False, witness=False)


def _followed_by(stack: LayerStack, layer: AffineMap) -> LayerStack:
    """Return a network with one more layer of ReLUs."""
    units = (*stack.units, Units.relu(layer.n_out))
    return replace(stack, hidden=(*stack.hidden, layer), units=units, output=None)


def clear_classes(scores: CellMaps, points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the class at a point of each cell (m, d) where floating point proves it, else -1.

    A class is proved where its score is larger than all others, beyond the error bounds.
    """
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        values, errors = scores.at(points)
        best = values.argmax(axis=1)
        rows = np.arange(len(best))
        least = (values - errors)[rows, best]
        others = values + errors
        others[rows, best] = -np.inf
        return np.where(least > others.max(axis=1), best, -1)


def rational_point(point: NDArray[np.float64]) -> list[fmpq]:
    """Return the exact coordinates of a point (n_0,) of finite numbers."""
    return [fmpq(*x.as_integer_ratio()) for x in point.tolist()]


def rationals_of(texts: Sequence[str]) -> list[fmpq]:
    """Return fractions that are written as "1/3", with numbers of any length."""
    parts = [text.partition("/") for text in texts]
    return [fmpq(fmpz(numerator), fmpz(denominator or "1")) for numerator, _, denominator in parts]
