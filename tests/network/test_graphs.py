"""Graphs with branches, several inputs and outputs, batches, tails: which layers they become."""

from __future__ import annotations

import gzip
from fractions import Fraction
from math import prod
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from flint import fmpq
from onnx import TensorProto, helper
from onnx.helper import make_node

from nnce_cli.base.errors import InputError
from nnce_cli.network import LayerStack, Runtime, check_against_onnxruntime, load_network
from tests.cases import FOLDER, needs_cases
from tests.network.test_operators import UNITS
from tests.networks import INPUT, OUTPUT, graph_model, save

rng = np.random.default_rng(11)


def weights(*shape: int) -> np.ndarray:
    return rng.normal(size=shape).astype(np.float32)


def loaded(folder: Path, *nodes: onnx.NodeProto, shape=(1, 3), outputs=(), **constants):
    """Load a network of given nodes, after the check against onnxruntime."""
    path = save(graph_model(nodes, constants, shape), folder / "m.onnx")
    return checked(path, outputs)


def checked(path: Path, outputs=()) -> LayerStack:
    stack = load_network(path, outputs)
    box = np.full(stack.n_inputs, 2.0)
    check_against_onnxruntime(stack, path, -box, box, outputs=outputs)
    return stack


def sizes(stack: LayerStack) -> list[tuple[int, int, int]]:
    """Return the units with two pieces, those with more, and the pass-throughs of each layer."""
    both = zip(stack.hidden, stack.units, strict=True)
    return [(u.bits, len(u.pieces), layer.n_out - u.rows) for layer, u in both]


def gemm(source: str, weight: str, name: str) -> onnx.NodeProto:
    return make_node("Gemm", [source, weight], [name])


def relu(source: str, name: str) -> onnx.NodeProto:
    return make_node("Relu", [source], [name])


# What travels past layers.


def test_a_residual_carries_the_variables_once(tmp_path):
    stack = loaded(
        tmp_path,
        gemm(INPUT, "A", "a"), relu("a", "b"),
        gemm("b", "B", "c"), relu("c", "d"),
        gemm("d", "C", "e"), make_node("Add", ["e", "b"], ["f"]), relu("f", "g"),
        make_node("Add", ["g", "b"], [OUTPUT]),
        A=weights(3, 5), B=weights(5, 4), C=weights(4, 5),
    )  # fmt: skip
    assert sizes(stack) == [(5, 0, 0), (4, 0, 5), (5, 0, 5)]


def test_a_sum_that_is_needed_is_carried_in_place_of_its_many_terms(tmp_path):
    stack = loaded(
        tmp_path,
        gemm(INPUT, "A", "a"), relu("a", "b"), gemm("b", "B", "c"),
        gemm("b", "C", "d"), relu("d", "e"), gemm("e", "D", "f"),
        make_node("Sub", ["c", "f"], [OUTPUT]),
        A=weights(3, 50), B=weights(50, 2), C=weights(50, 4), D=weights(4, 2),
    )  # fmt: skip
    assert sizes(stack) == [(50, 0, 0), (4, 0, 2)]


def test_sums_and_variables_that_do_not_meet_are_carried_each_in_the_better_way(tmp_path):
    stack = loaded(
        tmp_path,
        make_node("Split", [INPUT], ["x", "y"], axis=1),
        gemm("x", "A", "a"), relu("a", "b"), gemm("b", "B", "c"),  # 40 variables, 1 sum
        gemm("y", "C", "d"), relu("d", "e"), gemm("e", "D", "f"),  # 2 variables, 9 sums
        make_node("Concat", [INPUT, INPUT], ["g"], axis=1), relu("g", "h"), relu("h", "i"),
        gemm("i", "E", "j"),
        make_node("Concat", ["c", "f", "j"], [OUTPUT], axis=1),
        shape=(1, 4), A=weights(2, 40), B=weights(40, 1), C=weights(2, 2), D=weights(2, 9),
        E=weights(8, 3),
    )  # fmt: skip
    assert sizes(stack) == [(50, 0, 0), (8, 0, 3)]


