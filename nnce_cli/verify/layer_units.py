"""What the code of a cell says about a layer: the cell's sides of its neurons, and its values.

The neurons are those of ``network/units.py``, whose numbering is used here and nothing else. On
the cell with a unit's code these functions are >= 0, its *walls*:

- two pieces: z where the code is 1, -z where it is 0;
- clip: lo - z for code 0, z - lo and hi - z for code 1, z - hi for code 2;
- max with winner p: z_p - z_j for all others j. How two losers compare does not matter.

So each wall is a neuron with a *side*: 1 where the neuron's function is >= 0 on the cell, -1 where
it is <= 0, and 0 where it is no wall of the cell. A neuron that is zero on the whole cell can be
one on the side -1 only: the lowest code is that of a tie. The codes on both sides of a wall add
up to a number of the neuron alone: 1 for two pieces and for z - lo, 3 for z - hi, i + j for
z_j - z_i.

A layer passes *values* on: one of each unit, and what is carried past it. All other neurons are
differences that units have been taken apart into. On a cell a value is a multiple of one neuron
(the *gain*), plus a constant where a clip is at its upper end, plus z_p - z_0 where p wins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.network import CLIP, AffineMap, PieceUnit, Units, nearest

Codes = NDArray[np.uint8]
"""Codes of the units of a layer or of all layers, joined, in the last axis."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Signs = NDArray[np.int8]


@dataclass(frozen=True)
class _Piece:
    """A unit with more than two pieces: its number in the layer, and its first neuron."""

    unit: PieceUnit
    number: int
    first: int

    @property
    def neurons(self) -> slice:
        return slice(self.first, self.first + self.unit.neurons)

    @property
    def leads(self) -> slice:
        """The neurons z_1 - z_0, z_2 - z_0, … of a max."""
        return slice(self.first + self.unit.pieces - 2, self.first - 1 if self.first else None, -1)

    @property
    def is_clip(self) -> bool:
        return self.unit.kind == CLIP

    @cached_property
    def sides(self) -> Signs:
        """The sides of its neurons, for each of its codes."""
        if self.is_clip:
            return np.array([[-1, 0], [1, -1], [0, 1]], dtype=np.int8)
        sides = np.zeros((self.unit.pieces, self.unit.neurons), dtype=np.int8)
        for neuron, (i, j) in enumerate(self.unit.pairs):
            sides[i, neuron], sides[j, neuron] = -1, 1
        return sides

    @property
    def sums(self) -> list[int]:
        """What the codes on both sides of each of its neurons add up to."""
        return [1, 3] if self.is_clip else [i + j for i, j in self.unit.pairs]

    def winning(self, code: Any) -> Any:
        """Return the neuron z_p - z_0 of a max with the winner p > 0, or an array of such."""
        return self.first + self.unit.pieces - 1 - code


