"""Operators that work entry by entry, on numbers and on truth values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import fmpq

from nnce_cli.verify.graph.node import (
    Node,
    Tensor,
    UnknownError,
    computes,
    exact,
    floats,
    is_float,
    objects,
)

FLOATS = {1: np.float32, 10: np.float16, 11: np.float64}
INTEGERS = {2: "u1", 3: "i1", 4: "u2", 5: "i2", 6: "i4", 7: "i8", 12: "u4", 13: "u8"}
INT64, BOOL, FLOAT64 = 7, 9, 11


@computes("Add")
def _add(node: Node, a: Tensor, b: Tensor) -> Tensor:
    return a + b


@computes("Sub")
def _sub(node: Node, a: Tensor, b: Tensor) -> Tensor:
    return a - b


@computes("Div")
def _div(node: Node, a: Tensor, b: Tensor) -> Tensor:
    if is_float(a):
        return a / b
    quotient = np.abs(a) // np.abs(b)  # towards zero, as in C
    return np.where((a < 0) != (b < 0), -quotient, quotient)


@computes("Neg")
def _neg(node: Node, x: Tensor) -> Tensor:
    return -x


@computes("Sum")
def _sum(node: Node, *parts: Tensor) -> Tensor:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


@computes("Mean")
def _mean(node: Node, *parts: Tensor) -> Tensor:
    return np.asarray(_sum(node, *parts) / fmpq(len(parts)))


@computes("Identity")
def _identity(node: Node, x: Tensor) -> Tensor:
    return x


@computes("Dropout")
def _dropout(node: Node, x: Tensor, ratio: Tensor | None = None, training: Any = None) -> Tensor:
    if training is not None and bool(np.asarray(training).any()):
        raise UnknownError("it is in training mode")
    return x


def as_type(x: Tensor, target: int, *, varies: bool) -> Tensor:
    """Return x as a type: constants are rounded to it, and what varies is exact in any."""
    if target == BOOL:
        return np.asarray(x != 0, dtype=np.bool_)
    if target in FLOATS:
        if varies or not is_float(x):
            return exact(x)
        return exact(floats(x).astype(FLOATS[target]))
    if target in INTEGERS and not varies:
        return np.trunc(floats(x)).astype(np.int64) if is_float(x) else x.astype(np.int64)
    raise UnknownError(f"it casts to the type number {target}")


@computes("BatchNormalization")
def _batch_normalization(
    node: Node, x: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, variance: Tensor
) -> Tensor:
    """The factor is by definition what float64 makes of it: three operations, each rounded."""
    if node.get("training_mode", 0) or not node.get("spatial", 1):
        raise UnknownError("it is in training mode, or not spatial")
    epsilon = exact(np.array(node.get("epsilon", float(np.float32(1e-5)))))
    total = exact(floats(variance + epsilon[()]))
    root = exact(np.sqrt(floats(total)))
    factor = exact(floats(scale / root))
    shape = (-1,) + (1,) * (x.ndim - 2)
    shift, factor, bias = (part.reshape(shape) for part in (mean, factor, bias))
    return (x - shift) * factor + bias


@computes("ai.onnx.ml::Scaler")
def _scaler(node: Node, x: Tensor) -> Tensor:
    offset = exact(np.array(node.get("offset", [0.0])))
    return (exact(x) - offset) * exact(np.array(node.get("scale", [1.0])))


# Of constants.


@computes("Sqrt", of_constants=True)
def _sqrt(node: Node, x: Tensor) -> Tensor:
    """The root of a constant, by definition the nearest float64."""
    return objects([_root(value) for value in x.ravel().tolist()], x.shape)


def _root(value: fmpq) -> fmpq:
    """Return the float64 nearest to a root: the floor of it with many more bits, and a last one."""
    p, q = int(value.p), int(value.q)
    shift = 2 * max(0, 70 - (p.bit_length() - q.bit_length()) // 2)
    floor = math.isqrt((p << shift) // q)
    is_whole = floor * floor * q == p << shift
    return fmpq(*((2 * floor + (not is_whole)) / (1 << (shift // 2 + 1))).as_integer_ratio())


@computes("Pow", of_constants=True)
def _pow(node: Node, x: Tensor, power: Tensor) -> Tensor:
    [exponent] = floats(np.asarray(power)).ravel().tolist()
    base = _sqrt(node, x) if abs(exponent) == 0.5 else x
    times = 1 if abs(exponent) == 0.5 else int(abs(exponent))
    if abs(exponent) not in (0.5, times):
        raise UnknownError(f"it is the power {exponent}")
    found = np.ones_like(x) if times == 0 else base
    for _ in range(times - 1):
        found = found * base
    return 1 / found if exponent < 0 else found


@computes("Reciprocal", of_constants=True)
def _reciprocal(node: Node, x: Tensor) -> Tensor:
    return 1 / x


@computes("Floor", of_constants=True)
def _floor(node: Node, x: Tensor) -> Tensor:
    return objects([fmpq(int(v.floor())) for v in x.ravel().tolist()], x.shape)


@computes("Ceil", of_constants=True)
def _ceil(node: Node, x: Tensor) -> Tensor:
    return objects([fmpq(int(v.ceil())) for v in x.ravel().tolist()], x.shape)


@computes("Mod", of_constants=True)
def _mod(node: Node, a: Tensor, b: Tensor) -> Tensor:
    return np.asarray(np.fmod(a, b) if node.get("fmod", 0) else np.mod(a, b))


@computes("DequantizeLinear")
def _dequantize(node: Node, x: Tensor, scale: Tensor, zero: Tensor | None = None) -> Tensor:
    steps = exact(x) if zero is None else exact(x) - exact(_along(node, x, zero))
    return steps * _along(node, x, scale)


def _along(node: Node, x: Tensor, parameter: Tensor) -> Tensor:
    """Shape a parameter of a channel each to be broadcast along the node's axis."""
    if parameter.size == 1:
        return parameter.reshape(())
    shape = [1] * x.ndim
    shape[node.get("axis", 1)] = -1
    return parameter.reshape(shape)


# Truth values.


@computes("And", of_constants=True)
def _and(node: Node, a: Tensor, b: Tensor) -> Tensor:
    return np.logical_and(a, b)


@computes("Or", of_constants=True)
def _or(node: Node, a: Tensor, b: Tensor) -> Tensor:
    return np.logical_or(a, b)


@computes("Equal", of_constants=True)
def _equal(node: Node, a: Tensor, b: Tensor) -> Tensor:
    return np.asarray(a == b, dtype=np.bool_)
