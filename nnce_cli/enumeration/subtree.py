"""Walk one subtree of layer-k cells, with a budget of tree nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from nnce_cli.enumeration.batch import CellBatch, DecisionLog
from nnce_cli.enumeration.deepest import settle_by_inputs
from nnce_cli.enumeration.problem import Problem, new_workspace, start, with_more_frames
from nnce_cli.enumeration.ranks import RankFinder
from nnce_cli.exact import ExactDoor, Guess, Pullback
from nnce_cli.kernels import arrays as k
from nnce_cli.kernels.image import input_holds, multipliers_hold, settle
from nnce_cli.kernels.layers import rebuild
from nnce_cli.kernels.proofs import has_interior, point_holds
from nnce_cli.kernels.walk import walk
from nnce_cli.kernels.witness import mean_of_vertices

SECONDS_PER_CALL = 0.05  # how long the kernel runs before signals, limits and progress are seen


@dataclass(frozen=True)
class Subtree:
    """A root in the tree: the signs (1 or 0) of the first neurons, layers joined, in order.

    ``counted`` says for how many layers, from the first, another subtree counts the layer-k
    cell on this path. The empty prefix is the whole domain.
    """

    prefix: tuple[int, ...] = ()
    counted: int = 0


class SubtreeWalk:
    """The walk of one subtree: its batches, and what it has found and decided so far.

    ``rows`` is False for counting only, ``witness`` says whether batches carry witnesses,
    ``certify`` whether decisions are proved, ``log`` whether batches carry the decisions.
    """

    def __init__(
        self,
        problem: Problem,
        subtree: Subtree = Subtree(),
        *,
        rows: bool = True,
        witness: bool = True,
        certify: bool = True,
        log: bool = False,
    ) -> None:
        self.problem = problem
        in_image = None if log else problem.in_image  # certificates are about the inputs
        stack, self._net = in_image or (problem.stack, problem.net)
        self._certify = certify
        self._rows = rows
        self._witness = witness
        self._ws = new_workspace(self._net, rows, witness=witness, log=log)
        self._pullback = Pullback(stack)
        self._inputs = Pullback(problem.stack) if in_image else self._pullback
        self._ranks = RankFinder(stack, self._pullback) if rows else None
        self.begin(subtree)
        walk(self._net, self._ws, 0, rows)  # loaded from the cache now, before clocks start

    def begin(self, subtree: Subtree) -> None:
        """Begin the walk of another subtree; what was found and decided before is forgotten.

        All results are those of a new `SubtreeWalk`, which would cost far more than a small
        subtree does.
        """
        ws = self._ws
        start(self._net, ws)
        ws.control[k.CERTIFY] = int(self._certify)
        ws.control[k.COUNTED_BEFORE] = subtree.counted
        ws.control[k.PREFIX] = len(subtree.prefix)
        ws.forced[: len(subtree.prefix)] = [2 * bit - 1 for bit in subtree.prefix]
        self._door = ExactDoor(self._pullback, self._net, ws, self._inputs, self.problem.net)
        if self._ranks:
            self._ranks.begin()
        self._rebuilds = 0
        self.done = False

    @property
    def cells(self) -> int:
        """Cells found so far."""
        return int(self._ws.control[k.CELLS])

    @property
    def layer_cells(self) -> list[int]:
        """Layer-k cells found so far, for each hidden layer."""
        return [int(n) for n in self._ws.layer_cells]

    @property
    def nodes(self) -> int:
        """Tree nodes visited so far."""
        return int(self._ws.control[k.NODES])

    @property
    def share(self) -> float:
        """The share of the domain's tree that is done: a cell below s splits counts 2^-s."""
        return float(self._ws.done[0])

    @property
    def decisions(self) -> dict[str, int]:
        """How many decisions of each kind each path took, and the work they cost."""
        control = self._ws.control
        return {
            "neurons_float": int(control[k.PROOFS]),
            "neurons_exact": self._door.questions["neuron"],
            "witnesses_float": int(control[k.WITNESSES]),
            "witnesses_exact": self._door.questions["witness"],
            "ranks_exact": self._ranks.exact_ranks if self._ranks else 0,
            "linear_programs": int(control[k.LPS]),
            "pivots": int(control[k.PIVOTS]),
            "rebuilds": self._rebuilds,
        }

    @property
    def exact_witnesses(self) -> dict[int, list[str]]:
        """Witnesses as fractions ("1/3"), by row of this walk, where no float64 point was found."""
        return {
            row: self.problem.full_fractions(point)
            for row, point in self._door.rational_witnesses.items()
        }

    def batches(self, budget: int | None = None) -> Iterator[CellBatch]:
        """Walk on and yield batches of cells (empty ones when only counting) in table order.

        Stops when the subtree is done, or after ``budget`` tree nodes; a later call goes on.
        A batch comes about every 50 ms, so that callers can look at the clock.
        """
        limit = 2**62 if budget is None else self.nodes + budget
        per_call = 4096
        while not self.done and self.nodes < limit:
            started = perf_counter()
            status = self._advance(min(self.nodes + per_call, limit))
            seconds = perf_counter() - started
            if status == k.STACK_FULL:
                self._ws = self._door.workspace = with_more_frames(self._ws)
                continue
            if status == k.DRIFTED:
                rebuild(self._net, self._ws, self._ws.control[k.TOP])
                self._ws.control[k.REBUILT] = 1
                self._rebuilds += 1
            elif status in (k.UNSURE_ROOT, k.UNSURE_NODE, k.UNSURE_LEAF):
                self._answer(status)
            self.done = status == k.DONE
            if status == k.PAUSED:
                per_call = max(16, per_call * 2 if seconds < SECONDS_PER_CALL else per_call // 2)
            if status in (k.PAUSED, k.OUTPUT_FULL) or self.done:
                yield self._take_batch()

    def _advance(self, node_limit: int) -> int:
        """Let the kernel walk on; return why it stopped."""
        return walk(self._net, self._ws, node_limit, self._rows)

    def _answer(self, status: int) -> None:
        """Answer the kernel's question: by floats where a better try will do, else exactly."""
        ws, guess = self._ws, None
        if status == k.UNSURE_LEAF:
            answer, guess = self._look_again(int(ws.control[k.TOP]))
            if answer != k.NO_ANSWER:
                ws.control[k.ANSWER] = answer
                ws.control[k.WITNESSES] += 1
                return
        self._door.answer(status, guess)

    def _look_again(self, t: int) -> tuple[int, Guess | None]:
        """Prove in float that the leaf of frame ``t`` exists or not, or give no answer.

        And, of a leaf in an image, what exact arithmetic may start from.
        """
        ws, net = self._ws, self._net
        if net.image.middle.size:
            return settle_by_inputs(net, ws, int(ws.splits[t]))
        mean_of_vertices(net, ws, t)
        return (k.EXISTS if point_holds(net, ws) else k.NO_ANSWER), None

    def _take_batch(self) -> CellBatch:
        """Take the rows out of the workspace."""
        ws, n = self._ws, int(self._ws.control[k.ROWS])
        ws.control[k.ROWS] = 0
        signs = ws.out_signs[:n].copy()
        ends = np.cumsum((self.problem.net.width + 7) // 8)
        witness = None
        if self._witness:
            witness = self.problem.full_points(ws.out_witness[:n])
        ranks = self._ranks.ranks(signs) if self._ranks else np.zeros((0, len(ends)), np.uint16)
        layers = np.split(signs, ends[:-1], axis=1)
        return CellBatch(layers, ws.out_active[:n].copy(), ranks, witness, self._take_log())

    def _take_log(self) -> DecisionLog | None:
        """Take the decisions out of the workspace; None where there is no log."""
        ws = self._ws
        if not len(ws.log):
            return None
        log = ws.log[: ws.control[k.LOGGED]].copy()
        ws.control[k.LOGGED] = 0
        inputs = np.flatnonzero(self.problem.free)
        sizes, bases = log[:, 2], log[:, 3:]
        place = np.arange(bases.shape[1])
        is_slack = place < sizes[:, None]
        is_input = ~is_slack & (place < 2 * sizes[:, None])
        return DecisionLog(
            neuron=log[:, 0].astype(np.uint32),
            decision=log[:, 1].astype(np.uint8),
            sizes=sizes,
            slacks=bases[is_slack].astype(np.uint32),
            inputs=inputs[bases[is_input]].astype(np.uint32),
        )

    def call_every_kernel(self) -> None:
        """Call each entry point once, so that it is compiled; the walk is of no use afterwards."""
        net, ws = self._net, self._ws
        rebuild(net, ws, 0)
        mean_of_vertices(net, ws, 0)
        point_holds(net, ws)
        has_interior(net, ws, 0)
        if net.image.middle.size:
            settle(net, ws, 0, False)
            input_holds(net, ws, 0)
            multipliers_hold(net, ws, np.zeros(0, dtype=np.int64), np.zeros(0))
        for _ in self.batches():
            pass

    def leftover(self) -> list[Subtree]:
        """Return the subtrees that were not reached, in table order.

        Rounding may have let in a node without interior. It has no cell and is left out, but
        for a walk that keeps a log: a certificate has the decisions below that node too.
        """
        ws, found = self._ws, []
        counted = ws.counted.copy()
        for t in range(int(ws.control[k.TOP]), -1, -1):
            entered = int(ws.layer[t]) - int(ws.phase[t] == k.NEW_LAYER)
            if not self._exists(t):
                if len(ws.log):
                    found.append(Subtree(self._prefix(t), len(counted)))
                continue
            before = 0
            while before < entered and counted[before]:
                before += 1
            found.append(Subtree(self._prefix(t), before))
            counted[:entered] = 1  # this one counts them
        return found

    def _exists(self, t: int) -> bool:
        """Tell whether the cell that frame ``t`` goes on with has an interior."""
        ws = self._ws
        if t == ws.control[k.TOP]:
            return self._cell_exists(t)
        neuron = ws.pending[t]  # the path is on its inactive side, the frame on the other
        ws.sign[neuron] = 1
        exists = self._cell_exists(t)
        ws.sign[neuron] = -1
        return exists

    def _cell_exists(self, t: int) -> bool:
        ws, net = self._ws, self._net
        if not net.image.middle.size:
            return bool(has_interior(net, ws, t)) or self._door.cell_exists(t)
        n = int(ws.splits[t])
        mean_of_vertices(net, ws, t)
        answer, guess = int(settle(net, ws, n, False)), None
        if answer == k.NO_ANSWER:
            answer, guess = settle_by_inputs(net, ws, n)
        if answer == k.NO_ANSWER:
            return self._door.cell_exists(t, guess)
        return answer == k.EXISTS

    def _prefix(self, t: int) -> tuple[int, ...]:
        ws, net = self._ws, self._net
        if t < ws.control[k.TOP]:
            neuron = int(ws.pending[t])
            return (*(int(s > 0) for s in ws.sign[:neuron]), 1)
        layer = int(ws.layer[t])
        if ws.phase[t] == k.LEAF:
            decided = int(net.offset[-1])
        elif ws.phase[t] != k.NODE:
            decided = int(net.offset[layer])
        elif ws.free[t] == 0:
            decided = int(net.offset[layer + 1])
        else:
            decided = int(ws.row_variable[t, ws.free[t] - 1]) - net.lower.size
        return tuple(int(s > 0) for s in ws.sign[:decided])
