"""The domain in the coordinates u of a unit cube, in which everything about cells is computed.

A *bounded* domain is seen through x = lower + span · u, where lower and lower + span are the
corners of a box around it; inputs of zero width are left out. An affine function of x is one of u.

An *unbounded* one is seen as a cone (homogenised): of its points x the multiples (y, t) = (t x, t)
with y in [-1, 1]^n and 0 < t <= 1, where y = 2 v - 1 and u = (v, t). An affine function c + g.x
becomes c t + g.y, which has the same sign, so that the cells of the cone are those of the domain.
All functions are zero at y = 0, t = 0.

Half-spaces, and in a cone the bounds of inputs and t >= 0, are *fences*: functions that are >= 0 in
the domain. Beyond a fence, and beyond the faces of the cube, there is nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.domain import Domain
from nnce_cli.verify.forms import ZERO, Form, rationals

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Chart:
    """A domain in coordinates u (d,) of the unit cube.

    ``lower`` and ``upper`` (n_0,) are the corners of the box, or bound y; an input of zero width
    has its value in both. ``fences`` are the functions that bound the domain inside of the cube.
    """

    domain: Domain
    lower: Floats
    upper: Floats
    is_cone: bool = False
    fences: list[Form] = field(default_factory=list)

    @cached_property
    def free(self) -> NDArray[np.bool_]:
        """Which inputs (n_0,) vary."""
        return np.asarray(self.lower < self.upper)

    @cached_property
    def inputs(self) -> int:
        """How many inputs vary."""
        return int(self.free.sum())

    @property
    def dimension(self) -> int:
        """The number d of coordinates: one of each input that varies, and t in a cone."""
        return self.inputs + self.is_cone

    @property
    def one(self) -> int:
        """The entry of forms that a constant is in: it is a multiple of 1, or of t."""
        return self.dimension if self.is_cone else 0

    @property
    def gradient(self) -> slice:
        """The entries of forms that are coefficients of inputs, times the width of these."""
        return slice(1, 1 + self.inputs)

    def form(self, gradient: Sequence[fmpq], constant: fmpq) -> Form:
        """Return the function constant + gradient.x, where ``gradient`` has n_0 entries."""
        found = [ZERO] * (1 + self.dimension)
        found[self.one] += constant
        place = 1
        for a, (lo, hi), free in self._zipped(gradient):
            found[0 if free else self.one] += a * lo
            if free:
                found[place] = a * (hi - lo)
                place += 1
        return found

    @property
    def origin(self) -> list[fmpq]:
        """Where in the coordinates of a box the inputs that vary are zero."""
        lower, upper = (rationals(bound[self.free]) for bound in (self.lower, self.upper))
        return [-lo / (hi - lo) for lo, hi in zip(lower, upper, strict=True)]

    def point(self, u: Sequence[fmpq]) -> list[fmpq]:
        """Return the point x (n_0 entries) of the unit cube's point u (d entries)."""
        t = u[-1] if self.is_cone else fmpq(1)
        rest = iter(u)
        return [
            (lo + (hi - lo) * next(rest)) / t if free else lo
            for _, (lo, hi), free in self._zipped([ZERO] * len(self.lower))
        ]

    def points(self, u: Floats) -> Floats:
        """Return the points x (m, n_0) of points u (m, d), rounded to float64."""
        found = np.tile(self.lower, (len(u), 1))
        v = u[:, : self.inputs]
        # Not lower + u * (upper - lower), which may overflow.
        free = self.lower[self.free] * (1 - v) + self.upper[self.free] * v
        found[:, self.free] = free / u[:, -1:] if self.is_cone else free
        return found

    def coordinates(self, points: Floats) -> Floats:
        """Return where points x (m, n_0) are in the cube, roughly; (m, d), all inside of it."""
        x, lower, upper = points[:, self.free], self.lower[self.free], self.upper[self.free]
        with np.errstate(all="ignore"):
            if self.is_cone:
                t = 0.5 / np.maximum(np.abs(x).max(axis=1, initial=0.0, keepdims=True), 1.0)
                u = np.concatenate([(x * t + 1) / 2, t], axis=1)
            else:
                u = (x - lower) / (upper - lower)
        return np.where((u > 0) & (u < 1), u, 0.5)

    def _zipped(self, gradient: Sequence[fmpq]) -> Iterator[tuple[fmpq, tuple[fmpq, fmpq], bool]]:
        bounds = zip(rationals(self.lower), rationals(self.upper), strict=True)
        return zip(gradient, bounds, self.free.tolist(), strict=True)
