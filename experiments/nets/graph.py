"""A network as ONNX, with float32 weights and the operators that exporters write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from experiments.nets.layers import (
    MAX,
    POOL,
    Chain,
    Convolution,
    Dense,
    Flatten,
    Floats,
    Layer,
    Pool,
    Relu,
    Skip,
)

OPSET = 13


def onnx_graph(net: Layer, inputs: Sequence[int], classes: int) -> onnx.ModelProto:
    """Return a network that takes samples of shape ``inputs``, a symbolic number of them."""
    graph = _Graph()
    graph.last(graph.add(net, "input"))
    ends = [("input", inputs), ("output", [classes])]
    first, last = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])]
        for name, shape in ends
    )
    made = helper.make_graph(graph.nodes, "study", first, last, graph.weights)
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(made, opset_imports=opset, ir_version=8, producer_name="nnce study")


class _Graph:
    """Nodes and their weights, as they come."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(self, layer: Layer, value: str) -> str:
        """Add a layer behind a value; return the name of what it gives."""
        if isinstance(layer, Chain):
            for each in layer.layers:
                value = self.add(each, value)
            return value
        if isinstance(layer, Skip):
            return self._node("Add", [value, self.add(layer.body, value)])
        if isinstance(layer, Dense):
            return self._node("Gemm", [value, *self._keep(layer.weights)], transB=1)
        if isinstance(layer, Convolution):
            weights = self._keep(layer.weights)
            return self._node("Conv", [value, *weights], strides=[layer.stride] * 2)
        if isinstance(layer, Pool):
            operator = "MaxPool" if layer.kind == MAX else "AveragePool"
            return self._node(operator, [value], kernel_shape=[POOL] * 2, strides=[POOL] * 2)
        operator = {Relu: "Relu", Flatten: "Flatten"}[type(layer)]
        return self._node(operator, [value])

    def last(self, value: str) -> None:
        """Call a value the output."""
        assert self.nodes[-1].output[0] == value
        self.nodes[-1].output[0] = "output"

    def _node(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        value = f"value_{len(self.nodes) + 1}"
        self.nodes.append(helper.make_node(operator, inputs, [value], **attributes))
        return value

    def _keep(self, arrays: list[Floats]) -> list[str]:
        first = len(self.weights) + 1
        names = [f"weight_{k}" for k in range(first, first + len(arrays))]
        self.weights += [
            numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name)
            for array, name in zip(arrays, names, strict=True)
        ]
        return names
