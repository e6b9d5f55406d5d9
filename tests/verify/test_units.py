"""Tables of networks with slopes, clips, maxima and pass-throughs, whole and tampered with."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq

from nnce_cli.verify.exact_codes import locate
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.facets import hyperplanes_differ
from nnce_cli.verify.float_codes import FloatCodes
from nnce_cli.verify.float_forms import FloatForms
from nnce_cli.verify.forms import rationals
from nnce_cli.verify.hyperplanes import surroundings
from tests.cases import cube
from tests.verify.piecewise import (
    Clip,
    Layer,
    Max,
    MemoryTable,
    TwoPiece,
    affine_stack,
    checked,
    failing,
    random_network,
    stack_of,
)
from tests.verify_tables import CLOSURE, ORDER, VOLUMES, WITNESSES

SIZES = [(1, (3,)), (1, (2, 2)), (2, (2,)), (2, (2, 2)), (2, (1, 1, 1)), (3, (2,)), (3, (2, 1))]


def drawn(seed):
    n_inputs, sizes = SIZES[seed % len(SIZES)]
    return random_network(seed, n_inputs, sizes), cube(n_inputs, -1, 1)


@pytest.mark.parametrize("seed", range(70))
def test_whole_tables_pass(seed):
    layers, box = drawn(seed)
    table = MemoryTable.of(layers, box, witness=seed % 3 > 0)
    results = checked(table, stack_of(layers))
    assert failing(results) == set(), results


@pytest.mark.parametrize("seed", range(0, 70, 2))
def test_no_cell_can_be_left_out(seed):
    layers, box = drawn(seed)
    table = MemoryTable.of(layers, box)
    for row in range(0, table.rows, 1 + table.rows // 8):
        smaller = table.copy()
        smaller.remove(row)
        found = failing(checked(smaller, stack_of(layers), samples=0))
        assert {CLOSURE, VOLUMES} <= found
        assert WITNESSES not in found


@pytest.mark.parametrize("seed", range(1, 70, 2))
def test_no_code_can_be_another(seed):
    """Each code of some rows becomes each other number, also those that are no codes."""
    layers, box = drawn(seed)
    table = MemoryTable.of(layers, box, witness=seed % 3 > 0)
    stack = stack_of(layers)
    row = seed % table.rows
    for k, (bits, many) in enumerate(zip(stack.layout.bits, stack.layout.pieces, strict=True)):
        for unit in range(bits + len(many)):
            codes = {0, 1} if unit < bits else {*range(many[unit - bits]), 7, 255}
            for code in codes - {table.codes[row][k][unit]}:
                other = table.copy()
                other.codes[row][k][unit] = code
                results = checked(other, stack, samples=0)
                assert {CLOSURE, WITNESSES} & failing(results)
                if unit < bits or code < many[unit - bits]:
                    is_cell = other.codes[row] in table.codes  # then it is there twice
                    assert results[ORDER if is_cell else WITNESSES].failed == 1
                else:
                    assert results[ORDER].failed
                    assert "no piece of its unit" in results[ORDER].failures[0]


@pytest.mark.parametrize("seed", range(0, 70, 3))
def test_numbers_of_rows_are_found_again(seed):
    """A rank, a count, or a witness that is another one's."""
    layers, box = drawn(seed)
    table, stack = MemoryTable.of(layers, box), stack_of(layers)
    row = seed % table.rows
    for k in range(len(layers)):
        for change in (-1, 1):
            other = table.copy()
            other.ranks[row][k] += change
            if other.ranks[row][k] >= 0:
                result = checked(other, stack, samples=0, closure=1)[WITNESSES]
                assert result.failed == 1
                assert f"rank_{k + 1} is {other.ranks[row][k]} and should be" in result.failures[0]
        other = table.copy()
        other.active = [[sum(c > 0 for c in layer) for layer in row] for row in table.codes]
        other.active[row][k] += 1
        result = checked(other, stack, samples=0, closure=1)[WITNESSES]
        assert f"active_{k + 1} is" in result.failures[0]
    if table.rows > 1:
        other = table.copy()
        other.witnesses[row] = table.witnesses[row - 1]
        result = checked(other, stack, samples=0, closure=1)[WITNESSES]
        assert result.failed == 1
        assert "at its witness" in result.failures[0]


@pytest.mark.parametrize("seed", range(40))
def test_proved_float_codes_are_right(seed):
    """At points of a coarse grid, so that many of them are on hyperplanes, and near them."""
    layers, box = drawn(seed)
    network = ExactNetwork(stack_of(layers), box)
    random = np.random.default_rng(seed)
    points = random.integers(-7, 8, size=(30, box.n_inputs)) / 8
    points = points + random.choice([0, 2.0**-40], size=points.shape)
    codes, proved = FloatCodes(network).at(points)
    for point, found, sure in zip(points, codes, proved, strict=True):
        location = locate(network, rationals(point))
        end = network.units
        if location.touched is not None:
            assert not sure[network.unit_of[location.touched]]
            end = network.starts[network.layer_of(location.touched)]
        assert np.array_equal(found[:end][sure[:end]], location.codes[:end][sure[:end]])


