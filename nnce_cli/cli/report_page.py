"""The command ``nnce report``: the HTML page (``cli.report`` is about text on a terminal)."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nnce_cli.base.errors import InputError
from nnce_cli.cli.jobs import JobsOption, processes
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
    from nnce_cli.plotting import Partition
    from nnce_cli.table import CellTableReader

MOST_CELLS = 2_000_000  # of few inputs, whose decision boundary is known within tens of seconds
MANY_INPUTS = 32  # with which a cell takes twice as long
UNBOUNDED = 16  # how many times as long one takes where the domain lacks a bound


def write_report(
    cells: Annotated[
        str, typer.Argument(metavar="CELLS", help="A cell table; - is standard input.")
    ],
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="The network that it is the table of.")
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Where the page goes; - is standard output."
        ),
    ] = "report.html",
    task: TaskOption = None,
    points: PointsOption = None,
    jobs: JobsOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the output file if it exists.")
    ] = False,
) -> None:
    """Write a report of a cell table: one HTML page that needs no network.

    It has the model, the domain, the counts, the statistics as tables and pictures, what was
    certified, and the commands that give the same result again. Where two inputs vary it has a
    map of the cells that can be moved and zoomed and shows the cell under the pointer: sign
    vector by layer, rank, affine map, output. Where one varies, the function is drawn.

    Cells by predicted class, those on the decision boundary (where the outputs are of classes, see
    --task) and the Lipschitz constants are on the page where that takes tens of seconds at most;
    nnce stats --model has no such limit.

    It needs matplotlib: pip install 'nnce-cli[plot]'.

    \b
    nnce report model.cells.parquet model.onnx
    nnce report model.cells.parquet model.onnx -o model.html --force
    nnce enumerate model.onnx -o - | nnce report - model.onnx -o - > model.html
    """  # noqa: D301
    refuse_bad_output(output, (cells, model, points))
    need_matplotlib()
    from nnce_cli.plotting import Marks, Subject, read_data, report_page
    from nnce_cli.table import CellTableReader, Output

    with Output(output, force=force) as out, CellTableReader(cells) as reader:
        from nnce_cli.analysis import stats

        metadata = reader.metadata
        stack = load_model_of(metadata, model)
        meant = chosen_task(metadata, stack, task)
        partition = _partition(reader, stack, meant)
        marks = None
        if partition is not None:
            plane = partition.plane
            data, labels = (None, []) if points is None else read_data(points, plane.origin.size)
            marks = Marks.of(plane, data, labels)
        elif points is not None:
            raise InputError("--points are marked where one or two inputs vary; leave it out")
        found = stats(reader.batches(witness=False), metadata.sizes)
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
        )
        if not subject.stats.cells:
            raise InputError("the table has no cells, so that there is nothing to report")
        with suppress(BrokenPipeError):  # who does not want it need not read it
            out.write(report_page(subject).encode())
            out.commit()
        exit_if_changed(metadata, subject.stats.layer_cells)


def _partition(reader: CellTableReader, stack: LayerStack, task: Task) -> Partition | None:
    """Return the cells as polygons where one or two inputs vary."""
    from nnce_cli.plotting import Plane, all_rows, partition
    from nnce_cli.table import domain_of

    metadata = reader.metadata
    domain = domain_of(metadata)
    if (domain.lower < domain.upper).sum() not in (1, 2):
        return None
    rows, _ = all_rows(reader.batches(witness=False), metadata.sizes.layout)
    return partition(Plane.of(stack, domain, task), rows, complete=metadata.complete)


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
