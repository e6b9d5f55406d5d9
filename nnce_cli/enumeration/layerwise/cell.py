"""Layer-k cells as the layer-wise methods hold them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.exact import rationals

Floats = NDArray[np.float64]
Signs = NDArray[np.int8]  # 1 active, -1 inactive, 0 identically zero on the cell (inactive)


@dataclass(frozen=True, eq=False)
class Halfspaces:
    """Constraints ``side * h_neuron >= 0`` inside the box: ``neurons``, ``sides`` (m,).

    ``rows`` (m, 1 + d) are the functions ``side * h`` on the unit cube, the constant first, times
    a power of two; each entry is rounded to the nearest float64.
    """

    neurons: NDArray[np.int64]
    sides: Signs
    rows: Floats

    @staticmethod
    def none(d: int) -> Halfspaces:
        """Return no constraints on d inputs."""
        rows = np.zeros((0, 1 + d))
        return Halfspaces(np.zeros(0, np.int64), np.zeros(0, np.int8), rows)

    def __len__(self) -> int:
        return len(self.neurons)

    def __add__(self, other: Halfspaces) -> Halfspaces:
        return Halfspaces(
            np.concatenate([self.neurons, other.neurons]),
            np.concatenate([self.sides, other.sides]),
            np.concatenate([self.rows, other.rows]),
        )


@dataclass(frozen=True, eq=False)
class Witness:
    """A point inside a cell, with the exact signs of all neurons of the network at it.

    ``point`` (d,) is in float64; where no float64 point was found in the cell, ``exact`` is the
    point, and ``point`` is it rounded. ``signs`` (N,) is of ``exact`` if there is one.
    """

    point: Floats
    signs: Signs
    exact: list[fmpq] | None = None

    def rational(self) -> list[fmpq]:
        """Return the point in rational numbers."""
        if self.exact is not None:
            return self.exact
        return rationals(self.point.tolist())


@dataclass(frozen=True, eq=False)
class Cell:
    """A layer-k cell: the ``signs`` of the neurons of the first k layers, joined.

    The cell is where ``halfspaces`` hold, inside the box; ``witness`` is strictly inside.
    """

    signs: Signs
    halfspaces: Halfspaces
    witness: Witness
