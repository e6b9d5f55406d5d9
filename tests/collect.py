"""Run an enumeration to its end and hold every row to its contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from nnce_cli.base.bits import unpack_layers
from nnce_cli.domain import fix_inputs
from nnce_cli.enumeration import DICTIONARY, Problem, Walk, batches, walk_factory
from tests.oracles.naive import Cell, cell_at
from tests.thin_cells import holds_no_float

if TYPE_CHECKING:
    from nnce_cli.domain import Box
    from nnce_cli.network import LayerStack


@dataclass(frozen=True)
class Table:
    """All rows of a walk; ``stack`` and ``box`` are what is left of them after fixing inputs.

    ``packed`` (cells, bytes) joins the packed layers; ``bits`` (cells, neurons) are the signs;
    ``witness`` (cells, n_0) has all inputs, ``free`` (n_0,) says which of them vary.
    """

    stack: LayerStack
    box: Box
    free: NDArray[np.bool_]
    walk: Walk
    packed: NDArray[np.uint8]
    bits: NDArray[np.uint8]
    active: NDArray[np.uint16]
    ranks: NDArray[np.uint16]
    witness: NDArray[np.float64]

    def cell(self, row: int) -> Cell:
        """Return what a row says."""
        rows = (self.bits[row], self.active[row], self.ranks[row])
        return Cell(*(tuple(values.tolist()) for values in rows))

    def signs(self) -> list[tuple[int, ...]]:
        """Return the network sign vectors in the order of the rows."""
        return list(map(tuple, self.bits.tolist()))


def enumerate_all(stack: LayerStack, box: Box) -> Table:
    """Return the table of all cells."""
    reduced, small, free = fix_inputs(stack, box)
    walk = walk_factory(DICTIONARY)(Problem.of(stack, box))
    found = list(batches(walk))
    layers = [np.concatenate(parts) for parts in zip(*(b.signs for b in found), strict=True)]
    return Table(
        stack=reduced,
        box=small,
        free=free,
        walk=walk,
        packed=np.concatenate(layers, axis=1),
        bits=unpack_layers(layers, reduced.widths[1:]),
        active=np.concatenate([b.active for b in found]),
        ranks=np.concatenate([b.ranks for b in found]),
        witness=np.concatenate([b.witness for b in found]),
    )


def count(stack: LayerStack, box: Box) -> list[int]:
    """Return the cells after each hidden layer by a walk that makes no rows."""
    walk = walk_factory(DICTIONARY)(Problem.of(stack, box), rows=False, witness=False)
    for _ in batches(walk):
        pass
    assert walk.done
    return walk.layer_cells


def check_rows(table: Table, sample: int | None = None) -> None:
    """Assert what every table must keep; ``sample`` rows (default: all) in exact arithmetic.

    A witness is strictly inside its cell, unless the cell is too thin to hold a float64 point.
    """
    walk, rows = table.walk, len(table.packed)
    assert walk.done
    assert walk.share == pytest.approx(1.0)
    assert walk.cells == rows == walk.layer_cells[-1]
    assert ascending(table.packed)
    ends = np.cumsum(table.stack.widths[1:])
    starts = ends - table.stack.widths[1:]
    assert walk.layer_cells == [count_runs(table.bits[:, :end]) for end in ends]
    active = [table.bits[:, a:b].sum(axis=1) for a, b in zip(starts, ends, strict=True)]
    assert np.array_equal(table.active, np.stack(active, axis=1))
    points = table.witness[:, table.free]
    inside = np.all((table.box.lower < points) & (points < table.box.upper), axis=1)
    chosen = np.arange(rows)
    if sample is not None and sample < rows:
        chosen = np.random.default_rng(0).choice(rows, sample, replace=False)
    for row in [*chosen[inside[chosen]], *np.flatnonzero(~inside)]:
        cell = table.cell(row)
        strictly_inside = inside[row] and cell_at(table.stack, points[row]) == cell
        assert strictly_inside or holds_no_float(
            table.stack, table.box, cell.signs, points[row].tolist()
        ), f"row {row}: {points[row]} is no witness"


def ascending(packed: NDArray[np.uint8]) -> bool:
    """Tell whether the rows ascend strictly, compared byte by byte."""
    before, after = packed[:-1].astype(np.int16), packed[1:].astype(np.int16)
    difference = after - before
    first = np.argmax(difference != 0, axis=1)
    return bool(np.all(difference[np.arange(len(difference)), first] > 0))


def count_runs(rows: NDArray[np.uint8]) -> int:
    """Return the number of maximal runs of equal rows."""
    return 1 + int(np.any(rows[1:] != rows[:-1], axis=1).sum())
