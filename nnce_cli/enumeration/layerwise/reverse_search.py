"""Reverse search: a walk along a tree that is known only by its rule for parents.

Avis & Fukuda, *Reverse search for enumeration*, Discrete Applied Mathematics 65 (1996), section
3.3. The cells of an arrangement are the nodes of a graph whose edges cross one hyperplane. Each
cell but the root has a parent, one hyperplane nearer to the root; a cell's children are those of
its neighbours whose parent it is. Nothing that was visited has to be remembered.

Parents are found by ray shooting (Ferrez, Fukuda & Liebling, *Solving the fixed rank convex
quadratic maximization in binary variables by a parallel zonotope construction algorithm*, EJOR
166 (2005), section 3): the first hyperplane on the way from a point of the cell, a function of the
cell alone, to a point of the root. Where a ray meets several at once, the root's point is moved by
(ε, ε², …), which no ray that starts inside a cell survives with a tie.

That each cell was found, and once, does not rest on the points: see `_Edges`.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.base.rounding import UNIT_ROUNDOFF
from nnce_cli.enumeration.layerwise.arrangement import Arrangement
from nnce_cli.enumeration.layerwise.cell import Floats, Signs, Witness
from nnce_cli.enumeration.layerwise.incremental import Incremental
from nnce_cli.enumeration.layerwise.search import Step
from nnce_cli.exact import evaluate


@dataclass(frozen=True, eq=False)
class _Node:
    """A cell: its vector, the point that stands for it, its share of the tree."""

    vector: Signs
    witness: Witness
    share: float


class ReverseSearch:
    """The search; its stack holds the children that wait, of the cells on one path of the tree."""

    in_order = False

    def __init__(self, arrangement: Arrangement) -> None:
        self._arrangement = arrangement
        self._root = _some_vector(arrangement)
        witness = arrangement.inside(self._root)
        if witness is None:
            raise ArithmeticError("a cell with a witness is empty")
        self._goal = _Target(arrangement, witness)
        self._stack = [_Node(self._root, witness, 1.0)]
        self._edges = _Edges()

    @property
    def done(self) -> bool:
        """Whether no step is left."""
        return not self._stack

    def step(self) -> Step:
        """Take the next cell; look for its neighbours, and among them for its children."""
        node, arrangement = self._stack.pop(), self._arrangement
        facets = np.zeros(len(arrangement), dtype=np.bool_)
        children = []
        for h in range(len(arrangement)):
            vector = node.vector.copy()
            vector[h] = -vector[h]
            witness = arrangement.inside(vector)
            if witness is None:
                continue
            facets[h] = True
            self._edges.see(node.vector, h)
            behind = np.flatnonzero(vector != self._root)
            if vector[h] != self._root[h] and self._goal.first_hit(behind, witness) == h:
                children.append((vector, witness))
        if not children and not self._stack:
            self._edges.check()
        share = node.share / (1 + len(children))
        self._stack += [_Node(vector, witness, share) for vector, witness in reversed(children)]
        halfspaces = arrangement.halfspaces(node.vector, np.flatnonzero(facets))
        return Step(share, arrangement.child(node.vector, halfspaces, node.witness))

    def rest(self) -> list[Signs]:
        """All of the arrangement: what was found so far is no part of it that a prefix names."""
        return [np.zeros(0, dtype=np.int8)]


class _Edges:
    """A proof, in constant memory, that the search found each cell, and once.

    A cell adds the hashes of its edges, with the sign of its side of the hyperplane. So the two
    ends of an edge cancel where both were found equally often; the sum is 0 only if that is so
    for all edges (or by a chance of about 2^-128). The graph is connected, and the root, which is
    nobody's child, is found once.
    """

    def __init__(self) -> None:
        self._sum = 0

    def see(self, vector: Signs, h: int) -> None:
        """Add the edge from a cell across hyperplane ``h``."""
        edge = vector.copy()
        edge[h] = 0
        digest = blake2b(edge.tobytes(), digest_size=16).digest()
        self._sum += int(vector[h]) * int.from_bytes(digest)

    def check(self) -> None:
        """Raise InputError where the sum is not 0."""
        if self._sum:
            raise InputError(
                "reverse search missed cells, or found some twice: the linear programming back "
                "end gave different answers to the same question; choose another --lp"
            )


class _Target:
    """The root's point, and the values of all hyperplanes at it."""

    def __init__(self, arrangement: Arrangement, witness: Witness) -> None:
        self._arrangement = arrangement
        self._point = witness.rational()
        self._heights = _heights(arrangement, witness)

    def first_hit(self, hyperplanes: NDArray[np.intp], witness: Witness) -> int:
        """Return which of the hyperplanes between two points is met first on the way to here.

        The way from y to c meets h where the share of it is |h(y)| / (|h(y)| + |h(c)|): first
        where |h(c)| / |h(y)| is largest.
        """
        # Rows are rounded, of size at most 1, and so are points of the unit cube.
        error = (2 * self._arrangement.geometry.d + 32) * UNIT_ROUNDOFF
        there = self._heights[hyperplanes]
        here = _heights(self._arrangement, witness)[hyperplanes]
        with np.errstate(divide="ignore"):
            least = (there - error) / (here + error)
            most = np.where(here > error, (there + error) / (here - error), np.inf)
        contenders = hyperplanes[most >= least.max()]
        if len(contenders) == 1 and witness.exact is None:
            return int(contenders[0])
        if witness.exact is not None:
            contenders = hyperplanes
        point = witness.rational()
        return int(max(contenders.tolist(), key=lambda h: self._exact_ratio(h, point)))

    def _exact_ratio(self, h: int, point: list[fmpq]) -> list[fmpq]:
        """Return h(c) / h(y), and its change where c is moved by ε, ε², …; all times -1."""
        form = self._arrangement.form(h)
        here = -evaluate(form, point)
        return [evaluate(form, self._point) / here, *(a / here for a in form[1:])]


def _heights(arrangement: Arrangement, witness: Witness) -> Floats:
    """Return about the absolute values (m,) of the hyperplanes' rows at a point."""
    u = arrangement.geometry.cube_point(witness)
    heights: Floats = np.abs(arrangement.rows[:, 0] + arrangement.rows[:, 1:] @ u)
    return heights


def _some_vector(arrangement: Arrangement) -> Signs:
    """Return the vector of one of the cells."""
    search = Incremental(arrangement)
    while True:
        cell = search.step().cell
        if cell is not None:
            signs = cell.signs[arrangement.neurons]
            return signs
