"""What a report is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnce_cli.analysis import Stats, output_map, task_of
from nnce_cli.base.task import Task
from nnce_cli.network import LayerStack
from nnce_cli.plotting.cutting import Partition
from nnce_cli.plotting.marks import Marks
from nnce_cli.plotting.space import Space
from nnce_cli.plotting.titles import title
from nnce_cli.table import Metadata

if TYPE_CHECKING:
    from nnce_cli.analysis import NetworkStats

MAP_CELLS = 200_000  # more make a page that browsers are slow with; they get a picture


@dataclass(frozen=True, eq=False)
class Subject:
    """What a report is about.

    ``model`` and ``table`` are the names of the files; ``table_digest`` is the table's SHA-256,
    None where it came through a pipe. ``task`` is what the outputs are taken for. ``network`` is
    None where that would take too long. ``partition`` and ``marks``, the points on it, are None
    where not one or two inputs vary, and ``space`` where these do, or it is too large for a page.
    """

    model: str
    table: str
    table_digest: str | None
    stack: LayerStack
    task: Task
    metadata: Metadata
    stats: Stats
    network: NetworkStats | None
    partition: Partition | None
    marks: Marks | None
    space: Space | None

    @property
    def title(self) -> str:
        """The title of the pictures."""
        return title(self.metadata, self.model, self.stats.cells)

    @property
    def task_option(self) -> str:
        """The option that takes the outputs for what they are taken for; nothing where usual."""
        usual = task_of(output_map(self.stack).n_out, self.metadata.meaning)
        return "" if self.task is usual else f" --task {self.task}"

    @property
    def dimension(self) -> int:
        """Number of inputs that vary."""
        pairs = zip(self.metadata.lower, self.metadata.upper, strict=True)
        return sum(lower < upper for lower, upper in pairs)

    @property
    def has_map(self) -> bool:
        """Whether two inputs vary, and the cells are few enough for a map."""
        return (
            self.partition is not None
            and self.partition.plane.dimension == 2
            and self.stats.cells <= MAP_CELLS
        )
