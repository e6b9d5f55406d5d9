"""Each operator beyond those of multilayer perceptrons, in many ways, against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, numpy_helper
from onnx.helper import make_node

from nnce_cli.base.errors import InputError
from nnce_cli.network import check_against_onnxruntime, load_network
from tests.networks import INPUT, OUTPUT, graph_model, save

rng = np.random.default_rng(7)
RELU = make_node("Relu", ["z"], [OUTPUT])


def weights(*shape: int) -> np.ndarray:
    return rng.normal(size=shape).astype(np.float32)


def ints(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def one(op_type: str, *constants: Any, shape: list[int], opset: int = 17, **attributes: Any):
    """A network: one operator on the input, then ReLUs."""
    names = [f"c{i}" if c is not None else "" for i, c in enumerate(constants)]
    node = make_node(op_type, [INPUT, *names], ["z"], **attributes)
    given = {n: c for n, c in zip(names, constants, strict=True) if n}
    return [node, RELU], given, shape, opset


def last(op_type: str, *constants: Any, shape: list[int], opset: int = 17, **attributes: Any):
    """A network: ReLUs on the shifted input, then one operator, then a sum."""
    names = [f"c{i}" if c is not None else "" for i, c in enumerate(constants)]
    nodes = [
        make_node("Add", [INPUT, "shift"], ["s"]),
        make_node("Relu", ["s"], ["r"]),
        make_node(op_type, ["r", *names], ["y"], **attributes),
        make_node("Mul", ["y", "two"], [OUTPUT]),
    ]
    given = {n: c for n, c in zip(names, constants, strict=True) if n}
    return nodes, {**given, "shift": weights(*shape), "two": np.array(2.0)}, shape, opset


IMAGE, LINE, BLOCK = [1, 2, 5, 6], [1, 3, 8], [1, 2, 3, 4, 3]
BN = (weights(2), weights(2), weights(2), np.abs(weights(2)))

LINEAR = {
    "conv": one("Conv", weights(3, 2, 2, 3), shape=IMAGE),
    "conv with a bias": one("Conv", weights(3, 2, 2, 3), weights(3), shape=IMAGE),
    "conv, padded": one("Conv", weights(3, 2, 3, 3), shape=IMAGE, pads=[1, 0, 2, 1]),
    "conv, strided": one("Conv", weights(3, 2, 3, 3), shape=IMAGE, strides=[2, 3]),
    "conv, dilated": one("Conv", weights(3, 2, 2, 2), shape=IMAGE, dilations=[2, 3]),
    "conv, grouped": one("Conv", weights(4, 1, 2, 2), weights(4), shape=IMAGE, group=2),
    "conv, everything": one(
        "Conv", weights(6, 1, 2, 3), weights(6), shape=IMAGE, group=2, strides=[2, 1],
        dilations=[2, 2], pads=[1, 2, 0, 1],
    ),
    "conv, same upper": one("Conv", weights(1, 2, 2, 4), shape=IMAGE, auto_pad="SAME_UPPER"),
    "conv, same lower": one("Conv", weights(1, 2, 2, 4), shape=IMAGE, auto_pad="SAME_LOWER"),
    "conv, same upper, strided": one(
        "Conv", weights(1, 2, 3, 4), shape=IMAGE, auto_pad="SAME_UPPER", strides=[2, 3]
    ),
    "conv, valid": one("Conv", weights(1, 2, 3, 3), shape=IMAGE, auto_pad="VALID"),
    "conv, 1-D": one("Conv", weights(2, 3, 3), weights(2), shape=LINE, strides=[2], pads=[1, 1]),
    "conv, 3-D": one(
        "Conv", weights(2, 2, 2, 2, 2), weights(2), shape=BLOCK, pads=[1, 0, 0, 0, 1, 1]
    ),
    "conv transpose": one("ConvTranspose", weights(2, 3, 2, 3), weights(3), shape=IMAGE),
    "conv transpose, strided": one(
        "ConvTranspose", weights(2, 3, 3, 3), shape=IMAGE, strides=[2, 3], pads=[1, 0, 0, 1]
    ),
    "conv transpose, grouped and dilated": one(
        "ConvTranspose", weights(2, 2, 2, 2), weights(4), shape=IMAGE, group=2, dilations=[1, 2]
    ),
    "conv transpose, output padding": one(
        "ConvTranspose", weights(2, 1, 3, 3), shape=IMAGE, strides=[2, 2], output_padding=[1, 0]
    ),
    "conv transpose, output shape": one(
        "ConvTranspose", weights(2, 1, 3, 3), shape=IMAGE, strides=[2, 2], output_shape=[10, 12]
    ),
    "conv transpose, same": one(
        "ConvTranspose", weights(2, 1, 3, 3), shape=IMAGE, strides=[2, 2], auto_pad="SAME_UPPER"
    ),
    "conv transpose, 1-D": one("ConvTranspose", weights(3, 2, 3), shape=LINE, strides=[2]),
    "average pool": one("AveragePool", shape=IMAGE, kernel_shape=[2, 3]),
    "average pool, strided and padded": one(
        "AveragePool", shape=IMAGE, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]
    ),
    "average pool, padding counted": one(
        "AveragePool", shape=IMAGE, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1],
        count_include_pad=1,
    ),
    "average pool, ceil": one(
        "AveragePool", shape=IMAGE, kernel_shape=[2, 4], strides=[2, 3], ceil_mode=1
    ),
    "average pool, ceil, padding counted": one(
        "AveragePool", shape=IMAGE, kernel_shape=[3, 3], strides=[3, 2], pads=[1, 1, 1, 1],
        ceil_mode=1, count_include_pad=1, opset=19,
    ),
    "average pool, same": one(
        "AveragePool", shape=IMAGE, kernel_shape=[2, 2], auto_pad="SAME_UPPER"
    ),
    "average pool, dilated": one(
        "AveragePool", shape=IMAGE, kernel_shape=[2, 2], dilations=[2, 3], opset=19
    ),
    "average pool, 1-D": one("AveragePool", shape=LINE, kernel_shape=[3], strides=[2]),
    "average pool, 3-D": one("AveragePool", shape=BLOCK, kernel_shape=[2, 2, 2]),
    "global average pool": one("GlobalAveragePool", shape=IMAGE),
    "batch normalization": one("BatchNormalization", *BN, shape=IMAGE),
    "reduce sum": one("ReduceSum", ints(1, 3), shape=IMAGE),
    "reduce sum of all": one("ReduceSum", shape=IMAGE, keepdims=0),
    "reduce sum of none": one("ReduceSum", shape=IMAGE, noop_with_empty_axes=1),
    "reduce mean": one("ReduceMean", shape=IMAGE, axes=[-1], keepdims=0),
    "reduce mean by an input": one("ReduceMean", ints(2, -1), shape=IMAGE, opset=18),
    "sum": (
        [make_node("Sum", [INPUT, "a", INPUT, "b"], ["z"]), RELU],
        {"a": weights(4), "b": weights(3, 1)},
        [3, 4],
        17,
    ),
    "mean": (
        [make_node("Mean", [INPUT, "a", INPUT], ["z"]), RELU],
        {"a": weights(3, 4)},
        [3, 4],
        17,
    ),
    "expand": one("Expand", ints(2, 1, 4), shape=[3, 1]),
    "tile": one("Tile", ints(1, 2, 3), shape=[1, 2, 3]),
    "concat": (
        [
            make_node("Neg", [INPUT], ["n"]),
            make_node("Concat", [INPUT, "n", "c"], ["z"], axis=-1),
            RELU,
        ],
        {"c": weights(1, 2, 2)},
        [1, 2, 3],
        17,
    ),
    "split": (
        [
            make_node("Split", [INPUT, "sizes"], ["a", "b"], axis=1),
            make_node("Gemm", ["b", "W"], ["z"]),
            RELU,
        ],
        {"sizes": ints(2, 3), "W": weights(3, 4)},
        [1, 5],
        17,
    ),
    "split in even parts": (
        [
            make_node("Split", [INPUT], ["a", "b"], axis=-1),
            make_node("Sub", ["a", "b"], ["z"]),
            RELU,
        ],
        {},
        [1, 6],
        13,
    ),
    "split in parts of a number": (
        [
            make_node("Split", [INPUT], ["a", "b"], axis=-1, num_outputs=2),
            make_node("Concat", ["b", "a"], ["z"], axis=-1),
            RELU,
        ],
        {},
        [1, 7],
        18,
    ),
    "slice": one("Slice", ints(1, -5), ints(3, 100), ints(2, 3), ints(1, 2), shape=IMAGE),
    "slice backwards": one("Slice", ints(-1), ints(-100), ints(3), ints(-2), shape=IMAGE),
    "slice by attributes": one(
        "Slice", shape=IMAGE, starts=[1, 0], ends=[4, -1], axes=[2, 3], opset=9
    ),
    "gather": one("Gather", np.array([[3, 0], [-1, 3]]), shape=IMAGE, axis=3),
    "gather one": one("Gather", np.array(1), shape=IMAGE, axis=2),
    "gather elements": one("GatherElements", np.array([[1, 0, 2]]), shape=[1, 3], axis=1),
    "gather nd": one("GatherND", np.array([[0, 1], [0, -1]]), shape=IMAGE),
    "pad": one("Pad", ints(0, 0, 1, 2, 0, 0, 0, 1), shape=IMAGE),
    "pad with a value": one("Pad", ints(0, 0, 1, 2, 0, 0, 0, 1), np.array(0.5), shape=IMAGE),
    "pad, reflected": one("Pad", ints(0, 0, 1, 2, 0, 0, 2, 1), shape=IMAGE, mode="reflect"),
    "pad, edges": one("Pad", ints(0, 0, 1, 2, 0, 0, 2, 1), shape=IMAGE, mode="edge"),
    "pad, negative": one("Pad", ints(0, 0, -1, 2, 0, 0, 0, -2), shape=IMAGE),
    "pad, some axes": one("Pad", ints(1, 2), None, ints(3), shape=IMAGE, opset=18),
    "pad by attributes": one("Pad", shape=LINE, pads=[0, 0, 1, 0, 0, 2], value=0.25, opset=10),
    "depth to space": one("DepthToSpace", shape=[1, 8, 2, 3], blocksize=2),
    "depth to space, CRD": one("DepthToSpace", shape=[1, 8, 2, 3], blocksize=2, mode="CRD"),
    "space to depth": one("SpaceToDepth", shape=[1, 2, 4, 6], blocksize=2),
    "matmul of stacks": one("MatMul", weights(2, 3, 4), shape=[1, 2, 2, 3]),
    "matmul of stacks, broadcast": one("MatMul", weights(2, 3, 4), shape=[1, 2, 3]),
    "matmul of stacks from the left": (
        [make_node("MatMul", ["w", INPUT], ["z"]), RELU],
        {"w": weights(2, 4, 3)},
        [1, 3, 2],
        17,
    ),
    "upsample": one("Upsample", np.array([1.0, 1.0, 2.0, 3.0]), shape=IMAGE, opset=9),
    "upsample by attributes": one("Upsample", shape=IMAGE, scales=[1.0, 1.0, 2.0, 3.0], opset=7),
    "resize, scales": one("Resize", None, np.array([1.0, 1.0, 2.0, 1.5]), shape=IMAGE),
    "resize, 10": one("Resize", np.array([1.0, 1.0, 2.0, 2.0]), shape=IMAGE, opset=10),
    "cast to double and back": (
        [
            make_node("Cast", [INPUT], ["d"], to=TensorProto.DOUBLE),
            make_node("Mul", ["d", "w"], ["y"]),
            make_node("Cast", ["y"], ["z"], to=TensorProto.FLOAT),
            RELU,
        ],
        {"w": numpy_helper.from_array(rng.normal(size=3))},
        [1, 3],
        17,
    ),
    "cast to half precision": (
        [
            make_node("Cast", [INPUT], ["h"], to=TensorProto.FLOAT16),
            make_node("Cast", ["h"], ["z"], to=TensorProto.FLOAT),
            RELU,
        ],
        {},
        [1, 3],
        17,
    ),
}  # fmt: skip
LINEAR |= {
    f"resize, {how}, {which}, {factor}": one(
        "Resize", None, np.array([1.0, 1.0, factor, 2 * factor]), shape=IMAGE,
        coordinate_transformation_mode=how, nearest_mode=which,
    )
    for how in ("asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners")
    for which in ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
    for factor in (0.5, 2.0)
}  # fmt: skip
LINEAR |= {
    f"resize, sizes, {how}": one(
        "Resize", None, None, ints(1, 2, 3, 11), shape=IMAGE,
        coordinate_transformation_mode=how, nearest_mode="floor",
    )
    for how in ("asymmetric", "half_pixel", "align_corners")
}  # fmt: skip


def clip_by(low: Any, high: Any) -> Any:
    """A network with a clip on ReLUs, to which the input is added."""
    bounds = {n: np.array(v) for n, v in (("low", low), ("high", high)) if v is not None}
    names = [n if n in bounds else "" for n in ("low", "high")]
    nodes = [
        make_node("Relu", [INPUT], ["r"]),
        make_node("Clip", ["r", *names], ["y"]),
        make_node("Sub", ["y", INPUT], [OUTPUT]),
    ]
    return nodes, bounds, [1, 5], 17


def nodes_of(*nodes: onnx.NodeProto, shape: list[int], opset: int = 17, **constants: Any) -> Any:
    return list(nodes), constants, shape, opset


UNITS = {
    "leaky": last("LeakyRelu", shape=[1, 5], alpha=0.3),
    "leaky by default": last("LeakyRelu", shape=[1, 5]),
    "leaky of slope one": last("LeakyRelu", shape=[1, 5], alpha=1.0),
    "prelu": one("PRelu", np.array([[0.5], [-2.0]]), shape=[1, 2, 3]),
    "prelu with a slope of one": one("PRelu", np.array([[0.5], [1.0]]), shape=[1, 2, 3]),
    "abs": one("Abs", shape=[1, 5]),
    "clip": clip_by(-0.5, 0.25),
    "clip below": clip_by(0.1, None),
    "clip above": clip_by(None, 0.4),
    "clip of nothing": clip_by(None, None),
    "clip by infinity": clip_by(-np.inf, 0.4),
    "clip to a point": clip_by(0.25, 0.25),
    "clip in the wrong order": clip_by(0.5, -0.25),
    "clip by attributes": last("Clip", shape=[1, 5], min=0.0, max=6.0, opset=6 + 1),
    "clip by the ends of float32": last(
        "Clip", shape=[1, 5], min=0.0, max=float(np.finfo(np.float32).max), opset=10
    ),
    "hard sigmoid": one("HardSigmoid", shape=[1, 5]),
    "hard sigmoid, other slope": one("HardSigmoid", shape=[1, 5], alpha=-0.5, beta=0.25),
    "max with a constant": one("Max", weights(5), shape=[1, 5]),
    "max of one": one("Max", shape=[1, 5]),
    "min with a constant": one("Min", np.array(0.25), shape=[1, 5]),
    "max of three": nodes_of(
        make_node("Gemm", [INPUT, "V"], ["a"]),
        make_node("Gemm", [INPUT, "W"], ["b"]),
        make_node("Max", ["a", "b", "c"], ["z"]),
        RELU,
        shape=[1, 3], V=weights(3, 4), W=weights(3, 4), c=weights(4),
    ),
    "min of four": nodes_of(
        make_node("Gemm", [INPUT, "V"], ["a"]),
        make_node("Gemm", [INPUT, "W"], ["b"]),
        make_node("Neg", ["a"], ["n"]),
        make_node("Min", ["a", "b", "n", "c"], ["z"]),
        RELU,
        shape=[1, 3], V=weights(3, 4), W=weights(3, 4), c=weights(1, 4),
    ),
    "max pool": last("MaxPool", shape=IMAGE, kernel_shape=[2, 2], strides=[2, 2]),
    "max pool, overlapping": last("MaxPool", shape=IMAGE, kernel_shape=[3, 2]),
    "max pool, padded": last(
        "MaxPool", shape=IMAGE, kernel_shape=[3, 3], strides=[2, 3], pads=[1, 1, 1, 1]
    ),
    "max pool, windows of one and two": last(
        "MaxPool", shape=[1, 1, 3, 3], kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 1, 1]
    ),
    "max pool, ceil": last(
        "MaxPool", shape=IMAGE, kernel_shape=[2, 4], strides=[2, 3], ceil_mode=1
    ),
    "max pool, dilated": last("MaxPool", shape=IMAGE, kernel_shape=[2, 2], dilations=[2, 3]),
    "max pool, same upper": last(
        "MaxPool", shape=IMAGE, kernel_shape=[2, 3], strides=[2, 2], auto_pad="SAME_UPPER"
    ),
    "max pool, same lower": last(
        "MaxPool", shape=IMAGE, kernel_shape=[2, 3], strides=[2, 2], auto_pad="SAME_LOWER"
    ),
    "max pool, 1-D of two": last("MaxPool", shape=LINE, kernel_shape=[2], strides=[1]),
    "max pool, 3-D": last("MaxPool", shape=BLOCK, kernel_shape=[2, 2, 1], strides=[1, 2, 1]),
    "max pool of ones": last("MaxPool", shape=IMAGE, kernel_shape=[1, 1], strides=[2, 2]),
    "global max pool": last("GlobalMaxPool", shape=[1, 2, 3, 2]),
    "reduce max": one("ReduceMax", shape=[2, 3, 2], axes=[1], keepdims=0),
    "reduce min": one("ReduceMin", shape=[2, 3, 2], axes=[1]),
    "reduce max of all": one("ReduceMax", shape=[1, 5], keepdims=0),
    "reduce max by an input": one("ReduceMax", ints(-1), shape=[2, 4], opset=18),
    "reduce of magnitudes": one("ReduceL1", shape=[2, 3], axes=[1]),
    "where as a leaky relu": nodes_of(
        make_node("Greater", [INPUT, "zero"], ["t"]),
        make_node("Mul", [INPUT, "slope"], ["s"]),
        make_node("Where", ["t", INPUT, "s"], [OUTPUT]),
        shape=[1, 5], zero=np.array(0.0), slope=np.array(0.125),
    ),
    "where as an absolute value": nodes_of(
        make_node("Less", [INPUT, "zero"], ["t"]),
        make_node("Neg", [INPUT], ["s"]),
        make_node("Where", ["t", "s", INPUT], [OUTPUT]),
        shape=[1, 5], zero=np.array(0.0),
    ),
    "where as a maximum": nodes_of(
        make_node("Gemm", [INPUT, "V"], ["a"]),
        make_node("Gemm", [INPUT, "W"], ["b"]),
        make_node("GreaterOrEqual", ["a", "b"], ["t"]),
        make_node("Where", ["t", "a", "b"], [OUTPUT]),
        shape=[1, 3], V=weights(3, 4), W=weights(3, 4),
    ),
    "where of a condition negated": nodes_of(
        make_node("LessOrEqual", [INPUT, "half"], ["t"]),
        make_node("Not", ["t"], ["n"]),
        make_node("Where", ["n", INPUT, "half"], [OUTPUT]),
        shape=[1, 5], half=np.array(0.5),
    ),
    "where by a constant": nodes_of(
        make_node("Neg", [INPUT], ["n"]),
        make_node("Where", ["mask", INPUT, "n"], ["z"]),
        RELU,
        shape=[1, 3], mask=np.array([True, False, True]),
    ),
    "a mask as numbers": nodes_of(
        make_node("Greater", [INPUT, "half"], ["t"]),
        make_node("Cast", ["t"], ["m"], to=TensorProto.FLOAT),
        make_node("Sub", [INPUT, "half"], ["s"]),
        make_node("Mul", ["m", "s"], [OUTPUT]),
        shape=[1, 5], half=np.array(0.5),
    ),
    "units of units": nodes_of(
        make_node("Abs", [INPUT], ["a"]),
        make_node("Clip", ["a", "low", "high"], ["b"]),
        make_node("MaxPool", ["b"], ["c"], kernel_shape=[3]),
        make_node("Add", ["c", INPUT], ["d"]),
        make_node("LeakyRelu", ["d"], [OUTPUT], alpha=0.25),
        shape=[1, 1, 3], low=np.array(0.25), high=np.array(0.75),
    ),
}  # fmt: skip


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


@pytest.mark.parametrize("name", [*LINEAR, *UNITS])
def test_a_network_with_it_computes_what_onnxruntime_computes(name, tmp_path):
    nodes, constants, shape, opset = (LINEAR | UNITS)[name]
    model = graph_model(nodes, constants, shape, opset=opset)
    path = save(model, tmp_path / "m.onnx")
    stack = load_network(path)
    points = np.random.default_rng(0).uniform(-2, 2, (60, int(np.prod(shape))))
    points = points.astype(np.float32).astype(np.float64)
    run = session(model)
    wide = [p.reshape(shape).astype(np.float32) for p in points]
    expected = np.array([run.run([OUTPUT], {INPUT: x})[0].ravel() for x in wide], np.float64)
    if stack.inputs[0].batch > 1:  # rows that do not depend on each other
        points = points.reshape(-1, stack.n_inputs)
        expected = expected.reshape(len(points), -1)
    rounding = 1e-2 if "half precision" in name else 1e-5
    np.testing.assert_allclose(stack.forward(points), expected, rtol=rounding, atol=rounding)
    box = np.full(stack.n_inputs, 2.0)
    check_against_onnxruntime(stack, path, -box, box)


FUZZED = [
    "conv, everything", "conv transpose, strided", "average pool, ceil", "batch normalization",
    "split", "slice", "pad", "gather nd", "resize, scales", "depth to space", "clip",
    "max of three", "max pool, padded", "where as a maximum", "a mask as numbers",
    "reduce max", "units of units",
]  # fmt: skip


@pytest.mark.parametrize("name", FUZZED)
def test_damaged_bytes_are_never_a_traceback(name, tmp_path):
    nodes, constants, shape, opset = (LINEAR | UNITS)[name]
    good = graph_model(nodes, constants, shape, opset=opset).SerializeToString()
    noise = np.random.default_rng(5)
    refused = 0
    for _ in range(300):
        damaged = bytearray(good)
        for at in noise.integers(0, len(good), noise.integers(1, 4)):
            damaged[at] = noise.integers(0, 256)
        (tmp_path / "m.onnx").write_bytes(damaged)
        try:
            load_network(tmp_path / "m.onnx")
        except InputError:
            refused += 1
    assert refused > 20
