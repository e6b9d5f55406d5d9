"""Polyhedral domains for the oracles of cells: constraints of exact polyhedra."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from flint import fmpq
from ppl import C_Polyhedron, Constraint_System

from tests.oracles.ppl import expression

if TYPE_CHECKING:
    from nnce_cli.domain import Domain


def exact_domain(domain: Domain) -> C_Polyhedron:
    """Return a domain as an exact polyhedron, which may be empty or unbounded."""
    n = domain.n_inputs
    found = C_Polyhedron(n, "universe")
    system = Constraint_System()
    for sign, bounds in ((1, domain.lower), (-1, domain.upper)):
        for i, bound in enumerate(bounds.tolist()):
            if math.isfinite(bound):
                row = [fmpq(sign * int(i == k)) for k in range(n)]
                system.insert(expression([*row, -sign * _rational(bound)]) >= 0)
    for halfspace in domain.halfspaces.tolist():
        row = [-_rational(a) for a in halfspace[:-1]]
        system.insert(expression([*row, _rational(halfspace[-1])]) >= 0)
    found.add_constraints(system)
    return found


def _rational(x: float) -> fmpq:
    return fmpq(*x.as_integer_ratio())
