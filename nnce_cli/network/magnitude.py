"""Arithmetic with magnitudes: how large the terms are that a computation adds up.

Run on the same graph as exact arithmetic, it gives for each layer a matrix M and a vector m such
that evaluating the layer at ``a`` in floating point, node by node, errs by at most
``roundings * unit_roundoff * (M |a| + m)`` to first order (Higham 2002, *Accuracy and Stability
of Numerical Algorithms*, section 3.1): cancellation between nodes is not hidden, as it would be in
the magnitude of the composed matrix.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnce_cli.network.exact import Array, nearest


class MagnitudeArithmetic:
    """The operations of ``ExactArithmetic`` on absolute values, in float64.

    ``roundings`` counts the roundings that one entry can go through, over all operations so far.
    """

    def __init__(self) -> None:
        self.roundings = 0

    def add(self, a: Array, b: Array) -> Array:
        """Return |a| + |b|."""
        self.roundings += 1
        return _magnitude(a) + _magnitude(b)

    def multiply(self, a: Array, b: Array) -> Array:
        """Return |a| |b|; a factor may itself come from BatchNormalization's four roundings."""
        self.roundings += 5
        return _magnitude(a) * _magnitude(b)

    def divide(self, a: Array, b: Array) -> Array:
        """Return |a| / |b|."""
        self.roundings += 1
        return _magnitude(a) / _magnitude(b)

    def matmul(self, a: Array, b: Array) -> Array:
        """Return |a| @ |b| for a (m, k) and b (k, n)."""
        self.roundings += a.shape[1] + 1
        return _magnitude(a) @ _magnitude(b)


def _magnitude(values: Array) -> NDArray[np.float64]:
    return np.abs(nearest(values))
