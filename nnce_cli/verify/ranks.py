"""Exact ranks of layer-k cells: modulo a prime where that is a proof, else in rationals.

The rank modulo a prime is never above the true rank. Where it equals the upper bound, the
smaller of the rank at the layer before and the number of values that may vary, it is the rank.
"""

from __future__ import annotations

import math

import numpy as np
from flint import fmpq, fmpz

from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.forms import matrix
from nnce_cli.verify.layer_units import Bools, Codes, Ints
from nnce_cli.verify.table_rows import Part, first_of_layer_cells

CHUNK = 2**20  # entries of a stack of matrices


class Ranks:
    """Recomputes ranks; ``details`` counts how."""

    def __init__(self, network: ExactNetwork) -> None:
        self.network = network
        self.details = {"ranks modulo a prime": 0, "ranks exactly": 0}
        self._inputs = network.chart.inputs
        self._prime, self._weights = _weights_modulo_a_prime(network)
        self._slopes = [
            np.array([_residue(slope, self._prime) for slope in units.exact_slopes], dtype=np.int64)
            for units in network.layers
        ]

    def of(self, part: Part) -> Ints:
        """Return the ranks (m, L) of rows. They are computed once for equal sign prefixes."""
        firsts = first_of_layer_cells(part.packed, self.network.layout, None)
        modular = self._modular(part, firsts)
        ranks = np.zeros((len(part), len(firsts)), dtype=np.int64)
        before = np.full(len(part), self._inputs)
        for layer, first in enumerate(firsts):
            run = np.cumsum(first) - 1
            heads = np.flatnonzero(first)
            codes = self.network.of_layer(layer, part.codes[heads])
            most = np.minimum(before[heads], self.network.layers[layer].varying(codes))
            found = modular[layer]
            doubtful = np.flatnonzero(found < most)
            for i in doubtful.tolist():
                found[i] = self._exact(part.codes[heads[i]], layer)
            self.details["ranks exactly"] += len(doubtful)
            self.details["ranks modulo a prime"] += len(heads) - len(doubtful)
            before = ranks[:, layer] = found[run]
        return ranks

    def _exact(self, codes: Codes, layer: int) -> int:
        values = self.network.values(layer, codes)
        rows = [value[self.network.chart.gradient] for value in values if value is not None]
        return int(matrix(rows, self._inputs).rank())

    def _modular(self, part: Part, firsts: list[Bools]) -> list[Ints]:
        """Return the ranks modulo the prime, for each layer an entry a run of equal prefixes."""
        widest = max((weight.shape[0] for weight in self._weights), default=1)
        largest = widest * max(self._inputs, 1)
        size = max(1, CHUNK // largest)
        found: list[list[Ints]] = [[] for _ in firsts]
        for begin in range(0, len(part), size):
            rows = slice(begin, begin + size)
            ranks = self._modular_chunk(part.codes[rows], [first[rows] for first in firsts])
            for layer, values in enumerate(ranks):
                found[layer].append(values)
        return [np.concatenate(values) for values in found]

    def _modular_chunk(self, codes: Codes, firsts: list[Bools]) -> list[Ints]:
        # A chunk may begin in the middle of a run, whose head was in the chunk before.
        ranks: list[Ints] = []
        gradients: Ints | None = None
        run = np.zeros(len(codes), dtype=np.int64)
        for layer, first in enumerate(firsts):
            begins = first.copy()
            begins[0] = True
            heads = np.flatnonzero(begins)
            weight = self._weights[layer]
            if gradients is None:
                new = np.broadcast_to(weight, (len(heads), *weight.shape))
            else:
                new = np.matmul(weight, gradients[run[heads]]) % self._prime
            here = self.network.of_layer(layer, codes[heads])
            units = self.network.layers[layer]
            gradients = units.passed_on(here, new, self._slopes[layer])
            if not units.is_relu:
                gradients %= self._prime
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
    columns = np.flatnonzero(network.chart.free).tolist()
    weights = []
    for layer, (weight, _) in enumerate(layer.rational for layer in network.maps):
        chosen = columns if layer == 0 else range(weight.ncols())
        rows = [[weight[i, j] for j in chosen] for i in range(weight.nrows())]
        weights.append(rows)
    denominators = {int(x.q) for rows in weights for row in rows for x in row}
    most = max([1, *(layer.weight.shape[1] for layer in network.maps)])
    prime = math.isqrt(2**62 // most)
    while not (fmpz(prime).is_prime() and all(q % prime for q in denominators)):
        prime -= 1
    return prime, [
        np.array(
            [[_residue(x, prime) for x in row] for row in rows],
            dtype=np.int64,
        ).reshape(len(rows), -1)
        for rows in weights
    ]


def _residue(x: fmpq, prime: int) -> int:
    return int(x.p) * pow(int(x.q), -1, prime) % prime
