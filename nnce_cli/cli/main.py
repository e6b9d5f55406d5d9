"""The console entry: from exceptions to messages and exit codes.

The exit code is that of the work, whoever reads what it says.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from typing import Any, NoReturn

import typer

from nnce_cli.base.errors import InputError
from nnce_cli.base.memory import is_out_of_memory, refuse_few_addresses
from nnce_cli.base.streams import STDOUT, lost_output, send_nowhere, steady_streams
from nnce_cli.base.text import message_line, visible
from nnce_cli.cli import exit_codes
from nnce_cli.cli.app import COMMANDS, app
from nnce_cli.cli.say import say

# Some versions of typer use click and some bring their own copy of it; in both, the error of bad
# usage is the parent of the one that typer exports.
_UsageError: type[Any] = typer.BadParameter.__mro__[1]

TRACEBACK_VARIABLE = "NNCE_TRACEBACK"
BUG = f"This is a bug in nnce; please report it, with the output under {TRACEBACK_VARIABLE}=1."
COMPLETION_VARIABLE = "_NNCE_COMPLETE"  # set by the scripts of --install-completion


def main() -> NoReturn:
    """Run the command line and exit."""
    steady_streams()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, signal.default_int_handler)
    _hold_blas_at_one_thread()
    sys.exit(_with_output(_exit_code()))


def _with_output(code: int) -> int:
    """Return the exit code of a command that ended with ``code``; say what output was lost."""
    lost = lost_output()
    if lost is None or code in (exit_codes.BAD_INPUT, exit_codes.BUG):
        return code
    _fail(f"cannot write to standard output: {lost.strerror}; make room for it, or open it")
    return code or exit_codes.BAD_INPUT


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
        from nnce_cli.cli.usage import usage_message

        return _fail(usage_message(error, COMMANDS))
    except BrokenPipeError:  # binary data that nobody reads, before its end
        return exit_codes.INCOMPLETE
    except KeyboardInterrupt:
        send_nowhere(STDOUT)  # its reader may be stuck, and nobody waits for it
        say("interrupted")
        return exit_codes.INCOMPLETE
    except Exception as error:
        trouble = _trouble_of_the_machine(error)
        return _report_bug(error) if trouble is None else _fail(trouble)
    return exit_codes.DONE


def _trouble_of_the_machine(error: Exception) -> str | None:
    """Return what the user can do about an error that is none of ours; None for all others."""
    if is_out_of_memory(error):
        return (
            "out of memory; end other programs, raise the limit (ulimit), or take a smaller network"
        )
    if not isinstance(error, OSError):
        return None
    if error.filename is not None:
        name = os.fsdecode(error.filename) if not isinstance(error.filename, int) else ""
        return f"cannot use {name}: {error.strerror}; check the name, its folder and the rights"
    return f"the system refuses: {error.strerror or error}; make room, or raise the limit (ulimit)"


def _invoke() -> None:
    """Parse the command line and run the command, without typer's own idea of exit codes."""
    command = typer.main.get_command(app)
    if COMPLETION_VARIABLE in os.environ:
        command.main(prog_name="nnce")  # it answers the shell, and ends
    with command.make_context("nnce", sys.argv[1:]) as context:
        refuse_few_addresses()
        command.invoke(context)


def _fail(message: str) -> int:
    """Say what is wrong with the input, in one line."""
    say(f"error: {message_line(message)}")
    return exit_codes.BAD_INPUT


def _report_bug(error: Exception) -> int:
    if os.environ.get(TRACEBACK_VARIABLE):
        traceback.print_exception(error)
    say(f"internal error: {type(error).__name__}: {visible(str(error))}")
    print(BUG, file=sys.stderr)
    return exit_codes.BUG
