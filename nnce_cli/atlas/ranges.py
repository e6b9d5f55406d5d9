"""The exact least and largest value of a linear function of the outputs over a domain.

Branch and bound on the question whether the function is anywhere below the least value seen.
Regions that are closed for one value are so for a smaller one, so the search goes on as it is.
Where the network is affine a linear program gives the least value on a region; the search ends when
no region is left, and the last value is the least.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from time import monotonic

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.atlas.finite import Finite, cone_over, finite
from nnce_cli.atlas.programs import minimise
from nnce_cli.atlas.question import Question, refuse_others
from nnce_cli.atlas.search import Found, Node, Search
from nnce_cli.atlas.split_tree import SplitTree
from nnce_cli.atlas.verdict import fractions_of
from nnce_cli.base.errors import InputError
from nnce_cli.domain import Domain, Inequality, Polyhedron, homogenised
from nnce_cli.network import LayerStack

Coefficients = Mapping[int, Fraction]


@dataclass(frozen=True)
class Extreme:
    """An extreme value, an input that attains it, and the outputs there: exact."""

    value: Fraction
    point: tuple[Fraction, ...]
    outputs: tuple[Fraction, ...]


@dataclass(frozen=True)
class Range:
    """The least and the largest value; None where there is none, as the values are not bounded.

    ``complete`` is false where the search was stopped: then they are the best values seen.
    """

    minimum: Extreme | None
    maximum: Extreme | None
    complete: bool
    regions: int
    seconds: float


def range_of(
    stack: LayerStack,
    domain: Domain,
    coefficients: Coefficients,
    stop: Callable[[], bool] = lambda: False,
    watch: Callable[[int, int], None] = lambda regions, waiting: None,
) -> Range:
    """Find the exact range of a linear function of the outputs over a domain.

    Args:
        stack: the network.
        domain: the domain.
        coefficients: those of the function, by the number of the output.
        stop: tells whether to stop, between batches of regions.
        watch: is shown how many regions were looked at, and how many wait.

    Raises:
        InputError: there is no such output, or the domain is empty.
    """
    started = monotonic()
    refuse_others([Inequality({}, coefficients, Fraction(0))], stack.n_inputs, stack.n_outputs)
    place = finite(stack, domain)
    found: list[Extreme | None] = []
    complete, regions = True, 0
    for sign in (1, -1):
        signed = {j: sign * a for j, a in coefficients.items()}
        if place.is_cone and _falls_for_ever(stack, domain, signed):
            found.append(None)
            continue
        descent = _Descent(place, signed)
        before = regions

        def look(descent: _Descent = descent, before: int = before) -> bool:
            watch(before + descent.visited, descent.waiting)
            return stop()

        extreme, ended = descent.descend(look)
        regions += descent.visited
        complete &= ended
        found.append(replace(extreme, value=sign * extreme.value))
    return Range(found[0], found[1], complete, regions, monotonic() - started)


def _falls_for_ever(stack: LayerStack, domain: Domain, coefficients: Coefficients) -> bool:
    """Tell whether the function has no least value: it falls along a ray of the domain.

    At t = 0 the network on the cone is what it is along rays.
    """
    cone = cone_over(domain)
    upper = np.append(cone.upper[:-1], 0.0)
    rays = Polyhedron(cone.lower, upper, cone.halfspaces)
    falls = Inequality({}, coefficients, Fraction(0), is_strict=True)
    question = Question(homogenised(stack), rays, ((falls,),))
    return Search(question, SplitTree()).run(lambda: False) is not None


class _Descent(Search):
    """Looks for smaller and smaller values; the regions with the least bound come first."""

    def __init__(self, place: Finite, coefficients: Coefficients) -> None:
        self._place, self._coefficients = place, coefficients
        self._best: Extreme | None = None
        super().__init__(place.ask(((),)), SplitTree())

    def descend(self, stop: Callable[[], bool]) -> tuple[Extreme, bool]:
        """Return the least value, and whether it is that: else the search was stopped.

        Raises:
            InputError: the domain is empty.
        """
        found = self.run(lambda: False)  # some point of the domain
        while found is not None:
            self._best = self._value_at(found.point)
            below = Inequality({}, self._coefficients, -self._best.value, is_strict=True)
            self.ask(self._place.ask(((below,),)))
            found = self.run(stop)
        if self._best is None:
            raise InputError("the domain is empty: no point is in all half-spaces and bounds")
        return self._best, self.done

    def _value_at(self, point: list[fmpq]) -> Extreme:
        outputs = self._place.outputs_of(point, self.exact.outputs(point))
        exact = fractions_of(outputs)
        value = sum((a * exact[j] for j, a in self._coefficients.items()), Fraction(0))
        return Extreme(value, fractions_of(self._place.input_of(point)), exact)

    def _next(self) -> list[Node]:
        self._waiting.sort(key=lambda node: -node.least)
        return super()._next()

    def _decide(
        self, node: Node, passing: list[NDArray[np.int8]], alternatives: tuple[int, ...]
    ) -> Found | None:
        """Take the least value of a region where the network is affine."""
        if self._best is None:
            return super()._decide(node, passing, alternatives)
        on = [(signs > 0).tolist() for signs in passing]
        objective = self.exact.inequalities(on)[0]
        facets = [self._facet(node, name, on) for name in node.names]
        value, point = minimise(*node.exact_box(), objective, facets)
        if point is not None and value < 0:
            return Found(0, point)
        return None
