"""S-expressions, the syntax of SMT-LIB and so of VNNLIB."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nnce_cli.base.errors import InputError

Expression = str | list["Expression"]

MAX_DEPTH = 64

_TOKEN = re.compile(
    r'\s+|;[^\n]*|(?P<token>[()]|\|[^|]*\||"[^"]*"'
    r'|[^\s()|";\[\]]+(?P<index>\s*+\[[^\[\]()]*\])?)'
)


def read_expressions(text: str) -> Iterator[Expression]:
    """Yield the expressions of a text, one after the other: atoms are strings, and lists lists.

    An index in brackets belongs to the atom before it, without the spaces: ``X[0,3]``.

    Raises:
        InputError: if the parentheses do not match or are nested more than ``MAX_DEPTH`` deep.
    """
    opened: list[tuple[list[Expression], int]] = []
    for token, line in _tokens(text):
        if token == "(":
            opened.append(([], line))
            if len(opened) >= MAX_DEPTH:
                raise InputError(f"line {line}: parentheses are nested more than {MAX_DEPTH} deep")
            continue
        if token == ")" and not opened:
            raise InputError(f"line {line}: a closing parenthesis has no opening one")
        found: Expression = opened.pop()[0] if token == ")" else token
        if opened:
            opened[-1][0].append(found)
        else:
            yield found
    if opened:
        raise InputError(f"the parenthesis opened in line {opened[-1][1]} is never closed")


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """Yield the tokens of a text, each with its line number (from 1)."""
    position, line = 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise InputError(f"line {line}: a quotation or a bracket is never closed")
        if match["token"]:
            yield "".join(match["token"].split()) if match["index"] else match["token"], line
        line += match[0].count("\n")
        position = match.end()


def shown(expression: Expression, limit: int = 60) -> str:
    """Return an expression as text for a message, shortened."""
    if isinstance(expression, str):
        text = expression
    else:
        text = "(" + " ".join(shown(e, limit) for e in expression[:8]) + ")"
    return text if len(text) <= limit else text[:limit] + "…"
