"""A point inside a cell that is known by its sign vector: the walk goes down to that cell alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnce_cli.enumeration.driver import batches
from nnce_cli.enumeration.methods import choose, walk_factory
from nnce_cli.enumeration.problem import Problem
from nnce_cli.enumeration.subtree import Subtree
from nnce_cli.network import neuron_bits


@dataclass(frozen=True, eq=False)
class CellPoint:
    """A point strictly inside a cell: ``point`` (n_0,) in float64.

    Where no float64 point was found in the cell, ``exact`` is the point, as fractions ("1/3"), and
    ``point`` is it rounded, which lies beside the cell.
    """

    point: NDArray[np.float64]
    exact: list[str] | None


class CellPoints:
    """Finds points inside cells of one network on one box.

    A walk meets on the way to a cell what it meets there when it walks the whole tree, so with
    the methods ``dictionary`` and ``vertex`` the points are the witnesses of the table that the
    same method writes.
    """

    def __init__(self, problem: Problem, method: str | None = None) -> None:
        """Prepare a walk by ``method``, by default the one that ``auto`` takes.

        Raises:
            InputError: the method does not suit the problem.
        """
        name = choose(problem)[0] if method is None else method
        self._walk = walk_factory(name)(problem)
        self._stack = problem.stack

    def find(self, bits: NDArray[np.uint8]) -> CellPoint | None:
        """Return a point of the cell of the neurons' bits (N,), None if there is no such cell.

        The point is proved to be strictly inside, as every witness is.
        """
        self._walk.begin(Subtree(tuple(bits.tolist())))
        for batch in batches(self._walk):
            if len(batch) == 0:
                continue
            # A prefix that is no path in the tree may lead to another cell.
            joined = np.concatenate([column[:1] for column in batch.signs], axis=1)
            if not np.array_equal(neuron_bits(self._stack, joined)[0], bits):
                return None
            assert batch.witness is not None
            return CellPoint(batch.witness[0], self._walk.exact_witnesses.get(0))
        return None
