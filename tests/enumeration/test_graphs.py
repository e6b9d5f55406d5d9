"""Networks beyond plain ReLU, from ONNX files: known cells, and drawn graphs against the oracle."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nnce_cli.base.errors import InputError
from nnce_cli.enumeration import (
    DICTIONARY,
    METHODS,
    VERTEX,
    WHOLE,
    Problem,
    batches,
    choose,
    walk_factory,
)
from nnce_cli.network import load_network
from tests.cases import cube, needs_cases
from tests.collect import ascending
from tests.command import nnce
from tests.graph_cases import graph_cases, run
from tests.graph_strategies import graphs, number_of_inputs
from tests.networks import save
from tests.oracles.graph_cells import box_domain, graph_cells
from tests.strategies import boxes, examples


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Return where a drawn model is written."""
    return tmp_path_factory.mktemp("graph") / "drawn.onnx"


def drawn_stack(model, path):
    """Return the stack of a drawn graph; one whose units all fold into affine maps is no case."""
    stack = load_network(save(model, path))
    assume(stack.hidden)
    return stack


def walks(problem):
    """Yield a walk by each method that can do the problem."""
    able = set()
    for name in METHODS:
        try:
            walk = walk_factory(name)(problem)
        except InputError:
            continue
        able.add(name)
        yield walk
    assert able >= expected_methods(problem.stack)


def expected_methods(stack):
    """Return methods that must not refuse a stack: some know no winner of three or more."""
    compiled = {DICTIONARY, VERTEX} if stack.n_inputs <= 3 else {DICTIONARY}
    if any(units.has_max for units in stack.units):
        return compiled
    return compiled | {"incremental", "reverse-search"}


def table_of(walk):
    """Walk to the end and return the joined rows and the witnesses."""
    found = list(batches(walk))
    assert walk.done
    rows = np.concatenate([np.concatenate(batch.signs, axis=1) for batch in found])
    return rows, np.concatenate([batch.witness for batch in found])


def short(numbers):
    """Tell whether numbers are multiples of 2^-10, as the drawn ones are before any rounding."""
    return np.array_equal(np.rint(numbers * 1024), numbers * 1024)


def counted(problem, name):
    """Return the cells after each hidden layer by a walk that makes no rows."""
    walk = walk_factory(name)(problem, rows=False, witness=False)
    assert all(len(batch) == 0 for batch in batches(walk))
    assert walk.done
    return walk.layer_cells


# Drawn graphs.


@examples(100)
@given(model=graphs(), data=st.data())
def test_rows_are_the_cells_of_the_graph(path, model, data):
    """By each method: as many rows as the graph has cells, and a witness inside each of them."""
    stack = drawn_stack(model, path)
    box = data.draw(boxes(number_of_inputs(model), fixed=True))
    cells = graph_cells(path, box_domain(box.lower.tolist(), box.upper.tolist()))
    problem = Problem.of(stack, box)
    rows = None
    for walk in walks(problem):
        found, witnesses = table_of(walk)
        assert ascending(found)
        assert walk.layer_cells[-1] == walk.cells == len(found) == cells.cells
        points = [list(map(Fraction, point)) for point in witnesses[:, problem.free].tolist()]
        homes = [[k for k, part in enumerate(cells.parts) if part.holds(p)] for p in points]
        assert sorted(homes) == [[k] for k in range(cells.cells)]
        assert rows is None or np.array_equal(rows, found)
        rows = found
    assert counted(problem, DICTIONARY) == walk.layer_cells


@examples(60)
@given(model=graphs())
def test_codes_and_outputs_inside_each_cell(path, model):
    """The points have few binary digits: where the weights have few too, the floats are exact.

    Elsewhere (factors of a BatchNormalization) a unit that is zero on the whole cell may not be.
    """
    stack = drawn_stack(model, path)
    box = cube(number_of_inputs(model), -1, 2)
    cells = graph_cells(path, box_domain(box.lower.tolist(), box.upper.tolist()))
    points = np.array([part.inner_point() for part in cells.parts], dtype=np.float64)
    outputs = run(path, points)
    assert stack.forward(points) == pytest.approx(outputs, rel=1e-4, abs=1e-4)
    if all(short(layer.weight) and short(layer.bias) for layer in stack.hidden):
        rows, _ = table_of(walk_factory(DICTIONARY)(Problem.of(stack, box)))
        codes = stack.layout.join_layers(stack.codes(points))
        assert np.array_equal(np.unique(codes, axis=0), rows)


@examples(40)
@given(model=graphs(), budget=st.integers(1, 5))
def test_pieces_of_a_walk_make_the_whole(path, model, budget):
    """A walk that stops after a few nodes, and walks of all subtrees that it left."""
    problem = Problem.of(drawn_stack(model, path), cube(number_of_inputs(model), -1, 1))
    whole, _ = table_of(walk_factory(DICTIONARY)(problem))
    parts, left = [], [WHOLE]
    while left:
        walk = walk_factory(DICTIONARY)(problem, left.pop(0))
        parts += [np.concatenate(batch.signs, axis=1) for batch in batches(walk, budget)]
        left = [*([] if walk.done else walk.rest()), *left]
    assert np.array_equal(np.concatenate(parts), whole)


# Known cells.


def problem_of(path, case):
    """Return the problem of a known case."""
    if "slice" in case["domain"]:
        pytest.skip("this case is cut by a plane, which the domains of nnce do not know yet")
    return Problem.of(load_network(path), cube(case["inputs"], *case["domain"]["box"]))


@needs_cases
@pytest.mark.parametrize(("path", "case"), graph_cases(lambda case: False))
def test_known_graphs(path, case):
    problem = problem_of(path, case)
    walk = walk_factory(choose(problem)[0])(problem)
    rows, _ = table_of(walk)
    assert len(rows) == case["cells"]
    assert ascending(rows)
    assert counted(problem, DICTIONARY) == walk.layer_cells
    if problem.stack.widths[1:] == case["units"]:
        assert walk.layer_cells == case["cells_after"]


@needs_cases
@pytest.mark.parametrize(("path", "case"), graph_cases(lambda case: case["cells"] > 60))
def test_known_graphs_by_every_method(path, case):
    tables = [table_of(walk)[0] for walk in walks(problem_of(path, case))]
    assert all(np.array_equal(table, tables[0]) for table in tables)
    assert len(tables[0]) == case["cells"]


@needs_cases
@pytest.mark.parametrize(("path", "case"), graph_cases(lambda case: case["cells"] > 45))
def test_the_command_counts_known_graphs_and_proves_its_table(path, case, tmp_path):
    problem_of(path, case)
    box = ",".join(map(str, case["domain"]["box"]))
    done = nnce("enumerate", path, f"--box={box}", "-o", "t", "--json", "-j", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["cells"] == case["cells"]
    checked = nnce("verify", "t", path, "--samples", "500", "--json", cwd=tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)["proved"]
