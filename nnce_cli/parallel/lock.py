"""A lock on a run folder, held by one process at a time; it dies with its process."""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from nnce_cli.base.errors import InputError


class Lock:
    """A record lock on a file that names its holder.

    Record locks belong to a process: the system drops them when it ends in any way, and worker
    processes do not inherit them.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Raises:
            InputError: another process holds it, or the file cannot be written.
        """
        try:
            self._file = open(path, "a+")  # noqa: SIM115 (closed in __exit__)
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._file.close()
                raise InputError(
                    f"{path.parent} is in use by {describe(holder(path))}; "
                    "wait for it to end, or stop it"
                ) from None
            self._write(path)
        except OSError as error:
            raise InputError(
                f"cannot write {path}: {error.strerror}; choose another --run-dir"
            ) from error

    def _write(self, path: Path) -> None:
        """Write who holds the lock; where there is no room for that, leave nothing behind."""
        about = {"pid": os.getpid(), "host": os.uname().nodename, "since": time.time()}
        try:
            self._file.truncate(0)
            self._file.write(json.dumps(about))
            self._file.flush()
        except OSError:
            path.unlink(missing_ok=True)
            with suppress(OSError):  # what it still holds cannot be written
                self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


def holder(path: Path) -> dict[str, Any]:
    """Return what the lock file says of the process that took the lock last."""
    with suppress(OSError, ValueError, RecursionError):
        about = json.loads(path.read_text())
        if isinstance(about, dict) and isinstance(about.get("pid"), int):
            return about
    return {}


def describe(about: dict[str, Any]) -> str:
    """Name the holder of a lock for people."""
    if not about:
        return "another process"
    return f"process {about['pid']} on {about.get('host', 'this machine')}"


def is_held(path: Path) -> bool:
    """Tell whether another process holds the lock at ``path``, which may not exist.

    Looks without the right to write, since the run may be another user's.
    """
    try:
        with path.open("rb") as file:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
