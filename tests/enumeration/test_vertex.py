"""The walk by vertices: the cells of the walk by dictionaries, and of exact polyhedra."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.base.errors import InputError
from nnce_cli.domain import Box
from nnce_cli.enumeration import WHOLE, DictionaryWalk, Problem, Subtree, VertexWalk, batches
from nnce_cli.network import AffineMap, LayerStack, load_network
from tests.cases import FOLDER, cube, known_cases
from tests.enumeration.test_subtree import random_stack
from tests.oracles.naive import Cell, cell_at
from tests.oracles.ppl import exact_cells
from tests.strategies import boxes, examples, networks, stack_from
from tests.thin_cells import holds_no_float

SHAPES = [
    *((n, width) for width in (1, 3, 6) for n in (1, 2, 3)),
    *((n, *widths) for widths in [(2, 2), (4, 3), (5, 5), (6, 6)] for n in (1, 2, 3)),
    *(
        (n, *widths)
        for widths in [(3, 2, 3), (4, 1, 5), (5, 6, 4), (4, 4, 4, 4)]
        for n in (1, 2, 3)
    ),
]


def all_rows(walk, budget=None):
    """Walk to the end; return (packed signs, active, ranks, witnesses) of all rows."""
    found = list(batches(walk, budget))
    packed = np.concatenate([np.concatenate(b.signs, axis=1) for b in found])
    parts = [np.concatenate([getattr(b, name) for b in found]) for name in ("active", "ranks")]
    return packed, *parts, np.concatenate([b.witness for b in found])


def assert_same_cells(stack, box):
    """Hold the walk by vertices against the one by dictionaries, rows, counts and witnesses."""
    problem = Problem.of(stack, box)
    reference, walk = DictionaryWalk(problem), VertexWalk(problem)
    expected, found = all_rows(reference), all_rows(walk)
    for name, a, b in zip(("signs", "active", "ranks"), expected, found, strict=False):
        assert np.array_equal(a, b), name
    assert walk.done
    assert walk.layer_cells == reference.layer_cells
    assert walk.cells == reference.cells == len(found[0])
    assert walk.share == pytest.approx(1.0)
    counting = VertexWalk(problem, rows=False, witness=False)
    assert all(len(batch) == 0 for batch in batches(counting))
    assert counting.layer_cells == reference.layer_cells
    check_witnesses(problem, *found)
    return walk


def check_witnesses(problem, packed, active, ranks, witness):
    """Assert that every witness is strictly inside its cell, in rational arithmetic."""
    stack, box = problem.stack, problem.box
    widths = stack.widths[1:]
    ends = np.cumsum([(n + 7) // 8 for n in widths])
    layers = np.split(packed, ends[:-1], axis=1)
    bits = [np.unpackbits(a, axis=1)[:, :n] for a, n in zip(layers, widths, strict=True)]
    signs = np.concatenate(bits, axis=1)
    for row, point in enumerate(witness[:, problem.free]):
        said = Cell(*(tuple(a[row].tolist()) for a in (signs, active, ranks)))
        inside = bool(np.all((box.lower < point) & (point < box.upper)))
        is_witness = inside and cell_at(stack, point) == said
        assert is_witness or holds_no_float(stack, box, said.signs, point.tolist())


@examples(150)
@given(st.data())
def test_drawn_networks_have_the_cells_of_exact_polyhedra(data):
    stack = stack_from(data.draw(networks(SHAPES)))
    box = data.draw(boxes(stack.n_inputs, fixed=True))
    walk = assert_same_cells(stack, box)
    assert walk.layer_cells == exact_cells(stack, box).layer_cells


@pytest.mark.parametrize(
    "widths",
    [(1, 7), (1, 9, 9), (2, 12), (2, 10, 10), (2, 8, 8, 8), (3, 9), (3, 8, 8), (3, 6, 5, 5)],
)
def test_generic_networks_need_no_guest(widths):
    walk = assert_same_cells(random_stack(widths, seed=len(widths)), cube(widths[0], -1, 1))
    assert walk.decisions["handed_over"] == 0


def walk_in_pieces(problem, budget, subtree=WHOLE):
    """Return (columns of all rows, layer cells, share done, number of walks) of smaller walks."""
    walk = VertexWalk(problem, subtree)
    columns = [all_rows(walk, budget)]
    layer_cells, share, walks = np.array(walk.layer_cells), walk.share, 1
    if not walk.done:
        for rest in walk.rest():
            more, cells, part, n = walk_in_pieces(problem, budget, rest)
            columns.append(more)
            layer_cells, share, walks = layer_cells + cells, share + part, walks + n
    joined = [np.concatenate(parts) for parts in zip(*columns, strict=True)]
    return joined, layer_cells, share, walks


def assert_pieces_make_the_whole(stack, box, budget):
    """To the last bit: witnesses too are those of the walk in one piece."""
    problem = Problem.of(stack, box)
    reference = DictionaryWalk(problem)
    expected = [*all_rows(reference)[:3], all_rows(VertexWalk(problem))[3]]
    pieces, layer_cells, share, walks = walk_in_pieces(problem, budget)
    assert all(map(np.array_equal, pieces, expected))
    assert layer_cells.tolist() == reference.layer_cells
    return share, walks


@pytest.mark.parametrize("budget", [1, 7, 40])
@pytest.mark.parametrize("widths", [(1, 8, 8), (2, 6, 6), (3, 5, 4, 4), (3, 6, 6)])
def test_pieces_make_the_whole(widths, budget):
    stack = random_stack(widths, seed=sum(widths))
    share, walks = assert_pieces_make_the_whole(stack, cube(widths[0], -1, 1), budget)
    assert share == pytest.approx(1.0)
    assert walks > 1 or budget == 40


@examples(40)
@given(st.data())
def test_pieces_of_degenerate_networks_make_the_whole(data):
    stack = stack_from(data.draw(networks(SHAPES)))
    box = data.draw(boxes(stack.n_inputs))
    assert_pieces_make_the_whole(stack, box, data.draw(st.integers(1, 9)))


def test_leftovers_may_be_walked_by_either_kernel():
    """A prefix and the number of counted layers mean the same to both."""
    problem = Problem.of(random_stack((2, 7, 7), seed=3), cube(2, -1, 1))
    reference = DictionaryWalk(problem)
    whole, *_ = all_rows(reference)
    for first, second in [(DictionaryWalk, VertexWalk), (VertexWalk, DictionaryWalk)]:
        for budget in (1, 3, 10, 30):
            walk = first(problem)
            rows = [all_rows(walk, budget)[0]]
            layer_cells = np.array(walk.layer_cells)
            for rest in walk.rest():
                part = second(problem, rest)
                rows.append(all_rows(part)[0])
                layer_cells += part.layer_cells
            assert np.array_equal(np.concatenate(rows), whole)
            assert layer_cells.tolist() == reference.layer_cells


def test_a_walk_goes_on_where_its_budget_ended():
    problem = Problem.of(random_stack((3, 6, 6), seed=1), cube(3, -1, 1))
    walk, rows = VertexWalk(problem), []
    while not walk.done:
        before = walk.nodes
        rows += [np.concatenate(b.signs, axis=1) for b in batches(walk, 10)]
        assert walk.nodes <= before + 10
    assert np.array_equal(np.concatenate(rows), all_rows(DictionaryWalk(problem))[0])


@examples(25)
@given(st.data())
def test_a_walk_that_is_begun_again_is_a_new_one(data):
    """In whatever state it is left, and whatever it has handed over before."""
    stack = stack_from(data.draw(networks(SHAPES)))
    problem = Problem.of(stack, data.draw(boxes(stack.n_inputs)))
    used, pieces = VertexWalk(problem), [WHOLE]
    list(batches(used, 1))
    pieces += used.rest()
    for subtree in [*pieces, WHOLE]:
        used.begin(subtree)
        new = VertexWalk(problem, subtree)
        budget = data.draw(st.integers(1, 50))
        assert all(map(np.array_equal, all_rows(used, budget), all_rows(new, budget)))
        for name in ("layer_cells", "cells", "nodes", "share", "decisions", "done"):
            assert getattr(used, name) == getattr(new, name), name
        assert used.exact_witnesses == new.exact_witnesses
        assert used.rest() == new.rest()


def test_a_prefix_without_a_cell_has_no_rows():
    """Where x > 1/2 and x < -1/2, nothing is."""
    stack = stack_from([[[2, 0, -1], [-2, 0, -1], [0, 1, 0]]])
    problem = Problem.of(stack, cube(2, -1, 1))
    walk = VertexWalk(problem, Subtree((1, 1)))
    assert len(all_rows(walk)[0]) == walk.cells == 0
    assert walk.layer_cells == [0]


@pytest.mark.parametrize("folder", ["degenerate", "random"])
def test_known_cases(folder):
    for name, truth in known_cases(folder).items():
        if truth["widths"][0] > 3:
            continue
        stack = load_network(FOLDER / folder / f"{name}.onnx")
        walk = VertexWalk(Problem.of(stack, cube(stack.n_inputs, *truth["box"])), rows=False)
        for _ in batches(walk):
            pass
        assert walk.layer_cells == truth["layer_cells"], name


@pytest.mark.parametrize("gap", [2.0**-20, 2.0**-40, 2.0**-50, 2.0**-52])
def test_lines_that_differ_by_a_little(gap):
    """Nearly equal lines, parallel and at a small angle, that random ones cross."""
    random = np.random.default_rng(0)
    weight = random.normal(size=(6, 2)).round(6)
    bias = random.normal(size=6).round(6) / 4
    weight = np.concatenate([weight, weight[:3], weight[3:]])
    bias = np.concatenate([bias, bias[:3] + gap, bias[3:]])
    weight[9:, 0] += gap
    second = AffineMap(random.normal(size=(4, 12)), random.normal(size=4))
    stack = LayerStack((AffineMap(weight, bias), second), None, (1, 2), "")
    assert_same_cells(stack, cube(2, -1, 1))


@pytest.mark.parametrize("exponent", [-1000, -500, 0, 300, 1000, 1020])
def test_weights_at_the_ends_of_the_float_range(exponent):
    """Scaling is by powers of two, so it changes neither the cells nor how they are decided."""
    stack = random_stack((2, 6, 6), seed=4)
    first, second = stack.hidden
    factor = 2.0**exponent
    scaled = LayerStack(
        (
            AffineMap(first.weight / 64 * factor, first.bias / 64 * factor),
            AffineMap(second.weight / 64, second.bias / 64 * factor),
        ),
        None,
        (1, 2),
        "",
    )
    walk = assert_same_cells(scaled, cube(2, -1, 1))
    assert walk.decisions["handed_over"] == 0


@pytest.mark.parametrize("exponent", [-1000, -400, 400, 1000])
def test_boxes_at_the_ends_of_the_float_range(exponent):
    """What is too extreme to be scaled is left to the guest."""
    stack = random_stack((2, 5, 5), seed=5)
    first, second = stack.hidden
    factor = 2.0**exponent
    stack = LayerStack((AffineMap(first.weight / factor, first.bias), second), None, (1, 2), "")
    walk = assert_same_cells(stack, Box(-np.full(2, factor), np.full(2, factor)))
    assert walk.decisions["handed_over"] == int(abs(exponent) > 500)


def test_a_box_far_from_the_origin_and_a_thin_one():
    stack = stack_from([[[1, 1, -2000000], [1, -1, 0], [3, 1, -4000000]]])
    assert_same_cells(stack, Box(np.full(2, 999999.0), np.full(2, 1000001.0)))
    assert_same_cells(stack, Box(np.array([0.0, 999999.0]), np.array([2.0**-60, 2000001.0])))
    assert_same_cells(stack, Box(np.full(2, 1e6), np.full(2, np.nextafter(1e6, np.inf))))


def test_many_columns_take_several_words():
    """70 lines make 71 strips of the plane and cut them all; the second layer cuts again."""
    first = [[64, 0, k] for k in range(-35, 35)]
    second = [[int(i == j) for i in range(70)] + [-1] for j in range(3)]
    assert_same_cells(stack_from([first, second]), cube(2, -2, 2))


def test_ranks_are_proved_or_left_to_the_finder():
    """The second layer has all of the plane, a line in it, or a line that 2^-45 makes a plane."""
    identity = [[64, 0, 3], [0, 64, 5]]
    for extra, finder in [(0, True), (2.0**-45, True), (1, False)]:
        second = AffineMap(np.array([[1.0, 1.0], [1.0, 1.0 + extra]]), np.array([0.1, 0.25]))
        stack = stack_from([identity])
        stack = LayerStack((*stack.hidden, second), None, (1, 2), "")
        walk = assert_same_cells(stack, cube(2, -1, 1))
        assert walk.decisions["handed_over"] == 0
        assert (walk._finder is not None) == finder


def test_exact_witnesses_are_those_of_their_rows():
    """Cells thinner than floats can tell, in several parts of the tree; one grid of lines each."""
    third, thin = Fraction(1, 3), Fraction(1, 2**70)
    rows = [[1, 0, -third], [1, 0, -third - thin], [0, 1, -third], [0, 1, -third - thin], [5, 3, 1]]
    stack = stack_from([[[Fraction(t) for t in row] for row in rows]])
    walk = assert_same_cells(stack, cube(2, -1, 1))
    assert walk.decisions["handed_over"] > 1
    assert len(walk.exact_witnesses) >= 5
    signs = np.unpackbits(all_rows(VertexWalk(Problem.of(stack, cube(2, -1, 1))))[0], axis=1)
    for row, point in walk.exact_witnesses.items():
        at = [Fraction(x) for x in point]
        values = [sum(w * x for w, x in zip(r, [*at, 1], strict=True)) for r in rows]
        assert [int(z > 0) for z in values] == signs[row, :5].tolist()
        assert 0 not in values


def test_a_neuron_with_no_weights_is_inactive():
    layers = [[[64, 3, 7], [0, 0, 0], [5, 64, -9]], [[64, 5, 30, 11], [3, 1, -2, -5], [0, 0, 0, 0]]]
    walk = assert_same_cells(stack_from(layers), cube(2, -1, 1))
    assert walk.decisions["handed_over"] == 0


def test_room_grows():
    """The vertices of 24 polytopes on one path take more room than a walk begins with."""
    walk = assert_same_cells(random_stack((3, 12, 12), seed=6), cube(3, -1, 1))
    assert walk.decisions["handed_over"] == 0


def test_full_rows_are_taken_out(monkeypatch):
    monkeypatch.setattr("nnce_cli.enumeration.vertex.walk.OUTPUT_ROWS", 3)
    assert_same_cells(random_stack((2, 8, 6), seed=7), cube(2, -1, 1))


def test_four_inputs_and_logs_are_refused():
    problem = Problem.of(random_stack((4, 3), seed=0), cube(4, -1, 1))
    with pytest.raises(InputError, match="at most 3 inputs that vary, and this network has 4"):
        VertexWalk(problem)
    problem = Problem.of(random_stack((2, 3), seed=0), cube(2, -1, 1))
    with pytest.raises(InputError, match="no proof"):
        VertexWalk(problem, log=True)


@pytest.mark.parametrize("k", [36, 42, 46, 49, 52])
@pytest.mark.parametrize("widths", [(1, 6, 6), (2, 9), (2, 6, 5), (2, 4, 4, 4), (3, 6), (3, 5, 4)])
def test_nearly_degenerate_networks(widths, k):
    """Integer weights moved by about 2^-k: points where many lines meet become tiny cells."""
    random = np.random.default_rng([k, *widths])
    maps = []
    for n_in, n_out in itertools.pairwise(widths):
        table = random.integers(-3, 4, (n_out, n_in + 1)).astype(float)
        table += random.normal(size=table.shape) * 2.0**-k
        maps.append(AffineMap(table[:, :-1], table[:, -1]))
    assert_same_cells(LayerStack(tuple(maps), None, (1, widths[0]), ""), cube(widths[0], -1, 1))
