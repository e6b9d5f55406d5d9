"""Sums and means over axes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nnce_cli.network.affine_tensor import (
    AffineTensor,
    Shape,
    combined,
    constant,
    divide,
)
from nnce_cli.network.node import Node
from nnce_cli.network.operators.arguments import axes_of, is_integer, positions
from nnce_cli.network.operators.registry import LINEAR, operator
from nnce_cli.network.sparse import constant_rows


@operator(LINEAR, "ReduceSum", 1, 2)
def _reduce_sum(node: Node, x: AffineTensor, given: AffineTensor | None) -> AffineTensor:
    axes = reduced_axes(node, given, len(x.shape))
    keep = bool(node.integer("keepdims", 1))
    if axes is None:
        return x
    if is_integer(x):
        return replace(x, offset=x.offset.sum(axis=tuple(axes), keepdims=keep))
    return reduced_sum(x, axes, keep=keep)


@operator(LINEAR, "ReduceMean", 1, 2)
def _reduce_mean(node: Node, x: AffineTensor, given: AffineTensor | None) -> AffineTensor:
    axes = reduced_axes(node, given, len(x.shape))
    if axes is None:
        return x
    total = reduced_sum(x, axes, keep=bool(node.integer("keepdims", 1)))
    count = float(math.prod(x.shape[i] for i in axes))
    return divide(total, constant(np.array(count), x.element_type))


def reduced_axes(node: Node, given: AffineTensor | None, n: int) -> list[int] | None:
    """Return the axes that a reduction reduces; None where it reduces none."""
    axes = axes_of(node, given)
    if not axes:
        return None if node.integer("noop_with_empty_axes", 0) else list(range(n))
    return positions(axes, n)


def grouped_places(shape: Shape, axes: list[int]) -> NDArray[np.int64]:
    """Return flat places of a tensor: a row for each entry of a result, with what makes it."""
    kept = [i for i in range(len(shape)) if i not in axes]
    places = np.arange(math.prod(shape)).reshape(shape).transpose((*kept, *sorted(axes)))
    return places.reshape(math.prod(shape[i] for i in kept), -1)


def reduced_shape(shape: Shape, axes: list[int], *, keep: bool) -> Shape:
    """Return the shape of a reduction's result."""
    if keep:
        return tuple(1 if i in axes else d for i, d in enumerate(shape))
    return tuple(d for i, d in enumerate(shape) if i not in axes)


def reduced_sum(x: AffineTensor, axes: list[int], *, keep: bool) -> AffineTensor:
    """Return the sums of a tensor over axes."""
    places = grouped_places(x.shape, axes)
    starts = np.arange(places.shape[0] + 1) * places.shape[1]
    matrix = constant_rows(starts, places.reshape(-1), np.ones(x.size))
    return combined(matrix, x, reduced_shape(x.shape, axes, keep=keep))
