"""Polyhedra: domains that half-spaces bound, beside a box, alone or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.domain.box import Box

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Polyhedron:
    """The points x with ``lower <= x <= upper`` and ``a . x <= b`` for each half-space.

    ``lower`` and ``upper`` are float64 (n_0,), infinite where an input has no such bound;
    ``halfspaces`` is float64 (m, n_0 + 1), rows a_1, …, a_n, b. All are exact. There may be no
    half-space: with no bounds either it is the whole space. Whether it has an interior, and is
    bounded, is not known yet.
    """

    lower: Floats
    upper: Floats
    halfspaces: Floats

    def __post_init__(self) -> None:
        """Refuse bounds that leave nothing, and numbers that are none.

        Raises:
            InputError: naming the first input or half-space that is wrong.
        """
        for i, (lo, hi) in enumerate(zip(self.lower.tolist(), self.upper.tolist(), strict=True)):
            if not lo <= hi or lo == np.inf or hi == -np.inf:
                raise InputError(f"the domain is empty: input {i} has bounds [{lo}, {hi}]")
        finite = np.isfinite(self.halfspaces).all(axis=1)
        if not finite.all():
            raise InputError(f"half-space {int(finite.argmin())} has a number that is not finite")

    @property
    def n_inputs(self) -> int:
        """Input dimension n_0."""
        return int(self.lower.size)

    @staticmethod
    def space(n_inputs: int) -> Polyhedron:
        """Return all of R^n."""
        return Polyhedron(
            np.full(n_inputs, -np.inf), np.full(n_inputs, np.inf), np.zeros((0, n_inputs + 1))
        )


Domain = Box | Polyhedron
"""Where cells are enumerated."""


def make_domain(lower: Floats, upper: Floats, halfspaces: Floats) -> Domain:
    """Return the box, where there is nothing but finite bounds, or the polyhedron.

    Raises:
        InputError: as `Box` and `Polyhedron`.
    """
    if len(halfspaces) == 0 and np.isfinite(lower).all() and np.isfinite(upper).all():
        return Box(lower, upper)
    return Polyhedron(lower, upper, halfspaces)


def intersection(domains: Sequence[Domain]) -> Domain:
    """Return what at least one domain, or several of the same inputs, have in common.

    Raises:
        InputError: the bounds of an input leave nothing.
    """
    if len(domains) == 1:
        return domains[0]
    lower, upper = domains[0].lower, domains[0].upper
    for domain in domains[1:]:
        lower, upper = np.maximum(lower, domain.lower), np.minimum(upper, domain.upper)
    return make_domain(lower, upper, np.concatenate([domain.halfspaces for domain in domains]))
