"""The graph at a point, against onnxruntime: every operator that it computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from flint import fmpq
from onnx import TensorProto, helper, numpy_helper
from onnx.helper import make_node

from nnce_cli.network import read_model
from nnce_cli.verify.graph import EITHER, GraphAtPoint, UnknownError
from nnce_cli.verify.graph.node import HANDLERS
from tests.cases import FOLDER, known_cases, needs_cases

ARANGE = np.arange(1, 25, dtype=np.float32)


def model_of(nodes, inputs, constants=None, outputs=("y",), opset=17, ml=False):
    """A model with inputs of given shapes; the number of a symbolic batch is left out."""
    domains = [helper.make_opsetid("", opset)]
    domains += [helper.make_opsetid("ai.onnx.ml", 3)] if ml else []
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in (constants or {}).items()],
    )
    return helper.make_model(graph, opset_imports=domains, ir_version=8)


def run(model, point):
    """What onnxruntime gives for an input, joined."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    feeds, start = {}, 0
    for value in session.get_inputs():
        shape = [size if isinstance(size, int) else 1 for size in value.shape]
        end = start + int(np.prod(shape))
        feeds[value.name] = point[start:end].reshape(shape)
        start = end
    return np.concatenate([np.asarray(y, np.float64).ravel() for y in session.run(None, feeds)])


def assert_same(model, n, seed=0):
    """At points whose numbers are small fractions, so that few of them are rounded."""
    graph = GraphAtPoint(model, n)
    random = np.random.default_rng(seed)
    for _ in range(3):
        point = (random.integers(-8, 9, size=n) / 4).astype(np.float32)
        found = graph.at([fmpq(*float(x).as_integer_ratio()) for x in point]).outputs
        ours = np.array([int(x.p) / int(x.q) for x in found])
        np.testing.assert_allclose(ours, run(model, point), rtol=1e-5, atol=1e-5)


def f(*values, shape=None):
    return np.array(values, dtype=np.float32).reshape(shape or (-1,))


def i(*values):
    return np.array(values, dtype=np.int64)


def weights(*shape):
    """Small numbers that are all different."""
    n = int(np.prod(shape))
    return ((np.arange(n) * 7 % 23 - 11) / 8).astype(np.float32).reshape(shape)


