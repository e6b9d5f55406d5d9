"""Patterns of signs that proofs left behind: no cell has one, and they save linear programs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.enumeration import Subtree, SubtreeWalk
from nnce_cli.enumeration.problem import Problem
from nnce_cli.kernels.nogoods import MOST_BITS
from tests.cases import cube
from tests.strategies import examples, networks, stack_from
from tests.test_subtree import random_stack


def patterns(walk):
    """Return the patterns that a walk remembers: dicts from neuron to sign bit, within a prefix."""
    ws, net = walk._ws, walk._net
    found = []
    top = ws.control[0]
    deepest = net.layer_of.size and int(ws.layer[top]) if top >= 0 else -1
    for layer in range(deepest + 1):
        start, end = net.offset[layer], net.offset[layer + 1]
        prefix = {k: int(ws.sign[k] > 0) for k in range(start)}
        for i in range(min(ws.nogoods[layer], ws.nogood_active.shape[1])):
            pattern = dict(prefix)
            for k in range(start, end):
                bit = int(ws.bit[k])
                if bit and ws.nogood_active[layer, i] & bit:
                    pattern[k] = 1
                if bit and ws.nogood_inactive[layer, i] & bit:
                    pattern[k] = 0
            if len(pattern) > len(prefix):
                found.append(pattern)
    return found


def all_patterns(problem):
    """Walk a whole tree a node at a time; return all patterns that were ever remembered."""
    walk = SubtreeWalk(problem)
    found = {}
    while not walk.done:
        for _ in walk.batches(1):
            pass
        found |= {tuple(sorted(p.items())): p for p in patterns(walk)}
    return list(found.values())


def signs_without_patterns(stack, box):
    """Return the sign vectors of all cells from a walk that writes a proof: it learns nothing."""
    walk = SubtreeWalk(Problem.of(stack, box), log=True)
    batches = list(walk.batches())
    assert not walk._ws.nogoods.any()
    layers = [np.concatenate(parts) for parts in zip(*(b.signs for b in batches), strict=True)]
    bits = [np.unpackbits(a, axis=1)[:, :n] for a, n in zip(layers, stack.widths[1:], strict=True)]
    return np.concatenate(bits, axis=1).tolist()


def has(cell, pattern):
    return all(cell[k] == bit for k, bit in pattern.items())


@pytest.mark.parametrize("widths", [(3, 7, 7), (4, 5, 5, 5), (6, 6, 6)])
def test_no_cell_has_a_pattern(widths):
    stack, box = random_stack(widths, seed=7), cube(widths[0], -1, 1)
    cells = signs_without_patterns(stack, box)
    found = all_patterns(Problem.of(stack, box))
    assert len(found) > 30
    assert not any(has(cell, pattern) for cell in cells for pattern in found)


@examples(40)
@given(st.data())
def test_no_cell_of_a_degenerate_network_has_a_pattern(data):
    stack = stack_from(data.draw(networks()))
    box = cube(stack.n_inputs, -1, 1)
    cells = signs_without_patterns(stack, box)
    for pattern in all_patterns(Problem.of(stack, box)):
        assert not any(has(cell, pattern) for cell in cells)


def linear_programs(stack, box, *, log):
    """Return (cells, linear programs) of a walk; one that writes a proof learns nothing."""
    walk = SubtreeWalk(Problem.of(stack, box), rows=False, log=log)
    for _ in walk.batches():
        pass
    return walk.cells, walk.decisions["linear_programs"]


@pytest.mark.parametrize("widths", [(5, 8, 8), (8, 8, 8)])
def test_patterns_save_linear_programs(widths):
    stack, box = random_stack(widths, seed=3), cube(widths[0], -1, 1)
    cells, learning = linear_programs(stack, box, log=False)
    same, without = linear_programs(stack, box, log=True)
    assert cells == same
    assert learning < 0.85 * without


def test_neurons_beyond_the_bits_are_decided_as_ever():
    # All lines of a wide layer cut the square: the list is longer than a machine word.
    n = MOST_BITS + 18
    angles = np.pi * (np.arange(n) + 0.25) / n
    offsets = [round(100 * np.sin(3.0 * k)) for k in range(n)]
    rows = [
        [round(1000 * np.cos(a)), round(1000 * np.sin(a)), 7 * b]
        for a, b in zip(angles, offsets, strict=True)
    ]
    stack, box = stack_from([rows]), cube(2, -1, 1)
    walk = SubtreeWalk(Problem.of(stack, box))
    for _ in walk.batches():
        pass
    assert walk._ws.bit.max() == 1 << (MOST_BITS - 1)
    assert (walk._ws.bit == 0).sum() >= n - MOST_BITS
    assert walk.cells == lines_in_square(stack)


def lines_in_square(stack):
    """Count the regions of lines in the square [-1, 1]^2: 1 + lines + crossings inside."""
    w, b = stack.hidden[0].weight, stack.hidden[0].bias
    crossings = set()
    for i in range(len(b)):
        for j in range(i):
            x = np.linalg.solve(w[[i, j]], -b[[i, j]])
            if np.abs(x).max() < 1:
                crossings.add((i, j))
    return 1 + len(b) + len(crossings)


def witnesses_in_pieces(problem, budget, subtree):
    walk = SubtreeWalk(problem, subtree)
    parts = [np.concatenate([b.witness for b in walk.batches(budget)])]
    if not walk.done:
        parts += [witnesses_in_pieces(problem, budget, rest) for rest in walk.leftover()]
    return np.concatenate(parts)


@examples(40)
@given(st.data())
def test_no_witness_depends_on_what_is_remembered(data):
    """A walk of a small part has learnt less than one of the whole."""
    stack = stack_from(data.draw(networks()))
    problem = Problem.of(stack, cube(stack.n_inputs, -1, 2))
    whole = np.concatenate([b.witness for b in SubtreeWalk(problem).batches()])
    pieces = witnesses_in_pieces(problem, data.draw(st.integers(1, 12)), Subtree())
    assert np.array_equal(whole, pieces)


@pytest.mark.parametrize("widths", [(5, 9, 9), (9, 7, 7)])
def test_no_witness_of_a_generic_network_depends_on_what_is_remembered(widths):
    problem = Problem.of(random_stack(widths, seed=11), cube(widths[0], -1, 1))
    whole = np.concatenate([b.witness for b in SubtreeWalk(problem).batches()])
    assert np.array_equal(whole, witnesses_in_pieces(problem, 5, Subtree()))
