"""A walk through a random part of the tree: weighted sums that estimate the whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnce_cli.enumeration.problem import Problem
from nnce_cli.enumeration.subtree import SubtreeWalk
from nnce_cli.kernels.probe import Thinning, thinned_walk


class ThinnedWalk(SubtreeWalk):
    """One thinned walk."""

    def __init__(self, problem, window, quota, rng) -> None:
        total, n_layers = int(problem.net.offset[-1]), problem.net.width.size
        stages = total + n_layers
        self.thinning = Thinning(
            window=window.copy(),
            turn=rng.random(stages),
            room=np.full(stages, quota, dtype=np.int64),
            quota=np.array([quota]),
            state=rng.integers(0, 2**64, size=1, dtype=np.uint64, endpoint=False),
            weight=np.ones(total + 3),
            splits=np.zeros(total),
            layer_cells=np.zeros(n_layers),
            dropped=np.zeros(n_layers, dtype=np.int64),
        )
        super().__init__(problem, rows=False, witness=False)

    def _advance(self, node_limit: int) -> int:
        return thinned_walk(self.problem.net, self._ws, self.thinning, node_limit)
