"""A box from a bounds file: CSV or JSON, an interval for each input."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from nnce_cli.base.errors import InputError
from nnce_cli.domain.box import Box
from nnce_cli.domain.numbers import parse_cell
from nnce_cli.domain.text_file import is_number, parse_json, read_text

Pair = tuple[float, float]


def read_bounds(path: Path, n_inputs: int) -> Box:
    """Read a box from a bounds file. Decimals become the nearest float64.

    A CSV file has a row ``lo,hi`` for each input, under a header ``lo,hi`` or none. A JSON file
    holds a list of pairs ``[lo, hi]``, or ``{"lower": [...], "upper": [...]}``.

    Raises:
        InputError: if the file cannot be read, is in neither format, has another number of rows
            than the network has inputs, or bounds that are not finite or not ordered.
    """
    try:
        text = read_text(path)
        is_json = path.suffix.lower() == ".json" or text.lstrip().startswith(("[", "{"))
        pairs = _json_pairs(text) if is_json else _csv_pairs(text)
        if len(pairs) != n_inputs:
            raise InputError(
                f"it bounds {len(pairs)} inputs and the network has {n_inputs}; "
                "give a row lo,hi for each input"
            )
        bounds = np.array(pairs, dtype=np.float64).reshape(n_inputs, 2)
        return Box(bounds[:, 0].copy(), bounds[:, 1].copy())
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _csv_pairs(text: str) -> list[Pair]:
    pairs: list[Pair] = []
    rows = csv.reader(text.splitlines(), skipinitialspace=True)
    try:
        for row in rows:
            cells = [cell.strip() for cell in row]
            is_header = [cell.lower() for cell in cells] in (["lo", "hi"], ["lower", "upper"])
            if not any(cells) or (is_header and not pairs):
                continue
            if len(cells) != 2:
                raise InputError(f"line {rows.line_num} has {len(cells)} columns, not lo,hi")
            pairs.append((parse_cell(cells[0], rows.line_num), parse_cell(cells[1], rows.line_num)))
    except csv.Error as error:
        raise InputError(f"line {rows.line_num}: {error}") from error
    return pairs


def _json_pairs(text: str) -> list[Pair]:
    content = parse_json(text)
    if isinstance(content, dict):
        lower, upper = content.get("lower"), content.get("upper")
        if not isinstance(lower, list) or not isinstance(upper, list) or len(lower) != len(upper):
            raise InputError('its object is not {"lower": [...], "upper": [...]} of equal lengths')
        content = [list(pair) for pair in zip(lower, upper, strict=True)]
    if not isinstance(content, list):
        raise InputError("its content is not a list of pairs [lo, hi]")
    for i, pair in enumerate(content):
        if not isinstance(pair, list) or len(pair) != 2 or not all(map(is_number, pair)):
            raise InputError(f"its entry {i} is not a pair [lo, hi] of numbers")
    try:
        return [(float(lo), float(hi)) for lo, hi in content]
    except OverflowError:
        raise InputError("a bound is out of the range of float64") from None
