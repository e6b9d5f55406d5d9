"""Arithmetic of S-expressions as linear forms with exact coefficients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from nnce_cli.base.errors import InputError
from nnce_cli.domain.numbers import parse_decimal
from nnce_cli.domain.s_expressions import Expression, shown

MOST_BITS = 2**16  # of a numerator or denominator

INPUT, OUTPUT = "X", "Y"
Variable = tuple[str, int]
"""An input or an output of the network: INPUT or OUTPUT, and its number."""

Lookup = Callable[[str], Variable | None]
"""Finds the variable that an atom names; None where it names none."""


ZERO, ONE, MINUS_ONE = Fraction(0), Fraction(1), Fraction(-1)


@dataclass
class LinearForm:
    """``sum of terms[v] v + constant``; terms may be zero."""

    terms: dict[Variable, Fraction] = field(default_factory=dict)
    constant: Fraction = ZERO

    def copy(self) -> LinearForm:
        """Return another form with the same terms."""
        return LinearForm(dict(self.terms), self.constant)

    def add(self, other: LinearForm, factor: Fraction) -> None:
        """Add a multiple of another form."""
        for variable, value in other.terms.items():
            self.terms[variable] = _plus(self.terms.get(variable), value, factor)
        if other.constant:
            self.constant = _plus(self.constant or None, other.constant, factor)

    @property
    def is_constant(self) -> bool:
        """Whether it has no variables."""
        return not any(self.terms.values())


def linear_form(expression: Expression, lookup: Lookup) -> LinearForm:
    """Return the linear form that an expression of numbers, variables, +, -, * and / is.

    Raises:
        InputError: it is none.
    """
    if isinstance(expression, str):
        variable = lookup(expression)
        if variable is not None:
            return LinearForm({variable: ONE})
        return LinearForm(constant=parse_decimal(expression))
    head, arguments = expression[:1], [linear_form(part, lookup) for part in expression[1:]]
    if arguments:
        match head:
            case ["+"]:
                return _sum(arguments, ONE)
            case ["-"] if len(arguments) == 1:
                return _sum([LinearForm(), *arguments], MINUS_ONE)
            case ["-"]:
                return _sum(arguments, MINUS_ONE)
            case ["*"]:
                return _product(arguments, expression)
            case ["/"] if len(arguments) > 1:
                return _quotient(arguments, expression)
    raise InputError(f"{shown(expression)} is not a number, a variable, or + - * / of some")


def mentions(expression: Expression, lookup: Lookup, kind: str) -> bool:
    """Tell whether an expression has a variable of a kind."""
    if isinstance(expression, str):
        variable = lookup(expression)
        return variable is not None and variable[0] == kind
    return any(mentions(part, lookup, kind) for part in expression)


def _sum(arguments: Sequence[LinearForm], factor: Fraction) -> LinearForm:
    """Return the first form plus a factor times each of the others."""
    total = arguments[0].copy()
    for other in arguments[1:]:
        total.add(other, factor)
    return total


def _product(arguments: Sequence[LinearForm], expression: Expression) -> LinearForm:
    factor, form = ONE, None
    for argument in arguments:
        if argument.is_constant:
            factor = _short(factor * argument.constant)
        elif form is None:
            form = argument
        else:
            raise InputError(f"{shown(expression)} is a product of variables, which is not linear")
    product = LinearForm()
    product.add(form or LinearForm(constant=ONE), factor)
    return product


def _quotient(arguments: Sequence[LinearForm], expression: Expression) -> LinearForm:
    divisor = ONE
    for argument in arguments[1:]:
        if not argument.is_constant:
            raise InputError(f"{shown(expression)} divides by a variable, which is not linear")
        divisor = _short(divisor * argument.constant)
    if divisor == 0:
        raise InputError(f"{shown(expression)} divides by zero and is not a number")
    quotient = LinearForm()
    quotient.add(arguments[0], 1 / divisor)
    return quotient


def _plus(before: Fraction | None, value: Fraction, factor: Fraction) -> Fraction:
    """Return a number, None for none, plus a factor times another."""
    if factor is ONE:
        more = value
    elif factor is MINUS_ONE:
        more = -value
    else:
        more = _short(factor * value)
    return more if before is None else _short(before + more)


def _short(value: Fraction) -> Fraction:
    """Refuse a number that is too long to be meant, before it grows without end."""
    if max(abs(value.numerator).bit_length(), value.denominator.bit_length()) > MOST_BITS:
        raise InputError(f"a number has more than {MOST_BITS} binary digits")
    return value
