"""The codes of a table's cells in memory, to look others up."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.verify.table_rows import Packed, Table, keys

WORD = 8  # bytes


class Listed:
    """All codes of a table: as many bytes as the columns of codes have, or a word a row."""

    def __init__(self, table: Table) -> None:
        width = table.layout.row_bytes
        parts = [_sortable(part.packed) for part in table.parts()]
        self._rows = np.concatenate([_sortable(np.empty((0, width), dtype=np.uint8)), *parts])
        self._rows.sort(kind="stable")  # no work where the table is in order

    def lists(self, packed: Packed) -> NDArray[np.bool_]:
        """Say which of some joined rows (m, bytes) the table lists."""
        if not len(self._rows) or not len(packed):
            return np.zeros(len(packed), dtype=np.bool_)
        wanted = _sortable(packed)
        places = np.minimum(np.searchsorted(self._rows, wanted), len(self._rows) - 1)
        return np.asarray(self._rows[places] == wanted)


def _sortable(packed: Packed) -> NDArray[Any]:
    """Return rows (m, bytes) as one value each (m,), which compare as the bytes do."""
    if packed.shape[1] > WORD:
        return keys(packed)
    words = np.zeros((len(packed), WORD), dtype=np.uint8)
    words[:, : packed.shape[1]] = packed
    return words.view(">u8").ravel().astype(np.uint64)  # numbers are found faster than text
