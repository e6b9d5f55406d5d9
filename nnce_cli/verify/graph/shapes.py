"""Operators that move entries, and those that compute with shapes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnce_cli.verify.graph.node import (
    Node,
    Tensor,
    UnknownError,
    computes,
    exact,
    floats,
    integers,
)


@computes("Constant")
def _constant(node: Node) -> Tensor:
    for name in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        if name in node.attributes:
            value = node.get(name)
            return exact(np.array(value)) if "float" in name else np.asarray(value)
    raise UnknownError("it holds no numbers")


@computes("Shape")
def _shape(node: Node, x: Tensor) -> Tensor:
    return np.array(x.shape[node.get("start", 0) : node.get("end")], dtype=np.int64)


@computes("Size")
def _size(node: Node, x: Tensor) -> Tensor:
    return np.array(x.size, dtype=np.int64)


@computes("ConstantOfShape")
def _constant_of_shape(node: Node, shape: Tensor) -> Tensor:
    value = node.get("value", exact(np.zeros(1)))
    return np.broadcast_to(value.reshape(()), integers(shape)).copy()


@computes("Range", of_constants=True)
def _range(node: Node, start: Tensor, limit: Tensor, delta: Tensor) -> Tensor:
    return np.arange(*(int(floats(part)) for part in (start, limit, delta)), dtype=np.int64)


@computes("EyeLike")
def _eye(node: Node, x: Tensor) -> Tensor:
    rows, columns = x.shape
    return exact(np.eye(rows, columns, k=node.get("k", 0)))


@computes("NonZero", of_constants=True)
def _non_zero(node: Node, x: Tensor) -> Tensor:
    return np.array(np.nonzero(x), dtype=np.int64)


@computes("Flatten")
def _flatten(node: Node, x: Tensor) -> Tensor:
    axis = node.get("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    return x.reshape(math.prod(x.shape[:axis]), -1)


@computes("Reshape")
def _reshape(node: Node, x: Tensor, shape: Tensor | None = None) -> Tensor:
    target = node.get("shape") if shape is None else integers(shape)
    if not node.get("allowzero", 0):
        target = [x.shape[i] if size == 0 else size for i, size in enumerate(target)]
    return x.reshape(target)


@computes("Squeeze")
def _squeeze(node: Node, x: Tensor, axes: Tensor | None = None) -> Tensor:
    given = _axes(node, axes)
    return np.squeeze(x, axis=None if given is None else tuple(given))


@computes("Unsqueeze")
def _unsqueeze(node: Node, x: Tensor, axes: Tensor | None = None) -> Tensor:
    return np.expand_dims(x, tuple(_axes(node, axes) or []))


@computes("Transpose")
def _transpose(node: Node, x: Tensor) -> Tensor:
    return np.transpose(x, node.get("perm"))


@computes("Expand")
def _expand(node: Node, x: Tensor, shape: Tensor) -> Tensor:
    return np.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(integers(shape))))


@computes("Tile")
def _tile(node: Node, x: Tensor, repeats: Tensor) -> Tensor:
    return np.tile(x, integers(repeats))


@computes("Concat")
def _concat(node: Node, *parts: Tensor) -> Tensor:
    return np.concatenate(parts, axis=node.get("axis"))


@computes("Split")
def _split(node: Node, x: Tensor, sizes: Tensor | None = None) -> tuple[Tensor, ...]:
    axis, count = node.get("axis", 0), len(node.outputs)
    given = node.get("split") if sizes is None else integers(sizes)
    if given is None:
        step = -(-x.shape[axis] // count)
        given = [step] * (count - 1)
    return tuple(np.split(x, np.cumsum(given)[: count - 1], axis=axis))


@computes("Slice")
def _slice(node: Node, x: Tensor, *given: Tensor | None) -> Tensor:
    if given:
        starts, ends, axes, steps = ((None if g is None else integers(g)) for g in _four(given))
    else:
        starts, ends, axes, steps = (*map(node.get, ("starts", "ends", "axes")), None)
    assert starts is not None
    assert ends is not None
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    place: list[Any] = [slice(None)] * x.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        # An end before the first entry is none for Python, where -1 is the last one.
        last = None if step < 0 and end < -x.shape[axis] else end
        place[axis] = slice(start, last, step)
    return np.asarray(x[tuple(place)])


def _four(given: tuple[Tensor | None, ...]) -> list[Tensor | None]:
    return [*given, *[None] * (4 - len(given))]


@computes("Gather")
def _gather(node: Node, x: Tensor, indices: Tensor) -> Tensor:
    return np.take(x, indices.astype(np.int64), axis=node.get("axis", 0))


@computes("GatherElements")
def _gather_elements(node: Node, x: Tensor, indices: Tensor) -> Tensor:
    axis = node.get("axis", 0)
    at = np.where(indices < 0, indices + x.shape[axis], indices)
    return np.take_along_axis(x, at, axis=axis)


@computes("GatherND")
def _gather_nd(node: Node, x: Tensor, indices: Tensor) -> Tensor:
    if node.get("batch_dims", 0):
        raise UnknownError("it gathers from batches")
    return np.asarray(x[tuple(np.moveaxis(indices, -1, 0))])


@computes("Pad")
def _pad(
    node: Node,
    x: Tensor,
    pads: Tensor | None = None,
    value: Tensor | None = None,
    axes: Tensor | None = None,
) -> Tensor:
    if node.get("mode", "constant") != "constant":
        raise UnknownError(f"its mode is {node.get('mode')}")
    ends = node.get("pads") if pads is None else integers(pads)
    along = list(range(x.ndim)) if axes is None else [a % x.ndim for a in integers(axes)]
    fill = exact(np.array(node.get("value", 0.0))) if value is None else value.reshape(())
    before, after = [0] * x.ndim, [0] * x.ndim
    for i, axis in enumerate(along):
        before[axis], after[axis] = ends[i], ends[len(along) + i]
    # Where padding is negative, entries are cut off.
    last = [n - max(-a, 0) for n, a in zip(x.shape, after, strict=True)]
    x = x[tuple(slice(max(-b, 0), end) for b, end in zip(before, last, strict=True))]
    wide = [(max(b, 0), max(a, 0)) for b, a in zip(before, after, strict=True)]
    return np.pad(x, wide, constant_values=fill[()])


@computes("DepthToSpace")
def _depth_to_space(node: Node, x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    b = node.get("blocksize")
    if node.get("mode", "DCR") == "DCR":
        parts = x.reshape(n, b, b, c // b**2, h, w).transpose(0, 3, 4, 1, 5, 2)
    else:
        parts = x.reshape(n, c // b**2, b, b, h, w).transpose(0, 1, 4, 2, 5, 3)
    return parts.reshape(n, c // b**2, h * b, w * b)


@computes("SpaceToDepth")
def _space_to_depth(node: Node, x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    b = node.get("blocksize")
    parts = x.reshape(n, c, h // b, b, w // b, b).transpose(0, 3, 5, 1, 2, 4)
    return parts.reshape(n, c * b**2, h // b, w // b)


# Resizing by nearest neighbours.


@computes("Upsample")
def _upsample(node: Node, x: Tensor, scales: Tensor | None = None) -> Tensor:
    factors = node.get("scales") if scales is None else floats(scales).ravel().tolist()
    _require_nearest(node)
    return _resized(x, factors, None, "asymmetric", "floor")


@computes("Resize")
def _resize(node: Node, x: Tensor, *given: Tensor | None) -> Tensor:
    _require_nearest(node)
    if len(given) == 1 and given[0] is not None:  # operator set 10
        return _resized(x, floats(given[0]).ravel().tolist(), None, "asymmetric", "floor")
    _, scales, sizes, _ = _four(given)
    axes = [a % x.ndim for a in node.get("axes", list(range(x.ndim)))]
    factors, lengths = [1.0] * x.ndim, None
    if sizes is not None:
        if node.get("keep_aspect_ratio_policy", "stretch") != "stretch":
            raise UnknownError("it keeps the aspect ratio")
        lengths = list(x.shape)
        for axis, length in zip(axes, integers(sizes), strict=True):
            lengths[axis], factors[axis] = length, length / x.shape[axis]
    elif scales is not None:
        for axis, factor in zip(axes, floats(scales).ravel().tolist(), strict=True):
            factors[axis] = factor
    how = node.get("coordinate_transformation_mode", "half_pixel")
    return _resized(x, factors, lengths, how, node.get("nearest_mode", "round_prefer_floor"))


def _require_nearest(node: Node) -> None:
    if node.get("mode", "nearest") != "nearest":
        raise UnknownError(f"it resizes by {node.get('mode')}")


def _resized(
    x: Tensor, factors: list[float], lengths: list[int] | None, how: str, which: str
) -> Tensor:
    """Take the nearest entries along each axis."""
    if lengths is None:
        lengths = [math.floor(n * f) for n, f in zip(x.shape, factors, strict=True)]
    for axis, (length, factor) in enumerate(zip(lengths, factors, strict=True)):
        before = x.shape[axis]
        at = [_source(i, before, length, factor, how) for i in range(length)]
        if which not in NEAREST:
            raise UnknownError(f"its nearest_mode is {which}")
        chosen = [min(max(NEAREST[which](place), 0), before - 1) for place in at]
        x = np.take(x, chosen, axis=axis)
    return x


NEAREST: dict[str, Any] = {
    "floor": math.floor,
    "ceil": math.ceil,
    "round_prefer_floor": lambda place: math.ceil(place - 0.5),
    "round_prefer_ceil": lambda place: math.floor(place + 0.5),
}


def _source(i: int, before: int, after: int, factor: float, how: str) -> float:
    """Return where in the input an entry of the output is."""
    if how == "asymmetric":
        return i / factor
    if how == "align_corners":
        return i * (before - 1) / (after - 1) if after > 1 else 0.0
    if how == "pytorch_half_pixel" and after == 1:
        return 0.0
    if how in ("half_pixel", "pytorch_half_pixel"):
        return (i + 0.5) / factor - 0.5
    raise UnknownError(f"its coordinate_transformation_mode is {how}")


def _axes(node: Node, axes: Tensor | None) -> list[int] | None:
    """Return the axes: an attribute in older operator sets, then an input."""
    return node.get("axes") if axes is None else integers(axes)
