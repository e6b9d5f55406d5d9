"""The largest balls in many cells at once (Chebyshev), with proved bounds of their radii.

The linear program of `atlas/inscribed.py`: the largest r with n_k . x + c_k >= r for all
half-spaces k, with normals n_k of length 1. For all cells together it is solved by an interior
point method (Mehrotra 1992, *On the implementation of a primal-dual interior point method*) from
their witnesses, in float64. That proposes a centre and weights, and both are checked: the distance
from the centre to the nearest hyperplane, less all errors, is no larger than the largest radius.
With weights w_k >= 0 the largest radius is at most

    sum_k w_k f_k(x) / sum_k w_k |a_k|

for each x in the cell, and sum_k w_k f_k is nearly constant on it, as sum_k w_k a_k is nearly 0: it
is at most its value at the centre plus |sum_k w_k a_k| times the width of the domain, input by
input. Cells for which this fails are for rational arithmetic.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnce_cli.analysis.affine_maps import CellMaps
from nnce_cli.analysis.geometry.polyhedra import Polyhedra
from nnce_cli.base.rounding import UNDERFLOW, UNIT_ROUNDOFF

STEPS = 40
GAP = 1e-13  # between both programs, relative, at which a cell is done
SHORTENED = 0.995  # steps end before they reach the border
NEAR = 1e-6  # the gap from which on every step is to narrow it
RIDGE = 1e-15  # added to diagonals: only to propose
CLOSE = 1e-8  # relative distance of both bounds that is close enough
CAREFUL = 1 + 2.0**-30  # for the rounding of bounds on errors

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Balls(NamedTuple):
    """Centres (m, d) strictly inside, and bounds (m,) of the largest radii; NaN where unknown."""

    centre: Floats
    low: Floats
    high: Floats


def largest_balls(cells: Polyhedra, points: Floats, lower: Floats, upper: Floats) -> Balls:
    """Return the largest balls in bounded cells.

    Args:
        cells: the cells.
        points: a point in each of them (m, d), if possible; NaN where there is none.
        lower: lower bounds of the domain (d,).
        upper: upper bounds of the domain (d,).
    """
    with np.errstate(all="ignore"):
        program = _scaled(cells, points)
        step, weights = _solved(program)
        centre = points + program.unit[:, None] * step
        return _checked(cells, centre, weights / program.size, lower, upper)


class _Program(NamedTuple):
    """Half-spaces N u + c >= r of cells, seen from a point, in units of a typical distance.

    ``normals`` (m, h, d) and ``room`` (m, h) are 0 and 1 for those that are none; ``size`` (m, h)
    is what functions were divided by, ``unit`` (m,) the distance.
    """

    normals: Floats
    room: Floats
    is_wall: Bools
    size: Floats
    unit: Floats


def _scaled(cells: Polyhedra, points: Floats) -> _Program:
    linear = cells.forms.value[:, :, 1:]
    values, _ = _at(cells.forms, points)
    size = np.sqrt((linear**2).sum(axis=2))
    is_wall = cells.bound & (size > 0) & (np.abs(linear) > cells.forms.error[:, :, 1:]).any(axis=2)
    size = np.where(is_wall, size, 1.0)
    room = np.where(is_wall, values / size, np.nan)
    unit = np.nan_to_num(np.nanmedian(room, axis=1), nan=1.0)
    unit = np.where(unit > 0, unit, 1.0)
    normals = np.where(is_wall[:, :, None], linear / size[:, :, None], 0.0)
    return _Program(normals, np.where(is_wall, room / unit[:, None], 1.0), is_wall, size, unit)


def _solved(program: _Program) -> tuple[Floats, Floats]:
    """Return the steps (m, d) from the points to the centres, and the weights (m, h)."""
    m, h, d = program.normals.shape
    steps, weights = np.zeros((m, d)), np.zeros((m, h))
    left = np.flatnonzero((program.room > 0).all(axis=1) & np.isfinite(program.room).all(axis=1))
    if not left.size or not d:
        return steps, weights
    walls = program.is_wall[left].astype(np.float64)
    g = np.concatenate([program.normals[left], -walls[:, :, None]], axis=2)
    room = program.room[left]
    y = np.zeros((len(left), d + 1))
    y[:, d] = room.min(axis=1) / 2
    s = room + _times(g, y)
    z = 1 / s
    z *= walls / (z * walls).sum(axis=1, keepdims=True)
    gap = (s * z).sum(axis=1)
    for _ in range(STEPS):
        dy, dz = _direction(g, s, z, walls)
        ds = _times(g, dy)
        forward, back = _longest(s, ds), _longest(z, dz, walls)
        next_y = y + forward[:, None] * dy
        next_s = s + forward[:, None] * ds
        next_z = np.maximum(z + back[:, None] * dz, 0.0)
        next_gap = (next_s * next_z).sum(axis=1)
        # Near the end rounding has the last word: no progress, or no number.
        better = ((next_gap < gap) | (gap > NEAR * y[:, d]))[:, None]
        better &= np.isfinite(next_gap)[:, None]
        y, s, z = (
            np.where(better, new, old) for new, old in ((next_y, y), (next_s, s), (next_z, z))
        )
        gap = np.where(better[:, 0], next_gap, gap)
        is_done = ~better[:, 0] | (gap <= GAP * y[:, d])
        if is_done.any():
            done, keep = left[is_done], ~is_done
            steps[done], weights[done] = y[is_done, :d], _balanced(g[is_done], z[is_done])
            left, g, walls = left[keep], g[keep], walls[keep]
            y, s, z, gap = y[keep], s[keep], z[keep], gap[keep]
        if not left.size:
            return steps, weights
    steps[left], weights[left] = y[:, :d], _balanced(g, z)
    return steps, weights


def _balanced(g: Floats, weights: Floats) -> Floats:
    """Return weights (m, h) >= 0 near to some, whose normals add up to 0 more exactly."""
    for _ in range(2):
        scaled = g.transpose(0, 2, 1) * weights[:, None, :] ** 2
        matrix = np.matmul(scaled, g)
        diagonal = np.einsum("ijj->ij", matrix)
        diagonal += RIDGE * diagonal.max(axis=1, keepdims=True) + UNDERFLOW
        rest = np.matmul(weights[:, None, :], g)[:, 0]
        rest[:, -1] += 1.0
        change = np.linalg.solve(matrix, rest[:, :, None])
        moved = weights - weights**2 * _times(g, change[:, :, 0])
        weights = np.maximum(np.where(np.isfinite(moved), moved, weights), 0.0)
    return weights


def _direction(g: Floats, s: Floats, z: Floats, walls: Floats) -> tuple[Floats, Floats]:
    """Return the step of the predictor and corrector for the variables and the weights."""
    ratio = z / s
    transposed = g.transpose(0, 2, 1)
    matrix = np.matmul(transposed * ratio[:, None, :], g)
    diagonal = np.einsum("ijj->ij", matrix)
    diagonal += RIDGE * diagonal.max(axis=1, keepdims=True) + UNDERFLOW
    count = walls.sum(axis=1)

    def step(aim: Floats) -> tuple[Floats, Floats]:
        """Aim at s z = ``aim``, to first order."""
        right = np.matmul(transposed, (aim / s)[:, :, None])
        right[:, -1, 0] += 1.0
        dy = np.linalg.solve(matrix, right)[:, :, 0]
        return np.asarray(dy), (aim - ratio * s * _times(g, dy)) / s - z

    nothing = np.zeros_like(s)
    dy, dz = step(nothing)
    ds = _times(g, dy)
    forward, back = _longest(s, ds)[:, None], _longest(z, dz, walls)[:, None]
    now = (s * z).sum(axis=1) / count
    then = ((s + forward * ds) * (z + back * dz)).sum(axis=1) / count
    centring = now * np.clip(then / now, 0.0, 1.0) ** 3
    return step(walls * centring[:, None] - ds * dz * walls)


def _longest(values: Floats, change: Floats, walls: Floats | None = None) -> Floats:
    """Return how far, up to 1, values > 0 may change (m,) and stay so."""
    falls = change < 0 if walls is None else (change < 0) & (walls > 0)
    most = np.where(falls, -values / np.where(falls, change, 1.0), np.inf).min(axis=1)
    return np.asarray(np.minimum(1.0, SHORTENED * most))


def _times(matrices: Floats, vectors: Floats) -> Floats:
    return np.asarray(np.matmul(matrices, vectors[:, :, None])[:, :, 0])


def _at(forms: CellMaps, points: Floats) -> tuple[Floats, Floats]:
    """Return the values of functions at a point of each cell (m, h), and error bounds."""
    linear, off = forms.value[:, :, 1:], forms.error[:, :, 1:]
    size = np.abs(points)
    values = forms.value[:, :, 0] + _times(linear, points)
    total = np.abs(forms.value[:, :, 0]) + _times(np.abs(linear), size)
    error = forms.error[:, :, 0] + _times(off, size)
    units = 2.0 * (points.shape[1] + 4) * UNIT_ROUNDOFF
    return values, error * CAREFUL + units * total + UNDERFLOW


def _checked(
    cells: Polyhedra, centre: Floats, weights: Floats, lower: Floats, upper: Floats
) -> Balls:
    """Return the bounds that centres and weights >= 0 prove, NaN where they are not close."""
    linear, off = cells.forms.value[:, :, 1:], cells.forms.error[:, :, 1:]
    h, d = linear.shape[1:]
    values, errors = _at(cells.forms, centre)
    length = np.sqrt((linear**2).sum(axis=2))
    loose = np.sqrt((off**2).sum(axis=2)) * CAREFUL + 2 * (d + 4) * UNIT_ROUNDOFF * length
    loose += UNDERFLOW
    distance = np.where(cells.bound, (values - errors) / (length + loose), np.inf)
    summing = 1 + 2 * (h + d + 16) * UNIT_ROUNDOFF
    low = distance.min(axis=1) / summing
    weights = np.where(cells.bound, weights, 0.0)
    tilt = np.abs(np.matmul(weights[:, None, :], linear)[:, 0])
    tilt += np.matmul(weights[:, None, :], off)[:, 0] * CAREFUL
    tilt += 2 * (h + 4) * UNIT_ROUNDOFF * np.matmul(weights[:, None, :], np.abs(linear))[:, 0]
    reach = np.maximum(np.abs(upper - centre), np.abs(centre - lower)) * CAREFUL
    most = (weights * (np.abs(values) + errors)).sum(axis=1) + (tilt * reach).sum(axis=1)
    least = (weights * (length - loose)).sum(axis=1)
    high = most / least * summing**2
    is_known = (low > 0) & (least > 0) & (high <= low * (1 + CLOSE)) & np.isfinite(high)
    is_known &= np.isfinite(centre).all(axis=1)
    nan = np.where(is_known, 0.0, np.nan)
    return Balls(centre + nan[:, None], low + nan, high + nan)
