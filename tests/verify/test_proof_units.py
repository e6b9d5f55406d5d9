"""Certificates of networks with slopes, clips and pass-throughs: over the neurons of units."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from ppl import C_Polyhedron

from nnce_cli.base.errors import InputError
from nnce_cli.verify.check_proof import check_proof
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.proof_file import Decision
from nnce_cli.verify.table_rows import Table
from tests.cases import cube
from tests.oracles.ppl import box_constraints, expression
from tests.verify.piecewise import Layer, Max, MemoryTable, random_network, stack_of

INACTIVE, ACTIVE, ZERO, SPLIT, CELL, NOTHING = range(6)


@dataclass
class MemoryProof:
    """What a reader of a certificate gives."""

    rows_of: list[Decision]
    about: dict

    @property
    def rows(self):
        return len(self.rows_of)

    def decisions(self, longest):
        return iter(self.rows_of)


def certificate(network):
    """Walk the tree, neuron by neuron, the negative side first; no decision has a basis."""
    d = network.dimension
    found = []

    def walk(bits, k, cell):
        if k == network.rows:
            found.append(Decision(0, CELL, [], []))
            return
        form = network.form(k, network.codes_of(bits))
        if not any(form):
            sides, kind = [0], ZERO
        else:
            row = expression([*form[1:], form[0]])
            low, high = cell.minimize(row)["inf_n"], cell.maximize(row)["sup_n"]
            sides = [0, 1] if low < 0 < high else [int(low >= 0)]
            kind = SPLIT if len(sides) == 2 else (ACTIVE if sides == [1] else INACTIVE)
        found.append(Decision(k, kind, [], []))
        for side in sides:
            part, here = cell, bits.copy()
            if kind == SPLIT:
                part = C_Polyhedron(cell)
                part.add_constraint(row >= 0 if side else row <= 0)
            here[k] = side
            walk(here, k + 1, part)

    whole = C_Polyhedron(box_constraints([0.0] * d, [1.0] * d))
    walk(np.zeros(network.rows, dtype=np.uint8), 0, whole)
    return found


def drawn(seed):
    """A network without maxima, its table, and its certificate."""
    n_inputs, sizes = [(1, (3, 2)), (2, (3,)), (2, (2, 2)), (3, (3,))][seed % 4]
    layers = [
        replace(layer, many=[unit for unit in layer.many if not isinstance(unit, Max)])
        for layer in random_network(seed, n_inputs, (sizes[0] + 2,))
    ]
    if len(sizes) > 1:
        before = layers[0].values
        [second] = random_network(seed + 1000, before, (sizes[1],))
        layers.append(replace(second, many=[u for u in second.many if not isinstance(u, Max)]))
    table = MemoryTable.of(layers, cube(n_inputs, -1, 1), witness=False)
    network = ExactNetwork(stack_of(layers), table.domain)
    return table, network, certificate(network)


def replayed(table, network, rows):
    said = table.metadata
    about = {
        "model": said.model,
        "widths": list(said.widths),
        "domain": said.domain,
        "cells": table.rows,
        "complete": True,
    }
    read = Table(table, network.layout)
    return check_proof(read, network, MemoryProof(rows, about), 1, lambda done, total: None)


@pytest.mark.parametrize("seed", range(40))
def test_whole_certificates_pass(seed):
    table, network, rows = drawn(seed)
    result = replayed(table, network, rows)
    assert result.status == "passed", result.failures
    assert result.details["cells"] == table.rows


@pytest.mark.parametrize("seed", range(24))
def test_tampered_certificates_do_not(seed):
    """Decisions left out, doubled, or another; cells that the table has not."""
    table, network, rows = drawn(seed)
    random = np.random.default_rng(seed)
    for k in random.choice(len(rows), min(len(rows), 6), replace=False).tolist():
        assert replayed(table, network, [*rows[:k], *rows[k + 1 :]]).failed
        assert replayed(table, network, [*rows[:k], rows[k], *rows[k:]]).failed
        kind = rows[k].decision
        for other in {*range(6)} - {kind, INACTIVE if kind == ZERO else kind}:
            changed = replace(rows[k], decision=other)
            assert replayed(table, network, [*rows[:k], changed, *rows[k + 1 :]]).failed
    if table.rows > 1:
        smaller = table.copy()
        smaller.remove(int(random.integers(table.rows)))
        assert replayed(smaller, network, rows).failed
    for unit in range(network.units):
        other = table.copy()
        layer = next(k for k, end in enumerate(network.starts[1:]) if unit < end)
        codes = other.codes[0][layer]
        codes[unit - network.starts[layer]] = (codes[unit - network.starts[layer]] + 1) % 2
        assert replayed(other, network, rows).failed


def test_the_unit_of_a_neuron_is_named():
    seed = next(s for s in range(40) if drawn(s)[1].layers[0].clips)
    table, network, rows = drawn(seed)
    first = network.layers[0].clips[0].first
    k = next(i for i, row in enumerate(rows) if row.neuron == first and row.decision != CELL)
    wrong = replace(rows[k], decision=NOTHING + 1)
    result = replayed(table, network, [*rows[:k], wrong, *rows[k + 1 :]])
    assert "no kind of decision" in result.failures[0]
    doubled = [*rows[: k + 1], rows[k], *rows[k + 1 :]]
    result = replayed(table, network, doubled)
    assert f"unit {network.layers[0].clips[0].number} of layer 1 (clip)" in result.failures[0]


def test_maxima_have_no_certificates():
    rows = [[1, 0], [0, 1], [-1, 0]]
    layers = [Layer([], [Max([[*map(int, row)] for row in rows])])]
    table = MemoryTable.of(layers, cube(1, -1, 1), witness=False)
    network = ExactNetwork(stack_of(layers), table.domain)
    with pytest.raises(InputError, match="three or more numbers"):
        replayed(table, network, [])
