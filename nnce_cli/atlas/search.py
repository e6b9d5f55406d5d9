"""Branch and bound: whether an alternative of a question occurs somewhere.

A region is a box and the sides of some neurons, which are affine functions of the input on it.
Its box is drawn tight around its polytope. An alternative is closed on a region where a combination
of what must be <= 0 there is proved to be positive: of its inequalities, each bounded from below by
a linear function of the input (`Relaxation`), the half-spaces of the domain, and the sides. Else
the region is divided by the sign of one more neuron, of the first layer that has one whose sign is
not known. Where there is none the network is affine, and a linear program decides in rational
arithmetic. So thresholds that are attained, and regions that only touch, end there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.atlas.exact_question import ExactQuestion
from nnce_cli.atlas.programs import Impossible, Name, Program, decide
from nnce_cli.atlas.question import Question
from nnce_cli.atlas.relaxation import Bounded, Forms, Regions, Relaxation
from nnce_cli.atlas.split_tree import Cut, SplitTree
from nnce_cli.exact import rationals

Floats = NDArray[np.float64]

BATCH = 64  # regions at a time
MOST_INPUTS = 16  # of which boxes are drawn tight, two programs for each

RULE = 1


@dataclass(frozen=True, eq=False)
class Found:
    """A point at which an alternative of a question occurs."""

    alternative: int
    point: list[fmpq]


@dataclass(eq=False)
class _Node:
    """A region that waits: a row of `Regions`, and what must be <= 0 on it, its facets.

    ``open`` are the alternatives that may occur on it. ``corners`` (c, d) are points of its
    polytope, about where its box touches it; ``names`` says which half-space or neuron each facet
    is of, ``slope`` and ``constant`` are their functions.
    """

    number: int
    regions: Regions
    open: tuple[int, ...]
    names: list[Name]
    slope: Floats
    constant: Floats
    corners: Floats


class Search:
    """Looks for a point at which an alternative of a question occurs.

    ``visited`` counts the regions that were looked at. ``tree`` is told what became of each.
    """

    def __init__(self, question: Question, tree: SplitTree) -> None:
        self.question = question
        self.exact = ExactQuestion(question)
        self.tree = tree
        self.visited = self.programs = 0
        domain = question.domain
        self._relaxation = Relaxation(question.stack)
        self._free = np.flatnonzero(domain.lower < domain.upper)
        halfspaces = domain.halfspaces
        root = _Node(
            0,
            self._relaxation.whole(domain.lower, domain.upper),
            tuple(range(len(question.alternatives))),
            [("h", k) for k in range(len(halfspaces))],
            halfspaces[:, :-1],
            -halfspaces[:, -1],
            np.zeros((0, domain.n_inputs)),
        )
        self._waiting = [root]

    def run(self, stop: Callable[[], bool]) -> Found | None:
        """Search on until a point is found, all is closed, or ``stop`` says so."""
        while self._waiting and not stop():
            batch, self._waiting = self._waiting[-BATCH:], self._waiting[:-BATCH]
            found = self._visit(batch)
            if found is not None:
                return found
        return None

    @property
    def waiting(self) -> int:
        """How many regions wait."""
        return len(self._waiting)

    @property
    def done(self) -> bool:
        """Whether no region is left."""
        return not self._waiting

    def _visit(self, nodes: list[_Node]) -> Found | None:
        """Close regions or divide them; return a point where one is found."""
        self.visited += len(nodes)
        if len(self._free) <= MOST_INPUTS:
            for node in nodes:
                self._tighten(node)
        regions = Regions.join([node.regions for node in nodes])
        bounded = self._relaxation.bound(regions)
        forms, least = self._inequalities(bounded)
        left = [
            (k, programs)
            for k, node in enumerate(nodes)
            if (programs := self._open(node, forms, least, k))
        ]
        found = self._try(nodes, left)
        if found is not None:
            return found
        passing = [bounded.passing(layer) for layer in range(len(self.question.stack.hidden))]
        for k, programs in left:
            layer = next((i for i, on in enumerate(passing) if (on[k] == 0).any()), None)
            if layer is not None:
                self._divide(bounded, nodes[k], k, layer)
                continue
            found = self._decide(nodes[k], [on[k] for on in passing], programs)
            if found is not None:
                return found
        return None

    def _open(self, node: _Node, forms: Forms, least: Floats, k: int) -> dict[int, Program]:
        """Close what can be closed of a region; return the programs of the other alternatives."""
        left = {}
        for alternative in node.open:
            rows = self.question.rows[alternative]
            best = max(rows, key=lambda row: float(least[k, row]), default=None)
            if best is not None and least[k, best] > 0:
                self.tree.close(node.number, alternative, [(("g", best), 1.0)])
                continue
            program = self._program(node, forms, k, rows)
            if program.closes:
                self.tree.close(node.number, alternative, program.combination())
            else:
                left[alternative] = program
        node.open = tuple(left)
        return left

    def _tighten(self, node: _Node) -> None:
        """Draw the box of a region tight around its polytope."""
        lower, upper = node.regions.lower[0], node.regions.upper[0]
        if len(node.names) == 0:
            return
        corners = []
        program = Program(node.names, node.slope, node.constant, lower, upper)
        for i in self._free.tolist():
            width = float(upper[i] - lower[i])
            for sign in (1.0, -1.0):
                end = lower if sign > 0 else upper
                at_end = node.corners[
                    np.abs(node.corners[:, i] - end[i]) <= 1e-9 * (upper[i] - lower[i])
                ]
                if len(at_end):
                    corners.append(at_end[0])
                    continue
                found = program.least_input(i, sign)
                self.programs += 1
                if found is None:
                    return  # about empty
                value, point, multipliers = found
                corners.append(point)
                if sign * value > sign * end[i] + 1e-3 * width:
                    self.tree.cut(node.number, Cut(i, int(sign), value, multipliers))
                    end[i] = value
        node.corners = np.array(corners)
        np.clip(node.corners, lower, upper, out=node.corners)

    def _inequalities(self, bounded: Bounded) -> tuple[Forms, Floats]:
        """Bound the inequalities over each region: functions (regions * m), least values."""
        weight, inputs, constants = self.question.rounded
        n, m = len(bounded.regions), len(constants)
        region = np.repeat(np.arange(n), m)
        forms = bounded.back(
            len(self.question.stack.hidden),
            region,
            np.tile(weight, (n, 1)),
            np.tile(constants, n),
            np.tile(np.abs(constants), n),
            np.tile(inputs, (n, 1)),
        )
        return forms, bounded.least(region, forms).reshape(n, m)

    def _program(self, node: _Node, forms: Forms, k: int, rows: range) -> Program:
        """Solve the program of all that must be <= 0 on a region in an alternative."""
        first = k * len(self.question.inequalities)
        here = slice(first + rows.start, first + rows.stop)
        names: list[Name] = [("g", row) for row in rows]
        program = Program(
            names + node.names,
            np.concatenate([forms.slope[here], node.slope]),
            np.concatenate([forms.constant[here], node.constant]),
            node.regions.lower[0],
            node.regions.upper[0],
        )
        program.solve()
        self.programs += 1
        return program

    def _try(self, nodes: list[_Node], left: list[tuple[int, dict[int, Program]]]) -> Found | None:
        """Return a point at which an alternative occurs, of those where one seems to."""
        tried = [(k, a, program.point) for k, programs in left for a, program in programs.items()]
        if not tried:
            return None
        values = self.question.values(np.array([point for _, _, point in tried]))
        for (_, alternative, point), value in zip(tried, values, strict=True):
            rows = self.question.rows[alternative]
            if (value[rows.start : rows.stop] <= 0).all():
                exact = rationals(point.tolist())
                if self.exact.occurs(exact, alternative):
                    return Found(alternative, exact)
        return None

    def _decide(
        self, node: _Node, passing: list[NDArray[np.int8]], programs: dict[int, Program]
    ) -> Found | None:
        """Decide a region where the network is affine."""
        on = [(signs > 0).tolist() for signs in passing]
        inequalities = self.exact.inequalities(on)
        facets = [self._facet(node, name, on) for name in node.names]
        lower, upper = (
            rationals(ends[0].tolist()) for ends in (node.regions.lower, node.regions.upper)
        )
        for alternative, program in programs.items():
            rows = self.question.rows[alternative]
            forms = [*(inequalities[row] for row in rows), *facets]
            strict = [self.question.strict[row] for row in rows] + [False] * len(facets)
            answer = decide(lower, upper, forms, strict, program.basis)
            if not isinstance(answer, Impossible):
                return Found(alternative, answer.point)
            both = zip(program.names, answer.multipliers, strict=True)
            self.tree.close(node.number, alternative, [(name, x) for name, x in both if x])
        return None

    def _facet(self, node: _Node, name: Name, on: list[list[bool]]) -> list[fmpq]:
        """Return what is <= 0 on a region by a half-space or the side of a neuron, exactly."""
        kind, k = name
        if kind == "h":
            return self.exact.halfspaces[k]
        sign = -int(node.regions.sides[0, k])
        return [sign * x for x in self.exact.neuron(k, on)]

    def _divide(self, bounded: Bounded, node: _Node, k: int, layer: int) -> None:
        """Divide a region by the sign of a neuron of a layer."""
        neuron = self._neuron(bounded, node, k, layer)
        first = int(self._relaxation.offset[layer])
        weight, bias = self._relaxation.row(layer, neuron - first)
        region = np.array([k, k])
        rows = np.array([1.0, -1.0])[:, None] * weight
        constant = np.array([bias, -bias])
        forms = bounded.back(layer, region, rows, constant, np.abs(constant))
        values = node.corners @ forms.slope.T + forms.constant
        numbers = self.tree.divide(node.number, neuron)
        for c, (side, number) in enumerate(zip((-1, 1), numbers, strict=True)):
            regions = bounded.regions.take(np.array([k]))
            regions.sides[0, neuron] = side
            if side > 0:
                regions.low[0, neuron] = 0.0
            else:
                regions.high[0, neuron] = 0.0
            self._waiting.append(
                _Node(
                    number,
                    regions,
                    node.open,
                    [*node.names, ("n", neuron)],
                    np.concatenate([node.slope, forms.slope[c : c + 1]]),
                    np.concatenate([node.constant, forms.constant[c : c + 1]]),
                    node.corners[values[:, c] <= 0],
                )
            )

    def _neuron(self, bounded: Bounded, node: _Node, k: int, layer: int) -> int:
        """Choose a neuron of a layer, one whose sign is not known."""
        offset = self._relaxation.offset
        here = slice(*offset[layer : layer + 2])
        low, high = bounded.regions.low[k, here], bounded.regions.high[k, here]
        is_open = bounded.signs(layer)[k] == 0
        score = np.minimum(-low, high)
        if RULE:
            score = -low * high / (high - low + 1e-300)
        if RULE >= 1 and layer + 1 < len(self.question.stack.hidden):
            W = self.question.stack.hidden[layer + 1].weight
            on = bounded.signs(layer + 1)[k] == 0
            if RULE == 2:
                W = W[: len(on)][on]
            score = score * np.abs(W[:, : len(score)]).sum(axis=0)
        return int(offset[layer] + np.where(is_open, score, -np.inf).argmax())
