"""Tensors whose entries are affine functions of variables: the inputs, and what units give.

The linear operators of ONNX act on such a tensor as they act on numbers, so each of them is one
of the few functions below: entries are moved, scaled, added, or combined by a sparse matrix. A
constant is such a tensor with no linear part, and is folded by the same functions.

In a *tracked* reading every coefficient and every offset also has the sum of the magnitudes of
the terms that were added up to it. So evaluating a tensor in floating point, node by node, errs by
at most ``roundings * unit_roundoff * (sizes |v| + offset sizes)`` to first order (Higham 2002,
*Accuracy and Stability of Numerical Algorithms*, section 3.1): cancellation between nodes is not
hidden, as it would be in the magnitude of the composed map.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.network.element_types import UNIT_ROUNDOFF
from nnce_cli.network.exact import Array, rationals
from nnce_cli.network.sparse import (
    EXACT,
    Floats,
    Index,
    Rows,
    add_rows,
    apply_rows,
    apply_sizes,
    empty_rows,
    join,
    limit_entries,
    magnitudes,
    product,
    stack_rows,
    unit_rows,
)

Shape = tuple[int, ...]

MAX_RANK = 16  # NumPy itself stops at 32 axes or 64
MAX_VARYING = 2**22  # entries of a tensor that depends on the input


@dataclass(eq=False)
class Depths:
    """The depth of each variable: 0 of an input, that of its layer of a unit's value."""

    of: Index = field(default_factory=lambda: np.zeros(0, np.int64))

    def more(self, n: int, depth: int) -> Index:
        """Add n variables of a depth, and return their numbers."""
        first = len(self.of)
        self.of = np.concatenate([self.of, np.full(n, depth)])
        return np.arange(first, first + n)


@dataclass(frozen=True, eq=False)
class AffineTensor:
    """A tensor with entries ``linear · variables + offset``, or a constant without ``linear``.

    ``offset`` has the tensor's shape: an exact array, or int64 or bool in a constant of such a
    type. ``linear`` has a row for each entry, in row-major order. ``depth`` is that of the
    deepest variable that the tensor may depend on. ``sizes`` has the magnitudes of the terms in
    ``offset`` where the reading is tracked, ``roundings`` counts the roundings that one entry can
    go through, and ``element_types`` names those of the tensors that it was made of.
    """

    offset: Array
    element_type: str
    linear: Rows | None = None
    depths: Depths | None = None
    depth: int = 0
    sizes: Floats | None = None
    roundings: int = 0
    element_types: frozenset[str] = frozenset()

    @property
    def shape(self) -> Shape:
        """The shape of the tensor."""
        return self.offset.shape

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.offset.size

    @property
    def is_constant(self) -> bool:
        """Whether no entry depends on the input."""
        return self.linear is None

    @property
    def rows(self) -> Rows:
        """The linear part; that of a constant has no entries."""
        return empty_rows(self.size) if self.linear is None else self.linear


class NotAffineError(InputError):
    """An operator is not affine where it stands."""


def variables(
    columns: Index, shape: Shape, element_type: str, depths: Depths, *, tracked: bool = False
) -> AffineTensor:
    """Return given variables themselves as a tensor."""
    return AffineTensor(
        offset=np.zeros(shape),
        element_type=element_type,
        linear=unit_rows(columns, tracked=tracked),
        depths=depths,
        depth=int(depths.of[columns].max(initial=0)),
        sizes=np.zeros(shape) if tracked else None,
        element_types=frozenset([element_type]),
    )


def constant(values: Any, element_type: str) -> AffineTensor:
    """Return a constant: float64 of any float type, int64 or bool."""
    return AffineTensor(np.asarray(values), element_type)


def rearranged(x: AffineTensor, move: Callable[[NDArray[Any]], NDArray[Any]]) -> AffineTensor:
    """Return a tensor whose entries are entries of x: ``move`` acts on any array of x's shape."""
    if x.linear is None:
        return replace(x, offset=_limited(move(x.offset)))
    return taken(x, move(np.arange(x.size).reshape(x.shape)))


