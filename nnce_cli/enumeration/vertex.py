"""Walk one subtree with the vertices of every cell in hand, for one to three inputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from nnce_cli.enumeration.batch import CellBatch
from nnce_cli.enumeration.problem import Problem
from nnce_cli.enumeration.ranks import RankFinder
from nnce_cli.enumeration.scaling import (
    MOST_INPUTS,
    input_exponents,
    is_scalable,
    new_vertex_workspace,
    scaled_network,
    start,
    with_more_room,
)
from nnce_cli.enumeration.subtree import SECONDS_PER_CALL, Subtree, SubtreeWalk
from nnce_cli.base.errors import InputError
from nnce_cli.exact import Pullback
from nnce_cli.kernels import vertex_arrays as v
from nnce_cli.kernels.vertex_walk import walk_vertices

WHOLE_DOMAIN = Subtree()
DECISIONS = (
    "neurons_float", "neurons_exact", "witnesses_float", "witnesses_exact", "ranks_exact",
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

    @property
    def cells(self) -> int:
        return self.layer_cells[-1]

    def add(self, guest: SubtreeWalk) -> None:
        both = zip(self.layer_cells, guest.layer_cells, strict=True)
        self.layer_cells = [a + b for a, b in both]
        self.nodes += guest.nodes
        _add(self.decisions, guest.decisions)


class VertexWalk:
    """The walk of one subtree: the same cells in the same order as a `SubtreeWalk`.

    Every decision is proved in floating point. Where it cannot be, the part of the tree below is
    left to a `SubtreeWalk`, the guest, and its cells stand where they belong. ``rows`` is False
    for counting only, ``witness`` says whether batches carry witnesses, ``certify`` whether the
    guest proves its decisions. There is no ``log``: certificates need the bases of dictionaries.

    Raises:
        InputError: if more than three inputs vary, or a log is asked for.
    """

    def __init__(
        self,
        problem: Problem,
        subtree: Subtree = WHOLE_DOMAIN,
        *,
        rows: bool = True,
        witness: bool = True,
        certify: bool = True,
        log: bool = False,
    ) -> None:
        d = problem.net.lower.size
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
        self._net = scaled_network(problem)
        self._ws = new_vertex_workspace(self._net, rows)
        self._finder: RankFinder | None = None
        self._guest: SubtreeWalk | None = None
        self.begin(subtree)
        walk_vertices(self._net, self._ws, 0, rows)  # loaded from the cache, before clocks start

    def begin(self, subtree: Subtree) -> None:
        """Begin the walk of another subtree; what was found and decided before is forgotten."""
        ws = self._ws
        start(self._net, ws)
        ws.forced[: len(subtree.prefix)] = [2 * bit - 1 for bit in subtree.prefix]
        ws.control[v.COUNTED_BEFORE] = subtree.counted
        ws.control[v.FORCED] = len(subtree.prefix)
        self._subtree = subtree
        self._unsure: Subtree | None = None  # the subtree that waits for the guest
        self._guest_is_walking = False
        self._handed_over = 0
        self._earlier = _Earlier([0] * self._net.width.size)
        self._cells_before = 0  # cells of this walk where the guest began
        self._exact_witnesses: dict[int, list[str]] = {}
        if self._finder:
            self._finder.begin()
        self.done = False
        if not is_scalable(self.problem.box):
            ws.control[v.TOP] = -1
            self._unsure = subtree

    @property
    def cells(self) -> int:
        """Cells found so far."""
        return int(self._ws.control[v.CELLS]) + sum(guest.cells for guest in self._guests())

    @property
    def layer_cells(self) -> list[int]:
        """Layer-k cells found so far, for each hidden layer."""
        parts = [self._ws.layer_cells.tolist(), *(g.layer_cells for g in self._guests())]
        return [sum(counts) for counts in zip(*parts, strict=True)]

    @property
    def nodes(self) -> int:
        """Tree nodes visited so far."""
        return int(self._ws.control[v.NODES]) + sum(guest.nodes for guest in self._guests())

    @property
    def share(self) -> float:
        """The share of the domain's tree that is done: a cell below s splits counts 2^-s."""
        return float(self._ws.done[0]) + self._guests_share()

    @property
    def decisions(self) -> dict[str, int]:
        """How many decisions of each kind each path took, and the work they cost.

        ``vertices`` were computed; ``handed_over`` counts the subtrees that the guest walked.
        """
        control = self._ws.control
        total = dict.fromkeys(DECISIONS, 0)
        total["neurons_float"] = int(control[v.PROVED])
        total["witnesses_float"] = int(control[v.CELLS])
        total["ranks_exact"] = self._finder.exact_ranks if self._finder else 0
        total["vertices"] = int(control[v.VERTICES])
        total["handed_over"] = self._handed_over
        for guest in self._guests():
            _add(total, guest.decisions)
        return total

    @property
    def exact_witnesses(self) -> dict[int, list[str]]:
        """Witnesses as fractions ("1/3"), by row of this walk, where no float64 point was found."""
        return self._exact_witnesses | self._guests_exact_witnesses()

    def batches(self, budget: int | None = None) -> Iterator[CellBatch]:
        """Walk on and yield batches of cells (empty ones when only counting) in table order.

        Stops when the subtree is done, or after ``budget`` tree nodes; a later call goes on.
        A batch comes about every 50 ms, so that callers can look at the clock.
        """
        limit = 2**62 if budget is None else self.nodes + budget
        per_call = 4096
        while not self.done and self.nodes < limit:
            if self._unsure is not None:
                self._hand_over(self._unsure)
            if self._guest_is_walking:
                yield from self._guest_batches(limit - self.nodes)
                continue
            guests_nodes = sum(guest.nodes for guest in self._guests())
            stop = min(self.nodes + per_call, limit) - guests_nodes
            started = perf_counter()
            status = walk_vertices(self._net, self._ws, stop, self._rows)
            seconds = perf_counter() - started
            if status == v.STACK_FULL:
                self._ws = with_more_room(self._ws)
                continue
            self.done = status == v.DONE
            if status == v.PAUSED:
                per_call = max(16, per_call * 2 if seconds < SECONDS_PER_CALL else per_call // 2)
            if status == v.UNSURE:
                self._unsure = self._unsure_subtree()
            if status != v.UNSURE or self._ws.control[v.ROWS]:
                yield self._take_batch()

    def _hand_over(self, subtree: Subtree) -> None:
        """Let the guest walk a subtree."""
        self._cells_before = self.cells
        if self._guest is None:
            self._guest = SubtreeWalk(
                self.problem,
                subtree,
                rows=self._rows,
                witness=self._witness,
                certify=self._certify,
            )
        else:
            self._guest.begin(subtree)
        self._guest_is_walking = True
        self._unsure = None
        self._handed_over += 1

    def _guest_batches(self, budget: int) -> Iterator[CellBatch]:
        """Yield the guest's batches, until its subtree or the budget is done."""
        assert self._guest is not None
        yield from self._guest.batches(budget)
        if self._guest.done:
            self._ws.done[0] += self._guests_share()
            self._exact_witnesses |= self._guests_exact_witnesses()
            self._earlier.add(self._guest)
            self._guest_is_walking = False

    def _guests(self) -> list[_Earlier | SubtreeWalk]:
        """Return what has counts of cells that the guest found: earlier, and in its subtree now."""
        if self._guest is None or not self._guest_is_walking:
            return [self._earlier]
        return [self._earlier, self._guest]

    def _guests_exact_witnesses(self) -> dict[int, list[str]]:
        """Return the exact witnesses of the guest's present subtree by rows of this walk."""
        if self._guest is None or not self._guest_is_walking:
            return {}
        found = self._guest.exact_witnesses
        return {self._cells_before + row: point for row, point in found.items()}

    def _guests_share(self) -> float:
        """Return the share of the domain's tree that the guest has done in its present subtree.

        Done, it is the share of the frame that was handed over: the guest may count otherwise,
        where rounding made it divide a cell that is not divided.
        """
        if self._guest is None or not self._guest_is_walking:
            return 0.0
        top = int(self._ws.control[v.TOP])
        below_root = self._ws.control[v.DECIDED] >= len(self._subtree.prefix)
        if self._guest.done and top >= 0 and below_root:
            return float(self._ws.share[top])
        return self._guest.share

    def _unsure_subtree(self) -> Subtree:
        """Return the subtree that the kernel could not go into."""
        return self._rest(int(self._ws.control[v.TOP]), int(self._ws.control[v.DECIDED]))

    def _take_batch(self) -> CellBatch:
        """Take the rows out of the workspace."""
        ws, n = self._ws, int(self._ws.control[v.ROWS])
        ws.control[v.ROWS] = 0
        signs = ws.out_signs[:n].copy()
        ends = np.cumsum((self.problem.net.width + 7) // 8)
        witness = None
        if self._witness:
            points = ws.out_witness[:n, : self.problem.net.lower.size]
            unscaled = np.ldexp(points, input_exponents(self.problem.box))
            witness = self.problem.full_points(unscaled)
        ranks = self._take_ranks(signs)
        layers = np.split(signs, ends[:-1], axis=1)
        return CellBatch(layers, ws.out_active[:n].copy(), ranks, witness)

    def _take_ranks(self, signs: NDArray[np.uint8]) -> NDArray[np.uint16]:
        """Return the ranks of the rows that are taken out, whose joined signs are ``signs``."""
        proved = self._ws.out_rank[: len(signs)]
        ranks = proved.astype(np.uint16)
        rest = np.flatnonzero((proved < 0).any(axis=1))
        if len(rest):
            ranks[rest] = self._rank_finder().ranks(signs[rest])
        return ranks

    def _rank_finder(self) -> RankFinder:
        """Return the finder of ranks, made when it is first needed."""
        if self._finder is None:
            self._finder = RankFinder(self.problem.stack, Pullback(self.problem.stack))
        return self._finder

    def call_every_kernel(self) -> None:
        """Call each entry point once, so that it is compiled; the walk is of no use afterwards."""
        for _ in self.batches():
            pass

    def leftover(self) -> list[Subtree]:
        """Return the subtrees that were not reached, in table order."""
        ws, found = self._ws, []
        top = int(ws.control[v.TOP])
        if self._unsure is not None:
            found.append(self._unsure)
            top -= 1
        elif self._guest is not None and self._guest_is_walking:
            found += self._guest.leftover()
            top -= 1
        elif top >= 0:
            found.append(self._rest(top, self._first_open(top)))
            top -= 1
        for t in range(top, -1, -1):
            found.append(self._rest(t, int(ws.pending[t]) + 1))
        return found

    def _rest(self, t: int, decided: int) -> Subtree:
        """Return the subtree of frame t, which is known by its first ``decided`` signs."""
        prefix = self._prefix(t, decided)
        if len(prefix) < len(self._subtree.prefix):  # the walk has not come to its root yet
            prefix = self._subtree.prefix
        return Subtree(prefix, max(int(self._ws.layer[t]), self._subtree.counted))

    def _first_open(self, t: int) -> int:
        """Return how many neurons from the first on are decided on the top frame t."""
        ws, layer = self._ws, int(self._ws.layer[t])
        if ws.phase[t] == v.ENTER:
            return int(self._net.offset[layer])
        positive, negative = self._everywhere(ws.positive, t), self._everywhere(ws.negative, t)
        is_open = self._bits(ws.open[t] & ~(positive | negative))[: ws.columns[layer]]
        columns = np.flatnonzero(is_open)
        if not len(columns):
            return int(self._net.offset[layer + 1])
        return int(self._net.offset[layer] + ws.column_neuron[layer, columns[0]])

    def _prefix(self, t: int, decided: int) -> tuple[int, ...]:
        """Return the first ``decided`` signs (0 or 1) on frame t, all of which are known there."""
        ws, net, signs = self._ws, self._net, []
        for layer in range(int(ws.layer[t]) + 1):
            here = layer == ws.layer[t]
            if here and ws.phase[t] == v.ENTER:
                break
            words = self._everywhere(ws.positive, t) if here else ws.settled[layer]
            sign = ws.sign[net.offset[layer] : net.offset[layer + 1]].copy()
            columns = ws.column_neuron[layer, : ws.columns[layer]]
            sign[columns] = self._bits(words)[: len(columns)]
            signs += (sign > 0).astype(int).tolist()
        return tuple(signs[:decided])

    def _everywhere(self, words: NDArray[np.int64], t: int) -> NDArray[np.int64]:
        """Return the columns whose bit is set at every vertex of frame t."""
        start, count = int(self._ws.start[t]), int(self._ws.vertices[t])
        everywhere: NDArray[np.int64] = np.bitwise_and.reduce(words[start : start + count], axis=0)
        return everywhere

    @staticmethod
    def _bits(words: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the bits of words, lowest first."""
        return np.unpackbits(words.astype("<i8").view(np.uint8), bitorder="little")
