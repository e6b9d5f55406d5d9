"""Whole files, packed by gzip or not."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from nnce_cli.base.errors import InputError


def read_file(path: Path, most: int, unpacked: int) -> bytes:
    """Return the bytes of a file, unpacked where its name ends in ``.gz``.

    Args:
        path: the file.
        most: how many bytes it may have.
        unpacked: how many bytes a packed one may unpack to.

    Raises:
        InputError: if it cannot be read, has more bytes, or is damaged; the message does not name
            the file.
    """
    try:
        if not path.exists():
            raise InputError("no such file")
        if not path.is_file():
            raise InputError("not a file")
        if path.stat().st_size > most:
            raise InputError(f"larger than {most} bytes, which no such file should be")
        if path.suffix.lower() != ".gz":
            return path.read_bytes()
        with gzip.open(path) as stream:
            found = stream.read(unpacked + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise InputError("not a file packed by gzip, or a damaged one") from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}") from error
    if len(found) > unpacked:
        raise InputError(f"it unpacks to more than {unpacked} bytes; unpack it first")
    return found
