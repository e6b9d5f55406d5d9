"""The command ``nnce plot``."""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nnce_cli.base.errors import InputError
from nnce_cli.cli.table_and_model import (
    PointsOption,
    TaskOption,
    chosen_task,
    exit_if_changed,
    load_model_of,
    need_matplotlib,
    refuse_bad_output,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nnce_cli.base.task import Task
    from nnce_cli.table import CellTableReader


class Kind(StrEnum):
    """What is drawn."""

    PARTITION = "partition"
    RANK = "rank"
    LAYERS = "layers"


class Colour(StrEnum):
    """What the cells are coloured by."""

    LAYER1 = "layer1"
    RANK = "rank"
    CLASS = "class"
    OUTPUT = "output"
    ACTIVE = "active"


class Format(StrEnum):
    """The file's format."""

    PNG = "png"
    SVG = "svg"
    PDF = "pdf"


def plot_cells(
    cells: Annotated[
        str, typer.Argument(metavar="CELLS", help="A cell table; - is standard input.")
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Where the picture goes; - is standard output."
        ),
    ],
    kind: Annotated[
        Kind | None,
        typer.Option(
            metavar="partition|rank|layers",
            help="What is drawn. [default: partition with --model, rank without]",
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="MODEL",
            help="The network that it is the table of; --kind partition needs it.",
        ),
    ] = None,
    colour: Annotated[
        Colour,
        typer.Option(
            "--colour",
            "--color",
            metavar="layer1|rank|class|output|active",
            help="What the cells of a partition are coloured by: their layer-1 cell, rank at the "
            "last layer, predicted class, output, or number of active neurons. [default: layer1]",
        ),
    ] = Colour.LAYER1,
    component: Annotated[
        int | None,
        typer.Option(
            metavar="I",
            min=0,
            help="The output, counted from 0, that --colour output shows. [default: 0]",
        ),
    ] = None,
    task: TaskOption = None,
    points: PointsOption = None,
    file_format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            metavar="png|svg|pdf",
            help="[default: by the name of the output; png for standard output]",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the output file if it exists.")
    ] = False,
) -> None:
    """Draw the cells or the statistics of a cell table.

    partition: the cells of a domain on which two inputs vary, with the bent lines of the neurons
    by layer and, where the outputs are of classes, the decision boundary; where one input varies,
    the outputs with their breakpoints. rank: how many layer-(k+1) cells the layer-k cells of each
    rank hold, against the theoretical maximum. layers: how the number of cells grows from layer to
    layer.

    Equal input gives an equal file. It needs matplotlib: pip install matplotlib.

    \b
    nnce plot model.cells.parquet --model model.onnx -o cells.png
    nnce plot model.cells.parquet --model model.onnx --colour class -o cells.svg
    nnce plot model.cells.parquet --kind rank -o rank.pdf
    nnce plot model.cells.parquet --kind layers --format svg -o - > layers.svg
    """  # noqa: D301
    kind = kind or (Kind.RANK if model is None else Kind.PARTITION)
    chosen = file_format or _format_of(output)
    if kind is Kind.PARTITION and model is None:
        raise InputError("the cells are drawn from the weights of the network; add --model MODEL")
    if component is not None and colour is not Colour.OUTPUT:
        raise InputError("--component chooses the output of --colour output; add that")
    if task is not None and kind is not Kind.PARTITION:
        raise InputError("--task is about the classes of --kind partition; leave it out")
    if points is not None and kind is not Kind.PARTITION:
        raise InputError("--points are marked on the cells of --kind partition; leave it out")
    refuse_bad_output(output, (cells, model, points))
    need_matplotlib()
    from nnce_cli.plotting import our_style, picture
    from nnce_cli.table import CellTableReader, Output

    with Output(output, force=force) as out, CellTableReader(cells) as reader:
        with our_style():
            if kind is Kind.PARTITION and model is not None:
                figure, layer_cells = _partition(
                    reader, model, colour, component or 0, task, points
                )
            else:
                figure, layer_cells = _statistics(reader, model, kind)
            with suppress(BrokenPipeError):  # who does not want it need not read it
                out.write(picture(figure, chosen.value))
                out.commit()
        exit_if_changed(reader.metadata, layer_cells)


def _format_of(output: str) -> Format:
    """Return the format that a file's name asks for."""
    if output == "-":
        return Format.PNG
    suffix = Path(output).suffix.lower().removeprefix(".")
    try:
        return Format(suffix)
    except ValueError:
        raise InputError(
            f"the name {output} does not end in .png, .svg or .pdf; rename it or add --format"
        ) from None


def _partition(
    reader: CellTableReader,
    model: Path,
    colour: Colour,
    component: int,
    task: Task | None,
    points: Path | None,
) -> tuple[Figure, list[int]]:
    from nnce_cli.plotting import (
        Marks,
        Plane,
        all_rows,
        draw_cells,
        partition,
        read_data,
        seen_words,
        title,
    )
    from nnce_cli.table import domain_of

    metadata = reader.metadata
    stack = load_model_of(metadata, model)
    plane = Plane.of(stack, domain_of(metadata), chosen_task(metadata, stack, task))
    rows, layer_cells = all_rows(reader.batches(witness=False), metadata.sizes.layout)
    cells = partition(plane, rows, complete=metadata.complete)
    words = title(metadata, model.name, layer_cells[-1], seen_words(cells))
    marks = Marks.of(plane, None if points is None else read_data(points, plane))
    return draw_cells(cells, colour.value, words, component, marks), layer_cells


def _statistics(
    reader: CellTableReader, model: Path | None, kind: Kind
) -> tuple[Figure, list[int]]:
    from nnce_cli.analysis import stats
    from nnce_cli.plotting import draw_layers, draw_ranks, title
    from nnce_cli.table import domain_of

    metadata = reader.metadata
    if model is not None:
        load_model_of(metadata, model)
    domain = domain_of(metadata)
    found = stats(reader.batches(witness=False), metadata.sizes)
    if not found.cells:
        raise InputError("the table has no cells, so that there is nothing to draw")
    words = title(metadata, None if model is None else model.name, found.cells)
    draw = draw_ranks if kind is Kind.RANK else draw_layers
    return draw(found, int((domain.lower < domain.upper).sum()), words), found.layer_cells
