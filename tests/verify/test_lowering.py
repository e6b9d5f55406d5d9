"""The layers of a network against the graph of its file: what they share, and what they do not."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from onnx.helper import make_node

from nnce_cli.network import AffineMap, load_network
from nnce_cli.table import CellTableReader
from nnce_cli.verify.check_lowering import MOST, check_lowering
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.table_rows import Table
from tests.cases import cube
from tests.networks import graph_model, mlp_model, save
from tests.verify_tables import write_exact_table

BOX = cube(2, -1, 1)
# The last unit of the second layer feeds nothing.
WEIGHTS = [
    ([[1, 0.5], [-0.25, 1], [1, -1]], [0.25, 0, 0.125]),
    ([[1, -1, 0.5], [0.5, 1, -2], [-1, 1, 1]], [0, 0.25, -0.25]),
    ([[1, -1, 0], [0.5, 2, 0]], [0, 1]),
]


@pytest.fixture
def model(tmp_path):
    return save(mlp_model(WEIGHTS, dtype=np.float64), tmp_path / "m.onnx")


def compared(tmp_path, model, stack, *, path=None):
    """Compare a stack with the graph of a file, at points of the model's own table."""
    write_exact_table(tmp_path / "t", model, BOX)
    with CellTableReader(tmp_path / "t") as reader:
        table = Table(reader, stack.layout)
        network = ExactNetwork(stack, BOX)
        return check_lowering(table, network, path or model, 0, lambda done, total: None)


def changed(stack, layer, *, weight=None, bias=None):
    """The stack with another weight or bias in a hidden layer."""
    new = AffineMap(*(np.array(a) for a in (stack.hidden[layer].weight, stack.hidden[layer].bias)))
    for array, (place, value) in ((new.weight, weight or ((), 0)), (new.bias, bias or ((), 0))):
        if place != ():
            array[place] = value
    hidden = [*stack.hidden[:layer], new, *stack.hidden[layer + 1 :]]
    return replace(stack, hidden=tuple(hidden))


def test_the_layers_of_a_file(tmp_path, model):
    result = compared(tmp_path, model, load_network(model))
    assert result.status == "passed"
    assert result.checked == MOST // 4  # the table has no witnesses
    assert result.details["nodes with units"] == 2


@pytest.mark.parametrize(
    "change",
    [
        {"layer": 0, "bias": ((1,), 2.0**-40)},
        {"layer": 1, "weight": ((0, 1), -1 - 2.0**-40)},
    ],
)
def test_another_number_is_found(tmp_path, model, change):
    """However little it differs: nothing is rounded."""
    result = compared(tmp_path, model, changed(load_network(model), **change))
    assert result.failed
    assert "output" in result.failures[0]
    assert "by the nodes of the graph and" in result.failures[0]


def test_cells_that_the_graph_divides(tmp_path, model):
    """The unit that feeds nothing is another one; the outputs stay as they are."""
    stack = load_network(model)
    weight, bias = stack.hidden[1].weight, stack.hidden[1].bias
    same = changed(stack, 1, weight=((2,), weight[0]), bias=((2,), bias[0]))
    result = compared(tmp_path, model, same)
    assert result.failed
    words = "of the layers, and on different pieces of entry 2 of node relu1 (Relu)"
    assert any(words in failure for failure in result.failures)


def test_cells_that_the_graph_does_not_have(tmp_path, model):
    stack = load_network(model)
    second, output = stack.hidden[1], stack.output
    more = AffineMap(np.vstack([second.weight, [[1.0, 1.0, -1.0]]]), np.append(second.bias, 0.375))
    last = AffineMap(np.hstack([output.weight, np.zeros((2, 1))]), output.bias)
    finer = replace(stack, hidden=(stack.hidden[0], more), output=last, units=())
    result = compared(tmp_path, model, finer)
    assert result.failed
    words = "are on different pieces of neuron 3 of layer 2, and in one cell of the graph"
    assert any(words in failure for failure in result.failures)


def test_another_number_of_outputs(tmp_path, model):
    stack = load_network(model)
    less = AffineMap(stack.output.weight[:1], stack.output.bias[:1])
    result = compared(tmp_path, model, replace(stack, output=less))
    assert "the graph computes 2 numbers, and its layers 1" in result.failures[0]


def with_places(stack, positions):
    """The stack, with a reader's word for where the units of its layers are."""
    places = tuple(
        (SimpleNamespace(node=f"relu{k} (Relu)", many=False, first=0, count=3, positions=p),)
        for k, p in enumerate(positions)
    )
    object.__setattr__(stack, "places", places)
    return stack


@pytest.mark.parametrize("positions", [[(), ()], [(0, 1, 2), (0, 1, 2)]])
def test_units_are_where_they_are_said_to_be(tmp_path, model, positions):
    result = compared(tmp_path, model, with_places(load_network(model), positions))
    assert result.status == "passed"


def test_units_that_changed_places(tmp_path, model):
    result = compared(tmp_path, model, with_places(load_network(model), [(), (1, 0, 2)]))
    assert result.failed
    assert "neuron 0 of layer 2 is not entry 1 of node relu1 (Relu)" in result.failures[0]


def test_operators_without_a_rule(tmp_path, model):
    """The check is not made, and says which node is to blame."""
    nodes = [make_node("Gelu", ["input"], ["output"], "bend", domain="com.microsoft")]
    other = save(graph_model(nodes, {}, [1, 2]), tmp_path / "other.onnx")
    result = compared(tmp_path, model, load_network(model), path=other)
    assert result.status == "not done"
    assert "bend (com.microsoft::Gelu): it has no rule" in result.note


def test_witnesses_that_are_no_points(tmp_path, model):
    """They are for another check; here they are left out."""
    write_exact_table(tmp_path / "t", model, BOX)
    stack = load_network(model)
    with CellTableReader(tmp_path / "t") as reader:
        rows = reader.rows
        table = Table(reader, stack.layout)
        bad = np.full((rows, 2), np.nan)
        bad[0] = 0.5, 0.25
        exact = {1: ["1/3", "-2/7"]}
        table.metadata = replace(reader.metadata, witness=True, exact_witnesses=exact)
        whole = table.parts
        table.parts = lambda *, witness=False: (
            replace(part, rows=replace(part.rows, witness=bad)) for part in whole()
        )
        result = check_lowering(table, ExactNetwork(stack, BOX), model, 0, lambda done, total: None)
    assert result.status == "passed"
    assert result.checked == MOST // 4 + 2
