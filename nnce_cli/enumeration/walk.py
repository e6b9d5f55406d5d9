"""The protocol of walks: one subtree of layer-k cells, by any method, in steps."""

from __future__ import annotations

from typing import Protocol

from nnce_cli.enumeration.batch import CellBatch
from nnce_cli.enumeration.subtree import Subtree

NO_LIMIT = 2**62  # a budget of nodes that no tree has; then nobody will ask for the rest
SECONDS_PER_ADVANCE = 0.05  # about as long callers can't look at signals, limits and progress


class Walk(Protocol):
    """The walk of one subtree: what it has found and decided since `begin`, and its next rows."""

    @property
    def done(self) -> bool:
        """Whether the whole subtree was walked; rows may be left to take."""

    @property
    def cells(self) -> int:
        """Cells found so far."""

    @property
    def layer_cells(self) -> list[int]:
        """Layer-k cells found so far, for each hidden layer, but those that others count."""

    @property
    def nodes(self) -> int:
        """Tree nodes visited so far."""

    @property
    def share(self) -> float:
        """The share of the domain's tree that is done: a cell below s splits counts 2^-s."""

    @property
    def decisions(self) -> dict[str, int]:
        """How many decisions of each kind each path took, and the work they cost."""

    @property
    def exact_witnesses(self) -> dict[int, list[str]]:
        """Witnesses as fractions ("1/3"), by row of this walk, where no float64 point was found."""

    def begin(self, subtree: Subtree) -> None:
        """Begin the walk of another subtree; what was found and decided before is forgotten.

        All results are those of a new walk, which would cost far more than a small subtree does.
        """

    def advance(self, nodes: int) -> None:
        """Walk on, by at most ``nodes`` (>= 1) tree nodes and for about 50 ms at most.

        Rows are to be taken before the next call. A walk that is done does nothing.
        """

    def take(self) -> CellBatch:
        """Return the rows found since the last call, in table order; none when only counting."""

    def rest(self) -> list[Subtree]:
        """Return the subtrees that were not reached, in table order.

        Together with what was found they are the subtree that the walk began with. The walk can
        go on only if it was never told that there is `NO_LIMIT`.
        """
