"""The command ``nnce report``: the HTML page (``cli.report`` is about text on a terminal)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nnce_cli.cli.table_and_model import (
    domain_of,
    exit_if_changed,
    load_model_of,
    need_matplotlib,
    refuse_bad_output,
)
from nnce_cli.errors import InputError

if TYPE_CHECKING:
    from nnce_cli.network import LayerStack
    from nnce_cli.plotting import Partition
    from nnce_cli.table import CellTableReader


def write_report(
    cells: Annotated[
        str, typer.Argument(metavar="CELLS", help="A cell table; - is standard input.")
    ],
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="The ReLU network that it is the table of.")
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Where the page goes; - is standard output."
        ),
    ] = "report.html",
    force: Annotated[
        bool, typer.Option("--force", help="Replace the output file if it exists.")
    ] = False,
) -> None:
    """Write a report of a cell table: one HTML page that needs no network.

    It has the model, the domain, the counts, the statistics as tables and pictures, what was
    certified, and the commands that give the same result again. Where two inputs vary it has a
    map of the cells that can be moved and zoomed and shows the cell under the pointer: sign
    vector by layer, rank, affine map, output. Where one varies, the function is drawn.

    It needs matplotlib: pip install 'nnce-cli[plot]'.

    \b
    nnce report model.cells.parquet model.onnx
    nnce report model.cells.parquet model.onnx -o model.html --force
    nnce enumerate model.onnx -o - | nnce report - model.onnx -o - > model.html
    """  # noqa: D301
    refuse_bad_output(output, (cells, model))
    need_matplotlib()
    from nnce_cli.plotting import Subject, report_page
    from nnce_cli.table import CellTableReader, Output

    with Output(output, force=force) as out, CellTableReader(cells) as reader:
        from nnce_cli.analysis import stats

        metadata = reader.metadata
        stack = load_model_of(metadata, model)
        partition = _partition(reader, stack)
        subject = Subject(
            model=model.name,
            table="cells.parquet" if cells == "-" else Path(cells).name,
            table_digest=None if cells == "-" else _digest(Path(cells)),
            stack=stack,
            metadata=metadata,
            stats=stats(reader.batches(witness=False), metadata.widths),
            partition=partition,
        )
        if not subject.stats.cells:
            raise InputError("the table has no cells, so that there is nothing to report")
        out.write(report_page(subject).encode())
        out.commit()
        exit_if_changed(metadata, subject.stats.layer_cells)


def _partition(reader: CellTableReader, stack: LayerStack) -> Partition | None:
    """Return the cells as polygons where one or two inputs vary."""
    from nnce_cli.plotting import Plane, all_rows, partition

    metadata = reader.metadata
    box = domain_of(metadata)
    if (box.lower < box.upper).sum() not in (1, 2):
        return None
    rows, _ = all_rows(reader.batches(witness=False), len(metadata.widths) - 1)
    return partition(Plane.of(stack, box), rows, complete=metadata.complete)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
