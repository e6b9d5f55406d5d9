"""Signs of preactivations at many points by float64, with a rigorous running error bound.

A sum of n products, added in any order, errs by at most about n u times the sum of the terms'
sizes (Higham 2002, *Accuracy and Stability of Numerical Algorithms*, section 3.1); what an
activation is off by is multiplied by the weights. A factor of two covers the rounding of the
bounds themselves. ReLU does not increase an error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.rounding import UNDERFLOW, UNIT_ROUNDOFF
from nnce_cli.network import AffineMap, LayerStack

UNSURE = 2

Floats = NDArray[np.float64]
Signs = NDArray[np.int8]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Layer:
    """A layer's transposed weights (n_in, n_out), their sizes, and where they are not zero."""

    weight: Floats
    bias: Floats
    size: Floats
    bias_size: Floats
    support: Floats
    is_biased: Bools
    units: float

    @staticmethod
    def of(layer: AffineMap) -> _Layer:
        # The float64 nearest to a rational errs relatively, or absolutely by half of 2^-1074.
        rounded = layer.exact is not None
        smallest = 2.0**-1022 if rounded else 0.0
        weight, bias = layer.exact_arrays
        return _Layer(
            weight=np.ascontiguousarray(layer.weight.T),
            bias=layer.bias,
            size=np.abs(layer.weight.T) + smallest,
            bias_size=np.abs(layer.bias) + smallest,
            support=(weight != 0).T.astype(np.float64),
            is_biased=np.asarray(bias != 0, dtype=np.bool_),
            units=2.0 * (layer.n_in + 4) + rounded,
        )


class FloatSigns:
    """The float64 evaluation of a network's signs; it says so where it is unsure."""

    def __init__(self, stack: LayerStack) -> None:
        self._layers = [_Layer.of(layer) for layer in stack.hidden]

    def at(self, points: Floats) -> Signs:
        """Return the signs (m, N) of all neurons at points (m, n_0).

        1 and -1 are proved. 0 is a proof that the neuron is identically zero around the point:
        its bias is zero and so is every activation that it adds up, around the point. `UNSURE`
        is everything else.
        """
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            return self._signs(points)

    def _signs(self, points: Floats) -> Signs:
        activation, error = points, np.zeros_like(points)
        alive = np.ones_like(points)
        signs = []
        for layer in self._layers:
            z = activation @ layer.weight + layer.bias
            total = (np.abs(activation) + error) @ layer.size + layer.bias_size
            bound = (error @ layer.size) * (1 + 2.0**-30)
            bound += layer.units * UNIT_ROUNDOFF * total + UNDERFLOW
            dead = (alive @ layer.support == 0) & ~layer.is_biased
            sign = np.full(z.shape, UNSURE, dtype=np.int8)
            sign[z > bound] = 1
            sign[z < -bound] = -1
            sign[dead] = 0
            off = sign <= 0
            signs.append(sign)
            activation = np.where(off, 0.0, np.maximum(z, 0.0))
            error = np.where(off, 0.0, bound)
            alive = (~off).astype(np.float64)
        return np.concatenate(signs, axis=1)
