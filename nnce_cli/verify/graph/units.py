"""Piecewise linear operators: their values, and on which piece each of their units is."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import fmpq

from nnce_cli.verify.graph.node import (
    EITHER,
    Node,
    Tensor,
    UnknownError,
    computes,
    exact,
    is_float,
    number,
    objects,
)
from nnce_cli.verify.graph.sums import reduced_axes
from nnce_cli.verify.graph.truth import Truth
from nnce_cli.verify.graph.windows import Windows

FAR = fmpq(*float(np.finfo(np.float32).max).as_integer_ratio())


def _bent(node: Node, x: Tensor, slopes: Tensor) -> Tensor:
    """Return x where it is positive and slope times x elsewhere; a slope of 1 bends nothing."""
    positive = np.asarray(x > 0, dtype=np.bool_)
    slopes = np.broadcast_to(slopes, x.shape)
    node.codes.append(np.where(slopes == 1, 0, positive))
    return np.where(positive, x, slopes * x)


@computes("Relu")
def _relu(node: Node, x: Tensor) -> Tensor:
    return _bent(node, x, exact(np.zeros(())))


@computes("LeakyRelu")
def _leaky_relu(node: Node, x: Tensor) -> Tensor:
    return _bent(node, x, exact(np.array(node.get("alpha", float(np.float32(0.01))))))


@computes("PRelu")
def _prelu(node: Node, x: Tensor, slope: Tensor) -> Tensor:
    return _bent(node, x, slope)


@computes("Abs")
def _abs(node: Node, x: Tensor) -> Tensor:
    return _bent(node, x, exact(-np.ones(()))) if is_float(x) else np.abs(x)


@computes("ReduceL1")
def _reduce_l1(node: Node, x: Tensor, axes: Tensor | None = None) -> Tensor:
    along = reduced_axes(node, x, axes)
    bent = _abs(node, x)
    return np.asarray(bent.sum(axis=along, keepdims=bool(node.get("keepdims", 1)))) if along else x


@computes("Clip")
def _clip(node: Node, x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    """Bounds are attributes before operator set 11; the ends of float32 and beyond are none."""
    bounds = [
        node.get(name) if given is None else given.reshape(())[()]
        for name, given in (("min", low), ("max", high))
    ]
    if not is_float(x):
        return np.clip(x, *bounds)
    return _between(node, x, *(_bound(bound) for bound in bounds))


@computes("HardSigmoid")
def _hard_sigmoid(node: Node, x: Tensor) -> Tensor:
    alpha, beta = number(node.get("alpha", float(np.float32(0.2)))), number(node.get("beta", 0.5))
    return _between(node, x * alpha + beta, fmpq(0), fmpq(1))


def _bound(value: Any) -> fmpq | None:
    if value is None:
        return None
    bound = number(value)
    return None if abs(bound) >= FAR else bound


def _between(node: Node, x: Tensor, low: fmpq | None, high: fmpq | None) -> Tensor:
    if low is not None and high is not None and not low < high:
        return objects([high] * x.size, x.shape)
    codes = np.zeros(x.shape, dtype=np.int64)
    found = x
    for bound, is_low in ((low, True), (high, False)):
        if bound is not None:
            above = np.asarray(x > bound, dtype=np.bool_)
            codes = codes + above
            found = np.where(above != is_low, objects([bound], ()), found)
    node.codes.append(codes)
    return found


def _winning(node: Node, candidates: Tensor, inside: Tensor | None = None) -> Tensor:
    """Return the largest along the last axis, of those inside; the first one of several wins."""
    flat = candidates.reshape(-1, candidates.shape[-1])
    allowed = np.ones(flat.shape, np.bool_) if inside is None else np.broadcast_to(
        inside, candidates.shape
    ).reshape(flat.shape)  # fmt: skip
    codes, best = [], []
    for row, may in zip(flat.tolist(), allowed.tolist(), strict=True):
        places = [i for i, ok in enumerate(may) if ok]
        if not places:
            raise UnknownError("one of its windows has nothing but padding")
        winner = max(places, key=row.__getitem__)
        codes.append(winner)
        best.append(row[winner])
    node.codes.append(np.array(codes, dtype=np.int64).reshape(candidates.shape[:-1]))
    return objects(best, candidates.shape[:-1])


@computes("Max")
def _max(node: Node, *parts: Tensor) -> Tensor:
    if not is_float(parts[0]):
        return np.asarray(np.stack(np.broadcast_arrays(*parts)).max(axis=0))
    return _winning(node, np.stack(np.broadcast_arrays(*parts), axis=-1))


@computes("Min")
def _min(node: Node, *parts: Tensor) -> Tensor:
    return np.asarray(-_max(node, *(-part for part in parts)))


@computes("ReduceMax")
def _reduce_max(node: Node, x: Tensor, axes: Tensor | None = None) -> Tensor:
    along = reduced_axes(node, x, axes)
    if not along:
        return x
    rest = [axis for axis in range(x.ndim) if axis not in along]
    kept = [x.shape[axis] for axis in rest]
    found = _winning(node, x.transpose(*rest, *sorted(along)).reshape(*kept, -1))
    return np.expand_dims(found, along) if node.get("keepdims", 1) else found


@computes("ReduceMin")
def _reduce_min(node: Node, x: Tensor, axes: Tensor | None = None) -> Tensor:
    return np.asarray(-_reduce_max(node, -x, axes))


@computes("MaxPool")
def _max_pool(node: Node, x: Tensor) -> Tensor:
    if len(node.outputs) > 1:
        raise UnknownError("it also gives the places of the largest")
    windows = Windows.of(node, x.shape[2:], tuple(node.get("kernel_shape")))
    found = _winning(node, windows.take(x, fmpq(0)), windows.inside)
    return found.reshape(*x.shape[:2], *windows.out)


@computes("GlobalMaxPool")
def _global_max_pool(node: Node, x: Tensor) -> Tensor:
    found = _winning(node, x.reshape(*x.shape[:2], -1))
    return found.reshape(*x.shape[:2], *(1,) * (x.ndim - 2))


@computes("Where")
def _where(node: Node, test: Any, a: Tensor, b: Tensor) -> Tensor:
    """A choice by a comparison is a unit: on the piece where the comparison is not turned round."""
    if not isinstance(test, Truth):
        return np.where(test, a, b)
    return _chosen(node, test, a, b)


@computes("Mul")
def _mul(node: Node, a: Any, b: Any) -> Tensor:
    """A product with a comparison is a choice, too."""
    for test, other in ((a, b), (b, a)):
        if isinstance(test, Truth):
            return _chosen(node, test, other, objects([fmpq(0)], ()))
    return np.asarray(a * b)


def _chosen(node: Node, test: Truth, a: Tensor, b: Tensor) -> Tensor:
    holds, signs, a, b = np.broadcast_arrays(test.holds, test.signs, a, b)
    node.codes.append(np.where(signs == 0, EITHER, signs > 0))
    return np.where(holds, a, b)
