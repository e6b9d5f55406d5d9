"""The half-spaces of many cells at once in float64, with bounds on their errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnce_cli.analysis.affine_maps import CellMaps, follow
from nnce_cli.atlas import CellSpace, floats_of
from nnce_cli.base.rounding import UNDERFLOW, UNIT_ROUNDOFF
from nnce_cli.network import CLIP, Units
from nnce_cli.table import Rows

ENTRIES = 1 << 18  # numbers of half-spaces at a time: what a cache holds

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Codes = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@dataclass(frozen=True, eq=False)
class Polyhedra:
    """Cells (m) as intersections of h half-spaces, where affine functions are >= 0.

    ``forms`` are the functions (m, h, 1 + d) and bounds on their errors; ``bound`` (m, h) says
    which of them are there and may depend on x. The others are no half-spaces.
    """

    forms: CellMaps
    bound: Bools


class FloatPolyhedra:
    """Finds the half-spaces of the rows of a table."""

    def __init__(self, space: CellSpace) -> None:
        self._stack = space.stack
        limits = [limit.form for limit in space.limits]
        self._limits = floats_of(limits, 1 + space.dimension)
        nonzero = [layer.exact_arrays[0] != 0 for layer in self._stack.hidden]
        self._nonzero = [np.asarray(weight, dtype=np.float32) for weight in nonzero]
        self._count = sum(self._stack.rows) + len(limits)

    def of(self, rows: Rows) -> Iterator[tuple[slice, Polyhedra]]:
        """Yield the half-spaces of the cells of consecutive rows, some rows at a time."""
        step = max(1, ENTRIES // (max(1, self._count) * (1 + self._stack.n_inputs)))
        for start in range(0, len(rows.active), step):
            part = slice(start, min(start + step, len(rows.active)))
            signs = [layer[part] for layer in rows.signs]
            with np.errstate(over="ignore", invalid="ignore", under="ignore"):
                yield part, self._of(Rows(signs, rows.active[part], rows.ranks[part]))

    def _of(self, rows: Rows) -> Polyhedra:
        m = len(rows.active)
        shape = (m, *self._limits.shape)
        values = [np.broadcast_to(self._limits, shape)]
        errors = [UNIT_ROUNDOFF * np.abs(values[0]) + UNDERFLOW]
        bound = [np.ones(shape[:2], np.bool_)]
        varies = np.ones((m, self._stack.n_inputs), np.float32)
        hidden = self._stack.hidden
        layers = follow(self._stack, hidden, rows) if hidden else iter(())
        codes = self._stack.layout.layers(rows.signs)
        for (maps, numbers), units, code, nonzero in zip(
            layers, self._stack.units, codes, self._nonzero, strict=True
        ):
            inward = _inward(units, code)
            own = slice(0, units.rows)
            values.append(inward[:, :, None] * maps.value[:, own][numbers])
            errors.append(np.abs(inward)[:, :, None] * maps.error[:, own][numbers])
            depends = varies @ nonzero.T > 0
            bound.append((inward != 0) & depends[:, own])
            varies = (depends & (units.gains(code, depends.shape[1]) != 0)).astype(np.float32)
        forms = CellMaps(np.concatenate(values, axis=1), np.concatenate(errors, axis=1))
        return Polyhedra(forms, np.concatenate(bound, axis=1))


def _inward(units: Units, codes: Codes) -> Floats:
    """Return for each neuron the sign (m, rows) with which it is >= 0 on cells; 0 if it is neither.

    Of a max only the comparisons with the winner count.
    """
    bits, pieces = codes
    signs = np.zeros((len(bits), units.rows))
    signs[:, : units.bits] = np.where(bits, 1.0, -1.0)
    for p, (unit, first) in enumerate(units.firsts()):
        code = pieces[:, p].astype(np.int64)
        if unit.kind == CLIP:
            signs[:, first] = np.where(code > 0, 1.0, -1.0)
            signs[:, first + 1] = np.where(code > 1, 1.0, -1.0)
            continue
        for neuron, (i, j) in enumerate(unit.pairs, start=first):
            signs[:, neuron] = (code == j).astype(float) - (code == i)
    return signs
