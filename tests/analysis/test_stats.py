"""Statistics of cell tables, against their definitions."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from itertools import pairwise
from math import comb

import numpy as np
import pytest
from flint import fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.analysis import SubCells, arrangement_cells, stats
from nnce_cli.base.errors import InputError
from nnce_cli.base.sizes import Sizes
from nnce_cli.table import Rows
from tests.cases import cube
from tests.network_tables import cells_of, outputs_on
from tests.oracles.naive import exhaustive_signs, stack_of
from tests.strategies import examples, networks, stack_from
from tests.tables import naive_bounded, naive_statistics, part, rows_of, tables


@given(tables(), st.booleans(), st.data())
def test_against_the_definitions_for_any_batches(table, tells_bounded, data):
    widths, cells = table
    rows = rows_of(cells, widths, witness=False, bounded=tells_bounded)
    expected = naive_statistics(cells, widths)
    if tells_bounded:
        rows.bounded[:] = data.draw(
            st.lists(st.booleans(), min_size=len(cells), max_size=len(cells))
        )
        expected |= naive_bounded(cells, rows.bounded.tolist())
    cuts = sorted(data.draw(st.lists(st.integers(0, len(cells)), max_size=6)))
    edges = zip([0, *cuts], [*cuts, len(cells)], strict=True)
    batches = [part(rows, start, stop) for start, stop in edges]
    assert stats(batches, Sizes.of_widths(widths)).to_dict() == expected


def test_by_hand():
    # Two layer-1 cells: 01 with one cell inside, 11 with three.
    cells = [((0, 1), (1,)), ((1, 0), (0,)), ((1, 1), (0,)), ((1, 1), (1,))]
    found = stats([rows_of(cells, [2, 2, 1])], Sizes.of_widths([2, 2, 1]))
    assert found.cells == 4
    assert found.layer_cells == [3, 4]
    assert found.cells_by_rank == [{1: 2, 2: 1}, {0: 2, 1: 2}]
    assert found.active_neurons == [{1: 2, 2: 1}, {0: 2, 1: 2}]
    of_rank_1, of_rank_2 = found.sub_cells_by_rank[0][1], found.sub_cells_by_rank[0][2]
    assert (of_rank_1.cells, of_rank_1.mean, of_rank_1.min, of_rank_1.max) == (2, 1.0, 1, 1)
    assert (of_rank_2.cells, of_rank_2.mean, of_rank_2.min, of_rank_2.max) == (1, 2.0, 2, 2)


@examples(30)
@given(st.data())
def test_cells_of_networks_counted_from_sign_vectors(data):
    """Sub-cells by rank, from all sign vectors that have points and exact ranks at them."""
    layers = data.draw(networks([(1, 3, 3), (2, 3, 2), (2, 2, 3), (1, 3, 2, 2)]))
    stack, box = stack_from(layers), cube(len(layers[0][0]) - 1, -1, 1)
    cells = cells_of(stack, box)
    found = stats([cells.rows], stack.sizes)
    all_signs = exhaustive_signs(stack, box)
    ends = [sum(stack.widths[1 : k + 1]) for k in range(1, len(stack.widths))]
    ranks = {signs: exact_ranks(stack, signs) for signs in all_signs}
    for k, (end, deeper) in enumerate(pairwise(ends)):
        inside = {}
        for signs in all_signs:
            inside.setdefault((signs[:end], ranks[signs][k]), set()).add(signs[:deeper])
        by_rank = {}
        for (_, rank), sub_cells in inside.items():
            by_rank.setdefault(rank, []).append(len(sub_cells))
        layer = found.sub_cells_by_rank[k]
        assert {rank: sub.histogram for rank, sub in layer.items()} == {
            rank: Counter(counts) for rank, counts in by_rank.items()
        }
        for rank, sub in layer.items():
            assert (
                sub.max <= sub.bound == sum(comb(stack.widths[k + 2], i) for i in range(rank + 1))
            )


def exact_ranks(stack, signs):
    """The rank of x -> a_k, for each layer k, where the neurons have these signs."""
    ranks, start = [], 0
    for k, layer in enumerate(stack.hidden):
        start += layer.n_out
        upto = dataclasses.replace(
            stack, hidden=stack.hidden[: k + 1], units=stack.units[: k + 1], output=None
        )
        rows = outputs_on(upto, signs[:start])
        ranks.append(fmpq_mat([row[:-1] for row in rows]).rank())
    return ranks


def test_the_bound_is_reached_by_lines_in_general_position():
    """Layer 1 is the plane itself, four lines of layer 2 cut it into 1 + 4 + 6 regions."""
    lines = [[1, 0, -2.25], [0, 1, -2.5], [1, 1, -4.125], [1, -1, 0.125]]
    stack = stack_of(
        ([[1, 0], [0, 1]], [2, 2]), ([row[:2] for row in lines], [row[2] for row in lines])
    )
    (sub,) = (
        stats([cells_of(stack, cube(2, -1, 1)).rows], stack.sizes).sub_cells_by_rank[0].values()
    )
    assert (sub.cells, sub.max, sub.bound) == (1, 11, 11)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=40))
def test_quartiles_are_those_of_numpy(values):
    sub = SubCells.of(dict(Counter(values)), 0)
    assert list(sub.quartiles) == np.quantile(values, [0.25, 0.5, 0.75]).tolist()
    assert (sub.cells, sub.min, sub.max) == (len(values), min(values), max(values))
    assert sub.mean == float(Fraction(sum(values), len(values)))


@pytest.mark.parametrize("n", [0, 1, 2, 7, 30])
def test_the_most_regions_of_an_arrangement(n):
    expected = {r: sum(comb(n, i) for i in range(r + 1)) for r in (0, 1, 2, 5, 40)}
    assert arrangement_cells(n, [40, 2, 0, 5, 1]) == expected
    assert arrangement_cells(n, []) == {}


def test_all_layer_cells_are_passed_on():
    cells = [((0, 1), (1,)), ((1, 1), (0,)), ((1, 1), (1,))]
    taken = []
    stats([rows_of(cells, [2, 2, 1])], Sizes.of_widths([2, 2, 1]), taken.append)
    layers = [[cells for ended in taken for cells in ended if cells.layer == k] for k in (1, 2)]
    assert [[len(part) for part in layer] for layer in layers] == [[1, 1], [2, 1]]
    assert [part.sub_cells.tolist() for part in layers[0]] == [[1], [2]]


def test_a_table_without_rows():
    found = stats([], Sizes.of_widths([2, 3, 3]))
    assert found.layer_cells == [0, 0]
    assert found.sub_cells_by_rank == [{}]


@pytest.mark.parametrize("order", [[1, 0, 2], [0, 0, 1], [0, 2, 1]])
def test_rows_out_of_order_are_refused(order):
    cells = [((0, 0), (1,)), ((0, 1), (0,)), ((0, 1), (1,))]
    rows = rows_of([cells[i] for i in order], [2, 2, 1])
    with pytest.raises(InputError, match="not sorted"):
        stats([rows], Sizes.of_widths([2, 2, 1]))
    with pytest.raises(InputError, match="not sorted"):
        stats([part(rows, i, i + 1) for i in range(3)], Sizes.of_widths([2, 2, 1]))


def test_numbers_that_the_widths_do_not_allow_are_refused():
    rows = rows_of([((0, 1),)], [1, 2])
    wrong = Rows(rows.signs, rows.active, np.full_like(rows.ranks, 60_000))
    with pytest.raises(InputError, match="do not allow"):
        stats([wrong], Sizes.of_widths([1, 2]))


def test_statistics_of_the_table_alone_load_no_core():
    script = "import sys, nnce_cli.analysis; sys.exit('nnce_cli._core' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
