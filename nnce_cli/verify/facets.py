"""What lies beyond the facets of many cells: all that a table has to list.

For each cell the different hyperplanes of its walls, and the code beyond each, are looked up;
where one is not listed, the hyperplane has to be redundant. Floating point with error bounds does
this for many cells at once, and what it leaves open is decided in rational arithmetic, cell by
cell.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.rounding import UNIT_ROUNDOFF
from nnce_cli.verify.combinations import combinations_prove
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.float_forms import SLACK, CellForms, FloatForms
from nnce_cli.verify.hyperplanes import codes_across, surroundings
from nnce_cli.verify.layer_units import Bools, Codes, Floats, Ints, Signs
from nnce_cli.verify.listed import Listed
from nnce_cli.verify.polytope import Polytope, combination_proves
from nnce_cli.verify.programs import Found, find_combinations
from nnce_cli.verify.proofs import Proofs
from nnce_cli.verify.table_rows import Packed, packed_rows

ENTRIES = 2**18  # of the arrays of cells that are looked at together: what caches hold
MOST_INPUTS = 64  # that vary; with more, cells are faster one by one than side by side

Basis = tuple[list[int], list[int]]
"""The walls whose functions are combined, and as many inputs that vanish in the rest."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Some rows of a table: their numbers (m,), codes (m, N), and witnesses (m, n_0).

    The witnesses are no more than hints where to begin; a table may have none.
    """

    rows: NDArray[np.int64]
    codes: Codes
    points: Floats | None

    def __getitem__(self, some: slice) -> Cells:
        points = None if self.points is None else self.points[some]
        return Cells(self.rows[some], self.codes[some], points)


@dataclass(frozen=True, eq=False)
class Missing:
    """A facet of a row's cell beyond which nothing is listed: its walls, and what should be."""

    row: int
    codes: Codes
    walls: list[int]
    beyond: Codes


@dataclass
class Facets:
    """What was found about the hyperplanes of some cells."""

    cells: int = 0
    hyperplanes: int = 0
    listed: int = 0
    redundant: Proofs = field(default_factory=Proofs)
    missing: list[Missing] = field(default_factory=list)

    def add(self, other: Facets) -> None:
        """Add what was found about other cells, but for what is missing."""
        self.cells += other.cells
        self.hyperplanes += other.hyperplanes
        self.listed += other.listed
        self.redundant.add(other.redundant)

    @property
    def details(self) -> dict[str, int]:
        """The counts under the names that reports have for them."""
        return {
            "cells": self.cells,
            "leading to listed cells": self.listed,
            **self.redundant.details("redundant", "exact linear programs"),
        }


