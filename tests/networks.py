"""ONNX models made in memory, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.helper import make_node

INPUT, OUTPUT = "input", "output"


def graph_model(
    nodes: Sequence[onnx.NodeProto],
    constants: Mapping[str, Any],
    input_shape: Sequence[int | str | None],
    *,
    dtype: Any = np.float32,
    opset: int = 17,
) -> onnx.ModelProto:
    """Return a model from the tensor "input" to the tensor "output" with given nodes.

    Float arrays among the constants get ``dtype``; integer arrays and TensorProtos stay as they
    are.
    """
    element_type = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info(INPUT, element_type, input_shape)],
        [helper.make_tensor_value_info(OUTPUT, element_type, None)],
        [_tensor(name, value, dtype) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def mlp_model(
    weights: Sequence[tuple[Any, Any]],
    *,
    dtype: Any = np.float32,
    ends_in_relu: bool = False,
    style: str = "gemm",
) -> onnx.ModelProto:
    """Return a multi-layer perceptron with a symbolic batch.

    Args:
        weights: (W, b) of each layer, of shapes (n_out, n_in) and (n_out,).
        dtype: NumPy's type of the model.
        ends_in_relu: whether a ReLU follows the last layer too.
        style: "gemm" (with transB=1) or "matmul" (MatMul of W transposed, then Add).
    """
    nodes: list[onnx.NodeProto] = []
    constants: dict[str, Any] = {}
    value = INPUT
    for i, (w, b) in enumerate(weights):
        last = i == len(weights) - 1
        z = OUTPUT if last and not ends_in_relu else f"z{i}"
        constants[f"b{i}"] = np.asarray(b, dtype=np.float64)
        if style == "gemm":
            constants[f"W{i}"] = np.asarray(w, dtype=np.float64)
            inputs = [value, f"W{i}", f"b{i}"]
            nodes.append(make_node("Gemm", inputs, [z], f"gemm{i}", transB=1))
        else:
            constants[f"W{i}"] = np.asarray(w, dtype=np.float64).T
            nodes.append(make_node("MatMul", [value, f"W{i}"], [f"m{i}"], f"matmul{i}"))
            nodes.append(make_node("Add", [f"m{i}", f"b{i}"], [z], f"add{i}"))
        if not last or ends_in_relu:
            value = OUTPUT if last else f"a{i}"
            nodes.append(make_node("Relu", [z], [value], f"relu{i}"))
    n_inputs = np.asarray(weights[0][0]).shape[1]
    return graph_model(nodes, constants, ["batch", n_inputs], dtype=dtype)


def save(model: onnx.ModelProto, path: Path) -> Path:
    """Write a model and return its path."""
    path.write_bytes(model.SerializeToString())
    return path


def _tensor(name: str, value: Any, dtype: Any) -> TensorProto:
    if isinstance(value, TensorProto):
        tensor = TensorProto()
        tensor.CopyFrom(value)
        tensor.name = name
        return tensor
    array = np.asarray(value)
    return numpy_helper.from_array(array.astype(dtype) if array.dtype.kind == "f" else array, name)