def test_branches_of_different_depth(tmp_path):
    stack = loaded(
        tmp_path,
        relu(INPUT, "a"), make_node("Abs", ["a"], ["b"]),
        make_node("Neg", [INPUT], ["n"]), make_node("LeakyRelu", ["n"], ["c"], alpha=0.5),
        make_node("Sum", ["b", "c", INPUT], [OUTPUT]),
    )  # fmt: skip
    # Behind the second layer the output needs the sums of leaky units and the input only.
    assert sizes(stack) == [(6, 0, 3), (3, 0, 3)]
    assert stack.units[0].slopes.tolist() == [0, 0, 0, 0.5, 0.5, 0.5]
    assert stack.units[1].slopes.tolist() == [-1, -1, -1]


def test_a_part_of_a_tensor_is_as_deep_as_its_own_entries(tmp_path):
    stack = loaded(
        tmp_path,
        relu(INPUT, "a"), relu("a", "b"),
        make_node("Concat", ["b", INPUT], ["c"], axis=1),
        make_node("Slice", ["c", "start", "end", "one"], ["d"]),
        relu("d", "e"), make_node("Add", ["e", "b"], [OUTPUT]),
        start=np.array([3]), end=np.array([6]), one=np.array([1]),
    )  # fmt: skip
    assert sizes(stack) == [(6, 0, 0), (3, 0, 3)]


def test_units_of_constants_are_folded(tmp_path):
    stack = loaded(
        tmp_path,
        make_node("Abs", ["c"], ["a"]), make_node("Clip", ["a", "low"], ["b"]),
        make_node("Max", ["b", "c", "low"], ["d"]),
        make_node("MaxPool", ["k"], ["l"], kernel_shape=[3]),
        make_node("Flatten", ["l"], ["m"]), make_node("Add", ["m", "d"], ["n"]),
        make_node("Mul", ["n", INPUT], ["e"]), relu("e", OUTPUT),
        c=np.array([-1.0, 0.5, 3.0]), low=np.array(0.75), k=np.array([[[2.0, 7.0, 1.0]]]),
    )  # fmt: skip
    assert stack.hidden[0].weight.tolist() == np.diag([8.0, 7.75, 10.0]).tolist()
    assert stack.widths == [3, 3]


def test_networks_without_units(tmp_path):
    stack = loaded(tmp_path, gemm(INPUT, "A", OUTPUT), A=weights(3, 2))
    assert (stack.hidden, stack.widths, stack.units) == ((), [3], ())
    assert stack.output is not None
    assert stack.output.weight.shape == (2, 3)
    points = rng.normal(size=(4, 3))
    np.testing.assert_allclose(stack.forward(points), points @ stack.output.weight.T)
    assert loaded(tmp_path, make_node("Identity", [INPUT], [OUTPUT])).widths == [3]


# Inputs and outputs.


def two_of_each(folder: Path) -> Path:
    nodes = [
        make_node("Flatten", ["second"], ["s"]),
        make_node("Concat", [INPUT, "s"], ["x"], axis=1),
        gemm("x", "A", "a"), relu("a", "b"),
        gemm("b", "B", OUTPUT),
        gemm("s", "C", "c"), relu("c", "d"), make_node("Neg", ["d"], ["other"]),
    ]  # fmt: skip
    constants = {"A": weights(6, 5), "B": weights(5, 2), "C": weights(4, 3)}
    model = graph_model(nodes, constants, ["N", 2])
    model.graph.input.append(
        helper.make_tensor_value_info("second", TensorProto.FLOAT, ["N", 2, 2])
    )
    model.graph.output.append(helper.make_tensor_value_info("other", TensorProto.FLOAT, None))
    return save(model, folder / "m.onnx")


