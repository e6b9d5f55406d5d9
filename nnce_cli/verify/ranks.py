"""Exact ranks of layer-k cells: modulo a prime where that is a proof, else in rationals.

The rank modulo a prime is never above the true rank. Where it equals the upper bound, the
smaller of the rank at the layer before and the number of active neurons, it is the rank.
"""

from __future__ import annotations

import math

import numpy as np
from flint import fmpz
from numpy.typing import NDArray

from nnce_cli.table import first_rows
from nnce_cli.verify.exact_network import ExactNetwork, matrix
from nnce_cli.verify.table_rows import Part

CHUNK = 2**20  # entries of a stack of matrices

Ints = NDArray[np.int64]


class Ranks:
    """Recomputes ranks; ``details`` counts how."""

    def __init__(self, network: ExactNetwork) -> None:
        self.network = network
        self.details = {"ranks modulo a prime": 0, "ranks exactly": 0}
        self._prime, self._weights = _weights_modulo_a_prime(network)

    def of(self, part: Part) -> Ints:
        """Return the ranks (m, L) of rows. They are computed once for equal sign prefixes."""
        firsts, _ = first_rows(part.rows, None)
        modular = self._modular(part, firsts)
        ranks = np.zeros((len(part), len(firsts)), dtype=np.int64)
        before = np.full(len(part), self.network.dimension)
        for layer, first in enumerate(firsts):
            run = np.cumsum(first) - 1
            heads = np.flatnonzero(first)
            start, end = self.network.starts[layer : layer + 2]
            active = part.bits[heads, start:end].sum(axis=1, dtype=np.int64)
            most = np.minimum(before[heads], active)
            found = modular[layer]
            doubtful = np.flatnonzero(found < most)
            for i in doubtful.tolist():
                found[i] = self._exact(part.bits[heads[i]], layer)
            self.details["ranks exactly"] += len(doubtful)
            self.details["ranks modulo a prime"] += len(heads) - len(doubtful)
            before = ranks[:, layer] = found[run]
        return ranks

    def _exact(self, bits: NDArray[np.uint8], layer: int) -> int:
        start, end = self.network.starts[layer : layer + 2]
        forms = self.network.forms(layer, bits)
        rows = [forms[j][1:] for j in np.flatnonzero(bits[start:end]).tolist()]
        return int(matrix(rows, self.network.dimension).rank())

    def _modular(self, part: Part, firsts: list[NDArray[np.bool_]]) -> list[Ints]:
        """Return the ranks modulo the prime, for each layer an entry a run of equal prefixes."""
        largest = max(weight.shape[0] for weight in self._weights) * max(self.network.dimension, 1)
        size = max(1, CHUNK // largest)
        found: list[list[Ints]] = [[] for _ in firsts]
        for begin in range(0, len(part), size):
            rows = slice(begin, begin + size)
            ranks = self._modular_chunk(part.bits[rows], [first[rows] for first in firsts])
            for layer, values in enumerate(ranks):
                found[layer].append(values)
        return [np.concatenate(values) for values in found]

    def _modular_chunk(
        self, bits: NDArray[np.uint8], firsts: list[NDArray[np.bool_]]
    ) -> list[Ints]:
        # A chunk may begin in the middle of a run, whose head was in the chunk before.
        ranks: list[Ints] = []
        gradients: Ints | None = None
        run = np.zeros(len(bits), dtype=np.int64)
        for layer, first in enumerate(firsts):
            begins = first.copy()
            begins[0] = True
            heads = np.flatnonzero(begins)
            weight = self._weights[layer]
            if gradients is None:
                new = np.broadcast_to(weight, (len(heads), *weight.shape))
            else:
                new = np.matmul(weight, gradients[run[heads]]) % self._prime
            start, end = self.network.starts[layer : layer + 2]
            gradients = new * bits[heads, start:end, None].astype(np.int64)
            values = ranks_modulo(gradients, self._prime)
            ranks.append(values[int(not first[0]) :])
            run = np.cumsum(begins) - 1
        return ranks


def ranks_modulo(matrices: Ints, prime: int) -> Ints:
    """Return the ranks (m,) modulo a prime of matrices (m, rows, columns), by elimination."""
    if matrices.shape[1] < matrices.shape[2]:
        matrices = matrices.transpose(0, 2, 1)
    a = matrices.copy()
    m, rows, columns = a.shape
    every = np.arange(m)
    unused = np.ones((m, rows), dtype=np.bool_)
    ranks = np.zeros(m, dtype=np.int64)
    for c in range(columns):
        candidates = (a[:, :, c] != 0) & unused
        pivots = candidates.argmax(axis=1)
        has = candidates[every, pivots]
        row = a[every, pivots]
        unused[every[has], pivots[has]] = False
        factor = a[:, :, c] * _inverse(row[:, c], prime)[:, None] % prime
        factor[~unused] = 0
        factor[~has] = 0
        a = (a - factor[:, :, None] * row[:, None, :]) % prime
        ranks += has
    return ranks


def _inverse(values: Ints, prime: int) -> Ints:
    """Return values^(prime - 2), which is the inverse modulo the prime (Fermat)."""
    result, power, exponent = np.ones_like(values), values.copy(), prime - 2
    while exponent:
        if exponent & 1:
            result = result * power % prime
        power = power * power % prime
        exponent >>= 1
    return result


def _weights_modulo_a_prime(network: ExactNetwork) -> tuple[int, list[Ints]]:
    """Return a prime that divides no denominator, and the weights modulo it.

    It is so small that a row of products can be added up in int64.
    """
    columns = np.flatnonzero(network.free).tolist()
    weights = []
    for layer, (weight, _) in enumerate(network.maps):
        chosen = columns if layer == 0 else range(weight.ncols())
        rows = [[weight[i, j] for j in chosen] for i in range(weight.nrows())]
        weights.append(rows)
    denominators = {int(x.q) for rows in weights for row in rows for x in row}
    most = max([1, *(weight.ncols() for weight, _ in network.maps)])
    prime = math.isqrt(2**62 // most)
    while not (fmpz(prime).is_prime() and all(q % prime for q in denominators)):
        prime -= 1
    return prime, [
        np.array(
            [[int(x.p) * pow(int(x.q), -1, prime) % prime for x in row] for row in rows],
            dtype=np.int64,
        ).reshape(len(rows), -1)
        for rows in weights
    ]
