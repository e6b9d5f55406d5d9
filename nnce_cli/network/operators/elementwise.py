"""Sums, products and quotients, entry by entry; casts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.network.affine_tensor import (
    AffineTensor,
    add,
    common_shape,
    constant,
    divide,
    multiply,
    reshape,
    scale,
)
from nnce_cli.network.element_types import ELEMENT_TYPES, INTEGERS, UNIT_ROUNDOFF
from nnce_cli.network.exact import nearest
from nnce_cli.network.node import Node
from nnce_cli.network.operators.arguments import is_integer
from nnce_cli.network.operators.registry import LINEAR, MANY, operator
from nnce_cli.network.sparse import EXACT


@operator(LINEAR, "Add", 2, 2)
def _add(node: Node, a: AffineTensor, b: AffineTensor) -> AffineTensor:
    return _integers(np.add, a, b) if _both_integers(a, b) else add(a, b)


@operator(LINEAR, "Sub", 2, 2)
def _sub(node: Node, a: AffineTensor, b: AffineTensor) -> AffineTensor:
    return _integers(np.subtract, a, b) if _both_integers(a, b) else add(a, scale(b, -1.0))


@operator(LINEAR, "Mul", 2, 2)
def _mul(node: Node, a: AffineTensor, b: AffineTensor) -> AffineTensor:
    return _integers(np.multiply, a, b) if _both_integers(a, b) else multiply(a, b)


@operator(LINEAR, "Div", 2, 2)
def _div(node: Node, a: AffineTensor, b: AffineTensor) -> AffineTensor:
    if not _both_integers(a, b):
        return divide(a, b)
    if not b.offset.all():
        raise InputError("it divides by zero")
    return _integers(_truncated, a, b)


@operator(LINEAR, "Neg", 1, 1)
def _neg(node: Node, x: AffineTensor) -> AffineTensor:
    return replace(x, offset=-x.offset) if is_integer(x) else scale(x, -1.0)


@operator(LINEAR, "Sum", 1, MANY)
def _sum(node: Node, parts: list[AffineTensor]) -> AffineTensor:
    total = parts[0]
    for part in parts[1:]:
        total = add(total, part)
    return total


@operator(LINEAR, "Mean", 1, MANY)
def _mean(node: Node, parts: list[AffineTensor]) -> AffineTensor:
    total = _sum(node, parts)
    return divide(total, constant(np.array(float(len(parts))), total.element_type))


@operator(LINEAR, "Identity", 1, 1)
def _identity(node: Node, x: AffineTensor) -> AffineTensor:
    return x


@operator(LINEAR, "Dropout", 1, 3)
def _dropout(
    node: Node, x: AffineTensor, ratio: AffineTensor | None, training: AffineTensor | None
) -> AffineTensor:
    if training is not None and (not training.is_constant or bool(training.offset.any())):
        raise InputError("it is in training mode; export the model for inference")
    return x


@operator(LINEAR, "Cast", 1, 1)
def _cast(node: Node, x: AffineTensor) -> AffineTensor:
    """Change the element type.

    A constant is rounded to the type as ONNX says. Of a value that depends on the input, a cast
    to a float type changes the precision of the arithmetic only, which is no part of the exact
    network; a cast to integers is there to round, so it is refused.
    """
    code = node.integer("to", 0)
    target = ELEMENT_TYPES.get(code)
    if target is None:
        raise InputError(f"it casts to ONNX's element type number {code}, which nnce does not read")
    return cast(x, target)


@operator(LINEAR, "CastLike", 2, 2)
def _cast_like(node: Node, x: AffineTensor, like: AffineTensor) -> AffineTensor:
    return cast(x, like.element_type)


def cast(x: AffineTensor, target: str) -> AffineTensor:
    """Return x with another element type."""
    if target == x.element_type:
        return x
    if x.is_constant:
        return constant(_cast_constant(x, target), target)
    if target not in UNIT_ROUNDOFF:
        raise InputError(f"it rounds values that depend on the input to {target}")
    types = x.element_types | {target}
    return replace(x, element_type=target, element_types=types, roundings=x.roundings + 1)


def _cast_constant(x: AffineTensor, target: str) -> NDArray[Any]:
    """Return the values of a constant as ONNX casts them to another type."""
    if x.offset.dtype == np.object_:
        raise InputError(f"it rounds the exact result of constant arithmetic to {target}")
    if target == "bool":
        return np.asarray(x.offset != 0)
    if target == "bfloat16":
        raise InputError(f"it casts a constant from {x.element_type} to {target}")
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = np.trunc(x.offset) if target in INTEGERS else x.offset
        rounded = rounded.astype(target)
    if target in INTEGERS:
        if not np.array_equal(rounded, np.trunc(x.offset)):
            raise InputError(f"it casts a constant that does not fit in {target}")
        return rounded.astype(np.int64)
    if not np.isfinite(rounded).all():
        raise InputError(f"it casts a constant that is out of the range of {target}")
    return rounded.astype(np.float64)


@operator(
    LINEAR,
    "BatchNormalization",
    5,
    5,
    note=(
        "its factors scale / sqrt(var + epsilon) are irrational in general; each is taken as "
        "float64 computes it, the sum, the root and the quotient rounded once to the nearest"
    ),
)
def _batch_normalization(
    node: Node,
    x: AffineTensor,
    factor: AffineTensor,
    bias: AffineTensor,
    mean: AffineTensor,
    variance: AffineTensor,
) -> AffineTensor:
    """Return ``(x - mean) * (factor / sqrt(variance + epsilon)) + bias``, channel by channel.

    The quotient is irrational in general. By definition it is what float64 makes of it: the sum,
    the root and the quotient are each rounded once, to the nearest.
    """
    if node.integer("training_mode", 0) or not node.integer("spatial", 1):
        raise InputError("it is in training mode or not spatial; export the model for inference")
    parameters = (factor, bias, mean, variance)
    if len(x.shape) < 2 or any(p.shape != (x.shape[1],) for p in parameters):
        raise InputError(
            f"an input of shape {list(x.shape)} does not fit parameters of shapes "
            f"{[list(p.shape) for p in parameters]}"
        )
    if not all(p.is_constant for p in parameters):
        raise InputError("its scale, bias, mean or variance depends on the input")
    # ONNX's attributes are float32, and so are their defaults.
    epsilon = np.array([node.number("epsilon", float(np.float32(1e-5)))])
    total = nearest(EXACT.add(variance.offset, epsilon))
    if (nearest(variance.offset) < 0).any() or (total <= 0).any():
        raise InputError("its variance is negative, or zero with an epsilon of zero")
    with np.errstate(over="ignore"):
        quotient = nearest(EXACT.divide(factor.offset, np.sqrt(total)))
    if not np.isfinite(quotient).all():
        raise InputError("a factor scale / sqrt(var + epsilon) is out of the range of float64")
    channels = (x.shape[1], *(1,) * (len(x.shape) - 2))
    shift, times, start = (
        reshape(p, channels) for p in (mean, replace(factor, offset=quotient), bias)
    )
    return add(multiply(add(x, scale(shift, -1.0)), times), start)


@operator(LINEAR, "ai.onnx.ml::Scaler", 1, 1)
def _scaler(node: Node, x: AffineTensor) -> AffineTensor:
    """Return ``(x - offset) * scale``, feature by feature."""
    offset, factor = node.numbers("offset"), node.numbers("scale")
    for name, values in (("offset", offset), ("scale", factor)):
        if len(values) not in (0, 1, x.shape[-1] if x.shape else 1):
            raise InputError(f"its {name} has {len(values)} numbers for {list(x.shape)}")
    if offset:
        x = add(x, constant(-np.array(offset), x.element_type))
    return multiply(x, constant(np.array(factor), x.element_type)) if factor else x


def _both_integers(a: AffineTensor, b: AffineTensor) -> bool:
    return a.is_constant and b.is_constant and a.element_type == b.element_type and is_integer(a)


def _integers(function: Any, a: AffineTensor, b: AffineTensor) -> AffineTensor:
    """Return what NumPy makes of two integer constants."""
    common_shape(a.shape, b.shape)
    with np.errstate(over="ignore"):
        return replace(a, offset=np.asarray(function(a.offset, b.offset)).astype(np.int64))


def _truncated(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return integer quotients rounded towards zero, as in C."""
    quotient = np.abs(a) // np.abs(b)
    return np.asarray(np.where((a < 0) != (b < 0), -quotient, quotient))
