"""S-expressions, the syntax of SMT-LIB and so of VNNLIB 1.0."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nnce_cli.base.errors import InputError

Expression = str | list["Expression"]

MAX_DEPTH = 64

_TOKEN = re.compile(r'\s+|;[^\n]*|(?P<token>[()]|\|[^|]*\||"[^"]*"|[^\s()|";]+)')


def read_expressions(text: str) -> list[Expression]:
    """Return the expressions of a text: atoms are strings, and lists are lists.

    Raises:
        InputError: if the parentheses do not match or are nested more than ``MAX_DEPTH`` deep.
    """
    top: list[Expression] = []
    opened: list[tuple[list[Expression], int]] = [(top, 0)]
    for token, line in _tokens(text):
        if token == "(":
            inner: list[Expression] = []
            opened[-1][0].append(inner)
            opened.append((inner, line))
            if len(opened) > MAX_DEPTH:
                raise InputError(f"line {line}: parentheses are nested more than {MAX_DEPTH} deep")
        elif token == ")":
            if len(opened) == 1:
                raise InputError(f"line {line}: a closing parenthesis has no opening one")
            opened.pop()
        else:
            opened[-1][0].append(token)
    if len(opened) > 1:
        raise InputError(f"the parenthesis opened in line {opened[-1][1]} is never closed")
    return top


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """Yield the tokens of a text, each with its line number (from 1)."""
    position, line = 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise InputError(f"line {line}: a quotation is never closed")
        if match["token"]:
            yield match["token"], line
        line += match[0].count("\n")
        position = match.end()


def shown(expression: Expression, limit: int = 60) -> str:
    """Return an expression as text for a message, shortened."""
    if isinstance(expression, str):
        text = expression
    else:
        text = "(" + " ".join(shown(e, limit) for e in expression[:8]) + ")"
    return text if len(text) <= limit else text[:limit] + "…"
