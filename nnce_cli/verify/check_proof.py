"""The replay of a completeness certificate in rational arithmetic (format: docs/proof.md).

The certificate is a walk of a tree. Its root is the domain; a split divides a node by a
hyperplane; any other decision says that a neuron has one sign on the whole node. Every point of
the domain that is on no hyperplane comes down to one leaf, which is a row of the table: where all
decisions hold and the tree is whole, the table is complete.
"""

from __future__ import annotations

from collections.abc import Iterator
from reprlib import repr as shortened
from typing import NamedTuple

import numpy as np

from nnce_cli.verify.exact_network import Bits, ExactNetwork, Form
from nnce_cli.verify.polytope import Polytope, combination_proves
from nnce_cli.verify.progress import Progress
from nnce_cli.verify.proof_file import Decision, ProofReader
from nnce_cli.verify.report import CheckResult
from nnce_cli.verify.table_rows import Table, shown

NAME, UNIT = "certificate", "decisions"

INACTIVE, ACTIVE, ZERO, SPLIT, CELL, NOTHING = range(6)

REPORT_EVERY = 256


class _WrongError(Exception):
    """A decision that does not hold; the replay cannot go on."""


def check_proof(
    table: Table, network: ExactNetwork, proof: ProofReader, progress: Progress
) -> CheckResult:
    """Replay a certificate against the model and the table; stop at the first wrong decision."""
    result = CheckResult(NAME, UNIT)
    result.details = {"splits": 0, "proved by their bases": 0, "proved by linear programs": 0}
    _compare_metadata(table, proof, result)
    if result.failed:
        return result
    replay = _Replay(network, (bits for part in table.parts() for bits in part.bits), result)
    for decision in proof.decisions(longest=min(network.dimension, network.neurons)):
        try:
            replay.take(decision)
        except _WrongError as error:
            result.fail(f"decision {result.checked}: {error}")
            return result
        result.checked += 1
        if result.checked % REPORT_EVERY == 0:
            progress(result.checked, proof.rows)
    if not replay.is_whole:
        result.fail(f"it ends after {result.checked} decisions, before its tree is whole")
    elif replay.cells != table.rows:
        result.fail(f"its tree has {replay.cells} cells and the table {table.rows} rows")
    result.details["cells"] = replay.cells
    return result


def _compare_metadata(table: Table, proof: ProofReader, result: CheckResult) -> None:
    said, about = table.metadata, proof.about
    expected = {
        "model": said.model,
        "widths": list(said.widths),
        "domain": said.domain,
        "cells": table.rows,
        "complete": True,
    }
    for name, value in expected.items():
        if about.get(name) != value:
            result.fail(f"it is not for this table: its {name} is {shortened(about.get(name))}")


class _Split(NamedTuple):
    """A split on the path: the neuron, and how many neurons were decided before it."""

    neuron: int
    decided: int


