"""Inputs of many dimensions under few neurons: the walk in the image of the first layer.

The network sees x only through W_1 x. Where the rank r of W_1 is far below the number of inputs,
the walk runs over u = U x in R^r, with U some independent rows of W_1 (so that no digit is lost),
and over a box that contains the image of the inputs' box. What that relaxation lets in too much is
found at the leaves (core/image/search.hpp).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnce_cli._core import Zonotope
from nnce_cli.base.rounding import UNDERFLOW, UNIT_ROUNDOFF
from nnce_cli.domain import Box
from nnce_cli.enumeration.dictionary.body import Body, body_inside
from nnce_cli.network import AffineMap, LayerStack

if TYPE_CHECKING:
    from flint import fmpq_mat

Floats = NDArray[np.float64]

GAIN = 6  # with fewer inputs than this times the rank, walking over the inputs is faster
LARGEST = 1e150  # squares of larger or smaller numbers leave the float range
INDEPENDENT = 1e-9  # a ratio of singular values that no rounding explains


class Image(NamedTuple):
    """The image of a box of many inputs x under a linear map u = U x into few: a zonotope.

    Where a walk works in the image, its d inputs are the entries of u, and its box contains the
    zonotope. m is the number of inputs x. Inputs are measured from the centre of the box in half
    sides: x = centre + half * t with |t_i| <= 1.
    """

    linear: Floats  # (d, m) U
    inexact: float  # 1.0 where U is rounded from rationals, else 0.0
    magnitude: Floats  # (d,) bound on sum |U| |x| over the box
    lower: Floats  # (m,) the box
    upper: Floats  # (m,)
    centre: Floats  # (m,)
    half: Floats  # (m,)
    # For finding points; no proof rests on these, but on `middle` where a point is in the body.
    middle: Floats  # (d,) U centre
    generator: Floats  # (d, m) G = U diag(half): u = middle + G t
    gram: Floats  # (d, d) G G^T
    inverse: Floats  # (d, d) its inverse: the smallest t for a u is G^T inverse (u - middle)
    body: Body  # measured from the middle; the proof rests on its transform and radius

    def zonotope(self) -> Zonotope:
        """Return a copy of this for a walk."""
        arrays = {**self._asdict(), **self.body._asdict()}
        del arrays["body"]
        return Zonotope(**arrays)


class Reduction(NamedTuple):
    """The network over u, and a box that contains the image of the inputs' box."""

    stack: LayerStack
    box: Box
    image: Image


