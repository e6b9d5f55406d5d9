"""The preactivations on many cells in float64, with a rigorous bound on their errors.

A cell's preactivations are affine functions of u (`exact_network`). What a computed function is
off by anywhere on the unit cube is at most the sum of what its entries are off by, since no
coordinate of u is larger than 1; so one number a function bounds it. A sum of n products, added
in any order, errs by at most about n u times the sum of the terms' sizes (Higham 2002, section
3.1), and what is wrong in the layer before is multiplied by the weights. A factor of two covers
the rounding of the bounds themselves, and that of what a layer makes of its functions before it
passes them on: at most two roundings a value.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.rounding import UNDERFLOW, UNIT_ROUNDOFF
from nnce_cli.network import nearest
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.layer_map import LayerMap
from nnce_cli.verify.layer_units import Bools, Codes, Floats, LayerUnits, Signs

SLACK = 1 + 2.0**-30  # for the rounding of a bound that is a sum


class Functions(NamedTuple):
    """Functions in an array of any shape (…): their entries (…, 1 + d), errors and sizes (…)."""

    values: Floats
    error: Floats
    size: Floats

    def some(self, index: Any) -> Functions:
        """Return those at an index of the array."""
        return Functions(self.values[index], self.error[index], self.size[index])


@dataclass(frozen=True, eq=False)
class CellForms:
    """Functions of m cells: n of each.

    ``values`` (m, n, 1 + d) are their constants and coefficients, ``error`` (m, n) bounds what
    they are off by on the unit cube, and ``size`` (m, n) is the sum of the sizes of a function's
    entries, or more. Where ``varies`` (m, n) is False, the function is constant for sure: nothing
    that varies feeds it; and so is ``are_zero`` (m, n) a proof that it is zero.
    Infinities and NaN may occur; they prove nothing.
    """

    values: Floats
    error: Floats
    size: Floats
    varies: Bools
    are_zero: Bools

    def turned(self, sides: Signs) -> CellForms:
        """Return the functions times ``sides`` (m, n), which are 1, -1 or 0."""
        return replace(self, values=self.values * sides.astype(np.float64)[:, :, None])

    def at(self, cell: Any, neuron: Any) -> Functions:
        """Return the functions of some neurons on some cells; the indices are arrays."""
        return Functions(self.values, self.error, self.size).some((cell, neuron))

    @property
    def are_not_zero(self) -> Bools:
        """Say which functions (m, n) are not identically zero, for sure."""
        return np.asarray(np.abs(self.values).max(axis=2) > self.error)


class FloatForms:
    """Computes the functions of cells, many cells at once."""

    def __init__(self, network: ExactNetwork) -> None:
        self.network = network
        self._one = network.chart.one
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            self._first = _first_layer(network) if network.layers else _nothing(network)
            self._fences = _fences(network)

    def on(self, codes: Codes, layers: int) -> CellForms:
        """Return the functions of the first layers' units on cells; ``codes`` (m, …) are theirs.

        The codes of the last one of these layers are not looked at.
        """
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            every = (len(codes), self._first.values.shape[1])
            here = CellForms(
                *(np.broadcast_to(a, every + a.shape[2:]) for a in _arrays(self._first))
            )
            found = [here]
            for k in range(1, layers):
                units = self.network.layers[k - 1]
                before = self._passed_on(here, units, self.network.of_layer(k - 1, codes))
                here = self._after(before, self.network.maps[k])
                found.append(here)
            rows = [layer.rows for layer in self.network.layers[:layers]] or [0]
            kept = [_arrays(forms, slice(n)) for forms, n in zip(found, rows, strict=True)]
            return CellForms(*(np.concatenate(part, axis=1) for part in zip(*kept, strict=True)))

    def with_fences(self, forms: CellForms) -> CellForms:
        """Return the functions of each cell, and behind them the domain's fences."""
        if not self.network.chart.fences:
            return forms
        both = zip(_arrays(forms), _arrays(self._fences), strict=True)
        repeated = ((a, np.broadcast_to(b, (len(a), *b.shape[1:]))) for a, b in both)
        return CellForms(*(np.concatenate(pair, axis=1) for pair in repeated))

    def _passed_on(self, here: CellForms, units: LayerUnits, codes: Codes) -> CellForms:
        """Return the values that a layer passes on, of functions of all its neurons."""

        def sizes(numbers: NDArray[Any]) -> Floats:
            return units.passed_on(codes, numbers, units.steepness)

        values = units.passed_on(codes, here.values)
        error, size, varies = sizes(here.error), sizes(here.size), sizes(here.varies) > 0
        zero = ~(sizes(~here.are_zero) > 0)
        for place, height, at_top in units.lifted(codes):
            values[at_top, place, self._one] = height
            error[at_top, place] = UNIT_ROUNDOFF * abs(height) + UNDERFLOW
            size[at_top, place] = abs(height)
            zero[at_top, place] = False
        return CellForms(values, error, size, varies, zero)

    def _after(self, before: CellForms, layer: LayerMap) -> CellForms:
        """Return the functions of a layer of the values of the layer before."""
        values = np.matmul(layer.weight, before.values)
        values[:, :, self._one] += layer.bias
        wrong = before.error @ layer.sizes.T
        terms = (before.size + before.error) @ layer.sizes.T + layer.bias_sizes
        error = wrong * SLACK + layer.units * UNIT_ROUNDOFF * terms + UNDERFLOW
        varies = _fed_by(layer, before.varies)
        zero = ~_fed_by(layer, ~before.are_zero) & ~layer.is_biased
        return CellForms(values, error, _sizes(values), varies, zero)


