"""The command ``nnce geometry``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from nnce_cli.base.errors import InputError
from nnce_cli.cli.jobs import JobsOption, processes
from nnce_cli.cli.options import (
    CellsArgument,
    ModelArgument,
    force_option,
    json_option,
    quiet_option,
)
from nnce_cli.cli.progress import check_progress
from nnce_cli.cli.report import json_text, number, print_fields, print_table
from nnce_cli.cli.say import say
from nnce_cli.cli.table_and_model import TaskOption, chosen_task, load_model_of, refuse_bad_output


def write_geometry(
    cells: CellsArgument,
    model: ModelArgument,
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The table to write (Parquet), a row a cell."
        ),
    ],
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME,...",
            help="Of facets, inradius, centre, volume, class, crossed, rank, norms, map_id and "
            "region. [default: all but centre; volume up to 6 inputs]",
        ),
    ] = None,
    task: TaskOption = None,
    jobs: JobsOption = None,
    force: Annotated[bool, force_option("Replace FILE if it exists.")] = False,
    quiet: Annotated[bool, quiet_option("Show no progress.")] = False,
    json: Annotated[bool, json_option("Print a JSON object.")] = False,
) -> None:
    """Write what is true of each cell as columns, a row for each row of the table.

    facets is their number; inradius is proved to be no larger than the radius of the largest ball
    inside, inradius_at_most no smaller, and centre is the ball's; volume is over the inputs that
    vary, the nearest float64 to the exact one; class is the one predicted at the centre, and
    crossed says whether the decision boundary runs through; rank and norms are those of the linear
    part of the map to the outputs, the norms with bounds on their errors.

    map_id is the first row whose affine map is exactly the same, so that equal numbers are equal
    maps; region is the first row of the connected part with that map, through facets. The summary
    counts both exactly: the distinct affine functions and the linear regions.

    Most costly are volume, which is computed in rational arithmetic, then inradius.

    \b
    nnce geometry model.cells.parquet model.onnx -o more.parquet
    nnce geometry model.cells.parquet model.onnx -o maps.parquet --columns map_id,norms
    """  # noqa: D301
    from nnce_cli.analysis import Geometry, chosen_columns
    from nnce_cli.table import CellTableReader, Output

    refuse_bad_output(output, (cells, model))
    if output == "-":
        raise InputError("the summary goes to standard output; give --output a file name")
    with CellTableReader(cells) as reader:
        metadata = reader.metadata
        stack = load_model_of(metadata, model)
        meant = chosen_task(metadata, stack, task)
        names = None if columns is None else [name.strip() for name in columns.split(",")]
        chosen = chosen_columns(names, metadata, meant)
        with Output(output, force=force) as file, check_progress(not quiet) as show:
            geometry = Geometry(reader, stack, meant, chosen, processes(jobs), show)
            found = geometry.write(file).to_dict()
            file.commit()
    state = {"complete": metadata.complete, "certified": metadata.certified}
    if json:
        said = {"output": output, "columns": [column.value for column in chosen]}
        print(json_text(said | found | state))
        return
    if not metadata.complete:
        say("the table is not complete: this is about its cells only")
    _print_text(found)


def _print_text(found: dict[str, Any]) -> None:
    facts = {"cells": number(found["cells"])}
    if "distinct_maps" in found:
        facts["distinct affine functions"] = number(found["distinct_maps"])
    if "linear_regions" in found:
        facts["linear regions"] = number(found["linear_regions"])
    if "boundary_cells" in found:
        facts["cells on the decision boundary"] = number(found["boundary_cells"])
    if "volume" in found:
        left_out = found["without_volume"]
        without = f", without {number(left_out)} cells" if left_out else ""
        facts["volume of all cells"] = f"{found['volume']:.12g}{without}"
    print_fields(facts)
    counted = (("facets", "facets"), ("classes", "class at the centre"), ("ranks", "rank"))
    for key, name in counted:
        if key in found:
            rows = [(str(value), number(count)) for value, count in found[key].items()]
            print_table(f"Cells by {name}", [name, "cells"], rows)
    names = {"inradius": "inradius", "spectral_norm": "spectral norm"}
    names |= {"infinity_norm": "infinity norm"}
    ends = [
        (name, f"{found[key]['least']:.8g}", f"{found[key]['largest']:.8g}")
        for key, name in names.items()
        if key in found
    ]
    if ends:
        print_table("Least and largest", ["", "least", "largest"], ends, words=("",))
