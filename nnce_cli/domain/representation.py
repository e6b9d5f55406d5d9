"""The files of lrslib and cdd: a polyhedron by half-spaces (.ine), or by vertices and rays (.ext).

Both have rows between ``begin`` and ``end``, as many as the line behind ``begin`` says, after the
number of columns and the kind of numbers. A row of half-spaces is b, -a_1, …, -a_n and stands for
b - a . x >= 0; a row of the other kind begins with 1 for a vertex and 0 for a ray. Rows that
``linearity`` names are equations, and lines. (Fukuda, cdd manual; Avis, lrslib user's guide.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from nnce_cli.base.errors import InputError
from nnce_cli.domain.facets import facets_of
from nnce_cli.domain.numbers import parse_decimal
from nnce_cli.domain.rational_rows import float_row

H, V = "H-representation", "V-representation"
LINEARITY = ("linearity", "equality")
OTHER_POLYHEDRA = (  # what changes the polyhedron, and is not read
    "nonnegative", "strict_inequality", "voronoi", "project", "projection", "eliminate",
)  # fmt: skip
UNKNOWN = "*****"  # lrslib, which writes the number of rows when it has found them
KINDS = ("integer", "rational", "real")
MOST_NUMBERS = 2**24

_NUMBER = re.compile(r"([+-]?[0-9]+)/([0-9]+)")


@dataclass
class Representation:
    """What such a file says: its rows, which of them are equations or lines, what was not used."""

    kind: str
    rows: list[list[Fraction]]
    linear: set[int]
    unused: list[str]


def representation_rows(
    text: str, suffix: str, n_inputs: int
) -> tuple[list[list[float]], tuple[str, ...]]:
    """Return the rows a_1, …, a_n, b of the half-spaces of a file, and notes on how it was read.

    Args:
        text: what is in the file.
        suffix: the end of its name: .ine, or .ext for vertices and rays where it does not say it.
        n_inputs: the number n.

    Raises:
        InputError: it is not in this format, of another number of inputs, or cannot be converted.
    """
    found = read_representation(text, H if suffix == ".ine" else V)
    for i, row in enumerate(found.rows):
        if len(row) != n_inputs + 1:
            raise InputError(
                f"its row {i} has {len(row)} numbers; with {n_inputs} inputs it has {n_inputs + 1}"
            )
    exact = [[-x for x in row[1:]] + row[:1] for row in _inequalities(found)]
    rounded = [float_row(row) for row in exact]
    notes = [f"'{word}' is not used" for word in found.unused]
    if inexact := sum(not is_exact for _, is_exact in rounded):
        notes.append(
            f"{inexact} of its {len(rounded)} half-spaces have numbers that are no float64; they "
            "are rounded to the nearest"
        )
    return [row for row, _ in rounded], tuple(notes)


def _inequalities(found: Representation) -> list[list[Fraction]]:
    """Return rows b, -A of half-spaces: an equation is two of them."""
    if found.kind == V:
        return facets_of(found.rows, found.linear)
    opposite = [[-x for x in found.rows[i]] for i in sorted(found.linear)]
    return found.rows + opposite


def read_representation(text: str, kind: str) -> Representation:
    """Return what a file says; ``kind`` is what it is where it does not say that.

    Raises:
        InputError: it is not in this format; the message names the line.
    """
    found = Representation(kind, [], set(), [])
    lines = iter(enumerate(text.splitlines(), start=1))
    for number, line in lines:
        words = line.split()
        if words[:1] == ["begin"]:
            _read_rows(lines, found)
        elif words and not line.startswith("*"):
            _read_outside(words, found, number)
    if not found.rows:
        raise InputError("it has no rows between 'begin' and 'end'")
    if any(i >= len(found.rows) for i in found.linear):
        raise InputError(f"'linearity' names a row that is not there: it has {len(found.rows)}")
    return found


def _read_outside(words: Sequence[str], found: Representation, number: int) -> None:
    """Take a line that is not between begin and end: the name, or an option."""
    word = words[0]
    if word in (H, V):
        found.kind = word
    elif word in LINEARITY:
        if not all(x.isascii() and x.isdigit() and len(x) < 10 for x in words[1:]):
            raise InputError(f"line {number}: '{word}' is not followed by the numbers of rows")
        count, *rows = map(int, words[1:]) if len(words) > 1 else (0,)
        if count != len(rows) or 0 in rows:
            raise InputError(f"line {number}: '{word}' does not name as many rows as it says")
        found.linear.update(i - 1 for i in rows)
    elif word in OTHER_POLYHEDRA:
        raise InputError(
            f"line {number}: nnce does not read '{word}', which is about another polyhedron; write "
            "its half-spaces without it"
        )
    elif found.rows or len(words) > 1:  # before them a single word is the name of the file
        found.unused.append(word[:40])


def _read_rows(lines: Iterator[tuple[int, str]], found: Representation) -> None:
    """Read from behind ``begin`` to ``end``; rows may go over several lines."""
    if found.rows:
        raise InputError("it has two parts with 'begin'; write one file for each")
    number, line = next(lines, (0, ""))
    words = line.split()
    if len(words) != 3 or words[2] not in KINDS or not words[1].isdigit() or len(words[1]) > 8:
        raise InputError(
            f"line {number}: behind 'begin' stand the number of rows, that of columns and "
            f"{', '.join(KINDS[:-1])} or {KINDS[-1]}, not {line.strip()[:40]!r}"
        )
    said, columns = words[0].lstrip("0") or "0", int(words[1])
    numbers: list[Fraction] = []
    for number, line in lines:
        words = line.split()
        if words[:1] == ["end"]:
            break
        if not line.startswith("*"):
            numbers += [_number(word, number) for word in words]
        if len(numbers) > MOST_NUMBERS:
            raise InputError(f"it has more than {MOST_NUMBERS} numbers")
    else:
        raise InputError("what 'begin' opens is not closed by 'end'")
    count = len(numbers) // columns if columns else 0
    if not columns or count * columns != len(numbers) or said not in (UNKNOWN, str(count)):
        raise InputError("it has not as many rows and columns as it says behind 'begin'")
    found.rows = [numbers[i * columns : (i + 1) * columns] for i in range(count)]


def _number(text: str, line: int) -> Fraction:
    """Return an exact number: a decimal or a fraction."""
    try:
        match = _NUMBER.fullmatch(text) if len(text) < 4000 else None
        if match is None:
            return parse_decimal(text)
        if not int(match[2]):
            raise InputError(f"{text!r} is not a number")
        return Fraction(int(match[1]), int(match[2]))
    except InputError as error:
        raise InputError(f"line {line}: {error}") from error
