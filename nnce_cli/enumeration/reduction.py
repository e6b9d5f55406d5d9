"""A polyhedron becomes a box: the network that is walked in place of the one that is asked for.

Half-spaces are the units of one more first layer, which are inactive on the domain
(`nnce_cli.domain.confined`). A domain without a box gets one: the least box around it, or, where it
is unbounded, that of the cone over it (`nnce_cli.domain.homogenised`). Both are exact, and so is
the proof that the domain has an interior.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.domain import Box, Domain, Polyhedron, confined, homogenised
from nnce_cli.enumeration.subtree import Subtree
from nnce_cli.network import LayerStack, nearest, rationals

if TYPE_CHECKING:
    from flint import fmpq

Floats = NDArray[np.float64]

EMPTY = "the domain is empty: no point is in all half-spaces and bounds"
MANY_INPUTS = 16  # from here on the exact simplex method over all inputs takes too long


@dataclass(frozen=True, eq=False)
class Reduction:
    """What is walked: ``stack`` on ``box``, at which the first ``confining`` units are inactive.

    There is no layer for these where they are none. ``are_bounded`` says whether all cells are
    bounded, or none is. Where it is None the walk is in the cone: the last input is t, x = y / t,
    and each cell has to be looked at. ``over_inputs`` is the network over x behind the same first
    layer.
    """

    stack: LayerStack
    box: Box
    confining: int
    are_bounded: bool | None
    over_inputs: LayerStack

    @property
    def is_cone(self) -> bool:
        """Whether the walk is in the cone over the domain."""
        return self.are_bounded is None

    @property
    def layers(self) -> int:
        """The number of layers in front that nobody is to see: that of the half-spaces, if any."""
        return int(self.confining > 0)

    def inside(self, subtree: Subtree) -> Subtree:
        """Return a subtree as what is walked has it, behind the bits of the half-spaces."""
        prefix = (0,) * self.confining + subtree.prefix
        return Subtree(prefix, subtree.counted + self.layers)


def reduce(stack: LayerStack, domain: Polyhedron, rows: NDArray[np.object_]) -> Reduction:
    """Return what is to be walked for a network on a polyhedron, no input of which is fixed.

    ``rows`` (m, n + 1) are its half-spaces as rationals.

    Raises:
        InputError: the domain is empty, or flat; or it is bounded, but out of float64's range.
    """
    has_box = bool(np.isfinite(domain.lower).all() and np.isfinite(domain.upper).all())
    is_trivial = ~(rows[:, :-1] != 0).any(axis=1)  # it says 0 <= b
    if (rows[is_trivial, -1] < 0).any():
        raise InputError(EMPTY)
    numbers = np.flatnonzero(~is_trivial) + 1
    rows = rows[~is_trivial]
    forms = domain_forms(domain, rows)
    _refuse_flat(forms, domain, numbers, has_box=has_box)
    if has_box:
        return _confined(stack, Box(domain.lower, domain.upper), rows, are_bounded=True)
    n = domain.n_inputs
    halfspaces = np.array([[-x for x in form[1:]] + [form[0]] for form in forms], dtype=object)
    halfspaces = halfspaces.reshape(-1, n + 1)
    from nnce_cli.exact import bounding_box, is_pointed

    if is_pointed([form[1:] for form in forms], n):
        found = bounding_box(forms, n)
        if found is None:
            raise InputError("the domain is bounded, but reaches out of the range of float64")
        return _confined(stack, rounded_outward(*found), halfspaces, are_bounded=True)
    if not any((layer.exact_bias != 0).any() for layer in stack.hidden) and not any(
        form[0] for form in forms
    ):  # the cells are cones, which all of go on for ever
        box = Box(-np.ones(n), np.ones(n))
        return _confined(stack, box, halfspaces, are_bounded=False)
    box = Box(np.append(-np.ones(n), 0.0), np.ones(n + 1))
    return _confined(stack, box, halfspaces, are_bounded=None)


def _confined(
    stack: LayerStack, box: Box, halfspaces: NDArray[np.object_], *, are_bounded: bool | None
) -> Reduction:
    m = len(halfspaces)
    over_inputs = confined(stack, halfspaces) if m else stack
    walked = homogenised(over_inputs) if are_bounded is None else over_inputs
    return Reduction(walked, box, m, are_bounded, over_inputs)


def domain_forms(domain: Domain, rows: NDArray[np.object_]) -> list[list[fmpq]]:
    """Return all that bounds a domain as functions that are >= 0 on it, half-spaces first.

    ``rows`` (m, n + 1) are its half-spaces as rationals.
    """
    from flint import fmpq

    n = domain.n_inputs
    found = [[row[n], *(-x for x in row[:n])] for row in rows.tolist()]
    for sign, bounds in ((1, domain.lower), (-1, domain.upper)):
        for i in np.flatnonzero(np.isfinite(bounds)).tolist():
            bound = fmpq(*float(bounds[i]).as_integer_ratio())
            found.append([-sign * bound, *(fmpq(sign * int(i == k)) for k in range(n))])
    return found


def _refuse_flat(
    forms: list[list[fmpq]], domain: Polyhedron, numbers: NDArray[np.int64], *, has_box: bool
) -> None:
    """Refuse a domain without an interior, and say whether it is empty or flat.

    ``numbers`` are those of the half-spaces, whose forms come first, as the user counts them.
    """
    from nnce_cli.exact import Guess, Polytope, deepest_point, inner_point, tight_everywhere

    n = domain.n_inputs
    if has_box and n >= MANY_INPUTS:
        if not len(numbers):
            return
        slacks = {n + 1 + k: form for k, form in enumerate(forms[: len(numbers)])}
        lower, upper = (rationals(ends).tolist() for ends in (domain.lower, domain.upper))
        middle = domain.lower + (domain.upper - domain.lower) / 2
        basic = list(range(n + 1, n + 1 + len(numbers)))
        guess = Guess(middle.tolist(), [1.0] * len(numbers), basic, [False] * n)
        if deepest_point(Polytope(lower, upper, slacks), guess) is None:
            raise InputError("the half-spaces leave nothing with an interior of the box")
        return
    if inner_point(forms, n) is not None:
        return
    tight = tight_everywhere(forms, n)
    if tight is None:
        raise InputError(EMPTY)
    border = f"half-space {numbers[tight]}" if tight < len(numbers) else "a bound of an input"
    raise InputError(
        f"the domain is flat: all of it lies on the border of {border}, so that no cell has an "
        "interior; fix inputs by equal bounds, or use a slice"
    )


def rounded_outward(lower: list[fmpq], upper: list[fmpq]) -> Box:
    """Return the least box of floats around a rational one."""
    ends = []
    for exact, outward in ((lower, -np.inf), (upper, np.inf)):
        values = np.array(exact, dtype=object)
        rounded = nearest(values)
        back = rationals(rounded)
        inside = back > values if outward < 0 else back < values
        ends.append(np.where(inside, np.nextafter(rounded, outward), rounded))
    return Box(*ends)
