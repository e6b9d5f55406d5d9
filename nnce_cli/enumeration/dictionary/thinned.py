"""A walk through a random part of the tree: weighted sums that estimate those of the whole."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnce_cli import _core
from nnce_cli.base.bits import split_layers, unpack_layers
from nnce_cli.enumeration.dictionary.network import core_network
from nnce_cli.enumeration.dictionary.questions import ImageQuestions, Questions
from nnce_cli.enumeration.dictionary.walk import DictionaryWalk
from nnce_cli.enumeration.problem import Problem
from nnce_cli.enumeration.subtree import Subtree
from nnce_cli.enumeration.walk import SECONDS_PER_ADVANCE


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


class ThinnedWalk(DictionaryWalk):
    """One thinned walk over the whole domain; every decision on it is proved.

    Its sums have those of the whole tree as expectations, whatever the windows are. On a
    polyhedron the walk is that of the inner problem, below the bits of the half-spaces.
    """

    _walk: _core.ThinnedWalk

    def __init__(
        self, problem: Problem, windows: Windows, rng: np.random.Generator, samples: int = 1
    ) -> None:
        """Prepare a walk. ``rng`` gives a few numbers now; the walk depends on nothing else."""
        self._reduction = problem.reduction
        self._confining = self._reduction.confining if self._reduction else 0
        self._first = self._reduction.layers if self._reduction else 0  # of those asked for
        self._windows = windows
        self._turn = rng.random(len(windows.weight))
        self._seed = int(rng.integers(0, 2**64, size=1, dtype=np.uint64)[0])
        self._samples = samples
        super().__init__(problem.inner, rows=False, witness=False)

    def begin(self, subtree: Subtree) -> None:
        """See `Walk`."""
        super().begin(self._reduction.inside(subtree) if self._reduction else subtree)

    @property
    def layer_cells(self) -> list[int]:
        """See `Walk`."""
        return super().layer_cells[self._first :]

    def _of_all_stages(self, values: NDArray[np.float64], other: float) -> NDArray[np.float64]:
        """Return the values of stages with ``other`` for those of the half-spaces."""
        neurons = sum(self.problem.widths) - self._confining
        first = np.full(self._confining, other), np.full(self._first, other)
        return np.concatenate([first[0], values[:neurons], first[1], values[neurons:]])

    def _prepare(self, certify: bool) -> None:
        problem, reduction = self.problem, self.problem.in_image
        if reduction is None:
            net, zonotope = core_network(self._scaled.stack, self._scaled.box), None
        else:
            net = core_network(reduction.stack, reduction.box, reduction.image.magnitude)
            zonotope = reduction.image.zonotope()
        self._walk = _core.ThinnedWalk(
            net,
            zonotope,
            window=self._of_all_stages(self._windows.weight, 1.0),
            turn=self._of_all_stages(self._turn, 0.0),
            quota=self._windows.quota,
            growth=self._windows.growth,
            seed=self._seed,
            samples=self._samples,
        )
        if reduction is None or zonotope is None:
            self._questions = Questions(self._walk, self._scaled.stack, self._scaled.box)
        else:
            self._questions = ImageQuestions(self._walk, problem, reduction, zonotope)
        self._ranks = None

    def run(self, deadline: float) -> bool:
        """Walk to the end, or until ``time.perf_counter()`` is at ``deadline``; tell which."""
        budget = 64
        while not self.done:
            started = time.perf_counter()
            if started >= deadline:
                return False
            self.advance(budget)
            if time.perf_counter() - started < SECONDS_PER_ADVANCE:
                budget *= 2
        return True

    @property
    def thinned(self) -> NDArray[np.bool_]:
        """Whether anything was dropped before the end of each layer (L,); else all was seen."""
        return np.cumsum(self._walk.dropped)[self._first :] > 0

    @property
    def weighted_layer_cells(self) -> NDArray[np.float64]:
        """Estimates of the layer-k cells (L,); their true numbers where nothing was dropped.

        An estimate also counts layer-k cells that rounding let in and in which no cell is found
        to exist: these are far thinner than the floats that describe them.
        """
        if not self._walk.dropped.any():
            return np.array(self.layer_cells, dtype=np.float64)
        return self._walk.weighted_layer_cells[self._first :]

    @property
    def weighted_splits(self) -> NDArray[np.float64]:
        """Estimates of the number of cells that each neuron splits (N,).

        The number of cells of the first i neurons is 1 more than the sum of the first i.
        """
        return self._walk.weighted_splits[self._confining :]

    def sample(self) -> NDArray[np.uint8]:
        """Return sign vectors (at most ``samples``, N), each of a cell drawn at random.

        The chance of a cell is in proportion to its weight among the cells that the walk met, so
        nearly the same for all cells of the network where the walk met many.
        """
        drawn = self._walk.sample[self._walk.sampled > 0]
        widths = self.problem.widths
        return unpack_layers(split_layers(drawn, widths), widths)[:, self._confining :]
