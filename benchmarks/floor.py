"""The floor: what it costs to only look at every cell once."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from nnce_cli.domain import Box
    from nnce_cli.network import LayerStack

BATCH = 8192  # points; larger batches leave the cache, smaller ones pay for Python
REPETITIONS = 5
SECONDS = 0.05  # of the processor, at least, a repetition: the clock's grain is no matter


class Floor:
    """One float64 forward pass a cell, batched in NumPy: all affine layers, ReLU, the output.

    It uses as many cores as NumPy's linear algebra does: ``OMP_NUM_THREADS=1`` and the like
    have to be set before NumPy is imported.
    """

    def __init__(self, stack: LayerStack, box: Box) -> None:
        """Draw a batch of points in the box and make all buffers."""
        rng = np.random.default_rng(0)
        self._points = rng.uniform(box.lower, box.upper, size=(BATCH, box.n_inputs))
        maps = [*stack.hidden, *([stack.output] if stack.output else [])]
        self._layers = [
            (layer.weight.T.copy(), layer.bias, np.empty((BATCH, layer.n_out))) for layer in maps
        ]
        self._hidden = len(stack.hidden)

    def forward(self) -> NDArray[np.float64]:
        """Evaluate the batch; return an array (BATCH, n_out) that the next call overwrites."""
        activation = self._points
        for k, (weight, bias, z) in enumerate(self._layers):
            np.matmul(activation, weight, out=z)
            np.add(z, bias, out=z)
            if k < self._hidden:
                np.maximum(z, 0.0, out=z)
            activation = z
        return activation

    def seconds_per_point(self) -> float:
        """Return the processor's seconds, the median of repetitions; takes 0.25 s or longer."""
        times = []
        for _ in range(REPETITIONS):
            batches, elapsed, started = 0, 0.0, time.process_time()
            while elapsed < SECONDS:
                self.forward()
                batches += 1
                elapsed = time.process_time() - started
            times.append(elapsed / (batches * BATCH))
        return median(times)
