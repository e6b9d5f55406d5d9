"""The walk of a network on a polyhedron: that of the longer network on a box, seen from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from nnce_cli.enumeration.batch import CellBatch
from nnce_cli.enumeration.cone_cells import ConeCells
from nnce_cli.enumeration.driver import batches
from nnce_cli.enumeration.problem import Problem
from nnce_cli.enumeration.subtree import WHOLE, Subtree
from nnce_cli.enumeration.walk import Walk


class ReducedWalk:
    """The walk of one subtree on a polyhedron; see `Walk`.

    ``make`` makes a walk of the inner problem. The bits of the half-spaces are put before the
    prefixes that it is given, and taken off all that it finds.
    """

    def __init__(
        self,
        problem: Problem,
        make: Callable[..., Walk],
        subtree: Subtree = WHOLE,
        *,
        rows: bool = True,
        witness: bool = True,
        certify: bool = True,
    ) -> None:
        reduction = problem.reduction
        assert reduction is not None
        self.problem = problem
        self._confining = reduction.confining
        self._layers = reduction.layers
        self._inside = reduction.inside
        self._cone = ConeCells(problem) if reduction.is_cone and rows else None
        self._all_bounded = bool(reduction.are_bounded)
        ends = (problem.domain.lower, problem.domain.upper)
        self._says_bounded = not np.isfinite(ends).all()
        self._make = partial(make, rows=False, witness=False, certify=certify)
        self._inner = make(
            problem.inner,
            self._inside(subtree),
            rows=rows,
            witness=witness,
            certify=certify,
        )
        self._exact_witnesses: dict[int, list[str]] = {}
        self._taken = 0

    def begin(self, subtree: Subtree) -> None:
        """See `Walk`."""
        self._inner.begin(self._inside(subtree))
        self._exact_witnesses = {}
        self._taken = 0

    @property
    def done(self) -> bool:
        """See `Walk`."""
        return self._inner.done

    @property
    def cells(self) -> int:
        """See `Walk`."""
        return self._inner.cells

    @property
    def layer_cells(self) -> list[int]:
        """See `Walk`."""
        return self._inner.layer_cells[self._layers :]

    @property
    def nodes(self) -> int:
        """See `Walk`."""
        return self._inner.nodes

    @property
    def share(self) -> float:
        """See `Walk`."""
        return self._inner.share / self._whole

    @cached_property
    def _whole(self) -> float:
        """The share that the whole domain has of the tree of the inner network."""
        if not self._confining:
            return 1.0
        inner = self.problem.inner
        stack = replace(inner.stack, hidden=inner.stack.hidden[:1], units=inner.stack.units[:1])
        first = self._make(Problem.of(replace(stack, output=None), inner.box), self._inside(WHOLE))
        for _ in batches(first):
            pass
        return first.share

    @property
    def decisions(self) -> dict[str, int]:
        """See `Walk`."""
        return self._inner.decisions

    @property
    def exact_witnesses(self) -> dict[int, list[str]]:
        """See `Walk`."""
        found = self._inner.exact_witnesses if self._cone is None else self._exact_witnesses
        return {row: self._full(point) for row, point in found.items()}

    def _full(self, point: list[str]) -> list[str]:
        from flint import fmpq

        return self.problem.full_fractions([fmpq(*map(int, x.split("/"))) for x in point])

    def advance(self, nodes: int) -> None:
        """See `Walk`."""
        self._inner.advance(nodes)

    def take(self) -> CellBatch:
        """See `Walk`."""
        batch = self._inner.take()
        first = self._layers  # of one column
        seen = replace(
            batch,
            signs=batch.signs[first:],
            active=batch.active[:, first:],
            ranks=batch.ranks[:, first:],
        )
        if self._cone is not None:
            return self._of_the_cone(seen, batch)
        if batch.witness is not None:
            seen = replace(seen, witness=self.problem.full_points(batch.witness))
        if self._says_bounded:
            seen = replace(seen, bounded=np.full(len(seen), self._all_bounded))
        return seen

    def _of_the_cone(self, seen: CellBatch, batch: CellBatch) -> CellBatch:
        """Return rows of the cone as rows over the inputs: t is one of its dimensions."""
        assert self._cone is not None
        bits = self._bits(batch)
        witness = None
        if batch.witness is not None:
            exact = self._inner.exact_witnesses
            points, fractions = self._cone.points(bits, batch.witness, exact, self._taken)
            self._exact_witnesses |= fractions
            witness = self.problem.full_points(points)
        self._taken += len(batch)
        return replace(
            seen,
            ranks=seen.ranks - np.uint16(1),
            witness=witness,
            bounded=self._cone.are_bounded(bits, batch.witness),
        )

    def _bits(self, batch: CellBatch) -> NDArray[np.uint8]:
        """Return the bits (rows, N) of all neurons of the inner network."""
        from nnce_cli.network import neuron_bits

        none = np.zeros((len(batch), 0), np.uint8)
        joined = np.concatenate([none, *batch.signs], axis=1)
        return neuron_bits(self.problem.inner.stack, joined)

    def rest(self) -> list[Subtree]:
        """See `Walk`."""
        return [
            Subtree(found.prefix[self._confining :], max(0, found.counted - self._layers))
            for found in self._inner.rest()
        ]
