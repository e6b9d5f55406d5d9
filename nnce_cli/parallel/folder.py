"""The folder of a run: its journal, its part files, and a lock."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from nnce_cli.base.errors import InputError
from nnce_cli.base.files import sync_folder
from nnce_cli.network import LayerStack
from nnce_cli.parallel.journal import Journal, remove_journal
from nnce_cli.parallel.lock import Lock

JOURNAL = "journal.sqlite"
LOCK = "lock"
PARTS = "parts"


class RunFolder:
    """A run folder that this process has locked; use it in a ``with`` block."""

    def __init__(self, path: Path, lock: Lock, journal: Journal) -> None:
        """Use `create` or `resume`."""
        self.path = path
        self.journal = journal
        self._lock = lock

    @classmethod
    def create(cls, path: Path, about: dict[str, Any], layers: int, *, force: bool) -> Self:
        """Begin a run of ``about``; with ``force`` an older one in this folder is thrown away.

        Raises:
            InputError: there is a run already, it is in use, or the folder cannot be written.
        """
        refuse_run(path, force=force)
        if _is_strange(path):
            raise InputError(f"{path} exists and is not the folder of a run; move it away")
        lock = _locked(path)
        try:
            shutil.rmtree(path / PARTS, ignore_errors=True)
            Journal.create(path / JOURNAL, about, layers)
            return cls._opened(path, lock)
        except BaseException:
            sweep(path, journal=True)  # nothing is lost
            lock.__exit__(None, None, None)
            raise

    @classmethod
    def resume(cls, path: Path, about: dict[str, Any], stack: LayerStack) -> Self:
        """Go on with the run of ``stack`` in this folder, which must be about the same.

        Raises:
            InputError: it is about something else, in use or damaged, or cannot be written.
        """
        lock = _locked(path)
        try:
            folder = cls._opened(path, lock)
        except BaseException:
            lock.__exit__(None, None, None)
            raise
        try:
            folder._compare(about)
            folder.journal.check(stack)
            folder.journal.try_again()
        except BaseException:
            folder.__exit__(None, None, None)
            raise
        return folder

    @classmethod
    def _opened(cls, path: Path, lock: Lock) -> Self:
        """Open the journal and make room for parts; what killed workers left goes away."""
        with _reporting(path):
            (path / PARTS).mkdir(exist_ok=True)
            for stray in (path / PARTS).glob(".nnce-*.part"):
                if stray.is_dir():
                    shutil.rmtree(stray, ignore_errors=True)
                else:
                    stray.unlink(missing_ok=True)
        return cls(path, lock, Journal(path / JOURNAL, write=True))

    def _compare(self, about: dict[str, Any]) -> None:
        """Refuse to go on with a run of another model, domain, option or version."""
        said = self.journal.about
        if not (isinstance(said.get("rows"), bool) and isinstance(said.get("ours", []), list)):
            raise InputError(f"{self.path / JOURNAL} is damaged; start again with --force")
        for name, value in about.items():
            before = self.journal.about.get(name)
            if before != value:
                here, there = _short(value), _short(before)
                difference = f": {there} there, {here} here" if here != there else ""
                raise InputError(
                    f"{self.path} holds a run with another {name.replace('_', ' ')}{difference}; "
                    "give what it was started with, or --force to start again"
                )

    def temporary_name(self, kind: str, beside: Path) -> str:
        """Return what an output of this ``kind`` is called, beside it, until it is whole.

        It follows from where the run is, so that a run that goes on, or starts again after its
        journal was lost, finds what a killed process left. Others have other names, for no two
        runs have the same folder.
        """
        run = os.path.relpath(os.path.realpath(self.path), beside)
        digest = hashlib.sha256(os.fsencode(f"{kind} {run}")).hexdigest()
        return f".nnce-{digest[:16]}.part"

    def remove(self) -> None:
        """Remove what is ours in the folder: the run is done and its output in place."""
        self.journal.close(forget=True)
        sweep(self.path, journal=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.journal.close()
        self._lock.__exit__(kind, error, trace)


def new_stray() -> str:
    """Return the name of something new among the parts that is swept up when a run goes on."""
    return f".nnce-{secrets.token_hex(8)}.part"


def part_path(folder: Path, number: int) -> Path:
    """Return where the rows of a task go, in the folder of its run."""
    return folder / PARTS / f"{number}.cells.parquet"


def proof_part_path(folder: Path, number: int) -> Path:
    """Return where the part of the certificate of a task goes, in the folder of its run."""
    return folder / PARTS / f"{number}.proof.parquet"


def is_run(path: Path) -> bool:
    """Tell whether a folder holds a run, as far as this process may look into it."""
    try:
        return (path / JOURNAL).exists()
    except OSError:
        return False


def refuse_run(path: Path, *, force: bool) -> None:
    """Refuse to begin where there is a run already, unless with ``force``.

    Raises:
        InputError: there is one.
    """
    if is_run(path) and not force:
        raise InputError(
            f"{path} holds an unfinished run; add --resume to go on with it, "
            "or --force to throw it away and start again"
        )


def sweep(path: Path, *, journal: bool = False) -> None:
    """Remove what a finished run left in its folder, and the folder if that was all.

    The journal goes first, if at all: without it nobody will look for parts.
    """
    with suppress(OSError):
        if journal:
            remove_journal(path / JOURNAL)
            if any((path / PARTS).glob("*")):
                with suppress(OSError):  # then a power cut may bring the journal back, no more
                    sync_folder(path)
        if not is_run(path):
            remove_journal(path / JOURNAL)  # of which the main file may be lost
            shutil.rmtree(path / PARTS, ignore_errors=True)
            (path / LOCK).unlink(missing_ok=True)
            path.rmdir()


def _is_strange(path: Path) -> bool:
    """Tell whether something is there that no run has made."""
    if not path.exists() or is_run(path):
        return False
    return not path.is_dir() or any(
        entry.name not in (LOCK, PARTS) and not entry.name.startswith(JOURNAL)
        for entry in path.iterdir()
    )


def _locked(path: Path) -> Lock:
    with _reporting(path):
        path.mkdir(exist_ok=True)
    try:
        return Lock(path / LOCK)
    except InputError:
        with suppress(OSError):  # a folder that holds something stays
            path.rmdir()
        raise


@contextmanager
def _reporting(path: Path) -> Iterator[None]:
    """Turn a failure to write in the run folder into a message."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"cannot write in the run folder {path}: {error.strerror}; choose another --run-dir"
        ) from error


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{text[:20]}…"
