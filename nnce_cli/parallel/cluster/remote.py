"""What a worker of a cluster does: it takes a run in once, and then walks tasks of it.

The coordinator brings the run to every worker that it sees. Tasks may be there before, and wait.
"""

from __future__ import annotations

import os
import pickle
import shutil
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from nnce_cli.parallel.cluster.messages import (
    METRIC,
    Delivery,
    Newcomer,
    Refusal,
    Shared,
    difference,
    unpack_order,
    unpack_run,
    versions,
)
from nnce_cli.parallel.folder import PARTS, new_stray, part_path, proof_part_path
from nnce_cli.parallel.plan import Plan, Sinks
from nnce_cli.parallel.task import Failure, Outcome, Task
from nnce_cli.parallel.walking import attempt, steps_to_end, walk_task
from nnce_cli.parallel.worker import hold_blas_at_one_thread

MOST_RUNS = 4  # that a worker keeps; the network of one that it forgot is brought again
SECONDS_TO_WAIT = 20.0  # for a run whose task is there


class EndedError(BaseException):
    """The run of a task has ended; this is no failure of the task, so no ordinary exception."""


@dataclass
class Run:
    """A run that this process takes part in, or has to refuse."""

    plan: Plan | None
    refusal: str = ""
    parts: Path | None = None  # of the run, where its folder is to be seen from here
    has_ended: bool = False
    hands: dict[int, int] = field(default_factory=dict)  # cells so far, by the number of the task
    threads: threading.local = field(default_factory=threading.local)

    def own_plan(self) -> tuple[Plan, Sinks | None]:
        """Return a plan with a walk that is this thread's alone, and what it has for parts."""
        assert self.plan is not None
        if not hasattr(self.threads, "plan"):
            self.threads.plan = replace(self.plan)
        return self.threads.plan, self.plan.sink


_RUNS: dict[str, Run] = {}
_NEWS = threading.Condition()


def take_in(data: bytes, worker: Any) -> str | None:
    """Take a run in; return why that cannot be, None where it can."""
    token, theirs, plan, shared = unpack_run(data)
    refusal = difference(versions(), theirs)
    with _NEWS:
        known = token in _RUNS
    if not known:
        if refusal is None:
            hold_blas_at_one_thread()
            found = Run(pickle.loads(zlib.decompress(plan)), parts=_seen_from_here(shared))
        else:
            found = Run(None, refusal)
        with _NEWS:
            _RUNS.setdefault(token, found)
            for old in list(_RUNS)[:-MOST_RUNS]:
                del _RUNS[old]
            _NEWS.notify_all()
    worker.metrics[METRIC] = signs
    return refusal


def forget(token: str) -> None:
    """Stop walking tasks of a run, and forget it."""
    with _NEWS:
        run = _RUNS.pop(token, None)
    if run is not None:
        run.has_ended = True


def signs(worker: Any) -> dict[str, dict[str, int]]:
    """Return what goes with a heartbeat: the tasks in hand of each run, and their cells so far."""
    return {
        token: {str(number): cells for number, cells in list(run.hands.items())}
        for token, run in list(_RUNS.items())
        if run.hands
    }


def walk(data: bytes) -> bytes:
    """Walk tasks; return the pickled answer: what came of them, or why there is nothing."""
    token, tasks = unpack_order(data)
    return pickle.dumps(_answer(token, tasks))


def _answer(
    token: str, tasks: Sequence[Task]
) -> list[Delivery | Failure] | Refusal | Newcomer | None:
    """Walk tasks until the time of the errand is over; the last ones may be without an answer."""
    run = _waited_for(token)
    if run is None:
        return Newcomer(_here())
    if run.plan is None:
        return Refusal(f"{_here()} {run.refusal}")
    answers: list[Delivery | Failure] = []
    end = time.monotonic() + tasks[0].errand
    for task in tasks:
        run.hands[task.number] = 0
        left = replace(task, errand=end - time.monotonic())
        try:
            answers.append(attempt(task, partial(_delivery, run, left)))
        except EndedError:
            return None
        finally:
            run.hands.pop(task.number, None)
        if time.monotonic() >= end:
            break
    return answers


def _waited_for(token: str) -> Run | None:
    """Return a run, for which a task may have to wait; None where it does not come."""
    with _NEWS:
        _NEWS.wait_for(lambda: token in _RUNS, SECONDS_TO_WAIT)
        return _RUNS.get(token)


def _here() -> str:
    from distributed import get_worker

    address: str = get_worker().address
    return address


def _delivery(run: Run, task: Task) -> Delivery:
    plan, sinks = run.own_plan()

    def see(cells: int) -> None:
        run.hands[task.number] = cells
        if run.has_ended:
            raise EndedError

    if sinks is None:
        return Delivery(steps_to_end(walk_task(task, plan), see).finish(), None)
    with _place(run) as folder:
        plan.sink = sinks.inside(folder)
        outcome = steps_to_end(walk_task(task, plan), see).finish()
        if run.parts is not None:
            return Delivery(outcome, None, folder.name)
        return Delivery(outcome, _files(folder, outcome))


@contextmanager
def _place(run: Run) -> Iterator[Path]:
    """Yield a new folder for the parts of a task: among those of the run, or one of our own.

    It stays where the coordinator is to find it. A part never gets its name here: a worker that
    was thought dead may come back when the run, or another one in its folder, is elsewhere.
    """
    if run.parts is None:
        with tempfile.TemporaryDirectory(prefix="nnce-") as name:
            (Path(name) / PARTS).mkdir()
            yield Path(name)
        return
    place = run.parts / new_stray()
    try:
        (place / PARTS).mkdir(parents=True)
        yield place
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


def _files(folder: Path, outcome: Outcome) -> tuple[bytes, bytes]:
    number = outcome.task.number
    table, proof = part_path(folder, number), proof_part_path(folder, number)
    return (
        b"" if outcome.table is None else table.read_bytes(),
        b"" if outcome.proof is None else proof.read_bytes(),
    )


def _seen_from_here(shared: Shared | None) -> Path | None:
    """Return the folder of the run's parts, if it is the coordinator's, and can be written."""
    if shared is None:
        return None
    parts = Path(shared.folder) / PARTS
    with suppress(OSError, UnicodeDecodeError):
        is_same = (parts / shared.probe).read_text() == shared.probe
        if is_same and os.access(parts, os.W_OK | os.X_OK):
            return parts
    return None
