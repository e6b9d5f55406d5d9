"""The linear operators of ONNX on arrays of affine functions, in rational arithmetic.

A tensor is either an array of integers or booleans (shapes, indices), or an array of *forms*: one
more axis, the last, has the coefficients of an affine function and then its constant, each a
flint rational. So an operator that moves numbers about moves rows of coefficients about, and one
that adds numbers adds rows. Quotients are exact; the factor of a batch normalisation is rounded
as the networks with known cells have it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
from flint import fmpq
from onnx import NodeProto, helper, numpy_helper

Array = np.ndarray
Forms = np.ndarray
Operator = Callable[..., Any]

LINEAR: dict[str, Operator] = {}


class Node:
    """A node of the graph: its operator, the names of its tensors, its attributes."""

    def __init__(self, proto: NodeProto) -> None:
        self.operator = proto.op_type
        self.inputs, self.outputs = list(proto.input), list(proto.output)
        self.attributes = {a.name: helper.get_attribute_value(a) for a in proto.attribute}

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute."""
        return self.attributes.get(name, default)

    def either(self, value: Array | None, name: str, default: Any = None) -> Any:
        """Return what newer files have as an input, and older ones as an attribute."""
        return self.get(name, default) if value is None else numbers_of(value)


def linear(*operators: str) -> Callable[[Operator], Operator]:
    """Enter a function in the table of linear operators."""

    def enter(function: Operator) -> Operator:
        LINEAR.update(dict.fromkeys(operators, function))
        return function

    return enter


# Numbers, forms and shapes.


def rational(number: Any) -> fmpq:
    """Return a number as the rational number that it is."""
    return number if isinstance(number, fmpq) else fmpq(*float(number).as_integer_ratio())


def constants(numbers: Any, dimension: int) -> Forms:
    """Return numbers as forms in so many coordinates."""
    numbers = np.asarray(numbers)
    forms = np.full((*numbers.shape, dimension + 1), fmpq(0), dtype=object)
    exact = np.array([rational(t) for t in numbers.flat], dtype=object)
    forms[..., -1] = exact.reshape(numbers.shape)
    return forms


def is_forms(tensor: Array) -> bool:
    """Tell forms from integers."""
    return tensor.dtype == object


def is_constant(tensor: Array) -> bool:
    """Tell whether a tensor depends on no coordinate."""
    return not is_forms(tensor) or not np.any(tensor[..., :-1] != 0)


def numbers_of(tensor: Array) -> Array:
    """Return the rational numbers, or the integers, of a tensor that is constant."""
    assert is_constant(tensor), "a constant was expected"
    return tensor[..., -1] if is_forms(tensor) else tensor


def shape_of(tensor: Array) -> tuple[int, ...]:
    """Return the shape that the graph sees."""
    return tensor.shape[:-1] if is_forms(tensor) else tensor.shape


def reshaped(tensor: Array, shape: Sequence[int]) -> Array:
    """Return the tensor in another shape; one entry may be -1."""
    return tensor.reshape(*shape, *tensor.shape[len(shape_of(tensor)) :])


def integers(value: Any) -> list[int]:
    """Return integers, from an attribute or a tensor, as a list."""
    return [int(t) for t in np.atleast_1d(np.asarray(value))]


def axis_in(tensor: Array, axis: int) -> int:
    """Return an axis of the graph's tensor, counted from the first one."""
    return int(axis) % max(len(shape_of(tensor)), 1)


def broadcast(*tensors: Forms) -> list[Forms]:
    """Return forms in their common shape."""
    shape = np.broadcast_shapes(*map(shape_of, tensors))
    full = [reshaped(t, (1,) * (len(shape) - t.ndim + 1) + shape_of(t)) for t in tensors]
    return [np.broadcast_to(t, (*shape, t.shape[-1])) for t in full]


# Arithmetic. One factor of a product is constant.


@linear("Add", "Sum")
def add(node: Node, *terms: Array) -> Array:
    terms = tuple(broadcast(*terms)) if is_forms(terms[0]) else terms
    return sum(terms[1:], terms[0])


