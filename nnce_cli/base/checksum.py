"""What tells a file from a damaged one: its length, and a digest of its bytes."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Checksum:
    """The number of bytes of a file, and their SHA-256."""

    length: int
    digest: bytes

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Return the checksum of a file that has these bytes."""
        return cls(len(data), hashlib.sha256(data).digest())

    def trouble(self, path: Path) -> str | None:
        """Say what is wrong with a file of which this is to be the checksum; None: it is whole."""
        try:
            # Opening what is no ordinary file might wait for ever.
            found = path.stat()
            if not stat.S_ISREG(found.st_mode):
                return "is not a file"
            if found.st_size != self.length:
                return f"has {found.st_size:,} bytes and not {self.length:,}"
            with path.open("rb") as file:
                same = hashlib.file_digest(file, "sha256").digest() == self.digest
        except FileNotFoundError:
            return "is missing"
        except OSError as error:
            return f"cannot be read ({os.strerror(error.errno or 0)})"
        return None if same else "is damaged: its bytes are not those that were written"
