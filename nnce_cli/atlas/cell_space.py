"""A network on its domain, in rational arithmetic over the inputs that vary."""

from __future__ import annotations

import math

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.atlas.halfspaces import BOUND, HALFSPACE, Form, HalfSpace, Origin
from nnce_cli.domain import Box, Domain, fix_inputs, fix_inputs_of
from nnce_cli.exact import Pullback, rationals
from nnce_cli.network import LayerStack

ZERO, ONE = fmpq(0), fmpq(1)


class CellSpace:
    """What cells are about: ``pullback`` over the d inputs that vary, ``limits`` of the domain.

    ``stack`` is the network over these inputs, and ``free`` (n_0,) says which they are.
    """

    def __init__(self, stack: LayerStack, domain: Domain) -> None:
        """Fold in the inputs of zero width.

        Raises:
            InputError: a bias is then out of the range of float64.
        """
        self.given = stack
        self.domain = domain
        if isinstance(domain, Box):
            self.stack, inside, self.free = fix_inputs(stack, domain)
            rows: NDArray[np.object_] = np.zeros((0, 1 + inside.n_inputs), dtype=object)
            bounds = inside.lower, inside.upper
        else:
            self.stack, polyhedron, rows, self.free = fix_inputs_of(stack, domain)
            bounds = polyhedron.lower, polyhedron.upper
        self.pullback = Pullback(self.stack)
        self.limits = [*self._bounds(*bounds), *_halfspaces(rows.tolist())]

    @property
    def dimension(self) -> int:
        """The number d of inputs that vary."""
        return self.stack.n_inputs

    @property
    def is_in_a_box(self) -> bool:
        """Whether all inputs have two finite bounds."""
        ends = self.domain.lower, self.domain.upper
        return bool(np.isfinite(ends).all())

    def full_point(self, point: list[fmpq]) -> list[fmpq]:
        """Put the fixed inputs back into a point (d,); return (n_0,)."""
        varying = iter(point)
        fixed = iter(rationals(self.domain.lower[~self.free].tolist()))
        return [next(varying) if free else next(fixed) for free in self.free.tolist()]

    def varying(self, point: list[fmpq]) -> tuple[list[fmpq], fmpq]:
        """Return the inputs that vary of a point (n_0,), and the square of what the others miss."""
        both = list(zip(point, self.free.tolist(), strict=True))
        fixed = rationals(self.domain.lower[~self.free].tolist())
        others = [x for x, free in both if not free]
        apart = sum(((x - y) ** 2 for x, y in zip(others, fixed, strict=True)), ZERO)
        return [x for x, free in both if free], apart

    def full_direction(self, direction: list[fmpq]) -> list[fmpq]:
        """Put zeros for the fixed inputs into a direction (d,); return (n_0,)."""
        varying = iter(direction)
        return [next(varying) if free else ZERO for free in self.free.tolist()]

    def _bounds(self, lower: NDArray[np.float64], upper: NDArray[np.float64]) -> list[HalfSpace]:
        found = []
        numbers = np.flatnonzero(self.free).tolist()
        for sign, ends, name in ((ONE, lower, "lower"), (-ONE, upper, "upper")):
            for k, (i, end) in enumerate(zip(numbers, ends.tolist(), strict=True)):
                if math.isfinite(end):
                    form = [ZERO] * (1 + len(numbers))
                    form[1 + k], form[0] = sign, -sign * rationals([end])[0]
                    found.append(HalfSpace(form, Origin(BOUND, i, piece=name)))
        return found


def _halfspaces(rows: list[Form]) -> list[HalfSpace]:
    """Return half-spaces a.x <= b, rational rows a, b, that depend on x."""
    return [
        HalfSpace([b, *(-x for x in a)], Origin(HALFSPACE, k))
        for k, (*a, b) in enumerate(rows)
        if any(a)
    ]
