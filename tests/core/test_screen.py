"""The bounds that settle far neurons: true, and tight enough to be of use."""

from __future__ import annotations

import numpy as np
import pytest
from flint import fmpq

from nnce_cli._core import Workbench
from nnce_cli.enumeration import DictionaryWalk, Problem, batches
from nnce_cli.enumeration.dictionary.network import core_network
from nnce_cli.exact import Dictionary, Pullback
from nnce_cli.network import AffineMap, LayerStack
from tests.cases import cube
from tests.core.test_dictionary import (
    basis,
    cell_of_a_point,
    exact_vertex,
    exactly,
    generic_cell,
    go_to_a_vertex,
    normal_map,
)
from tests.enumeration.test_subtree import random_stack


def displacement(polytope, variable, at_upper):
    """Return a column's displacement as an exact affine function of the input."""
    d = len(polytope.lower)
    if variable >= d:
        return polytope.slacks[variable]
    form = [fmpq(0)] * (d + 1)
    form[0] = polytope.upper[variable] if at_upper else -polytope.lower[variable]
    form[1 + variable] = fmpq(-1) if at_upper else fmpq(1)
    return form


def maximum(polytope, form):
    """Return the exact maximum of an affine function over a polytope."""
    start = exact_vertex(polytope)
    dictionary = Dictionary(polytope, start.columns, start.at_upper)
    dictionary.set_objective(form)
    return dictionary.maximise(lambda _: False)


@pytest.mark.parametrize("seed", range(16))
def test_ceilings_are_above_the_exact_maxima(seed):
    bench, polytope = generic_cell(1 + seed % 6, 4 + seed, seed)
    go_to_a_vertex(bench, polytope)
    for ceiling, variable, at_upper in zip(bench.ceilings(), *basis(bench), strict=True):
        assert maximum(polytope, displacement(polytope, variable, at_upper)) <= exactly(ceiling)
        assert ceiling <= bench.ceiling_in_box(variable)


def test_ceilings_come_down_in_small_cells():
    shares = []
    for seed in range(8):
        bench, polytope = generic_cell(4, 30, seed)
        go_to_a_vertex(bench, polytope)
        columns, _ = basis(bench)
        pairs = zip(bench.ceilings(), columns, strict=True)
        shares += [ceiling / bench.ceiling_in_box(v) for ceiling, v in pairs]
    assert np.quantile(shares, 0.3) < 0.5


def answers_of(second):
    """Return the screen's answers for a layer over the square where x, y > 0, in order."""
    first = AffineMap(np.eye(2), np.zeros(2))
    rows = np.array(second, dtype=float)
    stack = LayerStack((first, AffineMap(rows[:, :2], rows[:, 2])), None, (1, 2), "")
    bench = Workbench(core_network(stack, cube(2, -1, 1)))
    bench.pull_back(0)
    bench.follow([1, 1], [0, 1])
    bench.rebuild([2, 3], [False, False])
    bench.pull_back(1)
    bench.add_layer(1)
    return bench.look()[::-1]  # rows are in descending order


def test_only_what_is_strictly_on_one_side_is_settled():
    tiny = 2.0**-20
    second = [
        [-1, -1, 2],  # touches the corner (1, 1)
        [-1, -1, 2 + tiny],
        [-1, -1, 2 - tiny],
        [1, 1, 0],  # touches the corner (0, 0)
        [1, 1, tiny],
        [-1, -2, 0],
        [-1, -2, -tiny],
        [0, 0, 0],  # zero everywhere
        [0, 0, -1],
        [0, 0, tiny],
    ]
    assert answers_of(second) == [0, 1, 0, 0, 1, 0, -1, 0, -1, 1]


@pytest.mark.parametrize("seed", range(5))
def test_settled_neurons_are_on_that_side_exactly(seed):
    """Against exact linear programs over cells, for a second layer of float weights."""
    d, n, m = 2 + seed % 3, 30, 24
    random = np.random.default_rng(seed)
    second = AffineMap(random.normal(size=(m, n)), 8.0 * random.normal(size=m))
    stack = LayerStack((normal_map(random, d, n), second), None, (1, d), "")
    settled = 0
    for place in range(4):
        bench, polytope = cell_of_a_point(stack, place)
        go_to_a_vertex(bench, polytope)
        bench.pull_back(1)
        bench.add_layer(1)
        active = [[is_active(stack, polytope, k) for k in range(n)]]
        rows = Pullback(stack).preactivations(1, active)
        for j, answer in enumerate(bench.look()[::-1]):
            if answer != 0:
                settled += 1
                assert maximum(polytope, [-answer * rows[j, c] for c in range(1 + d)]) < 0
    assert settled >= 10


def is_active(stack, polytope, k):
    """Tell whether neuron k of layer 1 is active on the cell: it then has its slack's sign."""
    slack, weight = polytope.slacks[polytope.dimension + k], stack.hidden[0].weight[k]
    return bool(slack[1] * exactly(weight[0]) > 0)


def test_wide_and_deep_networks_need_few_linear_programs():
    stack = random_stack((3, 24, 24, 24), seed=5)
    counts = {}
    for log in (False, True):  # with a proof to write there is no screen
        walk = DictionaryWalk(Problem.of(stack, cube(3, -1, 1)), rows=False, log=log)
        for _ in batches(walk):
            pass
        counts[log] = walk.cells, walk.decisions["linear_programs"]
    assert counts[False][0] == counts[True][0]
    assert counts[False][1] < 0.6 * counts[True][1]
