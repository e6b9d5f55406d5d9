"""The command ``nnce stats``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from nnce_cli.cli import exit_codes
from nnce_cli.cli.report import json_text, number, print_fields, print_table

if TYPE_CHECKING:
    from nnce_cli.analysis import Stats
    from nnce_cli.table import Metadata


def show_stats(
    cells: Annotated[
        str, typer.Argument(metavar="CELLS", help="A cell table; - is standard input.")
    ],
    json: Annotated[bool, typer.Option("--json", help="Print the statistics as JSON.")] = False,
) -> None:
    """Show the statistics of a cell table.

    A layer-k cell is a set of points that share the signs of the first k layers; its rank at
    layer k is the dimension of its image there. Counted are the layer-k cells, by rank and by
    active neurons of layer k, and the layer-(k+1) cells inside each of them.

    \b
    nnce stats model.cells.parquet
    nnce stats model.cells.parquet --json
    nnce enumerate model.onnx -o - | nnce stats -
    """  # noqa: D301
    from nnce_cli.analysis import stats
    from nnce_cli.table import CellTableReader

    with CellTableReader(cells) as reader:
        metadata = reader.metadata
        result = stats(reader.batches(witness=False), metadata.widths)
    if json:
        state = {"complete": metadata.complete, "certified": metadata.certified}
        print(json_text(result.to_dict() | state))
    else:
        _print_for_people(result, metadata)
    if result.layer_cells != list(metadata.layer_cells):
        print(
            f"nnce: the table says that it has {list(metadata.layer_cells)} cells after each "
            f"layer, and {result.layer_cells} were read: it was changed after it was written",
            file=sys.stderr,
        )
        raise typer.Exit(exit_codes.UNCERTIFIED)


def _print_for_people(result: Stats, metadata: Metadata) -> None:
    layers = range(1, len(result.widths))
    headers = [f"layer {k}" for k in layers]
    print_fields(
        {
            "widths": "-".join(map(str, result.widths)),
            "cells": number(result.cells),
            "complete": "yes" if metadata.complete else "no: these are the first cells only",
            "certified": "yes" if metadata.certified else "no",
        }
    )
    print_table("Layer-k cells", headers, [map(number, result.layer_cells)])
    print_table("Layer-k cells by rank", ["rank", *headers], _rows_by_value(result.cells_by_rank))
    print_table(
        "Layer-k cells by active neurons of layer k",
        ["active", *headers],
        _rows_by_value(result.active_neurons),
    )
    if result.sub_cells_by_rank:
        print_table(
            "Layer-(k+1) cells in a layer-k cell, by the rank of that cell",
            ["k", "rank", "layer-k cells", "mean", "min", "max"],
            [
                (
                    str(k),
                    str(rank),
                    number(sub.cells),
                    f"{sub.mean:,.3f}",
                    number(sub.min),
                    number(sub.max),
                )
                for k, layer in enumerate(result.sub_cells_by_rank, start=1)
                for rank, sub in layer.items()
            ],
        )


def _rows_by_value(layers: list[dict[int, int]]) -> list[list[str]]:
    """Return a row for each value that occurs, with a count for each layer."""
    values = sorted(set().union(*layers))
    return [[str(value), *(number(layer.get(value, 0)) for layer in layers)] for value in values]
