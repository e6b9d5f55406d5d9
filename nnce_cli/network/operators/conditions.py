"""Comparisons, and the choices made by them that are piecewise linear.

``Where(x > 0, x, a x)`` is a leaky ReLU. In general a choice between two tensors by the sign of
a third one is piecewise linear where their difference is a multiple of it; another choice jumps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnce_cli.network.affine_tensor import (
    AffineTensor,
    NotAffineError,
    Shape,
    add,
    broadcast,
    common_shape,
    constant,
    joined,
    multiply,
    require_floats,
    reshape,
    scale,
    taken,
)
from nnce_cli.network.element_types import ELEMENT_TYPES, UNIT_ROUNDOFF
from nnce_cli.network.exact import Array, rationals, settle
from nnce_cli.network.node import Node
from nnce_cli.network.operators.folding import compared
from nnce_cli.network.operators.registry import UNITS, operator
from nnce_cli.network.sparse import EXACT, Rows
from nnce_cli.network.unit_blocks import Argument, UnitMaker, flat


@dataclass(frozen=True, eq=False)
class Condition:
    """Truth values: where ``difference`` is positive; what it says at zero is left open.

    ``number`` is the float type that they were cast to, as ones and zeros, if they were.
    """

    difference: Argument
    number: str = ""

    @property
    def shape(self) -> Shape:
        """The shape of the tensor."""
        return self.difference.shape


def _comparison(op_type: str, sign: float) -> None:
    def handler(node: Node, make: UnitMaker, a: Argument, b: Argument) -> Any:
        if a.is_constant and b.is_constant:
            return compared(op_type, a.tensor, b.tensor)
        return Condition((a - b).times(sign))

    operator(UNITS, op_type, 2, 2)(handler)


_comparison("Greater", 1.0)
_comparison("GreaterOrEqual", 1.0)
_comparison("Less", -1.0)
_comparison("LessOrEqual", -1.0)


@operator(UNITS, "Not", 1, 1)
def _not(node: Node, make: UnitMaker, x: Any) -> Any:
    if isinstance(x, Condition):
        return Condition(x.difference.times(-1.0))
    return constant(~x.tensor.offset.astype(np.bool_), "bool")


def as_number(node: Node, x: Condition) -> Condition | None:
    """Return truth values cast to ones and zeros; None where the cast is to integers."""
    target = ELEMENT_TYPES.get(node.integer("to", 0), "")
    return Condition(x.difference, target) if target in UNIT_ROUNDOFF else None


@operator(UNITS, "Where", 3, 3)
def _where(node: Node, make: UnitMaker, test: Any, a: Argument, b: Argument) -> AffineTensor:
    if isinstance(test, Condition):
        return chosen(make, test, a, b)
    mask = test.tensor.offset != 0
    shape = common_shape(mask.shape, a.shape, b.shape)
    mask = np.broadcast_to(mask, shape)
    left, right = broadcast(a.tensor, shape), broadcast(b.tensor, shape)
    if left.is_constant and right.is_constant and left.offset.dtype != np.float64:
        return constant(np.where(mask, left.offset, right.offset), left.element_type)
    places = np.arange(mask.size).reshape(shape)
    return taken(joined([left, right]), np.where(mask, places, places + mask.size))


def chosen(make: UnitMaker, test: Condition, a: Argument, b: Argument) -> AffineTensor:
    """Return a where the test holds and b elsewhere.

    Where a = p d and b = q d for the test's d, this is p times a unit of slope q / p; in
    general it is b + c relu(d), with a - b = c d.

    Raises:
        NotAffineError: it jumps.
    """
    require_floats(a.tensor, b.tensor)
    shape = common_shape(test.shape, a.shape, b.shape)
    d, a, b = (flat(x.broadcast(shape)) for x in (test.difference, a, b))
    places = np.arange(d.tensor.size)
    kind = a.tensor.element_type
    whole, part = _ratio(a.tensor, d.tensor), _ratio(b.tensor, d.tensor)
    if whole is not None and part is not None and (whole != 0).all():
        slopes = EXACT.divide(part, whole)
        if slopes.dtype != np.object_:
            unit = make.two_pieces(d, slopes, places)
            return reshape(multiply(unit, constant(whole, kind)), shape)
    factor = _ratio((a - b).tensor, d.tensor)
    if factor is None:
        raise NotAffineError(
            "it chooses between values that do not meet where its condition changes, so that it "
            "jumps and is not piecewise linear"
        )
    step = make.two_pieces(d, np.zeros(len(places)), places)
    return reshape(add(make.light(b), multiply(step, constant(factor, kind))), shape)


def _ratio(x: AffineTensor, d: AffineTensor) -> Array | None:
    """Return the numbers c with ``x = c d`` entry by entry, None where there are none."""
    n = d.size
    first = np.zeros(n)
    left, right = _cleaned(x), _cleaned(d)
    if bool((right.lengths == 0).any()):
        return None
    lead = rationals(right.values)[right.starts[:-1]]
    at = np.full(n, -1)
    entry = np.repeat(np.arange(n), left.lengths)
    match = left.columns == right.columns[right.starts[:-1]][entry]
    at[entry[match]] = np.flatnonzero(match)
    values = rationals(left.values)
    ratio = rationals(first)
    found = at >= 0
    ratio[found] = values[at[found]] / lead[found]
    ratio = settle(ratio)
    same = _cleaned(add(x, scale(multiply(d, constant(ratio, d.element_type)), -1.0)))
    offset = EXACT.add(x.offset, -EXACT.multiply(d.offset, ratio))
    return ratio if not len(same.values) and not (offset != 0).any() else None


def _cleaned(x: AffineTensor) -> Rows:
    """Return the linear part without entries that are zero."""
    rows = x.rows
    return rows.select((rows.values != 0).astype(np.bool_))
