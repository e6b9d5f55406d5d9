"""How the part of a task comes into its place: from bytes, or from where a worker put it."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path

from nnce_cli.base.checksum import Checksum
from nnce_cli.base.files import sync_folder
from nnce_cli.parallel.cluster.messages import Delivery, Newcomer, Refusal
from nnce_cli.parallel.folder import PARTS, part_path, proof_part_path
from nnce_cli.parallel.task import Failure, Outcome, Task

Answer = Outcome | Failure | Newcomer | None


def land(answer: bytes | None, task: Task, folder: Path) -> Answer:
    """Open what a worker answered, and bring the part, if any, into its place in a run's folder.

    Returns:
        What came of the task; None where nothing did, and it has to be given again.

    Raises:
        InputError: the part cannot be written.
    """
    if answer is None:
        return Failure(task, "a Dask worker has no nnce that can take part", fatal=True)
    opened: Delivery | Failure | Refusal | Newcomer | None = pickle.loads(answer)
    if isinstance(opened, Refusal):
        return Failure(task, f"the Dask worker {opened.reason}", fatal=True)
    if not isinstance(opened, Delivery):
        return opened
    outcome = opened.outcome
    if opened.files is not None:
        return _from_bytes(outcome, opened.files, folder)
    if opened.place:
        return _from_place(outcome, folder / PARTS / os.path.basename(opened.place), folder)
    return outcome


def _from_bytes(outcome: Outcome, files: tuple[bytes, bytes], folder: Path) -> Outcome | Failure:
    from nnce_cli.table import Output

    number = outcome.task.number
    paths = part_path(folder, number), proof_part_path(folder, number)
    for path, data, checksum in zip(paths, files, (outcome.table, outcome.proof), strict=True):
        if checksum is None:
            continue
        if Checksum.of(data) != checksum:
            return Failure(outcome.task, "its part was damaged on the way")
        with Output(str(path), force=True) as output:
            output.write(data)
            output.commit()
    return outcome


def _from_place(outcome: Outcome, place: Path, folder: Path) -> Outcome | Failure:
    """Take the part from where a worker has written it and waited for the disk."""
    number = outcome.task.number
    for name, checksum in ((part_path, outcome.table), (proof_part_path, outcome.proof)):
        if checksum is None:
            continue
        trouble = checksum.trouble(name(place, number))
        if trouble is not None:
            return Failure(outcome.task, f"its part {trouble}")
        os.replace(name(place, number), name(folder, number))
    sync_folder(folder / PARTS)
    shutil.rmtree(place, ignore_errors=True)
    return outcome