def _first_layer(network: ExactNetwork) -> CellForms:
    """Write the first layer as functions of u: z_1 = W x + b."""
    layer, chart = network.maps[0], network.chart
    free, lower = chart.free, chart.lower
    span = (chart.upper - lower)[free]
    weight, sizes = layer.weight[:, free], layer.sizes[:, free]
    values = np.zeros((len(weight), 1 + chart.dimension))
    values[:, 0] = weight @ lower[free]
    values[:, chart.gradient] = weight * span
    values[:, chart.one] += layer.weight[:, ~free] @ lower[~free] + layer.bias
    terms = layer.sizes @ np.abs(lower) + layer.bias_sizes + sizes @ np.abs(span)
    error = layer.units * UNIT_ROUNDOFF * terms + UNDERFLOW
    varies = np.asarray(layer.support[:, free].any(axis=1))
    zero = ~layer.support.any(axis=1) & ~layer.is_biased
    one: list[NDArray[Any]] = [values, error, _sizes(values), varies, zero]
    return CellForms(*(array[None] for array in one))


def _nothing(network: ExactNetwork) -> CellForms:
    """Return no functions of one cell: those of a network without hidden layers."""
    none = np.zeros((1, 0))
    return CellForms(np.zeros((1, 0, 1 + network.dimension)), none, none, none > 0, none > 0)


def _fences(network: ExactNetwork) -> CellForms:
    """Return the domain's fences, of one cell, rounded."""
    count = len(network.chart.fences)
    exact = np.array(network.chart.fences, dtype=object).reshape(count, 1 + network.dimension)
    values = nearest(exact)
    size = _sizes(values)
    error = 2 * UNIT_ROUNDOFF * size + UNDERFLOW
    varies = np.asarray((exact[:, network.chart.gradient] != 0).any(axis=1))
    one: list[NDArray[Any]] = [values, error, size, varies, np.zeros(count, dtype=np.bool_)]
    return CellForms(*(array[None] for array in one))


def _fed_by(layer: LayerMap, some: Bools) -> Bools:
    """Say to which neurons (m, n) a weight leads from some (m, v) of the values before."""
    return np.asarray(some.astype(np.float64) @ layer.support.T.astype(np.float64) > 0)


def _sizes(values: Floats) -> Floats:
    return np.asarray(np.abs(values).sum(axis=-1) * SLACK)


def _arrays(forms: CellForms, some: Any = slice(None)) -> list[Any]:
    """Return the arrays of some of the functions of each cell."""
    return [getattr(forms, field.name)[:, some] for field in fields(forms)]
