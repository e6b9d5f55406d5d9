"""A graph, and its values and codes at a point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import prod
from typing import Any

import onnx
from flint import fmpq
from onnx import ModelProto, helper, numpy_helper

from nnce_cli.verify.graph import elementwise, shapes, sums, truth, units  # noqa: F401
from nnce_cli.verify.graph.elementwise import BOOL, FLOAT64, INT64, as_type
from nnce_cli.verify.graph.node import (
    HANDLERS,
    OF_CONSTANTS,
    Node,
    Tensor,
    UnknownError,
    exact,
    is_float,
    objects,
)
from nnce_cli.verify.graph.truth import Truth, as_number

OF_SHAPES = {"Shape", "Size", "ConstantOfShape"}
"""Operators whose outputs do not vary with the values of their inputs."""

OF_TRUTH = {"Identity", "Mul", "Not", "Where"}
"""Operators that take comparisons of values."""


@dataclass(frozen=True, eq=False)
class Trace:
    """What a graph computes at a point: its outputs, joined, and the codes of its nodes.

    ``codes`` has the codes of each piecewise linear node by the node's number, flat.
    """

    outputs: list[fmpq]
    codes: dict[int, list[int]]


class GraphAtPoint:
    """Evaluates a graph at rational points.

    ``nodes`` are those that the wanted outputs depend on, in the order of the file. ``copies`` is
    how many samples of the network's inputs the graph takes; they are all the same here.
    """

    def __init__(self, model: ModelProto, n_inputs: int, outputs: Sequence[str] = ()) -> None:
        """Read a model.

        Args:
            model: the model.
            n_inputs: how many numbers a point is.
            outputs: the names of the tensors that are wanted, the model's outputs where empty.

        Raises:
            UnknownError: there is an operator that cannot be computed; the message names it.
        """
        graph = model.graph
        self.outputs = tuple(outputs) or tuple(value.name for value in graph.output)
        opsets = {o.domain: o.version for o in model.opset_import}
        every = [_node(node, opsets) for node in graph.node]
        self.nodes = _needed(every, self.outputs)
        for node in self.nodes:
            if node.op_type not in HANDLERS and node.op_type not in ("Cast", "CastLike"):
                raise UnknownError(f"{node.label}: it has no rule for the operator {node.op_type}")
        constants = {tensor.name: tensor for tensor in graph.initializer}
        read = {name for node in self.nodes for name in node.inputs} | {*self.outputs}
        self._constants = {
            name: _constant(tensor) for name, tensor in constants.items() if name in read
        }
        self._inputs = [
            (value.name, _shape(value)) for value in graph.input if value.name not in constants
        ]
        self.copies = self._copies(n_inputs)
        self._varying = self._fed(lambda node: node.op_type not in OF_SHAPES)
        fed = self._fed(lambda node: True)
        self._at_points = [bool(fed & {*node.outputs}) for node in self.nodes]
        for node, at_points in zip(self.nodes, self._at_points, strict=True):
            if not at_points:
                self._compute(node, self._constants)

    def at(self, point: Sequence[fmpq]) -> Trace:
        """Evaluate at a point: the numbers of all inputs, joined.

        Raises:
            UnknownError: a node cannot be computed; the message names it.
        """
        values: dict[str, Any] = dict(self._constants)
        sizes = [prod(shape) // self.copies for _, shape in self._inputs]
        for (name, shape), size, end in zip(self._inputs, sizes, accumulate(sizes), strict=True):
            values[name] = objects(list(point[end - size : end]) * self.copies, shape)
        codes = {}
        for number, (node, at_points) in enumerate(zip(self.nodes, self._at_points, strict=True)):
            if at_points:
                found = self._compute(node, values)
                if found:
                    codes[number] = [int(c) for part in found for c in part.ravel().tolist()]
        outputs = []
        for name in self.outputs:
            if isinstance(values[name], Truth):
                raise UnknownError(f"the output {name} is no number")
            numbers = exact(values[name]).ravel().tolist()
            outputs += numbers[: len(numbers) // self.copies]
        return Trace(outputs, codes)

    def _copies(self, n_inputs: int) -> int:
        """Return how many points are one input of the graph: a batch along the first axes."""
        sizes = sum(prod(shape) for _, shape in self._inputs)
        copies = sizes // max(n_inputs, 1)
        in_batches = copies == 1 or all(shape[:1] == (copies,) for _, shape in self._inputs)
        if copies * n_inputs != sizes or not in_batches:
            raise UnknownError(f"its inputs are {sizes} numbers, and not {n_inputs}")
        return copies

    def _fed(self, through: Callable[[Node], bool]) -> set[str]:
        """Return the names of the tensors that the input feeds through nodes of a kind."""
        found = {name for name, _ in self._inputs}
        for node in self.nodes:
            if through(node) and found & {*node.inputs}:
                found.update(filter(None, node.outputs))
        return found

    def _compute(self, node: Node, values: dict[str, Any]) -> list[Tensor]:
        """Compute a node's outputs, and return the codes of its units."""
        here = replace(node, codes=[])
        try:
            given = [values[name] if name else None for name in node.inputs]
            while given and given[-1] is None:
                given.pop()
            results = self._results(here, given)
        except UnknownError as error:
            raise UnknownError(f"{node.label}: {error}") from None
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            what = str(error).partition("\n")[0] or type(error).__name__
            raise UnknownError(f"{node.label}: it cannot be computed ({what})") from error
        values.update(zip(node.outputs, results, strict=False))
        return here.codes

    def _results(self, node: Node, given: list[Any]) -> tuple[Any, ...]:
        if node.op_type in ("Cast", "CastLike"):
            return (self._cast(node, *given),)
        if node.op_type in OF_CONSTANTS and self._varying & {*node.outputs}:
            raise UnknownError("what it computes from is no constant")
        if node.op_type not in OF_TRUTH and any(isinstance(x, Truth) for x in given):
            raise UnknownError("it computes with truth values")
        found = HANDLERS[node.op_type](node, *given)
        return found if isinstance(found, tuple) else (found,)

    def _cast(self, node: Node, x: Any, like: Any = None) -> Any:
        if like is None:
            target = node.get("to")
        else:
            target = FLOAT64 if is_float(like) else BOOL if like.dtype.kind == "b" else INT64
        if isinstance(x, Truth):
            return as_number(x, target)
        return as_type(x, target, varies=node.inputs[0] in self._varying)


