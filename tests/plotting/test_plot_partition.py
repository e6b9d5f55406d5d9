"""Cells as polygons, against exact clipping, and predicted classes, against exact outputs."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("matplotlib")

from nnce_cli.base.errors import InputError
from nnce_cli.domain import Box, fix_inputs
from nnce_cli.network import AffineMap
from nnce_cli.plotting import Plane, partition
from nnce_cli.plotting.classes import classes
from nnce_cli.plotting.polygons import Polygons
from nnce_cli.table import Rows
from tests.cases import cube
from tests.collect import Table, enumerate_all
from tests.oracles.hand_counted import diamond, tents
from tests.oracles.naive import stack_of
from tests.oracles.plane_geometry import area, clip, lines_of, polygon_of, rectangle
from tests.strategies import boxes, examples, networks, stack_from
from tests.tables import part

SHAPES = [(1, 3), (1, 4, 3), (1, 3, 3, 2), (2, 1), (2, 6), (2, 5, 4), (2, 3, 2, 3)]
FLOAT = 1e-9


def rows_of(table: Table) -> Rows:
    """Return all rows of a run as a reader gives them."""
    widths = np.array(table.stack.widths[1:])
    layers = np.split(table.bits, np.cumsum(widths)[:-1], axis=1)
    return Rows([np.packbits(bits, axis=1) for bits in layers], table.active, table.ranks)


def drawn(stack, box):
    """Return the table of a network and its partition."""
    table = enumerate_all(stack, box)
    return table, partition(Plane.of(stack, box), rows_of(table), complete=True)


def polygon(polygons: Polygons, index: int) -> np.ndarray:
    return polygons.points[polygons.starts[index] : polygons.starts[index + 1]]


@examples(60)
@given(st.data())
def test_areas_of_cells(data):
    layers = data.draw(networks(SHAPES))
    stack = stack_from(layers)
    box = data.draw(boxes(stack.n_inputs, fixed=stack.n_inputs == 2))
    table, found = drawn(stack, box)
    assert len(found.polygons) == len(table.bits)
    small, small_box, _ = fix_inputs(stack, box)
    for row, size in enumerate(found.polygons.areas()):
        exact = area(polygon_of(small, small_box, table.cell(row).signs))
        assert abs(size - float(exact)) < FLOAT, row


@examples(40)
@given(st.data())
def test_cuts_are_pieces_of_the_neurons_lines(data):
    stack = stack_from(data.draw(networks([(2, 4), (2, 4, 3), (2, 3, 2, 3)])))
    table, found = drawn(stack, data.draw(boxes(2)))
    assert len(found.cuts) <= len(table.bits) - 1
    middles = found.cuts.mean(axis=1)
    values = stack.preactivations(middles)
    for layer, z in enumerate(values):
        here = found.cut_layers == layer
        assert (np.abs(z[here]).min(axis=1, initial=np.inf) < 1e-9).all()


def test_cuts_by_hand():
    # Layer 1 cuts the axes (total length 4), layer 2 the unit diamond and the two diagonals.
    _, found = drawn(*diamond()[:2])
    lengths = np.hypot(*(found.cuts[:, 1] - found.cuts[:, 0]).T)
    assert lengths[found.cut_layers == 0].sum() == pytest.approx(4)
    assert lengths[found.cut_layers == 1].sum() == pytest.approx(8 * 2**0.5)


@examples(40)
@given(st.data())
def test_the_first_rows_are_the_first_polygons(data):
    stack = stack_from(data.draw(networks([(2, 5), (2, 4, 3), (1, 4, 3)])))
    box = data.draw(boxes(stack.n_inputs))
    table, found = drawn(stack, box)
    count = data.draw(st.integers(1, len(table.bits)))
    rows = part(rows_of(table), 0, count)
    plane = Plane.of(stack, box)
    first = partition(plane, rows, complete=count == len(table.bits))
    assert first.polygons.areas() == pytest.approx(found.polygons.areas()[:count], abs=FLOAT)
    assert first.outputs == pytest.approx(found.outputs[:count])


def test_many_cells_are_drawn_in_parts(monkeypatch):
    generator = np.random.default_rng(0)
    layers = [(generator.normal(size=(9, m)), generator.normal(size=9)) for m in (2, 9, 9)]
    table, whole = drawn(stack_of(*layers), cube(2, -1, 1))
    monkeypatch.setattr("nnce_cli.plotting.cutting.NUMBERS_AT_A_TIME", 100)
    parts = partition(whole.plane, rows_of(table), complete=True)
    assert np.array_equal(parts.polygons.points, whole.polygons.points)
    assert np.array_equal(parts.outputs, whole.outputs)
    key = [np.lexsort(p.cuts.reshape(-1, 4).T) for p in (parts, whole)]
    assert np.array_equal(parts.cuts[key[0]], whole.cuts[key[1]])
    assert np.array_equal(parts.cut_layers[key[0]], whole.cut_layers[key[1]])


@examples(60)
@given(st.data())
def test_splitting_polygons(data):
    coordinate = st.integers(-4, 4)
    lines = data.draw(
        st.lists(st.lists(coordinate, min_size=3, max_size=3), min_size=1, max_size=6)
    )
    whole = Polygons.rectangle(np.array([-2.0, -2.0]), np.array([2.0, 2.0]))
    exact = [rectangle(cube(2, -2, 2))]
    for line in lines:
        maps = np.tile(np.array(line, dtype=np.float64), (len(whole), 1))
        below, above, chords = whole.split(maps)
        sides = [
            [clip(corners, list(map(Fraction, line)), s) for corners in exact] for s in (-1, 1)
        ]
        for side, polygons in zip(sides, (below, above), strict=True):
            assert polygons.areas() == pytest.approx([float(area(c)) for c in side], abs=1e-12)
        on_line = chords @ np.array(line[:2]) + line[2]
        assert np.nanmax(np.abs(on_line), initial=0) < 1e-12
        whole, exact = Polygons.join([below, above]), [*sides[0], *sides[1]]


def with_output(stack, weight, bias):
    return replace(stack, output=AffineMap(np.array(weight, float), np.array(bias, float)))


@examples(40)
@given(st.data())
def test_classes_are_those_of_the_largest_output(data):
    stack = stack_from(data.draw(networks([(1, 3), (2, 4), (2, 4, 3)])))
    outputs = data.draw(st.integers(1, 4))
    seed = data.draw(st.integers(0, 10**6))
    generator = np.random.default_rng(seed)
    width = stack.widths[-1]
    weight = generator.integers(-2, 3, (outputs, width))
    stack = with_output(stack, weight, generator.integers(-2, 3, outputs))
    table, found = drawn(stack, data.draw(boxes(stack.n_inputs)))
    cut = classes(found)
    assert cut.pieces.areas().sum() == pytest.approx(found.polygons.areas().sum())
    by_cell = np.bincount(cut.cells, cut.pieces.areas(), minlength=len(table.bits))
    assert by_cell == pytest.approx(found.polygons.areas(), abs=FLOAT)
    values = stack.forward(cut.pieces.centres()[:, : stack.n_inputs])
    if outputs == 1:
        values = np.concatenate([np.zeros_like(values), values], axis=1)
    own = values[np.arange(len(values)), cut.classes]
    large = cut.pieces.areas() > 1e-6
    assert (own >= values.max(axis=1) - 1e-7)[large].all()
    ties = values >= values.max(axis=1, keepdims=True) - 1e-12
    exact_tie = large & (ties.sum(axis=1) > 1)
    assert (cut.classes == ties.argmax(axis=1))[exact_tie].all()


def boundary_of(stack, box) -> np.ndarray:
    return classes(drawn(stack, box)[1]).boundary


def test_the_boundary_of_a_single_output():
    # |x| + |y| - 1 on [-1, 1]^2: the unit diamond.
    stack = stack_of(([[1, 0], [-1, 0], [0, 1], [0, -1]], [0] * 4))
    found = boundary_of(with_output(stack, [[1, 1, 1, 1]], [-1]), cube(2, -1, 1))
    assert np.abs(np.abs(found).sum(axis=2) - 1).max() < 1e-12
    assert np.hypot(*(found[:, 1] - found[:, 0]).T).sum() == pytest.approx(4 * 2**0.5)


def test_an_output_that_touches_zero_has_no_boundary():
    # |x| is zero on a line and changes its sign nowhere; the tent map touches zero in points.
    stack = stack_of(([[1, 0], [-1, 0]], [0, 0]))
    assert not len(boundary_of(with_output(stack, [[1, 1]], [0]), cube(2, -1, 1)))
    stack, box, _ = tents(4)
    assert not len(boundary_of(with_output(stack, [[1, -1]], [0]), box))


def test_the_border_of_a_region_of_ties_is_boundary():
    # relu(x) is positive on the right half and zero on all of the left half.
    stack = stack_of(([[1, 0]], [0]))
    found = boundary_of(with_output(stack, [[1]], [0]), cube(2, -1, 1))
    assert found[:, :, 0] == pytest.approx(0)
    assert np.sort(found[:, :, 1].ravel()) == pytest.approx([-1, 1])


def test_three_classes_meet_in_a_point():
    # The largest of x, y and -x - y (each as a difference of two neurons): three rays.
    stack = stack_of(([[1, 0], [-1, 0], [0, 1], [0, -1]], [0] * 4))
    weight = [[1, -1, 0, 0], [0, 0, 1, -1], [-1, 1, -1, 1]]
    found = boundary_of(with_output(stack, weight, [0, 0, 0]), cube(2, -1, 1))
    x, y = found[..., 0], found[..., 1]
    on_rays = [(x == y) & (x >= 0), (y == -2 * x) & (x >= 0), (x == -2 * y) & (y >= 0)]
    assert np.logical_or.reduce(on_rays).all()
    lengths = np.hypot(*(found[:, 1] - found[:, 0]).T)
    assert lengths.sum() == pytest.approx(2**0.5 + 2 * 5**0.5 / 2)


def test_inputs_of_zero_width_are_left_out():
    stack = stack_of(([[1, 5, 2], [1, 0, -1]], [0, 1]))
    plane = Plane.of(stack, Box(np.array([-1.0, 0.5, -1]), np.array([1.0, 0.5, 1])))
    assert plane.inputs == (0, 2)
    assert plane.stack.hidden[0].bias.tolist() == [2.5, 1]


@pytest.mark.parametrize("dimension", [0, 3])
def test_domains_of_other_dimensions_are_refused(dimension):
    upper = np.array([0.0] * 3)
    upper[:dimension] = 1
    stack = stack_of(([[1, 5, 2]], [0]))
    with pytest.raises(InputError, match=f"{dimension} inputs"):
        Plane.of(stack, Box(np.zeros(3), upper))


def test_rows_that_are_no_cells_are_refused():
    stack, box, _ = diamond()
    table, found = drawn(stack, box)
    rows = rows_of(table)
    wrong = Rows([rows.signs[0], np.zeros_like(rows.signs[1])], rows.active, rows.ranks)
    with pytest.raises(InputError, match=r"no cell|differ"):
        partition(found.plane, wrong, complete=True)
    only_padding = part(rows, 0, 2)
    only_padding.signs[0][:] = rows.signs[0][0]
    only_padding.signs[1][:] = [[0], [1]]  # bit 7 of two neurons
    with pytest.raises(InputError, match="after the last neuron"):
        partition(found.plane, only_padding, complete=True)


def test_numbers_out_of_range_are_refused():
    stack = stack_of(([[1e300, 0], [0, 1]], [0, 0]), ([[1e300, 1]], [0]))
    rows = Rows(
        [np.array([[64], [192]], np.uint8), np.array([[128]] * 2, np.uint8)],
        np.ones((2, 2), np.uint16),
        np.ones((2, 2), np.uint16),
    )
    with pytest.raises(InputError, match="too large"):
        partition(Plane.of(stack, cube(2, -1e9, 1e9)), rows, complete=True)


def test_lines_of_neurons_by_hand():
    stack, _, _ = diamond()
    assert lines_of(stack, (1, 0, 1, 0, 1, 1))[4] == [1, 1, -1]
