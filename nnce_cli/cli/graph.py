"""The command ``nnce graph``."""

from __future__ import annotations

import time
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnce_cli.base.errors import InputError
from nnce_cli.base.signals import stop_on_signals
from nnce_cli.cli import exit_codes
from nnce_cli.cli.jobs import JobsOption, processes
from nnce_cli.cli.options import CellsArgument, ModelArgument, force_option, json_option
from nnce_cli.cli.progress import check_progress
from nnce_cli.cli.report import json_text, number, print_fields
from nnce_cli.cli.resume import resume_command
from nnce_cli.cli.say import say
from nnce_cli.cli.table_and_model import load_model_of, refuse_bad_output

if TYPE_CHECKING:
    from nnce_cli.atlas import DualGraph, Gap, GraphRun, Totals

MOST_EDGES = 1 << 25  # beyond them the graph as a whole is not held in memory
SHOWN_GAPS = 3


class Format(StrEnum):
    """How the edges are written."""

    parquet = "parquet"
    graphml = "graphml"


def find_graph(
    cells: CellsArgument,
    model: ModelArgument,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where the edges go. [default: the table's stem + .graph.parquet or .graphml, in "
            "this folder]",
        ),
    ] = None,
    output_format: Annotated[
        Format,
        typer.Option(
            "--format",
            metavar="parquet|graphml",
            help="parquet: a table with an edge a row; graphml: for programs that draw graphs.",
        ),
    ] = Format.parquet,
    jobs: JobsOption = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with a run that was interrupted, or killed."),
    ] = False,
    force: Annotated[
        bool, force_option("Replace the output file, or an unfinished run, if it exists.")
    ] = False,
    json: Annotated[bool, json_option("Print the statistics as JSON.")] = False,
) -> None:
    """Find the dual graph of a cell table: which cells have a facet in common.

    An edge a row: the rows of the two cells, the lower one first, and the layer and the unit behind
    the facet: the first one that changes there (layers from 1; rows and units from 0). Every facet
    is proved to be one, from both sides; a facet of a cell beyond which the table has no cell must
    be the domain's.

    Printed are the numbers of edges and facets, the least, mean and largest degree, the connected
    components and bounds of the diameter, by searches from some cells; on a domain without bounds
    also how many cells have no bounded facet.

    Nothing is lost where it is interrupted: it goes on with --resume. What is found meanwhile is in
    the folder FILE.run.

    \b
    nnce graph model.cells.parquet model.onnx
    nnce graph model.cells.parquet model.onnx -o graph.parquet --json
    nnce graph model.cells.parquet model.onnx --format graphml -o graph.graphml

    Exit codes: 0 all is proved; 1 a border has no neighbour, or a check failed; 2 bad usage or
    input; 3 interrupted.
    """  # noqa: D301
    from nnce_cli.atlas import GraphRun, cells_without_bounded_facet
    from nnce_cli.table import CellTableReader, Output

    if force and resume:
        raise InputError("--force starts again and --resume goes on; use one of them")
    target = output if output is not None else _default_name(cells, output_format)
    if target == "-":
        raise InputError("the statistics go to standard output; give --output a file name")
    refuse_bad_output(target, (cells, model))
    started = time.monotonic()
    with CellTableReader(cells) as reader:
        stack = load_model_of(reader.metadata, model)
        with Output(target, force=force or resume):
            pass  # an output that cannot be written is refused before the work
        folder = Path(f"{target}.run")
        with GraphRun(folder, reader, stack, resume=resume, force=force) as run:
            with check_progress(True) as show, stop_on_signals() as stop:
                is_whole = run.work(processes(jobs), stop.is_requested, show)
            if not is_whole:
                say(f"stopped by a signal; go on with: {resume_command()}")
                raise typer.Exit(exit_codes.INCOMPLETE)
            run.write(target, output_format, force=force or resume)
            graph = _graph(run)
            values = _values(run, graph)
            if reader.metadata.tells_bounded:
                with check_progress(True) as show:
                    values["without_bounded_facet"] = graph and cells_without_bounded_facet(
                        graph, reader, stack, processes(jobs), show
                    )
            values["seconds"] = round(time.monotonic() - started, 3)
            totals, about = run.totals, run.about
            run.remove()
    if json:
        print(json_text(values | {"output": target}))
    else:
        _print_text(values, target)
    _tell_faults(totals, complete=about["complete"])
    if not about["certified"]:
        raise typer.Exit(exit_codes.UNCERTIFIED)


