"""Facets of cells on domains without bounds: which cells have no bounded one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nnce_cli.atlas.cell import Cell
from nnce_cli.atlas.cell_space import CellSpace
from nnce_cli.atlas.graph import DualGraph
from nnce_cli.base.workers import in_order
from nnce_cli.exact import is_pointed
from nnce_cli.network import LayerStack
from nnce_cli.table import CellTableReader, domain_of

MOST_EXACT = 2000  # cells that are looked at in rational arithmetic

Progress = Callable[[str, int, int], object]


def cells_without_bounded_facet(
    graph: DualGraph, reader: CellTableReader, stack: LayerStack, jobs: int, progress: Progress
) -> int | None:
    """Count the cells of a table that have no bounded facet; None where that takes too long.

    A facet of a bounded cell is bounded. So only unbounded cells without a bounded neighbour are
    in question, and these are decided one by one in rational arithmetic.

    Raises:
        InputError: the table is damaged.
    """
    is_bounded, codes = _columns(reader)
    has_one = is_bounded.copy()
    row, neighbour = graph.edges.row, graph.edges.neighbour
    has_one[row[is_bounded[neighbour]]] = True
    has_one[neighbour[is_bounded[row]]] = True
    open_rows = np.flatnonzero(~has_one)
    if open_rows.size > MOST_EXACT:
        return None
    space = CellSpace(stack, domain_of(reader.metadata))

    def find(row: int) -> bool:
        return has_bounded_facet(Cell(space, reader, codes[row], row))

    count = 0
    for k, found in enumerate(in_order(find, open_rows.tolist(), jobs), start=1):
        count += not found
        progress("unbounded cells", k, open_rows.size)
    return count


def has_bounded_facet(cell: Cell) -> bool:
    """Tell whether a facet goes on for ever in no direction: where all half-spaces do not end."""
    linear = [halfspace.form[1:] for halfspace in cell.halfspaces]
    return any(
        is_pointed([*linear, [-x for x in linear[facet.halfspaces[0]]]], cell.space.dimension)
        for facet in cell.facets
    )


def _columns(reader: CellTableReader) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    """Return which cells are bounded (cells,), and the codes of all (cells, row_bytes)."""
    bounded = [np.zeros(0, np.bool_)]
    codes = [np.zeros((0, reader.metadata.sizes.layout.row_bytes), np.uint8)]
    for batch in reader.batches(witness=False):
        count = len(batch.active)
        bounded.append(np.ones(count, np.bool_) if batch.bounded is None else batch.bounded)
        codes.append(np.concatenate([np.zeros((count, 0), np.uint8), *batch.signs], axis=1))
    return np.concatenate(bounded), np.concatenate(codes)
