"""Exact ranges of outputs are those of exact polyhedra."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.atlas import range_of
from nnce_cli.base.errors import InputError
from nnce_cli.domain import Polyhedron
from tests.atlas.test_check import SHAPES, is_inside, network, outputs_at, relu_chain
from tests.cases import cube
from tests.enumeration.test_polyhedra import polyhedra
from tests.enumeration.test_unit_kinds import layers
from tests.oracles import outputs as oracle
from tests.oracles.domains import exact_domain
from tests.strategies import boxes, examples


@st.composite
def functions(draw, domains):
    n, drawn = draw(layers(SHAPES))
    random = draw(st.randoms(use_true_random=True))
    c = [Fraction(random.choice([-2, -1, 0, 1, 1, 3])) for _ in range(drawn[-1].values)]
    return drawn, draw(domains(n)), c


def agrees_with_polyhedra(drawn, domain, c):
    stack, coefficients = network(drawn), {j: a for j, a in enumerate(c) if a}
    if exact_domain(domain).is_empty():
        with pytest.raises(InputError, match="empty"):
            range_of(stack, domain, coefficients)
        return
    found = range_of(stack, domain, coefficients)
    assert found.complete
    for extreme, sign in ((found.minimum, 1), (found.maximum, -1)):
        true = oracle.least(drawn, domain, [sign * a for a in c])
        assert (extreme is None) == (true is None)
        if extreme is None:
            continue
        assert extreme.value == sign * Fraction(int(true.p), int(true.q))
        inside = Polyhedron(domain.lower, domain.upper, domain.halfspaces)
        assert is_inside(inside, extreme.point)
        assert extreme.outputs == tuple(outputs_at(drawn, list(extreme.point)))
        assert extreme.value == sum(a * y for a, y in zip(c, extreme.outputs, strict=True))


@examples(15)
@given(functions(lambda n: boxes(n, fixed=True)))
def test_on_boxes(drawn):
    agrees_with_polyhedra(*drawn)


@examples(8)
@given(functions(polyhedra))
def test_on_polyhedra_bounded_or_not_or_empty(drawn):
    agrees_with_polyhedra(*drawn)


def test_what_is_attained_between_cells():
    """|x| is least at 0, where no cell has an interior, and not bounded on a line."""
    found = range_of(network(relu_chain()), cube(1, -1, 3), {0: Fraction(1)})
    assert (found.minimum.value, found.minimum.point) == (0, (0,))
    assert (found.maximum.value, found.maximum.point) == (3, (3,))
    found = range_of(network(relu_chain()), Polyhedron.space(1), {0: Fraction(1)})
    assert (found.minimum.value, found.maximum) == (0, None)


def test_an_output_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="output 1"):
        range_of(network(relu_chain()), cube(1, -1, 1), {1: Fraction(1)})


def test_an_empty_domain_is_told():
    empty = Polyhedron(np.array([-1.0]), np.array([1.0]), np.array([[1.0, -2.0]]))
    with pytest.raises(InputError, match="the domain is empty"):
        range_of(network(relu_chain()), empty, {0: Fraction(1)})


def test_a_search_that_is_stopped_says_so():
    seen = []

    def stop():
        seen.append(None)
        return len(seen) > 2

    found = range_of(network(relu_chain()), cube(1, -1, 1), {0: Fraction(1)}, stop=stop)
    assert not found.complete
