"""The walk of a network without piecewise linear units: its domain is the only cell."""

from __future__ import annotations

import numpy as np

from nnce_cli.enumeration.batch import CellBatch
from nnce_cli.enumeration.problem import Problem
from nnce_cli.enumeration.subtree import WHOLE, Subtree


class SingleCell:
    """The walk of the one cell, whose witness is the middle of the box; see `Walk`."""

    def __init__(
        self,
        problem: Problem,
        subtree: Subtree = WHOLE,
        *,
        rows: bool = True,
        witness: bool = True,
        certify: bool = True,
    ) -> None:
        self.problem = problem
        self.exact_witnesses: dict[int, list[str]] = {}
        self.layer_cells: list[int] = []
        self._rows = rows
        self._witness = witness
        self.begin(subtree)

    def begin(self, subtree: Subtree) -> None:
        """See `Walk`."""
        self.cells = self.nodes = 0
        self.share = 0.0
        self._taken = 0

    @property
    def done(self) -> bool:
        """See `Walk`."""
        return self.cells > 0

    @property
    def decisions(self) -> dict[str, int]:
        """See `Walk`."""
        return {"witnesses_float": self.cells}

    def advance(self, nodes: int) -> None:
        """See `Walk`."""
        self.cells = self.nodes = 1
        self.share = 1.0

    def take(self) -> CellBatch:
        """See `Walk`."""
        rows = self.cells - self._taken if self._rows else 0
        self._taken = self.cells
        box = self.problem.box
        middle = box.lower + (box.upper - box.lower) / 2
        return CellBatch(
            signs=[],
            active=np.zeros((rows, 0), np.uint16),
            ranks=np.zeros((rows, 0), np.uint16),
            witness=self.problem.full_points(np.tile(middle, (rows, 1))) if self._witness else None,
        )

    def rest(self) -> list[Subtree]:
        """See `Walk`."""
        return [] if self.done else [WHOLE]