def test_several_inputs_and_outputs_are_joined_in_order(tmp_path):
    path = two_of_each(tmp_path)
    stack = checked(path)
    assert [(p.name, p.shape) for p in stack.inputs] == [(INPUT, (1, 2)), ("second", (1, 2, 2))]
    assert [(p.name, p.shape) for p in stack.outputs] == [(OUTPUT, (1, 2)), ("other", (1, 3))]
    assert (stack.input_shape, stack.widths) == ((6,), [6, 8])
    point = rng.normal(size=6).astype(np.float32)
    run = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feeds = {INPUT: point[None, :2], "second": point[2:].reshape(1, 2, 2)}
    expected = np.concatenate([y.ravel() for y in run.run(None, feeds)])
    np.testing.assert_allclose(stack.forward(point[None, :].astype(float))[0], expected, atol=1e-5)


def test_one_output_needs_its_own_units_only(tmp_path):
    path = two_of_each(tmp_path)
    assert checked(path, ["other"]).widths == [6, 3]
    assert checked(path, [OUTPUT]).widths == [6, 5]
    assert checked(path, ["other", OUTPUT]).outputs[0].name == "other"
    with pytest.raises(InputError, match="it has no output 'none'; its outputs are output, other"):
        load_network(path, ["none"])


@pytest.mark.parametrize("rows", [2, 5])
def test_a_batch_of_samples_is_one_network(rows, tmp_path):
    nodes = [
        gemm(INPUT, "A", "a"), relu("a", "b"),
        make_node("Reshape", ["b", "shape"], ["c"]),
        make_node("MaxPool", ["c"], ["d"], kernel_shape=[2], strides=[2]),
        make_node("Flatten", ["d"], ["e"]),
        make_node("Clip", ["e", "low", "high"], ["f"]),
        gemm("f", "B", OUTPUT),
    ]  # fmt: skip
    constants = {
        "A": weights(3, 6), "B": weights(3, 2), "shape": np.array([rows, 1, 6]),
        "low": np.array(0.25), "high": np.array(1.0),
    }  # fmt: skip
    batch = checked(save(graph_model(nodes, constants, [rows, 3]), tmp_path / "m.onnx"))
    constants["shape"] = np.array([1, 1, 6])
    single = checked(save(graph_model(nodes, constants, ["N", 3]), tmp_path / "single.onnx"))
    assert batch.digest == single.digest
    assert batch.input_shape == (1, 3)
    assert batch.places == single.places
    assert [p.batch for p in (*batch.inputs, *batch.outputs)] == [rows, rows]
    assert [f"batch of {rows} samples" in note for note in batch.notes] == [True]


def test_rows_that_meet_or_differ_are_no_batch(tmp_path):
    mixed = loaded(
        tmp_path, gemm(INPUT, "A", "a"), relu("a", "b"), gemm("C", "b", OUTPUT),
        shape=(2, 3), A=weights(3, 4), C=weights(2, 2),
    )  # fmt: skip
    assert (mixed.input_shape, mixed.widths, mixed.notes) == ((2, 3), [6, 8], ())
    summed = loaded(
        tmp_path, gemm("C", INPUT, "a"), relu("a", OUTPUT), shape=(2, 3), C=np.ones((2, 2)),
    )  # fmt: skip
    assert summed.widths == [6, 6]
    differing = loaded(
        tmp_path, make_node("Add", [INPUT, "b"], ["a"]), relu("a", OUTPUT),
        shape=(2, 3), b=weights(2, 3),
    )  # fmt: skip
    assert differing.widths == [6, 6]
    swapped = loaded(
        tmp_path, make_node("Gather", [INPUT, "turn"], ["a"], axis=0), relu("a", OUTPUT),
        shape=(2, 3), turn=np.array([1, 0]),
    )  # fmt: skip
    assert swapped.widths == [6, 6]


# Tails.


def classifier(*tail: onnx.NodeProto, n: int = 3):
    nodes = [gemm(INPUT, "A", "a"), relu("a", "b"), gemm("b", "B", "logits"), *tail]
    return nodes, {"A": weights(3, 4), "B": weights(4, n), "axes": np.array([1])}


