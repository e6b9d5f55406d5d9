"""What became of the regions of a search: the tree of its divisions, with the reasons."""

from __future__ import annotations

from dataclasses import dataclass, field

from nnce_cli.atlas.programs import Combination, ExactCombination


@dataclass(frozen=True)
class Cut:
    """The region has no point with ``sign * x_input < sign * value``: by a combination of facets.

    ``sign`` is 1 for a lower and -1 for an upper bound.
    """

    input: int
    sign: int
    value: float
    combination: Combination


@dataclass(frozen=True)
class Closed:
    """An alternative does not occur on the region: by a combination of bounds.

    Where the network is affine on the region it may be an exact one.
    """

    alternative: int
    combination: Combination | ExactCombination

    @property
    def is_exact(self) -> bool:
        """Whether it is a combination of exact functions."""
        return not all(isinstance(x, float) for _, x in self.combination)


@dataclass(eq=False)
class Region:
    """A region: the cuts that draw its box tight, what is closed on it, and how it is divided.

    Its parts (``children``) are where a ``neuron`` is <= 0, and where it is >= 0. A region that is
    not divided has everything closed that was open on it.
    """

    cuts: list[Cut] = field(default_factory=list)
    closed: list[Closed] = field(default_factory=list)
    neuron: int = -1
    children: tuple[int, int] = (-1, -1)


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

    def close(
        self, region: int, alternative: int, combination: Combination | ExactCombination
    ) -> None:
        """Close an alternative on a region."""
        self.regions[region].closed.append(Closed(alternative, combination))
