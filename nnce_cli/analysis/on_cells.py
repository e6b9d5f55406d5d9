"""What a network does on consecutive rows of its table: classes, boundary, norms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
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
from nnce_cli.analysis.some_rows import SomeRows
from nnce_cli.analysis.task import output_map, score_map
from nnce_cli.base.errors import InputError
from nnce_cli.base.task import Task
from nnce_cli.enumeration import Problem, TreeRows
from nnce_cli.network import LayerStack
from nnce_cli.table import Metadata, domain_of

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class OnRows:
    """What a network does on each of some rows.

    ``classes`` (m,) are those at the points inside the cells that were asked about, and
    ``crossed`` (m,) says through which cells the decision boundary runs: both are None for a
    regression. ``spectral`` and ``infinity`` are the norms and the bounds on their errors, some
    rows at a time.
    """

    classes: Ints | None
    crossed: Bools | None
    spectral: list[tuple[Floats, Floats]]
    infinity: list[tuple[Floats, Floats]]


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


class Points(NamedTuple):
    """A point in each cell (m, n_0), NaN where there is none; the exact ones of rounded ones."""

    rounded: Floats
    exact: dict[int, list[str]]

    def are_there(self) -> Bools:
        """Return in which cells there is one: (m,)."""
        there = np.asarray(np.isfinite(self.rounded).all(axis=1))
        there[list(self.exact)] = True
        return there


PointFinder = Callable[[SomeRows, Bools], Points]


class _Cells(NamedTuple):
    """The cells of some rows: bits (m, N), the classes that win in them (m, classes), points.

    ``is_open`` says in which cells several may win, ``classes`` (m,) what is predicted at the
    points.
    """

    bits: Bits
    wins: Bools
    is_open: Bools
    points: Points
    classes: Ints


class OnCells:
    """Looks at the rows of a table, with the network that it is of."""

    def __init__(
        self,
        stack: LayerStack,
        metadata: Metadata,
        task: Task,
        points: PointFinder | None = None,
    ) -> None:
        """Prepare for a network's table.

        ``points`` finds points in given cells of some rows (m,), at which classes are asked for;
        by default they are the witnesses, or those of `nnce witness` in a table without any.
        """
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
        self._points = points

    def at(self, some: SomeRows) -> tuple[Found, bool]:
        """Return what is found of some rows, and whether a batch ends with them.

        Raises:
            InputError: a row is no cell of the network.
        """
        rows = self.each(some)
        found = Found(rows=len(some.joined))
        for spectral, infinity in zip(rows.spectral, rows.infinity, strict=True):
            found.spectral.add(*spectral)
            found.infinity.add(*infinity)
        if rows.classes is not None and rows.crossed is not None:
            found.crossed = int(np.count_nonzero(rows.crossed))
            found.classes = Counter(rows.classes.tolist())
        return found, some.ends_batch

    def each(self, some: SomeRows) -> OnRows:
        """Return what is found of each row.

        Raises:
            InputError: a row is no cell of the network.
        """
        cells = self._cells(some) if self._has_classes else None
        spectral, infinity = [], []
        for part, maps in cell_maps(self._stack, self._outputs, some.rows):
            spectral.append(spectral_norms(maps))
            infinity.append(infinity_norms(maps))
            if cells is not None:
                cells.classes[part] = self._clear(cells, part, maps)
        crossed = None if cells is None else self._settle(cells, some.first)
        return OnRows(None if cells is None else cells.classes, crossed, spectral, infinity)

    def _cells(self, some: SomeRows) -> _Cells:
        """Return what the walk tells of the cells, and points in those that it leaves open.

        Raises:
            InputError: a row is no cell, or its witness is no point.
        """
        rows = TreeRows.of(self._whole, some.joined, some.before)
        wins = self._decisions.winners(rows)
        is_open = wins.sum(axis=1) > 1
        is_cell, has_point = np.asarray(wins.any(axis=1)), np.ones(len(wins), np.bool_)
        if self._points is not None:
            points = self._points(some, is_open & is_cell)
        elif some.rows.witness is not None:
            points = Points(some.rows.witness, self._exact_in(some))
            has_point = points.are_there()
        else:
            points = Points(np.full((len(wins), len(self._free)), np.nan), {})
            if is_open.any():
                points = Points(*self._decisions.points(rows))
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

    def _settle(self, cells: _Cells, first: int) -> Bools:
        """Find the classes that are left open, and return which cells the boundary crosses."""
        is_exact = np.zeros(len(cells.bits), np.bool_)
        is_exact[list(cells.points.exact)] = True
        for i in np.flatnonzero(cells.is_open & ((cells.classes < 0) | is_exact)).tolist():
            exact = cells.points.exact.get(i)
            point = (
                rational_point(cells.points.rounded[i]) if exact is None else rationals_of(exact)
            )
            cells.classes[i] = self._decisions.class_at(cells.bits[i], point)
        if not self._decisions.are_many:
            return cells.is_open
        crossed = np.zeros(len(cells.bits), np.bool_)
        for i, (bits, predicted) in enumerate(zip(cells.bits, cells.classes.tolist(), strict=True)):
            is_crossed = self._decisions.is_crossed(bits, predicted)
            if is_crossed is None:
                raise _no_cell(first + i)
            crossed[i] = is_crossed
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
