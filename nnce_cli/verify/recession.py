"""Whether cells are bounded.

A cell is bounded if and only if there is no direction y but 0 in which no wall of it, and no fence
of the domain, comes nearer: in which g.y >= 0 for all their gradients g.

Floating point finds the direction y of [-1, 1]^n for which the least g.y is the largest, each
measured by the sum of the sizes of its entries. If these are above a bound on their errors, the
cell is unbounded. Else n + 1 walls stop the search: if the gradient of one is minus a combination
of those of the others, which are independent, and all multipliers are proved to be positive
(`combinations`), then these gradients span all directions, and the cell is bounded. What remains
open, such as a cell between two parallel walls, is decided in rational arithmetic (`spanning`).
"""

from __future__ import annotations

import numpy as np

from nnce_cli.base.rounding import UNDERFLOW, UNIT_ROUNDOFF
from nnce_cli.verify.combinations import combinations_prove
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.float_forms import CellForms, FloatForms, Functions
from nnce_cli.verify.layer_units import Bools, Codes
from nnce_cli.verify.programs import Found, find_combinations
from nnce_cli.verify.spanning import span_positively

MOST_INPUTS = 64  # with more, cells are decided one by one
ENTRIES = 2**18  # of the arrays of cells that are looked at together


class Recession:
    """Tells which cells of a network are bounded."""

    def __init__(self, network: ExactNetwork) -> None:
        self._network = network
        self._floats = FloatForms(network)
        entries = (len(network.vanish) + network.dimension) * (2 + network.dimension)
        self._together = max(1, ENTRIES // entries)
        self.details = {"recession by floating point": 0, "recession exactly": 0}

    def bounded(self, codes: Codes) -> Bools:
        """Return for the cells with these codes (m, N) whether they are bounded (m,)."""
        if not self._network.chart.is_cone:
            return np.ones(len(codes), dtype=np.bool_)
        parts = [
            self._some(codes[i : i + self._together]) for i in range(0, len(codes), self._together)
        ]
        return np.concatenate([np.zeros(0, dtype=np.bool_), *parts])

    def _some(self, codes: Codes) -> Bools:
        is_bounded, is_known = np.zeros((2, len(codes)), dtype=np.bool_)
        if 0 < self._network.chart.inputs <= MOST_INPUTS:
            with np.errstate(all="ignore"):
                is_bounded, is_unbounded = self._in_floats(codes)
            is_known = is_bounded | is_unbounded
        for i in np.flatnonzero(~is_known).tolist():
            is_bounded[i] = self._exactly(codes[i])
        self.details["recession by floating point"] += int(is_known.sum())
        self.details["recession exactly"] += int((~is_known).sum())
        return is_bounded

    def _in_floats(self, codes: Codes) -> tuple[Bools, Bools]:
        """Say which cells are proved to be bounded, and which to be unbounded."""
        sides = self._network.sides(codes)
        forms = self._floats.on(codes, self._network.depth).turned(sides)
        forms = self._floats.with_fences(forms)
        is_wall = forms.varies.copy()
        is_wall[:, : sides.shape[1]] &= sides != 0
        gradients = _gradients(forms, self._network.chart.gradient)
        found = _widest_directions(gradients, is_wall)
        is_bounded, is_unbounded = np.zeros((2, len(codes)), dtype=np.bool_)
        is_unbounded[found.cell] = _rise(gradients, is_wall, found)
        stopped = (found.columns < is_wall.shape[1]).all(axis=1)
        is_bounded[found.cell[stopped]] = _surround(gradients, found, stopped)
        return is_bounded, is_unbounded

    def _exactly(self, codes: Codes) -> bool:
        chart = self._network.chart
        walls = [*(form for _, form in self._network.walls(codes)), *chart.fences]
        return span_positively([form[chart.gradient] for form in walls], chart.inputs)


def _gradients(forms: CellForms, some: slice) -> Functions:
    """Return the linear parts of functions of m cells, as functions (m, n) that are zero at 0."""
    values = forms.values.copy()
    values[:, :, 0] = 0.0
    values = values[:, :, : some.stop]
    return Functions(values, forms.error, np.abs(values).sum(axis=2))


def _widest_directions(gradients: Functions, is_wall: Bools) -> Found:
    """Find the directions y that are the farthest inside of all walls, one of each cell.

    The linear programs are over u with (y, s) = 2 u - 1: s is to be as large as can be, where each
    wall is at least s times its size. They begin at y = 0 and s = -1/2.
    """
    linear, size = gradients.values[:, :, 1:], gradients.size
    m, count, n = linear.shape
    program = np.zeros((m, count + 1, n + 2))
    program[:, :count, 0] = size - linear.sum(axis=2)
    program[:, :count, 1:-1], program[:, :count, -1] = 2 * linear, -2 * size
    program[:, count, 0], program[:, count, -1] = 1.0, -2.0
    walls, target = np.zeros((2, m, count + 1), dtype=np.bool_)
    walls[:, :count], target[:, count] = is_wall, True
    start = np.full((m, n + 1), 0.5)
    start[:, -1] = 0.25
    return find_combinations(program, walls, target, start)


def _rise(gradients: Functions, is_wall: Bools, found: Found) -> Bools:
    """Say in which of the found directions (p,) all walls of their cells rise, for sure."""
    values, error, size = gradients.some(found.cell)
    y = np.clip(2 * found.points[:, :-1] - 1, -1.0, 1.0)
    rises = np.matmul(values[:, :, 1:], y[:, :, None])[:, :, 0]
    wrong = 2 * error + 2 * (y.shape[1] + 4) * UNIT_ROUNDOFF * size + UNDERFLOW
    return np.asarray(((rises > wrong) | ~is_wall[found.cell]).all(axis=1))


def _surround(gradients: Functions, found: Found, stopped: Bools) -> Bools:
    """Say where n + 1 walls that stopped a search span all directions positively, for sure."""
    cell, columns = found.cell[stopped], found.columns[stopped]
    first = gradients.some((cell, columns[:, 0]))
    others = gradients.some((cell[:, None], columns[:, 1:]))
    shares = found.multipliers[stopped]
    shares = shares[:, 1:] / shares[:, :1]
    meet = np.ones(len(cell), dtype=np.bool_)
    return combinations_prove(first._replace(values=-first.values), others, shares, meet)
