"""Convolutions as sparse matrices."""

from __future__ import annotations

import math

import numpy as np

from nnce_cli.base.errors import InputError
from nnce_cli.network.affine_tensor import (
    AffineTensor,
    add,
    combined,
    require_floats,
    reshape,
)
from nnce_cli.network.node import Node
from nnce_cli.network.operators.arguments import constant_values
from nnce_cli.network.operators.registry import LINEAR, operator
from nnce_cli.network.operators.windows import Windows, padding, spread, windows
from nnce_cli.network.sparse import Rows, constant_rows, limit_entries, starts_of


@operator(LINEAR, "Conv", 2, 3)
def _conv(node: Node, x: AffineTensor, w: AffineTensor, b: AffineTensor | None) -> AffineTensor:
    _check(node, x, w)
    group, outputs = node.integer("group", 1), w.shape[0]
    if w.shape[1] * group != x.shape[1] or outputs % group:
        raise InputError(
            f"an input of shape {list(x.shape)} does not fit weights of shape {list(w.shape)} "
            f"in {group} groups"
        )
    frame = windows(node, x.shape[2:], w.shape[2:])
    matrix = _matrix(x, w, frame, group)
    return _biased(combined(matrix, x, (x.shape[0], outputs, *frame.out)), b)


def _matrix(x: AffineTensor, w: AffineTensor, frame: Windows, group: int) -> Rows:
    """Return the matrix of a convolution: rows (sample, output channel, window)."""
    samples, channels = x.shape[:2]
    outputs, each = w.shape[:2]
    shape = (samples, outputs, frame.count, each, frame.taps)
    limit_entries(math.prod(shape))
    places = frame.places()
    first = np.arange(outputs) // (outputs // group) * each
    read = first[:, None] + np.arange(each)
    read = np.arange(samples)[:, None, None] * channels + read
    columns = read[:, :, None, :, None] * math.prod(frame.spatial) + places[:, None, :]
    inside = np.broadcast_to(places[:, None, :] >= 0, shape).reshape(-1)
    weights = constant_values(w, "weight").reshape(1, outputs, 1, each, frame.taps)
    taken = np.broadcast_to(weights, shape).reshape(-1)[inside]
    counts = inside.reshape(math.prod(shape[:3]), -1).sum(axis=1)
    return constant_rows(starts_of(counts), columns.reshape(-1)[inside], taken)


@operator(LINEAR, "ConvTranspose", 2, 3)
def _conv_transpose(
    node: Node, x: AffineTensor, w: AffineTensor, b: AffineTensor | None
) -> AffineTensor:
    """Return the transpose of a convolution: entry i adds to places ``i stride + k dilation``."""
    _check(node, x, w)
    group, each = node.integer("group", 1), w.shape[1]
    if w.shape[0] != x.shape[1] or x.shape[1] % group:
        raise InputError(
            f"an input of shape {list(x.shape)} does not fit weights of shape {list(w.shape)} "
            f"in {group} groups"
        )
    frame = _spread_out(node, x.shape[2:], w.shape[2:])
    samples, channels = x.shape[:2]
    size, taps = math.prod(x.shape[2:]), frame.taps
    shape = (samples, channels, size, each, taps)
    n_out = samples * group * each * math.prod(frame.spatial)
    limit_entries(max(n_out, math.prod(shape)))
    places = frame.places()  # where each entry's taps go, in the output
    group_of = np.arange(channels) // (channels // group)
    written = group_of[:, None] * each + np.arange(each)
    written = np.arange(samples)[:, None, None] * (group * each) + written
    rows = written[:, :, None, :, None] * math.prod(frame.spatial) + places[:, None, :]
    read = np.arange(samples * channels * size).reshape(samples, channels, size, 1, 1)
    weights = constant_values(w, "weight").reshape(1, channels, 1, each, taps)
    inside = np.broadcast_to(places[:, None, :] >= 0, shape).reshape(-1)
    rows, columns, values = (
        np.broadcast_to(a, shape).reshape(-1)[inside] for a in (rows, read, weights)
    )
    order = np.lexsort((columns, rows))
    starts = starts_of(np.bincount(rows, minlength=n_out))
    matrix = constant_rows(starts, columns[order], values[order])
    return _biased(combined(matrix, x, (samples, group * each, *frame.spatial)), b)


def _spread_out(node: Node, spatial: tuple[int, ...], kernel: tuple[int, ...]) -> Windows:
    """Return the windows of the convolution whose transpose this is: over its output."""
    n = len(spatial)
    strides, dilations = spread(node, "strides", n), spread(node, "dilations", n)
    extra = node.integers("output_padding") or [0] * n
    if len(extra) != n or min(extra, default=0) < 0 or max(extra, default=0) > 2**31:
        raise InputError(f"its output_padding {extra} is not {n} numbers >= 0")
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    full = [(spatial[i] - 1) * strides[i] + reach[i] + extra[i] for i in range(n)]
    wanted, how = node.integers("output_shape"), node.text("auto_pad", "NOTSET")
    if wanted is None and how in ("SAME_UPPER", "SAME_LOWER"):
        wanted = [s * stride for s, stride in zip(spatial, strides, strict=True)]
    if wanted is None:
        before, after = padding(node, spatial, tuple(reach), strides)
    else:
        wanted = wanted[-n:]
        if len(wanted) != n:
            raise InputError(f"its output_shape {wanted} does not fit {n} axes")
        total = [max(0, f - s) for f, s in zip(full, wanted, strict=True)]
        half, rest = [t // 2 for t in total], [t - t // 2 for t in total]
        small = how == "SAME_UPPER"
        before, after = tuple(half if small else rest), tuple(rest if small else half)
    out = tuple(
        wanted[i] if wanted is not None else full[i] - before[i] - after[i] for i in range(n)
    )
    if min(out, default=1) < 1:
        raise InputError(f"its output would have the shape {list(out)}")
    return Windows(out, kernel, strides, dilations, before, after, spatial)


def _check(node: Node, x: AffineTensor, w: AffineTensor) -> None:
    """Refuse weights that depend on the input, and shapes that are none of a convolution."""
    require_floats(x, w)
    constant_values(w, "weight")
    if len(x.shape) < 3 or len(x.shape) > 5 or len(w.shape) != len(x.shape):
        raise InputError(
            f"an input of shape {list(x.shape)} does not fit weights of shape {list(w.shape)}"
        )
    if node.integer("group", 1) < 1:
        raise InputError(f"it has {node.integer('group', 1)} groups")
    kernel = node.integers("kernel_shape")
    if kernel is not None and tuple(kernel) != w.shape[2:]:
        raise InputError(f"its kernel_shape {kernel} is not that of its weights {list(w.shape)}")


def _biased(y: AffineTensor, b: AffineTensor | None) -> AffineTensor:
    if b is None:
        return y
    if b.shape != (y.shape[1],):
        raise InputError(f"its bias has the shape {list(b.shape)} for {y.shape[1]} channels")
    return add(y, reshape(b, (y.shape[1], *(1,) * (len(y.shape) - 2))))