def _default_name(cells: str, output_format: Format) -> str:
    stem = "table" if cells == "-" else Path(cells).name.removesuffix(".parquet")
    suffix = "graphml" if output_format is Format.graphml else "graph.parquet"
    return f"{stem}.{suffix}"


def _values(run: GraphRun, graph: DualGraph | None) -> dict[str, Any]:
    """Return the statistics as JSON values."""
    totals, about = run.totals, run.about
    diameter = graph.diameter if graph else None
    return {
        "cells": totals.cells,
        "edges": totals.edges,
        "facets": totals.between_cells + totals.of_domain,
        "facets_between_cells": totals.between_cells,
        "facets_of_domain": totals.of_domain,
        "without_neighbour": totals.gaps,
        "degree": _spread(totals.degrees),
        "facets_of_a_cell": _spread(totals.facets),
        "components": graph.components if graph else None,
        "diameter": diameter._asdict() if diameter else None,
        "decided_exactly": totals.exact,
        "complete": about["complete"],
        "certified": about["certified"],
    }


def _graph(run: GraphRun) -> DualGraph | None:
    """Return the graph as a whole, None where it is too large for that."""
    from nnce_cli.atlas import DualGraph

    if run.totals.edges > MOST_EDGES:
        return None
    return DualGraph(run.totals.cells, run.edges(), run.about)


def _spread(counts: Counter[int]) -> dict[str, Any] | None:
    """Return the least, the mean and the largest of numbers, of which there are so many each."""
    if not counts:
        return None
    total = sum(value * count for value, count in counts.items())
    return {"min": min(counts), "mean": total / counts.total(), "max": max(counts)}


def _print_text(values: dict[str, Any], target: str) -> None:
    between, edges = values["facets_between_cells"], values["edges"]
    lost = values["without_neighbour"]
    fields = {
        "cells": number(values["cells"]),
        "edges": number(edges),
        "facets": f"{number(between)} between cells, {number(values['facets_of_domain'])} of the "
        "domain",
        "check": f"2 × {number(edges)} edges"
        + (f" + {number(lost)} without neighbour" if lost else "")
        + f" {'=' if 2 * edges + lost == between else '≠'} {number(between)} facets",
    }
    for key, name in (("degree", "degree"), ("facets_of_a_cell", "facets of a cell")):
        if values[key]:
            spread = values[key]
            fields[name] = f"{spread['min']} to {spread['max']}, mean {spread['mean']:.4g}"
    if values["components"] is not None:
        fields["components"] = number(values["components"])
    if values["diameter"]:
        least, most = values["diameter"].values()
        fields["diameter"] = (
            number(least) if least == most else f"{number(least)} to {number(most)}"
        )
    if "without_bounded_facet" in values:
        count = values["without_bounded_facet"]
        fields["without a bounded facet"] = (
            "not counted: too many cells are in question" if count is None else number(count)
        )
    fields["decided exactly"] = f"{number(values['decided_exactly'])} cells"
    fields["complete"] = "yes" if values["complete"] else "no: the table has some of the cells"
    fields["certified"] = "yes" if values["certified"] else "no"
    fields["written to"] = target
    print_fields(fields)


def _tell_faults(totals: Totals, *, complete: bool) -> None:
    for gap in totals.some_gaps[:SHOWN_GAPS]:
        say(_gap_words(gap))
    if totals.gaps:
        why = (
            "a row is missing: check the table with nnce verify"
            if complete
            else "the table is not complete"
        )
        count = f"{totals.gaps:,} borders" if totals.gaps > 1 else "a border"
        say(f"{count} without a neighbour, and not the domain's: {why}")
    if not totals.is_symmetric:
        say("the edges are not the same from both sides of all facets: please report this")


def _gap_words(gap: Gap) -> str:
    return (
        f"row {gap.row} has a facet (layer {gap.layer} unit {gap.unit}) beyond which the table has "
        "no cell"
    )
