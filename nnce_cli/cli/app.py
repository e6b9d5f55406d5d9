"""The commands and the options of ``nnce`` itself."""

from __future__ import annotations

from typing import Annotated

import typer

from nnce_cli import __version__
from nnce_cli.cli.compare import compare_tables
from nnce_cli.cli.enumerate import enumerate_cells
from nnce_cli.cli.estimate import estimate_cells
from nnce_cli.cli.inspect import inspect_model
from nnce_cli.cli.methods import show_methods
from nnce_cli.cli.plot import plot_cells
from nnce_cli.cli.report_page import write_report
from nnce_cli.cli.runs import show_runs
from nnce_cli.cli.stats import show_stats
from nnce_cli.cli.verify import verify_cells
from nnce_cli.cli.witness import find_witnesses

app = typer.Typer(
    name="nnce",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("enumerate")(enumerate_cells)
app.command("estimate")(estimate_cells)
app.command("stats")(show_stats)
app.command("inspect")(inspect_model)
app.command("verify")(verify_cells)
app.command("runs")(show_runs)
app.command("plot")(plot_cells)
app.command("report")(write_report)
app.command("compare")(compare_tables)
app.command("witness")(find_witnesses)
app.command("methods")(show_methods)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"nnce {__version__}")
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
    nnce estimate model.onnx            how many cells there will be, and how long it takes
    nnce stats model.cells.parquet      its statistics
    nnce inspect model.onnx             the layers, and bounds on the number of cells
    nnce verify model.cells.parquet model.onnx    check the table independently
    nnce runs .                         unfinished runs, alive or not
    nnce plot model.cells.parquet --model model.onnx -o cells.png    a picture of the cells
    nnce report model.cells.parquet model.onnx -o report.html        all of it on one page
    nnce compare one.parquet other.parquet        whether two tables have the same cells
    nnce witness model.cells.parquet model.onnx --row 0    an input inside the cell of a row
    nnce methods                        the methods and LP solvers that can be used here

    Exit codes: 0 complete and certified; 1 finished, but a check failed; 2 bad usage or input;
    3 incomplete (a limit or a signal); 101 a bug in nnce.
    """  # noqa: D301 (typer keeps the lines of a paragraph that \b begins)