class _Replay:
    """A place in the tree: the signs decided so far, and the splits that lead there."""

    def __init__(self, network: ExactNetwork, rows: Iterator[Bits], result: CheckResult) -> None:
        self.network = network
        self.rows = rows
        self.result = result
        self.cells = 0
        self.is_whole = False
        self.bits: Bits = np.zeros(network.neurons, dtype=np.uint8)
        self.is_decided = np.zeros(network.neurons, dtype=np.bool_)
        self.trail: list[int] = []  # the decided neurons, in order
        self.open: list[_Split] = []  # splits whose active side is still to come
        self.walls: dict[int, Form] = {}  # neurons split on, and their functions >= 0 here
        self.input_places = {int(i): place for place, i in enumerate(np.flatnonzero(network.free))}

    def take(self, row: Decision) -> None:
        """Check a decision and go on to the next place; raises `_WrongError`."""
        if self.is_whole:
            raise _WrongError("the tree was whole before it")
        if row.decision in (CELL, NOTHING):
            if len(self.trail) < self.network.neurons:
                raise _WrongError("a leaf before all neurons are decided")
            if row.decision == CELL:
                self._match_row()
            else:
                self._prove_empty()
            self._go_back()
            return
        form = self._form_of(row.neuron)
        if row.decision == SPLIT:
            self._split(row.neuron, form)
        elif row.decision == ZERO:
            if any(form):
                raise _WrongError(f"{self._name(row)} is not identically zero here")
            self._decide(row.neuron, 0)
        elif row.decision in (INACTIVE, ACTIVE):
            self._prove_sign(row, form)
            self._decide(row.neuron, row.decision)
        else:
            raise _WrongError(f"{row.decision} is no kind of decision")

    def _form_of(self, neuron: int) -> Form:
        """Return the function of a neuron that may be decided now."""
        if neuron >= self.network.neurons:
            raise _WrongError(f"there is no neuron {neuron}")
        layer = self.network.layer_of(neuron)
        if self.is_decided[neuron]:
            raise _WrongError(f"{self.network.name_of(neuron)} is decided already")
        if not self.is_decided[: self.network.starts[layer]].all():
            raise _WrongError(
                f"{self.network.name_of(neuron)} comes before the end of the layer before it"
            )
        return self.network.forms(layer, self.bits)[neuron - self.network.starts[layer]]

    def _decide(self, neuron: int, bit: int) -> None:
        self.bits[neuron] = bit
        self.is_decided[neuron] = True
        self.trail.append(neuron)

    def _split(self, neuron: int, form: Form) -> None:
        if not any(form):
            raise _WrongError(f"{self.network.name_of(neuron)} is zero here and cannot be split on")
        self.result.count("splits")
        self.open.append(_Split(neuron, len(self.trail)))
        self.walls[neuron] = [-x for x in form]
        self._decide(neuron, 0)

    def _go_back(self) -> None:
        """Go on to the active side of the last open split; without one the tree is whole."""
        if not self.open:
            self.is_whole = True
            return
        split = self.open.pop()
        for neuron in self.trail[split.decided :]:
            self.is_decided[neuron] = False
            if neuron != split.neuron:
                self.walls.pop(neuron, None)
        del self.trail[split.decided :]
        self.walls[split.neuron] = [-x for x in self.walls.pop(split.neuron)]
        self._decide(split.neuron, 1)

    def _prove_sign(self, row: Decision, form: Form) -> None:
        """Prove that a neuron is <= 0, or >= 0 and not identically zero, on this node."""
        inward = form if row.decision == ACTIVE else [-x for x in form]
        if row.decision == ACTIVE and not any(form):
            raise _WrongError(f"{self._name(row)} is identically zero here, so it is inactive")
        if combination_proves(inward, *self._basis(row)):
            self.result.count("proved by their bases")
            return
        node = Polytope([inward, *self.walls.values()], self.network.dimension)
        if not node.is_redundant(0):
            side = "positive" if row.decision == ACTIVE else "negative"
            raise _WrongError(f"{self._name(row)} is not {side} on the whole node")
        self.result.count("proved by linear programs")

    def _basis(self, row: Decision) -> tuple[list[Form], list[int]]:
        """Return the functions and the inputs of a decision's basis."""
        if len(row.slacks) != len(row.inputs):
            raise _WrongError(f"a basis of {len(row.slacks)} slacks and {len(row.inputs)} inputs")
        for neuron in row.slacks:
            if neuron not in self.walls:
                raise _WrongError(f"its basis names neuron {neuron}, which was not split on here")
        for i in row.inputs:
            if i not in self.input_places:
                raise _WrongError(f"its basis names input {i}, which does not vary")
        walls = [self.walls[neuron] for neuron in row.slacks]
        return walls, [self.input_places[i] for i in row.inputs]

    def _match_row(self) -> None:
        self.cells += 1
        row = next(self.rows, None)
        if row is None:
            raise _WrongError("another cell, and the table has no more rows")
        if not np.array_equal(row, self.bits):
            widths = self.network.widths
            raise _WrongError(
                f"the cell {shown(self.bits, widths)}, and row {self.cells - 1} of the table is "
                f"{shown(row, widths)}"
            )

    def _prove_empty(self) -> None:
        self.result.count("nodes without interior")
        node = Polytope([*self.walls.values()], self.network.dimension)
        if node.interior_point() is not None:
            raise _WrongError("a leaf that is said to have no interior has one")

    def _name(self, row: Decision) -> str:
        return self.network.name_of(row.neuron)
