"""Hypothesis strategies: small piecewise linear ONNX graphs with branches, ties and dead units.

The weights are integers from -2 to 2, and most biases are zero, so that units coincide, meet, tie
on whole cells and die.
"""

from __future__ import annotations

from itertools import count
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from random import Random

Tensor = tuple[str, tuple[int, ...]]  # a name, and the shape with its batch of 1

INPUTS: list[list[tuple[int, ...]]] = [
    [(1, 1)], [(1, 2)], [(1, 2)], [(1, 3)], [(1, 1, 3)], [(1, 1, 1, 2)], [(1, 1), (1, 1)],
    [(1, 2), (1, 1)],
]  # fmt: skip


class GraphDrawing:
    """A graph that grows by a node at a time; ``tensors`` are those that nodes may use."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.nodes: list[onnx.NodeProto] = []
        self.numbers = count()
        self.constants: list[TensorProto] = []
        self.inputs: list[Tensor] = []
        self.tensors: list[Tensor] = []
        self.units = 0

    # Pieces of a graph.

    def input(self, shape: tuple[int, ...]) -> None:
        """Add an input."""
        self.inputs.append((f"input_{len(self.inputs)}", shape))
        self.tensors.append(self.inputs[-1])

    def constant(self, array: Any) -> str:
        """Add a constant and return its name."""
        name = f"constant_{len(self.constants)}"
        array = np.asarray(array)
        array = array.astype(np.float32) if array.dtype.kind == "f" else array
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def node(
        self, operator: str, inputs: list[str], shape: tuple[int, ...], **attributes
    ) -> Tensor:
        """Add a node and return its output."""
        name = f"{operator.lower()}_{next(self.numbers)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], f"node {name}", **attributes))
        return name, shape

    def integers(self, *shape: int) -> np.ndarray:
        """Return integers from -2 to 2 as floats; sometimes a row is zero or stands twice."""
        array = np.reshape([float(self.random.randint(-2, 2)) for _ in range(prod(shape))], shape)
        if shape and shape[0] > 1 and self.random.random() < 0.25:
            array[-1] = array[0] * self.random.choice([1, 1, -1, 0])
        return array

    def biases(self, *shape: int) -> np.ndarray:
        """Return zeros, more often than not, or multiples of 1/2."""
        if self.random.random() < 0.6:
            return np.zeros(shape)
        return self.integers(*shape) / 2

    def any(self) -> Tensor:
        """Return one of the tensors, more often one of the last."""
        return self.random.choice(self.tensors[-3:] if self.random.random() < 0.7 else self.tensors)

    def flat(self) -> Tensor:
        """Return a tensor of shape (1, n)."""
        name, shape = self.any()
        if len(shape) == 2:
            return name, shape
        return self.node("Flatten", [name], (1, prod(shape)))

    def image(self) -> Tensor:
        """Return a tensor with a channel and one or two axes more."""
        name, shape = self.any()
        if len(shape) > 2:
            return name, shape
        n = shape[1]
        wanted = (1, 1, 2, n // 2) if n % 2 == 0 and self.random.random() < 0.6 else (1, 1, n)
        return self.node("Reshape", [name, self.constant(np.array(wanted))], wanted)

    # Linear operators, each on tensors that it chooses.

    def dense(self, width: int | None = None) -> Tensor:
        """Return a dense layer, written in one of two ways."""
        name, (_, n) = self.flat()
        m = width or self.random.randint(1, 3)
        weight, bias = self.integers(m, n), self.biases(m)
        if self.random.random() < 0.5:
            names = [name, self.constant(weight), self.constant(bias)]
            return self.node("Gemm", names, (1, m), transB=1)
        product = self.node("MatMul", [name, self.constant(weight.T)], (1, m))
        return self.node("Add", [product[0], self.constant(bias)], (1, m))

    def skip(self) -> Tensor:
        """Return a dense layer and an earlier tensor of its width, added or subtracted."""
        earlier, shape = self.flat()
        layer, _ = self.dense(shape[1])
        pair = self.random.sample([earlier, layer], 2)
        return self.node(self.random.choice(["Add", "Sub"]), pair, shape)

    def concat(self) -> Tensor:
        """Return two tensors one after the other."""
        (a, (_, m)), (b, (_, n)) = self.flat(), self.flat()
        if m + n > 4:
            return self.dense()
        return self.node("Concat", [a, b], (1, m + n), axis=1)

    def convolution(self) -> Tensor:
        """Return a convolution with a kernel of 1 or 2 and, sometimes, padding and a stride."""
        name, shape = self.image()
        k = len(shape) - 2
        channels = 1 if prod(shape[2:]) > 2 else self.random.randint(1, 2)
        kernel = [min(self.random.randint(1, 2), size) for size in shape[2:]]
        pads = [0] * k + [self.random.choice([0, 0, size - 1]) for size in kernel]
        strides = [self.random.choice([1, 1, 2]) for _ in kernel]
        sizes = self.places(shape, kernel, pads, strides)
        names = [self.constant(self.integers(channels, shape[1], *kernel))]
        names += [self.constant(self.biases(channels))]
        attributes = {"kernel_shape": kernel, "pads": pads, "strides": strides}
        return self.node("Conv", [name, *names], (1, channels, *sizes), **attributes)

    def places(self, shape, kernel, pads, strides) -> list[int]:
        """Return how many places a window has along each axis."""
        k = len(kernel)
        return [
            (shape[2 + a] + pads[a] + pads[k + a] - kernel[a]) // strides[a] + 1 for a in range(k)
        ]

    def window(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], dict[str, list[int]]]:
        """Return the output shape and the attributes of a pooling, with or without padding."""
        kernel = [min(self.random.choice([1, 2, 2, 3]), size) for size in shape[2:]]
        pads = [self.random.choice([0, 0, size // 2]) for size in kernel]
        strides = [self.random.choice([1, 1, 2]) for _ in kernel]
        sizes = self.places(shape, kernel, pads + pads, strides)
        attributes = {"kernel_shape": kernel, "pads": pads + pads, "strides": strides}
        return (*shape[:2], *sizes), attributes

    def average_pool(self) -> Tensor:
        """Return the means of windows."""
        name, shape = self.image()
        pooled, attributes = self.window(shape)
        counted = self.random.randint(0, 1)
        return self.node("AveragePool", [name], pooled, count_include_pad=counted, **attributes)

    def mean(self) -> Tensor:
        """Return the means along the last axis."""
        name, shape = self.any()
        return self.node("ReduceMean", [name], (*shape[:-1], 1), axes=[-1], keepdims=1)

    def batch_normalization(self) -> Tensor:
        """Return a normalised tensor; its factors are rational, or have to be rounded."""
        name, shape = self.any()
        c = shape[1]
        variance = np.array([self.random.choice([0.25, 1.0, 2.0, 4.0]) for _ in range(c)])
        given = [self.integers(c), self.biases(c), self.biases(c), variance]
        epsilon = self.random.choice([0.0, 0.0, 1e-5])
        names = [name, *map(self.constant, given)]
        return self.node("BatchNormalization", names, shape, epsilon=epsilon)

    def scaled(self) -> Tensor:
        """Return a tensor times, or divided by, a constant."""
        name, shape = self.any()
        factor = self.constant(float(self.random.choice([-2, -1, 2, 3])))
        return self.node(self.random.choice(["Mul", "Div"]), [name, factor], shape)

    # Piecewise linear operators.

    def unit(
        self, operator: str, inputs: list[str], shape: tuple[int, ...], **attributes
    ) -> Tensor:
        """Add a piecewise linear node and return its output."""
        self.units += prod(shape)
        return self.node(operator, inputs, shape, **attributes)

    def relu(self, z: Tensor) -> Tensor:
        """Return ReLUs."""
        return self.unit("Relu", [z[0]], z[1])

    def leaky_relu(self, z: Tensor) -> Tensor:
        """Return leaky ReLUs; one with the slope 1 cuts nothing."""
        alpha = self.random.choice([0.5, 0.25, 0.01, -0.5, 0.0, 2.0, 1.0])
        return self.unit("LeakyRelu", [z[0]], z[1], alpha=alpha)

    def parametric_relu(self, z: Tensor) -> Tensor:
        """Return leaky ReLUs with a slope for each channel, or one for all."""
        name, shape = z
        channels = self.random.choice([1, shape[1]])
        slopes = self.integers(channels, *[1] * (len(shape) - 2)) / 4
        return self.unit("PRelu", [name, self.constant(slopes)], shape)

    def absolute(self, z: Tensor) -> Tensor:
        """Return absolute values."""
        return self.unit("Abs", [z[0]], z[1])

    def clip(self, z: Tensor) -> Tensor:
        """Return numbers between two bounds, one of which may be missing."""
        name, shape = z
        low = self.random.choice([-1.0, 0.0, 0.0, 0.5])
        high = low + self.random.choice([0.5, 1.0, 2.0])
        kept = self.random.choice([(1, 1), (1, 1), (1, 0), (0, 1)])
        ends = zip((low, high), kept, strict=True)
        given = [self.constant(end) if keep else "" for end, keep in ends]
        return self.unit("Clip", [name, *given], shape)

    def extreme(self, z: Tensor) -> Tensor:
        """Return the largest or smallest of 2 to 4 tensors and constants, some of them equal."""
        name, shape = z
        names = [name]
        for _ in range(self.random.choice([1, 1, 2, 3])):
            kinds = ["constant", "layer", "same", "opposite", "earlier"]
            kind = self.random.choice(kinds)
            alike = [tensor for tensor, s in self.tensors if s == shape]
            if kind == "constant":
                names.append(self.constant(self.biases(*shape)))
            elif kind == "layer" and len(shape) == 2:
                names.append(self.dense(shape[1])[0])
            elif kind == "opposite":
                names.append(self.node("Neg", [name], shape)[0])
            elif kind == "earlier" and alike:
                names.append(self.random.choice(alike))
            else:
                names.append(name)
        self.random.shuffle(names)
        return self.unit(self.random.choice(["Max", "Max", "Min"]), names, shape)

    def max_pool(self, z: Tensor) -> Tensor:
        """Return the largest numbers of windows."""
        self.tensors.append(z)
        name, shape = self.image()
        pooled, attributes = self.window(shape)
        return self.unit("MaxPool", [name], pooled, **attributes)

    # The whole.

    def grow(self) -> None:
        """Add a linear operator, or none, and a piecewise linear one behind it."""
        linear = [
            self.dense, self.dense, self.dense, self.skip, self.concat, self.convolution,
            self.average_pool, self.mean, self.batch_normalization, self.scaled, self.any,
        ]  # fmt: skip
        piecewise = [
            self.relu, self.relu, self.relu, self.leaky_relu, self.parametric_relu, self.absolute,
            self.clip, self.clip, self.extreme, self.extreme, self.max_pool,
        ]  # fmt: skip
        z = self.random.choice(linear)()
        if self.random.random() < 0.2:
            self.tensors.append(z)
        self.tensors.append(self.random.choice(piecewise)(z))

    def drop_unread(self) -> None:
        """Take out nodes that were drawn in vain: what reads only them would reach no output."""
        wanted = {name for name, _ in self.tensors}
        kept = []
        for node in reversed(self.nodes):
            if node.output[0] in wanted:
                wanted.update(node.input)
                kept.append(node)
        self.nodes = kept[::-1]

    def ends(self) -> list[Tensor]:
        """Return all tensors that nothing reads, or one behind them all."""
        self.drop_unread()
        read = {name for node in self.nodes for name in node.input}
        made = [tensor for tensor in dict.fromkeys(self.tensors) if tensor not in self.inputs]
        loose = [tensor for tensor in made if tensor[0] not in read]
        if self.random.random() < 0.5:
            return loose
        flat = [self.node("Flatten", [name], (1, prod(shape))) for name, shape in loose]
        width = sum(shape[1] for _, shape in flat)
        joined = self.node("Concat", [name for name, _ in flat], (1, width), axis=1)
        names = [joined[0], self.constant(self.integers(2, width)), self.constant(self.biases(2))]
        return [self.node("Gemm", names, (1, 2), transB=1)]

    def model(self) -> onnx.ModelProto:
        """Return the graph as a model."""
        ends = self.ends()
        sides = [
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in side]
            for side in (self.inputs, ends)
        ]
        graph = helper.make_graph(self.nodes, "drawn", *sides, self.constants)
        opset = [helper.make_opsetid("", 17)]
        return helper.make_model(graph, opset_imports=opset, ir_version=8)


@st.composite
def graphs(draw: st.DrawFn) -> onnx.ModelProto:
    """Draw a graph with one to three input numbers, in one or two inputs, and a few units."""
    drawing = GraphDrawing(draw(st.randoms(use_true_random=True)))
    for shape in draw(st.sampled_from(INPUTS)):
        drawing.input(shape)
    most = draw(st.integers(2, 10))
    while drawing.units < most:
        drawing.grow()
    return drawing.model()


def number_of_inputs(model: onnx.ModelProto) -> int:
    """Return how many numbers all inputs of a drawn graph have together."""
    shapes = [value.type.tensor_type.shape.dim for value in model.graph.input]
    return sum(prod(d.dim_value for d in dims) for dims in shapes)
