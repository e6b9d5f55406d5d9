"""A run, from a request to its output. It reports what happens, and prints nothing."""

from __future__ import annotations

import dataclasses
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from nnce_cli import __version__
from nnce_cli.base.errors import InputError
from nnce_cli.base.memory import peak_memory_bytes
from nnce_cli.run.events import Observer, Progress
from nnce_cli.run.gathering import Gathering
from nnce_cli.run.request import STDOUT, Request, Result

if TYPE_CHECKING:
    from nnce_cli.parallel import Engine, Journal, Plan, RunFolder, View
    from nnce_cli.table import Metadata, PartWriter

SECONDS_BETWEEN_REPORTS = 0.05  # to observers


class SavedError(InputError):
    """A run that an error stopped; what it has found is kept, and it can be resumed."""


def default_folder(model: Path, target: str | None) -> Path | None:
    """Return where a run keeps its journal: beside the output; None for a temporary folder."""
    if target == STDOUT:
        return None
    if target is not None:
        return Path(f"{target}.run")
    folder = Path(f"{model.stem}.count.run")
    return folder if folder.exists() or os.access(".", os.W_OK) else None


def check_outputs(request: Request) -> None:
    """Refuse outputs that cannot be written before any slow work.

    Raises:
        InputError: one exists already, for instance, or there is an unfinished run.
    """
    from nnce_cli.parallel import is_run, refuse_run
    from nnce_cli.table import Output

    if request.folder is not None and is_run(request.folder):
        if request.resume:
            return  # the journal knows whether an output may be replaced
        refuse_run(request.folder, force=request.force)
    for target in (request.target, request.proof):
        if target is not None:
            with Output(target, force=request.force):
                pass


def finished_before(request: Request) -> Metadata | None:
    """Return what a complete table says that an earlier call of this command has written."""
    target = request.target
    if not request.resume or target in (None, STDOUT) or not Path(str(target)).exists():
        return None
    from nnce_cli.parallel import is_run, sweep
    from nnce_cli.table import CellTableReader

    if request.folder is not None and is_run(request.folder):
        return None
    if request.proof is not None and not Path(request.proof).exists():
        return None
    with CellTableReader(str(target)) as reader:
        said, wanted = reader.metadata, request.metadata
        same = (said.model, said.domain, said.witness, _made(said)) == (
            wanted.model, wanted.domain, wanted.witness, _made(wanted),
        )  # fmt: skip
        if not (same and said.complete and said.certified >= request.certify):
            return None
        for _ in reader.batches():  # damage is not to be called complete and certified
            pass
    if request.folder is not None:
        sweep(request.folder)
    return said


def _made(said: Metadata) -> tuple[str, str | None, bool] | None:
    """Return how a table was made, whatever the version."""
    return None if said.made is None else (said.made.method, said.made.lp, said.made.proof)


def run(
    request: Request,
    observers: Sequence[Observer] = (),
    should_stop: Callable[[], bool] = lambda: False,
    tell: Callable[[str], None] = lambda line: None,
) -> Result:
    """Run, or go on with a run, until it ends or is stopped; write the output.

    Args:
        request: what to enumerate, and where it goes.
        observers: are shown the run again and again.
        should_stop: is asked again and again; the run stops, resumable, where it says so.
        tell: is told, in a line, of what went wrong and is done again.

    Raises:
        SavedError: something cannot be written; the run can be resumed.
        InputError: the same where nothing was found yet, or the run folder is another run's.
    """
    from nnce_cli.parallel import coordinate

    with (
        _folder(request) as folder,
        Gathering(request, folder, plan := _plan(request, folder), should_stop, tell) as gathering,
    ):
        looks: list[Callable[[View], None]] = [_Reports(observers), gathering.look]
        plan.walk  # noqa: B018 (it is made before the clock starts)
        before, started = folder.journal.totals.cells, time.perf_counter()
        with _saving(request, folder):
            stopped_by = coordinate(
                folder.journal, plan, request.jobs, request.limits, should_stop, looks,
                _engine(request, plan, folder, tell),
            )  # fmt: skip
            found, stopped_by = gathering.finish(stopped_by or _given_up(folder.journal))
        totals = folder.journal.totals
        result = Result(
            cells=found.cells,
            layer_cells=list(found.layer_cells),
            stopped_by=stopped_by,
            certified=request.certify,
            decisions=totals.decisions,
            found=totals.cells - before,
            seconds=time.perf_counter() - started,
            memory=max(peak_memory_bytes(), totals.memory),
            written=gathering.written,
        )
        if result.complete or request.folder is None:
            folder.remove()
    return result


