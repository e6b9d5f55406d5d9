"""Half-spaces with rational numbers as rows of float64, exact where that can be."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, lcm

from nnce_cli.base.errors import InputError
from nnce_cli.domain.numbers import nearest_float

SMALLEST = Fraction(1, 2**1000)  # below, float64 has few digits and then none
MOST_BITS = 1000


def float_row(numbers: Sequence[Fraction]) -> tuple[list[float], bool]:
    """Return a row a_1, …, a_n, b of the half-space a . x <= b, and whether it is exact.

    A row stands for the same half-space when all its numbers are multiplied by one: where they
    are no float64s, whole numbers without a common factor are tried, and only where those are
    none either are they rounded, each to the nearest.

    Raises:
        InputError: a number is out of the range of float64.
    """
    for row in (numbers, _whole(numbers)):
        floats = _exact_floats(row)
        if floats is not None:
            return floats, True
    if any(0 < abs(x) < SMALLEST for x in numbers):
        raise InputError("a number of a half-space is out of the range of float64")
    return [nearest_float(x) for x in numbers], False


def _exact_floats(numbers: Sequence[Fraction]) -> list[float] | None:
    """Return rational numbers as float64, None where they are not."""
    if not all(_may_be_float(x) for x in numbers):
        return None
    floats = [float(x) for x in numbers]
    is_exact = all(Fraction(x) == y for x, y in zip(floats, numbers, strict=True))
    return floats if is_exact else None


def _may_be_float(x: Fraction) -> bool:
    return abs(x.numerator).bit_length() <= MOST_BITS and x.denominator.bit_length() <= MOST_BITS


def _whole(numbers: Sequence[Fraction]) -> Sequence[Fraction]:
    """Return whole numbers without a common factor that are a multiple of rational ones.

    Where they would be too large for float64, the numbers stay as they are.
    """
    scale = 1
    for x in numbers:
        scale = lcm(scale, x.denominator)
        if scale.bit_length() > MOST_BITS:
            return numbers
    whole = [int(x * scale) for x in numbers]
    factor = gcd(*whole) or 1
    return [Fraction(x // factor) for x in whole]
