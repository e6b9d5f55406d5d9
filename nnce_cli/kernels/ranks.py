"""Ranks of cells by elimination modulo a prime, along the sorted rows of a table.

Reduction modulo a prime can only lower a rank, so the rank found is a lower bound; where it
equals the upper bound (the rank at the layer before, the active neurons) it is the rank.

The prime is 2^31 - 1, so 2^31 is 1 modulo it: folding the high bits onto the low ones takes the
place of a division. Residues are 32 bits wide and their products 64, which vectorises, and a row
is eliminated by cross-multiplication, which needs no inverse.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnce_cli.kernels.arrays import Ints
from nnce_cli.kernels.jit import entry_point, kernel

PRIME = 2**31 - 1
MASK, SHIFT, NOTHING = np.uint64(PRIME), np.uint64(31), np.uint64(0)

Residues = NDArray[np.uint32]


class RankState(NamedTuple):
    """What is kept from one row of the table to the next.

    d inputs, D the next multiple of 8, L layers, n neurons at most. Vectors over the inputs have
    D entries, of which the last are 0. ``basis[l]`` holds the independent rows found among layer
    l's active neurons, each eliminated against those before it; its entry at ``pivot_column`` is
    not 0. ``found[l, j]`` is their number after neurons 0 … j-1, and ``active[l, j]`` that of the
    active ones among these.
    """

    gradient: Residues  # (L, n, D) coefficients of the preactivations
    basis: Residues  # (L, min(d, n), D)
    pivot_column: Ints  # (L, min(d, n))
    found: Ints  # (L, n + 1)
    active: Ints  # (L, n + 1)
    row: Residues  # (D,)
    total: NDArray[np.uint64]  # (D,)
    signs: NDArray[np.uint8]  # (B,) the last row seen
    rank: Ints  # (L,)
    tight: Ints  # (L,) 1 where rank equals its upper bound


@kernel
def folded(x: np.uint64) -> np.uint64:
    """Return a number below 2^33 that is congruent to ``x``, which is below 2^63."""
    return (x & MASK) + (x >> SHIFT)


@kernel
def residue(x: np.uint64) -> np.uint32:
    """Return ``x``, which is below 2^63, modulo PRIME."""
    y = folded(folded(x))
    return np.uint32(y - MASK if y >= MASK else y)


@kernel
def pull_back_modulo(
    width: Ints,
    weight: Residues,
    state: RankState,
    layer: int,
    signs: NDArray[np.uint8],
    first: int,
) -> None:
    """Fill ``state.gradient[layer]``; ``signs`` from byte ``first`` on are the layer before's."""
    total = state.total
    for j in range(width[layer]):
        for c in range(total.size):
            total[c] = NOTHING
        for k in range(width[layer - 1]):
            w = np.uint64(weight[layer, j, k])
            if (signs[first + k // 8] >> (7 - k % 8)) & 1 and w != NOTHING:
                before = state.gradient[layer - 1, k]
                for c in range(total.size):
                    total[c] = folded(total[c] + w * np.uint64(before[c]))
        gradient = state.gradient[layer, j]
        for c in range(total.size):
            gradient[c] = residue(total[c])


@kernel
def eliminate(state: RankState, layer: int, j: int, found: int) -> int:
    """Add neuron j's row to the basis if it is independent; return the number of rows."""
    row, gradient = state.row, state.gradient[layer, j]
    for c in range(row.size):
        row[c] = gradient[c]
    for b in range(found):
        basis, column = state.basis[layer, b], state.pivot_column[layer, b]
        pivot, factor = np.uint64(basis[column]), MASK - np.uint64(row[column])
        for c in range(row.size):
            row[c] = residue(pivot * np.uint64(row[c]) + factor * np.uint64(basis[c]))
    for c in range(row.size):
        if row[c] != 0:
            basis = state.basis[layer, found]
            for e in range(row.size):
                basis[e] = row[e]
            state.pivot_column[layer, found] = c
            return found + 1
    return found


@kernel
def layer_rank(
    width: Ints,
    d: int,
    state: RankState,
    layer: int,
    signs: NDArray[np.uint8],
    first: int,
    start: int,
) -> None:
    """Find the rank at ``layer``; neurons before ``start`` are as in the row before."""
    bound = d if layer == 0 else state.rank[layer - 1]
    active = state.active[layer, start]
    found = state.found[layer, start]
    for j in range(start, width[layer]):
        if (signs[first + j // 8] >> (7 - j % 8)) & 1:
            active += 1
            if found < bound:
                found = eliminate(state, layer, j, found)
        state.found[layer, j + 1] = found
        state.active[layer, j + 1] = active
    state.rank[layer] = found
    state.tight[layer] = 1 if found == min(bound, active) else 0


@kernel
def first_change(
    signs: NDArray[np.uint8], before: NDArray[np.uint8], first: int, width: int
) -> int:
    """Return the first of ``width`` bits, from byte ``first`` on, that differs; else ``width``."""
    for i in range((width + 7) // 8):
        change = signs[first + i] ^ before[first + i]
        if change != 0:
            bit = 0
            while (change >> (7 - bit)) & 1 == 0:
                bit += 1
            return 8 * i + bit
    return width


@entry_point
def rank_rows(
    width: Ints,
    d: int,
    weight: Residues,
    state: RankState,
    signs: NDArray[np.uint8],
    ranks: NDArray[np.uint16],
    tight: NDArray[np.uint8],
) -> None:
    """Fill ``ranks`` (rows, L) and ``tight`` (rows, L) for the rows ``signs`` (rows, B).

    ``tight`` is 1 where the rank equals min(rank at the layer before, active neurons): proved,
    if the rank at the layer before is. ``d`` is the number of inputs.
    ``weight`` (L, n, max(d, n)) is the network's weights modulo PRIME. ``state.signs`` is the
    row before the first; work that a row shares with the one before it is not done again.
    """
    for i in range(signs.shape[0]):
        row = signs[i]
        first = 0
        same = True
        for layer in range(width.size):
            start = 0
            if same:
                start = first_change(row, state.signs, first, width[layer])
                same = start == width[layer]
            else:
                before = first - (width[layer - 1] + 7) // 8
                pull_back_modulo(width, weight, state, layer, row, before)
            if not same:
                layer_rank(width, d, state, layer, row, first, start)
            ranks[i, layer] = state.rank[layer]
            tight[i, layer] = state.tight[layer]
            first += (width[layer] + 7) // 8
        for b in range(row.size):
            state.signs[b] = row[b]
