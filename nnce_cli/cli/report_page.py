"""The command ``nnce report``: the HTML page (``cli.report`` is about text on a terminal)."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nnce_cli.base.errors import InputError
from nnce_cli.cli.jobs import JobsOption, processes
from nnce_cli.cli.options import CellsArgument, ModelArgument, force_option
from nnce_cli.cli.progress import check_progress
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
    from nnce_cli.analysis import NetworkStats
    from nnce_cli.base.task import Task
    from nnce_cli.network import LayerStack
    from nnce_cli.plotting import Marks, Partition, Space
    from nnce_cli.table import CellTableReader

MOST_CELLS = 2_000_000  # of few inputs, whose decision boundary is known within tens of seconds
MANY_INPUTS = 32  # with which a cell takes twice as long
UNBOUNDED = 16  # how many times as long one takes where the domain lacks a bound


def write_report(
    cells: CellsArgument,
    model: ModelArgument,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where the page goes; - is standard output. [default: the table's name with "
            ".report.html, in this folder]",
        ),
    ] = None,
    task: TaskOption = None,
    points: PointsOption = None,
    jobs: JobsOption = None,
    force: Annotated[bool, force_option()] = False,
) -> None:
    """Write a report of a cell table: one HTML page that needs no network.

    It says how many cells there are, how they grow from layer to layer against the bounds, what
    ranks make of sub-cells, the classes and what was proved; and it has the pictures, all numbers,
    and the commands that give the same result again. Where two inputs vary it has a map of the
    cells that can be moved and zoomed and shows the cell under the pointer: sign vector by layer,
    rank, affine map, output. Where more do, the map is of slices through points that are chosen on
    the page, and where one varies, the function is drawn. A list of the cells can be sorted.

    Cells by predicted class, those on the decision boundary (where the outputs are of classes, see
    --task) and the Lipschitz constants are on the page where that takes tens of seconds at most;
    nnce stats CELLS MODEL has no such limit.

    It needs matplotlib: pip install matplotlib.

    \b
    nnce report model.cells.parquet model.onnx
    nnce report model.cells.parquet model.onnx --points data.csv -o model.html --force
    nnce enumerate model.onnx -o - | nnce report - model.onnx -o - > model.html
    """  # noqa: D301
    output = output or named_after(cells)
    refuse_bad_output(output, (cells, model, points))
    need_matplotlib()
    from nnce_cli.plotting import Subject, report_page
    from nnce_cli.table import CellTableReader, Output

    with Output(output, force=force) as out, CellTableReader(cells) as reader:
        from nnce_cli.analysis import stats

        metadata = reader.metadata
        stack = load_model_of(metadata, model)
        meant = chosen_task(metadata, stack, task)
        found = stats(reader.batches(witness=False), metadata.sizes)
        if not found.cells:
            raise InputError("the table has no cells, so that there is nothing to report")
        partition, marks, space = _cells(reader, stack, meant, points, found.cells)
        subject = Subject(
            model=model.name,
            table="cells.parquet" if cells == "-" else Path(cells).name,
            table_digest=None if cells == "-" else _digest(Path(cells)),
            stack=stack,
            task=meant,
            metadata=metadata,
            stats=found,
            network=_network_stats(reader, stack, meant, found.cells, processes(jobs)),
            partition=partition,
            marks=marks,
            space=space,
        )
        with suppress(BrokenPipeError):  # who does not want it need not read it
            out.write(report_page(subject).encode())
            out.commit()
        exit_if_changed(metadata, subject.stats.layer_cells)


def named_after(cells: str) -> str:
    """Return the name of a table's page: a.report.html for a.cells.parquet."""
    if cells == "-":
        return "report.html"
    return Path(cells).name.removesuffix(".parquet").removesuffix(".cells") + ".report.html"


def _cells(
    reader: CellTableReader, stack: LayerStack, task: Task, points: Path | None, cells: int
) -> tuple[Partition | None, Marks | None, Space | None]:
    """Return the cells as polygons where one or two inputs vary, and else for slices of them."""
    from nnce_cli.plotting import Marks, Plane, Space, all_rows, partition, read_data
    from nnce_cli.table import domain_of

    metadata = reader.metadata
    domain = domain_of(metadata)
    varying = int((domain.lower < domain.upper).sum())
    if points is not None and (varying == 0 or (varying > 2 and stack.points)):
        raise InputError(
            "--points are marked where one or two inputs vary, and slices go through them where "
            "more do, if the table is of no slice itself; leave it out"
        )
    if varying in (1, 2):
        plane = Plane.of(stack, domain, task)
        data, labels = (None, []) if points is None else read_data(points, plane.origin.size)
        rows, _ = all_rows(reader.batches(witness=False), metadata.sizes.layout)
        drawn = partition(plane, rows, complete=metadata.complete)
        return drawn, Marks.of(plane, data, labels), None
    if varying == 0 or not Space.fits(stack, cells):
        return None, None, None
    data, labels = (None, []) if points is None else read_data(points, stack.n_inputs)
    batches = reader.batches(witness=metadata.witness)
    return None, None, Space.of(stack, domain, task, batches, data, labels)


def _network_stats(
    reader: CellTableReader, stack: LayerStack, task: Task, cells: int, jobs: int
) -> NetworkStats | None:
    """Return what the network does on its cells, or None where the page is not to wait for it.

    The same table always gives the same page, so the choice is by size and not by time: a cell
    takes ten microseconds or so, and more with the square of the number of inputs.
    """
    from nnce_cli.analysis import NetworkCounter

    metadata = reader.metadata
    inputs = sum(low < high for low, high in zip(metadata.lower, metadata.upper, strict=True))
    work = cells * (1 + inputs**2 / MANY_INPUTS**2) * (UNBOUNDED if metadata.tells_bounded else 1)
    if work > MOST_CELLS:
        return None
    with check_progress(True) as show:
        counter = NetworkCounter(
            stack, metadata, lambda done, total: show("decision boundary", done, total), task, jobs
        )
        for _ in counter.watch(reader.batches(witness=metadata.witness)):
            pass
    return counter.result()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
