"""Points of the input space from a file: CSV with a point a row, JSON, or .npy."""

from __future__ import annotations

import csv
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.domain.numbers import parse_cell
from nnce_cli.domain.text_file import parse_json, read_text

MOST_BYTES = 2**26

Floats = NDArray[np.float64]


def read_points(path: Path) -> Floats:
    """Read points (m, n): CSV with a point a row, JSON with a list of points, or .npy.

    Points may have any shape in JSON and .npy, behind the axis of points: that of an image.

    Raises:
        InputError: it cannot be read, or holds no points of one size; the message does not name
            the file.
    """
    if path.suffix.lower() == ".npy":
        points = _npy_numbers(path)
        if points.ndim < 2:
            raise InputError("it holds no array of points: numbers with a first axis of 2 or more")
        return points.reshape(len(points), -1) if points.size else np.zeros((len(points), 0))
    text = read_text(path)
    rows = _json_points(text) if _is_json(path, text) else csv_rows(text)
    if len({len(row) for row in rows}) > 1:
        raise InputError("its points have different numbers of coordinates")
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(rows[0]) if rows else 0)


def read_point(path: Path, n_inputs: int) -> Floats:
    """Read one point (n): all numbers of a file, in whichever shape they are.

    Raises:
        InputError: it cannot be read, or has another number of coordinates than the network has
            inputs; the message names the file.
    """
    try:
        point = _numbers(path)
        if point.size != n_inputs:
            raise InputError(
                f"it holds {point.size} numbers and the network has {n_inputs} inputs; "
                "give the numbers of one input"
            )
        if not np.isfinite(point).all():
            raise InputError("it has a number that is not finite")
        return point
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def csv_rows(text: str) -> list[list[float]]:
    """Return the rows of numbers of a CSV text, without empty ones.

    Raises:
        InputError: something in it is not a number; the message names the line.
    """
    rows = csv.reader(text.splitlines(), skipinitialspace=True)
    try:
        return [
            [parse_cell(cell, rows.line_num) for cell in row]
            for row in rows
            if any(cell.strip() for cell in row)
        ]
    except csv.Error as error:
        raise InputError(f"line {rows.line_num}: {error}") from error


def _numbers(path: Path) -> Floats:
    if path.suffix.lower() == ".npy":
        return _npy_numbers(path).ravel()
    text = read_text(path)
    if _is_json(path, text):
        return _flat(parse_json(text), "its content is not a list of numbers")
    return np.array([x for row in csv_rows(text) for x in row], dtype=np.float64)


def _is_json(path: Path, text: str) -> bool:
    return path.suffix.lower() == ".json" or text.lstrip().startswith("[")


def _npy_numbers(path: Path) -> Floats:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"larger than {MOST_BYTES >> 20} MiB, which no points of a slice are")
        numbers = np.load(path, mmap_mode="r", allow_pickle=False)  # as large as the file is
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or 'not an .npy file'}") from error
    except (ValueError, TypeError, OverflowError, EOFError, SyntaxError, TokenError) as error:
        raise InputError("not an .npy file of numbers") from error
    if not isinstance(numbers, np.ndarray) or numbers.dtype.kind not in "fiu":
        raise InputError("it holds no array of points: numbers with a first axis of 2 or more")
    return numbers.astype(np.float64)


def _json_points(text: str) -> list[list[float]]:
    content = parse_json(text)
    if not isinstance(content, list) or not all(isinstance(row, list) for row in content):
        raise InputError("its content is not a list of points, each a list of numbers")
    no_point = "a point is not a list of numbers in the range of float64"
    return [_flat(row, no_point).tolist() for row in content]


def _flat(values: Any, otherwise: str) -> Floats:
    """Return nested lists of numbers as one row."""
    try:
        if isinstance(values, list):
            return np.array(values, dtype=np.float64).ravel()
    except (ValueError, TypeError, OverflowError):
        pass
    raise InputError(otherwise)
