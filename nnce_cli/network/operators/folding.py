"""Operators on constants alone: arithmetic with shapes, and what exporters leave of constants."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.network.affine_tensor import AffineTensor, broadcast, common_shape, constant
from nnce_cli.network.element_types import INTEGERS
from nnce_cli.network.exact import aligned, nearest, nearest_root, rationals
from nnce_cli.network.node import Node
from nnce_cli.network.operators.arguments import constant_integers, constant_values, is_integer
from nnce_cli.network.operators.reductions import reduced_axes
from nnce_cli.network.operators.registry import CONSTANTS, LINEAR, operator
from nnce_cli.network.sparse import EXACT, limit_entries

ROOTS = "its root is irrational in general; it is taken as its nearest float64"


@operator(CONSTANTS, "Constant", 0, 0)
def _constant(node: Node) -> AffineTensor:
    for name, value in node.attributes.items():
        if isinstance(value, AffineTensor):
            return value
        if name in ("value_float", "value_floats"):
            numbers = np.array(value, dtype=np.float64)
            if not np.isfinite(numbers).all():
                raise InputError("it holds a number that is not finite")
            return constant(numbers, "float32")
        if name in ("value_int", "value_ints"):
            return constant(np.array(value, dtype=np.int64), "int64")
    raise InputError("it holds no tensor of numbers")


@operator(LINEAR, "Shape", 1, 1)
def _shape(node: Node, x: AffineTensor) -> AffineTensor:
    end = node.integer("end", len(x.shape))
    return constant(np.array(x.shape[node.integer("start", 0) : end], dtype=np.int64), "int64")


@operator(LINEAR, "Size", 1, 1)
def _size(node: Node, x: AffineTensor) -> AffineTensor:
    return constant(np.array(x.size, dtype=np.int64), "int64")


@operator(CONSTANTS, "ConstantOfShape", 1, 1)
def _constant_of_shape(node: Node, shape: AffineTensor) -> AffineTensor:
    target = constant_integers(shape, "shape")
    if min(target, default=1) < 0:
        raise InputError(f"it makes the shape {target}")
    limit_entries(math.prod(target))
    value = node.attributes.get("value")
    if value is None:
        return constant(np.zeros(target), "float32")
    if not isinstance(value, AffineTensor) or value.size != 1:
        raise InputError("its value is not one number")
    return constant(np.full(target, value.offset.ravel()[0]), value.element_type)


@operator(CONSTANTS, "Range", 3, 3)
def _range(node: Node, *ends: AffineTensor) -> AffineTensor:
    if any(x.size != 1 for x in ends) or len({x.element_type for x in ends}) > 1:
        raise InputError("its start, limit and delta are not one number each, of one type")
    start, limit, delta = (x.offset.ravel().tolist()[0] for x in ends)
    if not delta:
        raise InputError("its delta is zero")
    count = max(0, math.ceil((limit - start) / delta))
    limit_entries(count)
    steps = np.arange(count)
    if is_integer(ends[0]):
        return constant(steps * delta + start, ends[0].element_type)
    terms = EXACT.multiply(steps.astype(np.float64), np.array(delta))
    return constant(EXACT.add(terms, np.array(start)), ends[0].element_type)


@operator(CONSTANTS, "EyeLike", 1, 1)
def _eye_like(node: Node, x: AffineTensor) -> AffineTensor:
    if len(x.shape) != 2:
        raise InputError(f"it makes a matrix like {list(x.shape)}")
    return constant(np.eye(*x.shape, k=node.integer("k", 0)), x.element_type)


@operator(CONSTANTS, "Mod", 2, 2)
def _mod(node: Node, a: AffineTensor, b: AffineTensor) -> AffineTensor:
    if not is_integer(a) or not is_integer(b) or not b.offset.all():
        raise InputError("it is no remainder of integers")
    function = np.fmod if node.integer("fmod", 0) else np.mod
    return _elementwise(function, a, b)


@operator(CONSTANTS, "Pow", 2, 2)
def _pow(node: Node, x: AffineTensor, exponent: AffineTensor) -> AffineTensor:
    power = exponent.offset.ravel().tolist()
    if len(power) != 1 or power[0] not in (1, 2, 3, 0.5, -0.5, -1):
        raise InputError("it is none of the powers 1, 2, 3, 1/2, -1/2 and -1 of a constant")
    if is_integer(x):
        return replace(x, offset=np.asarray(x.offset ** int(power[0])))
    found = _root(x.offset) if abs(power[0]) == 0.5 else x.offset
    for _ in range(int(abs(power[0])) - 1):
        found = EXACT.multiply(found, x.offset)
    return replace(x, offset=_inverse(found) if power[0] < 0 else found)


@operator(CONSTANTS, "Sqrt", 1, 1, note=ROOTS)
def _sqrt(node: Node, x: AffineTensor) -> AffineTensor:
    return replace(x, offset=_root(x.offset))


@operator(CONSTANTS, "Reciprocal", 1, 1)
def _reciprocal(node: Node, x: AffineTensor) -> AffineTensor:
    return replace(x, offset=_inverse(x.offset))


def _root(values: NDArray[Any]) -> NDArray[Any]:
    """Return the nearest float64 to each root."""
    if (nearest(values) < 0).any():
        raise InputError("it takes the root of a negative number")
    if values.dtype != np.object_:
        return np.asarray(np.sqrt(values))
    return np.array([nearest_root(v) for v in values.ravel().tolist()]).reshape(values.shape)


def _inverse(values: NDArray[Any]) -> NDArray[Any]:
    if not (values != 0).all():
        raise InputError("it divides by zero")
    return EXACT.divide(np.ones(values.shape), values)


@operator(CONSTANTS, "Floor", 1, 1)
def _floor(node: Node, x: AffineTensor) -> AffineTensor:
    return _rounded(x, lambda v: v.floor(), np.floor)


@operator(CONSTANTS, "Ceil", 1, 1)
def _ceil(node: Node, x: AffineTensor) -> AffineTensor:
    return _rounded(x, lambda v: v.ceil(), np.ceil)


def _rounded(x: AffineTensor, exact: Callable[[Any], Any], function: Any) -> AffineTensor:
    if x.offset.dtype != np.object_:
        return replace(x, offset=function(x.offset))
    values = [float(int(exact(v))) for v in x.offset.ravel().tolist()]
    return replace(x, offset=np.array(values).reshape(x.shape))


@operator(CONSTANTS, "ReduceProd", 1, 2)
def _reduce_prod(node: Node, x: AffineTensor, given: AffineTensor | None) -> AffineTensor:
    axes = reduced_axes(node, given, len(x.shape))
    if axes is None:
        return x
    if not is_integer(x):
        raise InputError("it multiplies numbers that are no integers")
    keep = bool(node.integer("keepdims", 1))
    return replace(x, offset=x.offset.prod(axis=tuple(axes), keepdims=keep))


@operator(CONSTANTS, "NonZero", 1, 1)
def _non_zero(node: Node, x: AffineTensor) -> AffineTensor:
    return constant(np.array(np.nonzero(x.offset)), "int64")


# Truth values.


@operator(CONSTANTS, "And", 2, 2)
def _and(node: Node, a: AffineTensor, b: AffineTensor) -> AffineTensor:
    return _elementwise(np.logical_and, a, b, "bool")


@operator(CONSTANTS, "Or", 2, 2)
def _or(node: Node, a: AffineTensor, b: AffineTensor) -> AffineTensor:
    return _elementwise(np.logical_or, a, b, "bool")


@operator(CONSTANTS, "Equal", 2, 2)
def _equal(node: Node, a: AffineTensor, b: AffineTensor) -> AffineTensor:
    return _elementwise(np.equal, a, b, "bool")


def compared(op_type: str, a: AffineTensor, b: AffineTensor) -> AffineTensor:
    """Return what Greater, Less and their like say of two constants."""
    functions: dict[str, Any] = {
        "Greater": np.greater,
        "GreaterOrEqual": np.greater_equal,
        "Less": np.less,
        "LessOrEqual": np.less_equal,
    }
    return _elementwise(functions[op_type], a, b, "bool")


def _elementwise(
    function: Any, a: AffineTensor, b: AffineTensor, element_type: str = ""
) -> AffineTensor:
    shape = common_shape(a.shape, b.shape)
    left, right = aligned(broadcast(a, shape).offset, broadcast(b, shape).offset)
    return constant(np.asarray(function(left, right)), element_type or a.element_type)


# Integers for weights.


@operator(CONSTANTS, "DequantizeLinear", 2, 3)
def _dequantize(
    node: Node, x: AffineTensor, factor: AffineTensor, zero: AffineTensor | None
) -> AffineTensor:
    """Return ``(x - zero) * factor``, along an axis where there are several factors."""
    if not is_integer(x) or node.integer("block_size", 0):
        raise InputError("it scales something else than integers, or blocks of them")
    shape = _along(node, x, factor)
    shift = np.zeros((), np.int64) if zero is None else zero.offset
    steps = x.offset - (shift.reshape(shape) if shift.size > 1 else shift)
    found = EXACT.multiply(steps.astype(np.float64), factor.offset.reshape(shape))
    return constant(found, factor.element_type)


@operator(CONSTANTS, "QuantizeLinear", 2, 3)
def _quantize(
    node: Node, x: AffineTensor, factor: AffineTensor, zero: AffineTensor | None
) -> AffineTensor:
    """Return ``round(x / factor) + zero``, to even at a tie, within the integers of the type."""
    target = "uint8" if zero is None else zero.element_type
    if target not in INTEGERS or node.integer("block_size", 0):
        raise InputError(f"it quantises to {target}, or in blocks")
    shape = _along(node, x, factor)
    if not (factor.offset != 0).all():
        raise InputError("its scale is zero")
    ratio = rationals(EXACT.divide(x.offset, factor.offset.reshape(shape)))
    steps = [round(Fraction(int(v.p), int(v.q))) for v in ratio.ravel().tolist()]
    limits = np.iinfo(target)
    shift = np.zeros((), np.int64) if zero is None else zero.offset
    shift = shift.reshape(shape) if shift.size > 1 else shift
    found = np.clip(
        np.array(steps, dtype=object).reshape(ratio.shape) + shift, limits.min, limits.max
    )
    return constant(found.astype(np.int64), target)


def _along(node: Node, x: AffineTensor, factor: AffineTensor) -> tuple[int, ...]:
    """Return the shape in which factors along an axis broadcast to x."""
    constant_values(factor, "scale")
    if factor.size == 1:
        return ()
    axis = node.integer("axis", 1)
    axis = axis + len(x.shape) if axis < 0 else axis
    if not 0 <= axis < len(x.shape) or factor.shape != (x.shape[axis],):
        raise InputError(f"its scale of shape {list(factor.shape)} does not fit {list(x.shape)}")
    return tuple(-1 if i == axis else 1 for i in range(len(x.shape)))
