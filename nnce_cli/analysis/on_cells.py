"""What a network does on consecutive rows of its table: classes, boundary, norms."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnce_cli.analysis.affine_maps import CellMaps, cell_maps
from nnce_cli.analysis.decisions import (
    Bits,
    Bools,
    Decisions,
    Floats,
    clear_classes,
    rational_point,
    rationals_of,
)
from nnce_cli.analysis.norms import NormCounter, infinity_norms, spectral_norms
from nnce_cli.analysis.task import output_map, score_map
from nnce_cli.base.errors import InputError
from nnce_cli.base.task import Task
from nnce_cli.enumeration import Problem, TreeRows
from nnce_cli.network import LayerStack
from nnce_cli.table import CellRows, Metadata, Rows, domain_of

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SomeRows:
    """Consecutive rows of a table, of which ``first`` is the number of the first one.

    ``joined`` (m, B) are their codes, ``before`` (1, B) those of the row before them, without a
    row at the beginning of the table. ``ends_batch`` says whether a batch ends with them.
    """

    rows: Rows
    first: int
    joined: Bits
    before: Bits
    ends_batch: bool

    @staticmethod
    def of(
        batch: CellRows, part: slice, first: int, last: SomeRows | None, *, ends_batch: bool
    ) -> SomeRows:
        """Return rows of a batch; ``last`` are those before them."""
        signs = [column[part] for column in batch.signs]
        witness = None if batch.witness is None else batch.witness[part]
        rows = Rows(signs, batch.active[part], batch.ranks[part], witness)
        none = np.zeros((len(rows.active), 0), np.uint8)
        joined = np.concatenate([none, *signs], axis=1)
        before = joined[:0] if last is None else last.joined[-1:]
        return SomeRows(rows, first, joined, before, ends_batch)


@dataclass(eq=False)
class Found:
    """What was found of some rows: how many they are, classes, crossed cells, norms."""

    rows: int = 0
    classes: Counter[int] = field(default_factory=Counter)
    crossed: int = 0
    spectral: NormCounter = field(default_factory=NormCounter)
    infinity: NormCounter = field(default_factory=NormCounter)

    def add(self, later: Found) -> None:
        """Add what was found of the rows behind these."""
        self.rows += later.rows
        self.classes += later.classes
        self.crossed += later.crossed
        self.spectral.join(later.spectral)
        self.infinity.join(later.infinity)


class _Points(NamedTuple):
    """A point in each cell (m, n_0), NaN where there is none; the exact ones of rounded ones."""

    rounded: Floats
    exact: dict[int, list[str]]

    def are_there(self) -> Bools:
        """Return in which cells there is one: (m,)."""
        there = np.asarray(np.isfinite(self.rounded).all(axis=1))
        there[list(self.exact)] = True
        return there


class _Cells(NamedTuple):
    """The cells of some rows: bits (m, N), the classes that win in them (m, classes), points.

    ``is_open`` says in which cells several may win, ``classes`` (m,) what is predicted at the
    points.
    """

    bits: Bits
    wins: Bools
    is_open: Bools
    points: _Points
    classes: Ints


class OnCells:
    """Looks at the rows of a table, with the network that it is of."""

    def __init__(self, stack: LayerStack, metadata: Metadata, task: Task) -> None:
        domain = domain_of(metadata)
        problem = Problem.of(stack, domain)
        self._whole = stack
        self._stack, self._free = problem.stack, problem.free
        scores = score_map(stack, task)
        self._decisions = Decisions(stack, domain, scores)
        # The first score of a single output is the number 0, and has no part in any norm.
        self._is_single = task is Task.SIGN
        self._outputs = output_map(stack) if self._is_single else scores
        self._has_classes = task is not Task.REGRESSION
        self._exact_witnesses = metadata.exact_witnesses

    def at(self, some: SomeRows) -> tuple[Found, bool]:
        """Return what is found of some rows, and whether a batch ends with them.

        Raises:
            InputError: a row is no cell of the network.
        """
        found = Found(rows=len(some.joined))
        cells = self._cells(some) if self._has_classes else None
        for part, maps in cell_maps(self._stack, self._outputs, some.rows):
            found.spectral.add(*spectral_norms(maps))
            found.infinity.add(*infinity_norms(maps))
            if cells is not None:
                cells.classes[part] = self._clear(cells, part, maps)
        if cells is not None:
            found.crossed = self._settle(cells, some.first)
            found.classes = Counter(cells.classes.tolist())
        return found, some.ends_batch

    def _cells(self, some: SomeRows) -> _Cells:
        """Return what the walk tells of the cells, and points in those that it leaves open.

        Raises:
            InputError: a row is no cell, or its witness is no point.
        """
        rows = TreeRows.of(self._whole, some.joined, some.before)
        wins = self._decisions.winners(rows)
        is_open = wins.sum(axis=1) > 1
        is_cell, has_point = np.asarray(wins.any(axis=1)), np.ones(len(wins), np.bool_)
        if some.rows.witness is not None:
            points = _Points(some.rows.witness, self._exact_in(some))
            has_point = points.are_there()
        else:
            points = _Points(np.full((len(wins), len(self._free)), np.nan), {})
            if is_open.any():
                points = _Points(*self._decisions.points(rows))
                is_cell &= ~is_open | points.are_there()
        self._refuse(some.first, is_cell, has_point)
        return _Cells(rows.bits, wins, is_open, points, np.full(len(wins), -1))

    def _exact_in(self, some: SomeRows) -> dict[int, list[str]]:
        """Return the exact witnesses of rows that have them, by their place."""
        if not self._exact_witnesses:
            return {}
        numbers = range(some.first, some.first + len(some.joined))
        known = self._exact_witnesses
        return {row - some.first: known[row] for row in numbers if row in known}

    def _clear(self, cells: _Cells, part: slice, maps: CellMaps) -> Ints:
        """Return the classes of some cells, -1 where floating point does not tell them."""
        classes: Ints = cells.wins[part].argmax(axis=1)
        places = np.flatnonzero(cells.is_open[part])
        some = CellMaps(maps.value[places], maps.error[places])
        points = cells.points.rounded[part][places]
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            values, errors = some.at(points[:, self._free])
        if self._is_single:
            values, errors = (np.insert(a, 0, 0.0, axis=1) for a in (values, errors))
        classes[places] = clear_classes(values, errors, cells.wins[part][places])
        return classes

    def _settle(self, cells: _Cells, first: int) -> int:
        """Find the classes that are left open, and return how many cells the boundary crosses."""
        is_exact = np.zeros(len(cells.bits), np.bool_)
        is_exact[list(cells.points.exact)] = True
        for i in np.flatnonzero(cells.is_open & ((cells.classes < 0) | is_exact)).tolist():
            exact = cells.points.exact.get(i)
            point = (
                rational_point(cells.points.rounded[i]) if exact is None else rationals_of(exact)
            )
            cells.classes[i] = self._decisions.class_at(cells.bits[i], point)
        if not self._decisions.are_many:
            return int(np.count_nonzero(cells.is_open))
        crossed = 0
        for i, (bits, predicted) in enumerate(zip(cells.bits, cells.classes.tolist(), strict=True)):
            is_crossed = self._decisions.is_crossed(bits, predicted)
            if is_crossed is None:
                raise _no_cell(first + i)
            crossed += is_crossed
        return crossed

    def _refuse(self, first: int, is_cell: Bools, has_point: Bools) -> None:
        """Refuse the first row that is no cell, or whose witness is no point."""
        wrong = np.flatnonzero(~(is_cell & has_point))
        if not wrong.size:
            return
        row = first + int(wrong[0])
        if has_point[wrong[0]]:
            raise _no_cell(row)
        raise InputError(
            f"row {row} of the table has a witness that is not a point; "
            "check the table with nnce verify"
        )


def _no_cell(row: int) -> InputError:
    return InputError(
        f"row {row} of the table is not a cell of the model on its domain; "
        "check the table with nnce verify"
    )
