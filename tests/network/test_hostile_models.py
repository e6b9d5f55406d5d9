"""Models that ask for more than they hold, and graphs that nothing runs."""

from __future__ import annotations

import re
import resource
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from onnx.helper import make_node, make_tensor_value_info

from nnce_cli.base.errors import InputError
from nnce_cli.network import load_network
from tests.command import assert_refused, nnce
from tests.networks import graph_model

RELU = [make_node("Relu", ["input"], ["output"])]


def saved(model: onnx.ModelProto, folder) -> object:
    path = folder / "m.onnx"
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([make_node("Identity", ["input"], ["b"])] * 2, "name of an earlier tensor"),
        ([make_node("Identity", ["input"], ["input"])], "name of an earlier tensor"),
        ([make_node("Identity", ["input"], ["c"])], "name of an earlier tensor"),
        ([make_node("Identity", ["nothing"], ["b"])], "which no node before it computes"),
        ([make_node("Nonsense", ["input"], ["b"])], "no operator Nonsense"),
        ([make_node("Relu", ["input"], ["b"], domain="elsewhere")], "elsewhere::Relu"),
        ([make_node("Relu", ["input"], ["b"], slope=1.0)], "no attribute 'slope'"),
        ([make_node("Relu", ["input", "c"], ["b"])], "it has 2 inputs"),
        ([make_node("Relu", ["input"], ["b", "d"])], "it has 2 outputs"),
    ],
)
def test_inspect_refuses_nodes_that_nothing_runs_though_the_output_needs_none(
    nodes, words, tmp_path
):
    saved(graph_model([*RELU, *nodes], {"c": np.ones(2)}, [1, 2]), tmp_path)
    for command in ("inspect", "enumerate"):
        assert_refused(nnce(command, "m.onnx", cwd=tmp_path), words)


def test_a_node_that_is_not_needed_may_be_one_that_nnce_does_not_read(tmp_path):
    model = graph_model([*RELU, make_node("Erf", ["input"], ["b"])], {}, [1, 2])
    assert load_network(saved(model, tmp_path)).widths == [2, 2]


def test_initializers_of_the_same_name(tmp_path):
    model = graph_model(RELU, {"c": np.ones(2)}, [1, 2])
    model.graph.initializer.append(model.graph.initializer[0])
    with pytest.raises(InputError, match="two of its initializers"):
        load_network(saved(model, tmp_path))


def test_operator_sets_of_the_future(tmp_path):
    model = graph_model(RELU, {}, [1, 2], opset=9999)
    with pytest.raises(InputError, match="operator set 9999"):
        load_network(saved(model, tmp_path))


def test_a_long_chain_is_read_in_seconds(tmp_path):
    length = 20_000
    names = ["input", *(f"v{i}" for i in range(length))]
    nodes = [make_node("Identity", [a], [b]) for a, b in pairwise(names)]
    model = graph_model([*nodes, make_node("Relu", [names[-1]], ["output"])], {}, [1, 2])
    path, started = saved(model, tmp_path), time.process_time()
    [layer] = load_network(path).hidden
    assert time.process_time() - started < 10
    assert len(layer.nodes) == length + 1


def test_the_nodes_of_branches_come_in_the_order_of_the_file(tmp_path):
    nodes = [
        make_node("Neg", ["input"], ["a"]),
        make_node("Mul", ["input", "c"], ["b"]),
        make_node("Add", ["b", "a"], ["sum"]),
        make_node("Relu", ["sum"], ["r"]),
        make_node("Neg", ["r"], ["output"]),
    ]
    stack = load_network(saved(graph_model(nodes, {"c": np.array(3.0)}, [1, 2]), tmp_path))
    assert stack.hidden[0].nodes == ("a (Neg)", "b (Mul)", "sum (Add)", "r (Relu)")
    assert stack.output is not None
    assert stack.output.nodes == ("output (Neg)",)


# Bombs.


def wide_sum(count: int = 40) -> onnx.ModelProto:
    """A model of few bytes whose constants are broadcast to 2^24 entries again and again."""
    nodes = [make_node("Add", ["row", "column"], [f"s{i}"]) for i in range(count)]
    nodes += [
        make_node("Add", [f"t{i - 1}" if i else "s0", f"s{i}"], [f"t{i}"]) for i in range(count)
    ]
    nodes += [make_node("MatMul", ["input", f"t{count - 1}"], ["z"])]
    constants = {"row": np.ones((1, 4096)), "column": np.ones((4096, 1))}
    return graph_model([*nodes, make_node("Relu", ["z"], ["output"])], constants, [1, 4096])


