"""Properties are decided as exact polyhedra decide them, thresholds that are attained included."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.atlas import check
from nnce_cli.base.errors import InputError
from nnce_cli.domain import Case, Inequality, Polyhedron, Property
from tests.cases import cube
from tests.enumeration.test_polyhedra import polyhedra
from tests.enumeration.test_unit_kinds import layers
from tests.oracles import outputs as oracle
from tests.oracles.units import DrawnLayer, stack_of
from tests.strategies import boxes, examples

SHAPES = [  # units with two pieces, clips, the arguments of each max, pass-throughs
    [(3, 0, (), 0), (0, 0, (), 2)],
    [(3, 0, (), 0), (3, 0, (), 0), (0, 0, (), 2)],
    [(2, 1, (), 1), (2, 0, (), 0), (0, 0, (), 3)],
    [(0, 1, (3,), 0), (2, 0, (), 0), (0, 0, (), 2)],
    [(1, 0, (3, 3), 0), (0, 0, (), 2)],
    [(0, 0, (4,), 1), (2, 1, (), 0), (0, 0, (), 1)],
    [(0, 0, (), 2)],
]
HALF = Fraction(1, 2)


@st.composite
def questions(draw, domains):
    """Draw layers, a domain and cases; constants are often such that a value is attained."""
    n, drawn = draw(layers(SHAPES))
    domain = draw(domains(n))
    m = drawn[-1].values
    random = draw(st.randoms(use_true_random=True))
    found = []
    for _ in range(draw(st.integers(1, 3))):
        inequalities = []
        for _ in range(random.randint(1, 2)):
            c = [Fraction(random.choice([-2, -1, 0, 1, 1])) for _ in range(m)]
            inputs = {
                i: Fraction(random.choice([-1, 1])) for i in range(n) if random.random() < 0.2
            }
            constant = Fraction(random.randint(-6, 6), random.choice([1, 2]))
            attained = oracle.least(drawn, domain, c) if not inputs else None
            if attained is not None and random.random() < 0.6:
                constant = -Fraction(int(attained.p), int(attained.q))
            outputs = {j: a for j, a in enumerate(c) if a}
            inequalities.append(Inequality(inputs, outputs, constant, random.random() < 0.4))
        found.append(Case(domain, tuple(inequalities)))
    return drawn, found


def network(drawn):
    """Return the stack of drawn layers, of which the last one is the output."""
    stack = stack_of(drawn)
    *hidden, output = stack.hidden
    assert stack.units[-1].rows == 0
    return replace(
        stack, hidden=tuple(hidden), units=stack.units[:-1], output=output, digest="ab" * 32
    )


def agrees_with_polyhedra(drawn, cases):
    stack = network(drawn)
    verdict = check(stack, Property(tuple(cases)))
    true = [oracle.occurs(drawn, case.domain, case.inequalities) for case in cases]
    assert verdict.holds == (not any(true))
    found = verdict.counterexample
    assert (found is None) == verdict.holds
    if found is not None:
        case = cases[found.case]
        point = Polyhedron(case.domain.lower, case.domain.upper, case.domain.halfspaces)
        assert is_inside(point, found.point)
        assert found.outputs == tuple(outputs_at(drawn, list(found.point)))
        assert all(holds(inequality, found) for inequality in case.inequalities)


def is_inside(domain, point):
    rows = [[Fraction(a) for a in row] for row in domain.halfspaces.tolist()]
    bounds = zip(domain.lower.tolist(), point, domain.upper.tolist(), strict=True)
    return all(low <= x <= high for low, x, high in bounds) and all(
        sum(a * x for a, x in zip(row, point, strict=False)) <= row[-1] for row in rows
    )


def holds(inequality, found):
    value = inequality.constant
    value += sum(a * found.point[i] for i, a in inequality.inputs.items())
    value += sum(a * found.outputs[j] for j, a in inequality.outputs.items())
    return value < 0 if inequality.is_strict else value <= 0


def outputs_at(drawn, values):
    """Evaluate layers by the definitions of their units."""
    for layer in drawn:

        def at(row, values=values):
            return sum((a * x for a, x in zip(row, values, strict=False)), row[-1])

        values = [
            *(at(row) if at(row) > 0 else slope * at(row) for row, slope in layer.plain),
            *(min(max(at(row), lo), hi) for row, lo, hi in layer.clips),
            *(max(map(at, rows)) for rows in layer.maxima),
            *map(at, layer.passed),
        ]
    return values


@examples(36)
@given(questions(lambda n: boxes(n, fixed=True)))
def test_on_boxes(drawn):
    agrees_with_polyhedra(*drawn)


@examples(15)
@given(questions(polyhedra))
def test_on_polyhedra_bounded_or_not_or_empty(drawn):
    agrees_with_polyhedra(*drawn)


@examples(24)
@given(questions(boxes))
def test_by_a_walk_through_the_cells(drawn):
    """As where looking at regions takes long, and nothing was found at random."""
    with (
        patch("nnce_cli.atlas.verdict.REGIONS", 0),
        patch("nnce_cli.atlas.search.Search.sample", lambda self: None),
    ):
        agrees_with_polyhedra(*drawn)


def test_a_walk_decides_what_regions_leave_open():
    """A threshold that is missed by less than the margin of the walk, and one that is attained."""
    with patch("nnce_cli.atlas.verdict.REGIONS", 0):
        for threshold, holds in ((Fraction(1, 2**30), True), (Fraction(0), False)):
            wanted = Inequality({}, {0: Fraction(1)}, threshold)
            verdict = check(network(relu_chain()), Property((Case(cube(1, -1, 1), (wanted,)),)))
            assert verdict.holds == holds
            assert verdict.regions == 0


def relu_chain():
    """Return layers of y = max(x, 0) + max(-x, 0), which is |x|."""
    one = Fraction(1)
    first = DrawnLayer([([one, Fraction(0)], Fraction(0)), ([-one, Fraction(0)], Fraction(0))])
    return [first, DrawnLayer([], passed=[[one, one, Fraction(0)]])]


@pytest.mark.parametrize(("is_strict", "holds"), [(False, False), (True, True)])
def test_a_threshold_that_is_attained_at_a_point_is_decided_by_its_inequality(is_strict, holds):
    """|x| is 0 at 0 alone, where no cell has an interior."""
    at_most_zero = Inequality({}, {0: Fraction(1)}, Fraction(0), is_strict)
    verdict = check(network(relu_chain()), Property((Case(cube(1, -1, 1), (at_most_zero,)),)))
    assert verdict.holds is holds
    if not holds:
        assert verdict.counterexample.point == (0,)


def test_a_threshold_between_two_floats_is_exact():
    """|x| <= 1/3 - 10^-30 outside of |x| < 1/3 never happens; a little more does."""
    third = Fraction(1, 3)
    outside = Inequality({0: Fraction(-1)}, {}, third)  # x >= 1/3
    for change, holds in ((-Fraction(1, 10**30), True), (Fraction(1, 10**30), False)):
        near = Inequality({}, {0: Fraction(1)}, -third - change)
        case = Case(cube(1, -1, 1), (outside, near))
        assert check(network(relu_chain()), Property((case,))).holds is holds


def test_a_property_without_cases_holds():
    assert check(network(relu_chain()), Property(())).holds is True


def test_a_search_that_is_stopped_decides_nothing():
    case = Case(cube(1, -1, 1), (Inequality({}, {0: Fraction(1)}, Fraction(0)),))
    verdict = check(network(relu_chain()), Property((case,)), stop=lambda: True)
    assert verdict.holds is None
    assert verdict.counterexample is None


@pytest.mark.parametrize(
    ("inequality", "message"),
    [
        (Inequality({}, {1: Fraction(1)}, Fraction(0)), "output 1"),
        (Inequality({3: Fraction(1)}, {}, Fraction(0)), "input 3"),
    ],
)
def test_what_is_not_of_the_network_is_refused(inequality, message):
    with pytest.raises(InputError, match=message):
        check(network(relu_chain()), Property((Case(cube(1, -1, 1), (inequality,)),)))
    with pytest.raises(InputError, match=message):
        check(network(relu_chain()), Property((Case(Polyhedron.space(1), (inequality,)),)))


def test_cases_of_one_domain_are_searched_together():
    domain = cube(1, -1, 1)
    never = Inequality({}, {0: Fraction(1)}, HALF)
    verdict = check(
        network(relu_chain()), Property((Case(domain, (never,)), Case(domain, (never,))))
    )
    assert [searched.cases for searched in verdict.searched] == [(0, 1)]
    assert verdict.regions == 1
