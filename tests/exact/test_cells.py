"""Decisions about cells, points inside them and rounded dictionaries, against exact polyhedra."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st
from ppl import C_Polyhedron

from nnce_cli.exact import (
    CellPath,
    Cuts,
    Guess,
    Negative,
    NetworkOnBox,
    Positive,
    Pullback,
    Zero,
    cell_point,
    decide_neuron,
    evaluate,
    exact_rank,
    has_interior,
    is_witness,
    nearest_float,
    rationals,
    rounded,
    signs_at,
)
from nnce_cli.network import Units
from nnce_cli.network import rationals as array_of_rationals
from tests.cases import cube
from tests.oracles.naive import stack_of
from tests.oracles.ppl import box_constraints, expression
from tests.strategies import boxes, examples, networks, stack_from


def path_to(pullback, box, neuron, point) -> CellPath:
    """Return the path of a point to the layer of a neuron: all neurons before are split on.

    The basis is a corner of the box, which may well be outside the cell.
    """
    d, n = len(box.lower), pullback.offset[-1]
    signs = np.array([s for layer in signs_at(pullback, point) for s in layer])
    first = max(start for start in pullback.offset if start <= neuron)
    is_zero = np.zeros(n, dtype=bool)
    path = CellPath(
        np.where(signs > 0, 1, -1),
        is_zero,
        np.zeros(0, dtype=int),
        np.full(n, 0.25),
        np.arange(d),
        np.zeros(d, dtype=bool),
    )
    network = NetworkOnBox(pullback, box)
    is_zero[:] = [not any(network.form(j, path)) for j in range(n)]
    splits = np.flatnonzero(~is_zero[:first])
    return CellPath(path.signs, is_zero, splits, path.scale, path.columns, path.at_upper)


def polyhedron(polytope, box) -> C_Polyhedron:
    cell = C_Polyhedron(box_constraints(box.lower.tolist(), box.upper.tolist()))
    for constant, *slopes in polytope.slacks.values():
        cell.add_constraint(expression([*slopes, constant]) >= 0)
    return cell


def ends(cell, form) -> tuple[fmpq, fmpq]:
    """Return the least and the largest value of an affine function on a polyhedron."""
    low = cell.minimize(expression([*form[1:], form[0]]))
    high = cell.maximize(expression([*form[1:], form[0]]))
    return (
        fmpq(int(low["inf_n"]), int(low["inf_d"])),
        fmpq(int(high["sup_n"]), int(high["sup_d"])),
    )


@st.composite
def cells(draw):
    """Return a network on a box, the path of one of its points, and a neuron after the path."""
    stack = stack_from(draw(networks([(1, 3, 3), (2, 3, 3), (2, 4), (3, 3, 3), (2, 2, 2, 3)])))
    box = draw(boxes(stack.n_inputs))
    pullback = Pullback(stack)
    neuron = draw(st.integers(0, pullback.offset[-1] - 1))
    shares = [fmpq(draw(st.integers(1, 7)), 8) for _ in range(stack.n_inputs)]
    lower, upper = rationals(box.lower.tolist()), rationals(box.upper.tolist())
    point = [a + t * (b - a) for a, b, t in zip(lower, upper, shares, strict=True)]
    return NetworkOnBox(pullback, box), box, path_to(pullback, box, neuron, point), neuron


@examples(200)
@given(cells())
def test_decisions_are_those_of_exact_polyhedra(drawn):
    network, box, path, neuron = drawn
    decision = decide_neuron(network, path, neuron)
    form = network.form(neuron, path)
    if not any(form):
        assert isinstance(decision, Zero)
        return
    cell = polyhedron(network.cell(path), box)
    low, high = ends(cell, form)
    if low >= 0:
        assert isinstance(decision, Positive)
    elif high <= 0:
        assert isinstance(decision, Negative)
    else:
        assert isinstance(decision, Cuts)
        assert evaluate(form, decision.high.vertex()) > 0 > evaluate(form, decision.low.vertex())
        return
    assert len(decision.basis.slacks) == len(decision.basis.inputs)
    assert set(decision.basis.slacks) <= set(path.splits.tolist())


@examples(200)
@given(cells())
def test_points_are_inside_where_there_is_an_inside(drawn):
    network, box, path, _ = drawn
    cell = network.cell(path)
    found = cell_point(network, path)
    slacks = [list(form) for form in cell.slacks.values()]
    thin = any(ends(polyhedron(cell, box), form)[1] <= 0 for form in slacks)
    assert (found is None) == thin
    assert has_interior(network, path) != thin
    m, n = len(network.lower), len(slacks)
    centre = [0.5 * (a + b) for a, b in zip(box.lower.tolist(), box.upper.tolist(), strict=True)]
    guess = Guess(centre, [1.0] * n, list(range(m + 1, m + 1 + n)), [False] * m)
    assert has_interior(network, path, guess) != thin
    if found is not None:
        point = rationals(found.point) if found.exact is None else found.exact
        assert all(evaluate(form, point) > 0 for form in slacks)


@examples(100)
@given(cells())
def test_rounded_dictionaries_have_the_values_at_their_vertex(drawn):
    """Small integers: nothing is rounded, so constants are the values at the vertex."""
    network, _, path, neuron = drawn
    decision = decide_neuron(network, path, neuron)
    if not isinstance(decision, Cuts):
        return
    found = rounded(decision.high, [network.scaled(neuron, 1, path)])
    vertex, d = decision.high.vertex(), len(network.lower)
    assert found.value.shape == (1 + len(found.row_variable), 1 + d)
    value = 0.25 * nearest_float(evaluate(network.form(neuron, path), vertex))
    assert found.value[0, 0] == pytest.approx(value)
    for variable, row, cap in zip(found.row_variable, found.value[1:], found.row_cap, strict=True):
        assert -1e-12 <= row[0] <= cap
        assert (cap == np.inf) == (variable >= d)
    assert sorted([*found.columns, *found.row_variable]) == sorted([*range(d), *(d + path.splits)])


def test_an_empty_cell_has_no_sign_and_no_point():
    """Where x > 1/2 and x < -1/2: rounding may let such a node in."""
    stack = stack_of(([[2.0], [-2.0]], [-1.0, -1.0]), ([[1.0, 1.0]], [1.0]))
    network = NetworkOnBox(Pullback(stack), cube(1, -1, 1))
    path = CellPath(
        np.array([1, 1, 1]), np.zeros(3, bool), np.array([0, 1]), np.ones(3),
        np.array([0]), np.array([False]),
    )  # fmt: skip
    assert decide_neuron(network, path, 2) is None
    assert cell_point(network, path) is None
    assert not has_interior(network, path)


def test_a_cell_thinner_than_the_floats_has_a_rational_point():
    """Nothing in float64 lies between 1/3 and (1 + 2^-80) / 3."""
    stack = stack_of(([[3.0, 0.0], [-3.0, 2.0**-80]], [-1.0, 1.0]))
    network = NetworkOnBox(Pullback(stack), cube(2, -1, 1))
    path = CellPath(
        np.array([1, 1]), np.zeros(2, bool), np.array([0, 1]), np.ones(2),
        np.arange(2), np.zeros(2, bool),
    )  # fmt: skip
    found = cell_point(network, path)
    assert found is not None
    assert found.exact is not None
    assert fmpq(1, 3) < found.exact[0] < fmpq(1, 3) * (1 + fmpq(1, 2**80))
    assert not is_witness(network, path, found.point)
    assert not is_witness(network, path, [float("inf"), 0.0])


# Units with slopes on their inactive side.

SLOPES = [0.0, 0.1, -1.0, -0.5]


@examples(100)
@given(data=st.data())
def test_units_of_all_slopes_against_a_forward_pass(data):
    """Leaky ReLUs, absolute values and pass-throughs: forms on a cell give the values at a point.

    Pass-throughs have no bit, and are the last units of their layer.
    """
    stack = stack_from(data.draw(networks([(2, 4, 3), (3, 3, 4, 2), (1, 4, 4)])))
    slopes, all_units = [], []
    for layer in stack.hidden:
        passing = data.draw(st.integers(0, layer.n_out - 1))
        units = [data.draw(st.sampled_from(SLOPES)) for _ in range(layer.n_out - passing)]
        slopes.append([*array_of_rationals(np.array(units)), *([fmpq(1)] * passing)])
        all_units.append(Units(np.array(units)))
    stack = replace(stack, units=tuple(all_units))
    point = [fmpq(data.draw(st.integers(-9, 9)), 7) for _ in range(stack.n_inputs)]
    pullback = Pullback(stack)
    signs = signs_at(pullback, point)
    active = [[s > 0 for s in layer] for layer in signs]
    assert pullback.layers([s for layer in signs for s in layer]) == active
    activation = point
    for k, (weight, bias) in enumerate(pullback.maps):
        z = [
            sum((w * a for w, a in zip(row, activation, strict=True)), bias[j, 0])
            for j, row in enumerate(weight.tolist())
        ]
        units = stack.units[k].rows
        assert signs[k] == [(x > 0) - (x < 0) for x in z[:units]]
        forms = pullback.preactivations(k, active).tolist()
        assert [evaluate(form, point) for form in forms] == z
        activation = [x if x > 0 else s * x for x, s in zip(z, slopes[k], strict=True)]
        kept, outputs = pullback.outputs(k, active)
        assert [evaluate(f, point) for f in outputs.tolist()] == [activation[j] for j in kept]
        assert exact_rank(pullback, k, active) <= min(len(kept), stack.n_inputs)


def test_the_rank_of_an_absolute_value_is_that_of_both_its_sides():
    stack = stack_of(([[1, 0], [0, 1]], [0, 0]))
    assert exact_rank(Pullback(stack), 0, [[False, True]]) == 1
    both = replace(stack, units=(Units(np.array([-1.0, -1.0])),))
    assert exact_rank(Pullback(both), 0, [[False, True]]) == 2
    one = replace(stack, units=(Units(np.array([-1.0])),))
    assert exact_rank(Pullback(one), 0, [[False]]) == 2
