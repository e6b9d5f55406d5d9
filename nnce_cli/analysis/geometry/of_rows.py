"""What is true of the cells of some rows, column by column."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.analysis.affine_maps import cell_maps
from nnce_cli.analysis.geometry.balls import Balls, largest_balls
from nnce_cli.analysis.geometry.columns import Column
from nnce_cli.analysis.geometry.polyhedra import FloatPolyhedra
from nnce_cli.analysis.norms import infinity_norms, spectral_norms
from nnce_cli.analysis.on_cells import OnCells, Points
from nnce_cli.analysis.some_rows import SomeRows
from nnce_cli.analysis.task import output_map
from nnce_cli.atlas import Cell, CellSpace
from nnce_cli.base.bits import pack
from nnce_cli.base.task import Task
from nnce_cli.enumeration import Problem, RankFinder
from nnce_cli.exact import nearest_float, rationals
from nnce_cli.network import LayerStack, Units, neuron_bits
from nnce_cli.table import CellTableReader, Rows, domain_of

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Values = dict[str, Any]


class OfRows:
    """Finds the columns that are asked for, of some rows at a time."""

    def __init__(
        self, reader: CellTableReader, stack: LayerStack, task: Task, columns: Collection[Column]
    ) -> None:
        """Prepare for a network's table; ``reader`` is not read from."""
        self._columns = columns
        self._reader = reader
        self._stack = stack
        domain = domain_of(reader.metadata)
        self._space = CellSpace(stack, domain)
        self._problem = Problem.of(stack, domain)
        self._lower = domain.lower[self._space.free]
        self._upper = domain.upper[self._space.free]
        self._polyhedra = FloatPolyhedra(self._space)
        self._on_cells = OnCells(stack, reader.metadata, task, self._centres)

    def at(self, some: SomeRows) -> Values:
        """Return the columns of some rows by name: those that tell of each by itself.

        Raises:
            InputError: a row is no cell of the network.
        """
        found: Values = {}
        asked = set(self._columns)
        if asked & {Column.class_, Column.crossed}:
            each = self._on_cells.each(some)
            found |= {"class": each.classes, "crossed": each.crossed}
        if asked & {Column.inradius, Column.centre}:
            balls, exact = self._balls(some, np.ones(len(some.joined), np.bool_))
            found |= {"inradius": balls.low, "inradius_at_most": balls.high}
            found["centre"] = self._full(balls.centre, exact)
        if Column.norms in asked:
            found |= self._norms(some)
        if Column.rank in asked:
            found["rank"] = self._ranks(some)
        if Column.volume in asked:
            found["volume"] = self._volumes(some)
        return found

    def _norms(self, some: SomeRows) -> Values:
        output, names = output_map(self._problem.stack), ("spectral_norm", "infinity_norm")
        parts: dict[str, list[Floats]] = {f"{n}{e}": [] for n in names for e in ("", "_error")}
        for _, maps in cell_maps(self._problem.stack, output, some.rows):
            for name, norms in zip(names, (spectral_norms, infinity_norms), strict=True):
                values, errors = norms(maps)
                parts[name].append(values)
                parts[f"{name}_error"].append(errors)
        return {name: np.concatenate(arrays) for name, arrays in parts.items()}

    def _ranks(self, some: SomeRows) -> NDArray[np.uint16]:
        """Return the ranks of the linear parts: those of a layer of outputs that pass through."""
        bits = neuron_bits(self._stack, some.joined)
        ends = np.cumsum(self._stack.rows)[:-1]
        none = np.zeros((len(bits), 0), np.uint8)
        self._rank_finder.begin()
        packed = [pack(part) for part in np.split(bits, ends, axis=1)]
        return self._rank_finder.ranks(np.concatenate([none, *packed], axis=1))[:, -1]

    @cached_property
    def _rank_finder(self) -> RankFinder:
        stack = self._problem.stack
        passing = Units(np.zeros(0))
        return RankFinder(
            replace(
                stack,
                hidden=(*stack.hidden, output_map(stack)),
                units=(*stack.units, passing),
                output=None,
                places=(),
            )
        )

    def _volumes(self, some: SomeRows) -> Floats:
        """Return the volumes, each the nearest float64; NaN where they are infinite or too much."""
        found = np.full(len(some.joined), np.nan)
        for place in range(len(found)):
            volume = self._cell(some, place).volume
            if volume is not None:
                found[place] = nearest_float(volume)
        return found

    def _cell(self, some: SomeRows, place: int) -> Cell:
        return Cell(self._space, self._reader, some.joined[place], some.first + place)

    def _balls(self, some: SomeRows, wanted: Bools) -> tuple[Balls, dict[int, list[str]]]:
        """Return the balls in wanted cells, NaN elsewhere, and centres that are no float64."""
        m, d = len(some.joined), self._space.dimension
        balls = Balls(np.full((m, d), np.nan), np.full(m, np.nan), np.full(m, np.nan))
        if self._space.is_in_a_box and d and some.rows.witness is not None:
            points = some.rows.witness[:, self._space.free]
            places = np.flatnonzero(wanted)
            for part, cells in self._polyhedra.of(_taken(some.rows, places)):
                own = largest_balls(cells, points[places[part]], self._lower, self._upper)
                for whole, values in zip(balls, own, strict=True):
                    whole[places[part]] = values
        exact = {}
        for place in np.flatnonzero(wanted & np.isnan(balls.low)).tolist():
            ball = self._cell(some, place).ball
            balls.low[place], balls.high[place] = ball.low, ball.high
            rounded = [nearest_float(x) for x in ball.centre]
            balls.centre[place] = rounded
            if rationals(rounded) != ball.centre:
                exact[place] = [str(x) for x in self._space.full_point(ball.centre)]
        return balls, exact

    def _full(self, centre: Floats, exact: Collection[int]) -> list[list[float] | None]:
        """Return centres with the fixed inputs, None for those that are no float64."""
        whole = np.tile(self._space.domain.lower, (len(centre), 1))
        whole[:, self._space.free] = centre
        rows: list[list[float] | None] = whole.tolist()
        for place in exact:
            rows[place] = None
        return rows

    def _centres(self, some: SomeRows, wanted: Bools) -> Points:
        """Return the centres of largest balls in wanted cells."""
        balls, exact = self._balls(some, wanted)
        whole = np.tile(self._space.domain.lower, (len(balls.centre), 1))
        whole[:, self._space.free] = balls.centre
        return Points(whole, exact)


def _taken(rows: Rows, places: NDArray[np.int64]) -> Rows:
    """Return some rows of several."""
    return Rows([column[places] for column in rows.signs], rows.active[places], rows.ranks[places])
