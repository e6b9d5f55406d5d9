"""The bounds that settle far neurons: true, and tight enough to be of use."""

from __future__ import annotations

import numpy as np
import pytest
from flint import fmpq

from nnce_cli.enumeration import SubtreeWalk
from nnce_cli.enumeration.problem import Problem, new_workspace
from nnce_cli.exact.dictionary import Dictionary, evaluate, feasible_dictionary
from nnce_cli.kernels import arrays as k
from nnce_cli.kernels.layers import add_rows, pull_back, rebuild
from nnce_cli.kernels.screen import ceiling_in_box, find_ceilings, screen
from nnce_cli.network import AffineMap, LayerStack
from tests.cases import cube
from tests.test_dictionary import cell_of_a_point
from tests.test_subtree import random_stack


def feasible_cell(d, n, seed):
    """Return `cell_of_a_point` at a vertex of the cell, as a walk would be, with ranges set."""
    net, ws, polytope = cell_of_a_point(d, n, seed)
    dictionary = exact_vertex(polytope, d)
    ws.column_variable[0] = dictionary.columns
    ws.at_upper[0] = dictionary.at_upper
    rebuild(net, ws, 0)
    ws.reach[:d] = net.span
    for neuron in range(n):
        ws.reach[d + neuron] = ws.most[neuron] if ws.sign[neuron] > 0 else -ws.least[neuron]
    return net, ws, polytope


def exact_vertex(polytope, d):
    return feasible_dictionary(polytope, list(range(d)), [False] * d)


def displacement(polytope, net, variable, at_upper):
    """Return a column's displacement as an exact affine function of the input."""
    d = len(polytope.lower)
    if variable >= d:
        return polytope.slacks[variable]
    form = [fmpq(0)] * (d + 1)
    form[0] = polytope.upper[variable] if at_upper else -polytope.lower[variable]
    form[1 + variable] = fmpq(-1) if at_upper else fmpq(1)
    return form


def maximum(polytope, d, form):
    """Return the exact maximum of an affine function over a polytope."""
    start = exact_vertex(polytope, d)
    dictionary = Dictionary(polytope, start.columns, start.at_upper)
    dictionary.set_objective(form)
    return dictionary.maximise(lambda _: False)


@pytest.mark.parametrize("seed", range(16))
def test_ceilings_are_above_the_exact_maxima(seed):
    d, n = 1 + seed % 6, 4 + seed
    net, ws, polytope = feasible_cell(d, n, seed)
    find_ceilings(net, ws, 0)
    for c in range(d):
        variable, at_upper = int(ws.column_variable[0, c]), bool(ws.at_upper[0, c])
        most = maximum(polytope, d, displacement(polytope, net, variable, at_upper))
        assert most <= fmpq(*float(ws.ceiling[c]).as_integer_ratio())
        assert ws.ceiling[c] <= ceiling_in_box(net, ws, variable)


def test_ceilings_come_down_in_small_cells():
    shares = []
    for seed in range(8):
        net, ws, _ = feasible_cell(4, 30, seed)
        find_ceilings(net, ws, 0)
        box = [ceiling_in_box(net, ws, int(v)) for v in ws.column_variable[0]]
        shares += (ws.ceiling / box).tolist()
    assert np.quantile(shares, 0.3) < 0.5


def two_layers(second):
    """Return (net, workspace): 2 inputs, the cell where x, y > 0, and the layer ``second``."""
    first = AffineMap(np.eye(2), np.zeros(2))
    rows = np.array(second, dtype=float)
    stack = LayerStack((first, AffineMap(rows[:, :2], rows[:, 2])), None, (1, 2), "")
    net = Problem.of(stack, cube(2, -1, 1)).net
    ws = new_workspace(net, rows=False)
    pull_back(net, ws, 0)
    ws.sign[:2] = 1
    ws.split_neuron[:2] = [0, 1]
    ws.splits[0] = 2
    ws.reach[:] = [2, 2, 1, 1, *np.zeros(len(rows))]
    ws.column_variable[0] = [2, 3]
    ws.rows[0] = 0
    rebuild(net, ws, 0)
    pull_back(net, ws, 1)
    add_rows(net, ws, 0, 1)
    return net, ws


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
    net, ws = two_layers(second)
    screen(net, ws, 0, 1)
    answers = ws.answer[: len(second)][::-1].tolist()  # rows are in descending order
    unknown, positive, negative = k.NO_ANSWER, k.POSITIVE, k.NEGATIVE
    assert answers == [
        unknown, positive, unknown, unknown, positive, unknown, negative, unknown, negative,
        positive,
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(10))
def test_settled_neurons_are_on_that_side_exactly(seed):
    """Against exact linear programs over the cell, for a second layer of float weights."""
    d, n, m = 2 + seed % 4, 12, 24
    random = np.random.default_rng(seed)
    first = AffineMap(random.normal(size=(n, d)), random.normal(size=n) / 2)
    second = AffineMap(random.normal(size=(m, n)), random.normal(size=m))
    stack = LayerStack((first, second), None, (1, d), "")
    walk = SubtreeWalk(Problem.of(stack, cube(d, -1, 1)), rows=False)
    ws, net = walk._ws, walk._net
    checked = 0
    while not walk.done and checked < 60:
        for _ in walk.batches(1):
            pass
        t = int(ws.control[k.TOP])
        if t < 0 or ws.layer[t] != 1 or ws.free[t] == 0:
            continue
        polytope = walk._door._polytope(t, walk._door.pullback, net)
        for r in range(m):
            neuron = n + m - 1 - r
            side = {k.POSITIVE: -1, k.NEGATIVE: 1}.get(int(ws.answer[r]))
            if side is not None:
                form = [side * x for x in walk._door._form(neuron, walk._door.pullback)]
                assert maximum(polytope, d, form) < 0
                assert evaluate(form, exact_vertex(polytope, d).vertex()) < 0
                checked += 1
    assert checked >= 10


def test_wide_and_deep_networks_need_few_linear_programs():
    stack = random_stack((3, 24, 24, 24), seed=5)
    counts = {}
    for log in (False, True):  # with a proof to write there is no screen
        walk = SubtreeWalk(Problem.of(stack, cube(3, -1, 1)), rows=False, log=log)
        for _ in walk.batches():
            pass
        counts[log] = walk.cells, walk.decisions["linear_programs"]
    assert counts[False][0] == counts[True][0]
    assert counts[False][1] < 0.6 * counts[True][1]
