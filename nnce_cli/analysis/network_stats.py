"""Statistics that need the network: classes, decision boundary, local Lipschitz constants."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from nnce_cli.analysis.norms import Norm
from nnce_cli.analysis.on_cells import Found, OnCells
from nnce_cli.analysis.some_rows import ROWS, parts_of
from nnce_cli.analysis.table_and_model import refuse_other_model
from nnce_cli.analysis.task import output_map, task_of
from nnce_cli.base.task import Task
from nnce_cli.base.workers import in_order
from nnce_cli.network import LayerStack
from nnce_cli.table import CellRows, Metadata

Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class NetworkStats:
    """What a network does on the cells of its table.

    ``outputs`` is the number of its outputs, ``task`` what they are taken for. ``classes[j]`` is
    the number of cells at whose witness class j is predicted, for the classes that occur, and
    ``boundary_cells`` the number of cells through whose interior the decision boundary runs: None
    for a regression, which has no classes. ``spectral_norm`` and
    ``infinity_norm`` are those of the linear parts of the affine maps from the inputs that vary
    to the outputs: the Lipschitz constants on the cells for the Euclidean and the maximum norm.
    They are None for a table without rows, or where they are out of float64's range.
    """

    outputs: int
    task: Task
    classes: dict[int, int]
    boundary_cells: int | None
    spectral_norm: Norm | None
    infinity_norm: Norm | None

    def to_dict(self) -> dict[str, Any]:
        """Return the statistics as JSON values."""
        return {
            "outputs": self.outputs,
            "task": self.task.value,
            "classes": self.classes,
            "boundary_cells": self.boundary_cells,
            "spectral_norm": vars(self.spectral_norm) if self.spectral_norm else None,
            "infinity_norm": vars(self.infinity_norm) if self.infinity_norm else None,
        }


class NetworkCounter:
    """Gathers `NetworkStats` while the rows of a table pass by."""

    def __init__(
        self,
        stack: LayerStack,
        metadata: Metadata,
        progress: Progress | None = None,
        task: Task | None = None,
        jobs: int = 1,
    ) -> None:
        """Begin with no rows; ``progress`` is told, now and then, how many of all are done.

        ``task`` is what the outputs are taken for; by default what they mean (`task_of`). ``jobs``
        processes share the work; what is found does not depend on how many they are.

        Raises:
            InputError: the table is not one of this network, or the task does not suit it.
        """
        refuse_other_model(metadata, stack)
        self._outputs = output_map(stack).n_out
        self._task = task_of(self._outputs, metadata.meaning, task)
        self._look = OnCells(stack, metadata, self._task)
        self._metadata = metadata
        self._progress = progress
        self._jobs = jobs if metadata.cells > ROWS else 1
        self._found = Found()

    def watch(self, batches: Iterable[CellRows]) -> Iterator[CellRows]:
        """Yield the batches of a table, each after it was taken into account.

        Raises:
            InputError: a row is no cell of the network, or the rows are not in order.
        """
        read: deque[CellRows] = deque()

        def kept() -> Iterator[CellRows]:
            for batch in batches:
                read.append(batch)
                yield batch

        parts = parts_of(kept(), self._metadata)
        for found, ends_batch in in_order(self._look.at, parts, self._jobs):
            self._found.add(found)
            if self._progress is not None:
                self._progress(self._found.rows, self._metadata.cells)
            if ends_batch:
                yield from _until_rows(read)
        yield from read

    def result(self) -> NetworkStats:
        """Return what was gathered so far."""
        found, is_regression = self._found, self._task is Task.REGRESSION
        return NetworkStats(
            outputs=self._outputs,
            task=self._task,
            classes=dict(sorted(found.classes.items())),
            boundary_cells=None if is_regression else found.crossed,
            spectral_norm=found.spectral.result(),
            infinity_norm=found.infinity.result(),
        )


def _until_rows(batches: deque[CellRows]) -> Iterator[CellRows]:
    """Take and yield batches up to the first one that has rows."""
    while batches:
        batch = batches.popleft()
        yield batch
        if len(batch.active):
            return