class _Reports:
    """Shows a run to observers, now and then and at its end: hundreds of workers are a lot."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers
        self._next = 0.0

    def __call__(self, view: View) -> None:
        now = time.monotonic()
        if now < self._next and view.journal.totals.waiting:
            return
        self._next = now + SECONDS_BETWEEN_REPORTS
        progress = Progress.of(view)
        for observe in self._observers:
            observe(progress)


def _plan(request: Request, folder: RunFolder) -> Plan:
    from nnce_cli.enumeration import Problem
    from nnce_cli.parallel import Plan

    metadata = request.metadata
    parts = _Parts(folder.path, metadata, proof=request.proof is not None)
    return Plan(
        problem=Problem.of(request.stack, request.domain),
        method=request.method,
        lp=request.lp,
        witness=metadata.witness,
        certify=request.certify,
        log=request.proof is not None,
        sink=parts if folder.journal.about["rows"] else None,
    )


def _engine(
    request: Request, plan: Plan, folder: RunFolder, tell: Callable[[str], None]
) -> Engine | None:
    """Return where tasks are walked if that is not this machine."""
    if request.engine is None:
        return None
    from nnce_cli.parallel import DaskEngine

    return DaskEngine(request.engine, plan, folder.path, request.model.stem, tell)


@dataclass(frozen=True)
class _Parts:
    """Opens the parts of tasks, in whichever process walks them."""

    folder: Path
    metadata: Metadata
    proof: bool

    def __call__(self, number: int) -> PartWriter:
        """Open the part of the task of this number."""
        from nnce_cli.parallel import part_path, proof_part_path
        from nnce_cli.table import PartWriter

        proof = proof_part_path(self.folder, number) if self.proof else None
        return PartWriter(part_path(self.folder, number), proof, self.metadata)

    def inside(self, folder: Path) -> Self:
        """Return the same for another folder."""
        return dataclasses.replace(self, folder=folder)


def _identity(request: Request) -> dict[str, Any]:
    """Return what a run must have in common with the one that it goes on with."""
    identity = {
        "model": request.metadata.model,
        "domain": request.metadata.domain,
        "output": "a count" if request.target is None else "a table",
        "method": request.method,
        "choice of --lp": request.lp,
        "choice of --witness": request.metadata.witness,
        "choice of --no-certify": not request.certify,
        "choice of --proof": request.proof is not None,
        "version of nnce": __version__,
    }
    if _has_rows(request):
        import pyarrow as pa

        identity["version of pyarrow"] = pa.__version__
    return identity


def _has_rows(request: Request) -> bool:
    """Tell whether parts are kept: the first N cells and their layers are known from rows alone."""
    return request.target is not None or request.limits.max_cells is not None


@contextmanager
def _folder(request: Request) -> Iterator[RunFolder]:
    from nnce_cli.parallel import RunFolder, is_run

    identity = _identity(request)
    layers = len(request.stack.hidden)
    about = identity | {
        "rows": _has_rows(request),
        "ours": ["proof", "table"] if request.force else [],  # outputs that may be replaced
        "path": str(request.model),
        "widths": list(request.stack.widths),
        "started": time.time(),
    }
    temporary: AbstractContextManager[str | None] = nullcontext()
    if request.folder is None:
        temporary = tempfile.TemporaryDirectory(prefix="nnce-", ignore_cleanup_errors=True)
    with temporary as place:
        path = request.folder if place is None else Path(place) / "run"
        assert path is not None
        if request.resume and is_run(path):
            with RunFolder.resume(path, identity, request.stack) as folder:
                yield folder
        else:
            with RunFolder.create(path, about, layers, force=request.force) as folder:
                try:
                    yield folder
                except Exception:
                    if folder.journal.totals.done == 0:
                        folder.remove()  # nothing is lost
                    raise


@contextmanager
def _saving(request: Request, folder: RunFolder) -> Iterator[None]:
    """Let an error know that the run is saved, where it is."""
    try:
        yield
    except InputError as error:
        if request.folder is None or folder.journal.totals.done == 0:
            raise
        raise SavedError(str(error)) from error


def _given_up(journal: Journal) -> str | None:
    troubles = journal.troubles()
    if not troubles:
        return None
    number, trouble = troubles[0]
    last_line = trouble.strip().splitlines()[-1]
    if trouble.startswith("Traceback"):  # not killed: an error of ours, after all else was done
        raise RuntimeError(f"task {number}: {last_line}")
    more = f" and {len(troubles) - 1} more" if len(troubles) > 1 else ""
    return f"trouble with task {number}{more}, tried again and again: {last_line}"
