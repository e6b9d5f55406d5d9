"""The enumeration on drawn networks: against exact polyhedra, and against itself transformed."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.domain import Box
from nnce_cli.enumeration import DICTIONARY, Problem, batches, walk_factory
from nnce_cli.network import load_network
from tests.cases import cube
from tests.collect import check_rows, count, enumerate_all
from tests.networks import mlp_model, save
from tests.oracles.naive import exhaustive_signs, sampled_signs
from tests.oracles.ppl import exact_cells
from tests.strategies import boxes, examples, layer_rows, networks, stack_from


def layer_slices(layers):
    """Return the slice of the network sign vector that each layer has."""
    ends = np.cumsum([len(rows) for rows in layers])
    return [slice(end - len(rows), end) for end, rows in zip(ends, layers, strict=True)]


@examples(150)
@given(st.data())
def test_rows_are_the_cells_of_exact_polyhedra(data):
    stack = stack_from(data.draw(networks()))
    box = data.draw(boxes(stack.n_inputs, fixed=True))
    cells = exact_cells(stack, box)
    table = enumerate_all(stack, box)
    assert table.signs() == cells.signs
    assert list(map(tuple, table.ranks.tolist())) == cells.ranks
    assert table.walk.layer_cells == cells.layer_cells
    check_rows(table, 20)


@examples(25)
@given(st.data())
def test_rows_are_the_cells_of_the_exhaustive_search(data):
    layers = data.draw(networks(shapes=[(1, 4), (2, 3), (1, 3, 3), (2, 3, 3), (3, 3, 2)]))
    stack = stack_from(layers)
    box = data.draw(boxes(stack.n_inputs))
    table = enumerate_all(stack, box)
    assert table.signs() == exhaustive_signs(stack, box)
    check_rows(table)


@examples(5)
@given(st.data())
def test_sampled_cells_are_rows(data):
    """Networks too large for the oracles are held to a lower bound."""
    shapes = [(3, 10, 10), (5, 8, 8), (6, 7, 7), (9, 6, 6), (12, 4, 4, 4)]
    stack = stack_from(data.draw(networks(shapes)))
    box = data.draw(boxes(stack.n_inputs))
    table = enumerate_all(stack, box)
    assert sampled_signs(stack, box, 100, seed=0) <= set(table.signs())
    check_rows(table, 20)


@pytest.mark.parametrize(
    ("shape", "seed"), [((2, 8, 8), 351), ((3, 8, 8), 1), ((4, 5, 5, 5), 4), ((2, 12, 6), 295)]
)
def test_thin_cells_have_a_witness_where_there_is_a_float_point(shape, seed):
    """Cells about 1e-12 thick, where the mean of a vertex and its neighbours may be outside."""
    random = Random(seed)
    stack = stack_from([layer_rows(random, n_in, width) for n_in, width in pairwise(shape)])
    check_rows(enumerate_all(stack, cube(stack.n_inputs, -1, 2)))


@examples(40)
@given(st.data())
def test_counting_finds_as_many_cells_as_listing(data):
    stack = stack_from(data.draw(networks()))
    box = data.draw(boxes(stack.n_inputs))
    table = enumerate_all(stack, box)
    assert count(stack, box) == table.walk.layer_cells
    bare = walk_factory(DICTIONARY)(Problem.of(stack, box), witness=False)
    found = list(batches(bare))
    assert all(batch.witness is None for batch in found)
    packed = np.concatenate([np.concatenate(batch.signs, axis=1) for batch in found])
    assert np.array_equal(packed, table.packed)


@examples(40)
@given(st.data())
def test_permuting_neurons_permutes_bits(data):
    layers = data.draw(networks())
    box = data.draw(boxes(len(layers[0][0]) - 1))
    k = data.draw(st.integers(0, len(layers) - 1))
    order = data.draw(st.permutations(range(len(layers[k]))))
    permuted = [[list(row) for row in rows] for rows in layers]
    permuted[k] = [layers[k][i] for i in order]
    if k + 1 < len(layers):
        permuted[k + 1] = [[*(row[i] for i in order), row[-1]] for row in layers[k + 1]]
    table = enumerate_all(stack_from(layers), box)
    columns = table.bits.copy()
    part = layer_slices(layers)[k]
    columns[:, part] = table.bits[:, part][:, order]
    expected = sorted(map(tuple, columns.tolist()))
    assert enumerate_all(stack_from(permuted), box).signs() == expected


@examples(40)
@given(st.data())
def test_scaling_a_neuron_by_a_power_of_two_changes_nothing(data):
    """The neuron's row is multiplied, and what the next layer makes of it divided."""
    layers = data.draw(networks())
    box = data.draw(boxes(len(layers[0][0]) - 1))
    k = data.draw(st.integers(0, len(layers) - 1))
    i = data.draw(st.integers(0, len(layers[k]) - 1))
    factor = Fraction(2) ** data.draw(st.sampled_from([-60, -8, -1, 1, 3, 30, 60]))
    scaled = [[list(row) for row in rows] for rows in layers]
    scaled[k][i] = [t * factor for t in layers[k][i]]
    for row in scaled[k + 1] if k + 1 < len(layers) else []:
        row[i] /= factor
    before = enumerate_all(stack_from(layers), box)
    after = enumerate_all(stack_from(scaled), box)
    assert after.signs() == before.signs()
    assert np.array_equal(after.ranks, before.ranks)


