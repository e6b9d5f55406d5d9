"""The codes of all rows of a table in a file of their own, mapped into memory.

A table of any size is asked for rows, and for the rows of codes, without being held in memory or
decoded again and again.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.table.prefixes import row_keys
from nnce_cli.table.rows import CellRows

Bytes = NDArray[np.uint8]
Rows = NDArray[np.int64]

NOWHERE = -1


class CodeFile:
    """Ascending codes of ``row_bytes`` bytes each; forked processes share it.

    Without units there is one code at most, the empty one.
    """

    def __init__(self, path: Path, row_bytes: int, rows: int) -> None:
        """Map a file that `write` has written."""
        self.rows = rows
        self._row_bytes = row_bytes
        self._keys: NDArray[Any] | None = None
        if row_bytes and rows:
            self._keys = np.memmap(path, _key_type(row_bytes), "r", shape=(rows,))

    @staticmethod
    def write(path: Path, row_bytes: int, batches: Iterable[CellRows]) -> CodeFile:
        """Write the codes of a table.

        Raises:
            InputError: they do not ascend, or the file cannot be written.
        """
        rows, last = 0, None
        try:
            with path.open("wb") as file:
                for batch in batches:
                    rows += len(batch.active)
                    if not row_bytes or not len(batch.active):
                        continue
                    keys = row_keys(np.concatenate(batch.signs, axis=1))
                    ordered = keys if last is None else np.append(last, keys)
                    if not (ordered[:-1] < ordered[1:]).all():
                        raise InputError(
                            "the rows of the table are not in order, or one stands twice; check "
                            "the table with nnce verify"
                        )
                    last = keys[-1:]
                    file.write(keys.tobytes())
        except OSError as error:
            raise InputError(
                f"cannot write {path}: {error.strerror}; make room for the codes of all cells"
            ) from error
        return CodeFile(path, row_bytes, rows)

    def codes(self, start: int, stop: int) -> Bytes:
        """Return the codes (m, row_bytes) of consecutive rows."""
        if self._keys is None:
            return np.zeros((stop - start, 0), np.uint8)
        return self._bytes(np.asarray(self._keys[start:stop]))

    def at(self, rows: Rows) -> Bytes:
        """Return the codes (m, row_bytes) of rows (m,)."""
        if self._keys is None:
            return np.zeros((len(rows), 0), np.uint8)
        return self._bytes(np.asarray(self._keys[rows]))

    def _bytes(self, keys: NDArray[Any]) -> Bytes:
        if keys.dtype.kind == "u":
            keys = keys.astype(keys.dtype.newbyteorder(">"))
        found = keys.view(np.uint8).reshape(len(keys), keys.itemsize)
        return np.ascontiguousarray(found[:, : self._row_bytes])

    def find(self, codes: Bytes) -> Rows:
        """Return the rows (m,) of codes (m, row_bytes), `NOWHERE` where there is none."""
        if not len(codes) or self._keys is None:
            return np.full(len(codes), NOWHERE if self._row_bytes else min(self.rows, 1) - 1)
        keys = row_keys(codes)
        order = np.argsort(keys)  # so that places ascend, and memory is met in order
        sought = keys[order]
        places = np.searchsorted(self._keys, sought)
        is_there = self._keys[np.minimum(places, self.rows - 1)] == sought
        found = np.empty(len(codes), np.int64)
        found[order] = np.where(is_there, places, NOWHERE)
        return found


def _key_type(row_bytes: int) -> np.dtype[Any]:
    return row_keys(np.zeros((0, row_bytes), np.uint8)).dtype
