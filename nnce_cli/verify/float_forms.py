"""The preactivations on many cells in float64, with a rigorous bound on their errors.

A cell's preactivations are affine functions of u (`exact_network`). What a computed function is
off by anywhere on the unit cube is at most the sum of what its entries are off by, since no
coordinate of u is larger than 1; so one number a function bounds it. A sum of n products, added
in any order, errs by at most about n u times the sum of the terms' sizes (Higham 2002, section
3.1), and what is wrong in the layer before is multiplied by the weights. A factor of two covers
the rounding of the bounds themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.rounding import UNDERFLOW, UNIT_ROUNDOFF
from nnce_cli.network import AffineMap
from nnce_cli.verify.exact_network import Bits, ExactNetwork

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

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
    """The functions of m cells' first n neurons.

    ``values`` (m, n, 1 + d) are their constants and coefficients, ``error`` (m, n) bounds what
    they are off by on the unit cube, and ``size`` (m, n) is the sum of the sizes of a function's
    entries. Where ``varies`` (m, n) is False, the function is constant for sure: no active
    neuron that varies feeds it; and so is ``are_zero`` (m, n) a proof that it is zero.
    Infinities and NaN may occur; they prove nothing.
    """

    values: Floats
    error: Floats
    size: Floats
    varies: Bools
    are_zero: Bools

    def turned(self, bits: Bits) -> CellForms:
        """Return the functions that are >= 0 on cells with the signs ``bits`` (m, n)."""
        sign = np.where(bits, 1.0, -1.0)[:, :, None]
        return replace(self, values=self.values * sign)

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
        self.dimension = network.dimension
        self.starts = network.starts
        self._layers = [_Layer.of(layer) for layer in network.stack.hidden]
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            self._first = self._first_layer(network)

    def on(self, bits: Bits, layers: int) -> CellForms:
        """Return the functions of the first layers on cells; ``bits`` (m, …) are their signs.

        The signs of the last one of these layers are not looked at.
        """
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            every = (len(bits), self._first.values.shape[1])
            here = CellForms(
                *(np.broadcast_to(a, every + a.shape[2:]) for a in _arrays(self._first))
            )
            found = [here]
            for k in range(1, layers):
                active = bits[:, self.starts[k - 1] : self.starts[k]].astype(np.float64)
                here = self._layers[k].after(here, active)
                found.append(here)
            parts = zip(*map(_arrays, found), strict=True)
            return CellForms(*(np.concatenate(part, axis=1) for part in parts))

    def _first_layer(self, network: ExactNetwork) -> CellForms:
        """Fold the box into the first layer: z_1 = (W lower + b) + (W span) u."""
        layer, lower = self._layers[0], network.box.lower
        span = (network.box.upper - lower)[network.free]
        weight, sizes = layer.weight[:, network.free], layer.sizes[:, network.free]
        values = np.column_stack([layer.weight @ lower + layer.bias, weight * span])
        terms = layer.sizes @ np.abs(lower) + layer.bias_sizes + sizes @ np.abs(span)
        error = layer.units * UNIT_ROUNDOFF * terms + UNDERFLOW
        varies = np.asarray(layer.support[:, network.free].any(axis=1))
        zero = ~layer.support.any(axis=1) & ~layer.is_biased
        one = (values, error, _sizes(values), varies, zero)
        return CellForms(*map(_of_one_cell, one))


@dataclass(frozen=True, eq=False)
class _Layer:
    """A layer's weights (n_out, n_in) and biases, their sizes, and where they are not zero."""

    weight: Floats
    bias: Floats
    sizes: Floats
    bias_sizes: Floats
    support: Bools
    is_biased: Bools
    units: float

    @staticmethod
    def of(layer: AffineMap) -> _Layer:
        # The float64 nearest to a rational errs relatively, or absolutely by half of 2^-1074.
        rounded = layer.exact is not None
        smallest = 2.0**-1022 if rounded else 0.0
        weight, bias = layer.exact_arrays
        return _Layer(
            weight=np.ascontiguousarray(layer.weight),
            bias=layer.bias,
            sizes=np.abs(layer.weight) + smallest,
            bias_sizes=np.abs(layer.bias) + smallest,
            support=np.asarray(weight != 0, dtype=np.bool_),
            is_biased=np.asarray(bias != 0, dtype=np.bool_),
            units=2.0 * (layer.n_in + 6),
        )

    def after(self, before: CellForms, active: Floats) -> CellForms:
        """Return the functions of this layer after those of the layer before."""
        values = np.matmul(self.weight, before.values * active[:, :, None])
        values[:, :, 0] += self.bias
        wrong = (before.error * active) @ self.sizes.T
        terms = ((before.size + before.error) * active) @ self.sizes.T + self.bias_sizes
        error = wrong * SLACK + self.units * UNIT_ROUNDOFF * terms + UNDERFLOW
        varies = self._fed_by(before.varies * active)
        zero = ~self._fed_by(~before.are_zero * active) & ~self.is_biased
        return CellForms(values, error, _sizes(values), varies, zero)

    def _fed_by(self, some: Floats) -> Bools:
        """Say to which neurons (m, n_out) a weight leads from some (m, n_in) of the ones before."""
        return np.asarray(some @ self.support.T.astype(np.float64) > 0)


def _sizes(values: Floats) -> Floats:
    return np.asarray(np.abs(values).sum(axis=-1) * SLACK)


def _arrays(forms: CellForms) -> list[Any]:
    return [getattr(forms, field.name) for field in fields(forms)]


def _of_one_cell(values: NDArray[Any]) -> Any:
    return values[None]
