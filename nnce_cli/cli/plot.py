"""The command ``nnce plot``."""

from __future__ import annotations

import re
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nnce_cli.base.errors import InputError
from nnce_cli.cli.options import CellsArgument, force_option, model_argument, takes_model
from nnce_cli.cli.plot_space import AskedPage, write_page
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
    from nnce_cli.plotting import Look
    from nnce_cli.table import CellTableReader

INCHES = {"": 1.0, "in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4}
SIDES = (1.0, 40.0)  # inches
MOST_PIXELS = 100_000_000
DPI = 200


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
    HTML = "html"


@takes_model
def plot_cells(
    cells: CellsArgument,
    *,
    model: Annotated[Path | None, model_argument("; --kind partition needs it.")] = None,
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
            help="What is drawn. [default: partition with MODEL; without it rank, or layers where "
            "there is one layer only]",
        ),
    ] = None,
    colour: Annotated[
        Colour | None,
        typer.Option(
            "--colour",
            "--color",
            metavar="layer1|rank|class|output|active",
            help="What the cells of a partition are coloured by: their layer-1 cell, rank at the "
            "last layer, predicted class, output, or number of active neurons. [default: class; "
            "output where there is one, or where the outputs are of no classes]",
        ),
    ] = None,
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
    lines: Annotated[
        bool, typer.Option("--lines/--no-lines", help="Draw the neurons' lines.")
    ] = True,
    heading: Annotated[
        str | None,
        typer.Option(
            "--title",
            metavar="TEXT",
            help="What stands over the picture, '' for nothing. [default: the model, its widths, "
            "the domain and the number of cells]",
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="W,H",
            help="Width and height in inches, or with a unit: 85mm,70mm. [default: what suits the "
            "domain]",
        ),
    ] = None,
    dpi: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=20,
            max=2400,
            help="Pixels an inch, of PNG and of the images in SVG and PDF. [default: 200]",
        ),
    ] = None,
    file_format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            metavar="png|svg|pdf|html",
            help="[default: by the name of the output; png for standard output]",
        ),
    ] = None,
    force: Annotated[bool, force_option()] = False,
) -> None:
    """Draw the cells or the statistics of a cell table.

    partition: the cells of a domain on which two inputs vary, in the colours of their classes or
    of the output, with the bent lines of the neurons by layer and the decision boundary; where one
    input varies, the outputs with their breakpoints. rank: how many layer-(k+1) cells the layer-k
    cells of each rank hold, against the theoretical maximum; it needs two hidden layers. layers:
    how the number of cells grows from layer to layer.

    Where three inputs vary, cells.html is a page on which the cells of a partition can be turned,
    cut and moved apart in a browser.

    A class has one colour in all pictures. Equal input gives an equal file. It needs matplotlib:
    pip install matplotlib.

    \b
    nnce plot model.cells.parquet model.onnx -o cells.png
    nnce plot model.cells.parquet model.onnx --points data.csv -o cells.svg
    nnce plot model.cells.parquet model.onnx --size 85mm,70mm --title '' -o cells.pdf
    nnce plot space.cells.parquet space.onnx -o cells.html
    nnce plot model.cells.parquet --kind rank -o rank.pdf
    nnce plot model.cells.parquet --kind layers --format svg -o - > layers.svg
    """  # noqa: D301
    chosen = file_format or _format_of(output)
    _refuse_options(kind, model, colour, component, task, points)
    if not lines and (kind or (model and Kind.PARTITION)) is not Kind.PARTITION:
        raise InputError("--no-lines is about the neurons of --kind partition; leave it out")
    refuse_bad_output(output, (cells, model, points))
    need_matplotlib()
    if chosen is Format.HTML:
        _refuse_on_page(kind, model, points, size, dpi)
        if colour is None and component is not None:
            colour = Colour.OUTPUT
        assert model is not None
        asked = AskedPage(
            task, None if colour is None else colour.value, component or 0, heading, lines
        )
        write_page(cells, model, output, asked, force=force)
        return
    inches, dpi = None if size is None else _inches(size), dpi or DPI
    _refuse_large(inches, dpi)
    from nnce_cli.plotting import Look, our_style, picture
    from nnce_cli.table import CellTableReader, Output

    look = Look(size=inches, lines=lines)
    with Output(output, force=force) as out, CellTableReader(cells) as reader:
        kind = kind or (Kind.PARTITION if model else _usual(reader))
        with our_style():
            if kind is Kind.PARTITION and model is not None:
                figure, layer_cells = _partition(
                    reader, model, colour, component, task, points, heading, look
                )
            else:
                figure, layer_cells = _statistics(reader, model, kind, heading, look)
            with suppress(BrokenPipeError):  # who does not want it need not read it
                out.write(picture(figure, chosen.value, dpi))
                out.commit()
        exit_if_changed(reader.metadata, layer_cells)


