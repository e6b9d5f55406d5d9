"""Which classes win in the interior of cells: the network is walked with one more layer.

That layer has one unit, the largest of the scores, whose winner is the first of the largest ones;
of two scores it is a unit with two pieces. The cells of this longer network are the parts of the
table's cells with one winner. So the decision boundary runs through a cell that has two of them,
and in one with a single winner that class is predicted all over.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nnce_cli.domain import Domain
from nnce_cli.enumeration import Problem, TreeRows, Walk, choose, walk_along, walk_factory
from nnce_cli.network import MAX, AffineMap, LayerStack, PieceUnit, Units, rationals

MOST_CLASSES = 32  # more of them are compared by too many pairs


class Winners:
    """Finds the classes that win somewhere in cells of a network on a domain."""

    def __init__(self, stack: LayerStack, domain: Domain, scores: AffineMap) -> None:
        self._stack = stack
        self._domain = domain
        self._scores = scores

    def of(self, rows: TreeRows) -> NDArray[np.bool_]:
        """Return which classes win in the cells of consecutive rows: (m, classes).

        A row in which none does is no cell.
        """
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


def with_winner(stack: LayerStack, scores: AffineMap) -> LayerStack:
    """Return a network with one more layer: which of two or more scores is the first largest."""
    weight, bias = (rationals(values) for values in scores.exact_arrays)
    k = scores.n_out
    if k == 2:
        units, pairs, carried = Units.relu(1), [(0, 1)], []
    else:
        unit = PieceUnit(MAX, k, k * (k - 1) // 2)
        units, pairs, carried = Units(np.zeros(0), (unit,)), unit.pairs, [0]
    losers, rivals = np.array(pairs).T
    layer = AffineMap.of(
        np.concatenate([weight[rivals] - weight[losers], weight[carried]]),
        np.concatenate([bias[rivals] - bias[losers], bias[carried]]),
        scores.nodes,
    )
    return replace(
        stack, hidden=(*stack.hidden, layer), units=(*stack.units, units), output=None, places=()
    )
