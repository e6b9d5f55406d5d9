"""``nnce`` without its start: forks of a process that has loaded everything.

Most commands of tests take less time than loading what they need. A fork is a process of its own,
with a working folder, an environment, pipes and an exit code as any other has. It gets no signals
here, and its memory is that of all that is loaded: where these matter, a test starts a real one.
"""

from __future__ import annotations

import atexit
import os
import pickle
import pkgutil
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = ("pyarrow.parquet", "rich.console", "scipy.optimize", "scipy.sparse")
MOST = 2**17  # bytes of a command with its environment


class LoadedProcess:
    """The process that forks, as long as this one lives."""

    def __init__(self) -> None:
        self._link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                cwd=ROOT,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )

    def run(self, words: list[str], cwd: Path, env: dict[str, str]) -> tuple[int, str, str]:
        """Run a command to its end; return its exit code, and what it wrote."""
        (out, out_end), (err, err_end) = os.pipe(), os.pipe()
        message = pickle.dumps((words, str(cwd), env))
        socket.send_fds(self._link, [message], [out_end, err_end])
        os.close(out_end)
        os.close(err_end)
        with os.fdopen(out) as out_file, os.fdopen(err) as err_file, ThreadPoolExecutor(1) as other:
            errors = other.submit(err_file.read)
            texts = out_file.read(), errors.result()
        return pickle.loads(self._link.recv(MOST)), *texts


@cache
def loaded_process() -> LoadedProcess:
    """Return the one of this process."""
    return LoadedProcess()


def load() -> None:
    """Load what commands load when they need it."""
    for library in LIBRARIES:
        import_module(library)
    import nnce_cli

    for module in pkgutil.walk_packages(nnce_cli.__path__, "nnce_cli."):
        if not module.name.startswith(("nnce_cli._core.", "nnce_cli.__main__")):
            import_module(module.name)
    assert "onnxruntime" not in sys.modules  # it has threads


def serve(link: socket.socket) -> list[str]:
    """Fork for each command; return its words in the fork, which is as the command wants it."""
    while True:
        message, ends, _, _ = socket.recv_fds(link, MOST, 2)
        if not message:
            sys.exit()
        child = os.fork()
        if not child:
            break
        for end in ends:
            os.close(end)
        _, status = os.waitpid(child, 0)
        link.send(pickle.dumps(os.waitstatus_to_exitcode(status)))
    link.close()
    words, cwd, env = pickle.loads(message)
    for number, end in enumerate(ends, 1):
        os.dup2(end, number)
        os.close(end)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, closefd=False)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    return words


def main() -> None:
    """Load, serve, and in a fork go on as ``nnce``."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as ``nnce`` does: a process with threads cannot fork
    load()
    sys.argv = serve(socket.socket(fileno=int(sys.argv[1])))
    from nnce_cli.cli import main as nnce

    try:
        nnce()
    except SystemExit as ending:
        end(int(ending.code or 0))


def end(code: int) -> NoReturn:
    """End as a process does, but do not take apart what is loaded, which takes long."""
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
