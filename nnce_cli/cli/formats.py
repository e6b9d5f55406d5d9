"""Tables for other programs: as CSV and as Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated

import typer

from nnce_cli.base.errors import InputError
from nnce_cli.base.text import visible


class Format(StrEnum):
    """How a command prints its tables."""

    text = "text"
    csv = "csv"
    json = "json"
    md = "md"


FormatOption = Annotated[
    Format,
    typer.Option(
        "--format",
        metavar="text|csv|json|md",
        help="How tables are printed: for people, or as CSV, JSON or Markdown.",
        show_default=False,
    ),
]


def chosen_format(output_format: Format, *, json: bool) -> Format:
    """Return the format, which ``--json`` says too.

    Raises:
        InputError: both are given, and differ.
    """
    if not json:
        return output_format
    if output_format not in (Format.text, Format.json):
        raise InputError(f"--json and --format {output_format} are two formats; use one of them")
    return Format.json


class Numeral(str):
    """A number as people read it, such as 12,345, that knows its value."""

    __slots__ = ("value",)
    value: int

    @staticmethod
    def of(text: str, value: int) -> Numeral:
        """Return the text of a number."""
        numeral = Numeral(text)
        numeral.value = value
        return numeral


def csv_text(columns: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """Return lines of CSV; numbers are written as programs read them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(f.value if isinstance(f, Numeral) else visible(f) for f in row)
    return text.getvalue()


def markdown_text(
    columns: Sequence[str], rows: Iterable[Iterable[str]], to_left: Sequence[bool]
) -> str:
    """Return a table of Markdown; numbers stand to the right."""
    rules = [":---" if left else "---:" for left in to_left]
    fields = ([visible(field).replace("|", r"\|") for field in row] for row in rows)
    lines = [list(columns), rules, *fields]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
