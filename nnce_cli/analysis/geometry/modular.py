"""The affine maps of many cells modulo small primes.

The weights of a network are rational numbers, and so are the entries of its maps on cells. Modulo
a prime that divides no denominator all of them are whole numbers, and those of two cells with the
same map are the same. So residues tell maps apart, and residues modulo enough primes prove that
two maps are equal (`same_maps.py`). With primes below 2^24, and residues around zero, a sum of 64
products is below 2^53: float64 multiplies such matrices without rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from nnce_cli.network import AffineMap, LayerStack, rationals
from nnce_cli.table import Rows, first_rows

LIMIT = 1 << 24
BITS = 23  # of a prime, at least
SUMMED = 64  # products of two residues that add up without rounding
SEGMENT = 1 << 16  # numbers that are sieved at a time
MANTISSA = 53

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]


def primes() -> Iterator[int]:
    """Yield the primes from 2^24 down to 2^23."""
    small = _sieved(np.ones(isqrt(LIMIT) + 1, np.bool_))
    for start in range(LIMIT - SEGMENT, LIMIT // 2 - 1, -SEGMENT):
        is_prime = np.ones(SEGMENT, np.bool_)
        for p in small:
            is_prime[-start % p :: p] = False
        yield from (start + np.flatnonzero(is_prime)[::-1]).tolist()


def _sieved(is_prime: NDArray[np.bool_]) -> list[int]:
    is_prime[:2] = False
    for p in range(2, isqrt(len(is_prime)) + 1):
        is_prime[p * p :: p] = False
    found: list[int] = np.flatnonzero(is_prime).tolist()
    return found


def residues(values: NDArray[np.float64] | NDArray[np.object_], prime: int) -> Floats:
    """Return exact numbers modulo a prime, which divides no denominator: from 0 to prime - 1."""
    if values.dtype == np.object_:
        ratios = [(int(x.p), int(x.q)) for x in rationals(values).ravel().tolist()]
        found = [p * pow(q, -1, prime) % prime for p, q in ratios]
        return np.array(found, dtype=np.float64).reshape(values.shape)
    fractions, exponents = np.frexp(values)
    whole = np.ldexp(fractions, MANTISSA).astype(np.int64) % prime
    different, where = np.unique(exponents, return_inverse=True)
    powers = np.array([pow(2, e - MANTISSA, prime) for e in different.tolist()], dtype=np.int64)
    return (whole * powers[where.reshape(values.shape)] % prime).astype(np.float64)


class MapsModulo:
    """The maps from the inputs to the outputs on cells of a network, modulo a prime.

    Arrays of residues are float64 with whole numbers. Maps are matrices that are multiplied by
    (1, x), and those of layers give the 1 back as their first row.
    """

    def __init__(self, stack: LayerStack, output: AffineMap, prime: int) -> None:
        """Take a prime that divides no denominator of a weight, a bias or a slope."""
        self._p = float(prime)
        self._layout = stack.layout
        self._layers = [self._with_one(self._of(layer, prime)) for layer in stack.hidden]
        self._output = self._of(output, prime)
        self._units = [
            replace(units, slopes=self._reduced(residues(units.slopes, prime)))
            for units in stack.units
        ]

    def on(self, joined: Bytes, points: Floats, left: Floats) -> Floats:
        """Return left . A . points (m, r, k), from 0 to p - 1, for the maps A (n_out, 1 + d).

        Args:
            joined: the joined rows (m, row_bytes) of cells; consecutive ones that share the codes
                of early layers share work.
            points: residues (1 + d, k); constants are multiplied by the first row.
            left: residues (r, n_out).
        """
        points = self._reduced(points)
        maps = [*self._layers, self._product(self._reduced(left), self._output)]
        values = self._product(maps[0], points)[None]
        numbers = np.zeros(len(joined), np.int64)  # of each row, its cell among ``values``
        for layer, first in enumerate(self._firsts(joined)):
            codes = self._layout.split_layers(joined[first])[layer]
            gains = self._units[layer].gains(codes, values.shape[1] - 1)
            passed = values[numbers[first]]
            passed[:, 1:] = self._reduced(passed[:, 1:] * gains[:, :, None])
            values = self._product(maps[layer + 1], passed)
            numbers = np.cumsum(first) - 1
        return np.asarray(np.mod(values, self._p)[numbers])

    def _of(self, layer: AffineMap, prime: int) -> Floats:
        weight, bias = layer.exact_arrays
        both = [residues(values, prime) for values in (bias[:, None], weight)]
        return self._reduced(np.concatenate(both, axis=1))

    def _with_one(self, rows: Floats) -> Floats:
        one = np.zeros((1, rows.shape[1]))
        one[0, 0] = 1.0
        return np.concatenate([one, rows])

    def _reduced(self, values: Floats) -> Floats:
        """Return whole numbers below 2^53 in size modulo p, around zero."""
        return np.asarray(values - self._p * np.rint(values / self._p))

    def _product(self, a: Floats, b: Floats) -> Floats:
        """Return the product of residues (…, n, k) and (…, k, m), in parts that add up exactly."""
        parts = range(0, a.shape[-1], SUMMED)
        terms = (
            self._reduced(np.matmul(a[..., k : k + SUMMED], b[..., k : k + SUMMED, :]))
            for k in parts
        )
        total = next(terms)
        for term in terms:
            total = self._reduced(total + term)
        return total

    def _firsts(self, joined: Bytes) -> list[NDArray[np.bool_]]:
        """Return for each layer k in which rows layer-k cells begin."""
        none = np.zeros((len(joined), 0), np.uint16)
        columns, _ = first_rows(Rows(self._layout.split(joined), none, none), None)
        return [columns[end - 1] for end in self._layout.column_ends]