class FacetCheck:
    """Looks beyond the facets of a table's cells."""

    def __init__(self, network: ExactNetwork, listed: Listed) -> None:
        self.network = network
        self.listed = listed
        self._floats = FloatForms(network)
        functions = len(network.vanish) + network.dimension
        entries = functions * (1 + network.dimension)
        self._together = max(1, ENTRIES // max(entries, 1))
        self._crossings = _Crossings(network)

    def look(self, cells: Cells) -> Facets:
        """Look beyond all facets of some cells."""
        facets = Facets(cells=len(cells.rows))
        for first in range(0, len(cells.rows), self._together):
            self._look_together(cells[first : first + self._together], facets)
        return facets

    def _look_together(self, cells: Cells, facets: Facets) -> None:
        around = self._around(cells.codes)
        facets.hyperplanes += int(around.walls.sum())
        facets.listed += int((around.walls & around.found).sum())
        is_open = around.walls & ~around.found
        before = int(is_open.sum())
        bases = self._prove_in_floats(around, is_open, cells.points)
        facets.redundant.by_floats += before - int(is_open.sum())
        for i in np.flatnonzero(is_open.any(axis=1)).tolist():
            self._prove_exactly(cells[i : i + 1], is_open[i], bases.get(i, {}), facets)

    def _around(self, codes: Codes) -> _Around:
        """Find the hyperplanes of cells, and look up what lies beyond them."""
        sides, n = self.network.sides(codes), self.network.rows
        inward = self._floats.on(codes, self.network.depth).turned(sides)
        inward = self._floats.with_fences(inward)
        fences = np.ones((len(codes), inward.values.shape[1] - n), dtype=np.int8)
        plain = hyperplanes_differ(inward, np.concatenate([sides, fences], axis=1))
        walls = inward.varies & plain[:, None]
        walls[:, :n] &= sides != 0
        walls[:, n:] = False
        found = np.zeros(walls.shape, dtype=np.bool_)
        i, k = np.nonzero(walls)
        found[i, k] = self.listed.lists(self._crossings.beyond(codes, i, k))
        for row in np.flatnonzero(~plain).tolist():
            around = surroundings(self.network, codes[row])
            firsts = [hyperplane.rows[0] for hyperplane in around.hyperplanes]
            walls[row, firsts] = True
            across = codes_across(self.network, codes[row], around)
            found[row, firsts] = self.listed.lists(packed_rows(across, self.network.layout))
        return _Around(inward, walls, found)

    def _prove_in_floats(
        self, around: _Around, is_open: Bools, points: Floats | None
    ) -> dict[int, dict[int, Basis]]:
        """Strike out of ``is_open`` (m, n) the hyperplanes that are proved redundant.

        Return the bases that look right for others, for each cell and wall.
        """
        forms = around.inward
        i, k = np.nonzero(is_open)
        nothing = np.zeros((len(i), 0))
        columns = nothing.astype(np.int64)
        self._strike_out(forms, is_open, Found(i, k, columns, nothing, nothing))
        if points is None or self.network.dimension > MOST_INPUTS or not is_open.any():
            return {}
        start = self.network.chart.coordinates(points)
        known = around.walls & around.found
        known[:, self.network.rows :] = True
        found = find_combinations(forms.values, known, is_open, start)
        self._strike_out(forms, is_open, found)
        bases: dict[int, dict[int, Basis]] = {}
        for p in np.flatnonzero(is_open[found.cell, found.target]).tolist():
            cell, target = int(found.cell[p]), int(found.target[p])
            bases.setdefault(cell, {})[target] = self._basis(found.columns[p].tolist())
        return bases

    def _strike_out(self, forms: CellForms, is_open: Bools, found: Found) -> None:
        """Check combinations in float64, and strike out those that prove."""
        vanish, columns = self.network.vanish, found.columns
        if self.network.chart.is_cone:  # its last fence is t >= 0, which is a bound of t, too
            of_t = len(vanish) + self.network.dimension - 1
            columns = np.where(columns == of_t, len(vanish) - 1, columns)
        is_wall = columns < len(vanish)
        others = np.where(is_wall, columns, 0)
        multipliers = np.where(is_wall, found.multipliers, 0.0)
        meet = vanish[found.target] & (is_wall & vanish[others]).all(axis=1)
        meet &= others.shape[1] == self.network.dimension
        proved = combinations_prove(
            forms.at(found.cell, found.target),
            forms.at(found.cell[:, None], others),
            multipliers,
            meet,
        )
        is_open[found.cell[proved], found.target[proved]] = False

    def _basis(self, columns: list[int]) -> Basis:
        n = len(self.network.vanish)
        at_bounds = {c - n for c in columns if c >= n}
        inputs = [i for i in range(self.network.dimension) if i not in at_bounds]
        return [c for c in columns if c < n], inputs

    def _prove_exactly(
        self, cell: Cells, is_open: Bools, bases: dict[int, Basis], facets: Facets
    ) -> None:
        """Decide in rational arithmetic about the hyperplanes of one cell that are still open."""
        [row], [codes] = cell.rows.tolist(), cell.codes
        around = surroundings(self.network, codes)
        functions = {h.rows[0]: h.inward for h in (*around.hyperplanes, *around.borders)}
        polytope = Polytope([*functions.values()], self.network.dimension)
        for k, (wall, function) in enumerate(functions.items()):
            if not is_open[wall]:
                continue
            slacks, inputs = bases.get(wall, ([], []))
            if combination_proves(function, [functions[j] for j in slacks], inputs):
                facets.redundant.by_rationals += 1
            elif polytope.is_redundant(k):
                facets.redundant.by_programs += 1
            else:
                beyond = codes_across(self.network, codes, around)[k]
                facets.missing.append(Missing(row, codes, around.hyperplanes[k].rows, beyond))


@dataclass(frozen=True, eq=False)
class _Around:
    """The hyperplanes of m cells.

    ``inward`` are the functions that are >= 0 on the cells, where they are walls, and the domain's
    fences. ``walls`` (m, n) stand for one hyperplane each, which is no border of the domain, and
    ``found`` (m, n) are those of them beyond which is a listed code.
    """

    inward: CellForms
    walls: Bools
    found: Bools


class _Crossings:
    """The codes beyond single walls of cells, as a table has them."""

    def __init__(self, network: ExactNetwork) -> None:
        self._network = network
        ones = packed_rows(np.eye(network.units, dtype=np.uint8), network.layout)
        self._ones = ones[network.unit_of]  # the bit, or the last bit of the byte, of a wall's unit

    def beyond(self, codes: Codes, cells: Ints, walls: Ints) -> Packed:
        """Return joined rows (p, bytes): of some cells, with the unit of a wall across it."""
        here = codes[cells, self._network.unit_of[walls]]
        there = (self._network.sums[walls] - here).astype(np.uint8)
        changes = self._ones[walls] * (here ^ there)[:, None]
        return np.asarray(packed_rows(codes, self._network.layout)[cells] ^ changes)


def hyperplanes_differ(forms: CellForms, sides: Signs) -> Bools:
    """Say for which cells (m,) no two walls share a hyperplane and none is zero, for sure.

    Functions of the same hyperplane are multiples of each other, so that the quotient of two
    linear functionals of their entries is the same for both. The quotients are computed with
    bounds on their errors; where these intervals are apart, the hyperplanes are different.
    """
    values, size = forms.values, forms.size
    functionals = np.random.default_rng(0).uniform(0.5, 1.0, (2, values.shape[2]))
    functionals[:, 1::2] *= -1
    with np.errstate(all="ignore"):
        a, b = (values @ functional for functional in functionals)
        wrong = forms.error * SLACK + 2 * (values.shape[2] + 2) * UNIT_ROUNDOFF * size
        quotient = a / b
        margin = np.abs(b) - 2 * wrong
        error = 2 * wrong * (1 + np.abs(quotient)) / margin + 4 * UNIT_ROUNDOFF * np.abs(quotient)
        known = (margin > 0) & np.isfinite(error)
        low, high = quotient - error, quotient + error
    is_constant = ~forms.varies
    i, k = np.nonzero(is_constant)
    is_constant[i, k] = np.abs(values[i, k]).max(axis=1, initial=0.0) > forms.error[i, k]
    # What has no hyperplane gets a place of its own at the end.
    has_none = is_constant | (sides == 0)
    low, high = (np.where(has_none, np.inf, ends) for ends in (low, high))
    order = low.argsort(axis=1)
    low, high = (np.take_along_axis(ends, order, axis=1) for ends in (low, high))
    is_apart = (low[:, 1:] > np.maximum.accumulate(high, axis=1)[:, :-1]) | np.isposinf(low[:, 1:])
    fine = (known & forms.varies) | has_none
    return np.asarray(fine.all(axis=1) & is_apart.all(axis=1))