def taken(x: AffineTensor, places: NDArray[Any]) -> AffineTensor:
    """Return the entries of x at flat places, in an array of any shape; -1 is a zero."""
    _limit_varying(places.size if x.linear is not None else 0)
    flat = _limited(places).ravel()
    offset = _taken(x.offset, flat, places.shape)
    if x.linear is None:
        return replace(x, offset=offset)
    linear, depth = x.linear.take(flat), x.depth
    if len(linear.columns):  # a part may be less deep; without entries nobody can say
        assert x.depths is not None
        depth = min(depth, int(x.depths.of[linear.columns].max()))
    sizes = None if x.sizes is None else _taken(x.sizes, flat, places.shape)
    return replace(x, offset=offset, linear=linear, depth=depth, sizes=sizes)


def reshape(x: AffineTensor, shape: Shape) -> AffineTensor:
    """Return x with another shape of as many entries."""
    if math.prod(shape) != x.size:
        raise InputError(f"the shape {list(x.shape)} cannot become {list(shape)}")
    if len(shape) > MAX_RANK:
        raise InputError(f"it makes a tensor with {len(shape)} axes, more than {MAX_RANK}")
    sizes = None if x.sizes is None else x.sizes.reshape(shape)
    return replace(x, offset=x.offset.reshape(shape), sizes=sizes)


def transpose(x: AffineTensor, axes: Shape) -> AffineTensor:
    """Return x with its axes permuted as ``numpy.transpose`` does."""
    long = [axis for axis in axes if x.shape[axis] > 1]
    if long == sorted(long):
        return reshape(x, tuple(x.shape[axis] for axis in axes))
    return rearranged(x, lambda entries: entries.transpose(axes))


def broadcast(x: AffineTensor, shape: Shape) -> AffineTensor:
    """Return x broadcast to a shape."""
    if shape == x.shape:
        return x
    limit_entries(math.prod(shape))
    if math.prod(shape) == x.size:
        return reshape(x, shape)
    return rearranged(x, lambda entries: np.broadcast_to(entries, shape))


def joined(parts: Sequence[AffineTensor]) -> AffineTensor:
    """Return all entries of some tensors in one vector."""
    require_floats(*parts)
    limit_entries(sum(part.size for part in parts))
    offset = join([part.offset.ravel() for part in parts])
    if all(part.is_constant for part in parts):
        return constant(offset, parts[0].element_type)
    linear = stack_rows([part.rows for part in parts])
    limit_entries(len(linear.columns))
    sizes = None
    if linear.sizes is not None:
        sizes = np.concatenate([_sizes(part).ravel() for part in parts])
    return _computed(parts, offset, linear, sizes, 0)


def add(a: AffineTensor, b: AffineTensor) -> AffineTensor:
    """Return a + b, broadcast as in NumPy."""
    a, b = _broadcast_both(a, b)
    offset = EXACT.add(a.offset, b.offset)
    if a.is_constant and b.is_constant:
        return replace(a, offset=offset)
    if a.linear is not None and b.linear is not None:
        linear = add_rows(a.linear, b.linear)
    else:
        linear = b.rows if a.linear is None else a.linear
    sizes = None if linear.sizes is None else _sizes(a) + _sizes(b)
    return _computed([a, b], offset, linear, sizes, 1)


def multiply(a: AffineTensor, b: AffineTensor) -> AffineTensor:
    """Return a * b, entry by entry; at least one of them has to be constant."""
    if not a.is_constant and not b.is_constant:
        raise NotAffineError("it multiplies two values that both depend on the input")
    a, b = _broadcast_both(*((b, a) if a.is_constant else (a, b)))
    offset = EXACT.multiply(a.offset, b.offset)
    if a.linear is None:
        return replace(a, offset=offset)
    sizes = None if a.sizes is None else a.sizes * _sizes(b)
    # A factor may itself come from BatchNormalization's four roundings.
    return _computed([a, b], offset, a.linear.scaled(b.offset.ravel()), sizes, 5)


