"""The sign vectors of a table in memory, to look others up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.bits import packed_bytes
from nnce_cli.verify.exact_network import Bits
from nnce_cli.verify.table_rows import Table, keys, packed_rows


class Listed:
    """All sign vectors of a table: as many bytes as the sign columns have."""

    def __init__(self, table: Table) -> None:
        self._widths = table.widths
        width = sum(map(packed_bytes, table.widths))
        parts = [keys(part.packed) for part in table.parts()]
        self._keys = np.concatenate(parts) if parts else np.empty(0, dtype=f"S{width}")
        self._keys.sort(kind="stable")  # no work where the table is in order

    def contains(self, bits: Bits) -> NDArray[np.bool_]:
        """Say which of some network sign vectors (m, N) the table lists."""
        if not len(self._keys) or not len(bits):
            return np.zeros(len(bits), dtype=np.bool_)
        wanted = keys(packed_rows(bits, self._widths))
        places = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        return np.asarray(self._keys[places] == wanted)
