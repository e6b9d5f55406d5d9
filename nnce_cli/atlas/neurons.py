"""What each unit does on the cells of a table: dead, always active, unstable; which are alike.

The codes of all cells are read once. Two units with two pieces of a layer *switch together* where
they have the same bit on every cell, and *oppositely* where they have different bits on every
cell: exactly, by comparing their columns. That they are the same function up to a factor on the
whole domain is said where the weights prove it: their rows are proportional but for weights of
units that are dead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.network import LayerStack
from nnce_cli.table import CellTableReader

Bits = NDArray[np.uint8]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Together:
    """Units of a layer that switch together on all cells.

    ``units`` switch as the first one does where ``opposite`` is False, else against it, unit by
    unit. ``factors`` has for each the number by which the first one's function is multiplied to
    give its own, where the weights prove that it does on the whole domain; else None.
    """

    units: tuple[int, ...]
    opposite: tuple[bool, ...]
    factors: tuple[fmpq | None, ...]


@dataclass(frozen=True, eq=False)
class LayerNeurons:
    """The units of a layer on the cells of a table.

    ``active`` (n,) is on how many cells each unit with two pieces is active, ``pieces`` for each
    of the other units on how many cells it is on each of its pieces. ``together`` are the units
    with two pieces that switch together and are neither dead nor always active.
    """

    cells: int
    active: Ints
    pieces: list[Ints]
    together: list[Together]

    @property
    def dead(self) -> list[int]:
        """The units that are active on no cell."""
        return self._with(0)

    @property
    def always_active(self) -> list[int]:
        """The units that are active on all cells."""
        return self._with(self.cells)

    @property
    def unstable(self) -> list[int]:
        """The units that are active on some cells and not on others."""
        return np.flatnonzero((self.active > 0) & (self.active < self.cells)).tolist()

    @property
    def settled(self) -> list[tuple[int, int]]:
        """The units with more pieces that are on one of them on all cells, and that piece."""
        first = len(self.active)
        return [
            (first + p, int(counts.argmax()))
            for p, counts in enumerate(self.pieces)
            if self.cells and counts.max() == self.cells
        ]

    def _with(self, count: int) -> list[int]:
        return np.flatnonzero((self.active == count) & (self.cells > 0)).tolist()


def neurons_of(reader: CellTableReader, stack: LayerStack) -> list[LayerNeurons]:
    """Return what the units of each layer do on the cells of a table, by reading it once.

    Raises:
        InputError: the table is damaged.
    """
    counters = [
        _LayerCounter(bits, pieces)
        for bits, pieces in zip(stack.layout.bits, stack.layout.pieces, strict=True)
    ]
    for rows in reader.batches(witness=False):
        for counter, (bits, pieces) in zip(counters, stack.layout.layers(rows.signs), strict=True):
            counter.add(bits, pieces)
    found: list[LayerNeurons] = []
    dead: list[int] = []
    for k, counter in enumerate(counters):
        layer = counter.result(reader.rows, _Weights(stack, k, dead))
        found.append(layer)
        dead = [i for i in layer.dead if stack.units[k].slopes[i] == 0]
    return found


class _Weights:
    """The rows of a layer, constants last, without the weights of units that are dead."""

    def __init__(self, stack: LayerStack, layer: int, dead: Sequence[int]) -> None:
        self._stack, self._layer, self._dead = stack, layer, set(dead)
        self._rows: list[list[fmpq]] | None = None

    def factor(self, first: int, second: int) -> fmpq | None:
        """Return by what the first row is to be multiplied to give the second, if there is one."""
        if self._rows is None:
            weight, bias = self._stack.hidden[self._layer].rational
            self._rows = [
                [x for j, x in enumerate(row) if j not in self._dead] + list(b)
                for row, b in zip(weight.tolist(), bias.tolist(), strict=True)
            ]
        a, b = self._rows[first], self._rows[second]
        lead = next((j for j, x in enumerate(a) if x != 0), None)
        if lead is None or b[lead] == 0:
            return None
        factor = b[lead] / a[lead]
        return factor if all(factor * x == y for x, y in zip(a, b, strict=True)) else None


class _LayerCounter:
    """Counts on how many cells units are active, and which switch together so far."""

    def __init__(self, bits: int, pieces: Sequence[int]) -> None:
        self._active = np.zeros(bits, dtype=np.int64)
        self._pieces = [np.zeros(most, dtype=np.int64) for most in pieces]
        self._class = np.zeros(bits, dtype=np.int64)
        self._flipped: NDArray[np.bool_] | None = None

    def add(self, bits: Bits, pieces: Bits) -> None:
        """Take in the codes of some cells: (m, n) and (m, p)."""
        if not len(bits):
            return
        self._active += bits.sum(axis=0, dtype=np.int64)
        for p, counts in enumerate(self._pieces):
            self._pieces[p] = counts + np.bincount(pieces[:, p], minlength=len(counts))
        if self._flipped is None:
            self._flipped = bits[0] != 0
        columns = np.packbits(bits ^ self._flipped, axis=0).T
        self._class = _refined(self._class, columns)

    def result(self, cells: int, weights: _Weights) -> LayerNeurons:
        """Return what was counted."""
        is_unstable = (self._active > 0) & (self._active < cells)
        classes: dict[int, list[int]] = {}
        for unit in np.flatnonzero(is_unstable).tolist():
            classes.setdefault(int(self._class[unit]), []).append(unit)
        together = [self._together(units, weights) for units in classes.values() if len(units) > 1]
        return LayerNeurons(cells, self._active, self._pieces, together)

    def _together(self, units: list[int], weights: _Weights) -> Together:
        assert self._flipped is not None
        first = units[0]
        return Together(
            tuple(units),
            tuple(bool(self._flipped[unit] != self._flipped[first]) for unit in units),
            tuple(weights.factor(first, unit) for unit in units),
        )


def _refined(classes: Ints, columns: Bits) -> Ints:
    """Divide classes of units by their columns (n, bytes): unlike ones are no longer together."""
    numbers: dict[tuple[int, bytes], int] = {}
    found = np.empty_like(classes)
    for unit, (old, column) in enumerate(zip(classes.tolist(), columns, strict=True)):
        found[unit] = numbers.setdefault((old, column.tobytes()), len(numbers))
    return found