@pytest.mark.parametrize(
    ("tail", "n", "kind"),
    [
        ([make_node("Softmax", ["logits"], [OUTPUT])], 3, "classes by argmax"),
        ([make_node("LogSoftmax", ["logits"], [OUTPUT])], 3, "classes by argmax"),
        ([make_node("ArgMax", ["logits"], [OUTPUT])], 3, "classes by argmax"),
        ([make_node("TopK", ["logits", "axes"], [OUTPUT, "i"])], 3, "classes by argmax"),
        ([make_node("ArgMin", ["logits"], [OUTPUT])], 3, "classes by argmin"),
        ([make_node("Sigmoid", ["logits"], [OUTPUT])], 1, "sign"),
        ([make_node("Tanh", ["logits"], [OUTPUT])], 2, "regression"),
        ([make_node("Softplus", ["logits"], [OUTPUT])], 1, "regression"),
        (
            [
                make_node("Sigmoid", ["logits"], ["p"]),
                make_node("Greater", ["p", "half"], ["q"]),
                make_node("Cast", ["q"], [OUTPUT], to=TensorProto.INT64),
            ],
            1,
            "sign",
        ),
        (
            [
                make_node("Greater", ["logits", "half"], ["q"]),
                make_node("Cast", ["q"], [OUTPUT], to=TensorProto.INT64),
            ],
            1,
            "sign",
        ),
        ([make_node("Identity", ["logits"], [OUTPUT])], 3, "unknown"),
    ],
)
def test_what_follows_the_units_is_left_out(tail, n, kind, tmp_path):
    nodes, constants = classifier(*tail, n=n)
    model = graph_model(nodes, {**constants, "half": np.array(0.5)}, [1, 3])
    model.graph.output[0].type.CopyFrom(onnx.TypeProto())
    stack = checked(save(model, tmp_path / "m.onnx"))
    assert stack.meaning.kind == kind
    assert stack.meaning.outputs == (OUTPUT,)
    assert stack.widths == [3, 4]
    names = [OUTPUT] if kind == "unknown" else ["logits"]
    assert [port.name for port in stack.outputs] == names
    left_out = 0 if kind == "unknown" else len(tail)
    assert len(stack.meaning.tail) == left_out
    assert stack.output is not None
    assert stack.output.n_out == n


def ml_model(folder: Path, *nodes: onnx.NodeProto, outputs=(OUTPUT,)) -> Path:
    """Save a model of three inputs with operators of ai.onnx.ml."""
    model = graph_model(nodes, {"W": weights(3, 3)}, ["N", 3])
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
    return save(model, folder / "m.onnx")


def ml(op_type: str, source: str, *names: str, **attributes) -> onnx.NodeProto:
    return make_node(op_type, [source], list(names), domain="ai.onnx.ml", **attributes)


def test_scaler_and_linear_regressor(tmp_path):
    path = ml_model(
        tmp_path,
        ml("Scaler", INPUT, "s", offset=[0.5, -1.0, 2.0], scale=[2.0, 0.25, 1.5]),
        gemm("s", "W", "a"), relu("a", "b"),
        ml(
            "LinearRegressor", "b", OUTPUT, targets=2, intercepts=[1.0, -1.0],
            coefficients=[1.0, 2.0, 3.0, -1.0, 0.5, 0.25],
        ),
    )  # fmt: skip
    stack = checked(path)
    assert stack.output is not None
    assert stack.output.weight.tolist() == [[1, 2, 3], [-1, 0.5, 0.25]]
    assert stack.output.bias.tolist() == [1, -1]
    assert stack.meaning.kind == "regression"


@pytest.mark.parametrize("transform", ["NONE", "SOFTMAX", "LOGISTIC"])
def test_linear_classifiers_are_read_by_their_scores(transform, tmp_path):
    path = ml_model(
        tmp_path,
        ml(
            "LinearClassifier", INPUT, "label", "scores", intercepts=[1.0, -1.0, 0.0],
            coefficients=[1.0, 2.0, 3.0, -1.0, 0.5, 0.25, 0.0, 0.0, 1.0],
            classlabels_ints=[0, 1, 2], post_transform=transform,
        ),
        ml("Normalizer", "scores", "p", norm="L1"),
        ml("ZipMap", "p", "probabilities", classlabels_int64s=[0, 1, 2]),
        outputs=("label", "probabilities"),
    )  # fmt: skip
    stack = checked(path)
    assert [port.name for port in stack.outputs] == ["scores"]
    assert stack.meaning.kind == "classes by argmax"
    assert stack.output is not None
    assert stack.output.bias.tolist() == [1, -1, 0]


