"""The option ``--jobs`` of the commands that work, or forecast work, in several processes."""

from __future__ import annotations

from typing import Annotated

import typer

from nnce_cli.base.processes import MOST_PROCESSES, usable_cores

JobsOption = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        metavar="N",
        min=1,
        max=MOST_PROCESSES,
        help="Processes that work. [default: the cores that this process may use]",
    ),
]


def processes(jobs: int | None) -> int:
    """Return how many processes are to work."""
    return usable_cores() if jobs is None else jobs