@linear("Sub")
def subtract(node: Node, a: Array, b: Array) -> Array:
    return add(node, a, -b)


@linear("Neg")
def negate(node: Node, a: Array) -> Array:
    return -a


@linear("Mul")
def multiply(node: Node, a: Array, b: Array) -> Array:
    if not is_forms(a):
        return a * b
    a, b = broadcast(a, b) if is_constant(b) else broadcast(b, a)
    return a * numbers_of(b)[..., None]


@linear("Div")
def divide(node: Node, a: Array, b: Array) -> Array:
    if not is_forms(a):
        return np.sign(a) * np.sign(b) * (abs(a) // abs(b))
    a, b = broadcast(a, b)
    return a / numbers_of(b)[..., None]


@linear("Mean")
def mean(node: Node, *terms: Forms) -> Forms:
    return add(node, *terms) / fmpq(len(terms))


@linear("MatMul")
def matmul(node: Node, a: Forms, b: Forms) -> Forms:
    if is_constant(b):
        columns = [a[..., k] @ numbers_of(b) for k in range(a.shape[-1])]
    else:
        columns = [numbers_of(a) @ b[..., k] for k in range(b.shape[-1])]
    return np.stack(columns, axis=-1)


@linear("Gemm")
def gemm(node: Node, a: Forms, b: Forms, c: Forms | None = None) -> Forms:
    a = a.swapaxes(0, 1) if node.get("transA", 0) else a
    b = b.swapaxes(0, 1) if node.get("transB", 0) else b
    product_ = matmul(node, a, b) * rational(node.get("alpha", 1.0))
    return product_ if c is None else add(node, product_, c * rational(node.get("beta", 1.0)))


@linear("BatchNormalization")
def batch_normalization(
    node: Node, x: Forms, scale: Forms, bias: Forms, average: Forms, variance: Forms
) -> Forms:
    """Each of the three operations of the factor is rounded once in float64; the rest is exact."""
    epsilon = float(node.get("epsilon", 1e-5))
    deviation = np.sqrt(np.array([to_float(t) for t in numbers_of(variance)]) + epsilon)
    factor = np.array([to_float(t) for t in numbers_of(scale)]) / deviation
    along = (-1,) + (1,) * (len(shape_of(x)) - 2)
    average, bias = (reshaped(t, along) for t in (average, bias))
    factor = np.array([rational(t) for t in factor], dtype=object).reshape(*along, 1)
    return add(node, subtract(node, x, average) * factor, bias)


def to_float(number: fmpq) -> float:
    """Return a rational number that is a float64."""
    return int(number.p) / int(number.q)


@linear("Scaler")
def scaler(node: Node, x: Forms) -> Forms:
    d = x.shape[-1] - 1
    offset, scale = (constants(node.get(name), d) for name in ("offset", "scale"))
    return multiply(node, subtract(node, x, offset), scale)


# Sums over axes.


def axes_of(node: Node, x: Array, axes: Array | None) -> tuple[int, ...]:
    """Return the axes of a reduction, an input or an attribute; all where none are given."""
    given = node.either(axes, "axes")
    rank = len(shape_of(x))
    return tuple(axis_in(x, a) for a in integers(given)) if given is not None else (*range(rank),)


@linear("ReduceSum")
def reduce_sum(node: Node, x: Array, axes: Array | None = None) -> Array:
    return x.sum(axis=axes_of(node, x, axes), keepdims=bool(node.get("keepdims", 1)))


@linear("ReduceMean")
def reduce_mean(node: Node, x: Forms, axes: Array | None = None) -> Forms:
    count = math.prod(shape_of(x)[a] for a in axes_of(node, x, axes))
    return reduce_sum(node, x, axes) / fmpq(count)


@linear("GlobalAveragePool")
def global_average_pool(node: Node, x: Forms) -> Forms:
    axes = tuple(range(2, len(shape_of(x))))
    return x.sum(axis=axes, keepdims=True) / fmpq(math.prod(shape_of(x)[2:]))


# Windows: convolutions and pooling.


def windows(node: Node, x: Array, kernel: Sequence[int], fill: Any, beyond: Any) -> Array:
    """Return what each place of the kernel sees: (places, n, c, *places of the window, …).

    The padding holds ``fill``, and what ``ceil_mode`` adds at the end holds ``beyond``. The last
    axis of ``x`` is left alone.
    """
    k = len(kernel)
    sizes = x.shape[2 : 2 + k]
    strides, dilations = node.get("strides", [1] * k), node.get("dilations", [1] * k)
    reach = [(size - 1) * dilation + 1 for size, dilation in zip(kernel, dilations, strict=True)]
    before, after = paddings(node, sizes, reach, strides)
    x = padded(x, before, after, fill)
    spans = [size - r for size, r in zip(x.shape[2 : 2 + k], reach, strict=True)]
    extra = [-span % stride for span, stride in zip(spans, strides, strict=True)]
    for a in range(k):  # a window more, which begins in front of the padding at the end
        if not node.get("ceil_mode", 0) or spans[a] + extra[a] >= sizes[a] + before[a]:
            extra[a] = 0
    x = padded(x, [0] * k, extra, beyond)
    counts = [(spans[a] + extra[a]) // strides[a] + 1 for a in range(k)]
    views = []
    for place in product(*map(range, kernel)):
        starts = [p * dilation for p, dilation in zip(place, dilations, strict=True)]
        parts = [
            slice(start, start + (count - 1) * stride + 1, stride)
            for start, count, stride in zip(starts, counts, strides, strict=True)
        ]
        views.append(x[:, :, *parts])
    return np.stack(views)


def paddings(
    node: Node, sizes: Sequence[int], reach: Sequence[int], strides: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Return how much padding stands before and after each axis."""
    mode, k = node.get("auto_pad", b"NOTSET").decode(), len(sizes)
    if mode.startswith("SAME"):
        totals = [
            max((-(-size // stride) - 1) * stride + r - size, 0)
            for size, r, stride in zip(sizes, reach, strides, strict=True)
        ]
        small, large = [t // 2 for t in totals], [t - t // 2 for t in totals]
        return (small, large) if mode == "SAME_UPPER" else (large, small)
    pads = [0] * (2 * k) if mode == "VALID" else list(node.get("pads", [0] * (2 * k)))
    return pads[:k], pads[k:]


def padded(x: Array, before: Sequence[int], after: Sequence[int], fill: Any) -> Array:
    """Return ``x`` with ``fill`` around it along the axes from the third one on."""
    k = len(before)
    shape = list(x.shape)
    for a in range(k):
        shape[2 + a] += before[a] + after[a]
    result = np.full(shape, fill, dtype=x.dtype)
    inside = [slice(b, b + size) for b, size in zip(before, x.shape[2 : 2 + k], strict=True)]
    result[:, :, *inside] = x
    return result


@linear("Conv")
def conv(node: Node, x: Forms, weight: Forms, bias: Forms | None = None) -> Forms:
    """Add up, over the places of the kernel, the weights there times what is seen there."""
    w = numbers_of(weight)
    groups, kernel = node.get("group", 1), w.shape[2:]
    seen = windows(node, x, kernel, fmpq(0), fmpq(0))
    seen = seen.reshape(len(seen), len(x), groups, -1, *seen.shape[3:])
    w = w.reshape(groups, w.shape[0] // groups, w.shape[1], -1)
    parts = [  # (outputs, n, places of the window, coefficients) of each group
        sum(
            np.tensordot(w[g, :, :, place], seen[place, :, g], axes=(1, 1))
            for place in range(len(seen))
        )
        for g in range(groups)
    ]
    z = np.moveaxis(np.concatenate(parts), 0, 1)
    return z if bias is None else add(node, z, reshaped(bias, (-1,) + (1,) * len(kernel)))


@linear("ConvTranspose")
def conv_transpose(node: Node, x: Forms, weight: Forms, bias: Forms | None = None) -> Forms:
    """Add what each place of the input spreads over the output, then cut the padding off."""
    w = numbers_of(weight)
    kernel, k = w.shape[2:], w.ndim - 2
    assert node.get("group", 1) == 1, "no groups"
    assert node.get("auto_pad", b"NOTSET") == b"NOTSET", "no auto_pad"
    strides, dilations = node.get("strides", [1] * k), node.get("dilations", [1] * k)
    pads, more = node.get("pads", [0] * (2 * k)), node.get("output_padding", [0] * k)
    sizes = shape_of(x)[2:]
    full = [
        (size - 1) * stride + (places - 1) * dilation + 1 + extra
        for size, stride, places, dilation, extra in zip(
            sizes, strides, kernel, dilations, more, strict=True
        )
    ]
    z = np.full((len(x), w.shape[1], *full, x.shape[-1]), fmpq(0), dtype=object)
    for place in product(*map(range, kernel)):
        parts = [
            slice(p * dilation, p * dilation + (size - 1) * stride + 1, stride)
            for p, dilation, size, stride in zip(place, dilations, sizes, strides, strict=True)
        ]
        spread = np.tensordot(w[:, :, *place], x, axes=(0, 1))  # (outputs, n, places, …)
        z[:, :, *parts] += np.moveaxis(spread, 0, 1)
    kept = [slice(pads[a], size - pads[k + a]) for a, size in enumerate(full)]
    z = z[:, :, *kept]
    return z if bias is None else add(node, z, reshaped(bias, (-1,) + (1,) * k))


@linear("AveragePool")
def average_pool(node: Node, x: Forms) -> Forms:
    kernel = node.get("kernel_shape")
    ones = np.ones((*shape_of(x), 1), dtype=np.int64)
    counted = int(node.get("count_include_pad", 0))
    counts = windows(node, ones, kernel, counted, 0).sum(axis=0)
    sums = windows(node, x, kernel, fmpq(0), fmpq(0)).sum(axis=0)
    return sums * np.vectorize(lambda count: fmpq(1, int(count)), otypes=[object])(counts)


# Moving numbers about.


@linear("Identity", "Dropout", "Cast")
def identity(node: Node, x: Array, *unused: Array) -> Array:
    return x


@linear("Flatten")
def flatten(node: Node, x: Array) -> Array:
    shape, axis = shape_of(x), node.get("axis", 1)
    axis = axis + len(shape) if axis < 0 else axis
    return reshaped(x, (math.prod(shape[:axis]), math.prod(shape[axis:])))


@linear("Reshape")
def reshape(node: Node, x: Array, shape: Array | None = None) -> Array:
    wanted = integers(node.either(shape, "shape"))
    kept = [shape_of(x)[i] if size == 0 else size for i, size in enumerate(wanted)]
    return reshaped(x, wanted if node.get("allowzero", 0) else kept)


@linear("Squeeze")
def squeeze(node: Node, x: Array, axes: Array | None = None) -> Array:
    given = node.either(axes, "axes")
    if given is None:
        return reshaped(x, [size for size in shape_of(x) if size != 1])
    return np.squeeze(x, tuple(axis_in(x, a) for a in integers(given)))


@linear("Unsqueeze")
def unsqueeze(node: Node, x: Array, axes: Array | None = None) -> Array:
    given = integers(node.either(axes, "axes"))
    rank = len(shape_of(x)) + len(given)
    return np.expand_dims(x, tuple(a % rank for a in given))


@linear("Expand")
def expand(node: Node, x: Array, shape: Array) -> Array:
    full = np.broadcast_shapes(shape_of(x), tuple(integers(shape)))
    aligned = reshaped(x, (1,) * (len(full) - len(shape_of(x))) + shape_of(x))
    return np.broadcast_to(aligned, (*full, *aligned.shape[len(full) :]))


@linear("Transpose")
def transpose(node: Node, x: Array) -> Array:
    rank = len(shape_of(x))
    order = list(node.get("perm", range(rank)[::-1]))
    return x.transpose(*order, *range(rank, x.ndim))


@linear("Concat")
def concat(node: Node, *parts: Array) -> Array:
    return np.concatenate(parts, axis=axis_in(parts[0], node.get("axis")))


@linear("Split")
def split(node: Node, x: Array, sizes: Array | None = None) -> list[Array]:
    axis = axis_in(x, node.get("axis", 0))
    given = node.either(sizes, "split")
    if given is None:
        part = -(-x.shape[axis] // len(node.outputs))
        ends = [part * (i + 1) for i in range(len(node.outputs) - 1)]
    else:
        ends = list(np.cumsum(integers(given))[:-1])
    return np.split(x, ends, axis=axis)


@linear("Slice")
def slice_(
    node: Node,
    x: Array,
    starts: Array | None = None,
    ends: Array | None = None,
    axes: Array | None = None,
    steps: Array | None = None,
) -> Array:
    first, last = (integers(node.either(t, n)) for t, n in ((starts, "starts"), (ends, "ends")))
    along = integers(node.either(axes, "axes", range(len(first))))
    by = [1] * len(first) if steps is None else integers(steps)
    parts = [slice(None)] * len(shape_of(x))
    for a, start, end, step in zip(along, first, last, by, strict=True):
        before = step < 0 and end < -x.shape[axis_in(x, a)]  # up to the first entry and with it
        parts[axis_in(x, a)] = slice(start, None if before else end, step)
    return x[tuple(parts)]


@linear("Gather")
def gather(node: Node, x: Array, indices: Array) -> Array:
    return np.take(x, numbers_of(indices).astype(np.int64), axis=axis_in(x, node.get("axis", 0)))


@linear("Resize")
def resize(node: Node, x: Array, roi: Array, scales: Array, sizes: Array | None = None) -> Array:
    """Repeat the entries along each axis a whole number of times."""
    assert node.get("mode", b"nearest") == b"nearest", "the nearest entry only"
    if sizes is None or not sizes.size:
        times = [fmpq(t) for t in numbers_of(scales)]
    else:
        times = [fmpq(new, old) for new, old in zip(integers(sizes), shape_of(x), strict=True)]
    for axis, count in enumerate(times):
        assert count.q == 1, "whole numbers only"
        x = np.repeat(x, int(count.p), axis=axis)
    return x


@linear("Pad")
def pad(
    node: Node,
    x: Forms,
    pads: Array | None = None,
    value: Forms | None = None,
    axes: Array | None = None,
) -> Forms:
    assert node.get("mode", b"constant") == b"constant", "padding by a constant only"
    amounts = integers(node.either(pads, "pads"))
    rank = len(shape_of(x))
    along = [axis_in(x, a) for a in integers(axes)] if axes is not None else list(range(rank))
    number = numbers_of(value).reshape(-1)[0] if value is not None else node.get("value", 0.0)
    d = x.shape[-1] - 1
    for i, a in enumerate(along):
        before, after = amounts[i], amounts[len(along) + i]
        ends = []
        for count in (before, after):
            size = [count if b == a else s for b, s in enumerate(shape_of(x))]
            ends.append(constants(np.full(size, rational(number), dtype=object), d))
        x = np.concatenate([ends[0], x, ends[1]], axis=a)
    return x


# Shapes and other constants.


@linear("Shape")
def shape(node: Node, x: Array) -> Array:
    return np.array(shape_of(x)[node.get("start", 0) : node.get("end", None)], dtype=np.int64)


@linear("Where")
def where(node: Node, condition: Array, a: Array, b: Array) -> Array:
    """Choose; on a cell, the comparison of numbers is a constant 0 or 1."""
    chosen = numbers_of(condition) != 0
    if is_forms(a):
        shape = np.broadcast_shapes(chosen.shape, shape_of(a), shape_of(b))
        a, b = (expand(node, t, shape) for t in (a, b))
        chosen = np.broadcast_to(chosen, shape)[..., None]
    return np.where(chosen, a, b)


@linear("Mod")
def modulo(node: Node, a: Array, b: Array) -> Array:
    return numbers_of(a) % numbers_of(b)


@linear("Equal")
def equal(node: Node, a: Array, b: Array) -> Array:
    return numbers_of(a) == numbers_of(b)


@linear("ConstantOfShape")
def constant_of_shape(node: Node, shape: Array) -> Array:
    value = node.get("value")
    number = np.zeros(1, np.float32) if value is None else numpy_helper.to_array(value)
    assert number.dtype.kind in "iub", "integers only"
    return np.full(integers(shape), number[0])
