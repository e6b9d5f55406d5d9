"""Files of data points, which may say of each what it is."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from nnce_cli.base.errors import InputError
from nnce_cli.base.packed import read_file
from nnce_cli.domain import read_points
from nnce_cli.plotting.polygons import Floats

MOST_DATA = 10_000
MOST_BYTES = 2**28
LONGEST_LABEL = 40
LABEL_NAMES = ("label", "class", "target", "y")  # of the column, in a first line of names


def read_data(path: Path, inputs: int) -> tuple[Floats, list[str]]:
    """Read data points (m, inputs) and their labels, of which there may be none.

    A file like that of a slice; in CSV there may be a first line of names, and a column more than
    inputs: the labels, in the column that is called one of `LABEL_NAMES`, or in the last one.

    Raises:
        InputError: it cannot be read, or is not of inputs of this network; it names the file.
    """
    try:
        table = _table(path)
        names = table.pop(0) if table and not any(map(_is_number, table[0])) else None
        labels: list[str] = []
        if table and {len(row) for row in table} == {inputs + 1}:
            column = _label_column(names, inputs)
            labels = [_label(row.pop(column)) for row in table]
        named = names is not None or labels
        points = _numbers(table, inputs) if named else read_points(path)
        if len(points) > MOST_DATA:
            raise InputError(f"it has {len(points):,} points; give at most {MOST_DATA:,}")
        if len(points) and points.shape[1] != inputs:
            raise InputError(
                f"its points have {points.shape[1]:,} coordinates and the network has {inputs:,} "
                "inputs"
            )
        if not np.isfinite(points).all():
            raise InputError("a point has a coordinate that is not finite")
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return points.reshape(-1, inputs), labels


def _table(path: Path) -> list[list[str]]:
    """Return the rows of a CSV file that are not empty; nothing where it is another file."""
    content = read_file(path, MOST_BYTES, MOST_BYTES)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return []
    if text.lstrip().startswith("["):
        return []
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines())]
    except csv.Error as error:
        raise InputError(f"not a CSV file: {error}") from error
    return [row for row in rows if any(row)]


def _label_column(names: list[str] | None, inputs: int) -> int:
    known = [name.lower() for name in names or []]
    found = [known.index(name) for name in LABEL_NAMES if name in known]
    return found[0] if found and found[0] <= inputs else inputs


def _label(cell: str) -> str:
    """Return a label; a whole number is written as one, whatever the file has of it."""
    if _is_number(cell) and float(cell).is_integer() and abs(float(cell)) < 1e15:
        return str(int(float(cell)))
    return cell[:LONGEST_LABEL]


def _numbers(table: list[list[str]], inputs: int) -> Floats:
    if not table:
        raise InputError("it holds no points")
    if len({len(row) for row in table}) > 1:
        raise InputError("its points have different numbers of coordinates")
    for number, row in enumerate(table, start=1):
        for cell in row:
            if not _is_number(cell):
                raise InputError(f"point {number}: {cell[:LONGEST_LABEL]!r} is not a number")
    return np.array(table, dtype=np.float64)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