def _node(node: onnx.NodeProto, opsets: dict[str, int]) -> Node:
    domain = "" if node.domain == "ai.onnx" else node.domain
    op_type = f"{domain}::{node.op_type}" if domain else node.op_type
    name = node.name or next(iter(node.output), "")
    attributes = {}
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        is_tensor = attribute.type == onnx.AttributeProto.TENSOR
        attributes[attribute.name] = _constant(value) if is_tensor else value
    return Node(
        op_type=op_type,
        label=f"{name} ({op_type})",
        inputs=tuple(node.input),
        outputs=tuple(node.output),
        attributes=attributes,
        opset=opsets.get(node.domain, 0),
    )


def _constant(tensor: onnx.TensorProto) -> Tensor:
    """Return a tensor of the file; floats of any type become rationals."""
    values = numpy_helper.to_array(tensor)
    if values.dtype.kind in "iu":
        return values.astype("int64")
    return values if values.dtype.kind == "b" else exact(values)


def _needed(nodes: list[Node], outputs: Sequence[str]) -> list[Node]:
    """Return the nodes that outputs depend on, in order."""
    wanted, found = set(outputs), []
    for node in reversed(nodes):
        if wanted & {*node.outputs}:
            found.append(node)
            wanted.update(node.inputs)
    return found[::-1]


def _shape(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    """Return the shape of an input, a symbolic batch taken as 1."""
    dims = value.type.tensor_type.shape.dim
    sizes = [d.dim_value if d.HasField("dim_value") else None for d in dims]
    if sizes and sizes[0] is None:
        sizes[0] = 1
    if any(size is None for size in sizes):
        raise UnknownError(f"the input {value.name} has no fixed shape")
    return tuple(size for size in sizes if size is not None)
