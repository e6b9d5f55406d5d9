"""Patterns of signs that proofs left behind: no cell has one, and they save linear programs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli import _core
from nnce_cli.enumeration import WHOLE, DictionaryWalk, Problem, batches
from tests.cases import cube
from tests.enumeration.test_subtree import random_stack
from tests.strategies import examples, networks, stack_from


def patterns(walk):
    """Return what a walk remembers of its path: dicts from neuron to sign bit, with the prefix."""
    if walk.done:
        return []
    core = walk._walk
    signs = (core.path_to(core.top)[0] > 0).astype(int).tolist()
    offset, layer_of = walk.problem.offset, walk.problem.layer_of
    return [
        dict(enumerate(signs[: offset[layer_of[pattern[0][0]]]]))
        | {k: int(s > 0) for k, s in pattern}
        for pattern in _core.patterns(core)
    ]


def all_patterns(problem):
    """Walk a whole tree a node at a time; return all patterns that were ever remembered."""
    walk = DictionaryWalk(problem)
    found = {}
    while not walk.done:
        for _ in batches(walk, 1):
            pass
        found |= {tuple(sorted(p.items())): p for p in patterns(walk)}
    return list(found.values())


def signs_without_patterns(stack, box):
    """Return the sign vectors of all cells from a walk that writes a proof: it learns nothing."""
    walk = DictionaryWalk(Problem.of(stack, box), log=True)
    parts = []
    for batch in batches(walk):
        parts.append(batch.signs)
        assert not patterns(walk)
    layers = [np.concatenate(layer) for layer in zip(*parts, strict=True)]
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
    walk = DictionaryWalk(Problem.of(stack, box), rows=False, log=log)
    for _ in batches(walk):
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
    most = _core.MOST_REMEMBERED_UNITS
    n = most + 18
    angles = np.pi * (np.arange(n) + 0.25) / n
    offsets = [round(100 * np.sin(3.0 * k)) for k in range(n)]
    rows = [
        [round(1000 * np.cos(a)), round(1000 * np.sin(a)), 7 * b]
        for a, b in zip(angles, offsets, strict=True)
    ]
    stack, box = stack_from([rows]), cube(2, -1, 1)
    walk = DictionaryWalk(Problem.of(stack, box))
    remembered = set()
    while not walk.done:
        for _ in batches(walk, 700):
            pass
        remembered |= {k for pattern in patterns(walk) for k in pattern}
    assert walk.cells == lines_in_square(stack)
    assert min(remembered) == n - most  # the last ones have bits


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


def witnesses(problem):
    return np.concatenate([b.witness for b in batches(DictionaryWalk(problem))])


def witnesses_in_pieces(problem, budget, subtree=WHOLE):
    walk = DictionaryWalk(problem, subtree)
    parts = [np.concatenate([b.witness for b in batches(walk, budget)])]
    if not walk.done:
        parts += [witnesses_in_pieces(problem, budget, rest) for rest in walk.rest()]
    return np.concatenate(parts)


@examples(40)
@given(st.data())
def test_no_witness_depends_on_what_is_remembered(data):
    """A walk of a small part has learnt less than one of the whole."""
    stack = stack_from(data.draw(networks()))
    problem = Problem.of(stack, cube(stack.n_inputs, -1, 2))
    pieces = witnesses_in_pieces(problem, data.draw(st.integers(1, 12)))
    assert np.array_equal(witnesses(problem), pieces)


@pytest.mark.parametrize("widths", [(5, 9, 9), (9, 7, 7)])
def test_no_witness_of_a_generic_network_depends_on_what_is_remembered(widths):
    problem = Problem.of(random_stack(widths, seed=11), cube(widths[0], -1, 1))
    assert np.array_equal(witnesses(problem), witnesses_in_pieces(problem, 5))
