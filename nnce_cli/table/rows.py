"""Rows of a cell table as NumPy arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class CellRows(Protocol):
    """What a writer takes: some consecutive rows of a table, in table order.

    ``signs`` holds the columns of the layers' codes, in the order of `Layout.columns`: of each
    layer its bits, packed, uint8 (rows, ceil(n/8)), the most significant one first, and then the
    pieces of its other units, uint8 (rows, p); a network of ReLUs has one column a layer.
    ``active`` and ``ranks`` are uint16 of shape (rows, L). ``witness`` is float64 of shape
    (rows, n_0), or None. ``bounded`` (rows,) says which cells are bounded, in a table that tells it
    (`Metadata.tells_bounded`); elsewhere it is None.
    """

    @property
    def signs(self) -> list[NDArray[np.uint8]]:
        """The columns of the codes."""

    @property
    def active(self) -> NDArray[np.uint16]:
        """Numbers of active units."""

    @property
    def ranks(self) -> NDArray[np.uint16]:
        """Ranks of the cells at each layer."""

    @property
    def witness(self) -> NDArray[np.float64] | None:
        """Points strictly inside the cells."""

    @property
    def bounded(self) -> NDArray[np.bool_] | None:
        """Whether the cells are bounded."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Some consecutive rows of a table, as a reader gives them. See `CellRows` for the shapes."""

    signs: list[NDArray[np.uint8]]
    active: NDArray[np.uint16]
    ranks: NDArray[np.uint16]
    witness: NDArray[np.float64] | None = None
    bounded: NDArray[np.bool_] | None = None
