"""A question decided by one walk through all cells, where these are not too many.

Bounds of relaxed networks close large regions at once, but where outputs come close to what is
asked all over a domain, they come down to single cells in the end. A walk finds those at a million
a second: that of the network with one more layer, whose units are what must be <= 0, less a margin.
Around a point at which an alternative occurs these are inactive, by the margin, so the point is in
a closed cell at which they are; where there is no such cell, it occurs nowhere. What is left is
decided in rational arithmetic, cell by cell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.atlas.exact_question import ExactQuestion
from nnce_cli.atlas.question import Question
from nnce_cli.base.errors import InputError
from nnce_cli.enumeration import CellBatch, Problem, batches, choose, walk_factory
from nnce_cli.exact import Polytope, feasible_dictionary, rationals
from nnce_cli.network import AffineMap, LayerStack, Units, neuron_bits

MOST_CELLS = 3_000_000  # of a walk: half a minute where it goes on to the end
MOST_LEFT = 1000  # cells that are decided in rational arithmetic
MARGIN = fmpq(1, 2**20)


@dataclass(frozen=True)
class ByCells:
    """What a walk found: whether it decided, a point if there is one, and the cells it met."""

    decided: bool
    alternative: int = 0
    point: list[fmpq] | None = None
    cells: int = 0


def by_cells(question: Question, exact: ExactQuestion, stop: Callable[[], bool]) -> ByCells:
    """Walk through the cells of a question's network, unless that is no way to decide it.

    It is none for strict inequalities, for those that inputs are part of, for maxima, where there
    are too many cells, and on a domain without interior.
    """
    stack = question.stack
    _, inputs, _ = question.exact
    has_max = any(units.has_max for units in stack.units)
    if has_max or any(question.strict) or any(x != 0 for x in inputs.entries()):
        return ByCells(decided=False)
    longer = _longer(question)
    try:
        problem = Problem.of(longer, question.domain)
    except InputError:  # it is flat
        return ByCells(decided=False)
    walk = walk_factory(choose(problem)[0])(problem, witness=False)
    left = 0
    for batch in batches(walk):
        for bits, alternative in _left(longer, question, batch):
            left += 1
            point = _point(question, exact, bits, alternative)
            if point is not None:
                return ByCells(True, alternative, point, walk.cells)
        if left > MOST_LEFT or walk.cells > MOST_CELLS or stop():
            return ByCells(decided=False, cells=walk.cells)
    return ByCells(decided=True, cells=walk.cells)


def _longer(question: Question) -> LayerStack:
    """Return the network whose last units are what must be <= 0, less the margin."""
    stack = question.stack
    weight, _, constants = question.exact
    rows = np.empty(weight.nrows() * weight.ncols(), dtype=object)
    rows[:] = weight.entries()
    bias = np.empty(constants.nrows(), dtype=object)
    bias[:] = [x - MARGIN for x in constants.entries()]
    last = AffineMap.of(rows.reshape(weight.nrows(), weight.ncols()), bias, ("property",))
    return replace(
        stack,
        hidden=(*stack.hidden, last),
        units=(*stack.units, Units.relu(last.n_out)),
        places=(),
        output=None,
    )


def _left(
    longer: LayerStack, question: Question, batch: CellBatch
) -> list[tuple[NDArray[np.uint8], int]]:
    """Return the cells in which an alternative may occur: their neurons' bits, and which one."""
    last = np.unpackbits(batch.signs[-1], axis=1, count=longer.rows[-1])
    found = []
    for alternative, rows in enumerate(question.rows):
        chosen = np.flatnonzero(~last[:, list(rows)].any(axis=1))
        if len(chosen):
            joined = np.concatenate([signs[chosen] for signs in batch.signs], axis=1)
            bits = neuron_bits(longer, joined)[:, : -longer.rows[-1]]
            found += [(row, alternative) for row in bits]
    return found


def _point(
    question: Question, exact: ExactQuestion, bits: NDArray[np.uint8], alternative: int
) -> list[fmpq] | None:
    """Return a point of a closed cell at which an alternative occurs, None where there is none."""
    passing = exact.pullback.layers(bits.tolist())
    sides = np.where(bits == 1, 1, -1).tolist()
    forms = [[side * x for x in exact.neuron(k, passing)] for k, side in enumerate(sides)]
    forms += [[-x for x in form] for form in exact.halfspaces]
    wanted = exact.inequalities(passing)
    forms += [[-x for x in wanted[row]] for row in question.rows[alternative]]
    lower, upper = (rationals(b.tolist()) for b in (question.domain.lower, question.domain.upper))
    n = len(lower)
    polytope = Polytope(lower, upper, {n + k: form for k, form in enumerate(forms)})
    found = feasible_dictionary(polytope, list(range(n)), [False] * n)
    return None if found is None else found.vertex()
