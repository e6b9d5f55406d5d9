"""Small text files that people or other programs wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nnce_cli.base.errors import InputError
from nnce_cli.base.packed import read_file

MAX_BYTES = 2**28


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file, packed by gzip or not, without a byte order mark.

    Raises:
        InputError: if it cannot be read; the message does not name the file.
    """
    try:
        text = read_file(path, MAX_BYTES, MAX_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("not a text file (UTF-8)") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


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