class LayerUnits:
    """The units of a layer of n neurons.

    ``values`` (v,) are the neurons of the values, in order. ``unit_of`` and ``sums`` (rows,) say
    of each neuron of a unit which one that is, and what the codes on both its sides add up to.
    ``heights`` are those of its clips, hi - lo.
    """

    def __init__(self, units: Units, layer: AffineMap) -> None:
        self.bits = units.bits
        self.count = units.count
        self.rows = units.rows
        self.slopes = units.slopes
        self.steepness = np.abs(units.slopes)
        self.is_relu = units.is_relu and units.rows == layer.n_out
        self.exact_slopes = [fmpq(*s.as_integer_ratio()) for s in units.slopes.tolist()]
        self.pieces = [
            _Piece(unit, units.bits + p, first) for p, (unit, first) in enumerate(units.firsts())
        ]
        hidden = set(units.hidden_neurons())
        self.values = np.array([j for j in range(layer.n_out) if j not in hidden], dtype=np.int64)
        place = {neuron: v for v, neuron in enumerate(self.values.tolist())}
        self.clips = [piece for piece in self.pieces if piece.is_clip]
        self.maxima = [piece for piece in self.pieces if not piece.is_clip]
        self.clip_places = [place[piece.first] for piece in self.clips]
        self.max_places = [place[piece.unit.base] for piece in self.maxima]
        _, bias = layer.rational
        self.heights = [bias[p.first, 0] - bias[p.first + 1, 0] for p in self.clips]
        self.float_heights = nearest(np.array(self.heights, dtype=object)).tolist()
        self.sums = np.array([1] * self.bits + [s for p in self.pieces for s in p.sums], np.int64)
        owners = list(range(self.bits))
        owners += [piece.number for piece in self.pieces for _ in range(piece.unit.neurons)]
        self.unit_of = np.array(owners, dtype=np.int64)

    @property
    def most(self) -> Ints:
        """The largest code of each unit."""
        return np.array([1] * self.bits + [p.unit.pieces - 1 for p in self.pieces], dtype=np.int64)

    def sides(self, codes: Codes) -> Signs:
        """Return on which sides of the neurons of units (…, rows) cells with codes (…) are."""
        two = np.where(codes[..., : self.bits] != 0, np.int8(1), np.int8(-1))
        parts = [two, *(piece.sides[codes[..., piece.number]] for piece in self.pieces)]
        return np.concatenate(parts, axis=-1) if self.pieces else two

    def passed_on(
        self, codes: Codes, numbers: NDArray[Any], slopes: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        """Return numbers (m, v, …) of values for those of neurons (m, n, …), on m cells.

        The heights of clips are left out. ``slopes`` stand for the units' own; with their
        `steepness` bounds on what neurons are off by become such of values.
        """
        slopes = self.slopes if slopes is None else slopes
        gains = codes.astype(slopes.dtype) if self.is_relu else self._gains(codes, slopes)
        kept = numbers if self.is_relu else numbers[:, self.values]
        found = kept * gains.reshape(gains.shape + (1,) * (numbers.ndim - 2))
        numbers = np.broadcast_to(numbers, (len(codes), *numbers.shape[1:]))
        for piece, place in zip(self.maxima, self.max_places, strict=True):
            code = codes[:, piece.number].astype(np.int64)
            cells = np.flatnonzero(code)
            found[cells, place] += numbers[cells, piece.winning(code[cells])]
        return np.asarray(found)

    def _gains(self, codes: Codes, slopes: NDArray[Any]) -> NDArray[Any]:
        gains = np.ones((len(codes), len(self.values)), slopes.dtype)
        gains[:, : self.bits] = np.where(codes[:, : self.bits] != 0, gains[:, : self.bits], slopes)
        for piece, place in zip(self.clips, self.clip_places, strict=True):
            gains[:, place] = codes[:, piece.number] == 1
        return gains

    def varying(self, codes: Codes) -> Ints:
        """Return how many values (m,) may vary on cells with codes (m, units)."""
        return np.asarray((self._gains(codes, self.slopes) != 0).sum(axis=1))

    def lifted(self, codes: Codes) -> Iterator[tuple[int, float, Bools]]:
        """Yield (place of a value, height, cells) for each clip.

        On these cells (m,) the value is the height, rounded to float64.
        """
        for piece, place, height in zip(
            self.clips, self.clip_places, self.float_heights, strict=True
        ):
            yield place, height, codes[:, piece.number] == 2

    def strayed(self, error: Floats, in_doubt: Bools) -> Floats:
        """Return by how much more values (m, v) may be off where units may be on other pieces.

        ``error`` (m, n) bounds what neurons are off by, and ``in_doubt`` (m, rows) says which of
        them may be on their other side. Pieces meet there, so that only what a neuron is beyond
        its wall counts, times the difference of the slopes.
        """
        found = np.zeros((len(error), len(self.values)))
        beyond = np.where(in_doubt, error[:, : self.rows], 0.0)
        found[:, : self.bits] = beyond[:, : self.bits] * np.abs(1.0 - self.slopes)
        for pieces, places in ((self.clips, self.clip_places), (self.maxima, self.max_places)):
            for piece, place in zip(pieces, places, strict=True):
                found[:, place] = beyond[:, piece.neurons].max(axis=1)
        return found

    def bounds(self, error: Floats) -> Floats:
        """Return bounds on what values (m, v) are off by, for those of neurons (m, n)."""
        if self.is_relu:
            return error
        found = error[:, self.values]
        found[:, : self.bits] *= np.maximum(self.steepness, 1.0)
        for piece, place in zip(self.maxima, self.max_places, strict=True):
            found[:, place] += error[:, piece.leads].max(axis=1)
        return found

    def exact_values(
        self, forms: list[list[fmpq]], codes: Codes, one: int = 0
    ) -> list[list[fmpq] | None]:
        """Return the values on a cell where the neurons are these functions; None for zero.

        A function is a row of numbers, of which constants are in the one numbered ``one``.
        """
        code = codes.tolist()
        found: list[list[fmpq] | None] = [forms[j] for j in self.values.tolist()]
        for i, slope in enumerate(self.exact_slopes):
            if not code[i]:
                found[i] = [slope * x for x in forms[i]] if slope else None
        for piece, place, height in zip(self.clips, self.clip_places, self.heights, strict=True):
            if code[piece.number] != 1:
                constant = [fmpq(0)] * len(forms[0])
                constant[one] = height
                found[place] = constant if code[piece.number] else None
        for piece, place in zip(self.maxima, self.max_places, strict=True):
            if code[piece.number]:
                lead = forms[piece.winning(code[piece.number])]
                found[place] = [a + b for a, b in zip(forms[piece.unit.base], lead, strict=True)]
        return found

    def codes_of(self, numbers: list[fmpq]) -> list[int]:
        """Return the codes at a point where the neurons have these numbers."""
        codes = [int(z > 0) for z in numbers[: self.bits]]
        for piece in self.pieces:
            here = numbers[piece.neurons]
            if piece.is_clip:
                codes.append(sum(z > 0 for z in here))
            else:
                leads = [fmpq(0), *numbers[piece.leads]]
                codes.append(leads.index(max(leads)))
        return codes

    def code_beyond(self, unit: int, code: int, on_facet: Bools, changes: list[fmpq]) -> int:
        """Return the code of a unit beyond a facet of a cell where it has the code ``code``.

        ``on_facet`` (rows,) says which of the layer's walls are zero on the facet, one of this
        unit at least, and ``changes`` are the derivatives of all neurons on the way out.
        """
        if unit < self.bits:
            return int(changes[unit] > 0)
        piece = self.pieces[unit - self.bits]
        walls = on_facet[piece.neurons].tolist()
        if piece.is_clip:
            lower, upper = (changes[piece.first + i] > 0 for i in range(2))
            return int(lower) if walls[0] else 1 + int(upper)
        # Whoever ties with the winner there may win beyond; the first of those who rise most.
        pairs = [pair for pair, wall in zip(piece.unit.pairs, walls, strict=True) if wall]
        tied = sorted({code, *(i + j - code for i, j in pairs)})
        rises = [fmpq(0), *changes[piece.leads]]
        return max(tied, key=rises.__getitem__)

    def name_of(self, unit: int, layer: int) -> str:
        """Name a unit for a message; ``layer`` counts from 1."""
        if unit < self.bits:
            return f"neuron {unit} of layer {layer}"
        piece = self.pieces[unit - self.bits].unit
        kind = piece.kind if piece.kind == CLIP else f"{piece.kind} of {piece.pieces}"
        return f"unit {unit} of layer {layer} ({kind})"

    def code_name(self, unit: int, code: int) -> str:
        """Say what a code of a unit means, for a message."""
        if unit < self.bits:
            return "active" if code else "inactive"
        return f"on its piece {code}"
