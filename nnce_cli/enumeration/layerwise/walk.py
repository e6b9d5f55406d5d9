"""The layer-wise walk: any search of one arrangement's cells, inside each layer-k cell in turn.

`LayerWise-NNCE` of Drammis et al. (arXiv 2403.00860, section 3), depth first: pull the neurons of
the next layer back into a cell, run a bounded cell enumeration of their hyperplanes inside it
(`Bound-CellEnum`: a `Search`), and go on with each cell that it finds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.bits import pack_layers
from nnce_cli.enumeration.batch import CellBatch
from nnce_cli.enumeration.columns import table_columns
from nnce_cli.enumeration.layerwise.arrangement import Arrangement
from nnce_cli.enumeration.layerwise.cell import Cell, Halfspaces, Witness
from nnce_cli.enumeration.layerwise.geometry import Geometry
from nnce_cli.enumeration.layerwise.lp import LinearSolver
from nnce_cli.enumeration.layerwise.search import Search, Step
from nnce_cli.enumeration.problem import Problem
from nnce_cli.enumeration.ranks import RankFinder
from nnce_cli.enumeration.subtree import WHOLE, Subtree
from nnce_cli.enumeration.walk import NO_LIMIT, SECONDS_PER_ADVANCE

ROWS_PER_BATCH = 8192


@dataclass
class _Frame:
    """A cell in which the next layer is enumerated.

    With ``holds`` the cells found are kept until the search is done and then taken in table
    order; ``counted_before`` are the counts at the time when the frame was made.
    """

    arrangement: Arrangement
    search: Search
    share: float
    holds: bool
    charged: bool
    counted_before: list[int]
    found: list[Step] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return self.search.done and not self.found


class LayerWise:
    """The walk of one subtree: a `Walk`.

    ``search`` is the class of the searches, ``solver`` their back end. ``rows`` is False for
    counting only, ``witness`` says whether rows have one, ``certify`` whether decisions are proved.

    Memory: the searches' own, and for a search that is not in table order the cells found in one
    layer-k cell at a time, for each k; a walk that only counts, and has no limit, does not hold
    these either.
    """

    def __init__(
        self,
        problem: Problem,
        subtree: Subtree = WHOLE,
        *,
        search: type[Search],
        solver: LinearSolver,
        rows: bool = True,
        witness: bool = True,
        certify: bool = True,
    ) -> None:
        self.problem = problem
        self._search = search
        self._solver = solver
        self._rows = rows
        self._witness = witness
        self._certify = certify
        self._ranks = RankFinder(problem.stack) if rows else None
        self.begin(subtree)

    def begin(self, subtree: Subtree) -> None:
        """Begin the walk of another subtree; what was found and decided before is forgotten."""
        self.nodes = 0
        self.share = 0.0
        self.layer_cells = [0] * len(self.problem.widths)
        self.exact_witnesses: dict[int, list[str]] = {}
        self._subtree = subtree
        self._found_root = False  # then the cells on the way to it are counted, too
        self._geometry = Geometry(self.problem, self._solver, certify=self._certify)
        if self._ranks:
            self._ranks.begin()
        self._output: list[Cell] = []
        self._frames: list[_Frame] = []
        self._progressed = False
        self._started = False

    @property
    def done(self) -> bool:
        """Whether the whole subtree was walked."""
        return self._started and not self._frames

    @property
    def cells(self) -> int:
        """Cells found so far."""
        return self.layer_cells[-1]

    @property
    def decisions(self) -> dict[str, int]:
        """How many decisions of each kind each path took, and the work they cost."""
        ranks_exact = self._ranks.exact_ranks if self._ranks else 0
        return vars(self._geometry.decisions) | {"ranks_exact": ranks_exact, "rebuilds": 0}

    def advance(self, nodes: int) -> None:
        """Walk on, by at most ``nodes`` steps of searches; see `Walk`."""
        started, limit = perf_counter(), self.nodes + nodes
        hold = self._rows or nodes < NO_LIMIT
        with np.errstate(all="ignore"):  # what overflows is decided exactly
            if not self._started:
                self._started = True
                self._enter(self._domain(), 1.0, hold)
            while self._frames:
                self._step(hold)
                is_late = perf_counter() - started >= SECONDS_PER_ADVANCE
                if self.nodes >= limit or len(self._output) >= ROWS_PER_BATCH or is_late:
                    break

    def _domain(self) -> Cell:
        """Return the whole box, which has its centre inside."""
        geometry = self._geometry
        everything = Halfspaces.none(geometry.d)
        found = geometry.inside(everything, np.zeros(0, dtype=np.int8))
        if found is None:
            raise ArithmeticError("a box of positive width has no interior")
        return Cell(np.zeros(0, dtype=np.int8), everything, found)

    def _step(self, hold: bool) -> None:
        """Take one step of the top frame's search, or the next of the cells that it holds."""
        frame = self._frames[-1]
        if not frame.search.done:
            step = frame.search.step()
            self.nodes += int(frame.charged)
            if not frame.holds or step.cell is None:
                self._follow(frame, step, hold)
            else:
                frame.found.append(step)
            if frame.holds and frame.search.done:
                frame.found.sort(key=_order, reverse=True)
        elif frame.found:
            self._follow(frame, frame.found.pop(), hold)
        while self._frames and self._frames[-1].done:
            self._frames.pop()

    def _follow(self, frame: _Frame, step: Step, hold: bool) -> None:
        share = frame.share * step.share
        if step.cell is None:
            self.share += share
            return
        self._progressed |= frame.charged
        layer = frame.arrangement.layer
        self._count(layer)
        if layer + 1 < len(self.layer_cells):
            self._enter(step.cell, share, hold)
            return
        self.share += share
        if self._rows:
            self._note_exact_witness(step.cell.witness)
            self._output.append(step.cell)

    def _enter(self, cell: Cell, share: float, hold: bool) -> None:
        """Begin with the layer after a cell's, unless the subtree's prefix leaves nothing of it."""
        layer = 0 if not self._frames else self._frames[-1].arrangement.layer + 1
        offset = self.problem.offset
        forced = self._subtree.prefix[offset[layer] : offset[layer + 1]]
        arrangement = Arrangement(self._geometry, cell, layer, forced)
        if arrangement.is_empty:
            return
        n_forced = len(self._subtree.prefix)
        if not self._found_root and n_forced <= offset[layer + 1]:
            self._found_root = True
            for before in range(self._subtree.counted, layer):
                self.layer_cells[before] += 1
        search = self._search(arrangement)
        self._frames.append(
            _Frame(
                arrangement,
                search,
                share * 0.5**arrangement.forced_cuts,
                holds=hold and not search.in_order,
                charged=n_forced < offset[layer + 1],
                counted_before=list(self.layer_cells),
            )
        )

    def _count(self, layer: int) -> None:
        """Count a cell of a layer, unless it is on the way to the subtree's root."""
        on_the_way = self.problem.offset[layer + 1] < len(self._subtree.prefix)
        if not on_the_way and layer >= self._subtree.counted:
            self.layer_cells[layer] += 1

    def _note_exact_witness(self, witness: Witness) -> None:
        if witness.exact is not None:
            row = self.cells - 1
            self.exact_witnesses[row] = self.problem.full_fractions(witness.exact)

    def rest(self) -> list[Subtree]:
        """Return the subtrees that were not reached, in table order.

        A search that is not in table order starts again in the cell where it was stopped; where
        it got nowhere at all, in each half of that cell. Cells that such a search has found and
        not held count no longer: they are found again.
        """
        if not self._found_root:
            return [] if self.done else [self._subtree]
        streaming = next((i for i, f in enumerate(self._frames) if self._streams(f)), None)
        if streaming is not None:
            self.layer_cells = self._frames[streaming].counted_before
            self._frames = self._frames[: streaming + 1]
            self._progressed = False
        rest: list[Subtree] = []
        for frame in reversed(self._frames):
            rest += self._rest_of(frame)
        return rest

    @staticmethod
    def _streams(frame: _Frame) -> bool:
        return not (frame.search.in_order or frame.holds or frame.search.done)

    def _rest_of(self, frame: _Frame) -> list[Subtree]:
        arrangement, layer = frame.arrangement, frame.arrangement.layer
        before = _bits(arrangement.cell.signs)
        if frame.search.done:
            ends = [step.cell for step in reversed(frame.found) if step.cell is not None]
            return [Subtree(_bits(cell.signs), layer) for cell in ends]
        prefixes = frame.search.rest()
        if len(arrangement) and not (frame.search.in_order or self._progressed):
            prefixes = [np.array([side], dtype=np.int8) for side in (-1, 1)]
        return [Subtree((*before, *arrangement.prefix(p)), layer) for p in prefixes]

    def take(self) -> CellBatch:
        """Turn the cells found into rows; see `Walk`."""
        cells, self._output = self._output, []
        widths = self.problem.widths
        bits = np.array([cell.signs > 0 for cell in cells], dtype=np.bool_).reshape(-1, sum(widths))
        signs = pack_layers(bits, widths)
        joined = np.concatenate(signs, axis=1)
        ranks = self._ranks.ranks(joined) if self._ranks else np.zeros((0, len(widths)), np.uint16)
        active = np.add.reduceat(bits, self.problem.offset[:-1], axis=1, dtype=np.uint16)
        columns, active = table_columns(self.problem.stack, joined, active)
        return CellBatch(columns, active, ranks, self._witnesses(cells) if self._witness else None)

    def _witnesses(self, cells: list[Cell]) -> NDArray[np.float64]:
        points = np.zeros((len(cells), self._geometry.d))
        for row, cell in enumerate(cells):
            points[row] = cell.witness.point
        return self.problem.full_points(points)


def _order(step: Step) -> bytes:
    """The place of a step's cell in the table."""
    return b"" if step.cell is None else (step.cell.signs > 0).tobytes()


def _bits(signs: NDArray[np.int8]) -> tuple[int, ...]:
    return tuple((signs > 0).astype(int).tolist())
