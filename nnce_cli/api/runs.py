"""Enumerating, estimating and checking from Python."""

from __future__ import annotations

import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from nnce_cli.api.atlas import Atlas
from nnce_cli.api.domains import Box, Where, placed
from nnce_cli.api.network import Network
from nnce_cli.api.numbers import seconds as seconds_of
from nnce_cli.api.numbers import whole
from nnce_cli.base.errors import InputError
from nnce_cli.base.processes import usable_cores
from nnce_cli.base.signals import stop_on_signals
from nnce_cli.table import has_witness

if TYPE_CHECKING:
    from distributed import Client

    from nnce_cli.analysis import Forecast
    from nnce_cli.atlas import Verdict
    from nnce_cli.domain import Property
    from nnce_cli.enumeration import CellBatch
    from nnce_cli.run import Progress, Request, Result
    from nnce_cli.verify import Report

DEFAULT = Box(-1.0, 1.0)
SAMPLES = CLOSURE = 100_000  # as of ``nnce verify``


@overload
def enumerate_cells(
    network: Network, where: Where = ..., *, stream: Literal[True], method: str = ...
) -> Iterator[CellBatch]: ...


@overload
def enumerate_cells(
    network: Network,
    where: Where = ...,
    *,
    to: str | Path | None = ...,
    jobs: int | None = ...,
    engine: Client | None = ...,
    method: str = ...,
    witness: bool | None = ...,
    max_cells: int | None = ...,
    seconds: float | None = ...,
    resume: bool = ...,
    force: bool = ...,
    progress: bool = ...,
    watch: Callable[[Progress], None] | None = ...,
    stream: Literal[False] = ...,
) -> Atlas: ...


def enumerate_cells(
    network: Network,
    where: Where = DEFAULT,
    *,
    to: str | Path | None = None,
    jobs: int | None = None,
    engine: Client | None = None,
    method: str = "auto",
    witness: bool | None = None,
    max_cells: int | None = None,
    seconds: float | None = None,
    resume: bool = False,
    force: bool = False,
    progress: bool = False,
    watch: Callable[[Progress], None] | None = None,
    stream: bool = False,
) -> Atlas | Iterator[CellBatch]:
    """Enumerate all cells of a network on a domain.

    Args:
        network: from `load`.
        where: a `Box`, `HalfSpaces`, `Space`, `Slice`, or a pair of bounds.
        to: the file that the table goes to; by default one that is removed with the atlas.
        jobs: worker processes; by default the cores that are there.
        engine: a ``distributed.Client`` of the Dask cluster that works instead; it stays open.
        method: as of ``nnce enumerate --method``.
        witness: whether rows have a point inside their cell; by default for few inputs.
        max_cells: stop after the first so many cells, with an incomplete table.
        seconds: stop after this time, with the cells found so far.
        resume: go on with a run that was stopped or interrupted, if there is one; needs ``to``.
        force: replace the file, or an unfinished run.
        progress: keep a line on standard error that says how far the run is.
        watch: is shown a `Progress` again and again. An exception of it ends the run, which can be
            resumed.
        stream: yield `CellBatch` of rows in table order as they are found, by this process, and
            write nothing.

    Returns:
        The atlas, or an iterator.

    Raises:
        InputError: bad input, or the file exists.
        SavedError: an `InputError` (a full disk, for instance) after which the run can be resumed.
        KeyboardInterrupt: an interrupt (Ctrl-C). With ``to``, ``resume=True`` goes on from there.
    """
    stack, domain = placed(_checked(network).stack, where)
    if engine is not None and (jobs is not None or stream):
        raise InputError("jobs and stream are for this machine; leave them out with an engine")
    from nnce_cli.enumeration import AUTO, Problem, batches, choose, walk_factory

    problem = Problem.of(stack, domain)
    name = choose(problem)[0] if method == AUTO else method
    make_walk = walk_factory(name)
    if stream:
        return batches(make_walk(problem))
    from nnce_cli.parallel import Limits
    from nnce_cli.run import STDOUT, Request, finished_before

    if force and resume:
        raise InputError("force starts again and resume goes on; use one of them")
    if resume and to is None:
        raise InputError("a run without a file is gone when it stops; resume needs to=")
    if to is not None and str(to) == STDOUT:
        raise InputError("a table from Python goes to a file; name one with to=")
    folder = None if to is not None else tempfile.TemporaryDirectory(prefix="nnce-")
    target = Path(to) if to is not None else Path(str(folder and folder.name)) / "cells.parquet"
    request = Request(
        model=network.path,
        stack=stack,
        domain=domain,
        target=str(target),
        proof=None,
        folder=None if to is None else Path(f"{target}.run"),
        witness=has_witness(stack.n_inputs) if witness is None else witness,
        certify=True,
        method=name,
        lp="dictionary",
        jobs=usable_cores() if jobs is None else whole(jobs, "jobs", 1),
        limits=Limits(
            None if max_cells is None else whole(max_cells, "max_cells", 1),
            None if seconds is None else seconds_of(seconds),
        ),
        force=force,
        resume=resume,
        engine=engine,
    )
    if finished_before(request) is None:
        result = _run(request, watch, progress=progress)
        if result.stopped_by == "a signal":
            kept = "" if to is None else f"; go on with to={str(to)!r}, resume=True"
            raise KeyboardInterrupt(f"stopped after {result.cells:,} cells{kept}")
    return Atlas(target, network, folder)


