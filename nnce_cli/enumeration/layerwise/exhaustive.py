"""Exhaustive search: every sign vector is tried, and most of them are no cells.

The obvious method, against which the others can be held; for tiny networks.
"""

from __future__ import annotations

import numpy as np

from nnce_cli.enumeration.layerwise.arrangement import Arrangement
from nnce_cli.enumeration.layerwise.cell import Signs
from nnce_cli.enumeration.layerwise.search import Step


class Exhaustive:
    """The search; its stack holds the first entries of vectors that wait, the next one on top."""

    in_order = True

    def __init__(self, arrangement: Arrangement) -> None:
        self._arrangement = arrangement
        self._stack = [np.zeros(0, dtype=np.int8)]

    @property
    def done(self) -> bool:
        """Whether no step is left."""
        return not self._stack

    def step(self) -> Step:
        """Make the next vector longer, or look for a point of its cell."""
        vector, arrangement = self._stack.pop(), self._arrangement
        if len(vector) < len(arrangement):
            self._stack += [np.append(vector, np.int8(side)) for side in (1, -1)]
            return Step(0.0)
        share = 0.5 ** len(vector)
        witness = arrangement.inside(vector)
        if witness is None:
            return Step(share)
        halfspaces = arrangement.halfspaces(vector, np.arange(len(arrangement)))
        return Step(share, arrangement.child(vector, halfspaces, witness))

    def rest(self) -> list[Signs]:
        """See `Search`."""
        return self._stack[::-1]
