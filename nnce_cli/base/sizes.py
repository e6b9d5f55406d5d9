"""The sizes of a network, as far as its cells and bounds on their number depend on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from nnce_cli.base.layout import Layout


@dataclass(frozen=True)
class Sizes:
    """The number of inputs n_0, the units of the hidden layers, and what these pass on.

    ``values`` is how many values each hidden layer passes on: one of each of its units, and its
    pass-throughs. It is None for a chain of ReLU layers, which have no pass-throughs.
    """

    inputs: int
    layout: Layout
    values: tuple[int, ...] | None = None

    @staticmethod
    def of_widths(widths: Sequence[int]) -> Sizes:
        """Return the sizes of a chain of ReLU layers of widths n_0, n_1, …, n_L."""
        return Sizes(widths[0], Layout.of_widths(widths[1:]))

    @property
    def widths(self) -> list[int]:
        """The number of inputs, then the number of units of each hidden layer."""
        return [self.inputs, *self.layout.widths]

    def to_values(self) -> dict[str, Any]:
        """Return JSON values; a chain of ReLU layers has widths only."""
        values: dict[str, Any] = {"widths": self.widths}
        if self.layout.has_pieces:
            values["pieces"] = self.layout.pieces
        return values if self.values is None else values | {"values": self.values}

    @property
    def is_relu(self) -> bool:
        """Whether it is a chain of ReLU layers."""
        return self.values is None

    @property
    def noun(self) -> str:
        """What its units are called."""
        return "neurons" if self.is_relu else "units"

    @property
    def dimensions(self) -> list[int]:
        """The largest dimension of a cell's image after k layers, for k = 0, …, L."""
        passed = self.layout.widths if self.values is None else self.values
        return list(accumulate([self.inputs, *passed], min))

    def of(self, inputs: int, layers: int | None = None) -> Sizes:
        """Return the sizes of the first layers (all of them if None) over other inputs."""
        layout = Layout(self.layout.bits[:layers], self.layout.pieces[:layers])
        values = None if self.values is None else self.values[:layers]
        return replace(self, inputs=inputs, layout=layout, values=values)
