"""Arrays with an entry a row of a table, in temporary files: memory does not grow with rows."""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from nnce_cli.base.errors import InputError


def spooled(rows: int, width: int | None, kind: DTypeLike) -> NDArray[Any]:
    """Return an array of zeros (rows,) or (rows, width) in a file that goes away with it.

    Raises:
        InputError: there is no room for it.
    """
    shape = (rows,) if width is None else (rows, width)
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    if size == 0:
        return np.zeros(shape, kind)
    try:
        with tempfile.TemporaryFile() as file:
            file.truncate(size)
            return np.memmap(file, kind, "r+", shape=shape)
    except OSError as error:
        raise InputError(
            f"cannot keep {size:,} bytes in the folder {tempfile.gettempdir()}: {error.strerror}; "
            "set TMPDIR to a folder with more room"
        ) from error
