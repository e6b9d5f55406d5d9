"""How parts of tasks come into their place: from bytes, or from where a worker put them."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path

from nnce_cli.base.checksum import Checksum
from nnce_cli.base.errors import InputError
from nnce_cli.base.files import sync_folder
from nnce_cli.parallel.cluster.messages import Delivery, Newcomer, Refusal
from nnce_cli.parallel.folder import PARTS, part_path, proof_part_path
from nnce_cli.parallel.task import Failure, Outcome


def land(answer: bytes | None, folder: Path) -> list[Outcome | Failure] | Newcomer | None:
    """Open what a worker answered, and bring parts, if any, into their place in a run's folder.

    Returns:
        What came of the first tasks of the order; None where nothing did.

    Raises:
        InputError: the worker refuses the run, or a part cannot be written.
    """
    if answer is None:
        raise InputError("a Dask worker has no nnce that can take part")
    opened: list[Delivery | Failure] | Refusal | Newcomer | None = pickle.loads(answer)
    if isinstance(opened, Refusal):
        raise InputError(f"the Dask worker {opened.reason}")
    if not isinstance(opened, list):
        return opened
    return [x if isinstance(x, Failure) else _landed(x, folder) for x in opened]


def _landed(delivery: Delivery, folder: Path) -> Outcome | Failure:
    outcome = delivery.outcome
    if delivery.files is not None:
        return _from_bytes(outcome, delivery.files, folder)
    if delivery.place:
        return _from_place(outcome, folder / PARTS / os.path.basename(delivery.place), folder)
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
