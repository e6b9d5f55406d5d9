"""Which neurons have a say in the map on a cell.

A neuron that passes nothing on, or only to neurons that have no say themselves, has none. Cells
whose neurons with a say have the same gains have the same map: no arithmetic proves it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnce_cli.network import AffineMap, LayerStack

Floats = NDArray[np.float64]


class RelevantGains:
    """By what neurons with a say are multiplied on cells."""

    def __init__(self, stack: LayerStack, output: AffineMap) -> None:
        self._stack = stack
        exact = (layer.exact_arrays[0] for layer in (*stack.hidden, output))
        self._nonzero = [np.asarray(weight != 0, dtype=np.float32) for weight in exact]

    def on(self, joined: NDArray[np.uint8]) -> Floats:
        """Return the gains of all neurons (m, n) on cells of joined rows, 0 without a say."""
        found: list[Floats] = [np.zeros((len(joined), 0))]
        has_say = np.ones((len(joined), self._nonzero[-1].shape[0]), np.float32)
        codes = self._stack.layout.split_layers(joined)
        for layer in reversed(range(len(self._stack.hidden))):
            heard = has_say @ self._nonzero[layer + 1] > 0
            gains = self._stack.units[layer].gains(codes[layer], heard.shape[1]) * heard
            has_say = (gains != 0).astype(np.float32)
            found.append(gains)
        return np.concatenate(found, axis=1)
