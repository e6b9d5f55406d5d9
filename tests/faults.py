"""Make the n-th write, sync, rename or commit of a run fail, in whichever process it happens.

Or kill the process there, as a power cut would.
"""

from __future__ import annotations

import builtins
import errno
import os
import signal
import sqlite3
import sys
import tempfile
from functools import cache
from pathlib import Path

from nnce_cli.cli import main
from tests.command import four_lines, nnce_inside


def run_forked(
    arguments: list[str], folder: Path, fault: int | None = None, *, deadly: bool = False
) -> tuple[int, str, int]:
    """Run ``nnce`` in a fork of this process; its ``fault``-th durable operation fails.

    Where that is ``deadly``, the process that meets it is killed instead. Returns the exit code,
    what it wrote to standard error, and how many operations there were.
    """
    _load()
    for name in ("operations", "errors"):
        (folder / name).write_bytes(b"")
    child = os.fork()
    if child == 0:
        code = 99
        try:
            _redirect(folder / "errors")
            os.chdir(folder)
            sys.argv = ["nnce", *arguments]
            _inject(Faults(folder / "operations", fault, deadly=deadly))
            main()
        except SystemExit as ending:
            code = int(ending.code or 0)
        finally:
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    errors = (folder / "errors").read_text()
    operations = (folder / "operations").stat().st_size
    for name in ("operations", "errors"):
        (folder / name).unlink()
    return os.waitstatus_to_exitcode(status), errors, operations


@cache
def _load() -> None:
    """Run ``nnce`` in this process: what that loads, its forks need not load again and again."""
    with tempfile.TemporaryDirectory() as name:
        model = four_lines(Path(name) / "m.onnx")
        arguments = ("-o", "t", "--proof", "p", "-j", "1", "-q")
        assert nnce_inside("enumerate", model, *arguments, cwd=name).returncode == 0


def _redirect(errors: Path) -> None:
    descriptor = os.open(errors, os.O_WRONLY | os.O_APPEND)
    os.dup2(descriptor, 2)
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 (until the process ends)


class Faults:
    """Counts operations over all processes of a run, by the size of a file."""

    def __init__(self, counter: Path, fault: int | None, *, deadly: bool) -> None:
        self._deadly = deadly
        self._counter = os.open(counter, os.O_WRONLY | os.O_APPEND)
        self._fault = fault

    def happen(self) -> bool:
        """Count an operation; tell whether it is to fail."""
        os.write(self._counter, b".")
        happens = os.fstat(self._counter).st_size == self._fault
        if happens and self._deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return happens

    def strike(self) -> None:
        """Count an operation of the file system, and fail if it is its turn."""
        if self.happen():
            raise OSError(errno.EIO, "injected")


def _inject(faults: Faults) -> None:
    """Put faults before what makes things last; all processes that are forked have them."""

    def striking(operation):
        def struck(*arguments, **options):
            faults.strike()
            return operation(*arguments, **options)

        return struck

    os.fsync = striking(os.fsync)
    os.replace = striking(os.replace)
    real_open, real_connect = builtins.open, sqlite3.connect

    class File:
        """A file for writing whose writes may fail."""

        def __init__(self, file) -> None:
            self._file = file

        def write(self, data):
            faults.strike()
            return self._file.write(data)

        def __getattr__(self, name):
            return getattr(self._file, name)

    class Connection(sqlite3.Connection):
        """A connection whose commits may fail."""

        def execute(self, statement, *arguments):
            if statement == "COMMIT" and faults.happen():
                raise sqlite3.OperationalError("injected")
            return super().execute(statement, *arguments)

    def open_file(path, mode="r", *arguments, **options):
        file = real_open(path, mode, *arguments, **options)
        return File(file) if mode == "xb" else file

    builtins.open = open_file
    sqlite3.connect = lambda *a, **o: real_connect(*a, factory=Connection, **o)
