"""A network on a domain, prepared for enumeration: inputs of zero width are folded in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.rounding import UNDERFLOW, UNIT_ROUNDOFF
from nnce_cli.domain import Box, Domain, fix_inputs, fix_inputs_of
from nnce_cli.network import LayerStack

if TYPE_CHECKING:
    from flint import fmpq

    from nnce_cli.enumeration.dictionary import Reduction as InImage
    from nnce_cli.enumeration.reduction import Reduction

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Problem:
    """What one enumeration is about.

    ``stack`` is over the inputs that vary; ``free`` (n_0,) says which those are, and ``domain`` is
    as given. Where that is a polyhedron, ``reduction`` says what is walked in its place (its
    problem is ``inner``); ``box`` is the box of the walk.
    """

    stack: LayerStack
    box: Box
    domain: Domain
    free: NDArray[np.bool_]
    reduction: Reduction | None = None

    @staticmethod
    def of(stack: LayerStack, domain: Domain) -> Problem:
        """Prepare ``stack`` on ``domain``.

        Raises:
            InputError: the domain has no interior, but for inputs of zero width.
        """
        if isinstance(domain, Box):
            reduced, small, free = fix_inputs(stack, domain)
            return Problem(reduced, small, domain, free)
        from nnce_cli.enumeration.reduction import reduce

        reduced, inside, rows, free = fix_inputs_of(stack, domain)
        reduction = reduce(reduced, inside, rows)
        return Problem(reduced, reduction.box, domain, free, reduction)

    @cached_property
    def inner(self) -> Problem:
        """The problem that is walked: this one, but on a polyhedron."""
        if self.reduction is None:
            return self
        return Problem.of(self.reduction.stack, self.reduction.box)

    @cached_property
    def in_image(self) -> InImage | None:
        """The same over the image of the first layer; None where that is no gain."""
        from nnce_cli.enumeration.dictionary.image import reduce_to_image

        if not self.stack.hidden:
            return None
        return reduce_to_image(self.stack, self.box)

    @cached_property
    def widths(self) -> list[int]:
        """The number of neurons of each hidden layer that belong to units, a bit each."""
        return self.stack.rows

    @cached_property
    def offset(self) -> NDArray[np.int64]:
        """The number of the first such neuron of each layer, then that of all (L + 1,)."""
        return np.concatenate([[0], np.cumsum(self.widths)]).astype(np.int64)

    @cached_property
    def layer_of(self) -> NDArray[np.int64]:
        """The layer of each neuron (N,), from 0."""
        return np.repeat(np.arange(len(self.widths)), self.widths).astype(np.int64)

    @cached_property
    def sign_error(self) -> Floats:
        """Bounds on the error of each preactivation (N,) of a float64 forward pass in the box."""
        magnitude = np.maximum(np.abs(self.box.lower), np.abs(self.box.upper))
        return np.concatenate([np.zeros(0), *sign_errors(self.stack, magnitude)])

    def full_points(self, points: Floats) -> Floats:
        """Put the fixed inputs back into points (m, d) of the reduced box; return (m, n_0)."""
        if self.free.all():
            return points.copy()
        full = np.tile(self.domain.lower, (points.shape[0], 1))
        full[:, self.free] = points
        return full

    def full_fractions(self, point: list[fmpq]) -> list[str]:
        """Put the fixed inputs back into a rational point; return fractions such as "1/3"."""
        from nnce_cli.exact import rationals

        varying, fixed = iter(point), iter(rationals(self.domain.lower[~self.free].tolist()))
        return [str(next(varying if free else fixed)) for free in self.free.tolist()]


@np.errstate(over="ignore", invalid="ignore")  # no bound: then every witness is checked exactly
def sign_errors(stack: LayerStack, magnitude: Floats) -> list[Floats]:
    """Bound the error of each preactivation of a float64 forward pass, layer by layer.

    Anywhere in a box over which no input is larger than ``magnitude`` (d,), or at points where it
    is (m, d); the bounds are (n,) or (m, n) each. A sum of n products
    errs by at most (n + 2) u times the sum of their sizes (Higham 2002, section 3.1); what the
    layer before was off by is multiplied by the weights. A factor of two covers the rounding of
    these bounds themselves, a tiny constant gradual underflow. A slope multiplies both, and is one
    more rounding. Pass-throughs have no sign and no bound.
    """
    size, error = magnitude, np.zeros_like(magnitude)
    bounds = []
    for layer, units in zip(stack.hidden, stack.units, strict=True):
        absolute = np.abs(layer.weight)
        total = np.abs(layer.bias) + (absolute @ (size + error).T).T
        roundings = 2 * (layer.n_in + 4) + int(layer.exact is not None)
        error = (
            (absolute @ error.T).T * (1 + 2.0**-30) + roundings * UNIT_ROUNDOFF * total + UNDERFLOW
        )
        bounds.append(error[..., : units.rows])
        gain = np.ones(layer.n_out)
        gain[: units.bits] = np.maximum(1.0, np.abs(units.slopes))
        size = gain * total
        error = gain * error + (UNIT_ROUNDOFF * size if units.slopes.any() else 0.0)
    return bounds
