"""Tensors whose entries are affine functions of the ReLU layer before them.

The linear operators of ONNX act on such a tensor as they act on numbers, so each of them is one
of the few functions below. A constant is such a tensor with no linear part, and is folded by the
same functions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.network.element_types import UNIT_ROUNDOFF
from nnce_cli.network.exact import Array, ExactArithmetic, rationals
from nnce_cli.network.stack import AffineMap

Shape = tuple[int, ...]

MAX_ENTRIES = 2**25  # of one matrix: 256 MB
MAX_RANK = 16  # NumPy itself stops at 32 axes or 64


class Arithmetic(Protocol):
    """Sums, products and quotients of arrays: exact ones, or bounds on their magnitude."""

    def add(self, a: Array, b: Array) -> Array: ...
    def multiply(self, a: Array, b: Array) -> Array: ...
    def divide(self, a: Array, b: Array) -> Array: ...
    def matmul(self, a: Array, b: Array) -> Array: ...


@dataclass(frozen=True, eq=False)
class Source:
    """The activations that a tensor is an affine function of: the input or a ReLU's output.

    ``size`` is their number, flattened in row-major order. ``batch`` is the fixed first dimension
    of the network's input where it is more than 1 (and may be a batch).
    """

    size: int
    arithmetic: Arithmetic
    batch: int | None = None


@dataclass(frozen=True, eq=False)
class AffineTensor:
    """A tensor with entries ``linear · a + offset``, or a constant where ``source`` is None.

    ``offset`` has the tensor's shape: an exact array, or int64 or bool in a constant of such a
    type. ``linear`` has one more axis, the last, of length ``source.size``. Where every entry
    depends on one activation only, that axis has length 1 and ``columns`` (the tensor's shape)
    says which one: an input of n entries is then n numbers and not an n x n matrix.
    """

    offset: Array
    element_type: str
    linear: Array | None = None
    columns: NDArray[np.intp] | None = None
    source: Source | None = None
    nodes: tuple[str, ...] = ()

    @property
    def shape(self) -> Shape:
        """The shape of the tensor."""
        return self.offset.shape

    @property
    def arithmetic(self) -> Arithmetic:
        """How to compute with this tensor: constants are always folded exactly."""
        return self.source.arithmetic if self.source is not None else ExactArithmetic()


def identity(source: Source, shape: Shape, element_type: str) -> AffineTensor:
    """Return the activations themselves as a tensor of a given shape."""
    return AffineTensor(
        offset=np.zeros(shape),
        element_type=element_type,
        linear=np.ones((*shape, 1)),
        columns=np.arange(source.size).reshape(shape),
        source=source,
    )


def reshape(x: AffineTensor, shape: Shape) -> AffineTensor:
    """Return x with another shape of as many entries."""
    if math.prod(shape) != math.prod(x.shape):
        raise InputError(f"the shape {list(x.shape)} cannot become {list(shape)}")
    if len(shape) > MAX_RANK:
        raise InputError(f"it makes a tensor with {len(shape)} axes, more than {MAX_RANK}")
    return replace(
        x,
        offset=x.offset.reshape(shape),
        linear=None if x.linear is None else x.linear.reshape(*shape, x.linear.shape[-1]),
        columns=None if x.columns is None else x.columns.reshape(shape),
    )


def transpose(x: AffineTensor, axes: Shape) -> AffineTensor:
    """Return x with its axes permuted as ``numpy.transpose`` does."""
    return replace(
        x,
        offset=x.offset.transpose(axes),
        linear=None if x.linear is None else x.linear.transpose(*axes, len(axes)),
        columns=None if x.columns is None else x.columns.transpose(axes),
    )


def add(a: AffineTensor, b: AffineTensor) -> AffineTensor:
    """Return a + b, broadcast as in NumPy; both may depend on the same activations."""
    shape = _common_shape(a, b)
    if a.source is not None and b.source is not None:
        if a.source is not b.source:
            raise InputError(
                "it joins the outputs of two different ReLU layers (a residual connection or a "
                "branch); nnce reads chains of layers, each of which feeds the next one only"
            )
        a, b = _dense(_broadcast(a, shape)), _dense(_broadcast(b, shape))
        assert a.linear is not None
        assert b.linear is not None
        return replace(
            a,
            offset=a.arithmetic.add(a.offset, b.offset),
            linear=a.arithmetic.add(a.linear, b.linear),
        )
    if a.source is None:
        a, b = b, a
    return replace(_broadcast(a, shape), offset=a.arithmetic.add(a.offset, b.offset))


def multiply(a: AffineTensor, b: AffineTensor) -> AffineTensor:
    """Return a * b, entry by entry; at least one of them has to be constant."""
    shape = _common_shape(a, b)
    if a.source is not None and b.source is not None:
        raise InputError("it multiplies two values that both depend on the input")
    if a.source is None:
        a, b = b, a
    x = _broadcast(a, shape)
    return replace(
        x,
        offset=a.arithmetic.multiply(a.offset, b.offset),
        linear=None if x.linear is None else a.arithmetic.multiply(x.linear, b.offset[..., None]),
    )


def divide(a: AffineTensor, b: AffineTensor) -> AffineTensor:
    """Return a / b, entry by entry; b has to be constant."""
    shape = _common_shape(a, b)
    if b.source is not None:
        raise InputError("it divides by a value that depends on the input, which is not affine")
    if not (b.offset != 0).all():
        raise InputError("it divides by zero")
    x = _broadcast(a, shape)
    return replace(
        x,
        offset=a.arithmetic.divide(a.offset, b.offset),
        linear=None if x.linear is None else a.arithmetic.divide(x.linear, b.offset[..., None]),
    )


def matmul(a: AffineTensor, b: AffineTensor) -> AffineTensor:
    """Return a @ b as ``numpy.matmul`` defines it; at least one of them has to be constant."""
    _require_floats(a, b)
    if a.source is not None and b.source is not None:
        raise InputError("it multiplies two values that both depend on the input")
    if not a.shape or not b.shape:
        raise InputError("it takes the matrix product of a scalar")
    if a.shape[-1] != b.shape[max(0, len(b.shape) - 2)]:
        raise InputError(f"the shapes {list(a.shape)} and {list(b.shape)} do not fit")
    if b.source is None:
        _refuse_batch(a, sum_over=len(a.shape) - 1)
        return _contract(a, b)
    # W x = (x' W')': the axis to sum over is the last one but one of x.
    _refuse_batch(b, sum_over=max(0, len(b.shape) - 2))
    product = _contract(_swap(b), _swap(a))
    return _swap(product) if len(a.shape) > 1 and len(b.shape) > 1 else product


def to_map(x: AffineTensor) -> AffineMap:
    """Return a tensor that depends on the input as an affine map, flattened in row-major order.

    Raises:
        InputError: if an entry is out of the range of float64.
    """
    x = _dense(x)
    assert x.source is not None
    assert x.linear is not None
    return AffineMap.of(x.linear.reshape(-1, x.source.size), x.offset.ravel(), x.nodes)


def _contract(x: AffineTensor, w: AffineTensor) -> AffineTensor:
    """Return x @ w, with x of shape (…, k) and a constant w of shape (k,) or (1, …, k, m)."""
    leading = w.shape[:-2]
    if math.prod(leading) != 1:
        raise InputError(f"it multiplies by a stack of matrices, of shape {list(w.shape)}")
    matrix = w.offset.reshape(w.shape[-2] if len(w.shape) > 1 else w.shape[0], -1)
    k, m = matrix.shape
    rows = x.shape[:-1]
    _limit_size(math.prod(rows) * m * (x.source.size if x.source is not None else 1))
    offset = x.arithmetic.matmul(x.offset.reshape(-1, k), matrix)
    y = replace(x, offset=offset, linear=_contract_linear(x, matrix), columns=None)
    shape = (*rows, m) if len(w.shape) > 1 else rows
    if len(leading) + 2 > max(len(x.shape), 2):
        shape = (1,) * (len(leading) + 2 - max(len(x.shape), 2)) + shape
    return reshape(y, shape)


def _contract_linear(x: AffineTensor, matrix: Array) -> Array | None:
    """Return the linear part of x @ matrix, of shape (rows, m, source.size)."""
    if x.linear is None or x.source is None:
        return None
    k, m = matrix.shape
    size = x.source.size
    if x.columns is not None and x.columns.size == k and np.bincount(x.columns.ravel()).max() == 1:
        # One row whose entries are different activations: the matrix itself, scaled and placed.
        scaled = x.arithmetic.multiply(x.linear.reshape(k, 1), matrix)
        return _place(scaled.T.reshape(1, m, k), x.columns.reshape(1, 1, k), size)
    x = _dense(x)
    assert x.linear is not None
    by_activation = np.moveaxis(x.linear.reshape(-1, k, size), 2, 1).reshape(-1, k)
    product = x.arithmetic.matmul(by_activation, matrix)
    return np.moveaxis(product.reshape(-1, size, m), 1, 2)


def _dense(x: AffineTensor) -> AffineTensor:
    """Return x with the last axis of its linear part of full length."""
    if x.linear is None or x.columns is None or x.source is None:
        return x
    _limit_size(math.prod(x.shape) * x.source.size)
    linear = _place(x.linear, x.columns[..., None], x.source.size)
    return replace(x, linear=linear, columns=None)


def _place(values: Array, columns: NDArray[np.intp], size: int) -> Array:
    """Return zeros (…, size) with ``values`` at the given places of the last axis."""
    zero = rationals(np.zeros(1))[0] if values.dtype == np.object_ else 0.0
    placed = np.full((*values.shape[:-1], size), zero, dtype=values.dtype)
    np.put_along_axis(placed, np.broadcast_to(columns, values.shape), values, axis=-1)
    return placed


def _swap(x: AffineTensor) -> AffineTensor:
    """Return x with its last two axes exchanged (vectors stay as they are)."""
    n = len(x.shape)
    return x if n < 2 else transpose(x, (*range(n - 2), n - 1, n - 2))


def _broadcast(x: AffineTensor, shape: Shape) -> AffineTensor:
    """Return x broadcast to a shape that ``_common_shape`` allowed."""
    if shape == x.shape:
        return x
    linear, columns = x.linear, x.columns
    return replace(
        x,
        offset=np.broadcast_to(x.offset, shape),
        linear=None if linear is None else np.broadcast_to(linear, (*shape, linear.shape[-1])),
        columns=None if columns is None else np.broadcast_to(columns, shape),
    )


def _common_shape(a: AffineTensor, b: AffineTensor) -> Shape:
    """Return the shape to which both broadcast; refuse types or shapes that do not fit."""
    _require_floats(a, b)
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise InputError(f"the shapes {list(a.shape)} and {list(b.shape)} do not fit") from None
    width = max(1 if x.linear is None else x.linear.shape[-1] for x in (a, b))
    _limit_size(math.prod(shape) * width)
    return shape


def _require_floats(a: AffineTensor, b: AffineTensor) -> None:
    types = {a.element_type, b.element_type}
    if len(types) > 1 or not types <= set(UNIT_ROUNDOFF):
        raise InputError(
            f"it combines the types {a.element_type} and {b.element_type}; nnce computes with one "
            f"of {', '.join(UNIT_ROUNDOFF)} at a time"
        )


def _refuse_batch(x: AffineTensor, sum_over: int) -> None:
    if x.source is not None and sum_over > 0 and x.shape[0] == x.source.batch:
        raise InputError(
            f"it works on a batch of {x.shape[0]} samples, the first dimension of the network's "
            "input; export the model with a batch of 1 or a symbolic one"
        )


def _limit_size(entries: int) -> None:
    if entries > MAX_ENTRIES:
        raise InputError(f"it needs a matrix of {entries} entries, more than {MAX_ENTRIES}")