@examples(40)
@given(st.data())
def test_duplicating_a_neuron_changes_no_count(data):
    """The copy stands last in its layer; the next layer takes half of each."""
    layers = data.draw(networks())
    box = data.draw(boxes(len(layers[0][0]) - 1))
    k = data.draw(st.integers(0, len(layers) - 1))
    i = data.draw(st.integers(0, len(layers[k]) - 1))
    doubled = [[list(row) for row in rows] for rows in layers]
    doubled[k].append(list(layers[k][i]))
    if k + 1 < len(layers):
        halves = [[t / 2 if j == i else t for j, t in enumerate(row)] for row in layers[k + 1]]
        doubled[k + 1] = [[*row[:-1], row[i], row[-1]] for row in halves]
    before = enumerate_all(stack_from(layers), box)
    after = enumerate_all(stack_from(doubled), box)
    assert after.walk.layer_cells == before.walk.layer_cells
    part = layer_slices(doubled)[k]
    assert np.array_equal(after.bits[:, part.stop - 1], after.bits[:, part.start + i])
    assert np.array_equal(np.delete(after.bits, part.stop - 1, axis=1), before.bits)


@examples(40)
@given(st.data())
def test_splitting_the_box_splits_the_cells(data):
    """A cell has an interior on one side of x_j = m or on both, and on no other box.

    So the halves have together the cells of the whole; and the network that has x_j - m as one
    more neuron, which nothing reads, has as many cells as the two halves.
    """
    layers = data.draw(networks())
    n = len(layers[0][0]) - 1
    box = data.draw(boxes(n))
    j = data.draw(st.integers(0, n - 1))
    middle = data.draw(st.sampled_from([0.25, 0.5, 0.75]))  # inside: the box is around [0, 1]
    left_upper, right_lower = box.upper.copy(), box.lower.copy()
    left_upper[j] = right_lower[j] = middle
    stack = stack_from(layers)
    whole = enumerate_all(stack, box).signs()
    left = enumerate_all(stack, Box(box.lower, left_upper)).signs()
    right = enumerate_all(stack, Box(right_lower, box.upper)).signs()
    assert set(left) | set(right) == set(whole)
    cut = [[Fraction(int(i == j)) for i in range(n)] + [-Fraction(middle)]]
    first = cut + [list(row) for row in layers[0]]
    rest = [[list(row) for row in rows] for rows in layers[1:]]
    if rest:
        rest[0] = [[Fraction(0), *row] for row in rest[0]]
    split = enumerate_all(stack_from([first, *rest]), box).signs()
    assert split == [(0, *signs) for signs in left] + [(1, *signs) for signs in right]


@examples(15)
@given(data=st.data())
def test_float32_and_float64_files_give_the_same_table(tmp_path_factory, data):
    layers = data.draw(networks())
    box = data.draw(boxes(len(layers[0][0]) - 1))
    rounded = [
        np.array([[float(t) for t in row] for row in rows], dtype=np.float32) for rows in layers
    ]
    weights = [(rows[:, :-1], rows[:, -1]) for rows in rounded]
    tables = []
    for style, dtype in [("gemm", np.float32), ("gemm", np.float64), ("matmul", np.float32)]:
        model = mlp_model(weights, dtype=dtype, ends_in_relu=True, style=style)
        path = save(model, tmp_path_factory.mktemp("files") / "model.onnx")
        tables.append(enumerate_all(load_network(path), box))
    for table in tables[1:]:
        assert table.stack.digest == tables[0].stack.digest
        assert np.array_equal(table.packed, tables[0].packed)
        assert np.array_equal(table.witness, tables[0].witness)


@examples(30)
@given(st.data())
def test_reflecting_an_input_changes_no_cell(data):
    layers = data.draw(networks())
    n = len(layers[0][0]) - 1
    box = data.draw(boxes(n))
    j = data.draw(st.integers(0, n - 1))
    reflected = [[list(row) for row in rows] for rows in layers]
    for row in reflected[0]:
        row[j] = -row[j]
    lower, upper = box.lower.copy(), box.upper.copy()
    lower[j], upper[j] = -box.upper[j], -box.lower[j]
    before = enumerate_all(stack_from(layers), box)
    after = enumerate_all(stack_from(reflected), Box(lower, upper))
    assert after.signs() == before.signs()
