"""Where a table goes: a file that appears when it is whole, or standard output."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from nnce_cli.base.checksum import Checksum
from nnce_cli.base.errors import InputError
from nnce_cli.base.files import real_path, sync_folder

STDOUT = "-"
COPIED_BYTES = 1 << 20


def random_name(folder: Path) -> str:
    """Return a name for a temporary file in ``folder`` that nobody else uses."""
    return f".nnce-{secrets.token_hex(8)}.part"


class Output:
    """A binary output that leaves either a whole file behind or none.

    A file is written under a temporary name in its own folder, and `commit` renames it into
    place; leaving the ``with`` block without it removes the temporary file. ``-`` is standard
    output, which cannot be taken back. It has the methods that Arrow wants of a file.
    """

    def __init__(
        self,
        target: str,
        *,
        force: bool = False,
        digest: bool = False,
        temporary: Callable[[Path], str] = random_name,
    ) -> None:
        """Open the output; an existing file is replaced only with ``force``.

        With ``digest`` there is a `checksum` of what is written. ``temporary`` gives the temporary
        file a name, in the folder that it is told; what a killed process left there is removed.

        Raises:
            InputError: the file exists, its folder does not, or it cannot be written to.
        """
        self.closed = False
        self.name = target
        self._position = 0
        self._force = force
        self._digest = hashlib.sha256() if digest else None
        self._temporary: Path | None = None
        if target == STDOUT:
            self.name = "standard output"
            self._file = _binary_stdout()
        else:
            with self._reporting("create"):
                self._path = real_path(target)
            self._check_path()
            with self._reporting("create"):
                self._temporary = self._path.parent / temporary(self._path.parent)
                self._temporary.unlink(missing_ok=True)
                self._file = open(self._temporary, "xb")  # noqa: SIM115 (closed in __exit__)

    def _check_path(self) -> None:
        """Refuse what must not be overwritten."""
        with self._reporting("create"):
            if not self._path.parent.is_dir():
                raise InputError(
                    f"cannot create {self.name}: the folder {self._path.parent} does not exist; "
                    "make it first"
                )
            if not self._path.exists():
                return
            if not stat.S_ISREG(self._path.stat().st_mode):
                raise InputError(
                    f"cannot create {self.name}: it exists and is not an ordinary file; "
                    "name a file, or use - for standard output"
                )
        if not self._force:
            raise InputError(f"{self.name} exists already; use --force to replace it")

    def write(self, data: bytes | memoryview) -> int:
        """Write all of ``data``; return its length.

        Raises:
            InputError: the disk is full, for instance.
            BrokenPipeError: nobody reads the pipe any more.
        """
        if self.closed:  # Arrow writes a footer even when a writer is thrown away
            return len(data)
        with self._reporting("write"):
            self._file.write(data)
        self._position += len(data)
        if self._digest is not None:
            self._digest.update(data)
        return len(data)

    def copy(self, source: BinaryIO, start: int, length: int) -> None:
        """Write ``length`` bytes of a file from ``start`` on, within the kernel if it can.

        Raises:
            InputError: the disk is full, or the source ends too early.
            BrokenPipeError: nobody reads the pipe any more.
        """
        done = 0
        if self._temporary is not None and self._digest is None and hasattr(os, "copy_file_range"):
            self.flush()
            with suppress(OSError):  # not between these file systems: written below
                while done < length:
                    target = self._file.fileno()
                    step = os.copy_file_range(source.fileno(), target, length - done, start + done)
                    if step == 0:
                        break
                    done += step
            self._position += done
        source.seek(start + done)
        while done < length:
            data = source.read(min(length - done, COPIED_BYTES))
            if not data:
                raise InputError(f"{source.name} is cut off; start again with --force")
            done += self.write(data)

    @property
    def checksum(self) -> Checksum:
        """The checksum of all that was written, for an output with a digest."""
        assert self._digest is not None
        return Checksum(self._position, self._digest.digest())

    def tell(self) -> int:
        """Bytes written; a pipe does not know its own position."""
        return self._position

    def writable(self) -> bool:
        """Tell Arrow that this is an output."""
        return True

    def flush(self) -> None:
        """Hand everything to the operating system."""
        with self._reporting("write"):
            self._file.flush()

    def close(self) -> None:
        """Ignore further writes."""
        self.closed = True

    def commit(self, before: Callable[[], None] = lambda: None) -> None:
        """Put the whole file into its place, on the disk and not only in its cache.

        ``before`` is called when all is ready, just before the file gets its name.

        Raises:
            InputError: it cannot be written, or the name was taken in the meantime.
        """
        self.flush()
        self.close()
        if self._temporary is None:
            return
        with self._reporting("write"):
            os.fsync(self._file.fileno())
            self._file.close()
        self._check_path()
        before()
        with self._reporting("create"):
            os.replace(self._temporary, self._path)
        self._temporary = None
        with self._reporting("write"):
            sync_folder(self._path.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        if self._temporary is not None:
            with suppress(OSError):  # what cannot be flushed is to be removed anyway
                self._file.close()
            self._temporary.unlink(missing_ok=True)

    @contextmanager
    def _reporting(self, verb: str) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            raise InputError(
                f"cannot {verb} {self.name}: {error.strerror}; "
                "choose another output or make room for it"
            ) from error


def _binary_stdout() -> BinaryIO:
    """Return standard output, unless a person would have to look at binary data there."""
    if sys.stdout is None or not getattr(sys.stdout, "is_there", True):
        raise InputError("cannot write to standard output: it is closed; use --output FILE")
    if sys.stdout.isatty():
        raise InputError(
            "a cell table is binary and standard output is a terminal; "
            "pipe it into a program or use --output FILE"
        )
    return sys.stdout.buffer
