"""The forecast of a run: cells, time and size of the table."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.analysis.bounds import montufar, serra
from nnce_cli.analysis.estimate.probes import REPLICATES, Clock, Probe, Prober
from nnce_cli.analysis.estimate.quantity import (
    CONFIDENCE,
    FEWEST_REPLICATES,
    LARGEST_SPREAD,
    LogNormal,
    Quantity,
)
from nnce_cli.analysis.estimate.speed import Speed, measure_speed
from nnce_cli.base.errors import InputError
from nnce_cli.base.processes import usable_cores
from nnce_cli.domain import Domain
from nnce_cli.enumeration import DICTIONARY, Problem, batches, walk_factory
from nnce_cli.network import LayerStack
from nnce_cli.parallel import SECONDS_ALONE, SECONDS_OF_START, SMALL_RUN
from nnce_cli.run import Starting
from nnce_cli.table import has_witness

SECONDS = 10.0
NOTHING = Starting(0.0, 0.0)
EFFICIENCY = 0.9  # assumed: what each of several workers does of what one does alone
MACHINE_SIGMA = 0.15  # assumed: how far a machine's speed is from what it was, on a log scale
BYTES_SIGMA = 0.05  # assumed: how far rows elsewhere compress from those of the sample
SPEED_SHARE = 0.15  # of the time
SPEED_CELLS = 2000  # cells in a subtree whose speed is measured, where no time limit decides
MET_PER_PATH = 2  # about the cells that a well thinned walk meets for each path it should have
WHOLE_SHARE = 0.6  # of the time left: a tree that takes less is walked whole
FEW_CELLS = 1000  # no reason to do less, however few cells a pilot saw
GIVE_UP_SHARE = 0.8  # of all the time: when it took longer after all


@dataclass(frozen=True)
class Forecast:
    """What a run of `nnce enumerate` is expected to find and to take.

    ``layer_cells`` has an entry for each hidden layer. Times are in seconds, for ``jobs``
    workers, with what ``starting`` says that a run takes besides its cells; sizes in bytes.
    ``probes`` is the number of replicates times the paths of each (0 where the whole tree was
    walked, ``complete``), ``met`` the number of cells that all walks came to, and ``seconds`` what
    the forecast took.
    """

    layer_cells: tuple[Quantity, ...]
    table_seconds: Quantity
    count_seconds: Quantity
    table_bytes: Quantity
    table_bytes_no_witness: Quantity
    starting: Starting
    jobs: int
    seed: int
    probes: int
    met: int
    complete: bool
    seconds: float

    @property
    def cells(self) -> Quantity:
        """The number of cells: one without hidden layers."""
        return self.layer_cells[-1] if self.layer_cells else _known(1)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "cells": self.cells.to_dict(),
            "layer_cells": [quantity.to_dict() for quantity in self.layer_cells],
            "seconds": self.table_seconds.to_dict(),
            "count_seconds": self.count_seconds.to_dict(),
            "starting_seconds": round(self.starting.table, 3),
            "starting_count_seconds": round(self.starting.counting, 3),
            "table_bytes": self.table_bytes.to_dict(),
            "table_bytes_no_witness": self.table_bytes_no_witness.to_dict(),
            "confidence": CONFIDENCE,
            "jobs": self.jobs,
            "seed": self.seed,
            "probes": self.probes,
            "cells_met": self.met,
            "complete": self.complete,
            "estimate_seconds": round(self.seconds, 3),
        }


def forecast(
    stack: LayerStack,
    domain: Domain,
    *,
    seconds: float | None = None,
    probes: int | None = None,
    seed: int = 0,
    jobs: int | None = None,
    witness: bool | None = None,
    starting: Starting = NOTHING,
) -> Forecast:
    """Forecast the enumeration of ``stack`` on ``domain`` from random probes of its tree.

    Args:
        stack: the network, with n_0 inputs.
        domain: its domain.
        seconds: the time for it, `SECONDS` if neither this nor ``probes`` is given.
        probes: the number of paths to the bottom of the tree, instead of or besides a time.
            Without a time, equal arguments give equal numbers, but for times, on all machines.
        seed: of the random choices.
        jobs: workers of the run that is forecast; by default the cores that are there.
        witness: whether its table has witnesses, for the time; by default as `nnce enumerate` does.
        starting: what the run takes besides its cells (`nnce_cli.run.measured_start`).

    Returns:
        Estimates with intervals that hold the truth with the chance `CONFIDENCE`. A tree that
        is small enough is walked whole, and its numbers are then exact.

    Raises:
        InputError: an argument out of range, or as `Problem.of`.
    """
    if seconds is None and probes is None:
        seconds = SECONDS
    if seconds is not None and not seconds > 0:
        raise InputError(f"{seconds} is not a positive number of seconds")
    if min(1 if probes is None else probes, 1 if jobs is None else jobs) < 1 or seed < 0:
        raise InputError("probes and jobs are positive, the seed is not negative")
    study = Study(stack, domain, seed, probes, math.inf if seconds is None else seconds)
    if witness is not None:
        study.witness = witness
    study.probe()
    return study.forecast(jobs or usable_cores(), starting)


class Study:
    """One forecast in the making."""

    def __init__(
        self, stack: LayerStack, domain: Domain, seed: int, probes: int | None, seconds: float
    ) -> None:
        self.stack = stack
        self.problem = Problem.of(stack, domain)
        self.seed, self.probes = seed, probes
        self.witness = has_witness(stack.n_inputs)
        self.clock = Clock(seconds)
        self.speed: Speed | None = None
        self.replicates: list[Probe] = []
        self.paths = 0
        self.exact: NDArray[np.float64] | None = None
        self.first_layers: list[int] = []
        self.met = 0

    @cached_property
    def prober(self) -> Prober:
        """Walks random parts of the tree."""
        return Prober(self.problem, self.seed)

    def probe(self) -> None:
        """Take pilots, measure speeds, then walk the whole tree or replicates of a part of it."""
        if not self.stack.hidden:
            self.exact = np.zeros(0)
            return
        wanted = None if self.probes is None else max(1, self.probes // REPLICATES)
        found = self.prober.pilots(math.inf if wanted is None else max(wanted, 32), self.clock)
        if found is None:
            return
        pilot_paths, pilot = found
        self.met += pilot.met
        self.measure_speed(pilot)
        if pilot.whole:
            self.exact = pilot.layer_cells
        elif self.is_small(pilot):
            self.walk_whole(pilot)
        if self.exact is not None:
            return
        self.paths = wanted or self.affordable(pilot_paths, pilot)
        self.count_first_layers(pilot)
        count = None if self.probes is None else min(self.probes, REPLICATES)
        self.replicates = self.prober.replicates(pilot, self.paths, self.clock, count)
        whole = [probe.layer_cells for probe in self.replicates if probe.whole]
        self.exact = whole[0] if whole else None
        if self.speed is None and self.replicates:
            self.measure_speed(self.replicates[-1])
        self.met += sum(probe.met for probe in self.replicates)

    def measure_speed(self, pilot: Probe) -> None:
        """Measure what a cell costs, on subtrees around cells that the pilot came to."""
        cells = float(SPEED_CELLS)
        if math.isfinite(self.clock.seconds):
            # A cell of a thinned walk costs more than one of a whole subtree.
            share = SPEED_SHARE * self.clock.seconds / max(len(pilot.sample), 1)
            cells = min(max(share * pilot.met / (3 * pilot.seconds), 50.0), 20 * cells)
        deadline = time.perf_counter() + 2 * SPEED_SHARE * self.clock.seconds
        self.speed = measure_speed(
            self.problem, self.stack, pilot, cells, deadline, witness=self.witness
        )

    def is_small(self, pilot: Probe) -> bool:
        """Tell whether the whole tree is probably no more work than the probes are."""
        if self.probes is not None and pilot.sizes[-1] > self.probes:
            return False
        if not math.isfinite(self.clock.seconds):
            return True
        if self.speed is None:  # the pilot lost all its paths
            cost = pilot.seconds / max(pilot.met, 1)
        else:
            cost = float(self.speed.count_seconds.mean())
        return bool(pilot.sizes[-1] * cost < WHOLE_SHARE * self.clock.left)

    def walk_whole(self, pilot: Probe) -> None:
        """Count all cells, unless there are many more than the pilot says."""
        layer_cells = self.count(self.problem, 2 * float(pilot.sizes[-1]) + FEW_CELLS)
        self.exact = np.array(layer_cells) if layer_cells else None

    def count_first_layers(self, pilot: Probe) -> None:
        """Count the layer-k cells of the layers that have no more of them than a walk has paths."""
        stack = self.problem.stack
        ends = np.cumsum(stack.rows)[:-1]
        layers = int(np.count_nonzero(pilot.sizes[ends] <= self.paths))
        if layers:
            hidden, units = self.stack.hidden[:layers], self.stack.units[:layers]
            first = replace(self.stack, hidden=hidden, units=units)
            self.first_layers = self.count(Problem.of(first, self.problem.domain), 2.0 * self.paths)

    def count(self, problem: Problem, most: float) -> list[int]:
        """Return the layer-k cells, none where there are more than ``most`` or time runs out."""
        walk = walk_factory(DICTIONARY)(problem, rows=False, witness=False)
        deadline = self.clock.at(GIVE_UP_SHARE)
        while not walk.done and walk.cells <= most and time.perf_counter() < deadline:
            for _ in batches(walk, 1 << 12):
                pass
        self.met += walk.cells
        return walk.layer_cells if walk.done else []

    def affordable(self, pilot_paths: int, pilot: Probe) -> int:
        """Return the number of paths with which there is time for `REPLICATES` replicates."""
        seconds_per_path = pilot.seconds / max(pilot.met / MET_PER_PATH, pilot_paths)
        paths = 0.9 * self.clock.left / REPLICATES / seconds_per_path
        return max(1, int(min(paths, pilot.sizes[-1] + FEW_CELLS)))

    def forecast(self, jobs: int, starting: Starting = NOTHING) -> Forecast:
        """Return the forecast."""
        cells = None
        if self.exact is not None:
            layer_cells = [_known(int(n)) for n in self.exact]
            cells = LogNormal(float(self.exact[-1]) if len(self.exact) else 1.0, 0.0)
        elif len(self.replicates) < FEWEST_REPLICATES:
            layer_cells = [Quantity.unknown(self._why_so_few())] * len(self.stack.hidden)
        else:
            counts = self._counts()
            layer_cells = [self._count(count, k) for k, count in enumerate(counts)]
            layer_cells[: len(self.first_layers)] = map(_known, self.first_layers)
            if layer_cells[-1].estimate is not None:
                cells = counts[-1]
        workers = min(jobs, usable_cores())
        costs = self._costs()
        reason = layer_cells[-1].reason if layer_cells else None
        reason = reason or "no subtree was walked in time to measure what it costs"
        totals = [_total(cells, cost, reason) for cost in costs]
        return Forecast(
            layer_cells=tuple(layer_cells),
            table_seconds=_elapsed(totals[0], starting.table, workers),
            count_seconds=_elapsed(totals[1], starting.counting, workers),
            table_bytes=self._bytes(totals[2]),
            table_bytes_no_witness=self._bytes(totals[3]),
            starting=starting,
            jobs=jobs,
            seed=self.seed,
            probes=self.paths * len(self.replicates),
            met=self.met,
            complete=self.exact is not None,
            seconds=self.clock.spent,
        )

    def _counts(self) -> list[LogNormal]:
        """Return the mean numbers of layer-k cells of the replicates."""
        values = np.array([probe.layer_cells for probe in self.replicates]).T
        steps = np.max([probe.step for probe in self.replicates], axis=0)
        # A layer that all of them saw whole may still hold a cell that rounding let in.
        return [
            LogNormal.of(n, max(float(step), 1.0 / max(n.mean(), 1.0)))
            for n, step in zip(values, steps, strict=True)
        ]

    def _why_so_few(self) -> str:
        if self.probes is not None and self.probes < FEWEST_REPLICATES:
            return f"fewer than {FEWEST_REPLICATES} probes do not show how much they vary"
        return "the time ended before enough probes came to the bottom of the tree"

    def _count(self, count: LogNormal, layer: int) -> Quantity:
        """Return a number of layer-k cells, within what is certain of it."""
        if not count.spread <= LARGEST_SPREAD:
            return Quantity.unknown(
                "the probes vary too much to tell; give them more time or a larger number"
            )
        low, high = count.interval()
        stack = self.problem.stack
        strongest = serra if stack.is_relu else montufar
        most = strongest(stack.sizes.of(stack.n_inputs, layer + 1))
        return Quantity(
            round(count.mean), max(math.floor(low + 1e-9), 1), min(math.ceil(high - 1e-9), most)
        )

    def _bytes(self, rows: Quantity) -> Quantity:
        """Return the size of a table, given that of its rows."""
        if self.speed is None or rows.estimate is None or rows.low is None or rows.high is None:
            return rows
        frame = self.speed.frame_bytes
        return Quantity(
            round(rows.estimate) + frame, math.floor(rows.low) + frame, math.ceil(rows.high) + frame
        )

    def _costs(self) -> list[LogNormal | None]:
        """Return what a cell costs: seconds of one core written and counted, bytes with and without
        witness.
        """
        speed = self.speed
        if speed is None:
            return [None] * 4
        machine = LogNormal(1.0, MACHINE_SIGMA)
        bytes_without = LogNormal(speed.row_bytes, BYTES_SIGMA)
        bytes_with = LogNormal(speed.row_bytes + speed.witness_bytes, BYTES_SIGMA)
        times = [speed.table_seconds, speed.count_seconds]
        means = [LogNormal.of(t) if t.size > 1 else LogNormal(float(t[0]), 0.0) for t in times]
        return [*(mean.times(machine) for mean in means), bytes_with, bytes_without]


def _known(count: int) -> Quantity:
    """Return a number that is known."""
    return Quantity(count, count, count)


def _total(cells: LogNormal | None, cost: LogNormal | None, reason: str) -> Quantity:
    """Return a number of cells times the cost of one."""
    if cells is None or cost is None:
        return Quantity.unknown(reason)
    total = cells.times(cost)
    low, high = total.interval()
    return Quantity(total.mean, low, high)


def _elapsed(walked: Quantity, starting: float, workers: int) -> Quantity:
    """Return how long a run takes whose walks take so many seconds of one core.

    It walks alone at first; workers that are started then share the rest of all but small runs.
    """
    if walked.estimate is None or walked.low is None or walked.high is None:
        return walked

    def by_the_clock(seconds: float) -> float:
        if workers == 1 or seconds <= SMALL_RUN:
            return seconds
        shared = (seconds - SECONDS_ALONE) / (EFFICIENCY * workers)
        return SECONDS_ALONE + SECONDS_OF_START + shared

    _, slower = LogNormal(1.0, MACHINE_SIGMA).interval()
    return Quantity(
        starting + by_the_clock(walked.estimate),
        starting / slower + by_the_clock(walked.low),
        starting * slower + by_the_clock(walked.high),
    )
