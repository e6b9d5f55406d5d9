"""The enumeration of all cells of a network on a box."""

from __future__ import annotations

from collections.abc import Iterator

from nnce_cli.domain import Box
from nnce_cli.enumeration.batch import CellBatch
from nnce_cli.enumeration.problem import Problem
from nnce_cli.enumeration.subtree import SubtreeWalk
from nnce_cli.network import LayerStack


class Enumeration:
    """One run: iterate over `batches`, look at the properties in between and at the end.

    ``rows`` is False for counting only; ``witness`` says whether batches carry witnesses,
    ``log`` whether they carry all decisions. With ``certify`` every decision is proved, by a
    float bound or in rational arithmetic; ``certified`` says so.
    """

    def __init__(
        self,
        stack: LayerStack,
        box: Box,
        *,
        rows: bool = True,
        witness: bool = True,
        certify: bool = True,
        log: bool = False,
    ) -> None:
        self.widths = stack.widths
        self._certify = certify
        self._walk = SubtreeWalk(
            Problem.of(stack, box), rows=rows, witness=witness, certify=certify, log=log
        )

    def batches(self) -> Iterator[CellBatch]:
        """Yield the cells in table order, a batch about every 50 ms (empty when only counting)."""
        return self._walk.batches()

    @property
    def cells(self) -> int:
        """Cells found so far."""
        return self._walk.cells

    @property
    def layer_cells(self) -> list[int]:
        """Layer-k cells found so far, for each hidden layer."""
        return self._walk.layer_cells

    @property
    def nodes(self) -> int:
        """Tree nodes visited so far."""
        return self._walk.nodes

    @property
    def share(self) -> float:
        """The share of the domain's tree that is done, in [0, 1]."""
        return 1.0 if self.complete else min(self._walk.share, 1.0)

    @property
    def complete(self) -> bool:
        """Whether the whole tree was walked."""
        return self._walk.done

    @property
    def exact_witnesses(self) -> dict[int, list[str]]:
        """Witnesses as fractions, by row, of the cells too thin for a float64 point."""
        return self._walk.exact_witnesses

    @property
    def certified(self) -> bool:
        """Whether every decision so far was proved."""
        return self._certify

    @property
    def decisions(self) -> dict[str, int]:
        """How many decisions of each kind each path took, and the work they cost."""
        return self._walk.decisions
