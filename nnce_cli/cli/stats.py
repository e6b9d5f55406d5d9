"""The command ``nnce stats``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnce_cli.base.errors import InputError
from nnce_cli.cli import exit_codes
from nnce_cli.cli.formats import Format, FormatOption, chosen_format
from nnce_cli.cli.jobs import JobsOption, processes
from nnce_cli.cli.options import (
    CellsArgument,
    force_option,
    json_option,
    model_argument,
    takes_model,
)
from nnce_cli.cli.progress import check_progress
from nnce_cli.cli.report import json_text, number, print_fields, print_table
from nnce_cli.cli.say import say
from nnce_cli.cli.table_and_model import TaskOption

if TYPE_CHECKING:
    from nnce_cli.analysis import NetworkStats, Stats
    from nnce_cli.base.task import Task
    from nnce_cli.table import CellTableReader, Metadata


@takes_model
def show_stats(
    cells: CellsArgument,
    model: Annotated[
        Path | None,
        model_argument(
            ": also count the cells by predicted class and those on the decision boundary, and "
            "find the Lipschitz constants."
        ),
    ] = None,
    task: TaskOption = None,
    jobs: JobsOption = None,
    by_layer: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Also write all layer-k cells as a table (Parquet): parent, rank, active "
            "neurons, number of layer-(k+1) cells.",
        ),
    ] = None,
    force: Annotated[bool, force_option("Replace the file of --by-layer if it exists.")] = False,
    output_format: FormatOption = Format.text,
    json: Annotated[bool, json_option("Print the statistics as JSON.")] = False,
) -> None:
    """Show the statistics of a cell table.

    A layer-k cell is a set of points that share the signs of the first k layers; its rank at
    layer k is the dimension of its image there. Counted are the layer-k cells, by rank and by
    active neurons of layer k, and the layer-(k+1) cells inside each of them, next to the most
    that its rank allows: the number of regions of n_{k+1} hyperplanes in general position.

    With MODEL, a class is predicted where its output is the largest; a single output stands
    for two classes, by its sign. Other models say what their outputs mean, or --task does. The
    decision boundary is decided exactly, by a walk along the table in --jobs processes.

    \b
    nnce stats model.cells.parquet
    nnce stats model.cells.parquet --json
    nnce stats model.cells.parquet model.onnx
    nnce stats model.cells.parquet --by-layer layers.parquet
    nnce enumerate model.onnx -o - | nnce stats -
    """  # noqa: D301
    from nnce_cli.table import CellTableReader

    sys.set_int_max_str_digits(0)  # theoretical maxima may have more digits than Python prints
    _refuse_bad_output(by_layer, (cells, model))
    if task is not None and model is None:
        raise InputError("--task is about the outputs of the model; give MODEL behind the table")
    with CellTableReader(cells) as reader:
        metadata = reader.metadata
        result, network = _gather(reader, model, by_layer, task, processes(jobs), force=force)
    form = chosen_format(output_format, json=json)
    if form is Format.json:
        values = result.to_dict()
        if network is not None:
            values["network"] = {"model": str(model)} | network.to_dict()
        state = {"complete": metadata.complete, "certified": metadata.certified}
        print(json_text(values | state))
    else:
        _print_tables(result, metadata, form)
        if network is not None:
            _print_network(network, result.cells, form)
    if result.layer_cells != list(metadata.layer_cells):
        say(
            f"the table says that it has {list(metadata.layer_cells)} cells after each "
            f"layer, and {result.layer_cells} were read: it was changed after it was written"
        )
        raise typer.Exit(exit_codes.UNCERTIFIED)


def _refuse_bad_output(by_layer: str | None, inputs: Iterable[str | Path | None]) -> None:
    """Refuse to write over what is read, and between the lines of the statistics."""
    if by_layer is None:
        return
    if by_layer == "-":
        raise InputError(
            "the statistics go to standard output already; give --by-layer a file name"
        )
    if Path(by_layer).exists():
        for path in inputs:
            if path is not None and Path(path).exists() and Path(path).samefile(by_layer):
                raise InputError(f"--by-layer {by_layer} is also an input; choose another name")


def _gather(
    reader: CellTableReader,
    model: Path | None,
    by_layer: str | None,
    task: Task | None,
    jobs: int,
    *,
    force: bool,
) -> tuple[Stats, NetworkStats | None]:
    """Pass over the table once; write the table of layer-k cells on the way."""
    from nnce_cli.analysis import ByLayerWriter, stats
    from nnce_cli.table import Output

    batches: Iterable[Any] = reader.batches(witness=model is not None)
    with ExitStack() as stack:
        output = writer = counter = None
        if by_layer is not None:
            output = stack.enter_context(Output(by_layer, force=force))
            writer = ByLayerWriter(output, reader.metadata)
        if model is not None:
            from nnce_cli.analysis import NetworkCounter
            from nnce_cli.table import load_as

            network = load_as(reader.metadata, model)
            show = stack.enter_context(check_progress(True))
            counter = NetworkCounter(
                network,
                reader.metadata,
                lambda done, total: show("decision boundary", done, total),
                task,
                jobs,
            )
            batches = counter.watch(batches)
        result = stats(batches, reader.metadata.sizes, writer.write if writer else None)
        if output is not None and writer is not None:
            writer.close()
            output.commit()
    return result, counter.result() if counter else None


def _print_tables(result: Stats, metadata: Metadata, form: Format) -> None:
    layers = range(1, len(result.widths))
    headers = [f"layer {k}" for k in layers]
    print_fields(
        {
            "widths": "-".join(map(str, result.widths)),
            **_domain(metadata),
            "cells": number(result.cells),
            **_bounded(result),
            "complete": "yes" if metadata.complete else "no: these are some of the cells",
            "certified": "yes" if metadata.certified else "no",
        },
        form=form,
    )
    if not headers:
        return
    noun = result.sizes.noun
    _print_layer_cells(result, headers, form)
    by_rank = _rows_by_value(result.cells_by_rank)
    print_table("Layer-k cells by rank", ["rank", *headers], by_rank, form=form)
    print_table(
        f"Layer-k cells by active {noun} of layer k",
        ["active", *headers],
        _rows_by_value(result.active_neurons),
        form=form,
    )
    for k, by_active in enumerate(result.ranks_by_active, start=1):
        ranks = sorted(set().union(*by_active.values()))
        print_table(
            f"Layer-{k} cells by active {noun} and rank",
            ["active", *(f"rank {rank}" for rank in ranks)],
            [
                [str(active), *(number(counts.get(rank, 0)) for rank in ranks)]
                for active, counts in by_active.items()
            ],
            form=form,
        )
    if result.sub_cells_by_rank:
        _print_sub_cells(result, form)


def _domain(metadata: Metadata) -> dict[str, str]:
    """Return what is said of a domain that is not just a box of the inputs."""
    from nnce_cli.table import domain_words

    return {} if metadata.is_of_a_box else {"domain": domain_words(metadata)}


def _bounded(result: Stats) -> dict[str, str]:
    if result.bounded_cells is None:
        return {}
    unbounded = result.cells - result.bounded_cells
    return {"bounded": number(result.bounded_cells), "unbounded": number(unbounded)}


def _print_layer_cells(result: Stats, headers: list[str], form: Format) -> None:
    if result.bounded_layer_cells is None:
        print_table("Layer-k cells", headers, [map(number, result.layer_cells)], form=form)
        return
    bounded = result.bounded_layer_cells
    unbounded = (all_ - some for all_, some in zip(result.layer_cells, bounded, strict=True))
    rows = [
        ("all", *map(number, result.layer_cells)),
        ("bounded", *map(number, bounded)),
        ("unbounded", *map(number, unbounded)),
    ]
    print_table("Layer-k cells", ["", *headers], rows, words=("",), form=form)


def _print_sub_cells(result: Stats, form: Format) -> None:
    columns = ["k", "rank", "layer-k cells", "mean", "min", "1/4", "median", "3/4", "max", "bound"]
    print_table(
        "Layer-(k+1) cells in a layer-k cell, by the rank of that cell",
        columns,
        [
            (
                str(k),
                str(rank),
                number(sub.cells),
                f"{sub.mean:,.3f}",
                number(sub.min),
                *(f"{quartile:,.2f}" for quartile in sub.quartiles),
                number(sub.max),
                number(sub.bound),
            )
            for k, layer in enumerate(result.sub_cells_by_rank, start=1)
            for rank, sub in layer.items()
        ],
        form=form,
    )


def _rows_by_value(layers: list[dict[int, int]]) -> list[list[str]]:
    """Return a row for each value that occurs, with a count for each layer."""
    values = sorted(set().union(*layers))
    return [[str(value), *(number(layer.get(value, 0)) for layer in layers)] for value in values]


def _print_network(network: NetworkStats, cells: int, form: Format) -> None:
    facts = {"outputs": number(network.outputs)}
    if network.boundary_cells is not None:
        print_table(
            "Cells by the class predicted at the witness",
            ["class", "cells"],
            [(str(j), number(count)) for j, count in network.classes.items()],
            form=form,
        )
        share = f" ({network.boundary_cells / cells:.1%})" if cells else ""
        facts["cells on the decision boundary"] = number(network.boundary_cells) + share
    print()
    print_fields(facts, form=form)
    print_table(
        "Operator norms of the affine maps on the cells (local Lipschitz constants)",
        ["norm", "largest", "in row", "mean of cells", "relative error"],
        [
            (name, "not known", "", "", "")
            if norm is None
            else (
                name,
                f"{norm.largest:.8g}",
                str(norm.row),
                f"{norm.mean:.8g}",
                "" if norm.relative_error is None else f"{norm.relative_error:.1e}",
            )
            for name, norm in (
                ("Euclidean", network.spectral_norm),
                ("maximum", network.infinity_norm),
            )
        ],
        words=("norm",),
        form=form,
    )
