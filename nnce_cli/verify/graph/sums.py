"""Operators that add up products: reductions, matrices, convolutions, averages of windows."""

from __future__ import annotations

import math

import numpy as np
from flint import fmpq

from nnce_cli.verify.graph.node import (
    Node,
    Tensor,
    UnknownError,
    computes,
    exact,
    integers,
    number,
    objects,
)
from nnce_cli.verify.graph.windows import Windows


@computes("MatMul")
def _matmul(node: Node, a: Tensor, b: Tensor) -> Tensor:
    return np.asarray(np.matmul(a, b))


@computes("Gemm")
def _gemm(node: Node, a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
    a = a.T if node.get("transA", 0) else a
    b = b.T if node.get("transB", 0) else b
    product = np.matmul(a, b) * number(node.get("alpha", 1.0))
    return np.asarray(product if c is None else product + c * number(node.get("beta", 1.0)))


@computes("ai.onnx.ml::LinearRegressor")
def _linear_regressor(node: Node, x: Tensor) -> Tensor:
    if node.get("post_transform", "NONE") != "NONE":
        raise UnknownError(f"it ends in {node.get('post_transform')}")
    targets = node.get("targets", 1)
    weight = exact(np.array(node.get("coefficients"))).reshape(targets, -1)
    found = np.matmul(exact(x), weight.T)
    start = node.get("intercepts")
    return np.asarray(found + exact(np.array(start)) if start else found)


# Reductions.


def reduced_axes(node: Node, x: Tensor, axes: Tensor | None) -> tuple[int, ...]:
    """Return the axes that a node reduces, none where nothing is to be done."""
    given = node.get("axes") if axes is None else integers(axes)
    if not given:
        return () if node.get("noop_with_empty_axes", 0) else tuple(range(x.ndim))
    return tuple(axis % x.ndim for axis in given)


@computes("ReduceSum")
def _reduce_sum(node: Node, x: Tensor, axes: Tensor | None = None) -> Tensor:
    along = reduced_axes(node, x, axes)
    keep = bool(node.get("keepdims", 1))
    return np.asarray(x.sum(axis=along, keepdims=keep)) if along else x


@computes("ReduceMean")
def _reduce_mean(node: Node, x: Tensor, axes: Tensor | None = None) -> Tensor:
    count = math.prod(x.shape[axis] for axis in reduced_axes(node, x, axes))
    return np.asarray(_reduce_sum(node, x, axes) / fmpq(count))


@computes("ReduceProd", of_constants=True)
def _reduce_prod(node: Node, x: Tensor, axes: Tensor | None = None) -> Tensor:
    along = reduced_axes(node, x, axes)
    return np.asarray(x.prod(axis=along, keepdims=bool(node.get("keepdims", 1)))) if along else x


# Windows.


@computes("Conv")
def _conv(node: Node, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    windows = Windows.of(node, x.shape[2:], weight.shape[2:])
    groups = node.get("group", 1)
    taken = windows.take(x, fmpq(0))  # (n, channels, places, taps)
    n, _, places, taps = taken.shape
    inputs = taken.reshape(n, groups, -1, places, taps).transpose(0, 1, 3, 2, 4)
    inputs = inputs.reshape(n, groups, places, -1)
    kernels = weight.reshape(groups, weight.shape[0] // groups, -1)
    found = np.matmul(kernels, inputs.transpose(0, 1, 3, 2))
    found = found.reshape(n, weight.shape[0], places)
    if bias is not None:
        found = found + bias[:, None]
    return np.asarray(found).reshape(n, weight.shape[0], *windows.out)


@computes("ConvTranspose")
def _conv_transpose(node: Node, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Each entry of x is spread over a window of the output: the transpose of Conv."""
    groups, kernel = node.get("group", 1), weight.shape[2:]
    spatial = len(kernel)
    strides = node.get("strides", [1] * spatial)
    dilations = node.get("dilations", [1] * spatial)
    extra = node.get("output_padding", [0] * spatial)
    spread = [
        s * (n - 1) + d * (k - 1) + 1 + e
        for s, n, d, k, e in zip(strides, x.shape[2:], dilations, kernel, extra, strict=True)
    ]
    out, begin = _transposed_frame(node, x.shape[2:], strides, spread)
    n, channels = x.shape[0], weight.shape[1] * groups
    # Wide enough for padding that is cut off, and for rows that nothing reaches.
    wide = [max(s, b + o) for s, b, o in zip(spread, begin, out, strict=True)]
    found = objects([fmpq(0)] * (n * channels * math.prod(wide)), (n, channels, *wide))
    per_group = x.shape[1] // groups
    for g in range(groups):
        block = x[:, g * per_group : (g + 1) * per_group]
        kernels = weight[g * per_group : (g + 1) * per_group]
        rows = slice(g * weight.shape[1], (g + 1) * weight.shape[1])
        for tap in np.ndindex(*kernel):
            # (n, in, …) times (in, out): what this tap adds, at every stride.
            part = np.tensordot(block, kernels[(slice(None), slice(None), *tap)], axes=([1], [0]))
            part = np.moveaxis(part, -1, 1)
            places = tuple(
                slice(d * t, d * t + s * (m - 1) + 1, s)
                for d, t, s, m in zip(dilations, tap, strides, x.shape[2:], strict=True)
            )
            found[(slice(None), rows, *places)] += part
    cut = tuple(slice(b, b + o) for b, o in zip(begin, out, strict=True))
    found = found[(slice(None), slice(None), *cut)]
    return found if bias is None else found + bias.reshape(-1, *(1,) * spatial)


def _transposed_frame(
    node: Node, shape: tuple[int, ...], strides: list[int], spread: list[int]
) -> tuple[list[int], list[int]]:
    """Return the output's lengths, and how much is cut off before its first entries."""
    count = len(shape)
    how, wanted = node.get("auto_pad", "NOTSET"), node.get("output_shape")
    pads = node.get("pads", [0] * (2 * count))
    if wanted is None and how in ("NOTSET", "VALID"):
        pads = pads if how == "NOTSET" else [0] * (2 * count)
        out = [n - pads[i] - pads[count + i] for i, n in enumerate(spread)]
        return out, list(pads[:count])
    if wanted is None:
        wanted = [n * s for n, s in zip(shape, strides, strict=True)]
    total = [max(0, n - o) for n, o in zip(spread, wanted, strict=True)]
    begin = [t - t // 2 if how != "SAME_UPPER" else t // 2 for t in total]
    return list(wanted), begin


@computes("AveragePool")
def _average_pool(node: Node, x: Tensor) -> Tensor:
    windows = Windows.of(node, x.shape[2:], tuple(node.get("kernel_shape")))
    total = windows.take(x, fmpq(0)).sum(axis=3)
    inside = windows.padded if node.get("count_include_pad", 0) else windows.inside
    counts = objects([fmpq(int(c)) for c in inside.sum(axis=1)], (inside.shape[0],))
    return np.asarray(total / counts).reshape(*x.shape[:2], *windows.out)


@computes("GlobalAveragePool")
def _global_average_pool(node: Node, x: Tensor) -> Tensor:
    axes = tuple(range(2, x.ndim))
    return np.asarray(x.sum(axis=axes, keepdims=True) / fmpq(math.prod(x.shape[2:])))
