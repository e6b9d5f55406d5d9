"""The operators that nnce reads, one small function each, in the table ``OPERATORS``.

A function gets the node and its input tensors and returns the tensor of its first output.
Tensors are affine functions of the last ReLU's output or constants (``affine_tensor``), so
one function serves for the running value and for folding constants. ReLU itself is not here:
it starts a new layer (``layers``). In exact arithmetic a network has no rounding: weights of any
float type are the rational numbers that they are, and constants are folded exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nnce_cli.base.errors import InputError
from nnce_cli.network.affine_tensor import (
    AffineTensor,
    add,
    divide,
    matmul,
    multiply,
    reshape,
    transpose,
)
from nnce_cli.network.element_types import ELEMENT_TYPES, UNIT_ROUNDOFF
from nnce_cli.network.exact import nearest_root, rationals
from nnce_cli.network.node import Node

Handler = Callable[..., AffineTensor]


@dataclass(frozen=True)
class Operator:
    """How to read an operator that takes ``least`` to ``most`` inputs; the rest are None."""

    handler: Handler
    least: int
    most: int

    def apply(self, node: Node, inputs: list[AffineTensor | None]) -> AffineTensor:
        """Return the node's first output.

        Raises:
            InputError: if the node cannot be read; the message does not name the node.
        """
        if not self.least <= len(inputs) <= self.most or any(
            x is None for x in inputs[: self.least]
        ):
            raise InputError(f"it has {len(inputs)} inputs, not {self.least} to {self.most}")
        return self.handler(node, *inputs, *[None] * (self.most - len(inputs)))


OPERATORS: dict[str, Operator] = {}

NOTES = {
    "BatchNormalization": (
        "its factors scale / sqrt(var + epsilon) are irrational in general; each is taken as "
        "its nearest float64"
    )
}
"""What is a matter of definition in reading an operator, for people."""


def operator(op_type: str, least: int, most: int) -> Callable[[Handler], Handler]:
    """Enter a function in the table of operators."""

    def enter(handler: Handler) -> Handler:
        OPERATORS[op_type] = Operator(handler, least, most)
        return handler

    return enter


@operator("Add", 2, 2)
def _add(node: Node, a: AffineTensor, b: AffineTensor) -> AffineTensor:
    return add(a, b)


@operator("Sub", 2, 2)
def _sub(node: Node, a: AffineTensor, b: AffineTensor) -> AffineTensor:
    return add(a, _scale(b, -1.0))


@operator("Mul", 2, 2)
def _mul(node: Node, a: AffineTensor, b: AffineTensor) -> AffineTensor:
    return multiply(a, b)


@operator("Div", 2, 2)
def _div(node: Node, a: AffineTensor, b: AffineTensor) -> AffineTensor:
    return divide(a, b)


@operator("Neg", 1, 1)
def _neg(node: Node, x: AffineTensor) -> AffineTensor:
    return _scale(x, -1.0)


@operator("MatMul", 2, 2)
def _matmul(node: Node, a: AffineTensor, b: AffineTensor) -> AffineTensor:
    return matmul(a, b)


@operator("Gemm", 2, 3)
def _gemm(node: Node, a: AffineTensor, b: AffineTensor, c: AffineTensor | None) -> AffineTensor:
    if len(a.shape) != 2 or len(b.shape) != 2:
        raise InputError(f"it multiplies the shapes {list(a.shape)} and {list(b.shape)}")
    a = transpose(a, (1, 0)) if node.integer("transA", 0) else a
    b = transpose(b, (1, 0)) if node.integer("transB", 0) else b
    product = _scale(matmul(a, b), node.number("alpha", 1.0))
    if c is None:
        return product
    total = add(product, _scale(c, node.number("beta", 1.0)))
    if total.shape != product.shape:
        raise InputError(f"C has the shape {list(c.shape)}, too large for {list(product.shape)}")
    return total


@operator("BatchNormalization", 5, 5)
def _batch_normalization(
    node: Node,
    x: AffineTensor,
    scale: AffineTensor,
    bias: AffineTensor,
    mean: AffineTensor,
    variance: AffineTensor,
) -> AffineTensor:
    """Return ``(x - mean) * factor + bias``, channel by channel (axis 1).

    The factor ``scale / sqrt(variance + epsilon)`` is irrational in general: it is rounded once
    to the nearest float64, and that number is the factor by definition.
    """
    if node.integer("training_mode", 0) or not node.integer("spatial", 1):
        raise InputError("it is in training mode or not spatial; export the model for inference")
    parameters = (scale, bias, mean, variance)
    if len(x.shape) < 2 or any(p.shape != (x.shape[1],) for p in parameters):
        raise InputError(
            f"an input of shape {list(x.shape)} does not fit parameters of shapes "
            f"{[list(p.shape) for p in parameters]}"
        )
    if any(p.source is not None for p in parameters):
        raise InputError("its scale, bias, mean or variance depends on the input")
    # ONNX's attributes are float32, and so are their defaults.
    [epsilon] = rationals(np.array([node.number("epsilon", float(np.float32(1e-5)))]))
    factors = []
    for s, v in zip(rationals(scale.offset), rationals(variance.offset), strict=True):
        if v < 0 or v + epsilon <= 0:
            raise InputError("its variance is negative, or zero with an epsilon of zero")
        root = nearest_root(s * s / (v + epsilon))
        factors.append(root if s >= 0 else -root)
    factor = replace(scale, offset=np.array(factors))
    if not np.isfinite(factor.offset).all():
        raise InputError("a factor scale / sqrt(var + epsilon) is out of the range of float64")
    channels = (x.shape[1], *(1,) * (len(x.shape) - 2))
    mean, factor, bias = (reshape(p, channels) for p in (mean, factor, bias))
    return add(multiply(add(x, _scale(mean, -1.0)), factor), bias)


@operator("Identity", 1, 1)
def _identity(node: Node, x: AffineTensor) -> AffineTensor:
    return x


@operator("Dropout", 1, 3)
def _dropout(
    node: Node, x: AffineTensor, ratio: AffineTensor | None, training: AffineTensor | None
) -> AffineTensor:
    if training is not None and (training.source is not None or bool(training.offset.any())):
        raise InputError("it is in training mode; export the model for inference")
    return x


@operator("Cast", 1, 1)
def _cast(node: Node, x: AffineTensor) -> AffineTensor:
    """Change the element type.

    A constant is rounded to the type as ONNX says. Of a value that depends on the input, a cast
    to float32 or float64 changes the precision of the arithmetic only, which is no part of the
    exact network; a cast to float16, bfloat16 or integers is there to round, so it is refused.
    """
    code = node.integer("to", 0)
    target = ELEMENT_TYPES.get(code)
    if target is None:
        raise InputError(f"it casts to ONNX's element type number {code}, which nnce does not read")
    if target == x.element_type:
        return x
    if x.source is not None and target not in ("float32", "float64"):
        raise InputError(f"it rounds values that depend on the input to {target}")
    if x.source is not None:
        return replace(x, element_type=target)
    return replace(x, element_type=target, offset=_cast_constant(x, target))


@operator("Constant", 0, 0)
def _constant(node: Node) -> AffineTensor:
    for name, value in node.attributes.items():
        if isinstance(value, AffineTensor):
            return value
        if name in ("value_float", "value_floats"):
            numbers = np.array(value, dtype=np.float64)
            if not np.isfinite(numbers).all():
                raise InputError("it holds a number that is not finite")
            return AffineTensor(numbers, "float32")
        if name in ("value_int", "value_ints"):
            return AffineTensor(np.array(value, dtype=np.int64), "int64")
    raise InputError("it holds no tensor of numbers")


@operator("Flatten", 1, 1)
def _flatten(node: Node, x: AffineTensor) -> AffineTensor:
    n = len(x.shape)
    axis = node.integer("axis", 1)
    if not -n <= axis <= n:
        raise InputError(f"its axis {axis} is not one of a tensor of shape {list(x.shape)}")
    axis = axis + n if axis < 0 else axis
    return reshape(x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))


@operator("Reshape", 2, 2)
def _reshape(node: Node, x: AffineTensor, shape: AffineTensor) -> AffineTensor:
    target = _constant_integers(shape, "shape")
    if not node.integer("allowzero", 0):
        if any(d == 0 and i >= len(x.shape) for i, d in enumerate(target)):
            raise InputError(f"the shape {list(x.shape)} cannot become {target}")
        target = [x.shape[i] if d == 0 else d for i, d in enumerate(target)]
    size = math.prod(x.shape)
    known = math.prod(d for d in target if d != -1)
    if target.count(-1) > 1 or any(d < -1 or d == 0 for d in target) or size % known:
        raise InputError(f"the shape {list(x.shape)} cannot become {target}")
    return reshape(x, tuple(size // known if d == -1 else d for d in target))


@operator("Squeeze", 1, 2)
def _squeeze(node: Node, x: AffineTensor, axes: AffineTensor | None) -> AffineTensor:
    given = _axes(node, axes)
    if given is None:
        return reshape(x, tuple(d for d in x.shape if d != 1))
    dropped = _positions(given, len(x.shape))
    if any(x.shape[i] != 1 for i in dropped):
        raise InputError(f"it drops an axis longer than 1 of the shape {list(x.shape)}")
    return reshape(x, tuple(d for i, d in enumerate(x.shape) if i not in dropped))


@operator("Unsqueeze", 1, 2)
def _unsqueeze(node: Node, x: AffineTensor, axes: AffineTensor | None) -> AffineTensor:
    given = _axes(node, axes)
    if given is None:
        raise InputError("it does not say which axes to insert")
    n = len(x.shape) + len(given)
    inserted = _positions(given, n)
    kept = iter(x.shape)
    return reshape(x, tuple(1 if i in inserted else next(kept) for i in range(n)))


@operator("Transpose", 1, 1)
def _transpose(node: Node, x: AffineTensor) -> AffineTensor:
    n = len(x.shape)
    axes = node.integers("perm")
    axes = list(range(n))[::-1] if axes is None else axes
    if sorted(axes) != list(range(n)):
        raise InputError(f"its perm {axes} is no permutation of the axes of {list(x.shape)}")
    return transpose(x, tuple(axes))


def _scale(x: AffineTensor, factor: float) -> AffineTensor:
    if factor == 1.0:
        return x
    return multiply(x, AffineTensor(np.array(factor), x.element_type))


def _cast_constant(x: AffineTensor, target: str) -> np.ndarray[Any, Any]:
    """Return the values of a constant as ONNX casts them to another type."""
    if x.offset.dtype == np.object_:
        raise InputError(f"it rounds the exact result of constant arithmetic to {target}")
    if target in ("bool", "bfloat16"):
        raise InputError(f"it casts a constant from {x.element_type} to {target}")
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = x.offset.astype(target)
    if target not in UNIT_ROUNDOFF:
        if not np.array_equal(rounded, x.offset):
            raise InputError(f"it casts a constant that does not fit in {target}")
        return rounded.astype(np.int64)
    if not np.isfinite(rounded).all():
        raise InputError(f"it casts a constant that is out of the range of {target}")
    return rounded.astype(np.float64)


def _constant_integers(x: AffineTensor, what: str) -> list[int]:
    if x.source is not None or x.element_type not in ("int32", "int64") or len(x.shape) > 1:
        raise InputError(f"its {what} is not a constant list of integers")
    return [int(i) for i in x.offset.ravel().tolist()]


def _axes(node: Node, axes: AffineTensor | None) -> list[int] | None:
    """Return the axes of Squeeze or Unsqueeze: an attribute before operator set 13, then an input.

    Whichever is there is taken: files that mix the two are read as they are meant.
    """
    return node.integers("axes") if axes is None else _constant_integers(axes, "axes")


def _positions(axes: list[int], n: int) -> set[int]:
    positions = {i + n if i < 0 else i for i in axes}
    if len(positions) != len(axes) or any(not 0 <= i < n for i in positions):
        raise InputError(f"its axes {axes} are not different axes of a tensor with {n} axes")
    return positions
