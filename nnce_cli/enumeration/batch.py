"""A batch of cells: rows of the cell table, in table order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class CellBatch:
    """Consecutive rows of a cell table.

    ``signs[l]`` is uint8 of shape (rows, ceil(n_l / 8)), the packed sign vectors of layer l,
    first neuron in the highest bit; ``active`` and ``ranks`` are uint16 of shape (rows, L);
    ``witness`` is float64 of shape (rows, n_0), or None.
    """

    signs: list[NDArray[np.uint8]]
    active: NDArray[np.uint16]
    ranks: NDArray[np.uint16]
    witness: NDArray[np.float64] | None

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.active.shape[0])

    def take(self, n: int) -> CellBatch:
        """Return the first ``n`` rows."""
        witness = None if self.witness is None else self.witness[:n]
        return CellBatch([s[:n] for s in self.signs], self.active[:n], self.ranks[:n], witness)
