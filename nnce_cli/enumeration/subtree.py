"""Subtrees of the tree of layer-k cells, their order, and the one codec of their prefixes."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from nnce_cli.base.bits import pack_bytes, packed_bytes, unpack_bytes

_HEAD = struct.Struct("<II")  # counted, length of the prefix; then the packed prefix

Place = tuple[bytes, int]


@dataclass(frozen=True)
class Subtree:
    """A root in the tree: the signs (1 or 0) of the first neurons, layers joined, in order.

    ``counted`` says for how many layers, from the first, another subtree counts the layer-k
    cell on this path. The empty prefix is the whole domain.
    """

    prefix: tuple[int, ...] = ()
    counted: int = 0


WHOLE = Subtree()


def place(subtree: Subtree) -> Place:
    """Return a key that sorts subtrees, and the cells that a task left behind, in table order.

    A task's own cells come before all that it left over, whose prefixes extend its own one.
    """
    return pack_bytes(subtree.prefix), len(subtree.prefix)


def pack_subtrees(subtrees: Iterable[Subtree]) -> bytes:
    """Return subtrees as bytes, which `unpack_subtrees` takes."""
    return b"".join(
        _HEAD.pack(subtree.counted, len(subtree.prefix)) + pack_bytes(subtree.prefix)
        for subtree in subtrees
    )


def unpack_subtrees(data: bytes) -> tuple[Subtree, ...]:
    """Return the subtrees that `pack_subtrees` packed.

    Raises:
        ValueError: it did not pack these.
    """
    if not isinstance(data, bytes):
        raise ValueError("subtrees that are no bytes")
    subtrees, at = [], 0
    while at < len(data):
        if at + _HEAD.size > len(data):
            raise ValueError("the subtrees are cut off")
        counted, length = _HEAD.unpack_from(data, at)
        first = at + _HEAD.size
        at = first + packed_bytes(length)
        if at > len(data):
            raise ValueError("the subtrees are cut off")
        subtrees.append(Subtree(unpack_bytes(data[first:at], length), counted))
    return tuple(subtrees)
