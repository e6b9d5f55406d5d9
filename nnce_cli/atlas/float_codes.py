"""The codes of many points by float64, and which of them are certain.

A forward pass that carries a bound on its own error along. What an inactive ReLU passes on is
exactly zero, and so has no error; that makes the bounds tighter than those over a whole box, and
neurons that hang on dead ones are known to be zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.rounding import UNDERFLOW, UNIT_ROUNDOFF
from nnce_cli.network import CLIP, AffineMap, LayerStack, Units

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CAREFUL = 1 + 2.0**-30  # for the rounding of the bounds themselves
ENTRIES = 2**21  # numbers of a layer in memory at a time


@dataclass(frozen=True, eq=False)
class FloatCodes:
    """Joined rows (m, row_bytes) of points, and which of them are proved (m,)."""

    joined: NDArray[np.uint8]
    is_certain: Bools


def points_at_a_time(stack: LayerStack) -> int:
    """Return for how many points the numbers of a layer are no more than ``ENTRIES``."""
    widest = max([stack.n_inputs, *(layer.n_out for layer in stack.hidden)])
    return max(1, ENTRIES // widest)


@np.errstate(over="ignore", invalid="ignore", under="ignore")  # no bound: then nothing is certain
def float_codes(stack: LayerStack, points: Floats) -> FloatCodes:
    """Return the codes of points (m, n_0), each exact."""
    activation, error = points, np.zeros_like(points)
    varies = np.ones(points.shape, dtype=np.bool_)
    is_certain = np.ones(len(points), dtype=np.bool_)
    codes = []
    for layer, units in zip(stack.hidden, stack.units, strict=True):
        z, off = _affine(layer, activation, error, varies)
        code = units.codes(z)
        settled = _settled(units, z, off)
        is_certain &= settled.all(axis=1)
        codes.append(code)
        gains = units.gains(code, layer.n_out)
        activation = z * gains
        error = _passed_error(units, gains, off, settled)
        if not units.is_relu:
            error = error * CAREFUL + UNIT_ROUNDOFF * np.abs(activation) + UNDERFLOW * (gains != 0)
        varies = (activation != 0) | (error != 0)
    nothing = np.zeros((len(points), 0), np.uint8)
    return FloatCodes(stack.layout.join_layers(codes) if codes else nothing, is_certain)


def _affine(
    layer: AffineMap, activation: Floats, error: Floats, varies: Bools
) -> tuple[Floats, Floats]:
    """Return a layer's numbers and bounds on their errors, (m, n) each.

    ``varies`` (m, n_in) says which activations are not zero all around a point.

    A sum of n products errs by at most (n + 2) u times the sum of their sizes (Higham 2002,
    *Accuracy and Stability of Numerical Algorithms*, section 3.1), which a factor of two makes
    safe against rounding; a weight that is no float64 was rounded, too.
    """
    z = layer.apply(activation)
    sizes = np.abs(layer.weight).T
    total = np.abs(activation) @ sizes + np.abs(layer.bias)
    roundings = 2 * (layer.n_in + 4) + int(layer.exact is not None)
    off = (error @ sizes) * CAREFUL + roundings * UNIT_ROUNDOFF * total + UNDERFLOW
    nil = total == 0
    if nil.any() and layer.exact is None:  # no term at all: zero around the point, too
        terms = varies.astype(np.float64) @ (layer.weight != 0).T.astype(np.float64)
        off[nil & (terms == 0)] = 0.0
    return z, off


def _settled(units: Units, z: Floats, off: Floats) -> Bools:
    """Say of which units (m, units) the code is certain; of a number that is zero for sure, too."""
    found = np.empty((len(z), units.count), dtype=np.bool_)
    bits = units.bits
    found[:, :bits] = (np.abs(z[:, :bits]) > off[:, :bits]) | (off[:, :bits] == 0)
    for p, (unit, first) in enumerate(units.firsts(), start=bits):
        if unit.kind == CLIP:
            ends = slice(first, first + 2)
            found[:, p] = (np.abs(z[:, ends]) > off[:, ends]).all(axis=1)
            continue
        neurons = slice(first, first + unit.pieces - 1)
        leads = np.concatenate([np.zeros((len(z), 1)), z[:, neurons]], axis=1)
        errors = np.concatenate([np.zeros((len(z), 1)), off[:, neurons]], axis=1)
        best = leads.argmax(axis=1)
        each = np.arange(len(z))
        least = (leads - errors)[each, best]
        certain = least[:, None] > leads + errors
        # The first wins over those that are equal to it all around the point, as of dead units.
        certain |= (best == 0)[:, None] & (leads == 0) & (errors == 0)
        certain[each, best] = True
        found[:, p] = certain.all(axis=1)
    return found


def _passed_error(units: Units, gains: Floats, off: Floats, settled: Bools) -> Floats:
    """Bound the errors of what a layer passes on.

    A unit that may be on either of its pieces errs as its neurons do, times its largest slope: it
    is continuous. A max has one weight for all of its piece neurons in what follows, so that each
    may be given the unit's error.
    """
    error = np.abs(gains) * off
    open_units = ~settled
    if not open_units.any():
        return error
    bits = units.bits
    steepest = np.maximum(1.0, np.abs(units.slopes))
    either = open_units[:, :bits]
    error[:, :bits] = np.where(either, steepest * off[:, :bits], error[:, :bits])
    for p, (unit, first) in enumerate(units.firsts(), start=bits):
        count = 2 if unit.kind == CLIP else unit.pieces - 1
        neurons = slice(first, first + count)
        worst = off[:, neurons].max(axis=1, keepdims=True)
        error[:, neurons] = np.where(open_units[:, p, None], worst, error[:, neurons])
    return error
