"""Operators that bend: their units have two pieces or more.

A node whose input is constant has no units and is folded, exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.network.affine_tensor import (
    AffineTensor,
    add,
    common_shape,
    constant,
    joined,
    multiply,
    require_floats,
    reshape,
    scale,
    taken,
)
from nnce_cli.network.exact import Array, aligned, nearest
from nnce_cli.network.node import Node
from nnce_cli.network.operators.arguments import constant_values, is_integer
from nnce_cli.network.operators.reductions import (
    grouped_places,
    reduced_axes,
    reduced_shape,
    reduced_sum,
)
from nnce_cli.network.operators.registry import MANY, UNITS, operator
from nnce_cli.network.sparse import EXACT
from nnce_cli.network.unit_blocks import Argument, UnitMaker, flat

LARGEST_FLOAT32 = float(np.finfo(np.float32).max)


@operator(UNITS, "Relu", 1, 1)
def _relu(node: Node, make: UnitMaker, x: Argument) -> AffineTensor:
    return _sloped(make, x, np.zeros(()))


@operator(UNITS, "LeakyRelu", 1, 1)
def _leaky_relu(node: Node, make: UnitMaker, x: Argument) -> AffineTensor:
    return _sloped(make, x, np.array(node.number("alpha", float(np.float32(0.01)))))


@operator(UNITS, "PRelu", 2, 2)
def _prelu(node: Node, make: UnitMaker, x: Argument, slope: Argument) -> AffineTensor:
    slopes = constant_values(slope.tensor, "slope")
    require_floats(x.tensor, slope.tensor)
    if common_shape(x.shape, slopes.shape) != x.shape:
        raise InputError(f"its slope has the shape {list(slopes.shape)} for {list(x.shape)}")
    return _sloped(make, x, slopes)


@operator(UNITS, "Abs", 1, 1)
def _abs(node: Node, make: UnitMaker, x: Argument) -> AffineTensor:
    if is_integer(x.tensor):
        return replace(x.tensor, offset=np.abs(x.tensor.offset))
    return _sloped(make, x, np.array(-1.0))


def _sloped(make: UnitMaker, x: Argument, slopes: Array) -> AffineTensor:
    """Return units that give x where x > 0 and ``slope * x`` elsewhere.

    A slope of 1 bends nothing and makes no unit. A slope that is no float64 is made of a ReLU:
    ``slope * x + (1 - slope) * relu(x)``.
    """
    require_floats(x.tensor)
    slopes = np.broadcast_to(slopes, x.shape).ravel()
    if x.is_constant:
        values = x.tensor.offset.ravel()
        ones, slopes = aligned(np.ones(values.shape), slopes)
        bent = EXACT.multiply(values, np.where(values > 0, ones, slopes))
        return replace(x.tensor, offset=bent.reshape(x.shape))
    z = flat(x)
    bends = np.flatnonzero(slopes != 1)
    if not len(bends):
        return x.tensor
    if slopes.dtype == np.object_:
        step = make.two_pieces(z.at(bends), np.zeros(len(bends)), bends)
        weight = EXACT.add(np.ones(len(bends)), -slopes[bends])
        kind = x.tensor.element_type
        carried = multiply(make.light(z.at(bends)), constant(slopes[bends], kind))
        found = add(carried, multiply(step, constant(weight, kind)))
    else:
        found = make.two_pieces(z.at(bends), slopes[bends].astype(np.float64), bends)
    return reshape(patched(z.tensor, bends, found), x.shape)


def patched(x: AffineTensor, places: NDArray[np.int64], new: AffineTensor) -> AffineTensor:
    """Return a vector with new entries at given places."""
    if len(places) == x.size:
        return new
    order = np.arange(x.size)
    order[places] = x.size + np.arange(len(places))
    return taken(joined([x, new]), order)


# Clips.


@operator(UNITS, "Clip", 1, 3)
def _clip(
    node: Node, make: UnitMaker, x: Argument, low: Argument | None, high: Argument | None
) -> AffineTensor:
    """Return min(max(x, low), high); bounds are attributes before operator set 11."""
    bounds = []
    for name, given in (("min", low), ("max", high)):
        if given is None:
            value = np.array(node.bound(name)) if name in node.attributes else None
        else:
            value = constant_values(given.tensor, name)
            if value.size != 1:
                raise InputError(f"its {name} is not one number")
            value = value.reshape(())
        bounds.append(value)
    if is_integer(x.tensor):
        found = x.tensor.offset
        found = found if bounds[0] is None else np.maximum(found, bounds[0])
        found = found if bounds[1] is None else np.minimum(found, bounds[1])
        return replace(x.tensor, offset=found.astype(np.int64))
    require_floats(x.tensor)
    return clip(make, x, _unless_far(bounds[0], -1), _unless_far(bounds[1], 1))


@operator(UNITS, "HardSigmoid", 1, 1)
def _hard_sigmoid(node: Node, make: UnitMaker, x: Argument) -> AffineTensor:
    """Return max(0, min(1, alpha x + beta))."""
    alpha, beta = node.number("alpha", float(np.float32(0.2))), node.number("beta", 0.5)
    z = x.weighted(np.array(alpha)).plus(np.array(beta))
    return clip(make, z, np.array(0.0), np.array(1.0))


def _unless_far(bound: Array | None, sign: int) -> Array | None:
    """Return a bound; None for one that is infinite or the end of float32: it bounds nothing."""
    if bound is None:
        return None
    value = float(nearest(bound.reshape(1))[0]) * sign
    if math.isnan(value):
        raise InputError("one of its bounds is not a number")
    if value <= -LARGEST_FLOAT32:
        raise InputError("its bounds are in the wrong order")
    return None if value >= LARGEST_FLOAT32 else bound


def clip(make: UnitMaker, x: Argument, low: Array | None, high: Array | None) -> AffineTensor:
    """Return min(max(x, low), high) of float bounds, each one number."""
    z, n = flat(x), x.tensor.size
    places = np.arange(n)
    kind = x.tensor.element_type
    if low is not None and high is not None and not low < high:
        return constant(np.broadcast_to(high, x.shape).copy(), kind)
    if x.is_constant:
        return replace(x.tensor, offset=_clipped(x.tensor.offset, low, high))
    if low is not None and high is not None:
        found = make.clips(z, np.broadcast_to(low, (n,)), np.broadcast_to(high, (n,)), places)
    elif low is not None:
        found = make.two_pieces(z.plus(-low), np.zeros(n), places)
        found = add(found, constant(low, kind))
    elif high is not None:
        over = make.two_pieces(z.plus(-high), np.zeros(n), places)
        found = add(make.light(z), scale(over, -1.0))
    else:
        return x.tensor
    return reshape(found, x.shape)


def _clipped(values: Array, low: Array | None, high: Array | None) -> Array:
    """Return constants between bounds."""
    if low is not None:
        values, low = aligned(values, low)
        values = np.where(values > low, values, low)
    if high is not None:
        values, high = aligned(values, high)
        values = np.where(values < high, values, high)
    return values


# Maxima and minima.


@operator(UNITS, "Max", 1, MANY)
def _max(node: Node, make: UnitMaker, parts: list[Argument]) -> AffineTensor:
    return _largest(make, parts, np.maximum)


@operator(UNITS, "Min", 1, MANY)
def _min(node: Node, make: UnitMaker, parts: list[Argument]) -> AffineTensor:
    """Return the smallest: the largest of the negatives, negated."""
    if all(is_integer(part.tensor) for part in parts):
        return _largest(make, parts, np.minimum)
    return scale(_largest(make, [part.times(-1.0) for part in parts], np.maximum), -1.0)


def _largest(
    make: UnitMaker, parts: list[Argument], fold: Callable[[Array, Array], Array]
) -> AffineTensor:
    shape = common_shape(*(part.shape for part in parts))
    if all(part.is_constant for part in parts):
        found = parts[0].tensor.offset
        for part in parts[1:]:
            found = fold(found, part.tensor.offset)
        return replace(parts[0].tensor, offset=np.broadcast_to(found, shape).copy())
    require_floats(*(part.tensor for part in parts))
    n = math.prod(shape)
    vectors = [flat(part.broadcast(shape)) for part in parts]
    entries = np.arange(n * len(parts)).reshape(len(parts), n).T
    return reshape(maximum_of(make, Argument.join(vectors), entries), shape)


@operator(UNITS, "ReduceMax", 1, 2)
def _reduce_max(node: Node, make: UnitMaker, x: Argument, given: Argument | None) -> AffineTensor:
    return _reduced(node, make, x, given)


@operator(UNITS, "ReduceMin", 1, 2)
def _reduce_min(node: Node, make: UnitMaker, x: Argument, given: Argument | None) -> AffineTensor:
    return _negative(_reduced(node, make, Argument(_negative(x.tensor), _negative(x.probe)), given))


@operator(UNITS, "ReduceL1", 1, 2)
def _reduce_l1(node: Node, make: UnitMaker, x: Argument, given: Argument | None) -> AffineTensor:
    axes = reduced_axes(node, None if given is None else given.tensor, len(x.shape))
    bent = _sloped(make, x, np.array(-1.0))
    keep = bool(node.integer("keepdims", 1))
    return bent if axes is None else reduced_sum(bent, axes, keep=keep)


def _negative(x: AffineTensor) -> AffineTensor:
    return replace(x, offset=-x.offset) if is_integer(x) else scale(x, -1.0)


def _reduced(node: Node, make: UnitMaker, x: Argument, given: Argument | None) -> AffineTensor:
    axes = reduced_axes(node, None if given is None else given.tensor, len(x.shape))
    if axes is None:
        return x.tensor
    keep = bool(node.integer("keepdims", 1))
    if x.is_constant:
        return replace(x.tensor, offset=x.tensor.offset.max(axis=tuple(axes), keepdims=keep))
    entries = grouped_places(x.shape, axes)
    return reshape(maximum_of(make, x, entries), reduced_shape(x.shape, axes, keep=keep))


def maximum_of(make: UnitMaker, x: Argument, entries: NDArray[np.int64]) -> AffineTensor:
    """Return the largest of the entries of x at flat places, row by row; -1 is no entry.

    One entry is no unit, two are a unit with two pieces, more are one with as many pieces.
    """
    inside = entries >= 0
    counts = inside.sum(axis=1)
    if not counts.all():
        raise InputError("one of its windows has nothing but padding")
    require_floats(x.tensor)
    if x.is_constant:
        values = x.tensor.offset.ravel()
        lowest = values.min()
        return constant(
            np.where(inside, values[entries], lowest).max(axis=1), x.tensor.element_type
        )
    # The entries of each window before its padding.
    order = np.argsort(~inside, axis=1, kind="stable")
    entries = np.take_along_axis(entries, order, axis=1)
    z = flat(x)
    found = z.at(entries[:, 0]).tensor
    two, more = np.flatnonzero(counts == 2), np.flatnonzero(counts > 2)
    if len(two):
        first, second = z.at(entries[two, 0]), z.at(entries[two, 1])
        found = patched(found, two, make.larger(first, second, two))
    if len(more):
        chosen = entries[more]
        flat_entries = chosen[np.arange(chosen.shape[1]) < counts[more, None]]
        found = patched(found, more, make.maxima(z.at(flat_entries), counts[more], more))
    return found
