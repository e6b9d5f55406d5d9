"""A network over three or more inputs, and its cells, as data for slices in a report page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.analysis import output_map
from nnce_cli.base.task import Task
from nnce_cli.domain import Domain, Polyhedron, fix_inputs_of
from nnce_cli.network import LayerStack
from nnce_cli.plotting.encoding import encoded, network_values, row_values
from nnce_cli.plotting.plane import input_names
from nnce_cli.plotting.polygons import Floats, Ints
from nnce_cli.plotting.rows import all_rows
from nnce_cli.table import CellRows, Rows

MOST_CELLS = 50_000
MOST_NUMBERS = 2_000_000  # of weights, and of witnesses
MOST_INPUTS = 1_000  # of which two are chosen
MOST_POINTS = 50  # that a slice can be laid through
MARGIN = 0.25  # around the witnesses of a domain that has no bound


@dataclass(frozen=True, eq=False)
class Space:
    """A network on a domain of which more than two inputs vary, with the cells of its table.

    ``stack`` is over these inputs, which are called ``names``; ``domain`` is that of them.
    ``layer_cells`` is how many layer-k cells the ``rows`` are of, k = 1, …, L. ``witness``
    (cells, n) are points inside the cells, None where the table has none, and ``classes`` (cells,)
    what is predicted there. ``data`` (m, n) are points to lay slices through, and ``labels`` what
    they are called.
    """

    stack: LayerStack
    task: Task
    names: list[str]
    domain: Polyhedron
    rows: Rows
    layer_cells: list[int]
    witness: Floats | None
    classes: Ints | None
    data: Floats
    labels: list[str]

    @staticmethod
    def fits(stack: LayerStack, cells: int) -> bool:
        """Tell whether a page can hold the network and so many cells."""
        layers = [*stack.hidden, output_map(stack)]
        weights = sum(layer.n_out * (layer.n_in + 1) for layer in layers)
        largest = max(weights, cells * stack.n_inputs)
        return stack.n_inputs <= MOST_INPUTS and cells <= MOST_CELLS and largest <= MOST_NUMBERS

    @staticmethod
    def of(
        stack: LayerStack,
        domain: Domain,
        task: Task,
        batches: Iterable[CellRows],
        data: Floats | None = None,
        labels: Sequence[str] = (),
    ) -> Space:
        """Take a network on the inputs that vary, and all rows of its table.

        Raises:
            InputError: the rows are not in the order of a table, or there are none.
        """
        whole = Polyhedron(domain.lower, domain.upper, domain.halfspaces)
        reduced, inside, _, free = fix_inputs_of(stack, whole)
        witnesses: list[Floats] = []

        def watched() -> Iterable[CellRows]:
            for batch in batches:
                if batch.witness is not None:
                    witnesses.append(batch.witness[:, free])
                yield batch

        rows, layer_cells = all_rows(watched(), stack.layout)
        witness = np.concatenate(witnesses) if witnesses else None
        names = [name for name, varies in zip(input_names(stack), free, strict=True) if varies]
        given = np.zeros((0, reduced.n_inputs)) if data is None or stack.points else data[:, free]
        return Space(
            stack=reduced,
            task=task,
            names=names,
            domain=inside,
            rows=rows,
            layer_cells=layer_cells,
            witness=witness,
            classes=None if witness is None else _classes(reduced, task, witness),
            data=given[:MOST_POINTS],
            labels=list(labels[:MOST_POINTS]),
        )

    def values(self) -> dict[str, Any]:
        """Return it as JSON values."""
        lower, upper = self._window()
        return {
            "names": self.names,
            "lower": lower.tolist(),
            "upper": upper.tolist(),
            "halfspaces": self._halfspaces().tolist(),
            "task": self.task.value,
            **network_values(self.stack, output_map(self.stack).n_out),
            **row_values(self.rows),
            "witness": None if self.witness is None else encoded(self.witness, "<f8"),
            "classes": None if self.classes is None else encoded(self.classes, "<i4"),
            "points": self.data.tolist(),
            "labels": self.labels,
        }

    def _window(self) -> tuple[Floats, Floats]:
        """Return the bounds between which slices are shown; where there is none, one is made."""
        lower, upper = self.domain.lower.copy(), self.domain.upper.copy()
        seen = np.zeros((1, len(lower))) if self.witness is None else self.witness
        low, high = seen.min(axis=0), seen.max(axis=0)
        room = MARGIN * np.maximum(high - low, np.maximum(np.abs(low), np.abs(high)))
        room[room == 0] = 1.0
        lower = np.where(np.isfinite(lower), lower, np.minimum(low - room, upper - room))
        upper = np.where(np.isfinite(upper), upper, np.maximum(high + room, lower + room))
        return lower, upper

    def _halfspaces(self) -> Floats:
        """Return rows (a, b) of what bounds the domain: a.x + b <= 0."""
        rows = self.domain.halfspaces
        found: Floats = np.column_stack([rows[:, :-1], -rows[:, -1]])
        return found


def _classes(stack: LayerStack, task: Task, points: Floats) -> Ints | None:
    """Return what is predicted at points; nothing for a regression."""
    if task is Task.REGRESSION:
        return None
    outputs: NDArray[np.float64] = stack.forward(points)
    if task is Task.SIGN:
        return (outputs[:, 0] > 0).astype(np.int64)
    return np.asarray(outputs.argmin(axis=1) if task is Task.ARGMIN else outputs.argmax(axis=1))
