"""The one codec of packed sign vectors: a bit a neuron, the first in the highest bit of a byte.

A layer of n neurons takes ceil(n / 8) bytes, and the bits after the last neuron are 0. Byte by
byte, packed layers have the order of the tables. A *joined* row is the bytes of all layers, in
order; *bits* are uint8, 1 or 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


def packed_bytes(width: int) -> int:
    """Return the number of bytes of a packed layer of ``width`` neurons."""
    return (width + 7) // 8


def pack(bits: NDArray[np.uint8] | NDArray[np.bool_]) -> Bytes:
    """Pack the bits (…, n) of a layer; return uint8 (…, ceil(n / 8))."""
    return np.packbits(bits, axis=-1)


def unpack(packed: Bytes, width: int) -> Bytes:
    """Return the bits (…, n) of a packed layer (…, ceil(n / 8)) of n = ``width`` neurons."""
    return np.unpackbits(packed, axis=-1, count=width)


def pack_bytes(bits: Sequence[int]) -> bytes:
    """Pack the bits of one row of one layer, or of a prefix."""
    return pack(np.fromiter(bits, np.uint8, len(bits))).tobytes()


def unpack_bytes(packed: bytes, width: int) -> tuple[int, ...]:
    """Return the first ``width`` bits of what `pack_bytes` packed."""
    return tuple(unpack(np.frombuffer(packed, dtype=np.uint8), width).tolist())


def split_layers(joined: Bytes, widths: Sequence[int]) -> list[Bytes]:
    """Divide joined rows (…, B) of layers of these widths into packed layers."""
    sizes = [packed_bytes(width) for width in widths]
    ends = accumulate(sizes)
    return [joined[..., end - size : end] for size, end in zip(sizes, ends, strict=True)]


def pack_layers(bits: NDArray[np.uint8] | NDArray[np.bool_], widths: Sequence[int]) -> list[Bytes]:
    """Pack the bits (…, N) of layers of these widths; return the packed layers."""
    ends = zip(widths, accumulate(widths), strict=True)
    return [pack(bits[..., end - width : end]) for width, end in ends]


def unpack_layers(layers: Sequence[Bytes], widths: Sequence[int]) -> Bytes:
    """Return the bits (…, N) of packed layers of these widths."""
    pairs = zip(layers, widths, strict=True)
    return np.concatenate([unpack(layer, width) for layer, width in pairs], axis=-1)
