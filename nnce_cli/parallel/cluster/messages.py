"""What goes between the coordinator and the workers of a cluster: bytes, which nobody else opens.

The scheduler need not have nnce, and a worker that has another version has to say so. So the
functions that workers are sent are closures, which cloudpickle takes apart and not by name, and
they import what they need when they are there.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from nnce_cli import __version__
from nnce_cli.enumeration import pack_subtrees, unpack_subtrees
from nnce_cli.parallel.task import Task

if TYPE_CHECKING:
    from nnce_cli.parallel.task import Outcome

METRIC = "nnce"  # what workers add to the metrics of their heartbeats: the tasks in their hands


@dataclass(frozen=True)
class Shared:
    """The folder of a run, and a file in it by which a worker knows that it sees the same one."""

    folder: str
    probe: str


@dataclass(frozen=True)
class Delivery:
    """What a worker found, and where the part is.

    ``files`` are the table and the proof as bytes, empty ones for those that there are not; None
    where both are in the folder ``place`` among the parts of the run.
    """

    outcome: Outcome
    files: tuple[bytes, bytes] | None
    place: str = ""


@dataclass(frozen=True)
class Refusal:
    """Why a worker cannot take part."""

    reason: str


@dataclass(frozen=True)
class Newcomer:
    """The address of a worker that waited for the run in vain."""

    address: str


def pack_run(token: str, plan: bytes, shared: Shared | None) -> bytes:
    """Pack a run for workers of any version; they open ``plan`` if theirs is the same."""
    about = (token, versions(), plan, None if shared is None else (shared.folder, shared.probe))
    return pickle.dumps(about)


def unpack_run(data: bytes) -> tuple[str, dict[str, str], bytes, Shared | None]:
    """Return what `pack_run` packed, and the versions of the coordinator."""
    token, theirs, plan, shared = pickle.loads(data)
    return token, theirs, plan, None if shared is None else Shared(*shared)


def pack_order(token: str, tasks: Sequence[Task]) -> bytes:
    """Pack tasks of a run, to be walked one after the other."""
    packed = [(t.number, t.generation, pack_subtrees(t.roots), t.errand) for t in tasks]
    return pickle.dumps((token, packed))


def unpack_order(data: bytes) -> tuple[str, list[Task]]:
    """Return what `pack_order` packed."""
    token, packed = pickle.loads(data)
    return token, [
        Task(number, generation, unpack_subtrees(roots), errand)
        for number, generation, roots, errand in packed
    ]


def versions() -> dict[str, str]:
    """Return what must be the same wherever tasks of a run are walked."""
    from nnce_cli._core import BUILD

    try:
        arrow = version("pyarrow")
    except PackageNotFoundError:
        arrow = "none"
    return {"nnce": __version__, "core": BUILD, "pyarrow": arrow}


def difference(here: dict[str, str], there: dict[str, str]) -> str | None:
    """Say what a worker that is ``here`` has other than the coordinator ``there``, and the cure."""
    for name, wanted in there.items():
        found = here.get(name, "none")
        if found == wanted:
            continue
        if name == "core":
            return (
                f"runs the core's build {found}, and here it is {wanted}; set NNCE_CPU to the "
                "lesser of the two for all workers and here"
            )
        return f"has {name} {found}, and here it is {wanted}; install {wanted} there"
    return None


def take_in_there() -> Callable[..., str | None]:
    """Return what a worker is to run to take a run in; it returns why it cannot, or None."""
    needed = __version__

    def take_in(run: bytes, dask_worker: Any) -> str | None:
        try:
            from nnce_cli.parallel.cluster import remote
        except ImportError:
            return f"has no nnce that can take part; install nnce {needed} there"
        return remote.take_in(run, dask_worker)

    return take_in


def walk_there() -> Callable[[bytes], bytes | None]:
    """Return what a worker is to run to walk tasks; it returns None where that cannot be."""

    def walk(order: bytes) -> bytes | None:
        try:
            from nnce_cli.parallel.cluster import remote
        except ImportError:
            return None
        return remote.walk(order)

    return walk


def forget_there() -> Callable[[str], None]:
    """Return what a worker is to run to stop walking tasks of a run, and forget it."""

    def forget(token: str) -> None:
        from nnce_cli.parallel.cluster import remote

        remote.forget(token)

    return forget