def _refuse_options(
    kind: Kind | None,
    model: Path | None,
    colour: Colour | None,
    component: int | None,
    task: Task | None,
    points: Path | None,
) -> None:
    """Refuse options that do not go together."""
    is_partition = (kind or (model and Kind.PARTITION)) is Kind.PARTITION
    if is_partition and model is None:
        raise InputError(
            "the cells are drawn from the weights of the network; give MODEL behind the table"
        )
    if component is not None and colour not in (None, Colour.OUTPUT):
        raise InputError("--component chooses the output of --colour output; add that")
    if task is not None and not is_partition:
        raise InputError("--task is about the classes of --kind partition; leave it out")
    if points is not None and not is_partition:
        raise InputError("--points are marked on the cells of --kind partition; leave it out")


def _refuse_on_page(
    kind: Kind | None, model: Path | None, points: Path | None, size: str | None, dpi: int | None
) -> None:
    """Refuse what a page of cells in space does not have."""
    if model is None or kind not in (None, Kind.PARTITION):
        raise InputError(
            "a page shows cells in space, which are those of --kind partition; "
            + ("give MODEL behind the table" if kind is None else "use .png, .svg or .pdf here")
        )
    if points is not None:
        raise InputError("--points are marked on a plane, not on a page of space; leave them out")
    if size is not None or dpi is not None:
        raise InputError(
            "--size and --dpi are about pictures, and a page is as large as its window; leave them "
            "out"
        )


def _usual(reader: CellTableReader) -> Kind:
    """Return what is drawn of a table alone."""
    return Kind.RANK if reader.metadata.sizes.layout.depth > 1 else Kind.LAYERS


def _inches(size: str) -> tuple[float, float]:
    """Read a size like ``3.4,3`` or ``85mm,70mm``."""
    number = r"(\d*\.?\d+)\s*(in|cm|mm)?"
    found = re.fullmatch(rf"\s*{number}\s*[,x]\s*{number}\s*", size)
    if found is None:
        raise InputError(
            f"--size {size} is not a width and a height; give inches as in 6,4, or a unit as in "
            "85mm,70mm"
        )
    width, height = (float(found[i]) * INCHES[found[i + 1] or ""] for i in (1, 3))
    low, high = SIDES
    if not (low <= width <= high and low <= height <= high):
        raise InputError(f"--size {size}: a side has {low:g} to {high:g} inches")
    return width, height


def _refuse_large(inches: tuple[float, float] | None, dpi: int) -> None:
    """Refuse a picture of more pixels than memory is for."""
    width, height = inches or (8.0, 8.0)
    if width * height * dpi**2 > MOST_PIXELS:
        raise InputError(
            f"a picture of {width * dpi:,.0f} by {height * dpi:,.0f} pixels is too large; "
            "choose a smaller --dpi or --size"
        )


def _format_of(output: str) -> Format:
    """Return the format that a file's name asks for."""
    if output == "-":
        return Format.PNG
    suffix = Path(output).suffix.lower().removeprefix(".")
    try:
        return Format(suffix)
    except ValueError:
        raise InputError(
            f"the name {output} does not end in .png, .svg, .pdf or .html; rename it or add "
            "--format"
        ) from None


def _partition(
    reader: CellTableReader,
    model: Path,
    colour: Colour | None,
    component: int | None,
    task: Task | None,
    points: Path | None,
    heading: str | None,
    look: Look,
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
        usual_colouring,
    )
    from nnce_cli.table import domain_of

    metadata = reader.metadata
    stack = load_model_of(metadata, model)
    plane = Plane.of(stack, domain_of(metadata), chosen_task(metadata, stack, task))
    data, labels = (None, []) if points is None else read_data(points, plane.origin.size)
    rows, layer_cells = all_rows(reader.batches(witness=False), metadata.sizes.layout)
    cells = partition(plane, rows, complete=metadata.complete)
    words = title(metadata, model.name, layer_cells[-1], seen_words(cells))
    words = words if heading is None else heading
    if colour is None and component is not None:
        colour = Colour.OUTPUT
    colouring = usual_colouring(plane.task) if colour is None else colour.value
    marks = Marks.of(plane, data, labels)
    return draw_cells(cells, colouring, words, component or 0, marks, look), layer_cells


def _statistics(
    reader: CellTableReader, model: Path | None, kind: Kind, heading: str | None, look: Look
) -> tuple[Figure, list[int]]:
    from nnce_cli.analysis import stats
    from nnce_cli.plotting import draw_layers, draw_ranks, title
    from nnce_cli.table import domain_of

    metadata = reader.metadata
    if kind is Kind.RANK and metadata.sizes.layout.depth < 2:
        raise InputError(
            "--kind rank shows what deeper layers make of the cells of a layer, and this network "
            "has one hidden layer or none; use --kind layers"
        )
    if model is not None:
        load_model_of(metadata, model)
    domain = domain_of(metadata)
    found = stats(reader.batches(witness=False), metadata.sizes)
    if not found.cells:
        raise InputError("the table has no cells, so that there is nothing to draw")
    words = title(metadata, None if model is None else model.name, found.cells)
    words = words if heading is None else heading
    if kind is Kind.RANK:
        return draw_ranks(found, words, look), found.layer_cells
    varying = int((domain.lower < domain.upper).sum())
    return draw_layers(found, varying, words, look), found.layer_cells