def test_a_tail_may_read_several_tensors(tmp_path):
    stack = loaded(
        tmp_path,
        relu(INPUT, "a"), gemm("a", "A", "b"), make_node("Tanh", ["b"], ["c"]),
        make_node("Mul", ["c", "a"], [OUTPUT]),
        A=weights(3, 3),
    )  # fmt: skip
    assert [port.name for port in stack.outputs] == ["b", "a"]


# What is refused.


REFUSED = {
    "softmax in the middle": (
        [make_node("Softmax", [INPUT], ["s"]), relu("s", OUTPUT)],
        r"node output \(Relu\): it follows the node s \(Softmax\)",
    ),
    "sigmoid in the middle": (
        [make_node("Sigmoid", [INPUT], ["s"]), make_node("Neg", ["s"], ["n"]), relu("n", OUTPUT)],
        r"node output \(Relu\): it follows the node s \(Sigmoid\)",
    ),
    "smooth layers": (
        [
            gemm(INPUT, "W", "a"), make_node("Tanh", ["a"], ["t"], "squash"),
            gemm("t", "W", OUTPUT),
        ],
        r"hidden layers are smooth, as of node squash \(Tanh\)",
    ),
    "thresholded relu": (
        [make_node("ThresholdedRelu", [INPUT], [OUTPUT])],
        r"output \(ThresholdedRelu\): it jumps at alpha",
    ),
    "sign": ([make_node("Sign", [INPUT], [OUTPUT])], "it jumps"),
    "gelu": ([make_node("Erf", [INPUT], ["e"]), relu("e", OUTPUT)], r"e \(Erf\): it is smooth"),
    "elu": ([make_node("Elu", [INPUT], [OUTPUT])], "it is smooth or bent"),
    "hard swish": ([make_node("HardSwish", [INPUT], [OUTPUT])], "quadratic"),
    "lstm": (
        [make_node("LSTM", [INPUT, "W", "W"], [OUTPUT], hidden_size=3)],
        r"output \(LSTM\): it is a recurrent layer",
    ),
    "layer normalization": (
        [make_node("LayerNormalization", [INPUT, "v"], [OUTPUT])],
        "divides by a statistic",
    ),
    "quantised integers": (
        [make_node("DynamicQuantizeLinear", [INPUT], [OUTPUT, "s", "z"])],
        "quantised integers",
    ),
    "product of values": (
        [make_node("Mul", [INPUT, INPUT], ["m"], "square"), relu("m", OUTPUT)],
        r"output \(Relu\): it follows the node square \(Mul\).*multiplies two values",
    ),
    "a where that jumps": (
        [
            make_node("Greater", [INPUT, "v"], ["t"]),
            make_node("Where", ["t", INPUT, "zero"], ["w"], "jump"),
            relu("w", OUTPUT),
        ],
        r"follows the node jump \(Where\).*so that it jumps",
    ),
    "floor": ([make_node("Floor", [INPUT], [OUTPUT])], r"output \(Floor\).*constants only"),
    "average of padding": (
        [
            make_node("Unsqueeze", [INPUT, "one"], ["u"]),
            make_node("AveragePool", ["u"], [OUTPUT], kernel_shape=[1], pads=[1, 1]),
        ],
        "nothing but padding",
    ),
    "a kernel larger than its input": (
        [
            make_node("Unsqueeze", [INPUT, "one"], ["u"]),
            make_node("MaxPool", ["u"], [OUTPUT], kernel_shape=[4]),
        ],
        "larger than the padded input",
    ),
    "weights that depend on the input": (
        [
            make_node("Unsqueeze", [INPUT, "one"], ["u"]),
            make_node("Conv", ["u", "u"], [OUTPUT]),
        ],
        "its weight depends on the input",
    ),
    "resize by lines": (
        [make_node("Resize", [INPUT, "", "two"], [OUTPUT], mode="linear")],
        "does not resize by 'nearest'",
    ),
    "a slice of nothing": (
        [make_node("Slice", [INPUT, "one", "one"], [OUTPUT])],
        "nothing of the shape",
    ),
    "an index beyond the end": (
        [make_node("Gather", [INPUT, "one"], [OUTPUT])],
        "beyond an axis of length 1",
    ),
    "indices of a max pool": (
        [
            make_node("Unsqueeze", [INPUT, "one"], ["u"]),
            make_node("MaxPool", ["u"], ["m", "i"], kernel_shape=[2]),
            make_node("Cast", ["i"], [OUTPUT], to=TensorProto.FLOAT),
        ],
        "'i', which",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_node_and_reason(name, tmp_path):
    nodes, message = REFUSED[name]
    constants = {
        "W": weights(3, 3), "v": weights(3), "zero": np.array(0.0), "one": np.array([1]),
        "two": np.array([1.0, 2.0]),
    }  # fmt: skip
    path = save(graph_model(nodes, constants, [1, 3]), tmp_path / "m.onnx")
    with pytest.raises(InputError, match=message) as caught:
        load_network(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


# Codes, and where they are.


def expected_code(node: onnx.NodeProto, values: dict[str, np.ndarray]) -> np.ndarray:
    """Return the codes of a node's units by their definition, in the shape of its output."""
    given = [values[name] if name else None for name in node.input]
    first = given[0]
    assert first is not None
    if node.op_type in ("Relu", "LeakyRelu", "PRelu", "Abs"):
        return (first > 0).astype(int)
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type == "Clip":
        low, high = (
            given[i] if len(given) > i and given[i] is not None else attributes.get(name)
            for i, name in ((1, "min"), (2, "max"))
        )
        codes = np.zeros(first.shape, int)
        far = float(np.finfo(np.float32).max)
        for bound in (low, high):
            if bound is not None and abs(float(bound)) < far:
                codes += first > bound
        return codes
    if node.op_type in ("Max", "Min"):
        stacked = np.stack(np.broadcast_arrays(*given))
        return stacked.argmax(axis=0) if node.op_type == "Max" else stacked.argmin(axis=0)
    assert node.op_type == "MaxPool"
    spatial, n = first.shape[2:], first.ndim - 2
    kernel = attributes["kernel_shape"]
    strides = attributes.get("strides", [1] * n)
    pads = attributes.get("pads", [0] * 2 * n)
    out = values[node.output[0]].shape
    codes = np.zeros(out, int)
    for index in np.ndindex(*out):
        window = []
        for tap in np.ndindex(*kernel):
            at = tuple(
                o * s - p + t for o, s, p, t in zip(index[2:], strides, pads[:n], tap, strict=True)
            )
            if all(0 <= a < d for a, d in zip(at, spatial, strict=True)):
                window.append(first[index[:2] + at])
        codes[index] = int(np.argmax(window))
    return codes


def tensors(model: onnx.ModelProto, x: np.ndarray) -> dict[str, np.ndarray]:
    """Return all tensors of a model at an input."""
    from onnx.reference import ReferenceEvaluator

    names = [name for node in model.graph.node for name in node.output if name]
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    [feed] = [
        v.name for v in model.graph.input if v.name not in {t.name for t in model.graph.initializer}
    ]
    values = dict(zip(names, ReferenceEvaluator(model).run(None, {feed: x}), strict=True))
    values |= {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    return {**values, feed: x}


def assert_codes(path: Path, skipped: frozenset[str] = frozenset()) -> None:
    stack = load_network(path)
    model = onnx.load(path)
    nodes = {f"{n.name or n.output[0]} ({n.op_type})": n for n in model.graph.node}
    points = rng.uniform(-1.5, 1.5, (20, stack.n_inputs)).astype(np.float32)
    codes = stack.codes(points.astype(np.float64))
    seen = 0
    for row, point in enumerate(points):
        values = tensors(model, point.reshape(stack.input_shape))
        for layer, places in zip(codes, stack.places, strict=True):
            for place in places:
                found = layer[place.many][row, place.first : place.first + place.count]
                expected = expected_code(nodes[place.node], values)
                assert place.shape == expected.shape
                chosen = place.positions or range(expected.size)
                assert found.tolist() == expected.ravel()[list(chosen)].tolist()
                index = place.index(place.count - 1)
                assert expected[index] == found[-1]
                seen += place.count
    assert seen == 20 * sum(stack.widths[1:])


CODED = [
    name
    for name, (nodes, *_) in UNITS.items()
    if {n.op_type for n in nodes}.isdisjoint(
        {"Where", "HardSigmoid", "GlobalMaxPool", "ReduceMax", "ReduceMin", "ReduceL1", "Cast"}
    )
    and "same" not in name
    and "dilated" not in name
    and name not in ("clip in the wrong order", "clip to a point", "leaky of slope one")
]


@pytest.mark.parametrize("name", CODED)
def test_codes_are_those_of_the_definition(name, tmp_path):
    nodes, constants, shape, opset = UNITS[name]
    assert_codes(save(graph_model(nodes, constants, shape, opset=opset), tmp_path / "m.onnx"))


@needs_cases
@pytest.mark.parametrize(
    "name",
    [
        "conv-maxpool-3x3", "maxout-3-pieces-2", "maxout-pool-2", "min-max-constant-2",
        "residual-post-2", "relu6-2-8-6", "clip-one-sided-3-7-6", "conv-grouped-strided-padded",
    ],
)  # fmt: skip
def test_codes_of_known_cases(name):
    assert_codes(FOLDER / "general" / f"{name}.onnx")


# Exactness.


def test_a_chain_of_linear_operators_is_composed_exactly(tmp_path):
    """(x - m) / d, a padded convolution, BatchNormalization, an average of nine, a sum, a mean."""
    w, b = weights(2, 1, 2, 2), weights(2)
    m, d = np.float32(0.1307), np.float32(0.3081)
    scale, shift, mean, variance = weights(2), weights(2), weights(2), np.abs(weights(2))
    nodes = [
        make_node("Sub", [INPUT, "m"], ["x1"]), make_node("Div", ["x1", "d"], ["x2"]),
        make_node("Conv", ["x2", "w", "b"], ["x3"], pads=[1, 1, 0, 0]),
        make_node("BatchNormalization", ["x3", "s", "t", "u", "v"], ["x4"]),
        make_node("AveragePool", ["x4"], ["x5"], kernel_shape=[3, 3], strides=[1, 1]),
        make_node("ReduceMean", ["x5"], ["x6"], axes=[1], keepdims=0),
        relu("x6", OUTPUT),
    ]  # fmt: skip
    stack = loaded(
        tmp_path, *nodes, shape=(1, 1, 4, 4), w=w, b=b, m=m, d=d, s=scale, t=shift, u=mean,
        v=variance,
    )  # fmt: skip
    x = rng.integers(-9, 9, (4, 4))
    x3 = [[[Fraction(float(b[c]))] * 4 for _ in range(4)] for c in range(2)]
    for c, i, j, k, el in np.ndindex(2, 4, 4, 2, 2):
        row, column = i + k - 1, j + el - 1
        if row >= 0 and column >= 0:
            value = (Fraction(int(x[row, column])) - Fraction(float(m))) / Fraction(float(d))
            x3[c][i] = list(x3[c][i])
            x3[c][i][j] += Fraction(float(w[c, 0, k, el])) * value
    epsilon = float(np.float32(1e-5))
    for c in range(2):
        factor = Fraction(float(scale[c]) / float(np.sqrt(float(variance[c]) + epsilon)))
        x3[c] = [
            [(v - Fraction(float(mean[c]))) * factor + Fraction(float(shift[c])) for v in row]
            for row in x3[c]
        ]
    expected = [
        sum(x3[c][i + k][j + el] for c in range(2) for k in range(3) for el in range(3)) / 18
        for i in range(2)
        for j in range(2)
    ]
    weight, bias = stack.hidden[0].rational
    found = [
        sum(Fraction(int(q.p), int(q.q)) * int(v) for q, v in zip(row, x.ravel(), strict=True))
        for row in weight.tolist()
    ]
    offsets = [Fraction(int(q.p), int(q.q)) for q in bias.entries()]
    assert [f + o for f, o in zip(found, offsets, strict=True)] == expected
    assert stack.hidden[0].exact is not None


def test_weights_of_quantised_integers(tmp_path):
    """(q - zero) * scale, exactly, along an axis."""
    q = rng.integers(-128, 128, (3, 4)).astype(np.int8)
    scale = weights(4)
    stack = loaded(
        tmp_path,
        make_node("DequantizeLinear", ["q", "scale", "zero"], ["w"], axis=1),
        gemm(INPUT, "w", "a"), relu("a", OUTPUT),
        q=q, scale=scale, zero=np.array([3, -4, 0, 7], np.int8),
    )  # fmt: skip
    steps = q.astype(np.int64) - [3, -4, 0, 7]
    factors = [Fraction(float(s)) for s in scale]
    expected = [[int(v) * s for v, s in zip(row, factors, strict=True)] for row in steps]
    found = np.array(stack.hidden[0].weight.T.tolist(), dtype=object)
    assert [[Fraction(v) for v in row] for row in found] == expected


def test_a_normalisation_of_constants_in_single_operators(tmp_path):
    """X / sqrt(variance + epsilon): the root is the nearest float64, all else is exact."""
    variance, epsilon = np.abs(weights(3)), np.float32(1e-3)
    stack = loaded(
        tmp_path,
        make_node("Add", ["v", "e"], ["t"]), make_node("Sqrt", ["t"], ["r"]),
        make_node("Div", [INPUT, "r"], ["a"]), relu("a", OUTPUT),
        v=variance, e=epsilon,
    )  # fmt: skip
    [matrix, _] = stack.hidden[0].rational
    for i, v in enumerate(variance):
        root = np.sqrt(float(v) + float(epsilon))  # the sum of two float32 is exact here
        assert matrix[i, i] * fmpq(*float(root).as_integer_ratio()) == 1
    assert "nearest float64" in stack.notes[0]


def test_slopes_that_are_no_floats_are_exact_too(tmp_path):
    stack = loaded(
        tmp_path,
        make_node("Div", ["one", "three"], ["third"]),
        make_node("PRelu", [INPUT, "third"], [OUTPUT]),
        one=np.array([1.0]), three=np.array([3.0]),
    )  # fmt: skip
    assert sizes(stack) == [(3, 0, 3)]
    assert stack.output is not None
    third = stack.output.rational[0].tolist()[0]
    assert sorted((int(q.p), int(q.q)) for q in third if q) == [(1, 3), (2, 3)]


# Files.


def test_packed_models(tmp_path):
    path = two_of_each(tmp_path)
    packed = tmp_path / "m.onnx.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    stack = checked(packed)
    assert stack.digest == load_network(path).digest
    whole = packed.read_bytes()
    for damaged in (b"", whole[:-9], b"no gzip", whole[:40] + b"\0\0\0" + whole[43:]):
        packed.write_bytes(damaged)
        with pytest.raises(InputError, match=r"gzip|not an ONNX"):
            load_network(packed)


def test_a_packed_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr("nnce_cli.network.model_file.MAX_UNPACKED", 2**20)
    packed = tmp_path / "m.onnx.gz"
    packed.write_bytes(gzip.compress(bytes(2**24)))
    with pytest.raises(InputError, match="it unpacks to more than 1048576 bytes"):
        load_network(packed)


def test_the_runtime_gives_named_tensors(tmp_path):
    path = two_of_each(tmp_path)
    stack = load_network(path)
    runtime = Runtime(onnx.load(path), stack.inputs, ["d", INPUT, OUTPUT])
    values = runtime.at(np.arange(6.0))
    assert {name: value.size for name, value in values.items()} == {"d": 3, INPUT: 2, OUTPUT: 2}
    assert values[INPUT].tolist() == [0, 1]
    assert runtime.rounded(np.full((1, 6), 0.1)).tolist() == [[float(np.float32(0.1))] * 6]
    assert prod(port.size for port in stack.inputs) == 8