# (operator, shape of the input, the other inputs, attributes); "" is an input left out.
LINEAR = [
    ("Add", (2, 3), [f(1, 2, 3)], {}),
    ("Sub", (2, 3), [weights(2, 1)], {}),
    ("Mul", (2, 3), [weights(1, 3)], {}),
    ("Div", (2, 3), [f(3)], {}),
    ("Neg", (4,), [], {}),
    ("Sum", (2, 3), [f(1), weights(2, 3)], {}),
    ("Mean", (2, 3), [f(1), weights(2, 3)], {}),
    ("Identity", (4,), [], {}),
    ("Dropout", (4,), [], {}),
    ("Cast", (4,), [], {"to": 1}),
    ("CastLike", (4,), [f(1)], {}),
    ("BatchNormalization", (1, 3, 2), [f(1, -2, 0.5), f(0, 1, 2), f(1, 2, 3), f(1, 2, 0.1)], {}),
    ("BatchNormalization", (1, 2), [f(1, 2), f(0, 1), f(1, 2), f(1, 2)], {"epsilon": 0.25}),
    ("MatMul", (2, 3), [weights(3, 4)], {}),
    ("MatMul", (2, 2, 3), [weights(3, 4)], {}),
    ("Gemm", (2, 3), [weights(3, 4), f(1, 2, 3, 4)], {"alpha": 0.5, "beta": 2.0}),
    ("Gemm", (3, 2), [weights(4, 3)], {"transA": 1, "transB": 1}),
    ("ReduceSum", (2, 3), [i(1)], {}),
    ("ReduceSum", (2, 3), [], {"keepdims": 0}),
    ("ReduceMean", (2, 3, 2), [], {"axes": [0, 2], "keepdims": 0}),
    ("Flatten", (2, 3, 2), [], {"axis": 2}),
    ("Reshape", (2, 6), [i(0, 3, -1)], {}),
    ("Squeeze", (1, 3, 1), [i(0)], {}),
    ("Squeeze", (1, 3, 1), [], {}),
    ("Unsqueeze", (3, 2), [i(0, 2)], {}),
    ("Transpose", (2, 3, 2), [], {"perm": [2, 0, 1]}),
    ("Transpose", (2, 3), [], {}),
    ("Expand", (3, 1), [i(2, 1, 4)], {}),
    ("Tile", (2, 2), [i(2, 3)], {}),
    ("Concat", (2, 3), [weights(2, 2)], {"axis": 1}),
    ("Slice", (4, 5), [i(3, 1), i(-5, 4), i(0, 1), i(-1, 2)], {}),
    ("Slice", (4, 5), [i(1), i(100)], {}),
    ("Gather", (3, 4), [i(2, 0)], {"axis": 1}),
    ("GatherElements", (2, 3), [np.array([[1, -1], [0, 2]])], {"axis": 1}),
    ("GatherND", (2, 3, 2), [np.array([[0, 1], [1, 2]])], {}),
    ("Pad", (2, 3), [i(1, 0, 0, 2), np.float32(0.5)], {}),
    ("Pad", (2, 4), [i(0, -1, 0, -2)], {}),
    ("DepthToSpace", (1, 8, 2, 1), [], {"blocksize": 2}),
    ("DepthToSpace", (1, 8, 1, 2), [], {"blocksize": 2, "mode": "CRD"}),
    ("SpaceToDepth", (1, 2, 4, 2), [], {"blocksize": 2}),
    ("Resize", (1, 1, 2, 3), ["", f(1, 1, 2, 1.5)], {"mode": "nearest"}),
    (
        "Resize",
        (1, 1, 3, 2),
        ["", "", i(1, 1, 5, 5)],
        {
            "mode": "nearest",
            "coordinate_transformation_mode": "asymmetric",
            "nearest_mode": "floor",
        },
    ),
    (
        "Resize",
        (1, 1, 3, 4),
        ["", "", i(1, 1, 5, 2)],
        {
            "mode": "nearest",
            "coordinate_transformation_mode": "align_corners",
            "nearest_mode": "round_prefer_ceil",
        },
    ),
    ("Conv", (1, 2, 5), [weights(3, 2, 3), f(1, 2, 3)], {"pads": [1, 2], "strides": [2]}),
    ("Conv", (1, 4, 4, 3), [weights(6, 2, 2, 2)], {"group": 2, "dilations": [2, 1]}),
    ("Conv", (1, 1, 5, 4), [weights(2, 1, 3, 2)], {"auto_pad": "SAME_UPPER", "strides": [2, 3]}),
    ("Conv", (1, 1, 5, 4), [weights(2, 1, 2, 2)], {"auto_pad": "SAME_LOWER"}),
    ("Conv", (1, 1, 3, 3), [weights(2, 1, 2, 2)], {"auto_pad": "VALID"}),
    ("Conv", (1, 1, 2, 3, 2), [weights(2, 1, 2, 2, 1)], {}),
    ("ConvTranspose", (1, 2, 3), [weights(2, 3, 3), f(1, 2, 3)], {"strides": [2], "pads": [1, 0]}),
    (
        "ConvTranspose",
        (1, 4, 2, 3),
        [weights(4, 2, 2, 3)],
        {"group": 2, "dilations": [2, 1], "output_padding": [1, 0], "strides": [2, 1]},
    ),
    ("ConvTranspose", (1, 1, 3), [weights(1, 1, 3)], {"auto_pad": "SAME_UPPER", "strides": [2]}),
    ("ConvTranspose", (1, 1, 3), [weights(1, 1, 3)], {"output_shape": [6], "strides": [2]}),
    ("AveragePool", (1, 2, 5), [], {"kernel_shape": [3], "pads": [1, 1], "strides": [2]}),
    (
        "AveragePool",
        (1, 1, 4, 5),
        [],
        {"kernel_shape": [2, 3], "pads": [1, 1, 0, 1], "count_include_pad": 1},
    ),
    ("AveragePool", (1, 1, 6), [], {"kernel_shape": [3], "strides": [2], "ceil_mode": 1}),
    ("GlobalAveragePool", (1, 2, 3, 2), [], {}),
]

