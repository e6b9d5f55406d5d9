"""The cells that several tables of one network have together: one merge pass.

Each table is in the order of its codes. All are cut at the same code, again and again, so memory
holds a batch of rows of each and no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.layout import Layout
from nnce_cli.table import CellRows

Keys = NDArray[np.bytes_]


def union_cells(tables: Sequence[Iterable[CellRows]], layout: Layout) -> list[int]:
    """Count the different layer-k cells of several tables, for each layer k.

    Rows come in batches, in table order, without doubles; all are of networks of this layout.
    """
    sides = [_Side(batches, layout) for batches in tables]
    counts = [0] * layout.depth
    last: list[Keys] = [np.zeros(0, dtype=f"S{end}") for end in accumulate(layout.layer_bytes)]
    while ends := [side.keys[-1] for side in sides if side.fill()]:
        cut = min(ends)
        keys = np.unique(np.concatenate([side.take(cut) for side in sides]))
        for k, before in enumerate(last):
            cells = np.concatenate([before, keys.astype(before.dtype)])  # which cuts them off
            new = np.count_nonzero(cells[1:] != cells[:-1])
            counts[k] += int(new) + (len(before) == 0)
            last[k] = cells[-1:]
    return counts


class _Side:
    """One of the tables: the joined codes of its next rows, as a byte string each."""

    def __init__(self, batches: Iterable[CellRows], layout: Layout) -> None:
        self._batches = iter(batches)
        self.keys: Keys = np.zeros(0, dtype=f"S{layout.row_bytes}")

    def fill(self) -> bool:
        """Get the next rows, if there are none at hand; return whether there are some."""
        while not len(self.keys):
            batch = next(self._batches, None)
            if batch is None:
                return False
            joined = np.ascontiguousarray(np.concatenate(batch.signs, axis=1))
            # NumPy orders byte strings of one length as memcmp does.
            self.keys = joined.view(self.keys.dtype).ravel()
        return True

    def take(self, last: np.bytes_) -> Keys:
        """Take out the rows up to the code ``last``."""
        count = int(np.searchsorted(self.keys, last, side="right"))
        taken, self.keys = self.keys[:count], self.keys[count:]
        return taken
