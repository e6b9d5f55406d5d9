"""The ranks of cells, batch after batch in table order: modulo a prime, else exactly."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nnce_cli import _core
from nnce_cli.base.bits import split_layers, unpack
from nnce_cli.network import CLIP, MAX, AffineMap, LayerStack, Units

if TYPE_CHECKING:
    from nnce_cli.exact import Pullback

MOST_REMEMBERED = 100_000  # exact ranks
PERIOD = 31  # 2^31 is 1 modulo the prime, 2^31 - 1


class RankFinder:
    """Finds the ranks of the rows of a table, given in order; remembers the last row.

    ``exact_ranks`` counts those that the prime does not prove.
    """

    def __init__(self, stack: LayerStack) -> None:
        self._stack = stack
        self._widths = stack.rows
        self._core = _core.Ranks(
            stack.n_inputs,
            [residues(layer) for layer in stack.hidden],
            [_slope_residues(units) for units in stack.units],
            [
                [first for unit, first in units.firsts() if unit.kind == CLIP]
                for units in stack.units
            ],
            [
                [
                    (first, unit.pieces, unit.base)
                    for unit, first in units.firsts()
                    if unit.kind == MAX
                ]
                for units in stack.units
            ],
        )
        self.begin()

    def begin(self) -> None:
        """Begin with the rows of another table: nothing is remembered."""
        self._core.begin()
        self._exact: dict[bytes, int] = {}
        self.exact_ranks = 0

    def ranks(self, signs: NDArray[np.uint8]) -> NDArray[np.uint16]:
        """Return the ranks (rows, L) of the joined packed sign vectors ``signs`` (rows, B)."""
        ranks: NDArray[np.uint16]
        ranks, tight = self._core.rank_rows(signs)
        for i in np.flatnonzero(~tight.all(axis=1)).tolist():
            self._prove(signs[i], ranks[i], tight[i])
        return ranks

    @cached_property
    def _pullback(self) -> Pullback:
        from nnce_cli.exact import Pullback

        return Pullback(self._stack)

    def _prove(
        self, signs: NDArray[np.uint8], ranks: NDArray[np.uint16], tight: NDArray[np.uint8]
    ) -> None:
        """Replace the ranks of one row that the prime does not prove by exact ones."""
        from nnce_cli.exact import exact_rank

        layers = split_layers(signs, self._widths)
        both = zip(layers, self._widths, strict=True)
        active = [(unpack(packed, width) == 1).tolist() for packed, width in both]
        trusted = True  # the rank at the layer before is what the core took it for
        end = 0
        for layer, packed in enumerate(layers):
            end += len(packed)
            if trusted and tight[layer]:
                continue
            key = signs[:end].tobytes()
            if key not in self._exact:
                if len(self._exact) > MOST_REMEMBERED:
                    self._exact.clear()
                self._exact[key] = exact_rank(self._pullback, layer, active)
                self.exact_ranks += 1
            trusted = trusted and self._exact[key] == ranks[layer]
            ranks[layer] = self._exact[key]


def _slope_residues(units: Units) -> NDArray[np.uint32]:
    """Return the slopes of a layer's units modulo the prime; the prime for a multiple of it."""
    found = _float_residues(units.row_slopes)
    found[(found == 0) & (units.row_slopes != 0)] = _core.PRIME
    return found


def residues(layer: AffineMap) -> NDArray[np.uint32]:
    """Return the layer's exact weights (n_out, n_in) modulo the prime."""
    prime = _core.PRIME
    if layer.exact is None:
        return _float_residues(layer.weight)
    rows = layer.rational[0].tolist()
    return np.array(
        [[int(x.p) * pow(int(x.q), -1, prime) % prime for x in row] for row in rows],
        dtype=np.uint32,
    ).reshape(layer.n_out, layer.n_in)


def _float_residues(values: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Return float64 numbers, which are rational, modulo the prime."""
    prime = _core.PRIME
    mantissa, exponent = np.frexp(values)
    whole = np.ldexp(mantissa, 53).astype(np.int64) % prime
    power = np.int64(1) << (exponent.astype(np.int64) - 53) % PERIOD
    return (whole * (power % prime) % prime).astype(np.uint32)