UNITS = [
    ("Relu", (6,), [], {}),
    ("LeakyRelu", (6,), [], {"alpha": 0.25}),
    ("LeakyRelu", (6,), [], {}),
    ("PRelu", (2, 3), [f(0.5, -1, 2)], {}),
    ("Abs", (6,), [], {}),
    ("ReduceL1", (2, 3), [], {"axes": [1]}),
    ("Clip", (6,), [np.float32(-0.5), np.float32(1)], {}),
    ("Clip", (6,), [np.float32(-0.5)], {}),
    ("Clip", (6,), ["", np.float32(0.25)], {}),
    ("HardSigmoid", (6,), [], {"alpha": 0.5}),
    ("Max", (2, 3), [f(0), weights(2, 3)], {}),
    ("Min", (2, 3), [f(0), weights(2, 3)], {}),
    ("ReduceMax", (2, 3, 2), [], {"axes": [0, 2]}),
    ("ReduceMax", (2, 3), [], {"axes": [1], "keepdims": 0}),
    ("ReduceMin", (2, 3), [], {}),
    ("MaxPool", (1, 2, 5), [], {"kernel_shape": [3], "pads": [1, 1], "strides": [2]}),
    ("MaxPool", (1, 1, 4, 5), [], {"kernel_shape": [2, 2], "dilations": [2, 3]}),
    ("MaxPool", (1, 1, 5, 5), [], {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}),
    ("MaxPool", (1, 1, 4, 4), [], {"kernel_shape": [3, 3], "auto_pad": "SAME_UPPER"}),
    ("GlobalMaxPool", (1, 2, 3, 2), [], {}),
]


