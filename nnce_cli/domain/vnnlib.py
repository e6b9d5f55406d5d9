"""The input box of a VNNLIB 1.0 property (https://www.vnnlib.org).

A property is a conjunction of assertions on the inputs X_0, X_1, … and the outputs Y_0, Y_1, ….
Its input box is what the assertions ``(<= X_i c)`` and ``(>= X_i c)`` say; assertions on
outputs alone are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np

from nnce_cli.base.errors import InputError
from nnce_cli.domain.box import Box
from nnce_cli.domain.numbers import nearest_float, parse_decimal
from nnce_cli.domain.s_expressions import Expression, read_expressions, shown
from nnce_cli.domain.text_file import read_text

_VARIABLE = re.compile(r"([XY])_([0-9]{1,9})")
_IGNORED = ("set-logic", "set-info", "set-option", "check-sat", "get-model", "exit")


def read_vnnlib(path: Path, n_inputs: int) -> Box:
    """Read the input box of a VNNLIB 1.0 property. Decimals become the nearest float64.

    Several disjuncts are accepted where they bound the inputs in the same way.

    Raises:
        InputError: if the file cannot be read or parsed, declares another number of inputs than
            the network has, leaves an input without a bound, or restricts the inputs to anything
            but one box.
    """
    try:
        bounds = _Bounds()
        declared: set[int] = set()
        for command in read_expressions(read_text(path)):
            _read_command(command, bounds, declared)
        if declared and declared != set(range(n_inputs)):
            raise InputError(
                f"it declares {len(declared)} inputs X_i, up to X_{max(declared)}, and the network "
                f"has {n_inputs}"
            )
        return bounds.box(n_inputs)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


@dataclass
class _Bounds:
    """The tightest bounds so far, exactly; inputs without a bound are absent."""

    lower: dict[int, Fraction] = field(default_factory=dict)
    upper: dict[int, Fraction] = field(default_factory=dict)

    def at_least(self, i: int, value: Fraction) -> None:
        self.lower[i] = max(value, self.lower.get(i, value))

    def at_most(self, i: int, value: Fraction) -> None:
        self.upper[i] = min(value, self.upper.get(i, value))

    def box(self, n_inputs: int) -> Box:
        for i in sorted({*self.lower, *self.upper}):
            if i >= n_inputs:
                raise InputError(f"it bounds X_{i}, and the network has {n_inputs} inputs")
        for i in range(n_inputs):
            for kind, bounds in (("lower", self.lower), ("upper", self.upper)):
                if i not in bounds:
                    raise InputError(f"the input X_{i} has no {kind} bound")
            if self.lower[i] > self.upper[i]:
                raise InputError(f"the bounds of X_{i} leave no value for it")
        lower, upper = (
            np.array([nearest_float(bounds[i]) for i in range(n_inputs)], dtype=np.float64)
            for bounds in (self.lower, self.upper)
        )
        return Box(lower, upper)


def _read_command(command: Expression, bounds: _Bounds, declared: set[int]) -> None:
    head = command[0] if isinstance(command, list) and command else command
    if head in ("declare-const", "declare-fun") and len(command) > 1:
        variable = _VARIABLE.fullmatch(command[1]) if isinstance(command[1], str) else None
        if variable is None:
            raise InputError(f"{shown(command)} declares no input X_i and no output Y_i")
        if variable[1] == "X":
            declared.add(int(variable[2]))
    elif head == "assert" and len(command) == 2:
        _restrict(bounds, command[1])
    elif head not in _IGNORED:
        raise InputError(f"{shown(command)} is not a command of VNNLIB 1.0 (declare-const, assert)")


def _restrict(bounds: _Bounds, formula: Expression) -> None:
    """Tighten bounds by a formula."""
    if not any(kind == "X" for kind, _ in _variables(formula)):
        return
    head = formula[0]
    if head == "and":
        for part in formula[1:]:
            _restrict(bounds, part)
    elif head == "or":
        _restrict_by_disjunction(bounds, formula)
    elif head in ("<=", ">="):
        terms = formula[1:] if head == "<=" else formula[:0:-1]
        for smaller, larger in pairwise(terms):
            _restrict_by_inequality(bounds, smaller, larger, formula)
    else:
        raise InputError(
            f"{shown(formula)} restricts inputs by something else than and, or, <= and >="
        )


def _restrict_by_disjunction(bounds: _Bounds, formula: Expression) -> None:
    """Tighten bounds by disjuncts that all bound the inputs in the same way."""
    disjuncts = [_Bounds() for _ in formula[1:]]
    for disjunct, part in zip(disjuncts, formula[1:], strict=True):
        _restrict(disjunct, part)
    if any(disjunct != disjuncts[0] for disjunct in disjuncts):
        raise InputError(
            f"the property has {len(disjuncts)} input boxes that differ (an 'or' over inputs); "
            "write one file for each of them"
        )
    for i, value in disjuncts[0].lower.items():
        bounds.at_least(i, value)
    for i, value in disjuncts[0].upper.items():
        bounds.at_most(i, value)


def _restrict_by_inequality(
    bounds: _Bounds, smaller: Expression, larger: Expression, formula: Expression
) -> None:
    """Tighten bounds by ``smaller <= larger``, one an input and the other a number."""
    left = _VARIABLE.fullmatch(smaller) if isinstance(smaller, str) else None
    right = _VARIABLE.fullmatch(larger) if isinstance(larger, str) else None
    if left is not None and left[1] == "X" and not any(_variables(larger)):
        bounds.at_most(int(left[2]), _value(larger))
    elif right is not None and right[1] == "X" and not any(_variables(smaller)):
        bounds.at_least(int(right[2]), _value(smaller))
    elif any(kind == "X" for kind, _ in (*_variables(smaller), *_variables(larger))):
        raise InputError(
            f"{shown(formula)} is not a bound on one input; nnce reads (<= X_i c) and (>= X_i c)"
        )


def _value(expression: Expression) -> Fraction:
    """Return the exact value of a number: a decimal, (- a), (- a b) or (/ a b)."""
    if isinstance(expression, str):
        return parse_decimal(expression)
    arguments = [_value(argument) for argument in expression[1:]]
    match expression[:1], arguments:
        case ["-"], [a]:
            return -a
        case ["-"], [a, b]:
            return a - b
        case ["/"], [a, b] if b != 0:
            return a / b
    raise InputError(f"{shown(expression)} is not a number")


def _variables(expression: Expression) -> Iterator[tuple[str, int]]:
    """Yield the variables in an expression as (X or Y, index)."""
    if isinstance(expression, str):
        variable = _VARIABLE.fullmatch(expression)
        if variable is not None:
            yield variable[1], int(variable[2])
        return
    for part in expression:
        yield from _variables(part)
