"""Certificates of properties, replayed: each step of them is proved anew.

Of a violated property the input is evaluated in rational arithmetic. Of one that holds the regions
are gone through from the domain down: a cut of a region's box, and that an alternative is closed
on it, follow from a combination of functions that are <= 0 there, which is bounded over the box.
The parts of a region cover it, whatever the neuron is, as it is <= 0 or >= 0 everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.base.rounding import UNDERFLOW, UNIT_ROUNDOFF
from nnce_cli.domain import Domain, Property
from nnce_cli.network import LayerStack, nearest, rationals
from nnce_cli.verify.property.bounds import SLACK, Bounds, Box, Linear, Network
from nnce_cli.verify.property.exact import ZERO, Affine, Form, inputs, value_of
from nnce_cli.verify.property.proof import Combination, Cut, Occurrence, Region, Tree, read_proof

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Replayed:
    """What a certificate proves: ``holds``, where ``failure`` is empty; ``steps`` were checked."""

    holds: bool
    steps: int
    failure: str = ""


class _WrongError(Exception):
    """A step of the certificate is not proved."""


def replay(
    path: Path,
    stack: LayerStack,
    prop: Property,
    watch: Callable[[int, int], None] = lambda done, total: None,
) -> Replayed:
    """Replay the certificate of a property of a network.

    Args:
        path: the certificate.
        stack: the network.
        prop: the property.
        watch: is shown how many regions are done, of how many.

    Raises:
        InputError: the file is no certificate.
    """
    proof = read_proof(path)
    holds, steps = proof.occurrence is None, 0
    try:
        if proof.model != stack.digest:
            raise _WrongError("it is about another network")
        if proof.occurrence is not None:
            _check_occurrence(stack, prop, proof.occurrence)
            return Replayed(holds, 1)
        _check_cases(prop, proof.trees)
        total = sum(len(tree.regions) for tree in proof.trees)
        for tree in proof.trees:
            search = _Replay(stack, prop, tree)
            while search.waiting:
                search.step()
                steps += 1
                watch(steps, total)
    except _WrongError as wrong:
        return Replayed(holds, steps, str(wrong))
    return Replayed(holds, steps)


def _check_occurrence(stack: LayerStack, prop: Property, occurrence: Occurrence) -> None:
    if occurrence.case >= len(prop.cases):
        raise _WrongError(f"the property has no case {occurrence.case}")
    case = prop.cases[occurrence.case]
    point = [fmpq(x.numerator, x.denominator) for x in occurrence.point]
    if len(point) != stack.n_inputs or not _is_inside(case.domain, occurrence.point):
        raise _WrongError("the input is not in the domain")
    x = [[value] for value in point]
    y = Affine(stack, x, None).outputs
    for k, inequality in enumerate(case.inequalities):
        [value] = value_of(inequality, x, y)
        if value > 0 or (inequality.is_strict and value == 0):
            raise _WrongError(f"inequality {k} of case {occurrence.case} does not hold there")


def _is_inside(domain: Domain, point: Sequence[Fraction]) -> bool:
    bounds = zip(domain.lower.tolist(), point, domain.upper.tolist(), strict=True)
    return all(low <= x <= high for low, x, high in bounds) and all(
        sum((Fraction(a) * x for a, x in zip(row, point, strict=False)), Fraction(0))
        <= Fraction(row[-1])
        for row in domain.halfspaces.tolist()
    )


def _check_cases(prop: Property, trees: Sequence[Tree]) -> None:
    """Every case is in one of the trees, and those of a tree have one domain."""
    found = [case for tree in trees for case in tree.cases]
    if sorted(found) != list(range(len(prop.cases))):
        raise _WrongError("it is not about all cases of the property")
    for tree in trees:
        if not tree.regions:
            raise _WrongError("a domain has no region")
        first, *others = (prop.cases[case].domain for case in tree.cases)
        if not all(_same(first, other) for other in others):
            raise _WrongError("cases with different domains are searched together")
        if not (np.isfinite(first.lower).all() and np.isfinite(first.upper).all()):
            raise _WrongError("the domain has no box")


def _same(a: Domain, b: Domain) -> bool:
    return a is b or all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for name in ("lower", "upper", "halfspaces")
    )


@dataclass(frozen=True, eq=False)
class _Place:
    """A region on the way down: its number, and what is known on it."""

    number: int
    box: Box
    sides: NDArray[np.int64]
    low: Floats
    high: Floats
    facets: dict[tuple[str, int], Linear]
    open: frozenset[int]


class _Replay:
    """Goes through the regions of one domain."""

    def __init__(self, stack: LayerStack, prop: Property, tree: Tree) -> None:
        self._stack, self._regions = stack, tree.regions
        self._network = Network(stack)
        self._seen: set[int] = set()
        domain = prop.cases[tree.cases[0]].domain
        groups = [prop.cases[case].inequalities for case in tree.cases]
        self._inequalities = [inequality for group in groups for inequality in group]
        ends = [0, *accumulate(map(len, groups))]
        self._rows = [range(*pair) for pair in pairwise(ends)]
        self._halfspaces = domain.halfspaces
        rows = [self._over_last(k) for k in range(len(self._inequalities))]
        self._weight = np.array([row[0] for row in rows]).reshape(len(rows), -1)
        self._inputs = np.array([row[1] for row in rows]).reshape(len(rows), stack.n_inputs)
        self._constant = np.array([row[2] for row in rows], dtype=np.float64)
        n = self._network.offset[-1]
        facets = {
            ("h", k): Linear(row[None, :-1], -row[-1:]) for k, row in enumerate(domain.halfspaces)
        }
        self.waiting = [
            _Place(
                0,
                Box(domain.lower, domain.upper),
                np.zeros(n, np.int64),
                np.full(n, -np.inf),
                np.full(n, np.inf),
                facets,
                frozenset(range(len(groups))),
            )
        ]

    def step(self) -> None:
        """Check the next region."""
        place = self.waiting.pop()
        if place.number in self._seen or place.number >= len(self._regions):
            raise _WrongError(f"region {place.number} is not there, or is there twice")
        self._seen.add(place.number)
        region = self._regions[place.number]
        place = self._after_cuts(place, region)
        bounds = Bounds(self._network, place.box, place.sides, place.low, place.high)
        left = set(place.open)
        for alternative, reason in region.closed:
            if not self._is_closed(place, bounds, alternative, reason):
                raise _WrongError(f"region {place.number}: a case is not closed")
            left.discard(alternative)
        if region.parts is None:
            if left:
                raise _WrongError(f"region {place.number}: a case is left open")
            return
        self._divide(place, bounds, region, frozenset(left))

    def _after_cuts(self, place: _Place, region: Region) -> _Place:
        """Check the cuts of a region, and make them."""
        if not region.cuts:
            return place
        lower, upper = place.box.lower.copy(), place.box.upper.copy()
        for cut in region.cuts:
            if cut.i >= len(lower):
                raise _WrongError(f"region {place.number}: there is no input {cut.i}")
            least = self._least(place, cut.combination, place.facets, cut)
            if not least >= cut.sign * cut.value:
                raise _WrongError(f"region {place.number}: a cut is not proved")
            if cut.sign > 0:
                lower[cut.i] = max(lower[cut.i], cut.value)
            else:
                upper[cut.i] = min(upper[cut.i], cut.value)
        return replace(place, box=Box(lower, upper))

    def _is_closed(
        self, place: _Place, bounds: Bounds, alternative: int, reason: Combination
    ) -> bool:
        """Tell whether an alternative is proved not to occur on a region."""
        if alternative >= len(self._rows):
            return False
        rows = self._rows[alternative]
        if any(kind in "gf" and index not in rows for kind, index, _ in reason):
            return False
        if all(isinstance(x, Fraction) for _, _, x in reason):
            return self._is_closed_exactly(place, bounds, reason)
        here, known = slice(rows.start, rows.stop), dict(place.facets)
        asked = self._weight[here], self._constant[here], self._inputs[here]
        for kind, is_flat in (("g", False), ("f", True)):
            if all(kind != named for named, _, _ in reason):
                continue
            forms = bounds.below(len(self._stack.hidden), *asked, is_flat=is_flat)
            for k, row in enumerate(rows):
                known[kind, row] = Linear(forms.slope[k : k + 1], forms.constant[k : k + 1])
        return self._least(place, reason, known) > 0

    def _is_closed_exactly(self, place: _Place, bounds: Bounds, reason: Combination) -> bool:
        signs = [bounds.signs(layer) for layer in range(len(self._stack.hidden))]
        if not all(sign.all() for sign in signs):
            return False
        on = [(sign > 0).tolist() for sign in signs]
        n = self._stack.n_inputs
        x = inputs(n)
        affine = Affine(self._stack, x, on)
        neurons = [
            form
            for forms, rows in zip(affine.neurons, self._stack.rows, strict=True)
            for form in forms[:rows]
        ]
        total: Form = [ZERO] * (1 + n)
        is_strict = False
        for kind, index, multiplier in reason:
            if kind in "gf":
                inequality = self._inequalities[index]
                form = value_of(inequality, x, affine.outputs)
                is_strict |= inequality.is_strict and multiplier > 0
            elif (kind, index) not in place.facets:
                return False
            elif kind == "h":
                *a, b = rationals(self._halfspaces[index]).tolist()
                form = [-b, *a]
            else:
                side = int(place.sides[index])
                form = [-side * value for value in neurons[index]]
            number = Fraction(multiplier)
            factor = fmpq(number.numerator, number.denominator)
            total = [t + factor * value for t, value in zip(total, form, strict=True)]
        least = total[0]
        lower, upper = (rationals(ends).tolist() for ends in (place.box.lower, place.box.upper))
        for a, low, high in zip(total[1:], lower, upper, strict=True):
            least += min(a * low, a * high)
        return bool(least > 0 or (is_strict and least == 0))

    def _divide(self, place: _Place, bounds: Bounds, region: Region, left: frozenset[int]) -> None:
        offset = self._network.offset
        if region.parts is None or region.neuron >= offset[-1]:
            raise _WrongError(f"region {place.number}: there is no neuron {region.neuron}")
        layer = next(k for k in range(len(offset) - 1) if region.neuron < offset[k + 1])
        chosen = np.array([region.neuron - offset[layer]])
        for part, side in zip(region.parts, (-1, 1), strict=True):
            facet = bounds.neurons(layer, chosen, np.array([-side]))
            sides, low, high = place.sides.copy(), bounds.low.copy(), bounds.high.copy()
            sides[region.neuron] = side
            if side > 0:
                low[region.neuron] = max(low[region.neuron], 0.0)
            else:
                high[region.neuron] = min(high[region.neuron], 0.0)
            facets = {**place.facets, ("n", region.neuron): facet}
            self.waiting.append(_Place(part, place.box, sides, low, high, facets, left))

    def _least(
        self,
        place: _Place,
        reason: Combination,
        known: dict[tuple[str, int], Linear],
        cut: Cut | None = None,
    ) -> float:
        """Bound a combination of functions from below over a region's box; of a cut, with x_i."""
        slope, constant, size = np.zeros(self._stack.n_inputs), 0.0, 0.0
        box = place.box
        for kind, index, multiplier in reason:
            if (kind, index) not in known:
                raise _WrongError(f"region {place.number}: a reason names what is not known")
            function = known[kind, index]
            slope += float(multiplier) * function.slope[0]
            constant += float(multiplier) * float(function.constant[0])
            terms = np.abs(function.slope[0]) @ box.reach + abs(float(function.constant[0]))
            size += float(multiplier) * float(terms)
        if cut is not None:
            slope[cut.i] += cut.sign
            size += float(box.reach[cut.i])
        value = np.maximum(slope, 0.0) @ box.lower + np.minimum(slope, 0.0) @ box.upper + constant
        roundings = 2 * (2 * len(reason) + len(slope) + 8)
        return float(value - roundings * UNIT_ROUNDOFF * size * SLACK - UNDERFLOW)

    def _over_last(self, k: int) -> tuple[Floats, Floats, float]:
        """Return an inequality over what enters the output layer, over x, and its constant."""
        inequality, stack = self._inequalities[k], self._stack
        inputs_of = np.zeros(stack.n_inputs)
        for i, a in inequality.inputs.items():
            inputs_of[i] = nearest(_objects([fmpq(a.numerator, a.denominator)]))[0]
        chosen = [fmpq(0)] * stack.n_outputs
        for j, a in inequality.outputs.items():
            chosen[j] = fmpq(a.numerator, a.denominator)
        constant = fmpq(inequality.constant.numerator, inequality.constant.denominator)
        if stack.output is None:
            return nearest(_objects(chosen)), inputs_of, float(nearest(_objects([constant]))[0])
        weight, bias = stack.output.rational
        row = [
            sum((c * weight[j, i] for j, c in enumerate(chosen) if c), ZERO)
            for i in range(stack.output.n_in)
        ]
        constant += sum((c * bias[j, 0] for j, c in enumerate(chosen) if c), ZERO)
        return nearest(_objects(row)), inputs_of, float(nearest(_objects([constant]))[0])


def _objects(values: Sequence[fmpq]) -> NDArray[np.object_]:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found
