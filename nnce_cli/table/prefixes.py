"""Layer-k cells of a sorted table: the runs of rows that share the codes of the first k layers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.layout import Layout
from nnce_cli.table.rows import CellRows


def row_keys(signs: NDArray[np.uint8]) -> NDArray[Any]:
    """Return a key for each row of a uint8 array (rows, width): keys compare as the rows do.

    Up to 8 bytes make a number, which compares several times as fast as a byte string.
    """
    rows, width = signs.shape
    if width <= 8:
        size = 1 << (width - 1).bit_length()
        padded = signs
        if size > width:
            padded = np.zeros((rows, size), dtype=np.uint8)
            padded[:, :width] = signs
        numbers = np.ascontiguousarray(padded).view(f">u{size}").ravel()
        return numbers.astype(f"u{size}")
    # NumPy compares byte strings of one length as memcmp does: a trailing zero byte that it
    # drops is the smallest byte there is.
    return np.ascontiguousarray(signs).view(f"S{signs.shape[1]}").ravel()


def first_rows(
    rows: CellRows, previous: list[bytes] | None
) -> tuple[list[NDArray[np.bool_]], NDArray[np.bool_]]:
    """Find where the cells of the first k columns begin, for every k, and breaks of the order.

    ``previous`` holds the columns of the row before these, None if there is none. In a network
    of ReLUs, and wherever layers have one column each, they are the layer-k cells.

    Returns a boolean array (rows,) for each column k, true where the row's first k columns are
    not those of the row before, and one that is true where the row does not come after the row
    before (a duplicate, or out of order).
    """
    count = len(rows.active)
    first = np.zeros(count, dtype=np.bool_)
    first[:1] = previous is None
    less = np.zeros(count, dtype=np.bool_)
    firsts = []
    for column, signs in enumerate(rows.signs):
        keys = row_keys(signs)
        differs = np.ones(count, dtype=np.bool_)
        differs[1:] = keys[1:] != keys[:-1]
        drops = np.zeros(count, dtype=np.bool_)
        drops[1:] = keys[1:] < keys[:-1]
        if count and previous is not None:
            here = signs[0].tobytes()
            differs[0] = here != previous[column]
            drops[0] = here < previous[column]
        less |= drops & ~first
        first = first | differs
        firsts.append(first)
    return firsts, less | ~first


class LayerCounter:
    """Counts the layer-k cells of a table whose rows come in batches, in table order."""

    def __init__(self, layout: Layout) -> None:
        """Start with no rows; ``cells`` is how many were seen."""
        self.cells = 0
        self.layer_cells = [0] * layout.depth
        self._ends = layout.column_ends
        self._last: list[bytes] | None = None

    def add(self, rows: CellRows) -> list[NDArray[np.bool_]]:
        """Count some more rows; return where layer-k cells begin in them, for each layer k.

        Raises:
            ValueError: a row does not come after the row before it; the message has its number.
        """
        columns, wrong = first_rows(rows, self._last)
        firsts = [columns[end - 1] for end in self._ends]
        if not wrong.size:
            return firsts
        if wrong.any():
            raise ValueError(f"row {self.cells + int(wrong.argmax())} is out of order")
        self.cells += len(wrong)
        for layer, first in enumerate(firsts):
            self.layer_cells[layer] += int(np.count_nonzero(first))
        self._last = [signs[-1].tobytes() for signs in rows.signs]
        return firsts
