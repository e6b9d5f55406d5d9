"""Points inside polytopes of many inputs and few slacks, against the dense rational dictionary."""

from __future__ import annotations

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.exact import Guess, deepest
from nnce_cli.exact.deepest import deepest_point
from nnce_cli.exact.dictionary import Polytope, evaluate, feasible_dictionary, interior_point
from tests.strategies import examples


def has_interior(polytope: Polytope) -> bool:
    """Tell it by one dense dictionary that climbs from facet to facet."""
    d = polytope.dimension
    dictionary = feasible_dictionary(polytope, list(range(d)), [False] * d)
    return dictionary is not None and interior_point(dictionary) is not None


def assert_inside(polytope: Polytope, point: list[fmpq]) -> None:
    assert all(evaluate(form, point) > 0 for form in polytope.forms())


@st.composite
def polytopes(draw):
    """A box with slacks of small integers: ties, parallel and opposite facets, constant slacks."""
    d, n = draw(st.integers(1, 6)), draw(st.integers(0, 7))
    entry = st.integers(-2, 2)
    slacks: list[list[int]] = []
    for _ in range(n):
        if slacks and draw(st.integers(0, 4)) == 0:  # the other side of an earlier one
            slacks.append([-x for x in draw(st.sampled_from(slacks))])
        else:
            slacks.append([draw(st.integers(-4, 4)), *(draw(entry) for _ in range(d))])
    lower = [draw(st.integers(-2, 0)) for _ in range(d)]
    upper = [draw(st.integers(1, 2)) for _ in range(d)]
    forms = {d + k: [fmpq(x) for x in form] for k, form in enumerate(slacks)}
    return Polytope([fmpq(x) for x in lower], [fmpq(x) for x in upper], forms)


@pytest.mark.parametrize("bold", [deepest.BOLD, 1, 0])  # pivots before Bland's rule
@examples(150)
@given(data=st.data())
def test_a_point_is_found_where_there_is_one_from_any_guess(bold, data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deepest, "BOLD", bold)
        assert_solved_from_any_guess(data)


def assert_solved_from_any_guess(data):
    polytope = data.draw(polytopes())
    d, n = polytope.dimension, len(polytope.slacks)
    guess = Guess(
        point=[data.draw(st.sampled_from([-1.0, 0.0, 0.5])) for _ in range(d)],
        weight=[data.draw(st.sampled_from([0.5, 1.0, 3.0])) for _ in range(n)],
        basic=data.draw(st.permutations(range(d + 1 + n)))[:n],  # of bases, many are singular
        at_upper=[data.draw(st.booleans()) for _ in range(d)],
    )
    point = deepest_point(polytope, guess)
    assert (point is not None) == has_interior(polytope)
    if point is not None:
        assert_inside(polytope, point)


@pytest.mark.parametrize(("gap", "inside"), [(0, False), (2**-200, True), (-(2.0**-200), False)])
def test_a_sliver_of_many_inputs(gap, inside):
    """The sum of 300 inputs in [-1, 1] exceeds 300 - gap, from the worst of bases."""
    m = 300
    form = [fmpq(*float(gap).as_integer_ratio()) - m, *([fmpq(1)] * m)]
    polytope = Polytope([fmpq(-1)] * m, [fmpq(1)] * m, {m: form})
    guess = Guess([0.0] * m, [float(m)], [m + 1], [False] * m)
    point = deepest_point(polytope, guess)
    assert (point is not None) == inside
    if point is not None:
        assert_inside(polytope, point)


def test_the_optimal_basis_needs_no_pivot(monkeypatch):
    """Two facets meet at x = 0 with the depth 1/2; the basis of the optimum is recognised."""
    forms = {1: [fmpq(1), fmpq(2)], 2: [fmpq(1), fmpq(-2)]}
    polytope = Polytope([fmpq(-1)], [fmpq(1)], forms)
    monkeypatch.setattr("nnce_cli.exact.deepest._Program._mending", None)
    point = deepest_point(polytope, Guess([1.0], [2.0, 2.0], [0, 1], [False]))
    assert point is not None
    assert_inside(polytope, point)
    assert np.array_equal(point, [fmpq(0)])
