"""The piecewise linear operators of ONNX as *pieces*.

A unit has a few pieces: a code, where the piece holds, and what the unit gives there. The pieces
of a unit cover the space and don't overlap: where two could meet, one of them asks for *strictly*
positive. A form that is zero on a whole cell is not, so the piece with the lowest code has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import NamedTuple

import numpy as np
from flint import fmpq

from tests.oracles.graph_operators import (
    Forms,
    Node,
    axes_of,
    broadcast,
    constants,
    numbers_of,
    rational,
    shape_of,
    windows,
)

Form = Forms  # one of them: the coefficients and the constant


class Condition(NamedTuple):
    """A form that is to be positive (``strict``) or not negative."""

    form: Form
    strict: bool


class Piece(NamedTuple):
    """A piece of a unit: ``value`` where all the conditions hold."""

    code: int
    conditions: tuple[Condition, ...]
    value: Form


Unit = list[Piece]
Units = tuple[tuple[int, ...], list[Unit]]  # the shape of a node's output, a unit for each entry
Operator = Callable[..., Units]

UNITS: dict[str, Operator] = {}


def units(operator: str) -> Callable[[Operator], Operator]:
    """Enter a function in the table of piecewise linear operators."""

    def enter(function: Operator) -> Operator:
        UNITS[operator] = function
        return function

    return enter


def entries(forms: Forms) -> Forms:
    """Return forms one after the other: (entries, coefficients)."""
    return forms.reshape(-1, forms.shape[-1])


def positive(form: Form) -> Condition:
    """Return that the form is positive."""
    return Condition(form, True)


def not_negative(form: Form) -> Condition:
    """Return that the form is not negative."""
    return Condition(form, False)


def bent(z: Form, slope: fmpq) -> Unit:
    """Return the unit that gives z where z > 0, and elsewhere ``slope`` z; with a slope of 1, z."""
    if slope == 1:
        return [Piece(0, (), z)]
    return [Piece(0, (not_negative(-z),), z * slope), Piece(1, (positive(z),), z)]


def clipped(z: Form, lower: Form | None, upper: Form | None) -> Unit:
    """Return z between two bounds, each of which may be missing."""
    pieces, inside = [], []
    if lower is not None:
        pieces.append(Piece(0, (not_negative(lower - z),), lower))
        inside.append(positive(z - lower))
    if upper is not None:
        pieces.append(Piece(2, (positive(z - upper),), upper))
        inside.append(not_negative(upper - z))
    return sorted([*pieces, Piece(1, tuple(inside), z)], key=lambda piece: piece.code)


def largest(arguments: Sequence[tuple[int, Form]]) -> Unit:
    """Return the first largest one of some numbers, each of which has its code."""
    return [
        Piece(
            code,
            tuple(
                positive(z - other) if i < j else not_negative(z - other)
                for i, (_, other) in enumerate(arguments)
                if i != j
            ),
            z,
        )
        for j, (code, z) in enumerate(arguments)
    ]


def opposite(unit: Unit) -> Unit:
    """Return the unit with the opposite values."""
    return [piece._replace(value=-piece.value) for piece in unit]


@units("Relu")
def relu(node: Node, x: Forms) -> Units:
    return shape_of(x), [bent(z, fmpq(0)) for z in entries(x)]


@units("LeakyRelu")
def leaky_relu(node: Node, x: Forms) -> Units:
    slope = rational(node.get("alpha", 0.01))
    return shape_of(x), [bent(z, slope) for z in entries(x)]


@units("PRelu")
def parametric_relu(node: Node, x: Forms, slopes: Forms) -> Units:
    slopes = numbers_of(broadcast(x, slopes)[1]).reshape(-1)
    return shape_of(x), [bent(z, s) for z, s in zip(entries(x), slopes, strict=True)]


@units("Abs")
def absolute(node: Node, x: Forms) -> Units:
    return shape_of(x), [bent(z, fmpq(-1)) for z in entries(x)]


@units("Clip")
def clip(node: Node, x: Forms, low: Forms | None = None, high: Forms | None = None) -> Units:
    d = x.shape[-1] - 1
    ends = [node.either(low, "min"), node.either(high, "max")]
    lower, upper = (None if t is None else constants(np.reshape(t, (1,)), d)[0] for t in ends)
    return shape_of(x), [clipped(z, lower, upper) for z in entries(x)]


@units("HardSigmoid")
def hard_sigmoid(node: Node, x: Forms) -> Units:
    d = x.shape[-1] - 1
    zero, one, shift = constants([0.0, 1.0, node.get("beta", 0.5)], d)
    slope = rational(node.get("alpha", 0.2))
    return shape_of(x), [clipped(z * slope + shift, zero, one) for z in entries(x)]


@units("Max")
def maximum(node: Node, *terms: Forms) -> Units:
    terms = broadcast(*terms)
    rows = zip(*map(entries, terms), strict=True)
    return shape_of(terms[0]), [largest(list(enumerate(row))) for row in rows]


@units("Min")
def minimum(node: Node, *terms: Forms) -> Units:
    shape, opposites = maximum(node, *(-t for t in terms))
    return shape, [opposite(unit) for unit in opposites]


@units("ReduceMax")
def reduce_max(node: Node, x: Forms, axes: Forms | None = None) -> Units:
    """The codes are the places along the axes, row-major."""
    along = axes_of(node, x, axes)
    rank = len(shape_of(x))
    kept = [a for a in range(rank) if a not in along]
    rows = x.transpose(*kept, *along, rank).reshape(prod(x.shape[a] for a in kept), -1, x.shape[-1])
    if node.get("keepdims", 1):
        shape = tuple(1 if a in along else size for a, size in enumerate(shape_of(x)))
    else:
        shape = tuple(x.shape[a] for a in kept)
    return shape, [largest(list(enumerate(row))) for row in rows]


@units("ReduceMin")
def reduce_min(node: Node, x: Forms, axes: Forms | None = None) -> Units:
    shape, opposites = reduce_max(node, -x, axes)
    return shape, [opposite(unit) for unit in opposites]


@units("GlobalMaxPool")
def global_max_pool(node: Node, x: Forms) -> Units:
    rows = x.reshape(prod(x.shape[:2]), -1, x.shape[-1])
    shape = (*x.shape[:2], *[1] * (x.ndim - 3))
    return shape, [largest(list(enumerate(row))) for row in rows]


def comparison(a: Forms, b: Forms, meets: bool) -> Units:
    """Return whether a > b, or >= where they may meet, as 1 and 0."""
    a, b = broadcast(a, b)
    zero, one = constants([0.0, 1.0], a.shape[-1] - 1)
    found = []
    for z in entries(a - b):
        greater, other = (
            (not_negative(z), positive(-z)) if meets else (positive(z), not_negative(-z))
        )
        found.append([Piece(0, (other,), zero), Piece(1, (greater,), one)])
    return shape_of(a), found


@units("Greater")
def is_greater(node: Node, a: Forms, b: Forms) -> Units:
    return comparison(a, b, False)


@units("GreaterOrEqual")
def is_greater_or_equal(node: Node, a: Forms, b: Forms) -> Units:
    return comparison(a, b, True)


@units("Less")
def is_less(node: Node, a: Forms, b: Forms) -> Units:
    return comparison(b, a, False)


@units("LessOrEqual")
def is_less_or_equal(node: Node, a: Forms, b: Forms) -> Units:
    return comparison(b, a, True)


@units("MaxPool")
def max_pool(node: Node, x: Forms) -> Units:
    """The padding is in no window: a place of the kernel that sees it never wins."""
    shape = (*shape_of(x), 1)
    outside = np.iinfo(np.int64).max
    numbers = np.arange(np.prod(shape), dtype=np.int64).reshape(shape)
    seen = windows(node, numbers, node.get("kernel_shape"), outside, outside)[..., 0]
    forms = entries(x)
    found = [
        largest([(code, forms[at]) for code, at in enumerate(window) if at != outside])
        for window in seen.reshape(len(seen), -1).T
    ]
    return seen.shape[1:], found