def one_operator(op_type, shape, others, attributes, opset=17):
    constants = {f"c{k}": other for k, other in enumerate(others) if not isinstance(other, str)}
    names = ["x", *(f"c{k}" if f"c{k}" in constants else "" for k in range(len(others)))]
    return model_of(
        [make_node(op_type, names, ["y"], "node", **attributes)], {"x": shape}, constants,
        opset=opset,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("op_type", "shape", "others", "attributes"),
    [*LINEAR, *UNITS],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_operators_are_those_of_onnxruntime(op_type, shape, others, attributes):
    assert_same(one_operator(op_type, shape, others, attributes), int(np.prod(shape)))


@pytest.mark.parametrize(
    ("op_type", "shape", "others", "attributes", "opset"),
    [
        ("Clip", (6,), [], {"min": -0.5, "max": 1.0}, 10),
        ("Split", (6, 2), [], {}, 11),
        ("Split", (6, 2), [], {"split": [1, 5], "axis": 0}, 11),
        ("Pad", (2, 3), [], {"pads": [1, 0, 0, 2], "value": 2.0}, 10),
        ("Slice", (4, 5), [], {"starts": [1, -2], "ends": [3, 9], "axes": [0, 1]}, 9),
        ("Squeeze", (1, 3, 1), [], {"axes": [2]}, 11),
        ("Unsqueeze", (3,), [], {"axes": [0, 2]}, 11),
        ("ReduceSum", (2, 3), [], {"axes": [1]}, 11),
        ("ReduceMean", (2, 3), [i(1)], {}, 18),
        ("ReduceMax", (2, 3), [i(0)], {}, 18),
        ("Upsample", (1, 1, 2, 3), [f(1, 1, 2, 2)], {"mode": "nearest"}, 9),
        ("Resize", (1, 1, 2, 3), [f(1, 1, 2, 2)], {"mode": "nearest"}, 10),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_operators_of_other_sets(op_type, shape, others, attributes, opset):
    model = one_operator(op_type, shape, others, attributes, opset)
    if op_type == "Split":
        model.graph.node[0].output.append("z")
        model.graph.output.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, None))
    assert_same(model, int(np.prod(shape)))


def test_split_with_sizes():
    nodes = [make_node("Split", ["x", "sizes"], ["y", "z"], axis=1)]
    assert_same(model_of(nodes, {"x": (2, 5)}, {"sizes": i(2, 3)}, ("y", "z")), 10)


def test_operators_for_machine_learning():
    nodes = [
        make_node("Scaler", ["x"], ["s"], domain="ai.onnx.ml", offset=[1.0, 2.0], scale=[0.5, 3.0]),
        make_node(
            "LinearRegressor",
            ["s"],
            ["y"],
            domain="ai.onnx.ml",
            coefficients=[1.0, 2.0, -1.0, 0.5],
            intercepts=[0.25, 1.0],
            targets=2,
        ),
    ]
    assert_same(model_of(nodes, {"x": (1, 2)}, ml=True), 2)


def test_shapes_are_computed():
    """What exporters write for view(x.size(0), -1), and more of the kind."""
    nodes = [
        make_node("Shape", ["x"], ["shape"]),
        make_node("Gather", ["shape", "zero"], ["n"]),
        make_node("Unsqueeze", ["n", "axis"], ["n1"]),
        make_node("Constant", [], ["rest"], value=numpy_helper.from_array(i(-1))),
        make_node("Concat", ["n1", "rest"], ["target"], axis=0),
        make_node("Reshape", ["x", "target"], ["flat"]),
        make_node("Size", ["x"], ["size"]),
        make_node("Range", ["zero", "size", "one"], ["every"]),
        make_node("Cast", ["every"], ["numbers"], to=1),
        make_node("Mul", ["flat", "two"], ["doubled"]),
        make_node("Add", ["doubled", "numbers"], ["y"]),
    ]  # fmt: skip
    constants = {"zero": np.int64(0), "one": np.int64(1), "axis": i(0), "two": f(2)}
    assert_same(model_of(nodes, {"x": ("batch", 2, 3)}, constants), 6)


def test_arithmetic_with_constants():
    one = helper.make_tensor("one", TensorProto.FLOAT, [1], [1])
    nodes = [
        make_node("Constant", [], ["four"], value_float=4.0),
        make_node("Sqrt", ["four"], ["two"]),
        make_node("Pow", ["two", "power"], ["eight"]),
        make_node("Reciprocal", ["eight"], ["eighth"]),
        make_node("Floor", ["half"], ["zero"]),
        make_node("Ceil", ["half"], ["one"]),
        make_node("ConstantOfShape", ["shape"], ["ones"], value=one),
        make_node("EyeLike", ["ones"], ["eye"], k=1),
        make_node("DequantizeLinear", ["bytes", "scale", "shift"], ["steps"], axis=0),
        make_node("Sum", ["x", "eighth", "zero", "one", "ones", "eye", "steps"], ["y"]),
    ]  # fmt: skip
    constants = {
        "power": f(3),
        "half": f(0.5),
        "shape": i(2, 2),
        "bytes": np.array([[1, 200], [3, 4]], dtype=np.uint8),
        "scale": f(0.5, 0.25),
        "shift": np.array([1, 2], dtype=np.uint8),
    }
    assert_same(model_of(nodes, {"x": (2, 2)}, constants), 4)


def test_integers_of_constants():
    nodes = [
        make_node("Div", ["seven", "minus_two"], ["quotient"]),
        make_node("Mod", ["seven", "minus_two"], ["rest"]),
        make_node("ReduceProd", ["factors"], ["product"], keepdims=0),
        make_node("NonZero", ["factors"], ["places"]),
        make_node("ReduceSum", ["places"], ["sum"], keepdims=0),
        make_node("Sum", ["f1", "f2", "f3", "f4", "x"], ["y"]),
    ]
    casts = zip(("quotient", "rest", "product", "sum"), ("f1", "f2", "f3", "f4"), strict=True)
    nodes[5:5] = [make_node("Cast", [name], [to], to=1) for name, to in casts]
    constants = {"seven": i(7), "minus_two": i(-2), "factors": i(2, 0, 3)}
    assert_same(model_of(nodes, {"x": (1,)}, constants), 1)


@pytest.mark.parametrize(
    "op_type",
    ["Greater", "GreaterOrEqual", "Less", "LessOrEqual"],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_choices_by_comparisons(op_type, swapped):
    """Where(x > 0, x, x / 4): its code is on the other side where the comparison is turned."""
    compared = ["zero", "x"] if swapped else ["x", "zero"]
    nodes = [
        make_node(op_type, compared, ["test"]),
        make_node("Mul", ["x", "quarter"], ["less"]),
        make_node("Where", ["test", "x", "less"], ["y"]),
    ]
    model = model_of(nodes, {"x": (5,)}, {"zero": f(0), "quarter": f(0.25)})
    assert_same(model, 5)
    [codes] = GraphAtPoint(model, 5).at([fmpq(x) for x in (-2, -1, 0, 1, 2)]).codes.values()
    rising = op_type.startswith("Greater") != swapped
    assert codes == ([0, 0, EITHER, 1, 1] if rising else [1, 1, EITHER, 0, 0])


def test_a_comparison_as_a_factor():
    nodes = [
        make_node("Greater", ["x", "zero"], ["test"]),
        make_node("Not", ["test"], ["opposite"]),
        make_node("Cast", ["opposite"], ["number"], to=1),
        make_node("Mul", ["number", "x"], ["y"]),
    ]
    assert_same(model_of(nodes, {"x": (5,)}, {"zero": f(0)}), 5)


def test_truth_values_of_constants():
    nodes = [
        make_node("Equal", ["a", "b"], ["same"]),
        make_node("Not", ["same"], ["other"]),
        make_node("And", ["same", "other"], ["never"]),
        make_node("Or", ["same", "never"], ["mask"]),
        make_node("Where", ["mask", "x", "zero"], ["y"]),
    ]
    model = model_of(nodes, {"x": (3,)}, {"a": i(1, 2, 3), "b": i(1, 5, 3), "zero": f(0)})
    assert_same(model, 3)


def codes_at(op_type, shape, others, attributes, point):
    graph = GraphAtPoint(one_operator(op_type, shape, others, attributes), len(point))
    return list(graph.at([fmpq(x) for x in point]).codes.values())


def test_codes_of_units():
    assert codes_at("Relu", (3,), [], {}, [-1, 0, 1]) == [[0, 0, 1]]
    assert codes_at("PRelu", (3,), [f(0, 1, 0.5)], {}, [1, 1, 1]) == [[1, 0, 1]]
    bounds = [np.float32(0), np.float32(2)]
    assert codes_at("Clip", (5,), bounds, {}, [-1, 0, 1, 2, 3]) == [[0, 0, 1, 1, 2]]
    assert codes_at("Clip", (2,), [np.float32(3), np.float32(1)], {}, [0, 9]) == []
    assert codes_at("Max", (3,), [f(0), f(1, 0, 0)], {}, [0, 1, -1]) == [[2, 0, 1]]
    assert codes_at("Min", (3,), [f(0), f(1, 0, 0)], {}, [0, 1, -1]) == [[0, 1, 0]]
    assert codes_at("ReduceMax", (2, 2), [], {"axes": [0]}, [1, 2, 2, 2]) == [[1, 0]]
    pool = {"kernel_shape": [2], "pads": [1, 0]}
    assert codes_at("MaxPool", (1, 1, 3), [], pool, [-3, -1, -1]) == [[1, 1, 0]]


def test_what_is_not_needed_is_not_computed():
    nodes = [
        make_node("Relu", ["x"], ["y"]),
        make_node("Erf", ["y"], ["z"], "smooth"),
        make_node("Softmax", ["z"], ["w"]),
    ]
    model = model_of(nodes, {"x": (2,)}, outputs=("w",))
    assert GraphAtPoint(model, 2, ["y"]).at([fmpq(-1), fmpq(1)]).outputs == [0, 1]
    with pytest.raises(UnknownError, match=r"smooth \(Erf\)"):
        GraphAtPoint(model, 2)


@pytest.mark.parametrize(
    "nodes",
    [
        [make_node("Pad", ["x", "pads"], ["y"], mode="reflect")],
        [make_node("Reshape", ["x", "pads"], ["y"])],
        [make_node("Gather", ["x", "pads"], ["y"])],
        [make_node("Cast", ["x"], ["y"], to=7)],
        [make_node("MatMul", ["x", "lost"], ["y"])],
        [make_node("Sqrt", ["x"], ["y"])],
        [make_node("Greater", ["x", "x"], ["t"]), make_node("And", ["t", "t"], ["y"])],
    ],
    ids=lambda nodes: nodes[-1].op_type,
)
def test_what_cannot_be_computed_is_told(nodes):
    model = model_of(nodes, {"x": (2,)}, {"pads": i(7, 7)})
    with pytest.raises(UnknownError, match=rf"{nodes[-1].op_type}\): "):
        GraphAtPoint(model, 2).at([fmpq(1), fmpq(2)])


@pytest.mark.parametrize("n_inputs", [1, 2, 4, 6])
def test_another_number_of_inputs(n_inputs):
    with pytest.raises(UnknownError, match="3 numbers"):
        GraphAtPoint(one_operator("Relu", (1, 3), [], {}), n_inputs)


def test_a_batch_of_several_samples():
    """It is filled with the same point; its outputs are those of the first sample."""
    graph = GraphAtPoint(one_operator("Relu", (4, 3), [], {}), 3)
    assert graph.copies == 4
    trace = graph.at([fmpq(1), fmpq(-1), fmpq(2)])
    assert trace.outputs == [1, 0, 2]
    assert list(trace.codes.values()) == [[1, 0, 1] * 4]


def test_every_rule_is_tested():
    """The operators of this file are those of the table."""
    text = Path(__file__).read_text()
    assert [name for name in HANDLERS if f'"{name.split("::")[-1]}"' not in text] == []


def test_onnx_knows_the_operators():
    for name in HANDLERS:
        domain, _, op_type = name.rpartition("::")
        assert onnx.defs.has(op_type, domain), name


TAILS = {"softmax-tail-3", "old_softmax", "skl_clf"}  # operators that are left out of the cells


@needs_cases
@pytest.mark.parametrize(
    ("folder", "name"),
    [(folder, name) for folder in ("general", "exports") for name in known_cases(folder)],
)
def test_known_graphs(folder, name):
    """All units of the file have codes, and the outputs are those of onnxruntime."""
    entry = known_cases(folder)[name]
    path = FOLDER / folder / entry["file"]
    model = read_model(path)
    if name in TAILS:
        with pytest.raises(UnknownError, match=r"\((Softmax|Sigmoid)\)"):
            GraphAtPoint(model, entry["inputs"])
        return
    graph = GraphAtPoint(model, entry["inputs"])
    point = np.random.default_rng(0).uniform(-1, 1, entry["inputs"])
    [kind] = {value.type.tensor_type.elem_type for value in model.graph.input}
    point = point.astype(helper.tensor_dtype_to_np_dtype(kind))
    trace = graph.at([fmpq(*float(x).as_integer_ratio()) for x in point])
    assert [len(codes) for codes in trace.codes.values()] == entry["units"]
    ours = np.array([int(x.p) / int(x.q) for x in trace.outputs])
    np.testing.assert_allclose(ours, run(model, point), rtol=1e-4, atol=1e-5)
