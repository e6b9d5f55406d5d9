"""The windows that a convolution or a pooling moves over an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.verify.graph.node import Node, Tensor


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows at ``out`` places, each of so many taps, both row by row.

    ``places`` (places, taps) has the entry of the image that each tap reads; ``inside`` says
    which are entries at all, and ``padded`` which are in the image or its padding.
    """

    out: tuple[int, ...]
    places: NDArray[np.int64]
    inside: NDArray[np.bool_]
    padded: NDArray[np.bool_]

    @staticmethod
    def of(node: Node, shape: tuple[int, ...], kernel: tuple[int, ...]) -> Windows:
        """Return the windows of a node on an image of the given shape."""
        count = len(shape)
        strides = node.get("strides") or [1] * count
        dilations = node.get("dilations") or [1] * count
        reach = [d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True)]
        begin, end = _padding(node, shape, strides, reach)
        out = []
        for i, n in enumerate(shape):
            room = n + begin[i] + end[i] - reach[i]
            steps = -(-room // strides[i]) if node.get("ceil_mode", 0) else room // strides[i]
            # A window that begins behind the image and its first padding is none.
            if node.get("ceil_mode", 0) and steps * strides[i] >= n + begin[i]:
                steps -= 1
            out.append(steps + 1)
        where = np.zeros((1, 1), dtype=np.int64)
        inside, padded = np.ones((1, 1), dtype=np.bool_), np.ones((1, 1), dtype=np.bool_)
        for i, n in enumerate(shape):
            starts = np.arange(out[i]) * strides[i] - begin[i]
            at = starts[:, None] + np.arange(kernel[i]) * dilations[i]
            where = _outer(where * n, np.clip(at, 0, n - 1), np.add)
            inside = _outer(inside, (at >= 0) & (at < n), np.logical_and)
            padded = _outer(padded, at < n + end[i], np.logical_and)
        return Windows(tuple(out), where, inside, padded)

    def take(self, x: Tensor, outside: Any) -> Tensor:
        """Return what all taps read of an image (n, channels, …): (n, channels, places, taps)."""
        flat = x.reshape(*x.shape[:2], -1)
        found = flat[:, :, self.places]
        found[:, :, ~self.inside] = outside
        return found


def _outer(a: NDArray[Any], b: NDArray[Any], combine: Any) -> NDArray[Any]:
    """Combine (p, t) and (q, s) to (p q, t s)."""
    found = combine(a[:, None, :, None], b[None, :, None, :])
    return np.asarray(found.reshape(a.shape[0] * b.shape[0], a.shape[1] * b.shape[1]))


def _padding(
    node: Node, shape: tuple[int, ...], strides: list[int], reach: list[int]
) -> tuple[list[int], list[int]]:
    """Return how much is added before and behind the image along each axis."""
    how, count = node.get("auto_pad", "NOTSET"), len(shape)
    if how == "VALID":
        return [0] * count, [0] * count
    if how == "NOTSET":
        pads = node.get("pads") or [0] * (2 * count)
        return list(pads[:count]), list(pads[count:])
    total = [
        max(0, (-(-n // s) - 1) * s + r - n) for n, s, r in zip(shape, strides, reach, strict=True)
    ]
    less, more = [t // 2 for t in total], [t - t // 2 for t in total]
    return (less, more) if how == "SAME_UPPER" else (more, less)
