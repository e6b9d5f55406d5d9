"""Small text files that people or other programs wrote."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from nnce_cli.base.errors import InputError
from nnce_cli.base.packed import read_file

MAX_BYTES = 2**28
STDIN = "-"


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file, packed by gzip or not, without a byte order mark.

    ``-`` is standard input, and what a shell puts for ``<(command)`` is read, too.

    Raises:
        InputError: if it cannot be read; the message does not name the file.
    """
    try:
        text = _content(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("not a text file (UTF-8)") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _content(path: Path) -> bytes:
    """Return the bytes of a file, a pipe or standard input."""
    if str(path) == STDIN:
        if sys.stdin is None or sys.stdin.isatty():
            raise InputError("there is nothing on standard input; pipe it in, or give a file")
        found = sys.stdin.buffer.read(MAX_BYTES + 1)
    elif path.is_fifo():
        with path.open("rb") as pipe:
            found = pipe.read(MAX_BYTES + 1)
    else:
        return read_file(path, MAX_BYTES, MAX_BYTES)
    if len(found) > MAX_BYTES:
        raise InputError(f"more than {MAX_BYTES} bytes, which no such file should be")
    return found


def parse_json(text: str) -> Any:
    """Return the content of a JSON text.

    Raises:
        InputError: it is not valid JSON; the message does not name the file.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise InputError(f"not valid JSON: {reason}") from None


def is_number(value: Any) -> bool:
    """Tell whether a value of a JSON text is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)
