"""A batch of cells: rows of the cell table, in table order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class DecisionLog:
    """Consecutive decisions of a walk, as in a completeness certificate (docs/proof.md).

    ``neuron`` (uint32), ``decision`` (uint8) and ``sizes`` (int32) have an entry a decision;
    ``slacks`` and ``inputs`` (uint32) join the bases of all of them, ``sizes`` entries each.
    """

    neuron: NDArray[np.uint32]
    decision: NDArray[np.uint8]
    sizes: NDArray[np.int32]
    slacks: NDArray[np.uint32]
    inputs: NDArray[np.uint32]


@dataclass(frozen=True, eq=False)
class CellBatch:
    """Consecutive rows of a cell table.

    ``signs[l]`` is uint8 of shape (rows, ceil(n_l / 8)), the packed sign vectors of layer l,
    first neuron in the highest bit; ``active`` and ``ranks`` are uint16 of shape (rows, L);
    ``witness`` is float64 of shape (rows, n_0), or None. ``log`` holds the decisions taken
    since the batch before, where they were asked for. ``bounded`` (rows,) says which cells are,
    where the domain has an input without a bound; elsewhere it is None.
    """

    signs: list[NDArray[np.uint8]]
    active: NDArray[np.uint16]
    ranks: NDArray[np.uint16]
    witness: NDArray[np.float64] | None
    log: DecisionLog | None = None
    bounded: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.active.shape[0])

    def take(self, n: int) -> CellBatch:
        """Return the first ``n`` rows."""
        witness = None if self.witness is None else self.witness[:n]
        bounded = None if self.bounded is None else self.bounded[:n]
        signs = [s[:n] for s in self.signs]
        return CellBatch(signs, self.active[:n], self.ranks[:n], witness, bounded=bounded)
