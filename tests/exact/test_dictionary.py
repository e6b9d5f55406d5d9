"""The rational simplex against the Parma Polyhedra Library's, and its interior points."""

from __future__ import annotations

import numpy as np
import pytest
from flint import fmpq
from ppl import Linear_Expression, MIP_Problem, Variable

from nnce_cli.exact.dictionary import (
    Dictionary,
    Polytope,
    evaluate,
    feasible_dictionary,
    interior_point,
)
from nnce_cli.exact.rounding import centre, nearest_float


def random_polytope(d, n, seed, spread=2):
    """Return a box [-1, 1]^d with n halfspaces of small integer coefficients: full of ties."""
    random = np.random.default_rng(seed)
    table = random.integers(-spread, spread + 1, size=(n, d + 1))
    slacks = {d + k: [fmpq(int(x)) for x in row] for k, row in enumerate(table)}
    return Polytope([fmpq(-1)] * d, [fmpq(1)] * d, slacks)


def ppl_maximum(polytope, form):
    """Return the maximum of an affine form by PPL, None where the polytope is empty."""
    d = polytope.dimension
    program = MIP_Problem(d)
    for i in range(d):
        program.add_constraint(Variable(i) >= -1)
        program.add_constraint(Variable(i) <= 1)
    for slack in polytope.slacks.values():
        coefficients = [int(a.p) for a in slack]
        program.add_constraint(Linear_Expression(coefficients[1:], coefficients[0]) >= 0)
    if not program.is_satisfiable():
        return None
    program.set_objective_function(Linear_Expression([int(a.p) for a in form[1:]], int(form[0].p)))
    program.set_optimization_mode("maximization")
    value = program.optimal_value()
    return fmpq(int(value.numerator), int(value.denominator))


@pytest.mark.parametrize("seed", range(60))
def test_maximum_is_that_of_ppl(seed):
    d, n = 1 + seed % 4, seed % 9
    polytope = random_polytope(d, n, seed)
    form = random_polytope(d, 1, seed + 1000).slacks[d]
    start = feasible_dictionary(polytope, list(range(d)), [bool(seed & 1)] * d)
    expected = ppl_maximum(polytope, form)
    if expected is None:
        assert start is None
        return
    assert start is not None
    assert start.is_feasible()
    start.set_objective(form)
    assert start.maximise(lambda b: False) == expected
    assert evaluate(form, start.vertex()) == expected
    # The table after the pivots is the one that the basis gives directly.
    fresh = Dictionary(polytope, start.columns, start.at_upper)
    order = [fresh.rows.index(v) for v in start.rows]
    for r, k in enumerate(order):
        assert [start.table[r, c] for c in range(d + 1)] == [
            fresh.table[k, c] for c in range(d + 1)
        ]


@pytest.mark.parametrize("seed", range(60))
def test_interior_points_are_inside_and_flat_polytopes_have_none(seed):
    d, n = 1 + seed % 3, 2 + seed % 7
    polytope = random_polytope(d, n, seed + 2000)
    start = feasible_dictionary(polytope, list(range(d)), [False] * d)
    point = None if start is None else interior_point(start)
    if point is None:
        # Some constraint is tight on all of it: its largest value is not positive.
        most = [ppl_maximum(polytope, form) for form in polytope.slacks.values()]
        assert any(value is None or value <= 0 for value in most)
        return
    assert all(-1 < x < 1 for x in point)
    assert all(evaluate(form, point) > 0 for form in polytope.slacks.values())


def test_an_infeasible_or_singular_basis_is_replaced():
    slack = [fmpq(-1), fmpq(2), fmpq(0)]  # x >= 1/2, twice
    polytope = Polytope([fmpq(-1)] * 2, [fmpq(1)] * 2, {2: slack, 3: slack})
    singular = feasible_dictionary(polytope, [2, 3], [False, False])
    infeasible = feasible_dictionary(polytope, [0, 1], [False, False])
    assert singular is not None
    assert infeasible is not None
    assert singular.is_feasible()
    assert infeasible.is_feasible()


def test_the_centre_of_a_triangle():
    """On x + y <= 1 with x >= 0 and y >= 0 largest square has its corner on the long side."""
    forms = {
        2: [fmpq(0), fmpq(1), fmpq(0)],
        3: [fmpq(0), fmpq(0), fmpq(1)],
        4: [fmpq(1), fmpq(-1), fmpq(-1)],
    }
    triangle = Polytope([fmpq(-1)] * 2, [fmpq(1)] * 2, forms)
    assert centre(triangle) == [fmpq(1, 4), fmpq(1, 4)]


@pytest.mark.parametrize(
    ("gap", "holds_a_float"), [(fmpq(1, 2**50), True), (fmpq(1, 2**70), False)]
)
def test_the_centre_of_a_slab_rounds_into_it_if_anything_does(gap, holds_a_float):
    low = fmpq(1, 3)
    forms = {2: [-low, fmpq(1), fmpq(0)], 3: [low + gap, fmpq(-1), fmpq(0)]}
    x = centre(Polytope([fmpq(-1)] * 2, [fmpq(1)] * 2, forms))[0]
    assert low < x < low + gap
    rounded = fmpq(*nearest_float(x).as_integer_ratio())
    assert (low < rounded < low + gap) == holds_a_float