def divide(a: AffineTensor, b: AffineTensor) -> AffineTensor:
    """Return a / b, entry by entry; b has to be constant."""
    if not b.is_constant:
        raise NotAffineError("it divides by a value that depends on the input, which is not affine")
    a, b = _broadcast_both(a, b)
    if not (b.offset != 0).all():
        raise InputError("it divides by zero")
    offset = EXACT.divide(a.offset, b.offset)
    if a.linear is None:
        return replace(a, offset=offset)
    sizes = None if a.sizes is None else a.sizes / _sizes(b)
    return _computed([a, b], offset, a.linear.divided(b.offset.ravel()), sizes, 5)


def scale(x: AffineTensor, factor: float) -> AffineTensor:
    """Return x times a number."""
    return x if factor == 1.0 else multiply(x, constant(np.array(factor), x.element_type))


def combined(matrix: Rows, x: AffineTensor, shape: Shape) -> AffineTensor:
    """Return the tensor ``matrix @ entries of x`` in a given shape, for a matrix of constants."""
    require_floats(x)
    _limit_varying(matrix.n if x.linear is not None else 0)
    offset = apply_rows(matrix, x.offset.ravel()).reshape(shape)
    if x.linear is None:
        return replace(x, offset=offset)
    linear = product(matrix, x.linear)
    sizes = None if x.sizes is None else apply_sizes(matrix, x.sizes.ravel()).reshape(shape)
    return _computed([x], offset, linear, sizes, matrix.longest + 1)


def require_floats(*tensors: AffineTensor) -> None:
    """Refuse to compute with tensors that are not all of one float type.

    Raises:
        InputError: they are not.
    """
    types = list(dict.fromkeys(x.element_type for x in tensors))
    if len(types) > 1 or not set(types) <= set(UNIT_ROUNDOFF):
        raise InputError(
            f"it combines the types {' and '.join(types)}; nnce computes with one "
            f"of {', '.join(UNIT_ROUNDOFF)} at a time"
        )


def _computed(
    parts: Sequence[AffineTensor],
    offset: Array,
    linear: Rows,
    sizes: Floats | None,
    roundings: int,
) -> AffineTensor:
    """Return a tensor that was computed from others, at least one of which is no constant."""
    known = [part for part in parts if not part.is_constant]
    return replace(
        known[0],
        offset=offset,
        linear=linear,
        depth=max(part.depth for part in known),
        sizes=sizes,
        roundings=max(part.roundings for part in known) + roundings,
        element_types=frozenset().union(*(part.element_types for part in known)),
    )


def _sizes(x: AffineTensor) -> Floats:
    return magnitudes(x.offset) if x.sizes is None else x.sizes


def _broadcast_both(a: AffineTensor, b: AffineTensor) -> tuple[AffineTensor, AffineTensor]:
    """Return both with the same shape; refuse types or shapes that do not fit."""
    require_floats(a, b)
    shape = common_shape(a.shape, b.shape)
    return broadcast(a, shape), broadcast(b, shape)


def common_shape(*shapes: Shape) -> Shape:
    """Return the shape that others broadcast to.

    Raises:
        InputError: there is none, or it is too large.
    """
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        names = " and ".join(str(list(s)) for s in shapes)
        raise InputError(f"the shapes {names} do not fit") from None
    limit_entries(math.prod(shape))
    return shape


def _limit_varying(entries: int) -> None:
    if entries > MAX_VARYING:
        raise InputError(
            f"it makes a tensor of {entries} entries that depend on the input, more than "
            f"{MAX_VARYING}"
        )


def _limited(entries: NDArray[Any]) -> NDArray[Any]:
    limit_entries(entries.size)
    return entries


def _taken(values: Array, flat: NDArray[Any], shape: Shape) -> Array:
    """Return values at flat places; zero where a place is negative."""
    found = values.ravel()[flat]
    if (flat < 0).any():
        zero: Any = 0.0 if values.dtype != np.object_ else rationals(np.zeros(1))[0]
        found[flat < 0] = zero
    placed: Array = found.reshape(shape)
    return placed
