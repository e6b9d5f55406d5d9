"""Reports on standard output: as text for people, as JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Container, Iterable, Mapping
from typing import IO, Any, Literal

from nnce_cli.base.text import visible
from nnce_cli.cli.formats import Format, Numeral, csv_text, markdown_text


def json_text(values: Mapping[str, Any]) -> str:
    """Return a JSON object with a line for each key."""
    lines = (f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in values.items())
    return "{\n" + ",\n".join(lines) + "\n}"


def number(value: int) -> str:
    """Write an integer for people: 12,345, or 1.23e+45 where it is long."""
    if value < 10**15:
        return Numeral.of(f"{value:,}", value)
    exponent = len(str(value)) - 1
    return Numeral.of(f"{value // 10 ** (exponent - 2) / 100:.2f}e+{exponent}", value)


def size(count: int) -> str:
    """Write a number of bytes for people."""
    return f"{count / 1e6:,.0f} MB"


def print_fields(
    fields: Mapping[str, str], file: IO[str] | None = None, form: Format = Format.text
) -> None:
    """Print names and values, one pair a line, aligned; for programs as a table of two columns."""
    if form is not Format.text:
        _print_for_programs("", ["name", "value"], fields.items(), [True, True], form)
        return
    width = max(map(len, fields))
    for name, value in fields.items():
        print(f"{name:{width}}  {visible(value)}", file=file)


def show(*lines: str) -> None:
    """Print lines of text; names in them may hold anything."""
    for line in lines:
        print(visible(line))


def print_table(
    title: str,
    columns: Iterable[str],
    rows: Iterable[Iterable[str]],
    words: Container[str] = (),
    form: Format = Format.text,
) -> None:
    """Print a table of text: with rules and colour on a terminal, plain in a pipe.

    Numbers stand to the right; the columns named in ``words`` stand to the left. In another
    ``form`` it is for programs.
    """
    headers = list(columns)
    to_left = [header in words for header in headers]
    if title:
        print()
    if form is not Format.text:
        _print_for_programs(title, headers, rows, to_left, form)
        return
    lines = [[visible(text) for text in row] for row in rows]
    if sys.stdout is not None and sys.stdout.isatty():
        _print_rich_table(title, headers, lines, to_left)
    else:
        _print_plain_table(title, headers, lines, to_left)


def _print_for_programs(
    title: str,
    headers: list[str],
    rows: Iterable[Iterable[str]],
    to_left: list[bool],
    form: Format,
) -> None:
    """Print a table as CSV or Markdown, below its title."""
    is_csv = form is Format.csv
    if title:
        print(title if is_csv else f"### {title}\n")
    text = csv_text(headers, rows) if is_csv else markdown_text(headers, rows, to_left)
    print(text, end="")


def _print_plain_table(
    title: str, headers: list[str], rows: list[list[str]], to_left: list[bool]
) -> None:
    lines = [headers, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    print(title)
    for line in lines:
        fields = [
            text.ljust(width) if left else text.rjust(width)
            for text, width, left in zip(line, widths, to_left, strict=True)
        ]
        print("  ".join(fields).rstrip())


def _print_rich_table(
    title: str, headers: list[str], rows: list[list[str]], to_left: list[bool]
) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for header, left in zip(headers, to_left, strict=True):
        side: Literal["left", "right"] = "left" if left else "right"
        table.add_column(Text(header), justify=side, header_style="bold", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    with console.capture() as printed:
        console.print(Text(title, style="bold"))
        console.print(table)
    for line in printed.get().splitlines():
        print(line.rstrip())