def row(*numbers):
    return [Fraction(x) for x in numbers]


X, Y, ONE = row(1, 0, 0), row(0, 1, 0), row(0, 0, 1)


def test_units_are_named():
    layers = [Layer([TwoPiece(X)], [Clip(Y, Fraction(0), Fraction(1, 2)), Max([X, Y, ONE])])]
    table = MemoryTable.of(layers, cube(2, -1, 2))
    assert table.rows == 11
    start = table.codes.index([[1, 1, 0]])
    words = (
        "is on its piece 2 in the row and on its piece 0 at its witness",
        f"row {start} (1(1,2)): unit 2 of layer 1 (max of 3)",
    )
    other = table.copy()
    other.codes[start] = [[1, 1, 2]]
    found = checked(other, stack_of(layers))[WITNESSES].failures[0]
    assert all(word in found for word in words)
    other.codes[start] = [[1, 2, 0]]
    found = checked(other, stack_of(layers))[WITNESSES].failures[0]
    assert "(1(2,0)): unit 1 of layer 1 (clip) is on its piece 2 in the row" in found


def affine_table(rows=1, box=None):
    """The table of a network without hidden layers: one cell, the whole domain."""
    box = box or cube(2, -1, 1)
    middle = [fmpq(1, 3), fmpq(0)]
    stack = affine_stack([X, row(1, -1, 0)])
    return stack, MemoryTable(stack.layout, box, [[]] * rows, [[]] * rows, [middle] * rows)


def test_a_network_without_hidden_layers():
    stack, table = affine_table()
    results = checked(table, stack)
    assert failing(results) == set()
    assert results[VOLUMES].checked == results[CLOSURE].details["cells"] == 1
    assert results["random points"].details["different cells"] == 1


def test_the_only_cell_twice_or_never():
    stack, table = affine_table(rows=2)
    assert {ORDER, VOLUMES} <= failing(checked(table, stack))
    stack, table = affine_table(rows=0)
    assert {CLOSURE, VOLUMES, "random points"} <= failing(checked(table, stack))
    stack, table = affine_table()
    table.witnesses = [[fmpq(1), fmpq(0)]]
    assert failing(checked(table, stack)) == {WITNESSES}


@pytest.mark.parametrize("seed", range(60))
def test_functions_are_within_their_bounds(seed):
    """For any codes, of cells or not: each entry, what varies, what is zero, what differs."""
    layers, box = drawn(seed)
    network = ExactNetwork(stack_of(layers), box)
    random = np.random.default_rng(seed)
    most = np.concatenate([layer.most for layer in network.layers])
    codes = random.integers(0, most + 1, (4, network.units)).astype(np.uint8)
    found = FloatForms(network).on(codes, network.depth)
    for i in range(len(codes)):
        for k in range(network.rows):
            form = network.form(k, codes[i])
            floats = rationals(found.values[i, k])
            wrong = sum((abs(a - b) for a, b in zip(floats, form, strict=True)), fmpq(0))
            assert wrong <= rationals(found.error[i, k : k + 1])[0]
            assert sum(map(abs, floats), fmpq(0)) <= rationals(found.size[i, k : k + 1])[0]
            assert found.varies[i, k] or not any(form[1:])
            assert not found.are_zero[i, k] or not any(form)
            assert not found.are_not_zero[i, k] or any(form)
    sides = network.sides(codes)
    differ = hyperplanes_differ(found.turned(sides), sides)
    for i in np.flatnonzero(differ).tolist():
        around = surroundings(network, codes[i])
        assert not around.zero
        assert all(len(hyperplane.rows) == 1 for hyperplane in around.hyperplanes)


@pytest.mark.parametrize("seed", range(20))
def test_errors_of_values_are_bounded(seed):
    """Weights that are far from float64, and slopes and heights of all kinds."""
    layers, box = drawn(seed)
    third = [
        Layer(
            [TwoPiece(scaled(unit.z), unit.slope) for unit in layer.two],
            [
                Max([scaled(z) for z in unit.z])
                if isinstance(unit, Max)
                else Clip(scaled(unit.z), unit.low / 3, unit.high / 3)
                for unit in layer.many
            ],
            [scaled(z) for z in layer.passed],
        )
        for layer in layers
    ]
    table = MemoryTable.of(third, box)
    results = checked(table, stack_of(third))
    assert failing(results) == set(), results


def scaled(z):
    return [x / 3 for x in z]
