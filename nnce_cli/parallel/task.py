"""Tasks and what comes back of them."""

from __future__ import annotations

from dataclasses import dataclass

from nnce_cli.base.checksum import Checksum
from nnce_cli.enumeration import Subtree


@dataclass(frozen=True)
class Task:
    """Neighbouring subtrees, in table order, to be walked with one budget.

    ``number`` names the task, ``generation`` counts the tasks that it descends from. Where cells
    are only counted, its worker goes on with what it leaves over for ``errand`` seconds, task by
    task.
    """

    number: int
    generation: int
    roots: tuple[Subtree, ...]
    errand: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """What a finished task found.

    ``cells`` is the number of cells that it found, ``layer_cells`` (L,) are those that this task
    counts, ``share`` is its part of the domain's tree. ``rows`` rows are in its part file, and
    ``first`` and ``last`` are the joined codes of its first and last row; ``table`` is the checksum
    of that file, ``proof`` that of its part of the certificate (None: it has none). ``memory`` is
    the peak of its worker in bytes. ``tasks`` are the subtrees that it left over, divided into
    tasks, with the generation of each.
    """

    task: Task
    cells: int
    layer_cells: list[int]
    nodes: int
    share: float
    decisions: dict[str, int]
    seconds: float
    rows: int
    first: bytes
    last: bytes
    table: Checksum | None
    proof: Checksum | None
    memory: int
    tasks: list[tuple[int, list[Subtree]]]


@dataclass(frozen=True)
class Failure:
    """A task that came to no end: its worker is gone, or ran into an error.

    ``fatal`` says that the trouble is not with this task (the disk is full, for instance).
    """

    task: Task
    message: str
    fatal: bool = False
