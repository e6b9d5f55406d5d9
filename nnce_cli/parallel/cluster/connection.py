"""The way to a Dask cluster: a scheduler that runs somewhere, or a cluster on this machine."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnce_cli.base.errors import InputError
from nnce_cli.base.processes import MOST_PROCESSES, usable_cores

if TYPE_CHECKING:
    from distributed import Client

LOCAL = "local"
SECONDS_TO_CONNECT = 30.0  # and to connect again, when the scheduler is gone
SECONDS_TO_CLOSE = 5.0
HEARTBEAT_LIMIT = "60 s"  # after which a local worker is started anew


@contextmanager
def connected(where: str) -> Iterator[Client]:
    """Yield a client of the cluster that ``where`` names, and close it.

    It is the address of a scheduler, the name of the file that one wrote, or local:N for N worker
    processes on this machine. What Dask has to say of itself is not shown.

    Raises:
        InputError: Dask is not installed, or no scheduler is to be reached there.
    """
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise InputError(
            f"--dask needs Dask, and {error.name or 'a part of it'} is not installed: "
            "pip install distributed"
        ) from error
    for name in ("distributed", "tornado", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        options = _scheduler(where, stack)
        try:
            client = distributed.Client(
                **options, timeout=SECONDS_TO_CONNECT, set_as_default=False, name="nnce"
            )
        except (OSError, ValueError, ImportError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(
                f"no Dask scheduler is to be reached at {where} ({reason}); start one with "
                "`dask scheduler`, or see what address it says"
            ) from error
        stack.callback(_close, client)
        yield client


def _close(client: Any) -> None:
    with suppress(OSError, RuntimeError):  # the scheduler hangs, or is gone
        client.close(timeout=SECONDS_TO_CLOSE)


def _scheduler(where: str, stack: ExitStack) -> dict[str, Any]:
    """Return how a client finds the scheduler; a local one ends with ``stack``."""
    kind, _, count = where.partition(":")
    if kind == LOCAL:
        return {"address": _local(_count(where, count), stack)}
    if Path(where).is_file():
        return {"scheduler_file": where}
    return {"address": where}


def _count(where: str, count: str) -> int:
    if not count:
        return usable_cores()
    if not (count.isascii() and count.isdigit() and 1 <= int(count) <= MOST_PROCESSES):
        raise InputError(f"--dask {where}: give a number of worker processes, such as local:4")
    return int(count)


def _local(workers: int, stack: ExitStack) -> Any:
    distributed: Any = import_module("distributed")
    with _deaf_children():
        cluster = distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
            scheduler_kwargs={"worker_ttl": HEARTBEAT_LIMIT},
        )
    stack.callback(cluster.close, timeout=SECONDS_TO_CLOSE)
    return cluster


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Have processes that the threads made inside start, now or later, not hear of Ctrl-C.

    The terminal sends it to all of them, and what it means is the coordinator's business. Here it
    has to wait until the end.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
