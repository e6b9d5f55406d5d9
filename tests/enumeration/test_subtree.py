"""Subtrees with budgets: however the walk is cut, the cells and their order are the same."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.enumeration import WHOLE, DictionaryWalk, Problem, Subtree, batches
from tests.cases import cube
from tests.strategies import examples, networks, stack_from


def random_stack(widths, seed):
    """Return a generic network with small weights of a few digits."""
    random = np.random.default_rng(seed)
    rows = []
    for n_in, n_out in itertools.pairwise(widths):
        rows.append(np.round(random.normal(size=(n_out, n_in + 1)) * 64).astype(int).tolist())
    return stack_from(rows)


def walk_in_pieces(problem, budget, subtree=WHOLE):
    """Return (sign bytes of all rows in order, layer cells, number of walks)."""
    walk = DictionaryWalk(problem, subtree)
    rows = [np.concatenate(b.signs, axis=1) for b in batches(walk, budget)]
    layer_cells, walks = np.array(walk.layer_cells), 1
    if not walk.done:
        for rest in walk.rest():
            more, cells, n = walk_in_pieces(problem, budget, rest)
            rows.append(more)
            layer_cells, walks = layer_cells + cells, walks + n
    return np.concatenate(rows), layer_cells, walks


@pytest.mark.parametrize("budget", [1, 7, 40])
@pytest.mark.parametrize("widths", [(2, 6, 6), (3, 5, 4, 4), (5, 4, 4)])
def test_pieces_make_the_whole(widths, budget):
    problem = Problem.of(random_stack(widths, seed=sum(widths)), cube(widths[0], -1, 1))
    whole, layer_cells, walks = walk_in_pieces(problem, None)
    assert walks == 1
    pieces, their_cells, walks = walk_in_pieces(problem, budget)
    assert np.array_equal(pieces, whole)
    assert np.array_equal(their_cells, layer_cells)
    assert walks > len(whole) / (2 * budget)


@examples(25)
@given(st.data())
def test_pieces_of_degenerate_networks_make_the_whole(data):
    stack = stack_from(data.draw(networks()))
    problem = Problem.of(stack, cube(stack.n_inputs, -1, 1))
    whole, layer_cells, _ = walk_in_pieces(problem, None)
    pieces, their_cells, _ = walk_in_pieces(problem, data.draw(st.integers(1, 9)))
    assert np.array_equal(pieces, whole)
    assert np.array_equal(their_cells, layer_cells)


def test_a_walk_goes_on_where_its_budget_ended():
    problem = Problem.of(random_stack((3, 6, 6), seed=1), cube(3, -1, 1))
    whole, layer_cells, _ = walk_in_pieces(problem, None)
    walk = DictionaryWalk(problem)
    rows = []
    while not walk.done:
        before = walk.nodes
        rows += [np.concatenate(b.signs, axis=1) for b in batches(walk, 10)]
        assert walk.nodes <= before + 10
    assert np.array_equal(np.concatenate(rows), whole)
    assert walk.layer_cells == layer_cells.tolist()


def test_a_subtree_has_the_cells_with_its_prefix_and_no_others():
    problem = Problem.of(random_stack((3, 6, 6), seed=2), cube(3, -1, 1))
    whole, _, _ = walk_in_pieces(problem, None)
    first_four = np.unpackbits(whole, axis=1)[:, :4]
    for prefix in np.unique(first_four, axis=0):
        part, _, _ = walk_in_pieces(problem, None, Subtree(tuple(prefix.tolist())))
        assert np.array_equal(part, whole[(first_four == prefix).all(axis=1)])


def test_the_shares_of_the_pieces_add_up_to_the_domain():
    problem = Problem.of(random_stack((3, 6, 6), seed=3), cube(3, -1, 1))
    walk = DictionaryWalk(problem)
    for _ in batches(walk, 200):
        pass
    total = walk.share
    for rest in walk.rest():
        part = DictionaryWalk(problem, rest)
        for _ in batches(part):
            pass
        total += part.share
    assert total == pytest.approx(1.0, abs=1e-12)


def test_deep_paths_grow_the_stack():
    """Forty parallel hyperplanes that each cut what is left: a frame for each on the way down."""
    rows = [[[64, 0, k] for k in range(-20, 20)]]
    problem = Problem.of(stack_from(rows), cube(2, -1, 1))
    whole, layer_cells, _ = walk_in_pieces(problem, None)
    assert layer_cells.tolist() == [41]
    assert len(whole) == 41
