"""Whether a property holds: no case of it occurs anywhere in its domain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from time import monotonic

import numpy as np
from flint import fmpq

from nnce_cli.atlas.question import Question
from nnce_cli.atlas.search import Search
from nnce_cli.atlas.split_tree import SplitTree
from nnce_cli.base.errors import InputError
from nnce_cli.domain import Property
from nnce_cli.network import LayerStack


@dataclass(frozen=True)
class Counterexample:
    """An input at which a case of a property occurs, and the network's outputs there: exact."""

    case: int
    point: tuple[Fraction, ...]
    outputs: tuple[Fraction, ...]


@dataclass(frozen=True)
class Verdict:
    """What is known of a property.

    ``holds`` is None where the search was stopped. ``regions`` counts those that were looked at.
    ``trees`` has what became of them, one for each case that was searched.
    """

    holds: bool | None
    counterexample: Counterexample | None
    regions: int
    seconds: float
    trees: tuple[SplitTree, ...]


@dataclass(frozen=True)
class Progress:
    """How far a search is: the case, of how many, and the regions looked at and waiting."""

    case: int
    cases: int
    regions: int
    waiting: int


def check(
    stack: LayerStack,
    prop: Property,
    stop: Callable[[], bool] = lambda: False,
    watch: Callable[[Progress], None] = lambda progress: None,
) -> Verdict:
    """Decide whether a property holds, exactly.

    Args:
        stack: the network.
        prop: the property; each of its cases is searched for.
        stop: tells whether to stop, between batches of regions.
        watch: is shown how far the search is.

    Raises:
        InputError: the property is not about this network, or the domain of a case is not bounded.
    """
    started, regions = monotonic(), 0
    questions = [_question(stack, prop, k) for k in range(len(prop.cases))]
    trees: list[SplitTree] = []
    for k, question in enumerate(questions):
        search = Search(question, tree := SplitTree())
        trees.append(tree)

        def look(case: int = k, search: Search = search, before: int = regions) -> bool:
            watch(Progress(case, len(questions), before + search.visited, search.waiting))
            return stop()

        point = search.run(look)
        regions += search.visited
        if point is not None:
            found = Counterexample(k, _fractions(point), _fractions(search.exact.outputs(point)))
            return Verdict(False, found, regions, monotonic() - started, tuple(trees))
        if not search.done:
            return Verdict(None, None, regions, monotonic() - started, tuple(trees))
    return Verdict(True, None, regions, monotonic() - started, tuple(trees))


def _question(stack: LayerStack, prop: Property, k: int) -> Question:
    case = prop.cases[k]
    if not (np.isfinite(case.domain.lower).all() and np.isfinite(case.domain.upper).all()):
        raise InputError(
            f"the domain of case {k} of the property is not bounded; bound every input"
        )
    return Question(stack, case.domain, case.inequalities)


def _fractions(numbers: list[fmpq]) -> tuple[Fraction, ...]:
    return tuple(Fraction(int(x.p), int(x.q)) for x in numbers)
