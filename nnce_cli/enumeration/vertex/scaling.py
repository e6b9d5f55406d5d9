"""What the vertex walk works on: the network with every quantity scaled to about 1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from nnce_cli import _core
from nnce_cli.base.rounding import UNDERFLOW, UNIT_ROUNDOFF
from nnce_cli.domain import Box
from nnce_cli.enumeration.dictionary.network import exact_layers
from nnce_cli.enumeration.problem import Problem
from nnce_cli.network import MAX, AffineMap, LayerStack, nearest

LARGEST_SCALE = 500  # exponents of inputs beyond this are left to the other walk
LARGEST_EXACT_SCALE = 400  # beyond this, forms that were exact may underflow
SMALLEST = 2.0**-900  # scaled numbers below may have underflowed
NO_EXPONENT = np.int32(-(2**30))  # of the number 0
ORDINARY = 200  # numbers between 2^-200 and 2^200 can be scaled by each other without underflow

Exponents = NDArray[np.int32]
Floats = NDArray[np.float64]


def input_exponents(box: Box) -> Exponents:
    """Return e (d,) such that the box lies within 2^e of 0 in each input."""
    magnitude = np.maximum(np.abs(box.lower), np.abs(box.upper))
    return np.frexp(magnitude)[1]


def is_scalable(box: Box) -> bool:
    """Tell whether points of the scaled box can be scaled back without leaving float64.

    And its bounds, and half of them, have their exact values there: none underflows.
    """
    exponents = input_exponents(box)
    if (np.abs(exponents) > LARGEST_SCALE).any():
        return False
    bounds = np.array([box.lower, box.upper])
    halves = np.ldexp(bounds, -exponents - 1)
    return bool((np.ldexp(halves, exponents + 1) == bounds).all())


@lru_cache(maxsize=1)  # the tasks of a run are all about the same network
def scaled_network(problem: Problem) -> _core.VertexNetwork:
    """Return the scaled network that a problem is about."""
    slopes = [units.row_slopes for units in problem.stack.units]
    return scale(problem.stack, problem.box, slopes, _exact_layers(problem.stack, problem.box))


def _exact_layers(stack: LayerStack, box: Box) -> list[bool]:
    """Tell of which layers float64 holds the forms exactly, scaled as they are here.

    Scaling takes nothing away where it does not underflow: forms have 53 bits.
    """
    if stack.hidden[0].is_rational or (np.abs(input_exponents(box)) > LARGEST_EXACT_SCALE).any():
        return [False] * len(stack.hidden)
    return exact_layers(stack, box)


def scale(
    stack: LayerStack, box: Box, slopes: Sequence[Floats], exact: Sequence[bool] = ()
) -> _core.VertexNetwork:
    """Divide every input and neuron by a power of two, so that none is larger than 1 on the box.

    With x = 2^e x', and z = 2^f z' for each neuron, W' = 2^-f W 2^e and b' = 2^-f b: exactly, but
    for underflow. One input becomes two, of which the second has no weight. ``slopes`` are those
    of each layer's units on the inactive side; a layer's neurons beyond are pass-throughs.
    ``exact`` says of the first layers whether float64 holds their forms exactly.
    """
    d, exponents = stack.n_inputs, input_exponents(box)
    lower, upper = -np.ones(max(d, 2)), np.ones(max(d, 2))
    lower[:d], upper[:d] = np.ldexp(box.lower, -exponents), np.ldexp(box.upper, -exponents)
    layers = list(scaled_layers(stack, exponents, slopes))
    inexact = [
        layer.is_rational or _underflows(layer, scaled)
        for layer, scaled in zip(stack.hidden, layers, strict=True)
    ]
    known = [*exact, *[False] * (len(inexact) - len(exact))]
    errors = [scaled.error for scaled in layers]
    return _core.VertexNetwork(
        inputs=d,
        lower=lower.tolist(),
        upper=upper.tolist(),
        weights=[
            (layer.rows.starts, layer.rows.columns, scaled.entries)
            for layer, scaled in zip(stack.hidden, layers, strict=True)
        ],
        biases=[scaled.bias for scaled in layers],
        exponents=[scaled.exponents for scaled in layers],
        slopes=list(slopes),
        roundings=list(zip(errors, inexact, known, strict=True)),
        maxima=[
            [(first, unit.pieces, unit.base) for unit, first in units.firsts() if unit.kind == MAX]
            for units in stack.units
        ],
    )


@dataclass(frozen=True)
class ScaledLayer:
    """A layer's scaled weight, by the entries of its ``rows``, its bias, and its forms' error.

    Its neurons were divided by powers of two with these ``exponents``.
    """

    entries: Floats
    bias: Floats
    exponents: Exponents
    error: float


def scaled_layers(
    stack: LayerStack, exponents: Exponents, slopes: Sequence[Floats]
) -> Iterator[ScaledLayer]:
    """Yield each layer, scaled, and how far its forms may be off.

    ``exponents`` are those of the inputs. A form of n terms errs by (n + 2) u and what the terms
    err by (Higham 2002, section 3.1); a slope is one more rounding of each term, and so is the sum
    of a max's first number and what its winner adds.
    """
    error, gains = 0.0, np.ones(stack.n_inputs)
    for index, (layer, slope) in enumerate(zip(stack.hidden, slopes, strict=True)):
        row_of = layer.rows.row_of
        scale_layer = _scale if _is_ordinary(layer, exponents) else _scale_any
        entries, bias, scales = scale_layer(layer, exponents, gains, row_of)
        size = float(_sums(layer, entries, gains, row_of).max())
        roundings = layer.rows.longest + 4 + int((gains > 1.0).any())
        rounding = 0.0 if index == 0 else 2 * roundings * UNIT_ROUNDOFF
        rounding += _inexactness(layer, exponents, scales)
        error = (size * error + rounding) * (1 + 2.0**-30) + UNDERFLOW * float(gains.max())
        yield ScaledLayer(entries, bias, scales, error)
        exponents, gains = scales, np.ones(layer.n_out)
        gains[: slope.size] = np.maximum(np.abs(slope), 1.0)


def _is_ordinary(layer: AffineMap, exponents: Exponents) -> bool:
    """Tell whether no number of a layer or its inputs is huge or, but for zeros, tiny."""
    sizes = [np.abs(nearest(layer.rows.values)), np.abs(layer.bias)]
    return bool((np.abs(exponents) <= ORDINARY).all()) and all(
        ((size >= 2.0**-ORDINARY) & (size <= 2.0**ORDINARY) | (size == 0.0)).all() for size in sizes
    )


def _scale(
    layer: AffineMap, exponents: Exponents, gains: Floats, row_of: NDArray[np.int64]
) -> tuple[Floats, Floats, Exponents]:
    """Return an ordinary layer's scaled entries and bias, and the exponents of its neurons.

    ``gains`` (n_in,) says how much larger what a neuron before passes on may be than itself, and
    ``row_of`` which row each entry is in.
    """
    entries = nearest(layer.rows.values) * np.ldexp(1.0, exponents)[layer.rows.columns]
    total = _sums(layer, entries, gains, row_of) + np.abs(layer.bias)
    total *= 1 + 2.0**-20  # forms are this much over 1 at most
    scales = np.frexp(total)[1]
    factors = np.ldexp(1.0, -scales)
    return entries * factors[row_of], layer.bias * factors, scales


def _scale_any(
    layer: AffineMap, exponents: Exponents, gains: Floats, row_of: NDArray[np.int64]
) -> tuple[Floats, Floats, Exponents]:
    """Do the same where products of the layer's numbers may leave float64's range."""
    rows = layer.rows
    entries, exponent = np.frexp(nearest(rows.values))
    exponent = np.where(entries == 0.0, NO_EXPONENT, exponent + exponents[rows.columns])
    bias, largest = np.frexp(layer.bias)
    largest = np.where(bias == 0.0, NO_EXPONENT, largest)
    bias_exponent = largest.copy()
    filled = rows.lengths > 0
    if filled.any():
        most = np.maximum.reduceat(exponent, rows.starts[:-1][filled])
        largest[filled] = np.maximum(largest[filled], most)
    largest[largest == NO_EXPONENT] = 0
    # Less than 2^-2000 is no number.
    entries = np.ldexp(entries, np.maximum(exponent - largest[row_of], -2000))
    bias = np.ldexp(bias, np.maximum(bias_exponent - largest, -2000))
    total = _sums(layer, entries, gains, row_of) + np.abs(bias)
    total *= 1 + 2.0**-20
    shift = np.frexp(total)[1]
    entries = entries * np.ldexp(1.0, -shift)[row_of]
    return entries, bias * np.ldexp(1.0, -shift), largest + shift


def _sums(layer: AffineMap, entries: Floats, gains: Floats, row_of: NDArray[np.int64]) -> Floats:
    """Return the sums of the sizes of a layer's entries, each times its input's gain, by neuron."""
    terms = np.abs(entries)
    if (gains != 1.0).any():
        terms *= gains[layer.rows.columns]
    return np.bincount(row_of, terms, minlength=layer.n_out).astype(np.float64)


def _underflows(layer: AffineMap, scaled: ScaledLayer) -> bool:
    """Tell whether a number of the layer may have lost bits by its scaling."""
    entries = (nearest(layer.rows.values) != 0.0) & (np.abs(scaled.entries) < SMALLEST)
    bias = (layer.bias != 0.0) & (np.abs(scaled.bias) < SMALLEST)
    return bool(entries.any() or bias.any())


def _inexactness(layer: AffineMap, exponents: Exponents, scales: Exponents) -> float:
    """Bound what the scaled forms err by because float64 weights are rounded from rationals.

    Half a unit in the last place of each, or of the smallest normal number.
    """
    if not layer.is_rational:
        return 0.0
    absolute = np.ldexp(1.0, -1074 + max(int(exponents.max()), 0) - scales)
    return UNIT_ROUNDOFF + (layer.n_in + 1) * float(absolute.max())
