"""A walk through a random part of the tree: weighted sums that estimate those of the whole."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnce_cli.enumeration.problem import Problem
from nnce_cli.enumeration.subtree import SECONDS_PER_CALL, SubtreeWalk
from nnce_cli.kernels.probe import Thinning, thinned_walk


@dataclass(frozen=True, eq=False)
class Windows:
    """How much a walk is thinned. N neurons, L hidden layers.

    ``weight`` (N + L,) is the weight, at least, with which a path leaves each stage: the splits
    by neuron i, then the ends of the layers. After every ``quota`` paths that a stage lets by, its
    weight grows by the factor ``growth``: a bound on the work where too little is known.
    """

    weight: NDArray[np.float64]
    quota: int
    growth: float = 2.0


class ThinnedWalk(SubtreeWalk):
    """One thinned walk over the whole domain; every decision on it is proved.

    Its sums have those of the whole tree as expectations, whatever the windows are.
    """

    def __init__(
        self, problem: Problem, windows: Windows, rng: np.random.Generator, samples: int = 1
    ) -> None:
        """Prepare a walk. ``rng`` gives a few numbers now; the walk depends on nothing else."""
        n, n_layers = int(problem.net.offset[-1]), problem.net.width.size
        stages = n + n_layers
        self._thinning = Thinning(
            window=windows.weight.copy(),
            turn=rng.random(stages),
            room=np.full(stages, windows.quota, dtype=np.int64),
            quota=np.array([windows.quota], dtype=np.int64),
            growth=np.array([windows.growth]),
            state=rng.integers(0, 2**64, size=1, dtype=np.uint64),
            weight=np.ones(n + 3),
            splits=np.zeros(n),
            layer_cells=np.zeros(n_layers),
            dropped=np.zeros(n_layers, dtype=np.int64),
            sample=np.zeros((samples, int(((problem.net.width + 7) // 8).sum())), dtype=np.uint8),
            sampled=np.zeros(samples),
        )
        super().__init__(problem, rows=False, witness=False)
        thinned_walk(self._net, self._ws, self._thinning, 0)  # loaded now, before clocks start

    def run(self, deadline: float) -> bool:
        """Walk to the end, or until ``time.perf_counter()`` is at ``deadline``; tell which."""
        budget = 64
        while not self.done:
            started = time.perf_counter()
            if started >= deadline:
                return False
            for _ in self.batches(budget):
                pass
            if time.perf_counter() - started < SECONDS_PER_CALL:
                budget *= 2
        return True

    def _advance(self, node_limit: int) -> int:
        return thinned_walk(self._net, self._ws, self._thinning, node_limit)

    @property
    def thinned(self) -> NDArray[np.bool_]:
        """Whether anything was dropped before the end of each layer (L,); else all was seen."""
        return np.cumsum(self._thinning.dropped) > 0

    @property
    def weighted_layer_cells(self) -> NDArray[np.float64]:
        """Estimates of the layer-k cells (L,); their true numbers where nothing was dropped.

        An estimate also counts layer-k cells that rounding let in and in which no cell is found
        to exist: these are far thinner than the floats that describe them.
        """
        if not self._thinning.dropped.any():
            return np.array(self.layer_cells, dtype=np.float64)
        return self._thinning.layer_cells.copy()

    @property
    def weighted_splits(self) -> NDArray[np.float64]:
        """Estimates of the number of cells that each neuron splits (N,).

        The number of cells of the first i neurons is 1 more than the sum of the first i.
        """
        return self._thinning.splits.copy()

    def sample(self) -> NDArray[np.uint8]:
        """Return sign vectors (at most ``samples``, N), each of a cell drawn at random.

        The chance of a cell is in proportion to its weight among the cells that the walk met, so
        nearly the same for all cells of the network where the walk met many.
        """
        packed = self._thinning.sample[self._thinning.sampled > 0]
        widths = self.problem.net.width
        ends = np.cumsum((widths + 7) // 8)[:-1]
        layers = [np.unpackbits(bits, axis=1) for bits in np.split(packed, ends, axis=1)]
        parts = [bits[:, :n] for bits, n in zip(layers, widths.tolist(), strict=True)]
        return np.concatenate(parts, axis=1)
