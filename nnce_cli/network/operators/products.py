"""Matrix products: MatMul, Gemm, and the linear models of ai.onnx.ml."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.network.affine_tensor import (
    AffineTensor,
    NotAffineError,
    add,
    combined,
    common_shape,
    constant,
    require_floats,
    reshape,
    scale,
    transpose,
)
from nnce_cli.network.node import Node
from nnce_cli.network.operators.registry import LINEAR, operator
from nnce_cli.network.sparse import EXACT, Rows, constant_rows, limit_entries


@operator(LINEAR, "MatMul", 2, 2)
def _matmul(node: Node, a: AffineTensor, b: AffineTensor) -> AffineTensor:
    return matmul(a, b)


@operator(LINEAR, "Gemm", 2, 3)
def _gemm(node: Node, a: AffineTensor, b: AffineTensor, c: AffineTensor | None) -> AffineTensor:
    if len(a.shape) != 2 or len(b.shape) != 2:
        raise InputError(f"it multiplies the shapes {list(a.shape)} and {list(b.shape)}")
    a = transpose(a, (1, 0)) if node.integer("transA", 0) else a
    b = transpose(b, (1, 0)) if node.integer("transB", 0) else b
    product = scale(matmul(a, b), node.number("alpha", 1.0))
    if c is None:
        return product
    total = add(product, scale(c, node.number("beta", 1.0)))
    if total.shape != product.shape:
        raise InputError(f"C has the shape {list(c.shape)}, too large for {list(product.shape)}")
    return total


@operator(LINEAR, "ai.onnx.ml::LinearRegressor", 1, 1)
def _linear_regressor(node: Node, x: AffineTensor) -> AffineTensor:
    """Return ``x coefficients' + intercepts`` for ``targets`` outputs."""
    if node.text("post_transform", "NONE") != "NONE":
        raise InputError("its post_transform is not NONE")
    coefficients = np.array(node.numbers("coefficients"))
    targets = node.integer("targets", 1)
    if len(x.shape) != 2 or targets < 1 or coefficients.size != targets * x.shape[1]:
        raise InputError(
            f"its {coefficients.size} coefficients do not fit {targets} outputs of "
            f"{list(x.shape)} inputs"
        )
    matrix = coefficients.reshape(targets, -1).T
    found = matmul(x, constant(matrix, x.element_type))
    intercepts = node.numbers("intercepts")
    if not intercepts:
        return found
    if len(intercepts) != targets:
        raise InputError(f"it has {len(intercepts)} intercepts for {targets} outputs")
    return add(found, constant(np.array(intercepts), x.element_type))


@operator(LINEAR, "ai.onnx.ml::LinearClassifier", 1, 1)
def _linear_classifier(node: Node, x: AffineTensor) -> tuple[None, AffineTensor]:
    """Return no labels, which are for a tail, and the scores ``x coefficients' + intercepts``.

    `read_model` has taken away what the file makes of the scores (``post_transform``).
    """
    coefficients = np.array(node.numbers("coefficients"))
    intercepts = node.numbers("intercepts")
    width = x.shape[-1] if len(x.shape) == 2 else 0
    classes, rest = divmod(coefficients.size, width) if width else (0, 0)
    if rest or classes < 2 or len(intercepts) not in (0, classes):
        raise InputError(
            f"it has {coefficients.size} coefficients and {len(intercepts)} intercepts for "
            f"{list(x.shape)}; nnce reads classifiers with a score for each class"
        )
    matrix = coefficients.reshape(classes, width).T
    found = matmul(x, constant(matrix, x.element_type))
    shift = np.array(intercepts) if intercepts else np.zeros(classes)
    return None, add(found, constant(shift, x.element_type))


def matmul(a: AffineTensor, b: AffineTensor) -> AffineTensor:
    """Return a @ b as ``numpy.matmul`` defines it; at least one of them has to be constant."""
    require_floats(a, b)
    if not a.is_constant and not b.is_constant:
        raise NotAffineError("it multiplies two values that both depend on the input")
    if not a.shape or not b.shape:
        raise InputError("it takes the matrix product of a scalar")
    left = a if len(a.shape) > 1 else reshape(a, (1, *a.shape))
    right = b if len(b.shape) > 1 else reshape(b, (*b.shape, 1))
    if left.shape[-1] != right.shape[-2]:
        raise InputError(f"the shapes {list(a.shape)} and {list(b.shape)} do not fit")
    stack = common_shape(left.shape[:-2], right.shape[:-2])
    inner, outer = (left.shape[-2],), (right.shape[-1],)
    shape = (
        *stack,
        *(inner if len(a.shape) > 1 else ()),
        *(outer if len(b.shape) > 1 else ()),
    )
    if a.is_constant and b.is_constant and math.prod(stack) == 1:
        matrices = (x.offset.reshape(x.shape[-2:]) for x in (left, right))
        limit_entries(inner[0] * outer[0])
        return constant(EXACT.matmul(*matrices).reshape(shape), a.element_type)
    if b.is_constant:
        return combined(_from_right(left.shape, right, stack), a, shape)
    return combined(_from_left(left, right.shape, stack), b, shape)


def _from_right(shape: tuple[int, ...], w: AffineTensor, stack: tuple[int, ...]) -> Rows:
    """Return the matrix of x -> x @ w, for x of a given shape, as all entries of x to all of it."""
    (m, k), n = shape[-2:], w.shape[-1]
    limit_entries(math.prod(stack) * m * n * k)
    places = np.arange(math.prod(shape)).reshape(shape)
    columns = np.broadcast_to(places[..., :, None, :], (*stack, m, n, k))
    weights = np.broadcast_to(np.swapaxes(w.offset, -1, -2)[..., None, :, :], columns.shape)
    return _rows(columns, weights, k)


def _from_left(w: AffineTensor, shape: tuple[int, ...], stack: tuple[int, ...]) -> Rows:
    """Return the matrix of x -> w @ x, for x of a given shape."""
    m, (k, n) = w.shape[-2], shape[-2:]
    limit_entries(math.prod(stack) * m * n * k)
    places = np.arange(math.prod(shape)).reshape(shape)
    columns = np.broadcast_to(np.swapaxes(places, -1, -2)[..., None, :, :], (*stack, m, n, k))
    weights = np.broadcast_to(w.offset[..., :, None, :], columns.shape)
    return _rows(columns, weights, k)


def _rows(columns: NDArray[np.int64], weights: NDArray[Any], k: int) -> Rows:
    starts = np.arange(columns.size // k + 1) * k
    return constant_rows(starts, columns.reshape(-1), weights.reshape(-1))
