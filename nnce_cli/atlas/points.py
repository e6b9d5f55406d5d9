"""Points to be asked about: from a file or standard input, a million of them or one."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.base.packed import read_file

MOST_BYTES = 2**31
NPY = b"\x93NUMPY"
STDIN = "-"

Floats = NDArray[np.float64]


def read_data(source: str) -> Floats:
    """Read points (m, n): CSV with a point a row, JSON with a list of points, or .npy.

    The content says which it is. In JSON and .npy a point may have any shape, as an image has.
    Decimals become the nearest float64.

    Args:
        source: a file, packed by gzip or not; ``-`` is standard input.

    Raises:
        InputError: it cannot be read, or holds no points of one size; the message names it.
    """
    try:
        points = _points(_content(source))
    except InputError as error:
        name = "standard input" if source == STDIN else source
        raise InputError(f"{name}: {error}") from error
    if points.ndim < 2:
        raise InputError(f"{source}: it is one row of numbers; a point is a row of its own")
    return points.reshape(len(points), -1)


def _content(source: str) -> bytes:
    if source != STDIN:
        return read_file(Path(source), MOST_BYTES, MOST_BYTES)
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError("there are no points on it; pipe them in, or give a file")
    found = sys.stdin.buffer.read(MOST_BYTES + 1)
    if len(found) > MOST_BYTES:
        raise InputError(f"more than {MOST_BYTES} bytes; give the points in parts")
    return found


def _points(content: bytes) -> Floats:
    if content.startswith(NPY):
        return _npy(content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("neither text (UTF-8) nor an .npy file") from None
    return _json(text) if text.lstrip().startswith("[") else _csv(text)


def _npy(content: bytes) -> Floats:
    """Return the array of an .npy file, whose size is looked at before there is room for it."""
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, by_columns, dtype = read(stream)
    except (ValueError, KeyError, EOFError) as error:
        raise InputError("not an .npy file of numbers") from error
    if dtype.kind not in "fiu" or not shape:
        raise InputError("it holds no array of points: numbers with a first axis for the points")
    size = dtype.itemsize
    for length in shape:
        size *= length
    if size != len(content) - stream.tell():
        raise InputError("the .npy file is cut off, or longer than it says")
    array = np.frombuffer(content, dtype, offset=stream.tell())
    return array.reshape(shape, order="F" if by_columns else "C").astype(np.float64)


def _json(text: str) -> Floats:
    from nnce_cli.domain import parse_json

    values: Any = parse_json(text)
    try:
        return np.array(values, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        raise InputError("its content is not a list of points of one size, of numbers") from None


def _csv(text: str) -> Floats:
    """Return the rows of numbers of a CSV text; empty lines count for nothing."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise InputError("it holds no points")
    try:
        return np.loadtxt(lines, delimiter=",", ndmin=2, comments=None, dtype=np.float64)
    except ValueError as error:
        reason = str(error).splitlines()[0].rstrip(".;")
        raise InputError(f"not rows of as many numbers, with commas between: {reason}") from error
