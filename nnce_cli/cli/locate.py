"""The command ``nnce locate``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnce_cli.base.errors import InputError
from nnce_cli.cli.formats import Format, chosen_format
from nnce_cli.cli.options import CellsArgument, ModelArgument, json_option
from nnce_cli.cli.report import json_text, print_fields, show
from nnce_cli.cli.table_and_model import load_model_of

if TYPE_CHECKING:
    from nnce_cli.atlas import Located

FEW = 20  # points that are listed in the text
LINES = 10_000  # that are written at a time
OUTSIDE, NO_ROW = "outside", "none"


def locate_points(
    cells: CellsArgument,
    model: ModelArgument,
    points: Annotated[
        str,
        typer.Argument(
            metavar="POINTS",
            help="Points: CSV with a point a row, JSON with a list of points, or .npy; - is "
            "standard input.",
        ),
    ],
    output_format: Annotated[
        Format,
        typer.Option(
            "--format",
            metavar="text|csv|json|md",
            help="text: a summary; csv, md: a line point,row for each row of each point; json: "
            "both.",
        ),
    ] = Format.text,
    json: Annotated[bool, json_option("The same as --format json.")] = False,
) -> None:
    """Find the row of the cell that each point is in.

    A point on a border is in all the cells around it, and all their rows are given: whether it is
    on a border is decided exactly, each number being taken for the nearest float64. A point
    outside of the domain is outside; the domain's own border belongs to it. Where a table is not
    complete, a point may have no row: none. Points and rows are counted from 0.

    Of a table of a slice, points are given by their coordinates in the slice.

    The summary says how many points are inside, outside and on borders, how many cells have
    points, and which has the most and the fewest of them; a point on a border counts in each of
    its cells. The text lists the points themselves where they are at most 20.

    \b
    nnce locate model.cells.parquet model.onnx points.csv
    nnce locate model.cells.parquet model.onnx training.npy --format csv > rows.csv
    echo 0.5,-0.25 | nnce locate model.cells.parquet model.onnx - --json
    """  # noqa: D301
    if cells == "-" and points == "-":
        raise InputError("CELLS and POINTS cannot both be standard input; give one as a file")
    from nnce_cli.atlas import Locator, read_data
    from nnce_cli.table import CellTableReader, domain_of

    with CellTableReader(cells) as reader:
        stack = load_model_of(reader.metadata, model)
        data = read_data(points)
        found = Locator(reader, stack, domain_of(reader.metadata)).locate(data)
        rows = reader.rows
    form = chosen_format(output_format, json=json)
    if form is Format.json:
        listed = [
            {"outside": True} if outside else {"rows": found.rows_of(k)}
            for k, outside in enumerate(found.is_outside.tolist())
        ]
        print(json_text(_summary(found, rows) | {"points": listed}))
    elif form is Format.text:
        _print_text(found, rows)
    else:
        is_csv = form is Format.csv
        print("point,row" if is_csv else "| point | row |\n| ---: | ---: |")
        lines = _lines(found)
        for some in _batched(lines if is_csv else map(_markdown, lines)):
            print("\n".join(some))


def _batched(lines: Iterator[str]) -> Iterator[list[str]]:
    """Yield lines, many at a time: writing each by itself takes longer than finding its row."""
    while some := list(islice(lines, LINES)):
        yield some


def _lines(found: Located) -> Iterator[str]:
    """Yield CSV lines: point, row."""
    both = zip(found.row.tolist(), found.is_outside.tolist(), strict=True)
    for point, (row, outside) in enumerate(both):
        if point in found.borders:
            for each in found.borders[point]:
                yield f"{point},{each}"
        else:
            yield f"{point},{OUTSIDE if outside else row if row >= 0 else NO_ROW}"


def _markdown(line: str) -> str:
    return f"| {line.replace(',', ' | ')} |"


def _summary(found: Located, cells: int) -> dict[str, Any]:
    """Return what is said of all points together, as JSON values."""
    rows, counts = found.occupancy()
    outside = int(found.is_outside.sum())
    values: dict[str, Any] = {
        "inside": len(found.row) - outside,
        "outside": outside,
        "on_borders": len(found.borders),
        "without_row": int(((found.row < 0) & ~found.is_outside).sum()),
        "decided_exactly": found.exact,
        "cells": cells,
        "cells_with_points": len(rows),
        "cells_without_points": cells - len(rows),
    }
    if len(rows):
        for name, k in (("fullest", int(counts.argmax())), ("emptiest", int(counts.argmin()))):
            same = int((counts == counts[k]).sum())
            values[name] = {"row": int(rows[k]), "points": int(counts[k]), "such_cells": same}
    return values


def _print_text(found: Located, cells: int) -> None:
    values = _summary(found, cells)
    inside = f"{values['inside']:,}"
    if values["on_borders"]:
        inside += f", {values['on_borders']:,} of them on borders between cells"
    pairs = {"points": f"{len(found.row):,}", "inside": inside}
    if values["outside"]:
        pairs["outside"] = f"{values['outside']:,}"
    if values["without_row"]:
        pairs["without a row"] = f"{values['without_row']:,}: the table is not complete"
    pairs["cells with points"] = f"{values['cells_with_points']:,} of {cells:,}"
    for name in ("fullest", "emptiest"):
        if name in values:
            pairs[f"{name} of them"] = _cell_words(**values[name])
    print_fields(pairs)
    if len(found.row) <= FEW:
        print()
        for point in range(len(found.row)):
            rows = found.rows_of(point)
            words = ("row " if len(rows) == 1 else "rows ") + ", ".join(map(str, rows))
            outside = bool(found.is_outside[point])
            show(f"point {point}: {OUTSIDE if outside else words if rows else NO_ROW}")


def _cell_words(row: int, points: int, such_cells: int) -> str:
    others = f", and {such_cells - 1:,} more with as many" if such_cells > 1 else ""
    return f"row {row:,} with {points:,} {'point' if points == 1 else 'points'}{others}"
