"""Ranks of cells by elimination modulo a prime, along the sorted rows of a table.

Reduction modulo a prime can only lower a rank, so the rank found is a lower bound; where it
equals the upper bound (the rank at the layer before, the active neurons) it is the rank.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnce_cli.kernels.arrays import Ints
from nnce_cli.kernels.jit import entry_point, kernel

PRIME = 2**31 - 1


class RankState(NamedTuple):
    """What is kept from one row of the table to the next. d inputs, L layers, n neurons at most.

    ``basis[l]`` holds the independent rows found among layer l's active neurons, each
    eliminated against those before it and scaled to 1 at its ``pivot_column``.
    ``found[l, j]`` is their number after neurons 0 … j-1.
    """

    gradient: Ints  # (L, n, d) coefficients of the preactivations modulo PRIME
    basis: Ints  # (L, min(d, n), d)
    pivot_column: Ints  # (L, min(d, n))
    found: Ints  # (L, n + 1)
    row: Ints  # (d,)
    signs: NDArray[np.uint8]  # (B,) the last row seen
    rank: Ints  # (L,)
    tight: Ints  # (L,) 1 where rank equals its upper bound


@kernel
def inverse(a: int) -> int:
    """Return the inverse of ``a`` modulo PRIME by Fermat's little theorem."""
    result, power, exponent = 1, a, PRIME - 2
    while exponent > 0:
        if exponent & 1:
            result = result * power % PRIME
        power = power * power % PRIME
        exponent >>= 1
    return result


@kernel
def pull_back_modulo(
    width: Ints, weight: Ints, state: RankState, layer: int, signs: NDArray[np.uint8], first: int
) -> None:
    """Fill ``state.gradient[layer]``; ``signs`` from byte ``first`` on are the layer before's."""
    d = state.row.size
    for j in range(width[layer]):
        for c in range(d):
            state.gradient[layer, j, c] = 0
    for k in range(width[layer - 1]):
        if (signs[first + k // 8] >> (7 - k % 8)) & 1:
            for j in range(width[layer]):
                w = weight[layer, j, k]
                if w != 0:
                    for c in range(d):
                        g = state.gradient[layer, j, c] + w * state.gradient[layer - 1, k, c]
                        state.gradient[layer, j, c] = g % PRIME


@kernel
def eliminate(state: RankState, layer: int, j: int, found: int) -> int:
    """Add neuron j's row to the basis if it is independent; return the number of rows."""
    d = state.row.size
    row = state.row
    for c in range(d):
        row[c] = state.gradient[layer, j, c]
    for b in range(found):
        factor = row[state.pivot_column[layer, b]]
        if factor != 0:
            for c in range(d):
                row[c] = (row[c] + (PRIME - factor) * state.basis[layer, b, c]) % PRIME
    for c in range(d):
        if row[c] != 0:
            scale = inverse(row[c])
            for e in range(d):
                state.basis[layer, found, e] = row[e] * scale % PRIME
            state.pivot_column[layer, found] = c
            return found + 1
    return found


@kernel
def layer_rank(
    width: Ints, state: RankState, layer: int, signs: NDArray[np.uint8], first: int, start: int
) -> None:
    """Find the rank at ``layer``; neurons before ``start`` are as in the row before."""
    bound = state.row.size if layer == 0 else state.rank[layer - 1]
    active = 0
    found = state.found[layer, start]
    for j in range(width[layer]):
        on = (signs[first + j // 8] >> (7 - j % 8)) & 1
        active += on
        if j >= start:
            if on and found < bound:
                found = eliminate(state, layer, j, found)
            state.found[layer, j + 1] = found
    state.rank[layer] = found
    state.tight[layer] = 1 if found == min(bound, active) else 0


@entry_point
def rank_rows(
    width: Ints,
    weight: Ints,
    state: RankState,
    signs: NDArray[np.uint8],
    ranks: NDArray[np.uint16],
    tight: NDArray[np.uint8],
) -> None:
    """Fill ``ranks`` (rows, L) and ``tight`` (rows, L) for the rows ``signs`` (rows, B).

    ``tight`` is 1 where the rank equals min(rank at the layer before, active neurons): proved,
    if the rank at the layer before is.
    ``weight`` (L, n, max(d, n)) is the network's weights modulo PRIME. ``state.signs`` is the
    row before the first; work that a row shares with the one before it is not done again.
    """
    for i in range(signs.shape[0]):
        row = signs[i]
        first = 0
        same = True
        for layer in range(width.size):
            n_bytes = (width[layer] + 7) // 8
            if not same and layer > 0:
                before = first - (width[layer - 1] + 7) // 8
                pull_back_modulo(width, weight, state, layer, row, before)
            start = 0
            if same:
                while start < width[layer]:
                    byte = first + start // 8
                    if ((row[byte] ^ state.signs[byte]) >> (7 - start % 8)) & 1:
                        same = False
                        break
                    start += 1
            if not same:
                layer_rank(width, state, layer, row, first, start)
            ranks[i, layer] = state.rank[layer]
            tight[i, layer] = state.tight[layer]
            first += n_bytes
        for b in range(row.size):
            state.signs[b] = row[b]
