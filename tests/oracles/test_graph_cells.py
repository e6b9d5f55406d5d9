"""The oracle for graphs is held against known counts, another oracle, onnxruntime and itself."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx.helper import make_node

from tests.cases import needs_cases
from tests.graph_cases import check_maps, domain_of, graph_cases, values_at
from tests.graph_strategies import graphs, number_of_inputs
from tests.networks import graph_model, mlp_model, save
from tests.oracles import graph_cells as oracle
from tests.oracles.graph_cells import box_domain, graph_cells, plane_domain
from tests.oracles.ppl import exact_cells
from tests.strategies import boxes, examples, networks, stack_from


@needs_cases
@pytest.mark.parametrize(
    ("path", "case"), graph_cases(lambda case: case["cells"] > 200 or case["inputs"] > 6)
)
def test_known_graphs(path, case):
    domain = domain_of(case)
    cells = graph_cells(path, domain)
    assert cells.nonlinear == case["nonlinear"]
    assert cells.units == case["units"]
    assert cells.cells_after == case["cells_after"]
    assert cells.cells == case["cells"]
    assert cells.affine_maps == case["affine_maps"]
    check_maps(path, cells, domain)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Return where a drawn model is written."""
    return tmp_path_factory.mktemp("graph") / "drawn.onnx"


def cube_of(model):
    """Return a cube around 0 for all inputs of a drawn model."""
    n = number_of_inputs(model)
    return box_domain([-1.0] * n, [2.0] * n)


@examples(40)
@given(model=graphs())
def test_affine_maps_are_what_onnxruntime_computes(path, model):
    onnx.checker.check_model(model, full_check=True)
    domain = cube_of(model)
    check_maps(path, graph_cells(save(model, path), domain), domain)


@examples(40)
@given(model=graphs(), seed=st.integers(0, 100))
def test_cells_cover_the_domain_and_do_not_overlap(path, model, seed):
    """Each random point is inside one part, or on the walls of some."""
    cells = graph_cells(save(model, path), cube_of(model))
    assert len(set(cells.patterns)) == cells.cells
    random, inside = Random(seed), 0
    for _ in range(20):
        point = [
            Fraction(random.randint(-(2**20), 2**21), 2**20)
            for _ in range(cells.parts[0].dimension)
        ]
        held = [part.holds(point) for part in cells.parts]
        assert sum(held) <= 1
        inside += any(held)
    assert inside >= 15


@examples(20)
@given(model=graphs())
def test_vertices_and_the_simplex_method_find_the_same_cells(path, model):
    before = graph_cells(save(model, path), cube_of(model))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(oracle, "MOST_DIMENSIONS", 0)
        assert graph_cells(path, cube_of(model)).patterns == before.patterns


@examples(30)
@given(st.data())
def test_relu_networks_have_the_cells_of_the_other_oracle(path, data):
    """The weights are rounded to floats, as the file has them."""
    rows = data.draw(networks(shapes=[(1, 3, 3), (2, 4, 4), (3, 3, 3), (2, 3, 2, 3)]))
    layers = [[[Fraction(float(t)) for t in row] for row in layer] for layer in rows]
    weights = [([row[:-1] for row in layer], [row[-1] for row in layer]) for layer in layers]
    model = mlp_model(
        [(np.array(w, float), np.array(b, float)) for w, b in weights],
        dtype=np.float64,
        ends_in_relu=True,
    )
    box = data.draw(boxes(len(layers[0][0]) - 1, fixed=True))
    cells = graph_cells(save(model, path), box_domain(box.lower.tolist(), box.upper.tolist()))
    expected = exact_cells(stack_from(layers), box)
    assert cells.patterns == expected.signs
    assert cells.cells_after == expected.layer_cells


# Cells counted by hand.


def patterns(path, nodes, constants, shape, lower=-1.0, upper=2.0):
    """Return the patterns of a graph from "input" to "output" on a cube."""
    save(graph_model(nodes, constants, shape), path)
    n = int(np.prod(shape))
    return graph_cells(path, box_domain([lower] * n, [upper] * n)).patterns


def test_absolute_values(path):
    """Of |x| + |y| - 1 in the four quadrants: each is cut by a line."""
    nodes = [
        make_node("Abs", ["input"], ["a"]),
        make_node("ReduceSum", ["a", "axes"], ["s"]),
        make_node("Sub", ["s", "one"], ["z"]),
        make_node("Relu", ["z"], ["output"]),
    ]
    found = patterns(path, nodes, {"axes": np.array([1]), "one": np.array([1.0])}, (1, 2))
    assert found == [(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)]