def long_numbers() -> onnx.ModelProto:
    """A model whose constants double their length again and again, and are then broadcast."""
    nodes = [make_node("Mul", [f"r{i}", f"r{i}"], [f"r{i + 1}"]) for i in range(10)]
    nodes += [make_node("Reshape", ["r10", "shape"], ["c"])]
    nodes += [make_node("Mul", ["r10", "c"], ["m"]), make_node("MatMul", ["input", "m"], ["z"])]
    constants = {"r0": np.full((1, 1024), 1 / 3), "shape": np.array([1024, 1])}
    return graph_model([*nodes, make_node("Relu", ["z"], ["output"])], constants, [1, 1024])


def two_gigabytes() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))


@pytest.mark.parametrize(
    ("make", "words"),
    [(wide_sum, "the matrices up to it have"), (long_numbers, "the exact weights are")],
)
def test_matrices_that_grow_out_of_little(
    make: Callable[[], onnx.ModelProto], words: str, tmp_path
):
    path = saved(make(), tmp_path)
    assert path.stat().st_size < 50_000
    assert_refused(nnce("inspect", path, cwd=tmp_path, preexec_fn=two_gigabytes), words)


def ints(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def grown(*nodes: onnx.NodeProto, shape=(1, 1, 4, 4), **constants) -> onnx.ModelProto:
    """A model whose last node makes "z", of which ReLUs are taken."""
    return graph_model([*nodes, make_node("Relu", ["z"], ["output"])], constants, shape)


EXPANDED = make_node("Expand", ["input", "size"], ["x"])
DOUBLED = [make_node("Concat", [f"d{i}"] * 2, [f"d{i + 1}"], axis=0) for i in range(40)]

BOMBS = {
    "expand": lambda: grown(make_node("Expand", ["input", "s"], ["z"]), s=ints(2**20, 1, 4, 4)),
    "tile": lambda: grown(make_node("Tile", ["input", "s"], ["z"]), s=ints(1, 2**30, 2**30, 1)),
    "pad": lambda: grown(make_node("Pad", ["input", "s"], ["z"]), s=ints(*[0] * 7, 2**31)),
    "pad by reflection": lambda: grown(
        make_node("Pad", ["input", "s"], ["z"], mode="wrap"), s=ints(*[0] * 7, 2**40)
    ),
    "resize": lambda: grown(
        make_node("Resize", ["input", "", "s"], ["z"]), s=np.array([1.0, 1.0, 2.0**20, 2.0**20])
    ),
    "a constant of a shape": lambda: grown(
        make_node("ConstantOfShape", ["s"], ["c"]), make_node("Add", ["c", "input"], ["z"]),
        s=ints(2**31, 2**31),
    ),
    "a range": lambda: grown(
        make_node("Range", ["a", "b", "c"], ["r"]), make_node("Gather", ["input", "r"], ["z"]),
        a=np.array(0), b=np.array(2**62), c=np.array(1),
    ),
    "a convolution": lambda: grown(
        EXPANDED, make_node("Conv", ["x", "w"], ["z"]),
        size=ints(1, 64, 128, 128), w=np.ones((64, 64, 3, 3)), shape=(1, 1, 1, 1),
    ),
    "a padded convolution": lambda: grown(
        make_node("Conv", ["input", "w"], ["z"], pads=[2**30] * 4), w=np.ones((1, 1, 3, 3))
    ),
    "a transposed convolution": lambda: grown(
        make_node("ConvTranspose", ["input", "w"], ["z"], strides=[2**30] * 2),
        w=np.ones((1, 1, 3, 3)),
    ),
    "a pool of everything": lambda: grown(
        EXPANDED, make_node("MaxPool", ["x"], ["z"], kernel_shape=[200, 200]),
        size=ints(1, 1, 256, 256), shape=(1, 1, 1, 1),
    ),
    "comparisons": lambda: grown(
        EXPANDED, make_node("MaxPool", ["x"], ["z"], kernel_shape=[16, 16]),
        size=ints(1, 1, 128, 128), shape=(1, 1, 1, 1),
    ),
    "a kernel": lambda: grown(
        make_node("AveragePool", ["input"], ["z"], kernel_shape=[2**31 - 1] * 2, pads=[2**31] * 4)
    ),
    "a gathering": lambda: grown(
        EXPANDED, make_node("Gather", ["x", "i"], ["z"], axis=0),
        shape=(1, 1, 1, 1), size=ints(1, 1, 2048, 2048), i=np.zeros(64, np.int64),
    ),
    "a concatenation again and again": lambda: grown(
        make_node("Identity", ["input"], ["d0"]), *DOUBLED, make_node("Neg", ["d40"], ["z"])
    ),
    "rows of many terms": lambda: grown(
        make_node("Flatten", ["input"], ["f"]), make_node("MatMul", ["f", "w"], ["y"]),
        make_node("Expand", ["y", "size"], ["z"]),
        w=np.ones((16, 1)), size=ints(2**22, 1), shape=(1, 1, 4, 4),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name, tmp_path):
    """A small file that asks for much is refused in time and within two gigabytes."""
    path = saved(BOMBS[name](), tmp_path)
    assert path.stat().st_size < 300_000
    result = nnce("inspect", path, cwd=tmp_path, preexec_fn=two_gigabytes)
    assert_refused(result, "node ")
    assert re.search("entries|more than|maximum of|beyond|are not|does not fit", result.stderr)


def test_a_sum_of_one_number_over_and_over(tmp_path):
    """It is summed two by two, not one after the other."""
    nodes = [
        make_node("Expand", ["input", "size"], ["x"]),
        make_node("ReduceSum", ["x"], ["z"], keepdims=0),
        make_node("Relu", ["z"], ["output"]),
    ]
    path = saved(graph_model(nodes, {"size": ints(2**20, 1)}, [1, 1]), tmp_path)
    started = time.process_time()
    stack = load_network(path)
    assert time.process_time() - started < 20
    assert stack.hidden[0].weight.tolist() == [[2.0**20]]


def test_a_deep_chain_of_units_with_a_connection_past_all_of_them(tmp_path):
    depth = 1500
    names = ["input", *(f"v{i}" for i in range(depth))]
    nodes = [make_node("Relu", [a], [b]) for a, b in pairwise(names)]
    nodes.append(make_node("Add", [names[-1], "input"], ["output"]))
    started = time.process_time()
    stack = load_network(saved(graph_model(nodes, {}, [1, 2]), tmp_path))
    assert time.process_time() - started < 20
    assert {layer.n_out for layer in stack.hidden} == {4}


def declared(dims, **external: str) -> onnx.ModelProto:
    """A model with a weight of a declared shape whose data are elsewhere, or in few bytes."""
    nodes = [make_node("MatMul", ["input", "W"], ["z"]), make_node("Relu", ["z"], ["output"])]
    model = graph_model(nodes, {}, [1, 2])
    tensor = model.graph.initializer.add()
    tensor.name, tensor.data_type = "W", TensorProto.FLOAT
    tensor.dims.extend(dims)
    if external:
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in external.items():
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value
    else:
        tensor.raw_data = bytes(16)
    return model


@pytest.mark.parametrize(
    "model",
    [
        declared([2**40, 2**20]),
        declared([2, 2**33]),
        declared([2, 2**24], location="w"),
        declared([2, 2**24], location="w", length=str(2**27)),
        declared([2, 2], location="w", offset=str(2**62)),
        declared([2, 2], location="w", length=str(2**62)),
        declared([2, 2], location="w", length="-1"),
        declared([2, 2], location="a\0b"),
        declared([2, 2], location="x" * 300),
        declared([2, 2], location="circle"),
    ],
)
def test_declared_sizes_beyond_the_file(model, tmp_path):
    (tmp_path / "w").write_bytes(bytes(1024))
    (tmp_path / "circle").symlink_to("circle")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError):
        load_network(saved(model, tmp_path))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_many_tensors_of_one_file(tmp_path):
    model = declared([2, 128], location="w", length="1024")
    for i in range(1000):
        model.graph.initializer.add().CopyFrom(model.graph.initializer[0])
        model.graph.initializer[-1].name = f"again {i}"
    (tmp_path / "w").write_bytes(bytes(1024))
    with pytest.raises(InputError, match="are 2048 bytes, and their file has 1024"):
        load_network(saved(model, tmp_path))


def test_an_input_is_named_once(tmp_path):
    model = graph_model(RELU, {"c": np.ones(2)}, [1, 2])
    for _ in range(2):
        model.graph.input.append(make_tensor_value_info("c", TensorProto.FLOAT, [2]))
    with pytest.raises(InputError, match="two of its inputs"):
        load_network(saved(model, tmp_path))
