"""The polyhedral toolbox against exact polyhedra: slivers, repeated and redundant half-spaces."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st
from ppl import C_Polyhedron, Constraint_System

from nnce_cli.atlas import CellSpace, cell_of_row
from nnce_cli.atlas.corners import corners_of, volume_of
from nnce_cli.atlas.facets import facets
from nnce_cli.atlas.inscribed import largest_ball
from nnce_cli.exact import evaluate, is_pointed
from tests.atlas.cells import table_of
from tests.oracles.ppl import expression
from tests.strategies import boxes, examples, networks, stack_from


def drawn_forms(random, n):
    """Affine functions of n inputs that are positive at 0: small integers, many of them alike."""
    rows = []
    for _ in range(random.randint(1, 3 * n + 3)):
        row = [fmpq(random.randint(1, 4)), *(fmpq(random.randint(-2, 2)) for _ in range(n))]
        kind = random.random()
        if rows and kind < 0.4:
            factor = fmpq(random.randint(1, 3))
            row = [factor * x for x in random.choice(rows)]
            if kind < 0.25:
                k = random.randint(0, n)
                row[k] += fmpq(random.choice([-1, 1]), 2 ** random.choice([40, 60, 1100]))
        if any(row[1:]):
            rows.append(row)
    return rows or [[fmpq(1)] * (n + 1)]


def exact_polyhedron(forms, n):
    found = C_Polyhedron(n, "universe")
    system = Constraint_System()
    for form in forms:
        system.insert(expression([*form[1:], form[0]]) >= 0)
    found.add_constraints(system)
    return found


def no_program(*arguments, **options):
    return SimpleNamespace(status=4)


@pytest.mark.parametrize("floats", [True, False])
@examples(15)
@given(st.integers(1, 4), st.randoms(use_true_random=True))
def test_facets_are_those_of_exact_polyhedra(floats, n, random):
    """Without the linear programs in floating point, too, which only propose."""
    forms = drawn_forms(random, n)
    polyhedron = exact_polyhedron(forms, n)
    walls = polyhedron.minimized_constraints()
    with pytest.MonkeyPatch.context() as patch:
        if not floats:
            patch.setattr("scipy.optimize.linprog", no_program)
        found = facets(forms, [fmpq(0)] * n)
        is_bounded = is_pointed([form[1:] for form in forms], n)
        ball = largest_ball(forms, n, is_bounded=is_bounded)
    assert is_bounded == polyhedron.is_bounded()
    assert len(found) == len([w for w in walls if w.is_inequality()])
    for facet in found:
        values = [evaluate(form, facet.point) for form in forms]
        assert tuple(k for k, value in enumerate(values) if value == 0) == facet.halfspaces
        assert min(values) == 0
    assert all(evaluate(form, ball.centre) > 0 for form in forms)
    assert 0 < ball.low <= ball.high
    for form in forms:  # the ball around the centre does not reach a hyperplane
        square = sum((x * x for x in form[1:]), fmpq(0))
        if ball.low < 1e300:
            radius = fmpq(*ball.low.as_integer_ratio())
            assert radius**2 * square <= evaluate(form, ball.centre) ** 2


@examples(5)
@given(st.data())
def test_cells_of_networks_with_slivers_fill_the_box(tmp_path_factory, data):
    """Nearly equal neurons make cells as thin as 2^-60."""
    shapes = [(2, 3), (2, 3, 2), (3, 4), (1, 3, 3)]
    layers = data.draw(networks(shapes))
    stack = stack_from(layers)
    domain = data.draw(boxes(stack.n_inputs))
    path = tmp_path_factory.mktemp("cells") / "cells.parquet"
    with table_of(path, stack, domain) as reader:
        space = CellSpace(stack, domain)
        cells = [cell_of_row(space, reader, row) for row in range(min(reader.rows, 40))]
        whole = fmpq(int(np.prod(domain.upper - domain.lower)))
        total = sum((cell.volume for cell in cells), fmpq(0))
        assert total == whole or reader.rows > 40
        rows = [n.row for cell in cells for n in cell.neighbours if n.joined is not None]
        assert -1 not in rows


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
def test_known_volumes(n):
    """The cube, the cross-polytope, and the simplex."""
    one, zero = fmpq(1), fmpq(0)
    units = [[one if i == k else zero for k in range(n)] for i in range(n)]
    cube = [[one, *(s * x for x in unit)] for unit in units for s in (1, -1)]
    found = corners_of(cube, n)
    assert len(found.vertices) == 2**n
    assert volume_of(found) == 2**n
    simplex = [[zero, *unit] for unit in units] + [[one, *[-one] * n]]
    assert volume_of(corners_of(simplex, n)) == 1 / fmpq(int(np.prod(range(1, n + 1))))
    if n <= 4:
        signs = np.array(np.meshgrid(*[[1, -1]] * n)).reshape(n, -1).T.tolist()
        cross = [[one, *map(fmpq, row)] for row in signs]
        factorial = int(np.prod(range(1, n + 1)))
        assert volume_of(corners_of(cross, n)) == fmpq(2**n, factorial)
