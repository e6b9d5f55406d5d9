"""Codes of many points by float64, with a rigorous running error bound.

A sum of n products, added in any order, errs by at most about n u times the sum of the terms'
sizes (Higham 2002, *Accuracy and Stability of Numerical Algorithms*, section 3.1); what a value is
off by is multiplied by the weights. Units are continuous, so that they pass errors on: unchanged,
or times a slope, or the largest one of those that a maximum is taken of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nnce_cli.base.rounding import UNDERFLOW, UNIT_ROUNDOFF
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.layer_map import LayerMap
from nnce_cli.verify.layer_units import Bools, Codes, Floats, Ints, LayerUnits


@dataclass(frozen=True, eq=False)
class _Numbers:
    """Numbers at m points (m, n), bounds on their errors, and which may not be zero around it."""

    values: Floats
    error: Floats
    alive: Bools

    def some(self, places: Ints | slice) -> _Numbers:
        return _Numbers(self.values[:, places], self.error[:, places], self.alive[:, places])


class FloatCodes:
    """The float64 evaluation of a network's codes; it says so where it is unsure."""

    def __init__(self, network: ExactNetwork) -> None:
        self._layers = list(zip(network.maps, network.layers, strict=True))

    def at(self, points: Floats) -> tuple[Codes, Bools]:
        """Return the codes (m, N) at points (m, n_0), and which of them are proved (m, N).

        A proved code is that of the cells around the point: its walls are on their sides for
        sure, or identically zero around the point, since nothing that is not zero feeds them.
        """
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            before = _Numbers(points, np.zeros_like(points), np.ones(points.shape, dtype=np.bool_))
            codes, proved = [np.zeros((len(points), 0), dtype=np.uint8)], []
            for layer, units in self._layers:
                here = _after(before, layer)
                found, sure, before = _through(units, here)
                codes.append(found)
                proved.append(sure)
            none = np.zeros((len(points), 0), dtype=np.bool_)
            return np.concatenate(codes, axis=1), np.concatenate([none, *proved], axis=1)


def _after(before: _Numbers, layer: LayerMap) -> _Numbers:
    """Return the numbers of a layer's neurons."""
    values = before.values @ layer.weight.T + layer.bias
    total = (np.abs(before.values) + before.error) @ layer.sizes.T + layer.bias_sizes
    error = (before.error @ layer.sizes.T) * (1 + 2.0**-30)
    error += layer.units * UNIT_ROUNDOFF * total + UNDERFLOW
    fed = before.alive.astype(np.float64) @ layer.support.T.astype(np.float64)
    return _Numbers(values, error, np.asarray((fed > 0) | layer.is_biased))


def _through(units: LayerUnits, here: _Numbers) -> tuple[Codes, Bools, _Numbers]:
    """Return the codes of a layer's units, which of them are proved, and the values passed on."""
    codes = _codes(units, here.values)
    proved = _proved(units, codes, here)
    kept = here if units.is_relu else here.some(units.values)
    gains = units.gains(codes)
    values, error = kept.values * gains, kept.error * np.abs(gains)
    alive = kept.alive & (gains != 0)
    two, unsure = slice(units.bits), ~proved[:, : units.bits]
    steepest = np.maximum(np.abs(units.slopes), 1.0)
    error[:, two] = np.where(unsure, kept.error[:, two] * steepest, error[:, two])
    alive[:, two] |= unsure & kept.alive[:, two]
    passed = _Numbers(np.where(alive, values, 0.0), error, alive)
    _clip(units, codes, proved, here, passed)
    _take_largest(units, codes, proved, here, passed)
    return codes, proved, passed


def _codes(units: LayerUnits, z: Floats) -> Codes:
    """Return the codes of points where the neurons have the numbers z (m, n)."""
    codes = np.zeros((len(z), units.count), dtype=np.uint8)
    codes[:, : units.bits] = z[:, : units.bits] > 0
    for piece in units.clips:
        codes[:, piece.number] = (z[:, piece.neurons] > 0).sum(axis=1)
    for piece in units.maxima:
        leads = np.zeros((len(z), piece.unit.pieces))
        leads[:, 1:] = z[:, piece.leads]
        codes[:, piece.number] = leads.argmax(axis=1)
    return codes


def _proved(units: LayerUnits, codes: Codes, here: _Numbers) -> Bools:
    """Say which codes (m, units) are right for sure: all their walls are on their sides."""
    rows = here.some(slice(units.rows))
    z, error, alive = rows.values, rows.error, rows.alive
    sides = units.sides(codes)
    fine = np.where(sides > 0, z > error, (sides == 0) | (z < -error) | ~alive)
    proved = np.empty(codes.shape, dtype=np.bool_)
    proved[:, : units.bits] = fine[:, : units.bits]
    for piece in units.pieces:
        proved[:, piece.number] = fine[:, piece.neurons].all(axis=1)
    return proved


def _clip(units: LayerUnits, codes: Codes, proved: Bools, here: _Numbers, passed: _Numbers) -> None:
    """Write the values of clips: between 0 and their heights."""
    for place, height, at_top in units.lifted(codes):
        passed.values[at_top, place] = height
        passed.error[at_top, place] = UNIT_ROUNDOFF * abs(height) + UNDERFLOW
        passed.alive[at_top, place] = True
    for piece, place in zip(units.clips, units.clip_places, strict=True):
        unsure = ~proved[:, piece.number]
        passed.error[unsure, place] += here.error[unsure, piece.neurons].sum(axis=1)
        passed.alive[unsure, place] = True


def _take_largest(
    units: LayerUnits, codes: Codes, proved: Bools, here: _Numbers, passed: _Numbers
) -> None:
    """Write the values of maxima: z_0 and the largest lead over it, if that is positive."""
    for place, cells, neurons in units.won(codes):
        passed.values[cells, place] += here.values[cells, neurons]
        passed.error[cells, place] += here.error[cells, neurons]
        passed.alive[cells, place] |= here.alive[cells, neurons]
    for piece, place in zip(units.maxima, units.max_places, strict=True):
        unsure = ~proved[:, piece.number]
        passed.error[unsure, place] += here.error[unsure, piece.leads].max(axis=1)
        passed.alive[unsure, place] = True
