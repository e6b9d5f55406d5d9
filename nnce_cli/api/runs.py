"""Enumerating, estimating and checking from Python."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from nnce_cli.api.atlas import Atlas
from nnce_cli.api.domains import Box, Where, placed
from nnce_cli.api.network import Network
from nnce_cli.base.errors import InputError
from nnce_cli.base.processes import usable_cores
from nnce_cli.table import has_witness

if TYPE_CHECKING:
    from distributed import Client

    from nnce_cli.analysis import Forecast
    from nnce_cli.atlas import Verdict
    from nnce_cli.domain import Property
    from nnce_cli.enumeration import CellBatch
    from nnce_cli.parallel import View
    from nnce_cli.verify import Report

DEFAULT = Box(-1.0, 1.0)


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
    watch: Callable[[View], None] | None = ...,
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
    watch: Callable[[View], None] | None = None,
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
        resume: go on with a run that was stopped or interrupted; needs ``to``.
        force: replace the file, or an unfinished run.
        watch: is shown the run again and again, with ``cells`` found so far.
        stream: yield `CellBatch` of rows in table order as they are found, by this process, and
            write nothing.

    Returns:
        The atlas, or an iterator. An interrupt (Ctrl-C) leaves a run that ``resume`` goes on with,
        where it has a file.

    Raises:
        InputError: bad input, or the file exists.
    """
    if engine is not None and (jobs is not None or stream):
        raise InputError("jobs and stream are for this machine; leave them out with an engine")
    stack, domain = placed(network.stack, where)
    from nnce_cli.enumeration import AUTO, Problem, batches, choose, walk_factory

    problem = Problem.of(stack, domain)
    name = choose(problem)[0] if method == AUTO else method
    if stream:
        return batches(walk_factory(name)(problem))
    from nnce_cli.parallel import Limits
    from nnce_cli.run import Request, check_outputs, finished_before, run

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
        jobs=jobs or usable_cores(),
        limits=Limits(max_cells, seconds),
        force=force,
        resume=resume,
        engine=engine,
    )
    if finished_before(request) is None:
        check_outputs(request)
        run(request, [] if watch is None else [watch])
    return Atlas(target, network, folder)


def estimate(
    network: Network, where: Where = DEFAULT, *, seconds: float | None = None, seed: int = 0
) -> Forecast:
    """Estimate the cells of a network, and what their enumeration takes, from random probes.

    Raises:
        InputError: as `enumerate_cells`.
    """
    from nnce_cli.analysis import forecast

    return forecast(*placed(network.stack, where), seconds=seconds, seed=seed)


def verify(atlas: Atlas, network: Network | None = None, **options: Any) -> Report:
    """Check a table against its network by independent code; see ``nnce verify``.

    ``options`` are ``samples``, ``closure``, ``seed`` and ``jobs``.

    Raises:
        InputError: there is no network, or it cannot be read.
    """
    from nnce_cli.verify import Options
    from nnce_cli.verify import verify as verify_table

    of = network or atlas.network
    if of is None:
        raise InputError("give the network that the table is of")
    return verify_table(atlas.path, of.path, Options(**options), lambda name, done, total: None)


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
    from nnce_cli.domain import read_property

    if isinstance(prop, str | Path):
        prop = read_property(Path(prop), network.n_inputs, network.stack.n_outputs)
    return decide(network.stack, prop)
