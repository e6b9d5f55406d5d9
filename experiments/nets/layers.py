"""Layers of a network: each computes its output, and how a gradient goes back through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Backward = Callable[[Floats], tuple[Floats, list[Floats]]]

MAX, AVERAGE = "max", "average"
POOL = 2  # side of a window of pooling, and its stride


class Layer(Protocol):
    """What a network is made of; the first axis of all values is that of the samples."""

    @property
    def weights(self) -> list[Floats]:
        """The arrays that training changes in place."""
        ...

    def forward(self, x: Floats) -> tuple[Floats, Backward]:
        """Return the output, and what takes its gradient to those of ``x`` and of the weights."""
        ...


@dataclass(frozen=True, eq=False)
class Dense:
    """x -> W x + b, with W (n_out, n_in)."""

    W: Floats
    b: Floats

    @property
    def weights(self) -> list[Floats]:
        """W and b."""
        return [self.W, self.b]

    def forward(self, x: Floats) -> tuple[Floats, Backward]:
        """See `Layer`."""
        return x @ self.W.T + self.b, lambda g: (g @ self.W, [g.T @ x, g.sum(axis=0)])


@dataclass(frozen=True, eq=False)
class Convolution:
    """Filters K (channels out, channels in, side, side) at all places of an image, without padding.

    Images are (samples, channels, height, width).
    """

    K: Floats
    b: Floats
    stride: int = 1

    @property
    def weights(self) -> list[Floats]:
        """K and b."""
        return [self.K, self.b]

    def forward(self, x: Floats) -> tuple[Floats, Backward]:
        """See `Layer`; the sum goes over the entries of the filters, one by one."""
        side, stride = self.K.shape[-1], self.stride
        high, wide = ((size - side) // stride + 1 for size in x.shape[2:])
        entries = [(i, j) for i in range(side) for j in range(side)]
        places = [
            (..., slice(i, i + stride * high, stride), slice(j, j + stride * wide, stride))
            for i, j in entries
        ]
        y = np.broadcast_to(self.b[:, None, None], (len(x), len(self.b), high, wide)).copy()
        for (i, j), place in zip(entries, places, strict=True):
            y += np.einsum("oc,nchw->nohw", self.K[:, :, i, j], x[place], optimize=True)

        def backward(g: Floats) -> tuple[Floats, list[Floats]]:
            of_x, of_K = np.zeros_like(x), np.empty_like(self.K)
            for (i, j), place in zip(entries, places, strict=True):
                of_K[:, :, i, j] = np.einsum("nohw,nchw->oc", g, x[place], optimize=True)
                of_x[place] += np.einsum("oc,nohw->nchw", self.K[:, :, i, j], g, optimize=True)
            return of_x, [of_K, g.sum(axis=(0, 2, 3))]

        return y, backward


@dataclass(frozen=True)
class Relu:
    """x -> max(x, 0)."""

    @property
    def weights(self) -> list[Floats]:
        """None."""
        return []

    def forward(self, x: Floats) -> tuple[Floats, Backward]:
        """See `Layer`."""
        return np.maximum(x, 0), lambda g: (g * (x > 0), [])


@dataclass(frozen=True)
class Pool:
    """One value for each window of an image: the largest of it, or the average."""

    kind: str

    @property
    def weights(self) -> list[Floats]:
        """None."""
        return []

    def forward(self, x: Floats) -> tuple[Floats, Backward]:
        """See `Layer`."""
        places = [
            (..., slice(i, None, POOL), slice(j, None, POOL))
            for i in range(POOL)
            for j in range(POOL)
        ]
        windows = np.stack([x[place] for place in places])
        shares = self._shares(windows)

        def backward(g: Floats) -> tuple[Floats, list[Floats]]:
            of_x = np.zeros_like(x)
            for place, share in zip(places, shares, strict=True):
                of_x[place] = share * g
            return of_x, []

        return (shares * windows).sum(axis=0), backward

    def _shares(self, windows: Floats) -> Floats:
        """Return what each value of a window (window, …) contributes."""
        if self.kind == AVERAGE:
            return np.full_like(windows, 1 / len(windows))
        shares = np.zeros_like(windows)
        np.put_along_axis(shares, windows.argmax(axis=0)[None], 1.0, axis=0)
        return shares


@dataclass(frozen=True)
class Flatten:
    """An image as a vector."""

    @property
    def weights(self) -> list[Floats]:
        """None."""
        return []

    def forward(self, x: Floats) -> tuple[Floats, Backward]:
        """See `Layer`."""
        return x.reshape(len(x), -1), lambda g: (g.reshape(x.shape), [])


@dataclass(frozen=True)
class Chain:
    """Layers in a row."""

    layers: Sequence[Layer]

    @property
    def weights(self) -> list[Floats]:
        """Those of all layers."""
        return [array for layer in self.layers for array in layer.weights]

    def forward(self, x: Floats) -> tuple[Floats, Backward]:
        """See `Layer`."""
        steps = []
        for layer in self.layers:
            x, step = layer.forward(x)
            steps.append(step)

        def backward(g: Floats) -> tuple[Floats, list[Floats]]:
            found: list[Floats] = []
            for step in reversed(steps):
                g, of_weights = step(g)
                found = of_weights + found
            return g, found

        return x, backward


@dataclass(frozen=True)
class Skip:
    """x -> x + body(x)."""

    body: Layer

    @property
    def weights(self) -> list[Floats]:
        """Those of the body."""
        return self.body.weights

    def forward(self, x: Floats) -> tuple[Floats, Backward]:
        """See `Layer`."""
        y, through = self.body.forward(x)

        def backward(g: Floats) -> tuple[Floats, list[Floats]]:
            of_x, of_weights = through(g)
            return g + of_x, of_weights

        return x + y, backward
