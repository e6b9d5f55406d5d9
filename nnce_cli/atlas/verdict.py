"""Whether a property holds: no case of it occurs anywhere in its domain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from time import monotonic

from flint import fmpq

from nnce_cli.atlas.by_cells import by_cells
from nnce_cli.atlas.finite import finite
from nnce_cli.atlas.search import Found, Search
from nnce_cli.atlas.split_tree import SplitTree
from nnce_cli.domain import Property
from nnce_cli.network import LayerStack

REGIONS = 100  # looked at before the cells are walked through


@dataclass(frozen=True)
class Counterexample:
    """An input at which a case of a property occurs, and the network's outputs there: exact."""

    case: int
    point: tuple[Fraction, ...]
    outputs: tuple[Fraction, ...]


@dataclass(frozen=True)
class Searched:
    """The cases of a property on one domain, and what became of its regions."""

    cases: tuple[int, ...]
    tree: SplitTree


@dataclass(frozen=True)
class Verdict:
    """What is known of a property.

    ``holds`` is None where the search was stopped. ``regions`` counts those that were looked at,
    ``searched`` has what became of them, domain by domain. ``cells`` are those that walks met, in
    place of looking at more regions.
    """

    holds: bool | None
    counterexample: Counterexample | None
    regions: int
    seconds: float
    searched: tuple[Searched, ...]
    cells: int = 0


@dataclass(frozen=True)
class Progress:
    """How far a check is: the domain, of how many, and the regions looked at and waiting."""

    domain: int
    domains: int
    regions: int
    waiting: int


def check(
    stack: LayerStack,
    prop: Property,
    stop: Callable[[], bool] = lambda: False,
    watch: Callable[[Progress], None] = lambda progress: None,
    *,
    walks: bool = True,
) -> Verdict:
    """Decide exactly whether a property holds.

    Args:
        stack: the network.
        prop: the property.
        stop: tells whether to stop, between batches of regions.
        watch: is shown how far the search is.
        walks: go through the cells of a domain where looking at regions takes long; then nothing
            is written down of how that was decided.

    Raises:
        InputError: the property is not about this network.
    """
    started, regions, cells = monotonic(), 0, 0
    groups = list(groups_of(prop))
    places = [finite(stack, prop.cases[cases[0]].domain) for cases in groups]
    questions = [
        place.ask(tuple(prop.cases[k].inequalities for k in cases))
        for place, cases in zip(places, groups, strict=True)
    ]
    searched: list[Searched] = []

    def verdict(holds: bool | None, found: Counterexample | None = None) -> Verdict:
        return Verdict(holds, found, regions, monotonic() - started, tuple(searched), cells)

    for k, (cases, place, question) in enumerate(zip(groups, places, questions, strict=True)):
        tree = SplitTree()
        search = Search(question, tree)
        searched.append(Searched(cases, tree))
        before = regions

        def look(k: int = k, search: Search = search, before: int = before) -> bool:
            watch(Progress(k, len(groups), before + search.visited, search.waiting))
            return stop()

        def is_long(look: Callable[[], bool] = look, search: Search = search) -> bool:
            return look() or (walks and search.visited >= REGIONS)

        found = search.sample() or search.run(is_long)
        decided = False
        if found is None and not search.done and not look():
            walked = by_cells(question, search.exact, look)
            decided, cells = walked.decided, cells + walked.cells
            if walked.point is not None:
                found = Found(walked.alternative, walked.point)
            elif not decided:
                found = search.run(look)
        regions += search.visited
        if found is not None:
            point = place.input_of(found.point)
            outputs = place.outputs_of(found.point, search.exact.outputs(found.point))
            case = cases[found.alternative]
            return verdict(False, Counterexample(case, fractions_of(point), fractions_of(outputs)))
        if not search.done and not decided:
            return verdict(None)
    return verdict(True)


def groups_of(prop: Property) -> Iterator[tuple[int, ...]]:
    """Group the cases that have the same domain."""
    groups: dict[int, list[int]] = {}
    for k, case in enumerate(prop.cases):
        groups.setdefault(id(case.domain), []).append(k)
    yield from map(tuple, groups.values())


def fractions_of(numbers: list[fmpq]) -> tuple[Fraction, ...]:
    """Return rational numbers as fractions."""
    return tuple(Fraction(int(x.p), int(x.q)) for x in numbers)
