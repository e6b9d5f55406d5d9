"""The command ``nnce topology``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nnce_cli.cli import exit_codes
from nnce_cli.cli.formats import Format, FormatOption, chosen_format
from nnce_cli.cli.jobs import JobsOption, processes
from nnce_cli.cli.options import CellsArgument, ModelArgument, json_option
from nnce_cli.cli.progress import check_progress
from nnce_cli.cli.report import json_text, number, print_fields, print_table
from nnce_cli.cli.say import say
from nnce_cli.cli.table_and_model import TaskOption, load_model_of

if TYPE_CHECKING:
    from nnce_cli.analysis import Homology, Topology

BETTI = ("components", "loops", "cavities")
FACES = ("vertices", "edges", "polygons", "polyhedra")


def show_topology(
    cells: CellsArgument,
    model: ModelArgument,
    task: TaskOption = None,
    jobs: JobsOption = None,
    output_format: FormatOption = Format.text,
    json: Annotated[bool, json_option("Print a JSON object.")] = False,
) -> None:
    """Show the topology of where each class is predicted, and of the decision boundary.

    These are closed sets, and of each its Betti numbers are found: how many connected components,
    loops (rings in the plane, tunnels in space) and cavities it has. The region of a class is
    where it is predicted, with its border; what has no interior does not count. The decision
    boundary is what two regions have in common.

    All of it is exact, for up to three inputs that vary on a bounded domain, or slices of more:
    the cells are divided by the decision boundary, the vertices of all parts are found in rational
    arithmetic, and gudhi (pip install gudhi) computes the homology of what they make up. It is
    held against the Euler characteristic, which also must be 1 for the whole domain. Exit code 1
    if they differ.

    \b
    nnce topology model.cells.parquet model.onnx
    nnce topology model.cells.parquet model.onnx --task sign --json
    """  # noqa: D301
    from nnce_cli.analysis import topology_of
    from nnce_cli.table import CellTableReader

    with CellTableReader(cells) as reader:
        metadata = reader.metadata
        stack = load_model_of(metadata, model)
    with check_progress(True) as show:
        found = topology_of(
            stack,
            metadata,
            task,
            jobs=processes(jobs),
            progress=lambda done, total: show("parts of cells", done, total),
        )
    form = chosen_format(output_format, json=json)
    if form is Format.json:
        print(json_text({"cells": metadata.cells} | found.to_dict()))
    else:
        _print_tables(found, metadata.cells, form)
    if not found.is_consistent:
        say(
            "the Betti numbers do not have the Euler characteristic that they must have: check the "
            "table with nnce verify"
        )
        raise typer.Exit(exit_codes.UNCERTIFIED)


def _print_tables(found: Topology, cells: int, form: Format) -> None:
    faces = zip(found.faces, FACES, strict=False)
    print_fields(
        {
            "task": found.task.value,
            "cells": number(cells),
            "parts of them": f"{number(found.faces[-1])}, with one class each",
            "their faces": ", ".join(f"{number(count)} {name}" for count, name in faces),
            "Euler characteristic": str(found.domain.euler),
        },
        form=form,
    )
    names = BETTI[: max(found.inputs, 1)]
    rows = [
        [f"class {j}", number(region.parts), *_numbers(region.homology, names)]
        for j, region in found.regions.items()
    ]
    rows.append(["decision boundary", "", *_numbers(found.boundary, names)])
    columns = ["of", "parts", *names, "Euler characteristic"]
    print_table("Where each class is predicted", columns, rows, words=("of",), form=form)


def _numbers(homology: Homology, names: tuple[str, ...]) -> list[str]:
    """Return the Betti numbers that may not be zero, and the Euler characteristic."""
    return [*(number(count) for count in homology.betti[: len(names)]), str(homology.euler)]
