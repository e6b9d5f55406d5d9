"""The piecewise linear units of a hidden layer, and the neurons that they consist of.

An affine layer computes a number for each of its *neurons*. In their order these are:

1. the units with two pieces: one neuron z each, which gives z where z > 0 and ``slope * z``
   elsewhere (ReLU 0, absolute value -1, leaky ReLU another number); code 1 where z > 0;
2. the units with more pieces, one after the other (`PieceUnit`):
   - ``clip`` between lo < hi: two neurons, z - lo and z - hi. The unit's value is lo plus the
     first ReLU minus the second one, its code the number of those that are positive;
   - ``max`` of k >= 3 numbers z_0 … z_(k-1): its code is the *winner*, the first one of the
     largest. Its neurons are the differences z_j - z_i, which are positive where j beats i: first
     those to z_0, in the order j = k-1, …, 1, which are *piece neurons*; then the comparisons
     (i, j) with 1 <= i < j, in lexicographic order. A piece neuron passes its number on where its
     j is the winner, and 0 elsewhere, so that the unit's value is z_0 plus the sum of its piece
     neurons; a comparison passes on 0 always. z_0 itself is carried by a pass-through, its
     ``base``;
3. *pass-throughs*, which carry a value past the layer and cut nothing.

In this order the bits "passes on" of neurons, compared as strings, have the order of the codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

CLIP, MAX = "clip", "max"
MOST_PIECES = 256  # a code is a byte

Floats = NDArray[np.float64]
Codes = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@dataclass(frozen=True)
class PieceUnit:
    """A unit with three or more pieces.

    ``base`` is the neuron of the layer that carries z_0 of a ``max``; -1 for a ``clip``.
    """

    kind: str
    pieces: int
    base: int = -1

    @property
    def neurons(self) -> int:
        """How many neurons it has: two of a clip, the differences of all pairs of a max."""
        return 2 if self.kind == CLIP else self.pieces * (self.pieces - 1) // 2

    def comparison(self, i: int, j: int) -> int:
        """Return which of the neurons of a max is z_j - z_i, for i < j."""
        k = self.pieces
        if i == 0:
            return k - 1 - j
        return (k - 1) + (i - 1) * (2 * k - i - 2) // 2 + (j - i - 1)

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The pairs (i, j) of a max in the order of its neurons z_j - z_i."""
        firsts = [(0, j) for j in range(self.pieces - 1, 0, -1)]
        return firsts + list(combinations(range(1, self.pieces), 2))


@dataclass(frozen=True, eq=False)
class Units:
    """The units of a layer: ``slopes`` (float64, exact) of those with two pieces; the others."""

    slopes: Floats
    pieces: tuple[PieceUnit, ...] = ()

    @staticmethod
    def relu(n: int) -> Units:
        """Return n ReLUs."""
        return Units(np.zeros(n))

    @property
    def bits(self) -> int:
        """The number of units with two pieces."""
        return len(self.slopes)

    @property
    def count(self) -> int:
        """The number of units."""
        return self.bits + len(self.pieces)

    @cached_property
    def rows(self) -> int:
        """The number of neurons of all units; the layer's other neurons are pass-throughs."""
        return self.bits + sum(unit.neurons for unit in self.pieces)

    @property
    def is_relu(self) -> bool:
        """Whether all units are ReLUs."""
        return not self.pieces and not self.slopes.any()

    @property
    def has_max(self) -> bool:
        """Whether any unit is a max of three or more."""
        return any(unit.kind == MAX for unit in self.pieces)

    def firsts(self) -> Iterator[tuple[PieceUnit, int]]:
        """Yield the units with more than two pieces, each with the index of its first neuron."""
        first = self.bits
        for unit in self.pieces:
            yield unit, first
            first += unit.neurons

    def codes(self, z: Floats) -> Codes:
        """Return the codes of points where the neurons have the numbers z (m, n)."""
        bits = (z[:, : self.bits] > 0).astype(np.uint8)
        pieces = np.zeros((z.shape[0], len(self.pieces)), np.uint8)
        for p, (unit, first) in enumerate(self.firsts()):
            if unit.kind == CLIP:
                pieces[:, p] = (z[:, first : first + 2] > 0).sum(axis=1)
                continue
            # The differences to z_0 in the order 0, 1, …, k - 1; the first largest one wins.
            leads = np.zeros((z.shape[0], unit.pieces))
            leads[:, 1:] = z[:, first : first + unit.pieces - 1][:, ::-1]
            pieces[:, p] = leads.argmax(axis=1)
        return bits, pieces

    def on(self, pieces: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Return which neurons of the units with more pieces pass on: (m, rows - bits).

        ``pieces`` (m, p) are their codes.
        """
        found = np.zeros((pieces.shape[0], self.rows - self.bits), np.bool_)
        for p, (unit, first) in enumerate(self.firsts()):
            at = first - self.bits
            code = pieces[:, p].astype(np.int64)
            if unit.kind == CLIP:
                found[:, at], found[:, at + 1] = code > 0, code > 1
                continue
            won = np.flatnonzero(code > 0)
            found[won, at + unit.pieces - 1 - code[won]] = True
        return found

    def gains(self, codes: Codes, n: int) -> Floats:
        """Return by what each of the layer's n neurons is multiplied on cells: (m, n)."""
        bits, pieces = codes
        gains = np.ones((bits.shape[0], n))
        gains[:, : self.bits] = np.where(bits != 0, 1.0, self.slopes)
        if self.pieces:
            gains[:, self.bits : self.rows] = self.on(pieces)
        return gains

    def activate(self, z: Floats) -> Floats:
        """Return what the layer passes on where its neurons have the numbers z (m, n): (m, n)."""
        if self.is_relu and self.rows == z.shape[1]:
            return np.maximum(z, 0.0)
        return z * self.gains(self.codes(z), z.shape[1])

    def folds(self) -> list[tuple[int, int, int]]:
        """Return what turns the neurons' outputs into the units' values: (target, source, sign).

        ``sign`` times the source is to be added to the target; the source is no value of its own.
        Comparisons are neither. The constants of clips are left out.
        """
        found = []
        for unit, first in self.firsts():
            if unit.kind == CLIP:
                found.append((first, first + 1, -1))
                continue
            found += [(unit.base, first + q, 1) for q in range(unit.pieces - 1)]
        return found

    def hidden_neurons(self) -> list[int]:
        """Return the neurons that are no values of the layer: sources of folds, and comparisons."""
        found: list[int] = []
        for unit, first in self.firsts():
            skipped = 1 if unit.kind == CLIP else 0
            found += range(first + skipped, first + unit.neurons)
        return found
