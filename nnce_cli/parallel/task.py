"""Tasks and what comes back of them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nnce_cli.enumeration import Subtree

_ROOT = struct.Struct("<II")  # counted, length of the prefix; then the packed prefix


@dataclass(frozen=True)
class Task:
    """Neighbouring subtrees, in table order, to be walked with one budget.

    ``number`` names the task, ``generation`` counts the tasks that it descends from.
    """

    number: int
    generation: int
    roots: tuple[Subtree, ...]


@dataclass(frozen=True)
class Outcome:
    """What a finished task found.

    ``layer_cells`` (L,) are the cells that this task counts, ``share`` is its part of the
    domain's tree. ``rows`` rows are in its part file, and ``first`` and ``last`` are the joined
    packed sign vectors of its first and last row; ``proof`` says whether it has a part of the
    certificate. ``memory`` is the peak of its worker in bytes. ``tasks`` are the subtrees that
    it left over, divided into tasks.
    """

    task: Task
    layer_cells: list[int]
    nodes: int
    share: float
    decisions: dict[str, int]
    seconds: float
    rows: int
    first: bytes
    last: bytes
    proof: bool
    memory: int
    tasks: list[list[Subtree]]

    @property
    def cells(self) -> int:
        """Number of cells found."""
        return self.layer_cells[-1]


@dataclass(frozen=True)
class Failure:
    """A task that came to no end: its worker is gone, or ran into an error.

    ``fatal`` says that the trouble is not with this task (the disk is full, for instance).
    """

    task: Task
    message: str
    fatal: bool = False


Place = tuple[bytes, int]


def place(root: Subtree) -> Place:
    """Return a key that sorts subtrees, and the cells that a task left behind, in table order.

    A task's own cells come before all that it left over, whose prefixes extend its own one.
    """
    return _packed(root.prefix), len(root.prefix)


def pack_roots(roots: Sequence[Subtree]) -> bytes:
    """Return the roots as bytes."""
    return b"".join(
        _ROOT.pack(root.counted, len(root.prefix)) + _packed(root.prefix) for root in roots
    )


def unpack_roots(data: bytes) -> tuple[Subtree, ...]:
    """Return the roots that `pack_roots` packed.

    Raises:
        ValueError: it did not pack these.
    """
    if not isinstance(data, bytes):
        raise ValueError("a task without roots")
    roots, at = [], 0
    while at < len(data):
        if at + _ROOT.size > len(data):
            raise ValueError("the roots of a task are cut off")
        counted, length = _ROOT.unpack_from(data, at)
        at += _ROOT.size
        packed = data[at : at + (length + 7) // 8]
        at += (length + 7) // 8
        if at > len(data):
            raise ValueError("the roots of a task are cut off")
        bits = np.unpackbits(np.frombuffer(packed, dtype=np.uint8))[:length]
        roots.append(Subtree(tuple(bits.tolist()), counted))
    return tuple(roots)


def _packed(prefix: Sequence[int]) -> bytes:
    return np.packbits(np.array(prefix, dtype=np.uint8)).tobytes()
