"""Half-spaces from a file: CSV or JSON rows, or the files of lrslib and cdd."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nnce_cli.base.errors import InputError
from nnce_cli.domain.points_file import csv_rows
from nnce_cli.domain.polyhedron import Polyhedron
from nnce_cli.domain.text_file import is_number, parse_json, read_text

REPRESENTATIONS = (".ine", ".ext")
Notes = tuple[str, ...]


def read_halfspaces(path: Path, n_inputs: int) -> tuple[Polyhedron, Notes]:
    """Read half-spaces, and what to know of how they were read.

    A CSV file has a row ``a_1, …, a_n, b`` for each half-space a . x <= b, under a header that
    ends in ``b`` or none; a JSON file holds a list of such rows. Their decimals become the nearest
    float64. Files whose name ends in ``.ine`` or ``.ext`` are in the format of lrslib and cdd.

    Raises:
        InputError: it cannot be read, is in none of these formats, or is of another number of
            inputs than the network has.
    """
    try:
        if path.suffix.lower() in REPRESENTATIONS:
            from nnce_cli.domain.representation import representation_rows

            rows, notes = representation_rows(read_text(path), path.suffix.lower(), n_inputs)
        else:
            rows, notes = _plain_rows(path), ()
        for i, row in enumerate(rows):
            if len(row) != n_inputs + 1:
                raise InputError(
                    f"its row {i} has {len(row)} numbers; with {n_inputs} inputs a half-space "
                    f"a.x <= b has {n_inputs + 1}: a_1, …, a_{n_inputs}, b"
                )
        halfspaces = np.array(rows, dtype=np.float64).reshape(len(rows), n_inputs + 1)
        free = np.full(n_inputs, np.inf)
        return Polyhedron(-free, free, halfspaces), tuple(f"{path}: {note}" for note in notes)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _plain_rows(path: Path) -> list[list[float]]:
    text = read_text(path)
    if path.suffix.lower() == ".json" or text.lstrip().startswith(("[", "{")):
        return _json_rows(text)
    first, _, rest = text.partition("\n")
    is_header = first.rpartition(",")[2].strip(' "').lower() == "b"
    return csv_rows(f"\n{rest}" if is_header else text)


def _json_rows(text: str) -> list[list[float]]:
    content = parse_json(text)
    if not isinstance(content, list):
        raise InputError("its content is not a list of rows [a_1, …, a_n, b]")
    for i, row in enumerate(content):
        if not isinstance(row, list) or not all(map(is_number, row)):
            raise InputError(f"its entry {i} is not a row [a_1, …, a_n, b] of numbers")
    try:
        return [[float(x) for x in row] for row in content]
    except OverflowError:
        raise InputError("a number is out of the range of float64") from None
