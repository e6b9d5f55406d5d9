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
from nnce_cli.atlas.programs import INEQUALITY, Impossible, Name, Program, decide
from nnce_cli.atlas.question import Question
from nnce_cli.atlas.relaxation import RULES, Bounded, Forms, Regions, Relaxation
from nnce_cli.atlas.split_tree import Cut, SplitTree
from nnce_cli.exact import rationals

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

BATCH = 128  # regions at a time
TRIED = 4  # points of a batch that are looked at exactly
MOST_INPUTS = 16  # of which boxes are drawn tight, two programs for each


@dataclass(frozen=True, eq=False)
class Found:
    """A point at which an alternative of a question occurs."""

    alternative: int
    point: list[fmpq]


@dataclass(eq=False)
class Node:
    """A region that waits: a row of `Regions`, and what must be <= 0 on it, its facets.

    ``open`` are the alternatives that may occur on it. ``corners`` (c, d) are points of its
    polytope, about where its box touches it; ``names`` says which half-space or neuron each facet
    is of, ``slope`` and ``constant`` are their functions. ``least`` is the bound of the first
    inequality on the region that it is a part of.
    """

    number: int
    regions: Regions
    open: tuple[int, ...]
    names: list[Name]
    slope: Floats
    constant: Floats
    corners: Floats
    least: float = -np.inf

    def exact_box(self) -> tuple[list[fmpq], list[fmpq]]:
        """Return the ends of its box."""
        box = self.regions
        return rationals(box.lower[0].tolist()), rationals(box.upper[0].tolist())


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
        maps = [*question.stack.hidden[1:], question.stack.output]
        self._weight = [
            np.ones(layer.n_out) if after is None else np.abs(after.weight).sum(axis=0)
            for layer, after in zip(question.stack.hidden, maps, strict=False)
        ]
        self._free = np.flatnonzero(domain.lower < domain.upper)
        halfspaces = domain.halfspaces
        root = Node(
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
        """Search on until a point is found, all is closed, or ``stop`` says so.

        After a point was found it may go on.
        """
        while self._waiting and not stop():
            found = self._visit(self._next())
            if found is not None:
                return found
        return None

    def _next(self) -> list[Node]:
        """Take the next regions off those that wait."""
        batch, self._waiting = self._waiting[-BATCH:], self._waiting[:-BATCH]
        return batch

    def ask(self, question: Question) -> None:
        """Go on with another question of the same domain: what is closed must stay closed."""
        self.question = self.exact.question = question

    @property
    def waiting(self) -> int:
        """How many regions wait."""
        return len(self._waiting)

    @property
    def done(self) -> bool:
        """Whether no region is left."""
        return not self._waiting

    def _visit(self, nodes: list[Node]) -> Found | None:
        """Close regions or divide them; return a point where one is found."""
        self.visited += len(nodes)
        if len(self._free) <= MOST_INPUTS:
            for node in nodes:
                self._tighten(node)
        regions = Regions.join([node.regions for node in nodes])
        bounded = self._relaxation.bound(regions)
        bounds = [self._inequalities(bounded, rule) for rule in RULES]
        left = [
            (k, programs)
            for k, node in enumerate(nodes)
            if (programs := self._open(node, bounds, k))
        ]
        found = self._try(nodes, left)
        if found is not None:
            self._waiting += [nodes[k] for k, _ in left]
            return found
        passing = [bounded.passing(layer) for layer in range(len(self.question.stack.hidden))]
        for k, programs in left:
            layer = next((i for i, on in enumerate(passing) if (on[k] == 0).any()), None)
            if layer is not None:
                self._divide(bounded, nodes[k], k, layer)
            elif found is None:
                found = self._decide(nodes[k], [on[k] for on in passing], tuple(programs))
            if layer is None and found is not None:
                self._waiting.append(nodes[k])
        return found

    def _open(self, node: Node, bounds: list[tuple[Forms, Floats]], k: int) -> dict[int, Program]:
        """Close what can be closed of a region; return the programs of the other alternatives."""
        left = {}
        if len(self.question.inequalities):
            node.least = float(max(least[k, 0] for _, least in bounds))
        for alternative in node.open:
            rows = self.question.rows[alternative]
            proofs = [
                (kind, row)
                for kind, (_, least) in zip(INEQUALITY, bounds, strict=True)
                for row in rows
                if least[k, row] > 0
            ]
            if proofs:
                self.tree.close(node.number, alternative, [(proofs[0], 1.0)])
                continue
            program = self._program(node, bounds, k, rows)
            if program.closes:
                self.tree.close(node.number, alternative, program.combination())
            else:
                left[alternative] = program
        node.open = tuple(left)
        return left

    def _tighten(self, node: Node) -> None:
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
        node.corners = np.array(corners).reshape(-1, len(lower))
        np.clip(node.corners, lower, upper, out=node.corners)

    def _inequalities(self, bounded: Bounded, rule: int) -> tuple[Forms, Floats]:
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
            rule=rule,
        )
        return forms, bounded.least(region, forms).reshape(n, m)

    def _program(
        self, node: Node, bounds: list[tuple[Forms, Floats]], k: int, rows: range
    ) -> Program:
        """Solve the program of all that must be <= 0 on a region in an alternative."""
        first = k * len(self.question.inequalities)
        here = slice(first + rows.start, first + rows.stop)
        program = Program(
            [*((kind, row) for kind in INEQUALITY for row in rows), *node.names],
            np.concatenate([*(forms.slope[here] for forms, _ in bounds), node.slope]),
            np.concatenate([*(forms.constant[here] for forms, _ in bounds), node.constant]),
            node.regions.lower[0],
            node.regions.upper[0],
        )
        program.solve()
        self.programs += 1
        return program

    def _try(self, nodes: list[Node], left: list[tuple[int, dict[int, Program]]]) -> Found | None:
        """Return a point at which an alternative occurs, of those where one seems to."""
        tried = [(k, a, program.point) for k, programs in left for a, program in programs.items()]
        if not tried:
            return None
        values = self.question.values(np.array([point for _, _, point in tried]))
        rows = self.question.rows
        worst = [
            float(value[rows[a].start : rows[a].stop].max(initial=-np.inf))
            for (_, a, _), value in zip(tried, values, strict=True)
        ]
        for i in np.argsort(worst)[:TRIED].tolist():
            _, alternative, point = tried[i]
            if worst[i] > 0:
                break
            exact = rationals(point.tolist())
            if self.exact.occurs(exact, alternative):
                return Found(alternative, exact)
        return None

    def _decide(
        self, node: Node, passing: list[NDArray[np.int8]], alternatives: tuple[int, ...]
    ) -> Found | None:
        """Decide a region where the network is affine."""
        on = [(signs > 0).tolist() for signs in passing]
        inequalities = self.exact.inequalities(on)
        facets = [self._facet(node, name, on) for name in node.names]
        lower, upper = node.exact_box()
        for alternative in alternatives:
            rows = self.question.rows[alternative]
            forms = [*(inequalities[row] for row in rows), *facets]
            strict = [self.question.strict[row] for row in rows] + [False] * len(facets)
            answer = decide(lower, upper, forms, strict)
            if not isinstance(answer, Impossible):
                return Found(alternative, answer.point)
            names = [*((INEQUALITY[0], row) for row in rows), *node.names]
            both = zip(names, answer.multipliers, strict=True)
            self.tree.close(node.number, alternative, [(name, x) for name, x in both if x])
        return None

    def _facet(self, node: Node, name: Name, on: list[list[bool]]) -> list[fmpq]:
        """Return what is <= 0 on a region by a half-space or the side of a neuron, exactly."""
        kind, k = name
        if kind == "h":
            return self.exact.halfspaces[k]
        sign = -int(node.regions.sides[0, k])
        return [sign * x for x in self.exact.neuron(k, on)]

    def _divide(self, bounded: Bounded, node: Node, k: int, layer: int) -> None:
        """Divide a region by the sign of a neuron of a layer."""
        neurons, below, above = bounded.forms[layer].of(k)
        values = node.corners @ below.slope.T + below.constant
        i = self._choose(bounded, k, layer, neurons, values)
        neuron = int(self._relaxation.offset[layer] + neurons[i])
        numbers = self.tree.divide(node.number, neuron)
        for side, forms, number in zip((-1, 1), (below, above), numbers, strict=True):
            regions = bounded.regions.take(np.array([k]))
            regions.sides[0, neuron] = side
            if side > 0:
                regions.low[0, neuron] = 0.0
            else:
                regions.high[0, neuron] = 0.0
            part = Node(
                number,
                regions,
                node.open,
                [*node.names, ("n", neuron)],
                np.concatenate([node.slope, forms.slope[i : i + 1]]),
                np.concatenate([node.constant, forms.constant[i : i + 1]]),
                node.corners[side * values[:, i] >= 0],
                node.least,
            )
            if len(part.corners) or not self._is_empty(part):
                self._waiting.append(part)

    def _is_empty(self, node: Node) -> bool:
        """Tell whether the facets of a region are proved to leave nothing; close it then."""
        box = node.regions
        program = Program(node.names, node.slope, node.constant, box.lower[0], box.upper[0])
        program.solve()
        self.programs += 1
        if program.closes:
            for alternative in node.open:
                self.tree.close(node.number, alternative, program.combination())
        return program.closes

    def _choose(
        self, bounded: Bounded, k: int, layer: int, neurons: Indices, values: Floats
    ) -> int:
        """Choose one of some neurons of a layer, with their values at a region's corners (c, m)."""
        here = neurons + int(self._relaxation.offset[layer])
        low, high = bounded.regions.low[k, here], bounded.regions.high[k, here]
        score = -low * high / (high - low + 1e-300) * self._weight[layer][neurons]
        score[bounded.signs(layer)[k, neurons] != 0] = -np.inf
        if len(values):
            cuts = (values > 0).any(axis=0) & (values < 0).any(axis=0)
            score *= np.where(cuts, 100.0, 1.0)
        return int(score.argmax())
