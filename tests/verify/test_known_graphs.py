"""Graphs with known cells: their tables pass all checks, and a table without one cell does not.

The cells are found by crossing facets, as the checker does it, from the cell of a random point;
their number is known from exact polyhedra.
"""

from __future__ import annotations

import numpy as np
import pytest
from onnx.helper import make_node

from nnce_cli.domain import Box
from nnce_cli.network import load_network
from nnce_cli.table import CellTableWriter, Metadata, Output, Rows
from nnce_cli.verify.exact_codes import locate
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.forms import rationals
from nnce_cli.verify.hyperplanes import codes_across, surroundings
from nnce_cli.verify.polytope import Polytope
from nnce_cli.verify.ranks import Ranks
from nnce_cli.verify.table_rows import Part, packed_rows
from tests.cases import FOLDER, known_cases, needs_cases
from tests.networks import graph_model, mlp_model, save
from tests.verify_tables import CHECKS, CLOSURE, LOWERING, VOLUMES, by_name, failing, run_verify

QUICK = 65  # cells


def cases():
    for folder in ("general", "exports"):
        for name, entry in known_cases(folder).items():
            if "box" in entry["domain"]:
                marks = [pytest.mark.slow] if entry["cells"] > QUICK else []
                yield pytest.param(folder, name, marks=marks)


def cells_of(network):
    """All cells, by crossing facets."""
    random = np.random.default_rng(0)
    start = locate(
        network, rationals(random.uniform(network.chart.domain.lower, network.chart.domain.upper))
    )
    assert start.touched is None
    found, todo = {bytes(start.codes)}, [start.codes]
    while todo:
        codes = todo.pop()
        around = surroundings(network, codes)
        polytope = Polytope([h.inward for h in around.hyperplanes], network.dimension)
        for k, beyond in enumerate(codes_across(network, codes, around)):
            if bytes(beyond) not in found and not polytope.is_redundant(k):
                found.add(bytes(beyond))
                todo.append(beyond)
    return np.array([list(key) for key in found], dtype=np.uint8)


def point_inside(network, codes):
    walls = [form for _, form in network.walls(codes) if any(form)]
    return network.chart.point(Polytope(walls, network.dimension).interior_point())


def write_table(path, network, codes):
    packed = packed_rows(codes, network.layout)
    order = sorted(range(len(codes)), key=lambda i: packed[i].tobytes())
    codes, packed = codes[order], packed[order]
    points = [point_inside(network, cell) for cell in codes]
    floats = np.array([[int(x.p) / int(x.q) for x in point] for point in points])
    active = np.zeros((len(codes), network.depth), dtype=np.uint16)
    for k in range(network.depth):
        active[:, k] = (network.of_layer(k, codes) > 0).sum(axis=1)
    rows = Rows(
        signs=network.layout.split(packed),
        active=active,
        ranks=Ranks(network).of(Part(0, None, packed, codes)).astype(np.uint16),
        witness=floats,
    )
    with Output(str(path), force=True) as output:
        writer = CellTableWriter(
            output, Metadata.of(network.stack, network.chart.domain, witness=True)
        )
        writer.write(rows)
        writer.close(complete=True, certified=True, decisions={})
        output.commit()


@needs_cases
@pytest.mark.parametrize(("folder", "name"), list(cases()))
def test_tables_of_known_graphs(folder, name, tmp_path):
    entry = known_cases(folder)[name]
    model = FOLDER / folder / entry["file"]
    stack = load_network(model)
    box = Box(*(np.full(stack.n_inputs, float(end)) for end in entry["domain"]["box"]))
    network = ExactNetwork(stack, box)
    codes = cells_of(network)
    assert len(codes) == entry["cells"]
    write_table(tmp_path / "t", network, codes)
    report = run_verify(tmp_path / "t", model)
    assert failing(report) == set(), by_name(report)
    assert report.proved
    undone = {check.name for check in report.checks if check.status == "not done"}
    assert undone <= {VOLUMES}
    assert {check.name for check in report.checks} == set(CHECKS)
    write_table(tmp_path / "less", network, np.delete(codes, len(codes) // 2, axis=0))
    assert CLOSURE in failing(run_verify(tmp_path / "less", model))


def verified(path, model, *outputs):
    """Write the table of all cells on [-1, 1]^n, and return how many they are, and the report."""
    stack = load_network(model, outputs)
    box = Box(np.full(stack.n_inputs, -1.0), np.full(stack.n_inputs, 1.0))
    network = ExactNetwork(stack, box)
    codes = cells_of(network)
    write_table(path, network, codes)
    return len(codes), run_verify(path, model)


@needs_cases
def test_one_of_two_outputs(tmp_path):
    """A table of one output is held against the graph up to that output."""
    model = FOLDER / "general" / "two-heads-3.onnx"
    [first, _] = [port.name for port in load_network(model).outputs]
    cells, report = verified(tmp_path / "t", model, first)
    assert cells < known_cases("general")["two-heads-3"]["cells"]
    assert report.proved
    assert by_name(report)[LOWERING].details["nodes with units"] == 2


def test_a_batch_of_several_samples(tmp_path):
    weights = [([[1, 2], [2, -1], [1, 0.5]], [0.25, 0, -0.5]), ([[1, -1, 2], [0, 1, 1]], [0, 1])]
    model = mlp_model(weights)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 3
    cells, report = verified(tmp_path / "t", save(model, tmp_path / "m.onnx"))
    assert cells == 7  # of three lines that meet in pairs
    assert report.proved
    assert by_name(report)[LOWERING].status == "passed"


def test_a_file_without_units(tmp_path):
    nodes = [make_node("Gemm", ["input", "W"], ["output"])]
    model = graph_model(nodes, {"W": np.array([[1.0, 2.0], [0.5, -1.0]])}, [1, 2])
    cells, report = verified(tmp_path / "t", save(model, tmp_path / "m.onnx"))
    assert cells == 1
    assert report.proved
    assert {check.status for check in report.checks} == {"passed"}
