"""Pooling by averages and by maxima."""

from __future__ import annotations

import math

import numpy as np

from nnce_cli.base.errors import InputError
from nnce_cli.network.affine_tensor import AffineTensor, combined, constant, divide, reshape
from nnce_cli.network.node import Node
from nnce_cli.network.operators.reductions import reduced_sum
from nnce_cli.network.operators.registry import LINEAR, UNITS, operator
from nnce_cli.network.operators.units import maximum_of
from nnce_cli.network.operators.windows import Windows, windows
from nnce_cli.network.sparse import constant_rows, limit_entries, starts_of
from nnce_cli.network.unit_blocks import Argument, UnitMaker


@operator(LINEAR, "AveragePool", 1, 1)
def _average_pool(node: Node, x: AffineTensor) -> AffineTensor:
    """Return the averages of windows; the padding counts where the node says so."""
    frame = _frame(node, x.shape)
    images = math.prod(x.shape[:2])
    limit_entries(images * frame.count * frame.taps)
    places = frame.places()
    inside = places >= 0
    counts = frame.covered() if node.integer("count_include_pad", 0) else inside.sum(axis=1)
    if not counts.all():
        raise InputError("one of its windows has nothing but padding")
    columns = np.arange(images)[:, None, None] * math.prod(frame.spatial) + places
    every = np.broadcast_to(inside, columns.shape).reshape(-1)
    columns = columns.reshape(-1)[every]
    starts = starts_of(np.tile(inside.sum(axis=1), images))
    sums = constant_rows(starts, columns, np.ones(len(columns)))
    total = combined(sums, x, (*x.shape[:2], *frame.out))
    sizes = counts.astype(np.float64).reshape(frame.out)
    return divide(total, constant(sizes, x.element_type))


@operator(LINEAR, "GlobalAveragePool", 1, 1)
def _global_average_pool(node: Node, x: AffineTensor) -> AffineTensor:
    axes = _all_axes(x.shape)
    total = reduced_sum(x, axes, keep=True)
    count = float(math.prod(x.shape[2:]))
    return divide(total, constant(np.array(count), x.element_type))


@operator(UNITS, "MaxPool", 1, 1)
def _max_pool(node: Node, make: UnitMaker, x: Argument) -> AffineTensor:
    """Return the maxima of windows: padding never wins, and is no entry of the window."""
    frame = _frame(node, x.shape)
    images = math.prod(x.shape[:2])
    limit_entries(images * frame.count * frame.taps)
    places = frame.places()
    firsts = np.arange(images)[:, None, None] * math.prod(frame.spatial)
    entries = np.where(places >= 0, firsts + places, -1).reshape(-1, frame.taps)
    return reshape(maximum_of(make, x, entries), (*x.shape[:2], *frame.out))


@operator(UNITS, "GlobalMaxPool", 1, 1)
def _global_max_pool(node: Node, make: UnitMaker, x: Argument) -> AffineTensor:
    axes = _all_axes(x.shape)
    entries = np.arange(math.prod(x.shape)).reshape(math.prod(x.shape[:2]), -1)
    return reshape(maximum_of(make, x, entries), (*x.shape[:2], *(1 for _ in axes)))


def _frame(node: Node, shape: tuple[int, ...]) -> Windows:
    _all_axes(shape)
    kernel = node.integers("kernel_shape")
    if kernel is None:
        raise InputError("it has no kernel_shape")
    return windows(node, shape[2:], tuple(kernel))


def _all_axes(shape: tuple[int, ...]) -> list[int]:
    """Return the spatial axes of a shape (sample, channel, …)."""
    if not 3 <= len(shape) <= 5:
        raise InputError(f"it pools a tensor of shape {list(shape)}, not one of 1 to 3 dimensions")
    return list(range(2, len(shape)))
