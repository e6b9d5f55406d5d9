"""Numbers in text files and on the command line: decimals, exactly or as nearest float64s."""

from __future__ import annotations

import math
import re
from fractions import Fraction

from nnce_cli.base.errors import InputError

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE]([+-]?[0-9]{1,4}))?")
_MAX_CHARACTERS = 4000  # Python's own limit for integers


def parse_decimal(text: str) -> Fraction:
    """Return the exact value of a decimal such as ``-.5`` or ``1e-3``.

    Raises:
        InputError: if the text is not a decimal, or too long or too large to be meant.
    """
    if len(text) > _MAX_CHARACTERS or not _DECIMAL.fullmatch(text):
        raise InputError(f"{_shortened(text)} is not a number")
    return Fraction(text)


def parse_float(text: str) -> float:
    """Return the float64 nearest to a decimal.

    Raises:
        InputError: if the text is not a decimal or is out of the range of float64.
    """
    return nearest_float(parse_decimal(text.strip()))


def parse_cell(text: str, line: int) -> float:
    """Return what `parse_float` does of a cell of a CSV file.

    Raises:
        InputError: the same, with the line.
    """
    try:
        return parse_float(text)
    except InputError as error:
        raise InputError(f"line {line}: {error}") from error


def nearest_float(value: Fraction) -> float:
    """Return the float64 nearest to a rational number.

    Raises:
        InputError: if it is out of the range of float64.
    """
    try:
        return float(value)
    except OverflowError:
        raise InputError("a bound is out of the range of float64") from None


def float_below(value: Fraction) -> float:
    """Return the largest float64 that is not above a rational number.

    Raises:
        InputError: it is out of the range of float64.
    """
    found = nearest_float(value)
    return found if Fraction(found) <= value else math.nextafter(found, -math.inf)


def float_above(value: Fraction) -> float:
    """Return the least float64 that is not below a rational number.

    Raises:
        InputError: it is out of the range of float64.
    """
    return -float_below(-value)


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")
