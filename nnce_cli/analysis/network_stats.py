"""Statistics that need the network: classes, decision boundary, local Lipschitz constants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.analysis.affine_maps import CellMaps, cell_maps
from nnce_cli.analysis.decisions import Decisions, clear_classes, rational_point, rationals_of
from nnce_cli.analysis.norms import Norm, NormCounter, infinity_norms, spectral_norms
from nnce_cli.analysis.table_and_model import refuse_other_model
from nnce_cli.analysis.task import output_map, score_map, task_of
from nnce_cli.base.errors import InputError
from nnce_cli.base.task import Task
from nnce_cli.enumeration import Problem
from nnce_cli.network import LayerStack, neuron_bits
from nnce_cli.table import CellRows, Metadata, domain_of

ROWS_PER_REPORT = 100

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
    ) -> None:
        """Begin with no rows; ``progress`` is told, now and then, how many of all are done.

        ``task`` is what the outputs are taken for; by default what they mean (`task_of`).

        Raises:
            InputError: the table is not one of this network, or the task does not suit it.
        """
        refuse_other_model(metadata, stack)
        self._outputs = output_map(stack).n_out
        self._task = task_of(self._outputs, metadata.meaning, task)
        domain = domain_of(metadata)
        problem = Problem.of(stack, domain)
        self._stack, self._free = problem.stack, problem.free
        self._scores = score_map(stack, self._task)
        self._decisions = Decisions(stack, domain, self._scores)
        self._metadata = metadata
        self._progress = progress
        self._rows = 0
        self._classes: Counter[int] = Counter()
        self._crossed = 0
        self._spectral, self._infinity = NormCounter(), NormCounter()

    def watch(self, batches: Iterable[CellRows]) -> Iterator[CellRows]:
        """Yield the batches of a table, each after it was taken into account.

        Raises:
            InputError: a row is no cell of the network.
        """
        for batch in batches:
            for part, maps in cell_maps(self._stack, self._scores, batch):
                self._spectral.add(*spectral_norms(maps))
                self._infinity.add(*infinity_norms(maps))
                if self._task is not Task.REGRESSION:
                    self._decide(batch, part, maps)
            yield batch

    def result(self) -> NetworkStats:
        """Return what was gathered so far."""
        return NetworkStats(
            outputs=self._outputs,
            task=self._task,
            classes=dict(sorted(self._classes.items())),
            boundary_cells=None if self._task is Task.REGRESSION else self._crossed,
            spectral_norm=self._spectral.result(),
            infinity_norm=self._infinity.result(),
        )

    def _decide(self, batch: CellRows, part: slice, maps: CellMaps) -> None:
        """Count the classes of some rows, and those of them that the boundary runs through."""
        nothing = np.zeros((part.stop - part.start, 0), dtype=np.uint8)
        joined = np.concatenate([nothing, *(signs[part] for signs in batch.signs)], axis=1)
        bits = neuron_bits(self._stack, joined)
        points, clear = None, np.full(len(bits), -1)
        if batch.witness is not None:
            points = batch.witness[part]
            clear = clear_classes(maps, points[:, self._free])
        for i, proved in enumerate(clear.tolist()):
            predicted = proved
            if proved < 0 or self._rows in self._metadata.exact_witnesses:
                point = self._point(bits[i], None if points is None else points[i])
                predicted = self._decisions.class_at(bits[i], point)
            self._classes[predicted] += 1
            self._crossed += self._is_crossed(bits[i], predicted)
            self._rows += 1
            if self._progress is not None and self._rows % ROWS_PER_REPORT == 0:
                self._progress(self._rows, self._metadata.cells)

    def _is_crossed(self, bits: NDArray[np.uint8], predicted: int) -> bool:
        """Tell whether the boundary runs through the cell of the row that is next."""
        crossed = self._decisions.is_crossed(bits, predicted)
        if crossed is None:
            raise self._no_cell()
        return crossed

    def _point(self, bits: NDArray[np.uint8], witness: NDArray[np.float64] | None) -> list[fmpq]:
        """Return an exact point inside the cell of the row that is next."""
        exact = self._metadata.exact_witnesses.get(self._rows)
        if exact is not None:
            return rationals_of(exact)
        if witness is None:
            point = self._decisions.point_in(bits)
            if point is None:
                raise self._no_cell()
            return point
        if not np.isfinite(witness).all():
            raise InputError(
                f"row {self._rows} of the table has a witness that is not a point; "
                "check the table with nnce verify"
            )
        return rational_point(witness)

    def _no_cell(self) -> InputError:
        return InputError(
            f"row {self._rows} of the table is not a cell of the model on its domain; "
            "check the table with nnce verify"
        )
