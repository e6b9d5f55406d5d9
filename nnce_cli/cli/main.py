"""The console entry: from exceptions to messages and exit codes."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from contextlib import suppress
from typing import Any, NoReturn

import typer

from nnce_cli.base.errors import InputError
from nnce_cli.cli import exit_codes
from nnce_cli.cli.app import app

# Some versions of typer use click and some bring their own copy of it; in both, the error of bad
# usage is the parent of the one that typer exports.
_UsageError: type[Any] = typer.BadParameter.__mro__[1]

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}

TRACEBACK_VARIABLE = "NNCE_TRACEBACK"


def main() -> NoReturn:
    """Run the command line and exit."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, signal.default_int_handler)
    _hold_blas_at_one_thread()
    sys.exit(_exit_code())


def _hold_blas_at_one_thread() -> None:
    """Keep the libraries of NumPy, which is not loaded yet, from starting threads.

    Cells are enumerated by as many processes as ``--jobs`` says, this one among them, and what is
    rounded must not depend on the number of cores.
    """
    for library in ("OPENBLAS", "MKL", "OMP"):
        os.environ[f"{library}_NUM_THREADS"] = "1"


def _exit_code() -> int:
    """Run the command; turn what it raises into a message and an exit code."""
    try:
        _invoke()
    except typer.Exit as ending:
        return ending.exit_code
    except InputError as error:
        return _fail(str(error))
    except _UsageError as error:
        command = error.ctx.command_path if error.ctx is not None else "nnce"
        return _fail(f"{error.format_message().rstrip('.')}; see {command} --help")
    except BrokenPipeError:
        _drop_stdout()
    except KeyboardInterrupt:
        _drop_stdout()  # its reader may be stuck, and nobody waits for it
        _say("nnce: interrupted")
        return exit_codes.INCOMPLETE
    except Exception as error:
        # All other files are written under messages of their own.
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            _drop_stdout()
            return _fail(f"cannot write to standard output: {error.strerror}; make room for it")
        return _report_bug(error)
    return exit_codes.DONE


def _invoke() -> None:
    """Parse the command line and run the command, without typer's own idea of exit codes."""
    command = typer.main.get_command(app)
    try:
        with command.make_context("nnce", sys.argv[1:]) as context:
            command.invoke(context)
    except KeyboardInterrupt:
        raise
    except BaseException:
        _flush()
        raise
    _flush()


def _flush() -> None:
    if sys.stdout is not None:
        sys.stdout.flush()


def _fail(message: str) -> int:
    """Say what is wrong with the input, in one line; names in files may hold terminal codes."""
    line = "".join(c if c.isprintable() else "?" for c in " ".join(message.split()))
    _say(f"nnce: error: {line}")
    return exit_codes.BAD_INPUT


def _report_bug(error: Exception) -> int:
    if os.environ.get(TRACEBACK_VARIABLE):
        traceback.print_exception(error)
    _say(
        f"nnce: internal error: {type(error).__name__}: {error}\n"
        f"This is a bug in nnce; please report it, with the output under {TRACEBACK_VARIABLE}=1."
    )
    return exit_codes.BUG


def _say(message: str) -> None:
    if sys.stderr is not None:
        with suppress(OSError):
            print(message, file=sys.stderr)


def _drop_stdout() -> None:
    """Send what is left in the buffer to nowhere, or Python would complain about it at exit."""
    if sys.stdout is None:
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
