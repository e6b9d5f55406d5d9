"""Random probes of the tree: pilots that find out how to thin it, then independent replicates."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nnce_cli.enumeration import Problem, ThinnedWalk, Windows

REPLICATES = 10
SAMPLES = 8  # cells drawn from each walk, below which speeds are measured
FIRST_PATHS, MORE_PATHS = 8, 4  # the first pilot, and by how much the next one is larger
QUOTA = 4  # times the paths that are expected at a stage, before its window grows
PILOT_SHARE = 0.08  # of the time


@dataclass(eq=False)
class Clock:
    """The time that is left; ``seconds`` may be infinite."""

    seconds: float
    started: float = field(default_factory=time.perf_counter)

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.started

    @property
    def left(self) -> float:
        """Seconds until the end."""
        return self.seconds - self.spent

    def at(self, share: float) -> float:
        """Return the reading of the system's clock when this share of the time is spent."""
        return self.started + share * self.seconds


@dataclass(frozen=True, eq=False)
class Probe:
    """What one thinned walk has shown.

    ``layer_cells`` (L,) are its estimates and ``sizes`` (N + 1,) those of the number of cells of
    the first i neurons, i = 0, …, N. ``met`` is the number of cells that it came to, ``sample``
    (at most `SAMPLES`, N) are the signs of some. ``step`` (L,) is the size of the steps in which
    the estimates move, as shares of them: 0 where the layer was seen whole.
    """

    layer_cells: NDArray[np.float64]
    sizes: NDArray[np.float64]
    sample: NDArray[np.uint8]
    met: int
    step: NDArray[np.float64]
    seconds: float

    @property
    def whole(self) -> bool:
        """Whether this was the whole tree."""
        return not self.step.any()


class Prober:
    """Walks through random parts of one problem's tree.

    The walks are independent, and the k-th is the same whenever ``seed`` and its thinning are.
    """

    def __init__(self, problem: Problem, seed: int) -> None:
        self.problem = problem
        self._seed = seed
        self._walks = 0
        stages = sum(problem.stack.rows) + len(problem.stack.rows)
        self._untouched = Windows(np.ones(stages), FIRST_PATHS, growth=4.0)
        ThinnedWalk(problem, self._untouched, np.random.default_rng(seed))

    def pilots(self, most_paths: float, clock: Clock) -> tuple[int, Probe] | None:
        """Return the number of paths and the result of the last of some growing pilots.

        None where the first does not end in half the time.
        """
        last = self._walk(self._untouched, FIRST_PATHS, clock.at(0.5))
        paths = FIRST_PATHS
        while last is not None and not last.whole:
            larger = paths * MORE_PATHS
            if larger > most_paths or clock.spent + last.seconds > PILOT_SHARE * clock.seconds:
                break
            probe = self.walk(last.sizes, larger, clock.at(0.5))
            if probe is None:
                break
            paths, last = larger, probe
        return None if last is None else (paths, last)

    def walk(self, sizes: NDArray[np.float64], paths: int, deadline: float) -> Probe | None:
        """Walk along about ``paths`` paths, given about the number of cells of the first i neurons.

        None where ``deadline`` ends it.
        """
        ends = np.cumsum(self.problem.stack.rows)
        cells = np.concatenate([sizes[1:], sizes[ends]])
        windows = Windows(np.maximum(cells / paths, 1.0), QUOTA * paths)
        return self._walk(windows, paths, deadline)

    def _walk(self, windows: Windows, paths: int, deadline: float) -> Probe | None:
        rng = np.random.default_rng([self._seed, self._walks])
        self._walks += 1
        started = time.perf_counter()
        walk = ThinnedWalk(self.problem, windows, rng, SAMPLES)
        if not walk.run(deadline):
            return None
        return Probe(
            layer_cells=walk.weighted_layer_cells,
            sizes=np.concatenate([[1.0], 1.0 + np.cumsum(walk.weighted_splits)]),
            sample=walk.sample(),
            met=walk.cells,
            step=walk.thinned / paths,
            seconds=time.perf_counter() - started,
        )

    def replicates(
        self, pilot: Probe, paths: int, clock: Clock, count: int | None = None
    ) -> list[Probe]:
        """Return ``count`` probes of about ``paths`` paths each, fewer where the time ends.

        Each uses what those before it have learned of how to thin; its expectation is the same.
        Without ``count``, as many as there is time for. None is begun that would probably not
        end in time.
        """
        probes: list[Probe] = []
        known, slowest = pilot.sizes, 0.0
        while (count is None or len(probes) < count) and clock.left > slowest:
            probe = self.walk(known, paths, clock.at(1.0))
            if probe is None:
                break
            probes.append(probe)
            known = (known * len(probes) + probe.sizes) / (len(probes) + 1)
            slowest = max(slowest, probe.seconds)
        return probes
