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
from nnce_cli.verify.layer_units import Bools, Codes, Floats, LayerUnits


@dataclass(frozen=True, eq=False)
class _Numbers:
    """Numbers at m points (m, n), bounds on their errors, and which may not be zero around it."""

    values: Floats
    error: Floats
    alive: Bools


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
    in_doubt = _in_doubt(units, codes, here)
    values = units.passed_on(codes, here.values)
    error = units.passed_on(codes, here.error, units.steepness)
    alive = units.passed_on(codes, here.alive, units.steepness)
    for place, height, at_top in units.lifted(codes):
        values[at_top, place] = height
        error[at_top, place] = UNIT_ROUNDOFF * abs(height) + UNDERFLOW
        alive[at_top, place] = 1.0
    error += units.strayed(here.error, in_doubt)
    alive += units.strayed(here.alive.astype(np.float64), in_doubt)
    passed = _Numbers(np.where(alive > 0, values, 0.0), error, alive > 0)
    return codes, _proved(units, in_doubt), passed


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


def _in_doubt(units: LayerUnits, codes: Codes, here: _Numbers) -> Bools:
    """Say which neurons of units (m, rows) may not be on the sides that the codes say."""
    rows = slice(units.rows)
    z, error, alive = here.values[:, rows], here.error[:, rows], here.alive[:, rows]
    sides = units.sides(codes)
    return np.where(sides > 0, ~(z > error), (sides < 0) & ~(z < -error) & alive)


def _proved(units: LayerUnits, in_doubt: Bools) -> Bools:
    """Say which codes (m, units) are right for sure: all their walls are on their sides."""
    proved = np.empty((len(in_doubt), units.count), dtype=np.bool_)
    proved[:, : units.bits] = ~in_doubt[:, : units.bits]
    for piece in units.pieces:
        proved[:, piece.number] = ~in_doubt[:, piece.neurons].any(axis=1)
    return proved
