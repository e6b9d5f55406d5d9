"""The walk that finds the facets of cells beside their rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnce_cli import _core
from nnce_cli.enumeration.batch import CellBatch
from nnce_cli.enumeration.columns import table_columns
from nnce_cli.enumeration.dictionary.network import core_network
from nnce_cli.enumeration.dictionary.questions import Questions
from nnce_cli.enumeration.dictionary.walk import DictionaryWalk
from nnce_cli.enumeration.problem import Problem
from nnce_cli.enumeration.subtree import WHOLE, Subtree

OPEN = -1


@dataclass(frozen=True, eq=False)
class Facets:
    """The facets of consecutive cells, each proved to be one, and no others are there.

    ``ends`` (rows,) says where those of a cell end in ``beyond`` (F, row_bytes): for each facet
    between cells the code of the cell beyond it, if there is one of that code. Where no cell has
    it, more than one unit changes there. ``of_domain`` (rows,) is how many facets are the
    domain's, `OPEN` for a cell of which floating point can't tell all; then none are listed.
    """

    ends: NDArray[np.int64]
    beyond: NDArray[np.uint8]
    of_domain: NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class FacetBatch(CellBatch):
    """Consecutive rows and the facets of these cells."""

    facets: Facets


class FacetWalk(DictionaryWalk):
    """The walk of one subtree over the inputs, on any domain, in `FacetBatch`es; see `Walk`."""

    def __init__(self, problem: Problem, subtree: Subtree = WHOLE) -> None:
        self._reduction = problem.reduction
        super().__init__(problem.inner, subtree, witness=False)

    def _prepare(self, certify: bool) -> None:
        stack, box = self._scaled.stack, self._scaled.box
        # The box of a cone only cuts it off.
        has_sides = self._reduction is None or bool(self._reduction.are_bounded)
        self._facets = _core.FacetWalk(core_network(stack, box), has_sides)
        self._walk = self._facets
        self._questions = Questions(self._walk, stack, box)
        self._ranks = None

    def begin(self, subtree: Subtree) -> None:
        """See `Walk`."""
        super().begin(subtree if self._reduction is None else self._reduction.inside(subtree))
        self._facets.take_facets()

    def take(self) -> FacetBatch:
        """See `Walk`; without ranks."""
        batch = super().take()
        ends, of_domain, units, beyond = self._facets.take_facets()
        columns, _ = table_columns(
            self.problem.stack, beyond, np.zeros((len(beyond), len(batch.signs)), np.uint16)
        )
        first, confining = 0, 0
        if self._reduction is not None:
            first, confining = self._reduction.layers, self._reduction.confining
        is_inner = units >= confining
        counted = np.append(0, np.cumsum(is_inner))
        starts = np.append(0, ends[:-1])[: len(ends)]
        ours = (ends - starts) - (counted[ends] - counted[starts])
        none = np.zeros((len(beyond), 0), np.uint8)
        return FacetBatch(
            signs=batch.signs[first:],
            active=batch.active[:, first:],
            ranks=batch.ranks,
            witness=None,
            facets=Facets(
                counted[ends],
                np.concatenate([none, *columns[first:]], axis=1)[is_inner],
                np.where(of_domain == OPEN, OPEN, of_domain + ours),
            ),
        )

    def rest(self) -> list[Subtree]:
        """See `Walk`."""
        found = super().rest()
        if self._reduction is None:
            return found
        layers, confining = self._reduction.layers, self._reduction.confining
        return [Subtree(s.prefix[confining:], max(0, s.counted - layers)) for s in found]
