"""The classes that a network predicts on its cells, and the cells that its boundary runs through.

A class is predicted where its score is the largest, the first of several that are. On a cell the
scores are affine, so the largest of them is one affine function, and the same class is predicted
all over the cell, or the decision boundary runs through its interior. Which of both is so tell the
classes that win somewhere in the cell (`Winners`). With many classes it is asked cell by cell: a
score is the largest on all of a cell where no neuron of one more layer, made of the differences of
the other scores to it, is active anywhere in the cell. Both are decided with proof, in floating
point and where need be in rational arithmetic, by the enumeration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache

import numpy as np
from flint import fmpq, fmpq_mat, fmpz
from numpy.typing import NDArray

from nnce_cli.analysis.winners import MOST_CLASSES, Winners
from nnce_cli.domain import Domain
from nnce_cli.enumeration import (
    Problem,
    Subtree,
    TreeRows,
    Walk,
    batches,
    choose,
    walk_along,
    walk_factory,
)
from nnce_cli.exact import Pullback
from nnce_cli.network import AffineMap, LayerStack, Units, rationals

WALKS = 16  # classes whose networks of differences are kept, ready to be walked
NODES = 16  # of the walk between two looks at what it has found

Bits = NDArray[np.uint8]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


class Decisions:
    """Decides the classes of cells and whether the boundary runs through them, exactly.

    Cells are given by the bits of their neurons (N,), the layers joined (`neuron_bits`).
    """

    def __init__(self, stack: LayerStack, domain: Domain, scores: AffineMap) -> None:
        """Prepare for a network on a domain; the class is that of the largest of the ``scores``."""
        self._stack = stack
        self._domain = domain
        self._scores = scores
        self._winners = Winners(stack, domain, scores)
        self._walk = lru_cache(WALKS)(self._walk_of_differences)

    @property
    def classes(self) -> int:
        """The number of classes."""
        return self._scores.n_out

    @property
    def are_many(self) -> bool:
        """Whether the classes are so many that `winners` does not tell them apart."""
        return self.classes > MOST_CLASSES

    def winners(self, rows: TreeRows) -> Bools:
        """Return which classes win in the interior of the cells of consecutive rows: (m, classes).

        Where several do, there may be others among them that do not. A row in which none does is no
        cell. Many classes may all win, as far as it tells.
        """
        if self.are_many:
            return np.ones((len(rows.bits), self.classes), np.bool_)
        return self._winners.of(rows)

    def points(self, rows: TreeRows) -> tuple[Floats, dict[int, list[str]]]:
        """Return points (m, n_0) inside the cells of consecutive rows, those of `CellPoints`.

        They are NaN in rows that are no cells, and rounded in those of which the exact points are
        returned with them.
        """
        points = np.full((len(rows.bits), self._domain.n_inputs), np.nan)
        exact: dict[int, list[str]] = {}
        for met in walk_along(self._own_walk, rows):
            assert met.batch.witness is not None
            is_row = met.rows >= 0
            points[met.rows[is_row]] = met.batch.witness[is_row]
            places = met.exact_witnesses.items()
            exact |= {int(met.rows[place]): point for place, point in places if is_row[place]}
        return points, exact

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

    @cached_property
    def _pullback(self) -> Pullback:
        return Pullback(_followed_by(self._stack, self._scores))

    @cached_property
    def _own_walk(self) -> Walk:
        problem = Problem.of(
            replace(self._stack, output=None) if self._stack.hidden else self._stack, self._domain
        )
        return walk_factory(choose(problem)[0])(problem)

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
    hidden = (*stack.hidden, layer)
    return replace(stack, hidden=hidden, units=units, output=None, places=())


def clear_classes(values: Floats, errors: Floats, wins: Bools) -> NDArray[np.int64]:
    """Return the class at a point in each cell (m,) where floating point proves it, else -1.

    ``values`` and ``errors`` (m, classes) are the scores at the points and bounds on their errors,
    ``wins`` has all classes that win somewhere in the cells. One of these whose score is larger
    than those of the others, beyond the error bounds, wins all around the point. No other score
    exceeds it there, so one that is as large is so on the whole cell, and stands behind it.
    """
    rows = np.arange(len(values))
    with np.errstate(invalid="ignore"):
        best = np.where(wins, values, -np.inf).argmax(axis=1)
        least = (values - errors)[rows, best]
        others = np.where(wins, values + errors, -np.inf)
        others[rows, best] = -np.inf
        return np.where(least > others.max(axis=1), best, -1)


def rational_point(point: NDArray[np.float64]) -> list[fmpq]:
    """Return the exact coordinates of a point (n_0,) of finite numbers."""
    return [fmpq(*x.as_integer_ratio()) for x in point.tolist()]


def rationals_of(texts: Sequence[str]) -> list[fmpq]:
    """Return fractions that are written as "1/3", with numbers of any length."""
    parts = [text.partition("/") for text in texts]
    return [fmpq(fmpz(numerator), fmpz(denominator or "1")) for numerator, _, denominator in parts]
