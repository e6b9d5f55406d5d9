"""The interface of the searches that enumerate the cells of one arrangement (`Bound-CellEnum`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from nnce_cli.enumeration.layerwise.arrangement import Arrangement
from nnce_cli.enumeration.layerwise.cell import Cell, Signs


@dataclass(frozen=True, eq=False)
class Step:
    """One node of a search: the share of the arrangement's work that it finishes, and a cell."""

    share: float
    cell: Cell | None = None


class Search(Protocol):
    """Enumerates the cells of an arrangement, step by step; a step is a node of its tree.

    ``in_order`` says that cells come in table order. The shares of all steps add up to 1.
    """

    in_order: ClassVar[bool]

    def __init__(self, arrangement: Arrangement) -> None: ...

    @property
    def done(self) -> bool:
        """Whether no step is left."""

    def step(self) -> Step:
        """Take the next step."""

    def rest(self) -> list[Signs]:
        """Return the first entries of vectors below which the cells not found yet lie, in order.

        Only of a search in order.
        """
