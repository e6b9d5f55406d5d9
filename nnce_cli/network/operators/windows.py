"""Sliding windows: which entries of the input convolutions and pools read."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.network.node import Node
from nnce_cli.network.sparse import limit_entries

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Windows:
    """Windows of a kernel over spatial axes: everything has one number for each axis."""

    spatial: Shape
    kernel: Shape
    strides: Shape
    dilations: Shape
    before: Shape
    after: Shape
    out: Shape

    @property
    def count(self) -> int:
        """The number of windows."""
        return math.prod(self.out)

    @property
    def taps(self) -> int:
        """The number of places of the kernel."""
        return math.prod(self.kernel)

    def places(self) -> NDArray[np.int64]:
        """Return the flat place in the input of each window's taps, -1 in the padding."""
        limit_entries(self.count * self.taps)
        n = len(self.spatial)
        found, inside = np.zeros((1,) * (2 * n), np.int64), np.ones((1,) * (2 * n), np.bool_)
        for axis in range(n):
            at = self._along(axis)
            found = found * self.spatial[axis] + at
            inside = inside & (at >= 0) & (at < self.spatial[axis])
        return np.where(inside, found, -1).reshape(self.count, self.taps)

    def covered(self) -> NDArray[np.int64]:
        """Return how many taps of each window are inside of the padded input."""
        limit_entries(self.count * self.taps)
        inside = np.ones((1,) * (2 * len(self.spatial)), np.bool_)
        for axis in range(len(self.spatial)):
            at = self._along(axis)
            inside = inside & (at < self.spatial[axis] + self.after[axis])
        full = np.broadcast_to(inside, (*self.out, *self.kernel))
        inside_of: NDArray[np.int64] = full.reshape(self.count, self.taps).sum(axis=1)
        return inside_of

    def _along(self, axis: int) -> NDArray[np.int64]:
        """Return where taps stand on one axis, shaped to be combined with those of others."""
        n = len(self.spatial)
        starts = np.arange(self.out[axis]) * self.strides[axis] - self.before[axis]
        taps = np.arange(self.kernel[axis]) * self.dilations[axis]
        shape = [1] * (2 * n)
        shape[axis], shape[n + axis] = len(starts), len(taps)
        return (starts[:, None] + taps[None, :]).reshape(shape)


def windows(node: Node, spatial: Shape, kernel: Shape) -> Windows:
    """Return the windows of a convolution or a pool over an input of given spatial axes.

    Raises:
        InputError: the attributes do not fit the shape.
    """
    n = len(spatial)
    if len(kernel) != n or min(kernel, default=1) < 1:
        raise InputError(f"its kernel {list(kernel)} does not fit the axes {list(spatial)}")
    strides, dilations = spread(node, "strides", n), spread(node, "dilations", n)
    reach = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True))
    before, after = padding(node, spatial, reach, strides)
    out = []
    for axis in range(n):
        room = spatial[axis] + before[axis] + after[axis] - reach[axis]
        if room < 0:
            raise InputError(
                f"its kernel {list(kernel)} is larger than the padded input {list(spatial)}"
            )
        steps = room // strides[axis]
        if node.integer("ceil_mode", 0):
            steps = -(-room // strides[axis])
            # A last window that starts in the padding behind the input is left out.
            if steps * strides[axis] >= spatial[axis] + before[axis]:
                steps -= 1
        out.append(steps + 1)
    return Windows(spatial, kernel, strides, dilations, before, after, tuple(out))


def spread(node: Node, name: str, n: int) -> Shape:
    """Return an attribute with a positive number for each of n axes, ones where it is absent.

    Raises:
        InputError: it has other numbers.
    """
    values = node.integers(name)
    values = [1] * n if values is None else values
    if len(values) != n or min(values, default=1) < 1 or max(values, default=1) > 2**31:
        raise InputError(f"its {name} {values} are not {n} positive numbers")
    return tuple(values)


def padding(node: Node, spatial: Shape, reach: Shape, strides: Shape) -> tuple[Shape, Shape]:
    """Return the padding before and after each axis.

    Raises:
        InputError: it is negative or does not fit.
    """
    n = len(spatial)
    how = node.text("auto_pad", "NOTSET")
    if how in ("SAME_UPPER", "SAME_LOWER"):
        total = [
            max(0, (-(-spatial[i] // strides[i]) - 1) * strides[i] + reach[i] - spatial[i])
            for i in range(n)
        ]
        small, large = tuple(t // 2 for t in total), tuple(t - t // 2 for t in total)
        return (small, large) if how == "SAME_UPPER" else (large, small)
    pads = node.integers("pads")
    if how == "VALID" or pads is None:
        return (0,) * n, (0,) * n
    if how != "NOTSET":
        raise InputError(f"its auto_pad is '{how}'")
    if len(pads) != 2 * n or min(pads) < 0 or max(pads) > 2**31:
        raise InputError(f"its pads {pads} are not {2 * n} numbers >= 0")
    return tuple(pads[:n]), tuple(pads[n:])
