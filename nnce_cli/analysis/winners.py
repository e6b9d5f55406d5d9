"""Which classes win in the interior of cells: where one does, and where the boundary runs through.

Most cells are told by their rows: the way to each cell is in its bits, and there the differences of
the scores are bounded (`RowScores`). What is left open is walked, in a network with one more layer.
That layer has one unit, the largest of the scores, whose winner is the first of the largest ones;
of two scores it is a unit with two pieces. The cells of this longer network are the parts of the
table's cells with one winner. So the decision boundary runs through a cell that has two of them,
and in one with a single winner that class is predicted all over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from nnce_cli.domain import Domain
from nnce_cli.enumeration import (
    DICTIONARY,
    Problem,
    RowScores,
    TreeRows,
    Walk,
    choose,
    walk_along,
    walk_factory,
)
from nnce_cli.network import MAX, AffineMap, LayerStack, PieceUnit, Units, rationals

MOST_CLASSES = 32  # more of them are compared by too many pairs

Bools = NDArray[np.bool_]


class Winners:
    """Finds the classes that win somewhere in cells of a network on a domain."""

    def __init__(self, stack: LayerStack, domain: Domain, scores: AffineMap) -> None:
        self._stack = stack
        self._domain = domain
        self._scores = scores

    def of(self, rows: TreeRows) -> Bools:
        """Return which classes win in the cells of consecutive rows: (m, classes).

        Where several do, there may be others among them that do not. A row in which none does is no
        cell.
        """
        wins = np.zeros((len(rows.bits), self._scores.n_out), np.bool_)
        if self._by_rows is not None:
            wins = self._by_rows.of(rows.bits)
        is_open = np.asarray(~wins.any(axis=1))
        if is_open.any():
            wins[is_open] = self._walked(rows.take(is_open))
        return wins

    def _walked(self, rows: TreeRows) -> Bools:
        """Return the same by a walk of the longer network, without others."""
        wins = np.zeros((len(rows.bits), self._scores.n_out), np.bool_)
        for met in walk_along(self._walk, rows):
            code = met.batch.signs[-1][:, 0]
            winner = code >> 7 if self._scores.n_out == 2 else code
            is_row = met.rows >= 0
            wins[met.rows[is_row], winner[is_row]] = True
        return wins

    @cached_property
    def _walk(self) -> Walk:
        problem = Problem.of(with_winner(self._stack, self._scores), self._domain)
        return walk_factory(choose(problem)[0])(problem, witness=False)

    @cached_property
    def _by_rows(self) -> RowScores | None:
        """None where cells are not told by dictionaries over the inputs."""
        if not self._stack.hidden or any(units.has_max for units in self._stack.units):
            return None
        problem = Problem.of(with_differences(self._stack, self._scores), self._domain)
        if choose(problem)[0] != DICTIONARY or problem.inner.in_image:
            return None
        return RowScores(problem, self._scores.n_out)


def with_winner(stack: LayerStack, scores: AffineMap) -> LayerStack:
    """Return a network with one more layer: which of two or more scores is the first largest."""
    k = scores.n_out
    if k == 2:
        return with_differences(stack, scores)
    unit = PieceUnit(MAX, k, k * (k - 1) // 2)
    return _longer(stack, Units(np.zeros(0), (unit,)), scores, unit.pairs, [0])


def with_differences(stack: LayerStack, scores: AffineMap) -> LayerStack:
    """Return a network with one more layer: score j less score i for each i < j, in order."""
    pairs = list(combinations(range(scores.n_out), 2))
    return _longer(stack, Units.relu(len(pairs)), scores, pairs, [])


def _longer(
    stack: LayerStack,
    units: Units,
    scores: AffineMap,
    pairs: Sequence[tuple[int, int]],
    carried: list[int],
) -> LayerStack:
    """Return a network with one more layer: what scores lead others by, and scores themselves."""
    weight, bias = (rationals(values) for values in scores.exact_arrays)
    losers, rivals = np.array(pairs).T
    layer = AffineMap.of(
        np.concatenate([weight[rivals] - weight[losers], weight[carried]]),
        np.concatenate([bias[rivals] - bias[losers], bias[carried]]),
        scores.nodes,
    )
    return replace(
        stack, hidden=(*stack.hidden, layer), units=(*stack.units, units), output=None, places=()
    )
