"""Boxes: the domains on which cells are enumerated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError


@dataclass(frozen=True, eq=False)
class Box:
    """The box ``lower <= x <= upper``; both are float64 of shape (n_0,) and exact.

    Inputs with ``lower == upper`` are fixed: the cells are those of the remaining inputs.
    """

    lower: NDArray[np.float64]
    upper: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Refuse bounds that are not finite or not ordered.

        Raises:
            InputError: naming the first input that is wrong.
        """
        for i, (lo, hi) in enumerate(zip(self.lower.tolist(), self.upper.tolist(), strict=True)):
            if not (np.isfinite(lo) and np.isfinite(hi)):
                raise InputError(f"the domain is not bounded: input {i} has bounds [{lo}, {hi}]")
            if lo > hi:
                raise InputError(f"the domain is empty: input {i} has lower {lo} > upper {hi}")

    @property
    def n_inputs(self) -> int:
        """Input dimension n_0."""
        return int(self.lower.size)

    @property
    def halfspaces(self) -> NDArray[np.float64]:
        """What bounds it besides, as of a `Polyhedron`: nothing, (0, n_0 + 1)."""
        return np.zeros((0, self.n_inputs + 1))
