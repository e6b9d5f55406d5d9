"""The walk along a certificate's tree: the place of each decision, and what it claims there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from nnce_cli.verify.claims import ACTIVE, CELL, INACTIVE, NOTHING, SPLIT, ZERO, Claim
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.layer_units import Codes
from nnce_cli.verify.proof_file import Decision
from nnce_cli.verify.table_rows import shown

CLAIMS = 2**12  # handed on together
SIZE = 2**24  # bytes of their sign vectors, at most


class _WrongError(Exception):
    """A decision that has no place where it stands; the walk cannot go on."""


class _Split(NamedTuple):
    """A split on the path: the neuron, and how many neurons were decided before it."""

    neuron: int
    decided: int


class ProofTree:
    """A place in the tree: the signs decided so far, and the splits that lead there.

    ``wrong`` is the number of the first decision that is out of place, and what is wrong with it.
    """

    def __init__(self, network: ExactNetwork, rows: Iterator[Codes]) -> None:
        self.decisions = self.cells = self.splits = 0
        self.is_whole = False
        self.wrong: tuple[int, str] | None = None
        self._network = network
        self._rows = rows
        self._bits: Codes = np.zeros(network.rows, dtype=np.uint8)
        self._is_decided = [False] * network.rows
        self._is_wall = np.zeros(network.rows, dtype=np.bool_)
        self._trail: list[int] = []  # the decided neurons, in order
        self._open: list[_Split] = []  # splits whose active side is still to come
        free = np.flatnonzero(network.chart.free).tolist()
        self._input_places = {i: place for place, i in enumerate(free)}

    def claims(self, decisions: Iterator[Decision]) -> Iterator[list[Claim]]:
        """Walk, and yield what is to be proved, many claims at a time.

        The walk ends with the decisions, or at the first one that is out of place.
        """
        together = min(CLAIMS, max(1, SIZE // max(1, 3 * self._network.rows)))
        claims: list[Claim] = []
        for row in decisions:
            try:
                claim = self._take(row)
            except _WrongError as error:
                self.wrong = self.decisions, str(error)
                break
            self.decisions += 1
            if claim is not None:
                claims.append(claim)
            if len(claims) == together:
                yield claims
                claims = []
        if claims:
            yield claims

    def _take(self, row: Decision) -> Claim | None:
        """Go on to the next place; return what the decision claims about functions."""
        if self.is_whole:
            raise _WrongError("the tree was whole before it")
        if row.decision == CELL:
            if len(self._trail) < self._network.rows:
                raise _WrongError("a cell before all neurons are decided")
            self._match_row()
            self._go_back()
            return None
        if row.decision == NOTHING:  # whatever is decided here: below it there is nothing either
            claim = self._claim(row)
            self._go_back()
            return claim
        self._check_place(row.neuron)
        if row.decision not in (INACTIVE, ACTIVE, ZERO, SPLIT):
            raise _WrongError(f"{row.decision} is no kind of decision")
        claim = self._claim(row)
        if row.decision == SPLIT:
            self.splits += 1
            self._open.append(_Split(row.neuron, len(self._trail)))
            self._is_wall[row.neuron] = True
        self._decide(row.neuron, int(row.decision == ACTIVE))
        return claim

    def _check_place(self, neuron: int) -> None:
        """Refuse a neuron that cannot be decided now."""
        if neuron >= self._network.rows:
            raise _WrongError(f"there is no neuron {neuron}")
        if self._is_decided[neuron]:
            raise _WrongError(f"{self._network.name_of(neuron)} is decided already")
        if len(self._trail) < self._network.row_starts[self._network.layer_of(neuron)]:
            raise _WrongError(
                f"{self._network.name_of(neuron)} comes before the end of the layer before it"
            )

    def _claim(self, row: Decision) -> Claim:
        """Return what is to be proved, with the basis that is said to prove it."""
        if len(row.slacks) != len(row.inputs):
            raise _WrongError(f"a basis of {len(row.slacks)} slacks and {len(row.inputs)} inputs")
        for neuron in row.slacks:
            if neuron >= len(self._is_wall) or not self._is_wall[neuron]:
                raise _WrongError(f"its basis names neuron {neuron}, which was not split on here")
        for i in row.inputs:
            if i not in self._input_places:
                raise _WrongError(f"its basis names input {i}, which does not vary")
        bits = self._bits.copy()
        return Claim(
            number=self.decisions,
            decision=row.decision,
            neuron=row.neuron,
            bits=bits,
            codes=self._network.codes_of(bits),
            is_wall=self._is_wall.copy(),
            slacks=row.slacks,
            inputs=[self._input_places[i] for i in row.inputs],
        )

    def _decide(self, neuron: int, bit: int) -> None:
        self._bits[neuron] = bit
        self._is_decided[neuron] = True
        self._trail.append(neuron)

    def _go_back(self) -> None:
        """Go on to the active side of the last open split; without one the tree is whole."""
        if not self._open:
            self.is_whole = True
            return
        split = self._open.pop()
        for neuron in self._trail[split.decided :]:
            self._is_decided[neuron] = False
            self._is_wall[neuron] = False
        del self._trail[split.decided :]
        self._is_wall[split.neuron] = True
        self._decide(split.neuron, 1)

    def _match_row(self) -> None:
        self.cells += 1
        row = next(self._rows, None)
        if row is None:
            raise _WrongError("another cell, and the table has no more rows")
        codes = self._network.codes_of(self._bits)
        if not np.array_equal(row, codes):
            layout = self._network.layout
            raise _WrongError(
                f"the cell {shown(codes, layout)}, and row {self.cells - 1} of the table is "
                f"{shown(row, layout)}"
            )
