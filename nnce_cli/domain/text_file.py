"""Small text files that people or other programs wrote."""

from __future__ import annotations

from pathlib import Path

from nnce_cli.base.errors import InputError

MAX_BYTES = 2**28


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file, without a byte order mark.

    Raises:
        InputError: if it cannot be read; the message does not name the file.
    """
    try:
        if not path.exists():
            raise InputError("no such file")
        if not path.is_file():
            raise InputError("not a file")
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"larger than {MAX_BYTES} bytes, which no description of a box is")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise InputError("not a text file (UTF-8)") from None
