"""Operators that move entries about and compute none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.network.affine_tensor import (
    AffineTensor,
    broadcast,
    common_shape,
    constant,
    joined,
    rearranged,
    reshape,
    taken,
    transpose,
)
from nnce_cli.network.node import Node
from nnce_cli.network.operators.arguments import (
    axes_of,
    axis_of,
    constant_integers,
    constant_values,
    is_integer,
    positions,
)
from nnce_cli.network.operators.registry import LINEAR, MANY, operator
from nnce_cli.network.sparse import limit_entries


@operator(LINEAR, "Flatten", 1, 1)
def _flatten(node: Node, x: AffineTensor) -> AffineTensor:
    n = len(x.shape)
    axis = node.integer("axis", 1)
    if not -n <= axis <= n:
        raise InputError(f"its axis {axis} is not one of a tensor of shape {list(x.shape)}")
    axis = axis + n if axis < 0 else axis
    return reshape(x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))


@operator(LINEAR, "Reshape", 1, 2)
def _reshape(node: Node, x: AffineTensor, shape: AffineTensor | None) -> AffineTensor:
    target = constant_integers(shape, "shape") if shape is not None else node.integers("shape")
    if target is None:
        raise InputError("it does not say which shape")
    if not node.integer("allowzero", 0):
        if any(d == 0 and i >= len(x.shape) for i, d in enumerate(target)):
            raise InputError(f"the shape {list(x.shape)} cannot become {target}")
        target = [x.shape[i] if d == 0 else d for i, d in enumerate(target)]
    size = x.size
    known = math.prod(d for d in target if d != -1)
    if target.count(-1) > 1 or any(d < -1 or d == 0 for d in target) or size % known:
        raise InputError(f"the shape {list(x.shape)} cannot become {target}")
    return reshape(x, tuple(size // known if d == -1 else d for d in target))


@operator(LINEAR, "Squeeze", 1, 2)
def _squeeze(node: Node, x: AffineTensor, axes: AffineTensor | None) -> AffineTensor:
    given = axes_of(node, axes)
    if given is None:
        return reshape(x, tuple(d for d in x.shape if d != 1))
    dropped = positions(given, len(x.shape))
    if any(x.shape[i] != 1 for i in dropped):
        raise InputError(f"it drops an axis longer than 1 of the shape {list(x.shape)}")
    return reshape(x, tuple(d for i, d in enumerate(x.shape) if i not in dropped))


@operator(LINEAR, "Unsqueeze", 1, 2)
def _unsqueeze(node: Node, x: AffineTensor, axes: AffineTensor | None) -> AffineTensor:
    given = axes_of(node, axes)
    if given is None:
        raise InputError("it does not say which axes to insert")
    n = len(x.shape) + len(given)
    inserted = positions(given, n)
    kept = iter(x.shape)
    return reshape(x, tuple(1 if i in inserted else next(kept) for i in range(n)))


@operator(LINEAR, "Transpose", 1, 1)
def _transpose(node: Node, x: AffineTensor) -> AffineTensor:
    n = len(x.shape)
    axes = node.integers("perm")
    axes = list(range(n))[::-1] if axes is None else axes
    if sorted(axes) != list(range(n)):
        raise InputError(f"its perm {axes} is no permutation of the axes of {list(x.shape)}")
    return transpose(x, tuple(axes))


@operator(LINEAR, "Expand", 2, 2)
def _expand(node: Node, x: AffineTensor, shape: AffineTensor) -> AffineTensor:
    target = tuple(constant_integers(shape, "shape"))
    if min(target, default=1) < 1:
        raise InputError(f"the shape {list(x.shape)} cannot become {list(target)}")
    return broadcast(x, common_shape(x.shape, target))


@operator(LINEAR, "Tile", 2, 2)
def _tile(node: Node, x: AffineTensor, repeats: AffineTensor) -> AffineTensor:
    times = constant_integers(repeats, "repeats")
    if len(times) != len(x.shape) or min(times, default=1) < 1:
        raise InputError(f"its repeats {times} do not fit {list(x.shape)}")
    limit_entries(x.size * math.prod(times))
    return rearranged(x, lambda entries: np.tile(entries, times))


@operator(LINEAR, "Concat", 1, MANY)
def _concat(node: Node, parts: list[AffineTensor]) -> AffineTensor:
    first = parts[0].shape
    axis = axis_of(node, 1, len(first))
    for part in parts[1:]:
        same = len(part.shape) == len(first)
        if not same or any(
            a != b for i, (a, b) in enumerate(zip(part.shape, first, strict=True)) if i != axis
        ):
            raise InputError(f"the shapes {list(first)} and {list(part.shape)} do not fit")
    if all(is_integer(part) and part.is_constant for part in parts):
        values = np.concatenate([part.offset for part in parts], axis=axis)
        return constant(values, parts[0].element_type)
    order, start = [], 0
    for part in parts:
        order.append(np.arange(start, start + part.size).reshape(part.shape))
        start += part.size
    return taken(joined(parts), np.concatenate(order, axis=axis))


@operator(LINEAR, "Split", 1, 2)
def _split(node: Node, x: AffineTensor, sizes: AffineTensor | None) -> tuple[AffineTensor, ...]:
    axis = axis_of(node, 0, len(x.shape))
    length, parts = x.shape[axis], len(node.outputs)
    given = node.integers("split") if sizes is None else constant_integers(sizes, "split")
    if given is None:
        each = -(-length // parts)
        given = [max(0, min(each, length - i * each)) for i in range(parts)]
    if len(given) != parts or min(given) < 1 or sum(given) != length:
        raise InputError(f"it splits an axis of length {length} into parts of {given}")
    ends = np.cumsum(given).tolist()
    return tuple(
        _sliced(x, axis, range(end - size, end)) for size, end in zip(given, ends, strict=True)
    )


@operator(LINEAR, "Slice", 1, 5)
def _slice(
    node: Node,
    x: AffineTensor,
    starts: AffineTensor | None,
    ends: AffineTensor | None,
    axes: AffineTensor | None,
    steps: AffineTensor | None,
) -> AffineTensor:
    """Return ``x[start:end:step]`` on some axes; attributes say so before operator set 10."""
    given = [
        node.integers(name) if value is None else constant_integers(value, name)
        for name, value in (("starts", starts), ("ends", ends), ("axes", axes), ("steps", steps))
    ]
    first, last, along, step = given
    if first is None or last is None:
        raise InputError("it does not say where it starts or ends")
    along = positions(list(range(len(first))) if along is None else along, len(x.shape))
    step = [1] * len(first) if step is None else step
    if not len(first) == len(last) == len(along) == len(step) or 0 in step:
        raise InputError("its starts, ends, axes and steps do not fit")
    for axis, a, b, s in zip(along, first, last, step, strict=True):
        chosen = range(*slice(a, _end(b, s, x.shape[axis]), s).indices(x.shape[axis]))
        x = _sliced(x, axis, chosen)
    return x


def _end(end: int, step: int, length: int) -> int | None:
    """Return an end as Python means it: going backwards, before the first is None."""
    return None if step < 0 and end < -length else end


def _sliced(x: AffineTensor, axis: int, chosen: range) -> AffineTensor:
    if not len(chosen) and not x.is_constant:
        raise InputError(f"nothing of the shape {list(x.shape)} is left on axis {axis}")
    if chosen == range(x.shape[axis]):
        return x
    picked = np.arange(chosen.start, chosen.stop, chosen.step)
    return rearranged(x, lambda entries: np.take(entries, picked, axis=axis))


@operator(LINEAR, "Gather", 2, 2)
def _gather(node: Node, x: AffineTensor, indices: AffineTensor) -> AffineTensor:
    axis = axis_of(node, 0, len(x.shape))
    chosen = _indices(indices, x.shape[axis])
    limit_entries(x.size // x.shape[axis] * chosen.size)
    return rearranged(x, lambda entries: np.take(entries, chosen, axis=axis))


@operator(LINEAR, "GatherElements", 2, 2)
def _gather_elements(node: Node, x: AffineTensor, indices: AffineTensor) -> AffineTensor:
    axis = axis_of(node, 0, len(x.shape))
    chosen = _indices(indices, x.shape[axis])
    if chosen.ndim != len(x.shape) or any(
        a > b for i, (a, b) in enumerate(zip(chosen.shape, x.shape, strict=True)) if i != axis
    ):
        raise InputError(f"its indices have the shape {list(chosen.shape)} for {list(x.shape)}")
    part = tuple(slice(None) if i == axis else slice(n) for i, n in enumerate(chosen.shape))
    return rearranged(x, lambda entries: np.take_along_axis(entries[part], chosen, axis=axis))


@operator(LINEAR, "GatherND", 2, 2)
def _gather_nd(node: Node, x: AffineTensor, indices: AffineTensor) -> AffineTensor:
    values = constant_values(indices, "indices")
    if node.integer("batch_dims", 0) or not values.ndim or values.shape[-1] > len(x.shape):
        raise InputError(f"its indices {list(values.shape)} do not fit {list(x.shape)}")
    each = [_within(values[..., i], x.shape[i]) for i in range(values.shape[-1])]
    rest = math.prod(x.shape[values.shape[-1] :])
    limit_entries(values.size // max(1, values.shape[-1]) * rest)
    return rearranged(x, lambda entries: entries[tuple(each)])


def _indices(indices: AffineTensor, length: int) -> NDArray[np.int64]:
    values = constant_values(indices, "indices")
    if not is_integer(indices):
        raise InputError("its indices are no integers")
    return _within(values, length)


def _within(values: NDArray[Any], length: int) -> NDArray[np.int64]:
    if values.size and (int(values.max()) >= length or int(values.min()) < -length):
        raise InputError(f"its indices are beyond an axis of length {length}")
    return np.where(values < 0, values + length, values).astype(np.int64)


@operator(LINEAR, "Pad", 1, 4)
def _pad(
    node: Node,
    x: AffineTensor,
    pads: AffineTensor | None,
    value: AffineTensor | None,
    axes: AffineTensor | None,
) -> AffineTensor:
    n = len(x.shape)
    given = node.integers("pads") if pads is None else constant_integers(pads, "pads")
    along = list(range(n)) if axes is None else positions(constant_integers(axes, "axes"), n)
    if given is None or len(given) != 2 * len(along):
        raise InputError(f"its pads do not fit the shape {list(x.shape)}")
    widths = [(0, 0)] * n
    for i, axis in enumerate(along):
        widths[axis] = (given[i], given[i + len(along)])
    shape = [d + a + b for d, (a, b) in zip(x.shape, widths, strict=True)]
    if min(shape, default=1) < 1:
        raise InputError(f"nothing of the shape {list(x.shape)} is left")
    limit_entries(math.prod(shape))
    mode = node.text("mode", "constant")
    if mode not in ("constant", "edge", "reflect", "wrap"):
        raise InputError(f"it pads by the mode '{mode}'")
    if mode == "reflect" and any(max(w) >= d for d, w in zip(x.shape, widths, strict=True)):
        raise InputError(f"its pads reflect more than the shape {list(x.shape)} has")
    number = node.number("value", 0.0)
    filled = constant(np.array([number]), x.element_type)
    if value is not None:
        filled = reshape(constant(constant_values(value, "value"), x.element_type), (1,))
    return _padded(x, widths, mode, filled)


def _padded(
    x: AffineTensor, widths: Sequence[tuple[int, int]], mode: str, value: AffineTensor
) -> AffineTensor:
    """Return x with more entries around it, or less where a width is negative."""
    places = np.arange(x.size).reshape(x.shape)
    cut = tuple(
        slice(max(0, -a), d - max(0, -b)) for d, (a, b) in zip(x.shape, widths, strict=True)
    )
    places = places[cut]
    more = [(max(0, a), max(0, b)) for a, b in widths]
    if mode != "constant":
        return taken(x, np.pad(places, more, mode=mode))  # type: ignore[call-overload]
    if is_integer(x):
        padded = np.pad(x.offset[cut], more, constant_values=value.offset[0])
        return constant(padded, x.element_type)
    places = np.pad(places, more, constant_values=x.size)
    return taken(joined([x, value]), places)


@operator(LINEAR, "DepthToSpace", 1, 1)
def _depth_to_space(node: Node, x: AffineTensor) -> AffineTensor:
    size = node.integer("blocksize", 0)
    if len(x.shape) != 4 or size < 1 or x.shape[1] % (size * size):
        raise InputError(f"its blocksize {size} does not fit the shape {list(x.shape)}")
    n, c, h, w = x.shape
    deep = c // (size * size)
    if node.text("mode", "DCR") == "DCR":
        split = reshape(x, (n, size, size, deep, h, w))
        moved = transpose(split, (0, 3, 4, 1, 5, 2))
    else:
        split = reshape(x, (n, deep, size, size, h, w))
        moved = transpose(split, (0, 1, 4, 2, 5, 3))
    return reshape(moved, (n, deep, h * size, w * size))


@operator(LINEAR, "SpaceToDepth", 1, 1)
def _space_to_depth(node: Node, x: AffineTensor) -> AffineTensor:
    size = node.integer("blocksize", 0)
    if len(x.shape) != 4 or size < 1 or x.shape[2] % size or x.shape[3] % size:
        raise InputError(f"its blocksize {size} does not fit the shape {list(x.shape)}")
    n, c, h, w = x.shape
    split = reshape(x, (n, c, h // size, size, w // size, size))
    moved = transpose(split, (0, 3, 5, 1, 2, 4))
    return reshape(moved, (n, c * size * size, h // size, w // size))
