"""The ranks of cells, batch after batch in table order: modulo a prime, else exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnce_cli.exact import Pullback, exact_rank
from nnce_cli.kernels.jit import padded_length
from nnce_cli.kernels.ranks import PRIME, RankState, rank_rows
from nnce_cli.network import LayerStack


def _new_state(n_layers: int, d: int, n: int, n_bytes: int) -> RankState:
    """Allocate what the kernel remembers; see `RankState`."""
    most, length = max(min(d, n), 1), padded_length(d)

    def residues(*shape: int) -> NDArray[np.uint32]:
        return np.zeros(shape, dtype=np.uint32)

    def ints(*shape: int) -> NDArray[np.int64]:
        return np.zeros(shape, dtype=np.int64)

    return RankState(
        gradient=residues(n_layers, n, length),
        basis=residues(n_layers, most, length),
        pivot_column=ints(n_layers, most),
        found=ints(n_layers, n + 1),
        active=ints(n_layers, n + 1),
        row=residues(length),
        total=np.zeros(length, dtype=np.uint64),
        signs=np.zeros(n_bytes, dtype=np.uint8),
        rank=ints(n_layers),
        tight=ints(n_layers),
    )


class RankFinder:
    """Finds the ranks of the rows of a table, given in order; remembers the last row."""

    def __init__(self, stack: LayerStack, pullback: Pullback) -> None:
        self.widths = np.array([layer.n_out for layer in stack.hidden], dtype=np.int64)
        self.pullback = pullback
        self.inputs = stack.n_inputs
        d, n, n_layers = self.inputs, int(self.widths.max()), len(self.widths)
        self.weight = np.zeros((n_layers, n, max(d, n)), dtype=np.uint32)
        for index, (weight, _) in enumerate(pullback.maps):
            for j, row in enumerate(weight.tolist()):
                residues = [int(x.p) % PRIME * pow(int(x.q), -1, PRIME) % PRIME for x in row]
                self.weight[index, j, : len(residues)] = residues
        n_bytes = int(((self.widths + 7) // 8).sum())
        self.state = _new_state(n_layers, d, n, n_bytes)
        self.state.gradient[0, : self.widths[0], :d] = self.weight[0, : self.widths[0], :d]
        self.begin()
        self.ranks(np.zeros((0, n_bytes), dtype=np.uint8))  # compiled or loaded now

    def begin(self) -> None:
        """Begin with the rows of another table: nothing is remembered."""
        self._started = False
        self._exact: dict[bytes, int] = {}
        self.exact_ranks = 0

    def ranks(self, signs: NDArray[np.uint8]) -> NDArray[np.uint16]:
        """Return the ranks (rows, L) of the joined packed sign vectors ``signs`` (rows, B)."""
        rows = signs.shape[0]
        ranks = np.zeros((rows, len(self.widths)), dtype=np.uint16)
        tight = np.zeros((rows, len(self.widths)), dtype=np.uint8)
        if rows and not self._started:
            self.state.signs[:] = ~signs[0]  # so that nothing is taken over from a row before
            self._started = True
        rank_rows(self.widths, self.inputs, self.weight, self.state, signs, ranks, tight)
        for i in np.flatnonzero(~tight.all(axis=1)).tolist():
            self._prove(signs[i], ranks[i], tight[i])
        return ranks

    def _prove(
        self, signs: NDArray[np.uint8], ranks: NDArray[np.uint16], tight: NDArray[np.uint8]
    ) -> None:
        """Replace the ranks of one row that the prime does not prove by exact ones."""
        ends = np.cumsum((self.widths + 7) // 8).tolist()
        trusted = True  # the rank at the layer before is what the kernel took it for
        for layer in range(len(self.widths)):
            if trusted and tight[layer]:
                continue
            key = signs[: ends[layer]].tobytes()
            if key not in self._exact:
                if len(self._exact) > 100_000:
                    self._exact.clear()
                self._exact[key] = exact_rank(self.pullback, layer, self._active(signs))
                self.exact_ranks += 1
            trusted = trusted and self._exact[key] == ranks[layer]
            ranks[layer] = self._exact[key]

    def _active(self, signs: NDArray[np.uint8]) -> list[list[bool]]:
        active, first = [], 0
        for width in self.widths.tolist():
            end = first + (width + 7) // 8
            active.append((np.unpackbits(signs[first:end])[:width] == 1).tolist())
            first = end
        return active
