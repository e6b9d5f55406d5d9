"""All cells in which a property is violated: where a case occurs at a point of the closed cell.

The search goes on after it has found a point. A region where the network is affine is a closed
cell, or part of the border of some; those with an interior are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from time import monotonic

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.atlas.finite import finite
from nnce_cli.atlas.programs import Impossible, decide
from nnce_cli.atlas.question import Question
from nnce_cli.atlas.search import Found, Node, Search
from nnce_cli.atlas.split_tree import SplitTree
from nnce_cli.atlas.verdict import Progress, fractions_of, groups_of
from nnce_cli.base.errors import InputError
from nnce_cli.domain import Domain, Property
from nnce_cli.enumeration import Problem, batches, choose, walk_factory
from nnce_cli.exact import Polytope, feasible_dictionary, interior_point, rationals, volume
from nnce_cli.network import LayerStack

MOST_DIMENSIONS = 6  # for volumes

Form = list[fmpq]


@dataclass(frozen=True, eq=False)
class ViolatedCell:
    """A cell in which a case occurs, and a point of it where it does.

    ``codes`` is the joined row of its bits and pieces (uint8); the point is inside the cell where
    the case occurs on more than a part of its border. ``volume`` is that of all such points in the
    cell, None where it was not asked for.
    """

    case: int
    codes: NDArray[np.uint8]
    point: tuple[Fraction, ...]
    volume: Fraction | None


@dataclass(frozen=True, eq=False)
class Violations:
    """The cells of the domain of some cases in which these occur.

    ``cells`` is the number of all cells of the domain, ``volume`` its volume; None where they are
    not known.
    """

    cases: tuple[int, ...]
    found: list[ViolatedCell]
    cells: int | None
    volume: Fraction | None


@dataclass(frozen=True, eq=False)
class AllViolations:
    """Those of each domain of a property; not all where the search was stopped."""

    domains: list[Violations]
    complete: bool
    regions: int
    seconds: float


def violations(
    stack: LayerStack,
    prop: Property,
    stop: Callable[[], bool] = lambda: False,
    watch: Callable[[Progress], None] = lambda progress: None,
) -> AllViolations:
    """Find all cells in which a property is violated.

    Args:
        stack: the network.
        prop: the property.
        stop: tells whether to stop, between batches.
        watch: is shown how far the search is.

    Raises:
        InputError: the property is not about this network, or an input has no bounds; or the
            network has units with a winner of three or more.
    """
    if any(units.has_max for units in stack.units):
        raise InputError(
            "cells with units with a winner of three or more (max, pooling) are not listed; leave "
            "out --all"
        )
    started, regions, complete = monotonic(), 0, True
    groups = list(groups_of(prop))
    domains = []
    for k, cases in enumerate(groups):
        domain = prop.cases[cases[0]].domain
        place = finite(stack, domain)
        if place.is_cone:
            raise InputError("--all is for bounded domains; bound every input")
        question = place.ask(tuple(prop.cases[case].inequalities for case in cases))
        dimension = int((domain.lower < domain.upper).sum())
        collect = _Collect(question, volumes=dimension <= MOST_DIMENSIONS)
        before = regions

        def look(k: int = k, collect: _Collect = collect, before: int = before) -> bool:
            watch(Progress(k, len(groups), before + collect.visited, collect.waiting))
            return stop()

        collect.run(look)
        regions += collect.visited
        complete &= collect.done
        cells = _count(stack, domain, stop) if collect.done else None
        complete &= cells is not None
        whole = _volume(collect.domain_forms(), place.domain) if collect.volumes else None
        found = [collect.found[key] for key in sorted(collect.found)]
        named = [ViolatedCell(cases[c.case], c.codes, c.point, c.volume) for c in found]
        domains.append(Violations(cases, named, cells, whole))
        if not complete:
            break
    return AllViolations(domains, complete, regions, monotonic() - started)


class _Collect(Search):
    """Goes through all regions, and keeps the cells in which alternatives occur."""

    def __init__(self, question: Question, *, volumes: bool) -> None:
        super().__init__(question, SplitTree())
        self.volumes = volumes
        self.found: dict[tuple[int, bytes], ViolatedCell] = {}

    def domain_forms(self) -> list[Form]:
        """Return what is >= 0 on the domain, beside its box."""
        return [[-x for x in form] for form in self.exact.halfspaces]

    def _try(self, nodes: object, left: object) -> None:
        """Look at no single points."""

    def _decide(
        self, node: Node, passing: list[NDArray[np.int8]], alternatives: tuple[int, ...]
    ) -> Found | None:
        on = [(signs > 0).tolist() for signs in passing]
        facets = [[-x for x in self._facet(node, name, on)] for name in node.names]
        lower, upper = node.exact_box()
        if _inside(lower, upper, facets) is None:
            return None
        inequalities = self.exact.inequalities(on)
        codes = self._codes(on)
        for alternative in alternatives:
            rows = self.question.rows[alternative]
            chosen = [[-x for x in inequalities[row]] for row in rows]
            point = _inside(lower, upper, [*facets, *chosen])
            if point is None:
                strict = [self.question.strict[row] for row in rows] + [False] * len(facets)
                forms = [*(inequalities[row] for row in rows), *([-x for x in f] for f in facets)]
                answer = decide(lower, upper, forms, strict)
                if isinstance(answer, Impossible):
                    continue
                point = answer.point
            size = None
            if self.volumes:
                size = _volume([*facets, *chosen], self.question.domain, node.exact_box())
            cell = ViolatedCell(alternative, codes, fractions_of(point), size)
            self.found[alternative, codes.tobytes()] = cell
        return None

    def _codes(self, on: list[list[bool]]) -> NDArray[np.uint8]:
        """Return the joined codes of a cell; what is zero all over it is not active."""
        offset, units = self.exact.pullback.offset, self.question.stack.units
        codes = []
        for layer, signs in enumerate(on):
            active = [
                is_on and any(self.exact.neuron(offset[layer] + j, on))
                for j, is_on in enumerate(signs)
            ]
            bits = units[layer].bits
            pairs = np.array(active[bits:], dtype=np.uint8).reshape(-1, 2)
            bits_of = np.array([active[:bits]], dtype=np.uint8)
            codes.append((bits_of, pairs.sum(axis=1, dtype=np.uint8)[None, :]))
        if not codes:
            return np.zeros(0, np.uint8)
        joined: NDArray[np.uint8] = self.question.stack.layout.join_layers(codes)[0]
        return joined


def _inside(lower: list[fmpq], upper: list[fmpq], forms: list[Form]) -> list[fmpq] | None:
    """Return a point strictly inside a polytope but for inputs that are fixed; None if none is."""
    free = [i for i, (lo, hi) in enumerate(zip(lower, upper, strict=True)) if lo < hi]
    d = len(free)
    reduced = [_without_fixed(form, lower, free) for form in forms]
    if any(form[0] < 0 and not any(form[1:]) for form in reduced):
        return None
    slacks = {d + k: form for k, form in enumerate(f for f in reduced if any(f[1:]))}
    polytope = Polytope([lower[i] for i in free], [upper[i] for i in free], slacks)
    dictionary = feasible_dictionary(polytope, list(range(d)), [False] * d)
    point = None if dictionary is None else interior_point(dictionary)
    if point is None:
        return None
    found = list(lower)
    for i, x in zip(free, point, strict=True):
        found[i] = x
    return found


def _without_fixed(form: Form, lower: list[fmpq], free: list[int]) -> Form:
    fixed = [i for i in range(len(lower)) if i not in set(free)]
    constant = form[0] + sum((form[1 + i] * lower[i] for i in fixed), fmpq(0))
    return [constant, *(form[1 + i] for i in free)]


def _volume(
    forms: list[Form], domain: Domain, box: tuple[list[fmpq], list[fmpq]] | None = None
) -> Fraction:
    """Return the volume over the inputs that vary of where forms are >= 0 in a box."""
    if box is None:
        box = rationals(domain.lower.tolist()), rationals(domain.upper.tolist())
    lower, upper = box
    free = np.flatnonzero(domain.lower < domain.upper).tolist()
    reduced = [_without_fixed(form, lower, free) for form in forms]
    for k, i in enumerate(free):
        unit = [fmpq(int(k == j)) for j in range(len(free))]
        reduced.append([-lower[i], *unit])
        reduced.append([upper[i], *(-x for x in unit)])
    [size] = fractions_of([volume(reduced, len(free)) if free else fmpq(1)])
    return size


def _count(stack: LayerStack, domain: Domain, stop: Callable[[], bool]) -> int | None:
    """Return the number of all cells of a domain, None where that was stopped."""
    problem = Problem.of(stack, domain)
    walk = walk_factory(choose(problem)[0])(problem, rows=False)
    for _ in batches(walk):
        if stop():
            return None
    return walk.cells
