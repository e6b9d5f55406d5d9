"""Small pieces of HTML, with everything that comes from files escaped."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from html import escape
from typing import Any

from nnce_cli.plotting.words import printable

LONG_TABLE = 30  # rows; longer ones are folded


def text(value: object) -> str:
    """Return a value as text that no browser takes for markup."""
    return escape(printable(str(value)))


def pairs(values: Mapping[str, object]) -> str:
    """Return a table of names and values."""
    rows = "".join(
        f"<tr><th scope=row>{text(name)}</th><td>{text(value)}</td></tr>"
        for name, value in values.items()
    )
    return f"<div class=scroll><table class=pairs>{rows}</table></div>"


def table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Iterable[object]],
    words: Container[str] = (),
) -> str:
    """Return a table; the columns named in ``words`` stand to the left."""
    classes = [" class=word" if column in words else "" for column in columns]
    heads = "".join(
        f"<th scope=col{kind}>{text(column)}</th>"
        for kind, column in zip(classes, columns, strict=True)
    )
    body = [
        "".join(f"<td{kind}>{text(x)}</td>" for kind, x in zip(classes, row, strict=True))
        for row in rows
    ]
    lines = "".join(f"<tr>{line}</tr>" for line in body)
    caption = f"<caption>{text(title)}</caption>"
    if len(body) <= LONG_TABLE:
        return f"<div class=scroll><table>{caption}<tr>{heads}</tr>{lines}</table></div>"
    inner = f"<div class=scroll><table><tr>{heads}</tr>{lines}</table></div>"
    return f"<details><summary>{text(title)} ({len(body)} rows)</summary>{inner}</details>"


def preformatted(content: str) -> str:
    """Return lines as they are."""
    lines = "\n".join(map(text, content.splitlines()))
    return f"<pre>{lines}</pre>"


def json_script(identity: str, values: Mapping[str, Any]) -> str:
    """Return data for a script; no text in it can end the element."""
    content = json.dumps(values, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" id="{identity}">{content}</script>'
