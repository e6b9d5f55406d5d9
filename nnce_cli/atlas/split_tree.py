"""What became of the regions of a search: the tree of its divisions, with the reasons."""

from __future__ import annotations

from dataclasses import dataclass, field

from flint import fmpq

from nnce_cli.atlas.programs import Combination, Name


@dataclass(frozen=True)
class Cut:
    """The region has no point with ``sign * x_input < sign * value``: by a combination of facets.

    ``sign`` is 1 for a lower and -1 for an upper bound.
    """

    input: int
    sign: int
    value: float
    combination: Combination


@dataclass(eq=False)
class Region:
    """A region: the cuts that draw its box tight, and then one of three ends.

    It is divided by the sign of a ``neuron`` (children: <= 0, then >= 0), closed by a
    ``combination`` of bounds, or closed by an ``exact`` one where the network is affine.
    """

    cuts: list[Cut] = field(default_factory=list)
    neuron: int = -1
    children: tuple[int, int] = (-1, -1)
    combination: Combination | None = None
    exact: list[tuple[Name, fmpq]] | None = None


class SplitTree:
    """The regions in the order in which they were made; the first one is the whole domain."""

    def __init__(self) -> None:
        self.regions = [Region()]

    def cut(self, region: int, cut: Cut) -> None:
        """Draw the box of a region tighter."""
        self.regions[region].cuts.append(cut)

    def divide(self, region: int, neuron: int) -> tuple[int, int]:
        """Divide a region by the sign of a neuron; return the numbers of its parts."""
        first = len(self.regions)
        self.regions += [Region(), Region()]
        self.regions[region].neuron = neuron
        self.regions[region].children = first, first + 1
        return first, first + 1

    def close(self, region: int, combination: Combination) -> None:
        """Close a region."""
        self.regions[region].combination = combination

    def close_exactly(self, region: int, combination: list[tuple[Name, fmpq]]) -> None:
        """Close a region where the network is affine."""
        self.regions[region].exact = combination
