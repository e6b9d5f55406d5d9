"""How far cells and their borders are, against exact polyhedra and all their faces."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.atlas import CellSpace, cell_at, cell_of_row
from nnce_cli.atlas import distance as module
from nnce_cli.atlas.distance import nearest_hyperplane, nearest_point
from nnce_cli.base.errors import InputError
from nnce_cli.domain import Box
from nnce_cli.exact import evaluate, rationals
from tests.atlas.cells import codes_of, table_of
from tests.enumeration.test_unit_kinds import layers
from tests.oracles.nearest import squared_distance
from tests.oracles.units import cell_polyhedra, stack_of
from tests.strategies import boxes, examples, stack_from

eighths = st.integers(-24, 24).map(lambda k: k / 8)


def exact(x):
    return Fraction(int(x.p), int(x.q))


@examples(10)
@given(st.data())
def test_nearest_points_and_next_cells(tmp_path_factory, data):
    n, drawn = data.draw(layers(most_inputs=3))
    domain = data.draw(boxes(n))
    stack = stack_of(drawn)
    expected = cell_polyhedra(drawn, domain)
    path = tmp_path_factory.mktemp("cells") / "cells.parquet"
    with table_of(path, stack, domain) as reader:
        if reader.rows > 40:
            return
        space = CellSpace(stack, domain)
        cells = [cell_of_row(space, reader, row) for row in range(reader.rows)]
        polyhedra = [expected[codes_of(stack, cell.joined)] for cell in cells]
        point = [data.draw(eighths) for _ in range(n)]
        far = [Fraction(x) for x in point]
        for cell, polyhedron in list(zip(cells, polyhedra, strict=True))[:6]:
            found = cell.nearest(rationals(point))
            assert exact(found.squared) == squared_distance(polyhedron, far)
            assert all(evaluate(h.form, found.point) >= 0 for h in cell.halfspaces)
        cell = cells[data.draw(st.integers(0, len(cells) - 1))]
        inside = [exact(x) for x in cell.ball.centre]
        others = [squared_distance(p, inside) for c, p in zip(cells, polyhedra, strict=True)
                  if c is not cell]  # fmt: skip
        found = cell.next_cell(cell.ball.centre)
        assert (found is None) == (not others)
        if found is not None:
            facet, nearest = found
            assert exact(nearest.squared) == min(others)
            beyond = cells[cell.neighbours[facet].row]
            assert beyond.nearest(cell.ball.centre).squared == nearest.squared
        border = exact(cell.border(cell.ball.centre).squared)
        assert border <= min(others, default=math.inf)
        assert cell.ball.low <= math.sqrt(border) * (1 + 1e-9)


def test_a_square():
    square = [[fmpq(1), fmpq(s), fmpq(0)] for s in (1, -1)] + [
        [fmpq(1), fmpq(0), fmpq(s)] for s in (1, -1)
    ]
    for x, squared, on in [
        ((0, 0), 0, ()),
        ((1, 0), 0, ()),
        ((3, 0), 4, (1,)),
        ((-3, 2), 5, (0, 3)),
    ]:
        found = nearest_point(square, [fmpq(c) for c in x])
        assert (found.squared, found.halfspaces) == (squared, on)
    border = nearest_hyperplane(square, [fmpq(1, 2), fmpq(1, 2)])
    assert (border.squared, border.halfspaces) == (fmpq(1, 4), (1, 3))
    assert nearest_point([*square, [fmpq(-2), fmpq(1), fmpq(0)]], [fmpq(0)] * 2) is None


@pytest.mark.parametrize("proposal", [[], [0], [0, 1, 2, 3], [3, 0]])
def test_what_is_proposed_decides_nothing(proposal, monkeypatch):
    """The exact method finds the same where floating point is wrong, or proposes nothing."""
    random = np.random.default_rng(7)
    forms = [[fmpq(1), *map(fmpq, row)] for row in random.integers(-4, 5, (7, 3)).tolist()]
    x = [fmpq(5), fmpq(-3), fmpq(4)]
    right = nearest_point(forms, x)
    monkeypatch.setattr(module, "_proposal", lambda forms, x: proposal)
    found = nearest_point(forms, x)
    assert (found.point, found.squared) == (right.point, right.squared)


def test_a_fixed_input_counts_and_a_point_outside_is_refused(tmp_path):
    stack = stack_from([[[Fraction(1), Fraction(0), Fraction(0)]]])
    domain = Box(np.array([-1.0, 2.0]), np.array([1.0, 2.0]))
    with table_of(tmp_path / "cells.parquet", stack, domain) as reader:
        space = CellSpace(stack, domain)
        cell = cell_at(space, reader, np.array([0.5, 2.0]))
        assert cell.nearest(rationals([0.5, 5.0])).squared == 9
        assert cell.nearest(rationals([-1.0, 2.0])).squared == 1
        assert cell.next_cell(rationals([0.75, 2.0]))[1].squared == fmpq(9, 16)
        assert cell.border(rationals([0.75, 2.0])).squared == fmpq(1, 16)
        for point in ([0.5, 3.0], [-0.5, 2.0]):
            with pytest.raises(InputError, match="not in the cell"):
                cell.border(rationals(point))