def reduce_to_image(stack: LayerStack, box: Box) -> Reduction | None:
    """Write ``stack`` on ``box`` over the image of its first layer; None where that is no gain."""
    first = stack.hidden[0]
    rows = _independent_rows(first.weight, box, stack.n_inputs // GAIN)
    if rows is None:
        return None
    over_image = _over_rows(first, rows)
    if over_image is None:
        return None
    linear = np.ascontiguousarray(first.weight[rows])
    image = _image(linear, float(first.exact is not None), box)
    hull = _hull(image)
    inner = replace(stack, hidden=(over_image, *stack.hidden[1:]), input_shape=(1, len(rows)))
    return Reduction(inner, hull, image)


def _image(linear: Floats, inexact: float, box: Box) -> Image:
    """Make the `Image` of the box under ``linear`` (d, m)."""
    lower, upper = box.lower, box.upper
    centre, half = (lower + upper) / 2, (upper - lower) / 2
    generator = linear * half
    gram = generator @ generator.T
    magnitude = (np.abs(linear) @ np.maximum(np.abs(lower), np.abs(upper))) * (1 + 2.0**-30)
    return Image(
        linear=linear,
        inexact=inexact,
        magnitude=magnitude,
        lower=lower,
        upper=upper,
        centre=centre,
        half=half,
        middle=linear @ centre,
        generator=generator,
        gram=gram,
        inverse=np.asarray(np.linalg.inv(gram), dtype=np.float64),
        body=_body(generator, inexact, magnitude),
    )


def _body(generator: Floats, inexact: float, magnitude: Floats) -> Body:
    """Return the body inside the image, smaller by what rounding may move a point in its metric."""
    body = body_inside(generator, inexact)
    units = 16.0 * (generator.shape[1] + len(generator) + 8 + inexact)
    moved = units * UNIT_ROUNDOFF * float(np.linalg.norm(np.abs(body.transform) @ magnitude))
    return body._replace(radius=max(0.0, body.radius - moved))


def _hull(image: Image) -> Box:
    """Return a box that contains U x for all x in the box, rounded outwards."""
    at_lower, at_upper = image.linear * image.lower, image.linear * image.upper
    units = 2.0 * (image.lower.size + 8) + image.inexact
    error = units * UNIT_ROUNDOFF * image.magnitude + UNDERFLOW
    lower = np.minimum(at_lower, at_upper).sum(axis=1) - error
    upper = np.maximum(at_lower, at_upper).sum(axis=1) + error
    return Box(lower, upper)


def _independent_rows(weight: Floats, box: Box, most: int) -> NDArray[np.int64] | None:
    """Return independent rows of ``weight`` (ascending) that span them all, for all we can see.

    None where these are more than ``most``, or rounding leaves a doubt about their independence.
    Their span is not relied on.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        reach = np.abs(weight) @ np.maximum(np.abs(box.lower), np.abs(box.upper))
    if not (np.isfinite(reach).all() and reach.max() < LARGEST):
        return None
    size = np.abs(weight) @ (box.upper - box.lower)
    nonzero = np.flatnonzero(size > 1.0 / LARGEST)
    scaled = (weight * (box.upper - box.lower))[nonzero] / size[nonzero, None]
    if not len(nonzero):
        return None
    chosen = _spanning(scaled, most)
    if len(chosen) > most:
        return None
    values = np.linalg.svd(scaled[chosen], compute_uv=False)
    return nonzero[chosen] if values[-1] > INDEPENDENT * values[0] else None


def _spanning(rows: Floats, most: int) -> NDArray[np.int64]:
    """Return rows (ascending) that span all up to rounding: Gram & Schmidt, largest first.

    Stops at ``most`` + 1 rows: then there are too many.
    """
    rest = rows.copy()
    chosen: list[int] = []
    size = np.linalg.norm(rest, axis=1)
    enough = INDEPENDENT * size.max()
    while len(chosen) < min(*rows.shape, most + 1) and size.max() > enough:
        chosen.append(int(size.argmax()))
        unit = rest[chosen[-1]] / size[chosen[-1]]
        rest -= np.outer(rest @ unit, unit)
        rest[chosen] = 0.0
        size = np.linalg.norm(rest, axis=1)
    return np.array(sorted(chosen), dtype=np.int64)


def _over_rows(first: AffineMap, rows: NDArray[np.int64]) -> AffineMap | None:
    """Write the first layer over its own rows ``rows``; None where they do not span it exactly."""
    n = first.n_out
    if len(rows) == n:
        exact = None if first.exact is None else (_identity(n), first.exact[1])
        return AffineMap(np.eye(n), first.bias, exact)
    from flint import fmpq_mat

    weight, bias = first.rational
    r, m = len(rows), first.n_in
    columns = _spanning(first.weight[rows].T, len(rows)).tolist()
    if len(columns) < r:
        return None
    square = fmpq_mat(r, r, [weight[int(i), j] for i in rows for j in columns])
    chosen = fmpq_mat(r, m, [weight[int(i), j] for i in rows for j in range(m)])
    some = fmpq_mat(n, r, [weight[i, j] for i in range(n) for j in columns])
    over = (square.transpose().solve(some.transpose())).transpose()
    if over * chosen != weight:
        return None
    entries = np.array(over.entries(), dtype=object).reshape(n, r)
    constant = np.array([bias[j, 0] for j in range(n)], dtype=object)
    return AffineMap.of(entries, constant)


def _identity(n: int) -> fmpq_mat:
    from flint import fmpq_mat

    return fmpq_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])