def test_the_first_largest_wins(path):
    """Of x, y, x and 0: the third is never the first largest one."""
    node = make_node("Max", ["x", "y", "x", "zero"], ["output"])
    parts = make_node("Split", ["input"], ["x", "y"], axis=1)
    found = patterns(path, [parts, node], {"zero": np.array([[0.0]])}, (1, 2))
    assert found == [(0,), (1,), (3,)]
    found = patterns(path, [make_node("Min", ["input", "input"], ["output"])], {}, (1, 1))
    assert found == [(0,)]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        (["low", "high"], [(0,), (1,), (2,)]),
        (["low"], [(0,), (1,)]),
        (["", "high"], [(1,), (2,)]),
        (["high"], [(0,), (1,)]),
        (["", "low"], [(1,), (2,)]),
        ([], [(1,)]),
    ],
)
def test_clip(path, bounds, expected):
    """The input is from -1 to 2, the bounds are 0 and 1; each may be the only one."""
    node = make_node("Clip", ["input", *bounds], ["output"])
    found = patterns(path, [node], {"low": np.array(0.0), "high": np.array(1.0)}, (1, 1))
    assert found == expected


def test_a_unit_that_is_constant_at_its_breakpoint_has_the_lowest_code(path):
    """The number x - x is 0: the bound of a ReLU and of a clip to [0, 1], and minus the first."""
    nodes = [
        make_node("Sub", ["input", "input"], ["zero"]),
        make_node("Relu", ["zero"], ["a"]),
        make_node("Clip", ["zero", "low", "high"], ["b"]),
        make_node("Max", ["a", "b", "zero"], ["output"]),
    ]
    found = patterns(path, nodes, {"low": np.array(0.0), "high": np.array(1.0)}, (1, 1))
    assert found == [(0, 0, 0)]


def test_padding_never_wins(path):
    """Windows of two over (pad, x, y, pad): only the one that sees x and y is cut."""
    node = make_node("MaxPool", ["input"], ["output"], kernel_shape=[2], pads=[1, 1])
    assert patterns(path, [node], {}, (1, 1, 2)) == [(1, 0, 0), (1, 1, 0)]


def test_a_pool_of_dead_units_is_a_tie(path):
    """Of max(x, 0) and max(y, 0), the first one wins where both are 0; the line x = y cuts."""
    nodes = [
        make_node("Relu", ["input"], ["a"]),
        make_node("MaxPool", ["a"], ["output"], kernel_shape=[2]),
    ]
    found = patterns(path, nodes, {}, (1, 1, 2))
    assert found == [(0, 0, 0), (0, 1, 1), (1, 0, 0), (1, 1, 0), (1, 1, 1)]


def test_what_a_tail_makes_of_the_output_is_left_out(path):
    """The softmax of max(x, 0) and 2 x: two cells, two maps."""
    nodes = [
        make_node("Relu", ["input"], ["a"]),
        make_node("Concat", ["a", "input"], ["b"], axis=1),
        make_node("Softmax", ["b"], ["p"]),
        make_node("ArgMax", ["p"], ["output"], axis=1),
    ]
    save(graph_model(nodes, {}, (1, 1)), path)
    cells = graph_cells(path, box_domain([-1.0], [2.0]))
    assert cells.patterns == [(0,), (1,)]
    assert cells.affine_maps == 2
    assert [values_at(forms, [Fraction(1)]) for forms in cells.maps] == [[0, 1], [1, 1]]


def test_a_plane_through_three_inputs(path):
    """The sum of three ReLUs on the points (u, v, 1/2): four cells."""
    save(graph_model([make_node("Relu", ["input"], ["output"])], {}, (1, 3)), path)
    plane = plane_domain([-1, -1, 0.5], [1, -1, 0.5], [-1, 1, 0.5])
    assert graph_cells(path, plane).patterns == [(0, 0, 1), (0, 1, 1), (1, 0, 1), (1, 1, 1)]


def test_a_fixed_input_is_a_constant(path):
    """The ReLUs of x and of the fixed number -1."""
    save(graph_model([make_node("Relu", ["input"], ["output"])], {}, (1, 2)), path)
    cells = graph_cells(path, box_domain([-1.0, -1.0], [1.0, -1.0]))
    assert cells.patterns == [(0, 0), (1, 0)]


def test_a_unit_behind_a_tail_is_no_piecewise_linear_network(path):
    nodes = [make_node("Softmax", ["input"], ["p"]), make_node("Relu", ["p"], ["output"])]
    with pytest.raises(AssertionError, match="behind a tail"):
        patterns(path, nodes, {}, (1, 2))
