"""What the commands that draw have in common: a table, its model, and a file to write."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nnce_cli.base.errors import InputError
from nnce_cli.base.task import Task
from nnce_cli.cli import exit_codes
from nnce_cli.cli.say import say

if TYPE_CHECKING:
    from nnce_cli.network import LayerStack
    from nnce_cli.table import Metadata


TaskOption = Annotated[
    Task | None,
    typer.Option(
        "--task",
        metavar="argmax|argmin|sign|regression",
        help="What the outputs are taken for: the class of the largest or of the least, two "
        "classes by the sign of a single one, or no classes. [default: what the model says, else "
        "argmax of several outputs and sign of one]",
    ),
]


PointsOption = Annotated[
    Path | None,
    typer.Option(
        "--points",
        metavar="FILE",
        help="Inputs to mark on the cells, projected onto the plane of a slice: a CSV or JSON file "
        "with a point a row, or .npy.",
    ),
]


def need_matplotlib() -> None:
    """Tell how to install matplotlib where it is missing.

    Raises:
        InputError: it is.
    """
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        raise InputError(
            "pictures are drawn by matplotlib, which is not installed; "
            "install it with: pip install matplotlib"
        ) from error


def load_model_of(metadata: Metadata, model: Path) -> LayerStack:
    """Read the model that a table says it comes from.

    Raises:
        InputError: it cannot be read, or is another one.
    """
    from nnce_cli.analysis import refuse_other_model
    from nnce_cli.table import load_as

    stack = load_as(metadata, model)
    refuse_other_model(metadata, stack, str(model))
    return stack


def chosen_task(metadata: Metadata, stack: LayerStack, task: Task | None) -> Task:
    """Return what the outputs of a table's model are taken for.

    Raises:
        InputError: they are too few or too many for the task that is asked for.
    """
    from nnce_cli.analysis import output_map, task_of

    return task_of(output_map(stack).n_out, metadata.meaning, task)


def refuse_bad_output(output: str, inputs: Iterable[str | Path | None]) -> None:
    """Refuse to write over what is read, and to write a picture or a page to a terminal."""
    if output == "-":
        if sys.stdout is not None and sys.stdout.isatty():
            raise InputError(
                "standard output is a terminal; pipe it into a program or use --output FILE"
            )
        return
    if not Path(output).exists():
        return
    for path in inputs:
        if path is not None and Path(path).exists() and Path(path).samefile(output):
            raise InputError(f"the output {output} is also an input; choose another --output")


def exit_if_changed(metadata: Metadata, layer_cells: Sequence[int]) -> None:
    """End with exit code 1 where a table does not have the rows that it says it has."""
    if list(layer_cells) == list(metadata.layer_cells):
        return
    say(
        f"the table says that it has {list(metadata.layer_cells)} cells after each "
        f"layer, and {list(layer_cells)} were read: it was changed after it was written"
    )
    raise typer.Exit(exit_codes.UNCERTIFIED)
