"""Which score is the largest in the cells of a table's rows, as far as floating point proves it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nnce_cli import _core
from nnce_cli.enumeration.dictionary.network import core_network
from nnce_cli.enumeration.dictionary.scaled import scaled
from nnce_cli.enumeration.problem import Problem


class RowScores:
    """Finds the scores that are the largest somewhere in cells of rows of a table.

    The problem is that of the table's network with one more layer, which has the differences of the
    scores, 1 less 0, 2 less 0, …, 2 less 1, …: at most 32 are compared. No unit of the table's
    network is a max.
    """

    def __init__(self, problem: Problem, scores: int) -> None:
        walked = scaled(problem.inner)
        stack, box = walked.stack, walked.box
        table = replace(stack, hidden=stack.hidden[:-1], units=stack.units[:-1], output=None)
        self._scores = scores
        self._confining = 0 if problem.reduction is None else problem.reduction.confining
        networks = core_network(stack, box), core_network(table, box)
        self._walk = _core.ScoreWalk(*networks, scores)

    def of(self, bits: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Return which scores are the first largest one somewhere inside cells: (m, scores).

        ``bits`` (m, N) are those of ascending rows. Of a row with a single such score it is proved
        that no other one is; with several, two of them are, and no others than these; a row with
        none is left open.
        """
        found = self._walked(bits, gaps=False)
        is_open = ~found.any(axis=1)
        if is_open.any():  # it may be so because cells are missing between the rows
            found[is_open] = self._walked(bits[is_open], gaps=True)
        return found

    def _walked(self, bits: NDArray[np.uint8], *, gaps: bool) -> NDArray[np.bool_]:
        outside = np.zeros((len(bits), self._confining), np.uint8)
        self._walk.begin(np.concatenate([outside, bits], axis=1), gaps=gaps)
        while self._walk.advance():
            pass
        shifts = np.arange(self._scores, dtype=np.uint32)
        return (self._walk.wins[:, None] >> shifts & 1).astype(np.bool_)
