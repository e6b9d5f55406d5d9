"""Small text files that people or other programs wrote."""

from __future__ import annotations

from pathlib import Path

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
