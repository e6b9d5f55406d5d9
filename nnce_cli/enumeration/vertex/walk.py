"""Walk one subtree with the vertices of every cell in hand, for one to three inputs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nnce_cli import _core
from nnce_cli.base.errors import InputError
from nnce_cli.enumeration.batch import CellBatch
from nnce_cli.enumeration.columns import table_columns
from nnce_cli.enumeration.problem import Problem
from nnce_cli.enumeration.ranks import RankFinder
from nnce_cli.enumeration.subtree import WHOLE, Subtree
from nnce_cli.enumeration.vertex.scaling import input_exponents, is_scalable, scaled_network
from nnce_cli.enumeration.walk import Walk
from nnce_cli.network import CLIP

MOST_INPUTS = 3
OUTPUT_ROWS = 8192
DECISIONS = (
    "neurons_structure", "neurons_float", "neurons_cone", "neurons_integers", "neurons_fine",
    "neurons_exact", "witnesses_float", "witnesses_fine", "witnesses_exact", "ranks_exact",
    "linear_programs", "pivots", "rebuilds", "vertices", "handed_over",
)  # fmt: skip


def _add(total: dict[str, int], more: dict[str, int]) -> None:
    """Add counts to others in place."""
    for name, count in more.items():
        total[name] = total.get(name, 0) + count


@dataclass
class _Earlier:
    """What the guest found in the subtrees that it is done with."""

    layer_cells: list[int]
    nodes: int = 0
    decisions: dict[str, int] = field(default_factory=dict)
    exact_witnesses: dict[int, list[str]] = field(default_factory=dict)

    @property
    def cells(self) -> int:
        return self.layer_cells[-1]

    def add(self, guest: Walk) -> None:
        both = zip(self.layer_cells, guest.layer_cells, strict=True)
        self.layer_cells = [a + b for a, b in both]
        self.nodes += guest.nodes
        _add(self.decisions, guest.decisions)


class VertexWalk:
    """The walk of one subtree: the same cells in the same order as a `DictionaryWalk`.

    Every decision is proved in floating point. Where it cannot be, the part of the tree below is
    left to a `DictionaryWalk`, the guest, and its cells stand where they belong. ``rows`` is False
    for counting only, ``witness`` says whether batches carry witnesses, ``certify`` whether the
    guest proves its decisions. There is no ``log``: certificates need the bases of dictionaries.

    Raises:
        InputError: if more than three inputs vary, or a log is asked for.
    """

    def __init__(
        self,
        problem: Problem,
        subtree: Subtree = WHOLE,
        *,
        rows: bool = True,
        witness: bool = True,
        certify: bool = True,
        log: bool = False,
    ) -> None:
        d = problem.stack.n_inputs
        if d > MOST_INPUTS:
            raise InputError(
                f"the vertex method takes at most {MOST_INPUTS} inputs that vary, and this network "
                f"has {d}: use the method dictionary"
            )
        if log:
            raise InputError("the vertex method writes no proof: use the method dictionary")
        self.problem = problem
        self._rows = rows
        self._witness = witness
        self._certify = certify
        network = scaled_network(problem)
        walk = _core.VertexWalk2 if network.dimension == 2 else _core.VertexWalk3
        self._walk = walk(network, OUTPUT_ROWS if rows else 0)
        self._is_linear = network.central
        self._has_clips = any(
            unit.kind == CLIP for units in problem.stack.units for unit in units.pieces
        )
        self._finder: RankFinder | None = None
        self._guest: Walk | None = None
        self.begin(subtree)

    def begin(self, subtree: Subtree) -> None:
        """See `Walk`."""
        self._walk.begin(bytes(subtree.prefix), subtree.counted)
        if not is_scalable(self.problem.box):
            self._walk.give_up()
        self._guest_is_walking = False
        self._handed_over = 0
        self._earlier = _Earlier([0] * len(self.problem.widths))
        self._cells_before = 0  # cells of this walk where the guest began
        if self._finder:
            self._finder.begin()

    @property
    def done(self) -> bool:
        """See `Walk`."""
        return self._walk.done

    @property
    def cells(self) -> int:
        """See `Walk`."""
        return self._walk.cells + sum(guest.cells for guest in self._guests())

    @property
    def layer_cells(self) -> list[int]:
        """See `Walk`."""
        parts = [self._walk.layer_cells, *(guest.layer_cells for guest in self._guests())]
        return [sum(counts) for counts in zip(*parts, strict=True)]

    @property
    def nodes(self) -> int:
        """See `Walk`."""
        return self._walk.nodes + sum(guest.nodes for guest in self._guests())

    @property
    def share(self) -> float:
        """See `Walk`."""
        guest = self._walking_guest()
        return self._walk.share + (guest.share if guest else 0.0)

    @property
    def decisions(self) -> dict[str, int]:
        """See `Walk`; ``vertices`` were computed, ``handed_over`` subtrees the guest walked."""
        total = dict.fromkeys(DECISIONS, 0)
        zeros = "neurons_cone" if self._is_linear else "neurons_integers"
        total[zeros] = self._walk.touching
        total["neurons_float"] = self._walk.proved - self._walk.touching
        total["witnesses_float"] = self._walk.cells
        total["ranks_exact"] = self._finder.exact_ranks if self._finder else 0
        total["vertices"] = self._walk.vertices
        total["handed_over"] = self._handed_over
        for guest in self._guests():
            _add(total, guest.decisions)
        return total

    @property
    def exact_witnesses(self) -> dict[int, list[str]]:
        """See `Walk`."""
        return self._earlier.exact_witnesses | self._guests_exact_witnesses()

    def advance(self, nodes: int) -> None:
        """See `Walk`."""
        if self._walk.found and self._walk.unsure:
            return  # these rows come before those of the guest
        if self._walk.unsure and not self._guest_is_walking:
            self._hand_over(self._rest_of_walk()[0])
        guest = self._walking_guest()
        if guest:
            guest.advance(nodes)
        else:
            self._walk.advance(nodes)

    def take(self) -> CellBatch:
        """See `Walk`."""
        guest = self._walking_guest()
        if guest is None or self._walk.found:
            return self._take_own()
        batch = guest.take()
        if guest.done:
            self._earlier.exact_witnesses |= self._guests_exact_witnesses()
            self._earlier.add(guest)
            self._walk.skip(guest.share)
            self._guest_is_walking = False
        return batch

    def rest(self) -> list[Subtree]:
        """See `Walk`."""
        found = self._rest_of_walk()
        guest = self._walking_guest()
        return found if guest is None else guest.rest() + found[1:]

    def _rest_of_walk(self) -> list[Subtree]:
        """Return the subtrees that the core has not walked, that of its cell in hand first."""
        return [Subtree(tuple(prefix), counted) for prefix, counted in self._walk.rest()]

    def _hand_over(self, subtree: Subtree) -> None:
        """Let the guest walk a subtree."""
        from nnce_cli.enumeration.dictionary import DictionaryWalk

        self._cells_before = self.cells
        if self._guest is None:
            self._guest = DictionaryWalk(
                self.problem,
                subtree,
                rows=self._rows,
                witness=self._witness,
                certify=self._certify,
            )
        else:
            self._guest.begin(subtree)
        self._guest_is_walking = True
        self._handed_over += 1

    def _walking_guest(self) -> Walk | None:
        """Return the guest while it has a subtree to walk, or rows of it to take."""
        return self._guest if self._guest_is_walking else None

    def _guests(self) -> list[_Earlier | Walk]:
        """Return what has counts of cells that the guest found: earlier, and in its subtree now."""
        guest = self._walking_guest()
        return [self._earlier] if guest is None else [self._earlier, guest]

    def _guests_exact_witnesses(self) -> dict[int, list[str]]:
        """Return the exact witnesses of the guest's present subtree by rows of this walk."""
        guest = self._walking_guest()
        found = guest.exact_witnesses if guest else {}
        return {self._cells_before + row: point for row, point in found.items()}

    def _take_own(self) -> CellBatch:
        """Take the rows that the core has found."""
        signs, active, ranks, points = self._walk.take()
        witness = None
        if self._witness:
            unscaled = np.ldexp(points, input_exponents(self.problem.box))
            witness = self.problem.full_points(unscaled)
        columns, active = table_columns(self.problem.stack, signs, active)
        return CellBatch(columns, active, self._proved_ranks(signs, ranks), witness)

    def _proved_ranks(
        self, signs: NDArray[np.uint8], ranks: NDArray[np.int32]
    ) -> NDArray[np.uint16]:
        """Return the ranks of rows, some of which the core has not proved (-1).

        It takes the two neurons of a clip for values of the layer.
        """
        proved = ranks.astype(np.uint16)
        is_unproved = (ranks < 0).any(axis=1) | self._has_clips
        unproved = np.flatnonzero(is_unproved)
        if len(unproved):
            self._finder = self._finder or RankFinder(self.problem.stack)
            proved[unproved] = self._finder.ranks(signs[unproved])
        return proved
