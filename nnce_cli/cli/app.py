"""The commands and the options of ``nnce`` itself.

A command's module is loaded when the command is run, or listed: typer looks at every option of
every command that it knows, which takes longer than a small run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from nnce_cli import __version__

COMMANDS = {
    "enumerate": "enumerate:enumerate_cells",
    "count": "count:count_cells",
    "estimate": "estimate:estimate_cells",
    "stats": "stats:show_stats",
    "inspect": "inspect:inspect_model",
    "verify": "verify:verify_cells",
    "check": "check:check_property",
    "range": "range:find_ranges",
    "runs": "runs:show_runs",
    "plot": "plot:plot_cells",
    "report": "report_page:write_report",
    "compare": "compare:compare_tables",
    "witness": "witness:find_witnesses",
    "locate": "locate:locate_points",
    "cell": "cell:show_cell",
    "neurons": "neurons:show_neurons",
    "graph": "graph:find_graph",
    "topology": "topology:show_topology",
    "geometry": "geometry:write_geometry",
    "methods": "methods:show_methods",
    "help": "help:show_help",
}
"""Where the function of each command is, in the order in which they are listed."""

OPTIONS: dict[str, Any] = {
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


class Commands(Mapping[str, Any]):
    """The commands by name, each of which is made when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        module, function = COMMANDS[name].split(":")
        alone = typer.Typer(**OPTIONS)
        alone.command(name)(getattr(import_module(f"nnce_cli.cli.{module}"), function))
        return typer.main.get_command(alone)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Group(TyperGroup):
    """``nnce`` without a command."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"commands": None})
        self.commands: Any = Commands()


app = typer.Typer(name="nnce", cls=Group, **OPTIONS | {"add_completion": True})


def _print_version(asked: bool) -> None:
    if asked:
        print("nnce", __version__)
        raise typer.Exit


@app.callback()
def nnce(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Exact enumeration of the activation regions (cells) of ReLU networks.

    \b
    nnce enumerate model.onnx           the table of all cells on the box [-1, 1]^n
    nnce count one.onnx other.onnx      how many cells each of them has, as one table
    nnce estimate model.onnx            how many cells there will be, and how long it takes
    nnce stats model.cells.parquet      its statistics
    nnce inspect model.onnx             the layers, and bounds on the number of cells
    nnce verify model.cells.parquet model.onnx    check the table independently
    nnce check model.onnx property.vnnlib         whether a property holds
    nnce range model.onnx               the least and the largest value of each output
    nnce runs .                         unfinished runs, alive or not
    nnce plot model.cells.parquet model.onnx -o cells.png  a picture of the cells
    nnce report model.cells.parquet model.onnx -o report.html        all of it on one page
    nnce compare one.parquet other.parquet        whether two tables have the same cells
    nnce witness model.cells.parquet model.onnx --row 0    an input inside the cell of a row
    nnce locate model.cells.parquet model.onnx points.csv  the row of the cell of each point
    nnce cell model.cells.parquet model.onnx --row 0       its map, facets, neighbours, volume
    nnce neurons model.cells.parquet model.onnx            dead, always active and unstable units
    nnce graph model.cells.parquet model.onnx -o graph.parquet    which cells share a facet
    nnce topology model.cells.parquet model.onnx           components and holes of each class
    nnce geometry model.cells.parquet model.onnx -o more.parquet     columns beside the table
    nnce methods                        the methods and LP solvers that can be used here
    nnce help enumerate                 all about a command

    Exit codes: 0 complete and certified; 1 finished, but a check failed; 2 bad usage or input;
    3 incomplete (a limit, a signal, no memory); 101 a bug in nnce.
    """  # noqa: D301 (typer keeps the lines of a paragraph that \b begins)
