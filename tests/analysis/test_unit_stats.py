"""Statistics, comparisons, maps and bounds of networks with units of any kind, or with none."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from itertools import product
from math import prod

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.analysis import (
    ByLayerWriter,
    arrangement_cells,
    bounds,
    compare,
    layer_cells,
    montufar,
    output_map,
    sign_vectors,
    stats,
    task_of,
)
from nnce_cli.analysis.affine_maps import cell_maps
from nnce_cli.analysis.network_stats import NetworkCounter
from nnce_cli.analysis.task import score_map
from nnce_cli.base.errors import InputError
from nnce_cli.base.layout import Layout
from nnce_cli.base.sizes import Sizes
from nnce_cli.base.task import Task
from nnce_cli.network import Units
from nnce_cli.table import Output, Rows
from tests.tables import part
from tests.unit_stacks import sampled, stack_of_units, zoo

STACKS = zoo(3, 2)


@pytest.fixture(params=STACKS)
def cells(request):
    return sampled(STACKS[request.param])


# Statistics of the table alone


def test_statistics_by_definition(cells):
    sizes = cells.stack.sizes
    batches = [part(cells.rows, i, i + 1) for i in range(len(cells.joined))]
    found = stats(batches, sizes)
    assert found.cells == len(cells.joined)
    assert found.widths == cells.stack.widths
    ends = np.cumsum(sizes.layout.layer_bytes, dtype=int).tolist()
    keys = [[row[:end].tobytes() for row in cells.joined] for end in ends]
    for k, of_layer in enumerate(keys):
        first = [of_layer.index(key) for key in dict.fromkeys(of_layer)]
        assert found.layer_cells[k] == len(first)
        ranks, active = cells.rows.ranks[first, k].tolist(), cells.rows.active[first, k].tolist()
        assert found.cells_by_rank[k] == {r: ranks.count(r) for r in sorted(set(ranks))}
        assert found.active_neurons[k] == {a: active.count(a) for a in sorted(set(active))}
        if k + 1 < len(keys):
            inside = [
                len({b for a, b in zip(of_layer, keys[k + 1], strict=True) if a == key})
                for key in dict.fromkeys(of_layer)
            ]
            for rank, sub in found.sub_cells_by_rank[k].items():
                counts = [n for n, r in zip(inside, ranks, strict=True) if r == rank]
                assert (sub.min, sub.max, sub.cells) == (min(counts), max(counts), len(counts))
                assert sub.max <= sub.bound
    said = found.to_dict()
    assert ("pieces" in said) == sizes.layout.has_pieces
    assert ("values" in said) != cells.stack.is_relu


def test_layer_cells_are_written_with_all_their_columns(cells, tmp_path):
    with Output(str(tmp_path / "by")) as output:
        writer = ByLayerWriter(output, cells.metadata)
        for ended in layer_cells([cells.rows], cells.stack.sizes):
            writer.write(ended)
        writer.close()
        output.commit()
    table = pq.read_table(tmp_path / "by").to_pylist()
    start = 0
    for k, size in enumerate(cells.stack.layout.layer_bytes, start=1):
        rows = [row for row in table if row["layer"] == k]
        assert [row["signs"] for row in sorted(rows, key=lambda row: row["cell"])] == [
            cells.joined[row["first_row"], start : start + size].tobytes()
            for row in sorted(rows, key=lambda row: row["cell"])
        ]
        start += size
    assert len(table) == sum(cells.metadata.layer_cells)


@pytest.mark.parametrize("name", ["passing", "leaky"])
def test_ranks_are_bounded_by_what_layers_pass_on(name):
    """Pass-throughs carry dimensions around the units, and slopes through them."""
    cells = sampled(STACKS[name])
    ranks = cells.rows.ranks
    stats([cells.rows], cells.stack.sizes)
    assert (ranks.max(axis=0) <= cells.stack.sizes.dimensions[1:]).all()
    if name == "passing":
        assert ranks[:, 1].max() > cells.stack.widths[2]  # more than there are units
    wrong = dataclasses.replace(cells.rows, ranks=ranks + np.uint16(4))
    with pytest.raises(InputError, match="ranks"):
        stats([wrong], cells.stack.sizes)


def test_comparison_by_definition(cells):
    rows, count = cells.rows, len(cells.joined)
    assert compare([rows], [rows], cells.stack.layout).same
    if count < 3:
        found = compare([rows], [part(rows, 0, 0)], cells.stack.layout)
        assert not found.same_cells
        assert (found.first_cells, found.second_cells, found.only_first) == ([1], [0], [1])
        return
    found = compare([part(rows, 0, count - 1)], [part(rows, 1, count)], cells.stack.layout)
    one, other = cells.joined[:-1], cells.joined[1:]
    ends = np.cumsum(cells.stack.layout.layer_bytes, dtype=int).tolist()
    for k, end in enumerate(ends):
        a, b = ({row[:end].tobytes() for row in side} for side in (one, other))
        assert (found.only_first[k], found.only_second[k]) == (len(a - b), len(b - a))
    texts = cells.stack.layout.texts
    assert [d.signs for d in found.differences] == [texts(cells.joined[0]), texts(cells.joined[-1])]


def test_texts_of_codes():
    layout = Layout((4, 0, 2), ((3, 200), (3,), ()))
    row = layout.join_layers(
        [
            (np.array([0, 1, 1, 0], np.uint8), np.array([2, 113], np.uint8)),
            (np.zeros(0, np.uint8), np.array([1], np.uint8)),
            (np.array([1, 0], np.uint8), np.zeros(0, np.uint8)),
        ]
    )
    assert layout.texts(row) == ("0110/2,113", "/1", "10")


def test_bits_beyond_a_layer_are_refused():
    cells = sampled(STACKS["all kinds"])
    signs = [column.copy() for column in cells.rows.signs]
    signs[0][-1, 0] |= 1  # of eight bits, of which two are units'
    rows = Rows(signs, cells.rows.active, cells.rows.ranks)
    with pytest.raises(InputError, match="more neurons"):
        compare([cells.rows], [rows], cells.stack.layout)


# Bounds


def regions_of_maxima(pieces: list[int], rank: int) -> int:
    """The sum over the sets of at most ``rank`` units of the products of their pieces less one."""
    return sum(
        prod(k - 1 for k, chosen in zip(pieces, choice, strict=True) if chosen)
        for choice in product((0, 1), repeat=len(pieces))
        if sum(choice) <= rank
    )


@given(st.integers(0, 5), st.lists(st.integers(3, 6), max_size=5), st.integers(0, 12))
def test_the_most_cells_of_any_units(bits, pieces, rank):
    found = arrangement_cells(bits, [rank, 0], pieces)
    assert found == {rank: regions_of_maxima([2] * bits + pieces, rank), 0: 1}


def test_bounds_by_hand():
    # Two lines and a clip's two parallel ones in the plane: 1 + (1 + 1 + 2) + (1 + 2 + 2).
    clips = Sizes(2, Layout((2, 3), ((3,), ())), (3, 3))
    assert montufar(clips) == 10 * (1 + 3 + 3)
    assert sign_vectors(clips) == 4 * 3 * 8
    assert bounds(clips) == {"sign_vectors": 96, "montufar": 70}
    # A single leaky unit, then one: all four codes may occur, though Serra's bound is 3.
    leaky = Sizes(1, Layout.of_widths([1, 1]), (1, 1))
    assert bounds(leaky) == {"sign_vectors": 4, "montufar": 4}
    # One unit and a value that goes round it: the second layer still cuts the plane.
    passing = Sizes(2, Layout.of_widths([1, 2]), (2, 2))
    assert montufar(passing) == 2 * 4
    assert montufar(Sizes.of_widths([2, 1, 2])) == 2 * 3
    assert bounds(Sizes.of_widths([5])) == {"sign_vectors": 1, "montufar": 1, "serra": 1}


def test_a_leaky_network_has_more_cells_than_serra_allows_relus():
    stack = dataclasses.replace(
        stack_of_units(1, [(Units(np.array([-1.0])), 1), (Units(np.array([-1.0])), 1)], 1)
    )
    for layer, (w, b) in zip(stack.hidden, ((1.0, 0.0), (1.0, -0.5)), strict=True):
        layer.weight[:], layer.bias[:] = w, b
    found = sampled(stack).metadata
    assert found.layer_cells == (2, 4)
    assert montufar(stack.sizes) == 4


def test_no_network_has_more_cells_than_its_bound(cells):
    known = bounds(cells.stack.sizes)
    assert len(cells.joined) <= known["montufar"] <= known["sign_vectors"]
    for k, count in enumerate(cells.metadata.layer_cells, start=1):
        assert count <= montufar(cells.stack.sizes.of(3, k))


# Affine maps, with the network


def exact_map(stack, joined) -> list[list[Fraction]]:
    """The outputs on the cell of a joined row: rows of the constant and the coefficients."""
    n = stack.n_inputs
    rows = [[Fraction(int(j == i + 1)) for j in range(n + 1)] for i in range(n)]
    layers = stack.layout.split_layers(joined[None])
    for layer, units, codes in zip(stack.hidden, stack.units, layers, strict=True):
        gains = units.gains(codes, layer.n_out)[0]
        rows = pull(layer, rows)
        rows = [[Fraction(g) * x for x in row] for g, row in zip(gains.tolist(), rows, strict=True)]
    return pull(output_map(stack), rows)


def pull(layer, rows):
    found = []
    for weights, bias in zip(layer.weight.tolist(), layer.bias.tolist(), strict=True):
        columns = zip(*rows, strict=True)
        row = [sum(Fraction(w) * x for w, x in zip(weights, c, strict=True)) for c in columns]
        found.append([row[0] + Fraction(bias), *row[1:]])
    return found


def test_maps_are_within_their_errors_of_the_exact_ones(cells):
    stack = cells.stack
    for rows, maps in cell_maps(stack, output_map(stack), cells.rows):
        for value, error, joined in zip(maps.value, maps.error, cells.joined[rows], strict=True):
            exact = exact_map(stack, joined)
            for got, bound, wanted in zip(value.tolist(), error.tolist(), exact, strict=True):
                for x, e, y in zip(got, bound, wanted, strict=True):
                    assert abs(Fraction(x) - y) <= Fraction(e)
        values, errors = maps.at(cells.rows.witness[rows])
        outputs = stack.forward(cells.rows.witness[rows])
        assert (np.abs(values - outputs) <= errors + 1e-12).all()


def test_slopes_that_round_are_within_their_errors():
    slopes = np.array([0.1, -0.3, 1 / 3])
    stack = stack_of_units(2, [(Units(slopes), 3), (Units(slopes), 3)], 2, seed=3)
    cells = sampled(stack)
    ((_, maps),) = cell_maps(stack, output_map(stack), cells.rows)
    assert maps.error.max() > 0
    for value, error, joined in zip(maps.value, maps.error, cells.joined, strict=True):
        for got, bound, wanted in zip(value, error, exact_map(stack, joined), strict=True):
            for x, e, y in zip(got.tolist(), bound.tolist(), wanted, strict=True):
                assert abs(Fraction(x) - y) <= Fraction(e)


# Tasks


@pytest.mark.parametrize(
    ("outputs", "meaning", "wanted", "task"),
    [
        (1, "", None, Task.SIGN),
        (3, "", None, Task.ARGMAX),
        (3, "classes by argmin", None, Task.ARGMIN),
        (3, "classes by argmax", None, Task.ARGMAX),
        (1, "classes by argmax", None, Task.SIGN),
        (3, "sign", None, Task.ARGMAX),
        (1, "sign", None, Task.SIGN),
        (1, "regression", None, Task.REGRESSION),
        (3, "regression", None, Task.REGRESSION),
        (3, "regression", Task.ARGMAX, Task.ARGMAX),
        (1, "", Task.REGRESSION, Task.REGRESSION),
    ],
)
def test_tasks(outputs, meaning, wanted, task):
    assert task_of(outputs, meaning, wanted) is task


@pytest.mark.parametrize(("outputs", "task"), [(1, Task.ARGMAX), (1, Task.ARGMIN), (2, Task.SIGN)])
def test_tasks_that_do_not_suit_the_outputs_are_refused(outputs, task):
    with pytest.raises(InputError, match=f"--task {task}"):
        task_of(outputs, "", task)


def test_scores():
    stack, point = STACKS["leaky"], np.array([[0.25, -0.5, 0.125]])
    outputs = stack.forward(point)[0]
    last = dataclasses.replace(stack, output=score_map(stack, Task.ARGMIN))
    assert last.forward(point)[0] == pytest.approx(-outputs)
    single = zoo(3, 1)["leaky"]
    two = dataclasses.replace(single, output=score_map(single, Task.SIGN))
    assert two.forward(point)[0] == pytest.approx([0.0, single.forward(point)[0, 0]])
    assert score_map(stack, Task.REGRESSION) is stack.output


def test_a_regression_has_norms_and_no_classes(cells):
    counter = NetworkCounter(cells.stack, cells.metadata, task=Task.REGRESSION)
    for _ in counter.watch([cells.rows]):
        pass
    found = counter.result()
    assert found.classes == {}
    assert found.boundary_cells is None
    assert found.to_dict()["task"] == "regression"
    largest = max(
        np.linalg.norm(np.array(exact_map(cells.stack, row), dtype=float)[:, 1:], 2)
        for row in cells.joined
    )
    assert found.spectral_norm.largest == pytest.approx(largest)
