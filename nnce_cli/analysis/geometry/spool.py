"""Arrays with an entry a row of a table, in temporary files: memory does not grow with rows."""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from nnce_cli.base.errors import InputError


def spooled(rows: int, kind: DTypeLike) -> NDArray[Any]:
    """Return an array of zeros (rows,) in a file that goes away with it.

    Raises:
        InputError: there is no room for it.
    """
    if rows == 0:
        return np.zeros(0, kind)
    try:
        with tempfile.TemporaryFile() as file:
            file.truncate(rows * np.dtype(kind).itemsize)
            return np.memmap(file, kind, "r+", shape=(rows,))
    except OSError as error:
        raise InputError(
            f"cannot keep {rows:,} numbers in the folder {tempfile.gettempdir()}: "
            f"{error.strerror}; set TMPDIR to a folder with more room"
        ) from error
