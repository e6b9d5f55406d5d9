"""The walk along a graph that turns its nodes into layers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from nnce_cli.base.errors import InputError
from nnce_cli.network.affine_tensor import AffineTensor, Arithmetic, Source, identity
from nnce_cli.network.model_file import Graph, check_schema
from nnce_cli.network.node import Node
from nnce_cli.network.operators import OPERATORS

# A small file must not be able to ask for much memory by many matrices, either: 1 GiB.
MAX_ENTRIES_IN_ALL = 2**27


@dataclass(frozen=True, eq=False)
class Layer:
    """What stands between one ReLU and the next: an affine tensor and the names around it.

    ``activation`` names the ReLU's output; it is None for the output map, which has no ReLU.
    ``element_types`` are those of the values on the way.
    """

    tensor: AffineTensor
    preactivation: str
    activation: str | None
    element_types: frozenset[str]


def read_layers(graph: Graph, arithmetic: Arithmetic) -> list[Layer]:
    """Return the layers of a graph, first to last, computed in a given arithmetic.

    Raises:
        InputError: if a node is not supported or the graph is not a chain of layers.
    """
    return _Walk(graph, arithmetic).run()


class _Walk:
    """The state of one walk: the tensors so far, and the layers that are complete.

    ``makers`` has the nodes that computed tensors which depend on the input, by those tensors'
    names, each with its place; ``entries`` is the size of the matrices so far.
    """

    def __init__(self, graph: Graph, arithmetic: Arithmetic) -> None:
        shape = graph.input_shape
        batch = shape[0] if len(shape) > 1 and shape[0] > 1 else None
        self.graph = graph
        self.source = Source(math.prod(shape), arithmetic, batch)
        self.tensors = {graph.input_name: identity(self.source, shape, graph.input_type)}
        self.element_types = {graph.input_type}
        self.layers: list[Layer] = []
        self.makers: dict[str, tuple[int, Node]] = {}
        self.entries = 0

    def run(self) -> list[Layer]:
        for node in _ancestors(self.graph):
            with _naming(node):
                self.visit(node)
        self.finish()
        for node in self.graph.nodes:
            with _naming(node):
                check_schema(node, self.graph.opset)
        return self.layers

    def visit(self, node: Node) -> None:
        if node.op_type != "Relu" and node.op_type not in OPERATORS:
            raise InputError(
                f"the operator {node.op_type} is not supported; nnce reads "
                f"{', '.join(sorted([*OPERATORS, 'Relu']))}"
            )
        inputs = [self.tensor(name) if name else None for name in node.inputs]
        if node.op_type == "Relu":
            if len(inputs) != 1 or inputs[0] is None:
                raise InputError(f"it has {len(inputs)} inputs, not 1")
            result = self.relu(node, inputs[0])
        else:
            result = OPERATORS[node.op_type].apply(node, inputs)
            self.count(result, inputs)
            if result.source is not None:
                self.element_types.add(result.element_type)
        if not node.outputs or node.outputs[0] in self.tensors:
            raise InputError("its output has no name, or the name of an earlier tensor")
        self.tensors[node.outputs[0]] = result
        if result.source is not None and node.op_type != "Relu":
            self.makers[node.outputs[0]] = (len(self.makers), node)

    def count(self, result: AffineTensor, inputs: Iterable[AffineTensor | None]) -> None:
        """Count the entries of a tensor that shares no memory with those it was made from."""
        for name in ("offset", "linear"):
            new = getattr(result, name)
            old = [getattr(x, name) for x in inputs if x is not None]
            if new is not None and not any(
                x is not None and np.may_share_memory(new, x) for x in old
            ):
                self.entries += new.size
        if self.entries > MAX_ENTRIES_IN_ALL:
            raise InputError(
                f"the matrices up to it have {self.entries} entries, more than {MAX_ENTRIES_IN_ALL}"
            )

    def labels(self, name: str) -> list[str]:
        """Return the labels of the nodes that made a tensor from the last ReLU's, in order."""
        wanted, found = [name], {}
        while wanted:
            place, node = self.makers.get(wanted.pop(), (-1, None))
            if node is not None and place not in found:
                found[place] = node.label
                wanted += node.inputs
        return [label for _, label in sorted(found.items())]

    def tensor(self, name: str) -> AffineTensor:
        if name not in self.tensors:
            constant = self.graph.constant(name)
            if constant is None:
                raise InputError(f"it reads '{name}', which no node before it computes")
            self.tensors[name] = constant
        return self.tensors[name]

    def relu(self, node: Node, x: AffineTensor) -> AffineTensor:
        """Complete a layer and return its activations, the entries of the next layer's maps."""
        if x.source is None:
            return replace(x, offset=x.offset * (x.offset > 0))
        if x.source is not self.source:
            raise InputError(
                "it is a second ReLU on the same activations (a branch); nnce reads chains of "
                "layers, each of which feeds the next one only"
            )
        layer = replace(x, nodes=(*self.labels(node.inputs[0]), node.label))
        self.complete(layer, node.inputs[0], node.outputs[0] if node.outputs else "")
        self.source = Source(x.offset.size, x.source.arithmetic, x.source.batch)
        self.element_types = {x.element_type}
        return identity(self.source, x.shape, x.element_type)

    def complete(self, x: AffineTensor, preactivation: str, activation: str | None) -> None:
        types = frozenset(self.element_types)
        self.layers.append(Layer(x, preactivation, activation, types))

    def finish(self) -> None:
        """Add the output map, unless the network ends in a ReLU."""
        name = self.graph.output_name
        if name not in self.tensors:
            raise InputError(f"no node computes the output '{name}'")
        output = self.tensors[name]
        if output.source is None:
            raise InputError(f"the output '{name}' does not depend on the input")
        if not self.layers:
            raise InputError("it has no Relu, so that it has one cell only: the whole domain")
        if name != self.layers[-1].activation:
            self.complete(replace(output, nodes=tuple(self.labels(name))), name, None)


@contextmanager
def _naming(node: Node) -> Iterator[None]:
    """Name the node in errors."""
    try:
        yield
    except InputError as error:
        raise InputError(f"node {node.label}: {error}") from error


def _ancestors(graph: Graph) -> list[Node]:
    """Return the nodes on which the output depends, in the order of the file."""
    wanted = {graph.output_name}
    nodes = []
    for node in reversed(graph.nodes):
        if wanted.intersection(node.outputs):
            nodes.append(node)
            wanted.update(node.inputs)
    return nodes[::-1]
