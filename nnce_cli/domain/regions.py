"""Where inequalities of inputs hold: boxes and polyhedra of float64, for many cases at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.domain.numbers import nearest_float
from nnce_cli.domain.polyhedron import Domain, make_domain
from nnce_cli.domain.property import Inequality
from nnce_cli.domain.rational_rows import float_row

Floats = NDArray[np.float64]
Bounds = dict[int, Fraction]

MOST_NUMBERS = 2**24  # in the half-spaces of one domain, or in all domains of a file


@dataclass
class _Limits:
    """The tightest bounds of some inputs, and other inequalities of inputs, all exact."""

    lower: Bounds = field(default_factory=dict)
    upper: Bounds = field(default_factory=dict)
    others: list[Inequality] = field(default_factory=list)

    def add(self, inequality: Inequality) -> None:
        """Take one more inequality."""
        if len(inequality.inputs) != 1:
            self.others.append(inequality)
            return
        [(i, factor)] = inequality.inputs.items()
        value = -inequality.constant / factor
        if factor > 0:
            self.upper[i] = min(value, self.upper.get(i, value))
        else:
            self.lower[i] = max(value, self.lower.get(i, value))

    def within(self, common: _Limits) -> _Limits:
        """Return these limits of inputs, tightened where the common ones of them are tighter."""
        return _Limits(
            {i: max(x, common.lower.get(i, x)) for i, x in self.lower.items()},
            {i: min(x, common.upper.get(i, x)) for i, x in self.upper.items()},
            self.others,
        )

    def empty_input(self, common: _Limits) -> int | None:
        """Return an input that no value is left for, None where there is none."""
        for i in {**self.lower, **self.upper}:
            low = self.lower.get(i, common.lower.get(i))
            high = self.upper.get(i, common.upper.get(i))
            if low is not None and high is not None and low > high:
                return i
        return None


class Regions:
    """The domains of the cases of a property, which have some inequalities in common.

    Equal domains are one object. ``empty`` is an input that the common bounds leave no value for.
    """

    def __init__(self, n_inputs: int, common: Sequence[Inequality]) -> None:
        """Take what is common to all cases."""
        self._n = n_inputs
        self._count = self._impossible = self._strict = self._rows = self._rounded = 0
        self._numbers = 0
        self._known: dict[object, Domain] = {}
        self._common = self._limits(common)
        self.empty = self._common.empty_input(_Limits())
        self._lower, self._upper = np.full(n_inputs, -np.inf), np.full(n_inputs, np.inf)
        if self.empty is None:
            self._put(self._common, self._lower, self._upper)
        self._halfspaces = self._float_rows(self._common.others)

    def region(self, inequalities: Sequence[Inequality]) -> Domain | None:
        """Return where some inequalities hold beside the common ones; None where bounds say no."""
        self._count += 1
        limits = self._limits(inequalities).within(self._common)
        if self.empty is not None or limits.empty_input(self._common) is not None:
            self._impossible += 1
            return None
        lower, upper = self._lower.copy(), self._upper.copy()
        self._put(limits, lower, upper)
        halfspaces = np.concatenate([self._halfspaces, self._float_rows(limits.others)])
        key = (lower.tobytes(), upper.tobytes(), halfspaces.tobytes())
        if key not in self._known:
            self._numbers += 2 * self._n + halfspaces.size
            self._refuse_many(self._numbers)
            self._known[key] = make_domain(lower, upper, halfspaces)
        return self._known[key]

    def notes(self) -> list[str]:
        """Return what to know of how the inequalities were taken."""
        notes = []
        if self._strict:
            notes.append(
                f"{self._strict} strict inequalities of inputs are taken as not strict: the domain "
                "has its border"
            )
        if self._rounded:
            notes.append(
                f"{self._rounded} of {self._rows} linear inequalities of inputs have numbers that "
                "are no float64; they are rounded to the nearest"
            )
        for domain in self._known.values():
            infinite = ~np.isfinite(domain.lower) | ~np.isfinite(domain.upper)
            if infinite.any():
                notes.append(f"the input X_{int(infinite.argmax())} has no lower or no upper bound")
                break
        if self.empty is not None:
            notes.append(f"the bounds of X_{self.empty} leave no value for it")
        elif self._impossible:
            notes.append(
                f"{self._impossible} of {self._count} cases cannot occur: their bounds leave no "
                "value for an input"
            )
        return notes

    def _limits(self, inequalities: Sequence[Inequality]) -> _Limits:
        limits = _Limits()
        for inequality in inequalities:
            limits.add(inequality)
            self._strict += inequality.is_strict
        return limits

    @staticmethod
    def _put(limits: _Limits, lower: Floats, upper: Floats) -> None:
        """Write bounds as float64 into arrays."""
        for bounds, array in ((limits.lower, lower), (limits.upper, upper)):
            for i, value in bounds.items():
                array[i] = nearest_float(value)

    def _float_rows(self, inequalities: Sequence[Inequality]) -> Floats:
        """Return inequalities ``sum of inputs[i] X_i + constant <= 0`` as rows a_1, …, a_n, b."""
        self._refuse_many(len(inequalities) * (self._n + 1))
        rows = np.zeros((len(inequalities), self._n + 1))
        for row, inequality in zip(rows, inequalities, strict=True):
            numbers, is_exact = float_row([*inequality.inputs.values(), -inequality.constant])
            row[[*inequality.inputs, self._n]] = numbers
            self._rows += 1
            self._rounded += not is_exact
        return rows

    @staticmethod
    def _refuse_many(numbers: int) -> None:
        if numbers > MOST_NUMBERS:
            raise InputError("its domains are too large together; split it into several files")