def _run(request: Request, watch: Callable[[Progress], None] | None, *, progress: bool) -> Result:
    """Run until the end, a limit, or an interrupt."""
    from nnce_cli.api.progress import ProgressLine
    from nnce_cli.run import check_outputs, run

    check_outputs(request)
    with (
        stop_on_signals([signal.SIGINT]) as stop,
        ProgressLine() if progress else nullcontext() as line,
    ):
        observers = [*([watch] if watch else []), *([line.look] if line else [])]
        return run(request, observers, stop.is_requested, _warn)


def _warn(line: str) -> None:
    """Warn of what went wrong and is done again."""
    warnings.warn(line, RuntimeWarning, stacklevel=2)


def _checked(network: Network) -> Network:
    """Refuse what is no network."""
    if not isinstance(network, Network):
        raise InputError(f"a {type(network).__name__} is no network: use nnce.load")
    return network


def estimate(
    network: Network, where: Where = DEFAULT, *, seconds: float | None = None, seed: int = 0
) -> Forecast:
    """Estimate the cells of a network, and what their enumeration takes, from random probes.

    Returns:
        A `Forecast`: ``cells``, ``layer_cells``, ``table_seconds`` and more, each with an
        ``estimate`` and its 90% interval, ``low`` to ``high``.

    Raises:
        InputError: as `enumerate_cells`.
    """
    from nnce_cli.analysis import forecast

    stack, domain = placed(_checked(network).stack, where)
    limit = None if seconds is None else seconds_of(seconds)
    return forecast(stack, domain, seconds=limit, seed=whole(seed, "the seed"))


def verify(
    atlas: Atlas,
    network: Network | None = None,
    *,
    samples: int = SAMPLES,
    closure: int = CLOSURE,
    seed: int = 0,
    jobs: int = 1,
) -> Report:
    """Check a table against its network by independent code; see ``nnce verify``.

    Args:
        atlas: from `enumerate_cells` or `open_table`.
        network: its network, where the atlas does not have it.
        samples: random points that are looked up.
        closure: cells whose facets are looked at.
        seed: of what is random.
        jobs: worker processes.

    Returns:
        A `Report`: ``passed``, and ``checks`` one by one.

    Raises:
        InputError: there is no network, or it cannot be read.
    """
    from nnce_cli.verify import Options
    from nnce_cli.verify import verify as verify_table

    if not isinstance(atlas, Atlas):
        raise InputError(f"a {type(atlas).__name__} is no atlas: use nnce.open or nnce.enumerate")
    of = network or atlas.network
    if of is None:
        raise InputError("give the network that the table is of")
    options = Options(
        samples=whole(samples, "samples"),
        closure=whole(closure, "closure"),
        seed=whole(seed, "the seed"),
        jobs=whole(jobs, "jobs", 1),
    )
    return verify_table(atlas.path, _checked(of).path, options, lambda name, done, total: None)


def check(network: Network, prop: str | Path | Property) -> Verdict:
    """Decide exactly whether a property holds.

    Args:
        network: from `load`.
        prop: the name of a VNNLIB file, or a `Property`.

    Returns:
        A `Verdict`: ``holds``, and a ``counterexample`` where it does not.

    Raises:
        InputError: the property cannot be read, or is not about this network.
    """
    from nnce_cli.atlas import check as decide
    from nnce_cli.domain import Property, read_property

    stack = _checked(network).stack
    if isinstance(prop, str | Path):
        prop = read_property(Path(prop), network.n_inputs, stack.n_outputs)
    if not isinstance(prop, Property):
        raise InputError(f"a {type(prop).__name__} is no property: name a VNNLIB file")
    return decide(stack, prop)
