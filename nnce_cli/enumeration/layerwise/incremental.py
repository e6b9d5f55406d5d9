"""Incremental enumeration with witness reuse.

Rada & Černý, *A new algorithm for enumeration of cells of hyperplane arrangements and a comparison
with Avis and Fukuda's reverse search*, SIAM J. Discrete Math. 32 (2018), section 3: hyperplanes
are added one by one. The side on which a cell's witness lies exists; one linear program tells
whether the other side does, and gives its witness. Depth first, inactive sides first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nnce_cli.enumeration.layerwise.arrangement import Arrangement
from nnce_cli.enumeration.layerwise.cell import Halfspaces, Signs, Witness
from nnce_cli.enumeration.layerwise.search import Step


@dataclass(frozen=True, eq=False)
class _Node:
    """A cell of the first hyperplanes: their sides, those of them that cut it, a point inside."""

    sides: Signs
    halfspaces: Halfspaces
    witness: Witness
    share: float


class Incremental:
    """The search; its stack holds the sides that wait, the next one on top."""

    in_order = True

    def __init__(self, arrangement: Arrangement) -> None:
        self._arrangement = arrangement
        nothing = np.zeros(0, dtype=np.int8)
        self._stack = [_Node(nothing, arrangement.base, arrangement.witness, 1.0)]

    @property
    def done(self) -> bool:
        """Whether no step is left."""
        return not self._stack

    def step(self) -> Step:
        """Add the next hyperplane to the next cell."""
        node = self._stack.pop()
        h = len(node.sides)
        if h == len(self._arrangement):
            child = self._arrangement.child(node.sides, node.halfspaces, node.witness)
            return Step(node.share, child)
        points = self._points(node, h)
        for side in (1, -1):
            witness = points[side]
            if witness is None:
                continue
            halfspaces, share = node.halfspaces, node.share
            if points[-side] is not None:
                halfspaces, share = self._cut(node, h, side), 0.5 * share
            sides = np.append(node.sides, np.int8(side))
            self._stack.append(_Node(sides, halfspaces, witness, share))
        return Step(0.0)

    def _points(self, node: _Node, h: int) -> dict[int, Witness | None]:
        """Return a point of the node on either side of a hyperplane, where there are any."""
        here = int(node.witness.signs[self._arrangement.neurons[h]])
        return {
            side: node.witness
            if side == here
            else self._arrangement.other_side(h, -side, node.halfspaces, node.witness)
            for side in (1, -1)
        }

    def _cut(self, node: _Node, h: int, side: int) -> Halfspaces:
        neuron = self._arrangement.neurons[h : h + 1]
        row = side * self._arrangement.rows[h : h + 1]
        return node.halfspaces + Halfspaces(neuron, np.array([side], np.int8), row)

    def rest(self) -> list[Signs]:
        """See `Search`."""
        return [node.sides for node in reversed(self._stack)]
