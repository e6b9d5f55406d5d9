"""What file systems need to be asked for."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

_CANNOT_SYNC_FOLDERS = (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES)


def sync_file(path: Path) -> None:
    """Bring what is in a file to the disk; raises OSError where that fails."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder last, where the file system can do it.

    Raises:
        OSError: it can, but failed.
    """
    descriptor = None
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC_FOLDERS:
            raise
    finally:
        if descriptor is not None:
            os.close(descriptor)


def real_path(name: str | Path) -> Path:
    """Return a path without symbolic links; what it names need not be there yet.

    Raises:
        OSError: the links go in a circle, or the name is too long, for instance.
    """
    with suppress(FileNotFoundError, NotADirectoryError):
        os.stat(name)
    return Path(os.path.realpath(name))
