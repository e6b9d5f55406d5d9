"""Statistics of cell tables, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.analysis import stats
from nnce_cli.errors import InputError
from nnce_cli.table import Rows
from tests.tables import naive_statistics, part, rows_of, tables


@given(tables(), st.data())
def test_against_the_definitions_for_any_batches(table, data):
    widths, cells = table
    rows = rows_of(cells, widths, witness=False)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(cells)), max_size=6)))
    edges = zip([0, *cuts], [*cuts, len(cells)], strict=True)
    batches = [part(rows, start, stop) for start, stop in edges]
    assert stats(batches, widths).to_dict() == naive_statistics(cells, widths)


def test_by_hand():
    # Two layer-1 cells: 01 with one cell inside, 11 with three.
    cells = [((0, 1), (1,)), ((1, 0), (0,)), ((1, 1), (0,)), ((1, 1), (1,))]
    found = stats([rows_of(cells, [2, 2, 1])], [2, 2, 1])
    assert found.cells == 4
    assert found.layer_cells == [3, 4]
    assert found.cells_by_rank == [{1: 2, 2: 1}, {0: 2, 1: 2}]
    assert found.active_neurons == [{1: 2, 2: 1}, {0: 2, 1: 2}]
    of_rank_1, of_rank_2 = found.sub_cells_by_rank[0][1], found.sub_cells_by_rank[0][2]
    assert (of_rank_1.cells, of_rank_1.mean, of_rank_1.min, of_rank_1.max) == (2, 1.0, 1, 1)
    assert (of_rank_2.cells, of_rank_2.mean, of_rank_2.min, of_rank_2.max) == (1, 2.0, 2, 2)


def test_a_table_without_rows():
    found = stats([], [2, 3, 3])
    assert found.layer_cells == [0, 0]
    assert found.sub_cells_by_rank == [{}]


@pytest.mark.parametrize("order", [[1, 0, 2], [0, 0, 1], [0, 2, 1]])
def test_rows_out_of_order_are_refused(order):
    cells = [((0, 0), (1,)), ((0, 1), (0,)), ((0, 1), (1,))]
    rows = rows_of([cells[i] for i in order], [2, 2, 1])
    with pytest.raises(InputError, match="not sorted"):
        stats([rows], [2, 2, 1])
    with pytest.raises(InputError, match="not sorted"):
        stats([part(rows, i, i + 1) for i in range(3)], [2, 2, 1])


def test_numbers_that_the_widths_do_not_allow_are_refused():
    rows = rows_of([((0, 1),)], [1, 2])
    wrong = Rows(rows.signs, rows.active, np.full_like(rows.ranks, 60_000))
    with pytest.raises(InputError, match="do not allow"):
        stats([wrong], [1, 2])
