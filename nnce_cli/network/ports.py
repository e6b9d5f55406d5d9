"""The inputs and outputs of a network by the names that the ONNX file gives them."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Port:
    """A tensor that goes into a network or comes out of it.

    The numbers of all inputs, joined in order, are the network's inputs; so it is with outputs.
    ``shape`` is that of one sample: with a batch of 1 where the file has a batch. ``batch`` is
    how many samples the file's tensor has, along its first axis.
    """

    name: str
    shape: tuple[int, ...]
    element_type: str
    batch: int = 1

    @property
    def size(self) -> int:
        """How many numbers it is."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Place:
    """Where the units of a node are in a layer, and in the node's output tensor.

    Units ``first`` to ``first + count`` of the layer's units with two pieces, or of those with
    more (``many``), are entries of the tensor of the given shape: those at the flat ``positions``,
    in order, or all where there are none.
    """

    node: str
    many: bool
    first: int
    count: int
    shape: tuple[int, ...]
    positions: tuple[int, ...] = ()

    def index(self, unit: int) -> tuple[int, ...]:
        """Return the index (channel, position …) in the tensor of unit ``first + unit``."""
        place = self.positions[unit] if self.positions else unit
        found = []
        for length in reversed(self.shape):
            place, at = divmod(place, length)
            found.append(at)
        return tuple(reversed(found))
