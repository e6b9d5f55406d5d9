"""Reports on standard output: for people with rich, for programs as JSON."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from typing import IO, Any, Literal


def json_text(values: Mapping[str, Any]) -> str:
    """Return a JSON object with a line for each key."""
    lines = (f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in values.items())
    return "{\n" + ",\n".join(lines) + "\n}"


def number(value: int) -> str:
    """Write an integer for people: 12,345, or 1.23e+45 where it is long."""
    if value < 10**15:
        return f"{value:,}"
    exponent = len(str(value)) - 1
    return f"{value // 10 ** (exponent - 2) / 100:.2f}e+{exponent}"


def size(count: int) -> str:
    """Write a number of bytes for people."""
    return f"{count / 1e6:,.0f} MB"


def duration(seconds: float) -> str:
    """Write a time for people: 12 s, 3 min 20 s, 5 h 10 min, 3 days."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{number(whole // 86400)} days"


def print_fields(fields: Mapping[str, str], file: IO[str] | None = None) -> None:
    """Print names and values, one pair a line, aligned."""
    width = max(map(len, fields))
    for name, value in fields.items():
        print(f"{name:{width}}  {value}", file=file)


def print_table(
    title: str,
    columns: Iterable[str],
    rows: Iterable[Iterable[str]],
    words: Container[str] = (),
) -> None:
    """Print a table of text: with rules and colour on a terminal, plain in a pipe.

    Numbers stand to the right; the columns named in ``words`` stand to the left.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    pretty = console.is_terminal
    if not pretty:
        console = Console(width=10_000, highlight=False)
    table = Table(box=box.SIMPLE_HEAD if pretty else None, pad_edge=pretty)
    for column in columns:
        justify: Literal["left", "right"] = "left" if column in words else "right"
        table.add_column(Text(column), justify=justify, header_style="bold" if pretty else "")
    for row in rows:
        table.add_row(*map(Text, row))
    with console.capture() as printed:
        console.print()
        console.print(Text(title, style="bold" if pretty else ""))
        console.print(table)
    for line in printed.get().splitlines():
        print(line.rstrip())
