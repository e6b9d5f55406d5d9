"""Questions about domains without a box: one is found around them, or around the cone over them.

On the cone the network is F(y, t) = t f(y / t) (`nnce_cli.domain.homogenised`), and an inequality
c.f(x) + a.x + e <= 0 is c.F + a.y + e t <= 0. What the domain says is said in the same way, and
t > 0 is one more strict inequality. So whether a case occurs on an unbounded domain is asked of a
bounded one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import fmpq

from nnce_cli.atlas.question import Question, refuse_others
from nnce_cli.base.errors import InputError
from nnce_cli.domain import Domain, Inequality, Polyhedron, homogenised
from nnce_cli.enumeration import domain_forms, rounded_outward
from nnce_cli.exact import bounding_box, is_pointed
from nnce_cli.network import LayerStack, rationals

Alternatives = tuple[tuple[Inequality, ...], ...]


@dataclass(frozen=True, eq=False)
class Finite:
    """A network on a domain with finite bounds, in place of another one that has ``n_outputs``.

    Where that is a cone, its last input is t, and so may be its last output.
    """

    stack: LayerStack
    domain: Domain
    n_outputs: int
    is_cone: bool

    def ask(self, alternatives: Alternatives) -> Question:
        """Return the question whether an alternative occurs.

        Raises:
            InputError: the inequalities are not about this network.
        """
        n = self.stack.n_inputs
        if not self.is_cone:
            return Question(self.stack, self.domain, alternatives)
        behind = Inequality({n - 1: Fraction(-1)}, {}, Fraction(0), is_strict=True)
        for group in alternatives:
            refuse_others(group, n - 1, self.n_outputs)
        groups = tuple(
            (*(_homogeneous(inequality, n - 1) for inequality in group), behind)
            for group in alternatives
        )
        return Question(self.stack, self.domain, groups)

    def input_of(self, point: Sequence[fmpq]) -> list[fmpq]:
        """Return the input that a point stands for."""
        if not self.is_cone:
            return list(point)
        *y, t = point
        return [x / t for x in y]

    def outputs_of(self, point: Sequence[fmpq], outputs: Sequence[fmpq]) -> list[fmpq]:
        """Return the network's outputs there."""
        found = outputs[: self.n_outputs]
        return [y / point[-1] for y in found] if self.is_cone else list(found)


def finite(stack: LayerStack, domain: Domain) -> Finite:
    """Return a network on any domain as one on a domain with finite bounds.

    Raises:
        InputError: the domain is not of the network's inputs.
    """
    if domain.n_inputs != stack.n_inputs:
        raise InputError(
            f"the domain is of {domain.n_inputs} inputs, and the network has {stack.n_inputs}"
        )
    if np.isfinite(domain.lower).all() and np.isfinite(domain.upper).all():
        return Finite(stack, domain, stack.n_outputs, is_cone=False)
    forms = domain_forms(domain, rationals(domain.halfspaces))
    n = domain.n_inputs
    if is_pointed([form[1:] for form in forms], n):
        box = bounding_box(forms, n)
        if box is not None:
            around = rounded_outward(*box)
            inside = Polyhedron(around.lower, around.upper, domain.halfspaces)
            return Finite(stack, inside, stack.n_outputs, is_cone=False)
    return Finite(homogenised(stack), cone_over(domain), stack.n_outputs, is_cone=True)


def cone_over(domain: Domain) -> Polyhedron:
    """Return the cone of (y, t) over a domain of x = y / t, in [-1, 1]^n x [0, 1]."""
    n = domain.n_inputs
    rows = domain.halfspaces
    halfspaces = [np.append(rows, np.zeros((len(rows), 1)), axis=1)]
    halfspaces[0][:, n] = -rows[:, n]
    for sign, bounds in ((-1.0, domain.lower), (1.0, domain.upper)):
        chosen = np.flatnonzero(np.isfinite(bounds))
        found = np.zeros((len(chosen), n + 2))
        found[np.arange(len(chosen)), chosen] = sign
        found[:, n] = -sign * bounds[chosen]
        halfspaces.append(found)
    return Polyhedron(np.append(-np.ones(n), 0.0), np.ones(n + 1), np.concatenate(halfspaces))


def _homogeneous(inequality: Inequality, n: int) -> Inequality:
    inputs = {**inequality.inputs, n: inequality.constant}
    return Inequality(inputs, inequality.outputs, Fraction(0), inequality.is_strict)
