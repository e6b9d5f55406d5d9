"""Reading ONNX: each operator against onnxruntime, and the graphs that are refused."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.helper import make_node

from nnce_cli.base.errors import InputError
from nnce_cli.network import AffineMap, LayerStack, check_against_onnxruntime, load_network
from tests.networks import INPUT, OUTPUT, graph_model, mlp_model, save

CASES = Path(__file__).parents[2] / ".." / "shared" / "cases"
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason="the folder of known cases is absent")

rng = np.random.default_rng(1)
W = rng.integers(-8, 9, (5, 3)) / 4.0  # R^3 -> R^5, as a matrix that acts from the left
V = rng.integers(-8, 9, (2, 5)) / 4.0
B = rng.integers(-8, 9, 5) / 4.0
RELU = make_node("Relu", ["z"], [OUTPUT])


def run(model: onnx.ModelProto, points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Evaluate a model with onnxruntime, a row for each point."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    [feed] = session.get_inputs()
    dtype = {"tensor(float)": np.float32, "tensor(double)": np.float64}[feed.type]
    return np.array(
        [session.run(None, {feed.name: p.reshape(shape).astype(dtype)})[0].ravel() for p in points]
    )


def axes(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


GEMM = make_node("Gemm", [INPUT, "W"], ["z"])
MATMUL = make_node("MatMul", [INPUT, "W"], ["m"])

# name: (nodes, constants, shape in the file, shape of one input)
OPERATORS = {
    "gemm": ([GEMM, RELU], {"W": W.T}, ["N", 3], (1, 3)),
    "gemm alpha beta": (
        [make_node("Gemm", [INPUT, "W", "b"], ["z"], alpha=0.5, beta=-3.0, transB=1), RELU],
        {"W": W, "b": B},
        ["N", 3],
        (1, 3),
    ),
    "gemm transA, C a column": (
        [make_node("Gemm", [INPUT, "W", "b"], ["z"], transA=1), RELU],
        {"W": W.T, "b": np.array([[2.0]])},
        [3, 1],
        (3, 1),
    ),
    "gemm with the input as B": (
        [make_node("Gemm", ["W", INPUT, "b"], ["z"], transB=1), RELU],
        {"W": W, "b": B[:, None]},
        [1, 3],
        (1, 3),
    ),
    "gemm with the input as C": (
        [make_node("Gemm", ["W", "U", INPUT], ["z"], beta=2.0), RELU],
        {"W": W, "U": W.T},
        [1, 5],
        (1, 5),
    ),
    "matmul, add [n]": (
        [MATMUL, make_node("Add", ["m", "b"], ["z"]), RELU],
        {"W": W.T, "b": B},
        ["N", 3],
        (1, 3),
    ),
    "matmul from the left, rank 1, add [n]": (
        [make_node("MatMul", ["W", INPUT], ["m"]), make_node("Add", ["b", "m"], ["z"]), RELU],
        {"W": W, "b": B},
        [3],
        (3,),
    ),
    "matmul from the right, rank 1": (
        [MATMUL, make_node("Relu", ["m"], [OUTPUT])],
        {"W": W.T},
        [3],
        (3,),
    ),
    "matmul from the left, a column, add [n,1]": (
        [make_node("MatMul", ["W", INPUT], ["m"]), make_node("Add", ["m", "b"], ["z"]), RELU],
        {"W": W, "b": B[:, None]},
        [3, 1],
        (3, 1),
    ),
    "a column plus a row broadcasts to a matrix": (
        [make_node("MatMul", ["W", INPUT], ["m"]), make_node("Add", ["m", "b"], ["z"]), RELU],
        {"W": W, "b": B[None, :]},
        [3, 1],
        (3, 1),
    ),
    "matmul, rank 3, matrix of shape [1,k,m]": (
        [MATMUL, make_node("Relu", ["m"], [OUTPUT])],
        {"W": W.T[None]},
        [1, 2, 3],
        (1, 2, 3),
    ),
    "matmul of a vector with [1,k,m]": (
        [MATMUL, make_node("Relu", ["m"], [OUTPUT])],
        {"W": W.T[None]},
        [3],
        (3,),
    ),
    "matmul of [1,m,k] with a vector": (
        [make_node("MatMul", ["W", INPUT], ["m"]), make_node("Add", ["m", "b"], ["z"]), RELU],
        {"W": W[None], "b": B},
        [3],
        (3,),
    ),
    "matmul of a vector with rank 3": (
        [make_node("MatMul", ["w", INPUT], ["m"]), make_node("Add", ["m", "b"], ["z"]), RELU],
        {"w": B[:3], "b": B[3:]},
        [1, 3, 2],
        (1, 3, 2),
    ),
    "matmul to a scalar": (
        [make_node("MatMul", [INPUT, "w"], ["z"]), RELU],
        {"w": B[:3]},
        ["N", 3],
        (1, 3),
    ),
    "matmul of a matrix of activations from the left": (
        [make_node("MatMul", ["W", INPUT], ["z"]), RELU],
        {"W": W},
        [1, 3, 2],
        (1, 3, 2),
    ),
    "sub, mul, div, neg": (
        [
            make_node("Sub", ["c", INPUT], ["s"]),
            make_node("Mul", ["d", "s"], ["t"]),
            make_node("Div", ["t", "e"], ["u"]),
            make_node("Neg", ["u"], ["v"]),
            make_node("Sub", ["v", "c"], ["w"]),
            make_node("Gemm", ["w", "W"], ["z"]),
            RELU,
        ],
        {
            "W": W.T,
            "c": np.array(0.3),
            "d": np.array([1.5, -2.0, 0.7]),
            "e": np.array([[3.0, -7.0, 0.1]]),
        },
        ["N", 3],
        (1, 3),
    ),
    "mul that broadcasts the input up": (
        [make_node("Mul", [INPUT, "c"], ["m"]), make_node("MatMul", ["W", "m"], ["z"]), RELU],
        {"W": W[:, :4].T[:3].T, "c": np.arange(1.0, 7.0).reshape(3, 2)},
        [3, 1],
        (3, 1),
    ),
    "one input broadcast to three": (
        [make_node("Mul", [INPUT, "c"], ["m"]), make_node("Gemm", ["m", "W"], ["z"]), RELU],
        {"W": W.T, "c": np.array([1.0, -2.0, 0.5])},
        ["N", 1],
        (1, 1),
    ),
    "flatten": (
        [make_node("Flatten", [INPUT], ["f"]), make_node("Gemm", ["f", "W"], ["z"]), RELU],
        {"W": W.T},
        [1, 1, 1, 3],
        (1, 1, 1, 3),
    ),
    "flatten axis 0, no batch": (
        [
            make_node("Flatten", [INPUT], ["f"], axis=0),
            make_node("MatMul", ["f", "W"], ["z"]),
            RELU,
        ],
        {"W": rng.integers(-5, 6, (6, 4)) / 2.0},
        [2, 3],
        (2, 3),
    ),
    "flatten axis -1, then columns": (
        [
            make_node("Flatten", [INPUT], ["f"], axis=-1),
            make_node("MatMul", ["W", "f"], ["z"]),
            RELU,
        ],
        {"W": W},
        [1, 3, 2],
        (1, 3, 2),
    ),
    "reshape with 0 and -1": (
        [make_node("Reshape", [INPUT, "s"], ["f"]), make_node("Gemm", ["f", "W"], ["z"]), RELU],
        {"W": rng.integers(-5, 6, (6, 4)) / 2.0, "s": axes(0, -1)},
        ["N", 2, 3],
        (1, 2, 3),
    ),
    "squeeze, unsqueeze": (
        [
            make_node("Squeeze", [INPUT, "two"], ["s"]),
            make_node("Unsqueeze", ["s", "one"], ["u"]),
            make_node("MatMul", ["W", "u"], ["z"]),
            RELU,
        ],
        {"W": W, "two": axes(0, -1), "one": axes(-1)},
        [1, 3, 1],
        (1, 3, 1),
    ),
    "squeeze of everything": (
        [make_node("Squeeze", [INPUT], ["s"]), make_node("MatMul", ["s", "W"], ["z"]), RELU],
        {"W": W.T},
        [1, 3, 1],
        (1, 3, 1),
    ),
    "transpose": (
        [
            make_node("Transpose", [INPUT], ["t"], perm=[0, 2, 1]),
            make_node("Flatten", ["t"], ["f"]),
            make_node("Gemm", ["f", "W"], ["z"]),
            RELU,
        ],
        {"W": rng.integers(-5, 6, (6, 4)) / 2.0},
        ["N", 2, 3],
        (1, 2, 3),
    ),
    "transpose without perm": (
        [make_node("Transpose", [INPUT], ["t"]), make_node("MatMul", ["W", "t"], ["z"]), RELU],
        {"W": W},
        [1, 3],
        (1, 3),
    ),
    "identity, dropout, cast": (
        [
            make_node("Identity", [INPUT], ["i"]),
            make_node("Dropout", ["i"], ["d"]),
            make_node("Cast", ["d"], ["c"], to=TensorProto.DOUBLE),
            make_node("Cast", ["c"], ["e"], to=TensorProto.FLOAT),
            make_node("Gemm", ["e", "W"], ["z"]),
            RELU,
        ],
        {"W": W.T},
        ["N", 3],
        (1, 3),
    ),
    "constants are folded": (
        [
            make_node(
                "Constant", [], ["c"], value=numpy_helper.from_array(W.astype(np.float32), "c")
            ),
            make_node("Constant", [], ["f"], value_float=0.5),
            make_node("Constant", [], ["l"], value_floats=[1.0, 2.0, -4.0]),
            make_node("Constant", [], ["s"], value_ints=[3, 5]),
            make_node("Transpose", ["c"], ["t"]),
            make_node("Mul", ["t", "f"], ["h"]),
            make_node("Reshape", ["h", "s"], ["r"]),
            make_node("Relu", ["r"], ["p"]),
            make_node("Mul", [INPUT, "l"], ["x"]),
            make_node("MatMul", ["x", "p"], ["z"]),
            RELU,
        ],
        {},
        ["N", 3],
        (1, 3),
    ),
    "a constant is cast": (
        [make_node("Cast", ["w"], ["W"], to=TensorProto.FLOAT), GEMM, RELU],
        {"w": numpy_helper.from_array(rng.normal(size=(3, 5)))},
        ["N", 3],
        (1, 3),
    ),
    "batch normalization": (
        [
            make_node("Gemm", [INPUT, "W"], ["g"]),
            make_node("BatchNormalization", ["g", "s", "b", "m", "v"], ["z"], epsilon=1e-3),
            RELU,
        ],
        {
            "W": W.T,
            "b": B,
            "s": np.array([1.5, -2.0, 0.1, 0.0, 1.0]),
            "m": B[::-1].copy(),
            "v": np.array([0.5, 2.0, 1e-6, 1.0, 30.0]),
        },
        ["N", 3],
        (1, 3),
    ),
    "batch normalization of channels": (
        [
            make_node("BatchNormalization", [INPUT, "s", "b", "m", "v"], ["n"]),
            make_node("Flatten", ["n"], ["f"]),
            make_node("Gemm", ["f", "W"], ["z"]),
            RELU,
        ],
        {
            "W": rng.integers(-5, 6, (6, 4)) / 2.0,
            "s": np.array([1.5, -2.0]),
            "b": np.array([0.25, 1.0]),
            "m": np.array([-1.0, 0.5]),
            "v": np.array([0.5, 2.0]),
        },
        ["N", 2, 3],
        (1, 2, 3),
    ),
    "relu twice, then an output map": (
        [
            make_node("Gemm", [INPUT, "W"], ["z"]),
            make_node("Relu", ["z"], ["a"]),
            make_node("Relu", ["a"], ["c"]),
            make_node("Gemm", ["c", "V", "b"], [OUTPUT], transB=1),
        ],
        {"W": W.T, "V": V, "b": B[:2]},
        ["N", 3],
        (1, 3),
    ),
    "relu first": (
        [make_node("Relu", [INPUT], ["a"]), make_node("Gemm", ["a", "W"], [OUTPUT])],
        {"W": W.T},
        ["N", 3],
        (1, 3),
    ),
    "a sum of two maps of the same layer": (
        [
            make_node("Gemm", [INPUT, "W"], ["g"]),
            make_node("Mul", ["g", "c"], ["h"]),
            make_node("Add", ["g", "h"], ["i"]),
            make_node("Sub", ["i", "b"], ["z"]),
            RELU,
        ],
        {"W": W.T, "b": B, "c": np.array([3.0, 0.1, -1.0, 0.0, 7.0])},
        ["N", 3],
        (1, 3),
    ),
    "a sum of the input and a map of it": (
        [
            make_node("MatMul", [INPUT, "W"], ["m"]),
            make_node("Add", ["m", INPUT], ["z"]),
            RELU,
        ],
        {"W": W[:3].T},
        ["N", 3],
        (1, 3),
    ),
    "a dead end": (
        [make_node("Exp", [INPUT], ["e"]), GEMM, RELU],
        {"W": W.T},
        ["N", 3],
        (1, 3),
    ),
}


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_operator_computes_what_onnxruntime_computes(name, dtype, tmp_path):
    nodes, constants, declared, shape = OPERATORS[name]
    if dtype is np.float64 and name in ("constants are folded", "a constant is cast"):
        pytest.skip("has float32 constants in its nodes")
    if dtype is np.float64 and name.startswith("identity"):
        nodes = [n for n in nodes if n.op_type != "Cast"]
        nodes[-2] = make_node("Gemm", ["d", "W"], ["z"])
    model = graph_model(nodes, constants, declared, dtype=dtype)
    stack = load_network(save(model, tmp_path / "m.onnx"))
    points = (
        np.random.default_rng(0)
        .uniform(-2, 2, (20, int(np.prod(shape))))
        .astype(dtype)
        .astype(np.float64)
    )
    assert stack.input_shape == shape
    assert stack.n_inputs == points.shape[1]
    tolerance = 1e-12 if dtype is np.float64 else 2e-5
    np.testing.assert_allclose(
        stack.forward(points), run(model, points, shape), rtol=tolerance, atol=tolerance
    )
    lower, upper = np.full(stack.n_inputs, -2.0), np.full(stack.n_inputs, 2.0)
    check_against_onnxruntime(stack, tmp_path / "m.onnx", lower, upper)


@pytest.mark.parametrize("style", ["gemm", "matmul"])
@pytest.mark.parametrize("ends_in_relu", [False, True])
def test_layers_widths_and_nodes(style, ends_in_relu, tmp_path):
    model = mlp_model([(W, B), (V, B[:2])], style=style, ends_in_relu=ends_in_relu)
    stack = load_network(save(model, tmp_path / "m.onnx"))
    assert stack.widths == ([3, 5, 2] if ends_in_relu else [3, 5])
    assert (stack.output is None) == ends_in_relu
    np.testing.assert_array_equal(stack.hidden[0].weight, W)
    np.testing.assert_array_equal(stack.hidden[0].bias, B)
    assert stack.hidden[0].exact is None
    affine = ("gemm0 (Gemm)",) if style == "gemm" else ("matmul0 (MatMul)", "add0 (Add)")
    assert stack.hidden[0].nodes == (*affine, "relu0 (Relu)")


def test_evaluation_by_hand(tmp_path):
    # z = (x, -x, 2x - 1), y = a_1 + a_2 - a_3 + 0.5
    model = mlp_model([([[1.0], [-1.0], [2.0]], [0.0, 0.0, -1.0]), ([[1.0, 1.0, -1.0]], [0.5])])
    stack = load_network(save(model, tmp_path / "m.onnx"))
    points = np.array([[-2.0], [0.25], [2.0]])
    [z] = stack.preactivations(points)
    np.testing.assert_array_equal(z, [[-2, 2, -5], [0.25, -0.25, -0.5], [2, -2, 3]])
    np.testing.assert_array_equal(stack.forward(points), [[2.5], [0.75], [-0.5]])


def test_digest_is_that_of_the_exact_weights(tmp_path):
    def digest(weights, **options):
        return load_network(save(mlp_model(weights, **options), tmp_path / "m.onnx")).digest

    weights = [(W, B), (V, B[:2])]
    plain = digest(weights)
    assert re.fullmatch("[0-9a-f]{64}", plain)
    assert digest(weights, dtype=np.float64) == plain
    assert digest(weights, dtype=np.float16) == plain
    assert digest(weights, dtype=np.float64, style="matmul") == plain
    assert digest([(W + np.zeros_like(W), -0.0 + B), (V, B[:2])]) == plain
    assert digest(weights, ends_in_relu=True) != plain
    moved = V.copy()
    moved[1, 4] = np.nextafter(moved[1, 4], 9)
    assert digest([(W, B), (moved, B[:2])], dtype=np.float64) != plain


def test_digest_sees_weights_that_are_no_floats(tmp_path):
    def digest(divisor):
        nodes = [make_node("Div", [INPUT, "d"], ["q"]), make_node("Gemm", ["q", "W"], ["z"]), RELU]
        constants = {"W": W.T, "d": np.array(divisor)}
        model = graph_model(nodes, constants, ["N", 3], dtype=np.float64)
        return load_network(save(model, tmp_path / "m.onnx"))

    third, other = digest(3.0), digest(np.nextafter(3.0, 4.0))
    assert third.hidden[0].exact is not None
    assert third.digest == digest(3.0).digest != other.digest
    rounded = AffineMap(third.hidden[0].weight, third.hidden[0].bias)
    model = mlp_model([(rounded.weight, rounded.bias)], dtype=np.float64, ends_in_relu=True)
    assert load_network(save(model, tmp_path / "m.onnx")).digest != third.digest


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_half_precision_weights_are_read_exactly_and_checked(dtype, tmp_path):
    w, b = rng.normal(size=(6, 4)).astype(dtype), rng.normal(size=6).astype(dtype)
    v = rng.normal(size=(1, 6)).astype(dtype)
    model = mlp_model([(w, b), (v, np.zeros(1))], dtype=dtype)
    path = save(model, tmp_path / "m.onnx")
    stack = load_network(path)
    np.testing.assert_array_equal(stack.hidden[0].weight, w.astype(np.float64))
    np.testing.assert_array_equal(stack.hidden[0].bias, b.astype(np.float64))
    check_against_onnxruntime(stack, path, -np.ones(4), np.ones(4))


def test_initializers_that_are_inputs_too(tmp_path):
    model = mlp_model([(W, B), (V, B[:2])])
    for tensor in model.graph.initializer:
        model.graph.input.insert(
            0, helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        )
    assert load_network(save(model, tmp_path / "m.onnx")).widths == [3, 5]


def test_external_data(tmp_path):
    model = mlp_model([(W, B), (V, B[:2])])
    expected = load_network(save(model, tmp_path / "plain.onnx"))
    path = tmp_path / "m.onnx"
    onnx.save(model, path, save_as_external_data=True, location="weights", size_threshold=0)
    stack = load_network(path)
    assert stack.digest == expected.digest
    check_against_onnxruntime(stack, path, -np.ones(3), np.ones(3))

    (tmp_path / "weights").write_bytes(b"\0" * 7)
    with pytest.raises(InputError, match="'weights' is shorter"):
        load_network(path)
    (tmp_path / "weights").unlink()
    with pytest.raises(InputError, match="no file 'weights' beside the model"):
        load_network(path)
    model = onnx.load(path, load_external_data=False)
    (tmp_path / "outside").write_bytes(b"\0" * 1000)
    for location in ("../outside", str(tmp_path / "outside"), "link"):
        folder = tmp_path / "sub"
        folder.mkdir(exist_ok=True)
        (folder / "link").unlink(missing_ok=True)
        (folder / "link").symlink_to(tmp_path / "outside")
        for tensor in model.graph.initializer:
            tensor.external_data[0].value = location
        with pytest.raises(InputError, match="outside the model's folder"):
            load_network(save(model, folder / "m.onnx"))


def test_external_data_that_lie_about_their_size(tmp_path):
    model = mlp_model([(W, B), (V, B[:2])])
    path = tmp_path / "m.onnx"
    onnx.save(model, path, save_as_external_data=True, location="weights", size_threshold=0)
    model = onnx.load(path, load_external_data=False)
    with (tmp_path / "weights").open("wb") as stream:
        stream.truncate(2**40)  # sparse: it takes no space
    for tensor in model.graph.initializer:
        del tensor.external_data[1:]
    with pytest.raises(InputError, match="too many for"):
        load_network(save(model, path))
    for tensor in model.graph.initializer:
        tensor.dims[0] = 2**36
    with pytest.raises(InputError, match="more than nnce can hold"):
        load_network(save(model, path))


def test_batch_normalization_is_noted(tmp_path):
    nodes, constants, declared, _ = OPERATORS["batch normalization"]
    stack = load_network(save(graph_model(nodes, constants, declared), tmp_path / "m.onnx"))
    assert len(stack.notes) == 1
    assert "rounded once to the nearest" in stack.notes[0]


def graph(*nodes, shape=("N", 3), dtype=np.float32, opset=17, **constants):
    return graph_model(nodes, constants, shape, dtype=dtype, opset=opset)


def one(op_type, *extra, **attributes):
    """Nodes: one operator on the input, then a layer that ends the network."""
    return (make_node(op_type, [INPUT, *extra], ["z"], "culprit", **attributes), RELU)


def with_damaged_initializer():
    model = mlp_model([(W, B)], ends_in_relu=True)
    next(t for t in model.graph.initializer if t.name == "W0").dims[0] = 10**9
    return model


def with_negative_dims():
    model = mlp_model([(W, B)], ends_in_relu=True)
    next(t for t in model.graph.initializer if t.name == "W0").dims[0] = -1
    return model


def with_value(value):
    weights = W.copy()
    weights[1, 2] = value
    return mlp_model([(weights, B)], ends_in_relu=True)


def of_other_domain():
    model = graph(*one("Gemm", "W"), W=W.T)
    model.graph.node[0].domain = "com.microsoft"
    return model


def without_output():
    model = mlp_model([(W, B)], ends_in_relu=True)
    model.graph.output[0].name = "nothing"
    return model


def growing_matrices(start):
    """Outer products of ever longer constants: a file of a few hundred bytes."""
    nodes, value = [], start
    for i in range(6):
        nodes += [
            make_node("Reshape", [value, "column"], [f"c{i}"]),
            make_node("Reshape", [value, "row"], [f"r{i}"]),
            make_node("MatMul", [f"c{i}", f"r{i}"], [f"p{i}"], f"product{i}"),
        ]
        value = f"p{i}"
    return graph(
        *nodes,
        make_node("Add", [INPUT, value], ["z"]),
        RELU,
        start=np.full(9, 1.5),
        column=axes(-1, 1),
        row=axes(1, -1),
    )


def growing_numbers():
    """A constant squared again and again: its digits double each time."""
    squares = [make_node("Mul", [f"c{i}", f"c{i}"], [f"c{i + 1}"], f"square{i}") for i in range(60)]
    return graph(*squares, make_node("Mul", [INPUT, "c60"], ["z"]), RELU, c0=np.array(1.1))


BATCH_NORMALIZATION = {"s": np.ones(3), "b": np.ones(3), "m": np.ones(3), "v": -np.ones(3)}

REFUSED = {
    "unsupported operator": (
        lambda: graph(*one("IsNaN")),
        r"node culprit \(IsNaN\): the operator IsNaN is not supported; nnce reads Abs, .*Unsq",
    ),
    "another domain": (of_other_domain, r"culprit \(com.microsoft::Gemm\).*not supported"),
    "product of activations": (
        lambda: graph(*one("Mul", INPUT)),
        r"culprit \(Mul\).*both depend on the input",
    ),
    "matrix product of activations": (
        lambda: graph(*one("MatMul", INPUT), shape=[3, 3]),
        r"culprit \(MatMul\).*both depend",
    ),
    "constant / input": (
        lambda: graph(make_node("Div", ["c", INPUT], ["z"], "culprit"), RELU, c=np.ones(3)),
        r"culprit \(Div\).*not affine",
    ),
    "division by zero": (
        lambda: graph(*one("Div", "c"), c=np.array([1.0, 0.0, 2.0])),
        r"culprit \(Div\).*divides by zero",
    ),
    "shapes that do not broadcast": (
        lambda: graph(*one("Add", "c"), c=np.ones(4)),
        r"culprit \(Add\).*\[1, 3\] and \[4\] do not fit",
    ),
    "shapes that do not multiply": (
        lambda: graph(*one("MatMul", "W"), W=W),
        r"culprit \(MatMul\).*\[1, 3\] and \[5, 3\] do not fit",
    ),
    "gemm of rank 1": (
        lambda: graph(*one("Gemm", "W"), shape=[3], W=W.T),
        r"culprit \(Gemm\).*\[3\]",
    ),
    "reshape to another size": (
        lambda: graph(*one("Reshape", "s"), s=axes(1, 4)),
        r"culprit \(Reshape\).*\[1, 3\] cannot become \[1, 4\]",
    ),
    "reshape by the input": (
        lambda: graph(*one("Reshape", INPUT)),
        r"culprit \(Reshape\).*not a constant list of integers",
    ),
    "reshape to nothing": (
        lambda: graph(*one("Reshape", "s", allowzero=1), s=axes(0, 3)),
        r"culprit \(Reshape\).*cannot become \[0, 3\]",
    ),
    "squeeze of a long axis": (
        lambda: graph(*one("Squeeze", "s"), s=axes(1)),
        r"culprit \(Squeeze\).*longer than 1",
    ),
    "unsqueeze of an axis that is not there": (
        lambda: graph(*one("Unsqueeze", "s"), s=axes(7)),
        r"culprit \(Unsqueeze\).*axes \[7\]",
    ),
    "unsqueeze of a hundred axes": (
        lambda: graph(*one("Unsqueeze", "s"), s=axes(*range(100))),
        r"culprit \(Unsqueeze\).*102 axes",
    ),
    "transpose that is no permutation": (
        lambda: graph(*one("Transpose", perm=[0, 0])),
        r"culprit \(Transpose\).*permutation",
    ),
    "cast to integers": (
        lambda: graph(*one("Cast", to=TensorProto.INT64)),
        r"culprit \(Cast\).*rounds values .* to int64",
    ),
    "types that do not fit": (
        lambda: graph(*one("Add", "c"), c=numpy_helper.from_array(np.ones(3))),
        r"culprit \(Add\).*float32 and float64",
    ),
    "dropout in training": (
        lambda: graph(*one("Dropout", "r", "t"), r=np.array(0.5), t=np.array(True)),
        r"culprit \(Dropout\).*training",
    ),
    "batch normalization in training": (
        lambda: graph(
            make_node(
                "BatchNormalization",
                [INPUT, "s", "b", "m", "v"],
                ["z", "p", "q"],
                "culprit",
                training_mode=1,
            ),
            RELU,
            **BATCH_NORMALIZATION,
        ),
        r"culprit \(BatchNormalization\).*training",
    ),
    "negative variance": (
        lambda: graph(*one("BatchNormalization", *"sbmv"), **BATCH_NORMALIZATION),
        r"culprit \(BatchNormalization\).*variance is negative",
    ),
    "a string attribute where a number belongs": (
        lambda: graph(*one("Flatten", axis="one")),
        r"culprit \(Flatten\).*'axis' is not an integer",
    ),
    "an attribute that is not finite": (
        lambda: graph(*one("Gemm", "W", alpha=float("nan")), W=W.T),
        r"culprit \(Gemm\).*'alpha' is not a finite number",
    ),
    "too few inputs": (lambda: graph(*one("Add")), r"culprit \(Add\).*1 inputs"),
    "an undefined tensor": (
        lambda: graph(*one("Add", "nowhere")),
        r"culprit \(Add\).*'nowhere', which no node",
    ),
    "constant output": (
        lambda: graph(make_node("Relu", ["c"], [OUTPUT]), c=np.ones(3)),
        "does not depend on the input",
    ),
    "an output of no node": (without_output, "no node computes the output 'nothing'"),
    "an input of integers": (
        lambda: graph(*one("Identity"), dtype=np.int64),
        "'input' has elements of type int64",
    ),
    "an input with a symbolic dimension": (
        lambda: graph(*one("Identity"), shape=["N", "length"]),
        r"the shape \[N, length\]: only its first",
    ),
    "a symbolic vector": (lambda: graph(*one("Identity"), shape=["N"]), r"the shape \[N\]"),
    "an empty input": (lambda: graph(*one("Identity"), shape=[1, 0]), r"the shape \[1, 0\]"),
    "a giant input": (
        lambda: graph(*one("Identity"), shape=[1, 2**40]),
        rf"the shape \[1, {2**40}\]",
    ),
    "NaN": (lambda: with_value(np.nan), r"initializer 'W0' is not finite.*nan at \[1, 2\]"),
    "infinity": (lambda: with_value(-np.inf), r"initializer 'W0' is not finite.*-inf"),
    "data that do not fit": (with_damaged_initializer, "initializer 'W0' is damaged"),
    "negative dims": (with_negative_dims, r"initializer 'W0' has the shape \[-1, 3\]"),
    "an empty initializer": (
        lambda: graph(*one("Add", "c"), c=np.ones((1, 0))),
        r"initializer 'c' has the shape \[1, 0\]",
    ),
    "strings": (
        lambda: graph(*one("Add", "c"), c=helper.make_tensor("c", 8, [1], [b"x"])),
        "initializer 'c' has elements of type STRING",
    ),
    "an old operator set": (lambda: graph(*one("Identity"), opset=6), "operator set 6"),
    "matrices that grow": (lambda: growing_matrices("start"), r"node product\d.*entries"),
    "numbers that grow": (growing_numbers, r"node square\d+ \(Mul\).*bits"),
    "numbers out of range": (
        lambda: graph(
            make_node("Mul", [INPUT, "c"], ["y"]),
            make_node("Mul", ["y", "c"], ["z"], "second"),
            RELU,
            dtype=np.float64,
            c=np.array(1e200),
        ),
        r"second \(Mul\).*out of float64's range",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_one_clear_line(name, tmp_path):
    build, message = REFUSED[name]
    path = save(build(), tmp_path / "m.onnx")
    with pytest.raises(InputError, match=message) as caught:
        load_network(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_files_that_are_no_models(tmp_path):
    good = mlp_model([(W, B), (V, B[:2])]).SerializeToString()
    files = {"empty": b"", "text": b"hello, world\n" * 9, "zeros": b"\0" * 99}
    files |= {f"first {n} bytes": good[:n] for n in range(0, len(good), 7)}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=r"not an ONNX|'input'|inputs|outputs"):
            load_network(tmp_path / name)
    with pytest.raises(InputError, match="no such file"):
        load_network(tmp_path / "absent.onnx")
    with pytest.raises(InputError, match="not a file"):
        load_network(tmp_path)


def test_damaged_bytes_are_never_a_traceback(tmp_path):
    nodes, constants, declared, _ = OPERATORS["batch normalization of channels"]
    good = graph_model(nodes, constants, declared).SerializeToString()
    noise = np.random.default_rng(3)
    refused = 0
    for _ in range(1500):
        damaged = bytearray(good)
        for at in noise.integers(0, len(good), noise.integers(1, 4)):
            damaged[at] = noise.integers(0, 256)
        (tmp_path / "m.onnx").write_bytes(damaged)
        try:
            load_network(tmp_path / "m.onnx")
        except InputError:
            refused += 1
    assert refused > 300


def test_the_check_finds_a_wrong_weight(tmp_path):
    weights = [(rng.normal(size=(9, 4)), rng.normal(size=9)), (rng.normal(size=(7, 9)), np.ones(7))]
    path = save(mlp_model([*weights, (np.ones((1, 7)), [0.0])]), tmp_path / "m.onnx")
    stack = load_network(path)
    lower, upper = -np.ones(4), np.ones(4)
    check_against_onnxruntime(stack, path, lower, upper)
    for layer, neuron in ((0, 3), (1, 6)):
        bias = stack.hidden[layer].bias.copy()
        bias[neuron] += 1e-4
        wrong = list(stack.hidden)
        wrong[layer] = AffineMap(wrong[layer].weight, bias)
        message = rf"hidden layer {layer + 1} \(tensor 'z{layer}'\): at neuron {neuron} "
        with pytest.raises(InputError, match=message):
            check_against_onnxruntime(replace(stack, hidden=tuple(wrong)), path, lower, upper)


def test_the_check_allows_for_cancellation_between_nodes(tmp_path):
    # (x + 10^6) - 10^6 in float32 is off by up to 0.03: rounding, not an error of reading.
    nodes = [
        make_node("Add", [INPUT, "c"], ["y"]),
        make_node("Sub", ["y", "c"], ["z"]),
        make_node("Relu", ["z"], [OUTPUT]),
    ]
    path = save(graph_model(nodes, {"c": np.array(1e6)}, ["N", 3]), tmp_path / "m.onnx")
    stack = load_network(path)
    np.testing.assert_array_equal(stack.hidden[0].weight, np.eye(3))
    np.testing.assert_array_equal(stack.hidden[0].bias, np.zeros(3))
    check_against_onnxruntime(stack, path, -np.ones(3), np.ones(3))


def test_the_check_says_when_onnxruntime_refuses(tmp_path):
    model = mlp_model([(W, B)], ends_in_relu=True)
    [relu] = [node for node in model.graph.node if node.op_type == "Relu"]
    wrong = onnx.helper.make_tensor_value_info(relu.input[0], onnx.TensorProto.DOUBLE, None)
    model.graph.value_info.append(wrong)
    path = save(model, tmp_path / "m.onnx")
    with pytest.raises(InputError, match="onnxruntime cannot run the model") as caught:
        check_against_onnxruntime(load_network(path), path, -np.ones(3), np.ones(3))
    assert "\n" not in str(caught.value)


@needs_cases
def test_every_mlp_of_the_known_cases_is_read_and_agrees_with_onnxruntime():
    folders = ["random", "degenerate", "hard"]  # the others have networks of other kinds too
    paths = [path for folder in folders for path in sorted((CASES / folder).glob("*.onnx"))]
    names = ["ACASXU_run2a_3_3", "cartpole", "mnist-net_256x2", "test_nano", "tll_n2_N8", "vdp"]
    paths += [CASES / "real" / f"{name}.onnx" for name in names]
    assert len(paths) > 40
    for path in paths:
        stack = load_network(path)
        box = np.ones(stack.n_inputs)
        check_against_onnxruntime(stack, path, -box, box, samples=8)


@needs_cases
@pytest.mark.parametrize(
    ("name", "widths", "shape", "n_out"),
    [
        ("ACASXU_run2a_3_3", [5, 50, 50, 50, 50, 50, 50], (1, 1, 1, 5), 5),
        ("vdp", [3, 32, 32], (1, 3), 3),
        ("cartpole", [4, 64, 64], (1, 4), 2),
        ("marabou_fc1", [2, 25, 25, 25], (1, 2), 2),
        ("tll_n2_N8", [2, 128, 64, 32, 16, 8, 4], (1, 2), 1),
        ("mnist-net_256x2", [784, 256, 256], (1, 784, 1), 10),
        ("test_nano", [1, 1], (1,), None),
        ("test_small", [1, 2, 2], (1,), 1),
    ],
)
def test_real_networks(name, widths, shape, n_out):
    stack: LayerStack = load_network(CASES / "real" / f"{name}.onnx")
    assert stack.widths == widths
    assert stack.input_shape == shape
    assert (stack.output.n_out if stack.output else None) == n_out
