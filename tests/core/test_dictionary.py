"""The float dictionary against the rational one: the same basis gives the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
from flint import fmpq

from nnce_cli.enumeration.problem import Problem, new_workspace
from nnce_cli.exact.dictionary import Dictionary, Polytope, feasible_dictionary
from nnce_cli.exact.rounding import nearest_float
from nnce_cli.kernels.dictionary import OPTIMAL, descend, flip, leaving_row, pivot
from nnce_cli.kernels.layers import add_rows, pull_back, rebuild
from nnce_cli.network import AffineMap, LayerStack
from tests.cases import cube


def cell_of_a_point(d, n, seed):
    """Return (net, workspace, polytope): the cell of a random point among n random hyperplanes.

    Frame 0 is at the corner of the box [-1, 2]^d that `rebuild` starts from.
    """
    random = np.random.default_rng(seed)
    stack = LayerStack(
        (AffineMap(random.normal(size=(n, d)), random.normal(size=n) / 2),), None, (1, d), ""
    )
    net = Problem.of(stack, cube(d, -1, 2)).net
    ws = new_workspace(net, rows=False)
    pull_back(net, ws, 0)
    ws.sign[:] = np.sign(stack.preactivations(random.uniform(-1, 2, (1, d)))[0][0])
    ws.split_neuron[:] = np.arange(n)
    ws.splits[0] = n
    ws.column_variable[0] = np.arange(d)
    rebuild(net, ws, 0)
    factors = [
        int(s) * fmpq(*x.as_integer_ratio())
        for s, x in zip(ws.sign, ws.scale.tolist(), strict=True)
    ]
    weight, bias = stack.hidden[0].rational
    slacks = {
        d + k: [factors[k] * x for x in (bias[k, 0], *(weight[k, i] for i in range(d)))]
        for k in range(n)
    }
    return net, ws, Polytope([fmpq(-1)] * d, [fmpq(2)] * d, slacks)


def assert_same(ws, polytope):
    """Compare frame 0 with the exact dictionary of its basis, row by row."""
    basis = ws.column_variable[0].tolist(), (ws.at_upper[0] == 1).tolist()
    exact = Dictionary(polytope, *basis)
    first = ws.free[0]
    assert sorted(ws.row_variable[0, first : ws.rows[0]].tolist()) == exact.rows
    for r in range(first, ws.rows[0]):
        row = exact.rows.index(ws.row_variable[0, r])
        expected = [nearest_float(exact.table[row, c]) for c in range(exact.table.ncols())]
        assert ws.value[0, :, r] == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_pivots_and_flips_keep_to_the_exact_dictionary(seed):
    d, n = 1 + seed % 5, 3 + seed
    net, ws, polytope = cell_of_a_point(d, n, seed)
    assert_same(ws, polytope)
    random = np.random.default_rng(seed)
    for _ in range(12):
        q = int(random.integers(d))
        if ws.column_variable[0, q] < d and random.random() < 0.3:
            flip(net, ws, 0, q)
        else:
            # Feasible or not, a variable may leave at a bound that it has: a slack at 0 only.
            entries = ws.value[0, 1 + q, : ws.rows[0]]
            may_leave = (entries < 0) | np.isfinite(ws.row_cap[0, : ws.rows[0]])
            size = np.where(may_leave, np.abs(entries), 0.0)
            if size.max() > 0.1:
                pivot(net, ws, 0, int(size.argmax()), q)
        assert_same(ws, polytope)
    rebuild(net, ws, 0)
    assert_same(ws, polytope)


@pytest.mark.parametrize("seed", range(12))
def test_the_blocking_row_is_the_exact_one(seed):
    d, n = 2 + seed % 4, 4 + seed
    net, ws, polytope = cell_of_a_point(d, n, seed + 100)
    start = feasible_dictionary(polytope, list(range(d)), [False] * d)
    assert start is not None
    ws.column_variable[0], ws.at_upper[0] = start.columns, start.at_upper
    rebuild(net, ws, 0)
    for q in range(d):
        row, step = leaving_row(net, ws, 0, q)
        columns, at_upper = ws.column_variable[0].tolist(), (ws.at_upper[0] == 1).tolist()
        exact = Dictionary(polytope, columns, at_upper)
        before = exact.vertex()
        exact.step(q)
        if row == -1:
            assert exact.at_upper[q] != at_upper[q]
        else:
            assert exact.columns[q] == ws.row_variable[0, row]
        moved = max(abs(a - b) for a, b in zip(exact.vertex(), before, strict=True))
        slopes = [abs(ws.value[0, 1 + q, r]) for r in range(ws.rows[0])
                  if ws.row_variable[0, r] < d]  # fmt: skip
        slopes.append(1.0 if columns[q] < d else 0.0)
        assert step * max(slopes) == pytest.approx(nearest_float(moved), rel=1e-9)


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize("seed", range(12))
def test_a_descent_ends_at_the_exact_minimum(seed, side):
    """A neuron of a second layer, over a cell of the first on which it keeps its sign."""
    d, n = 2 + seed % 4, 3 + seed % 6
    net, ws, polytope = cell_of_a_point(d, n, seed + 200)
    start = feasible_dictionary(polytope, list(range(d)), [False] * d)
    assert start is not None
    ws.column_variable[0], ws.at_upper[0] = start.columns, start.at_upper
    rebuild(net, ws, 0)
    # The objective is the first slack, lifted so that it stays positive: it stands for a neuron
    # that does not cut. Its side is turned for the other direction.
    add_rows(net, ws, 0, 0)
    row = n - 1
    ws.value[0, :, row] *= side * ws.sign[0]
    ws.value[0, 0, row] += side * 4.0
    ended = descend(net, ws, 0, row, side, False)
    assert ended == OPTIMAL
    start.set_objective([-x for x in polytope.slacks[d]])
    minimum = 4.0 - nearest_float(start.maximise(lambda b: False))
    # Within a bound that shows it positive the descent may stop early, never below the minimum.
    assert side * ws.value[0, 0, row] >= minimum - 1e-9
