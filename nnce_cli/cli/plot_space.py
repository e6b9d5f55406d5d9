"""What ``nnce plot`` writes of three inputs: a page of cells in space."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nnce_cli.base.errors import InputError
from nnce_cli.base.processes import usable_cores
from nnce_cli.cli.progress import check_progress
from nnce_cli.cli.table_and_model import chosen_task, exit_if_changed, load_model_of

if TYPE_CHECKING:
    from nnce_cli.base.task import Task
    from nnce_cli.network import LayerStack
    from nnce_cli.plotting import Colouring, Space
    from nnce_cli.table import CellTableReader


@dataclass(frozen=True)
class AskedPage:
    """The options of a page; None for what is usual."""

    task: Task | None
    colouring: Colouring | None
    component: int
    heading: str | None
    lines: bool


def write_page(cells: str, model: Path, output: str, asked: AskedPage, *, force: bool) -> None:
    """Write the page of the cells of a table."""
    from nnce_cli.atlas import CellSpace
    from nnce_cli.plotting import First, polytopes_of, space_page, title, usual_colouring
    from nnce_cli.table import CellTableReader, Output, domain_of

    with Output(output, force=force) as out, CellTableReader(cells) as reader:
        metadata = reader.metadata
        stack = load_model_of(metadata, model)
        task = chosen_task(metadata, stack, asked.task)
        colouring = asked.colouring or usual_colouring(task)
        space = _space(reader, stack, task, colouring, asked.component)
        with check_progress(True) as show:
            found = polytopes_of(
                CellSpace(stack, domain_of(metadata)),
                space.rows,
                jobs=usable_cores(),
                progress=lambda done, total: show("cells", done, total),
            )
        words = title(metadata, model.name, space.layer_cells[-1])
        words = words if asked.heading is None else asked.heading
        page = space_page(space, found, First(words, colouring, asked.component, asked.lines))
        with suppress(BrokenPipeError):  # who does not want it need not read it
            out.write(page.encode())
            out.commit()
        exit_if_changed(metadata, space.layer_cells)


def _space(
    reader: CellTableReader, stack: LayerStack, task: Task, colouring: Colouring, component: int
) -> Space:
    """Read a table whose cells can be shown in space.

    Raises:
        InputError: they cannot.
    """
    from nnce_cli.analysis import output_map
    from nnce_cli.plotting import Space, refuse_colouring, refuse_size
    from nnce_cli.table import domain_of

    metadata = reader.metadata
    outputs = output_map(stack).n_out
    refuse_colouring(colouring, component, outputs, task)
    domain = domain_of(metadata)
    _refuse_dimension(int((domain.lower < domain.upper).sum()))
    refuse_size(metadata.cells, outputs)
    if not Space.fits(stack, metadata.cells):
        raise InputError(
            "the network has too many weights for a page; look at pictures of slices "
            "(nnce enumerate --slice, nnce plot)"
        )
    space = Space.of(stack, domain, task, reader.batches(witness=metadata.witness))
    _refuse_dimension(space.stack.n_inputs)
    return space


def _refuse_dimension(varying: int) -> None:
    """Refuse what is no space."""
    if varying == 3:
        return
    instead = (
        "enumerate on bounds that fix the others or on a slice through four points "
        "(nnce enumerate --slice), or look at slices of them with nnce report"
        if varying > 3
        else "write a picture (.png, .svg, .pdf), or a page with a map by nnce report"
    )
    raise InputError(
        f"{varying} inputs of the domain vary, and a page shows cells in space where 3 do; "
        f"{instead}"
    )
