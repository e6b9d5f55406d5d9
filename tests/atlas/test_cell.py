"""Single cells against exact polyhedra: facets, neighbours, vertices, volumes, maps, balls."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.atlas import CellSpace, cell_at, cell_of_row, cell_of_signs
from nnce_cli.base.errors import InputError
from nnce_cli.domain import Box, Polyhedron
from nnce_cli.exact import evaluate
from tests.atlas.cells import codes_of, table_of
from tests.cases import cube
from tests.enumeration.test_polyhedra import is_flat, polyhedra
from tests.enumeration.test_unit_kinds import layers
from tests.oracles.units import cell_polyhedra, stack_of
from tests.strategies import boxes, examples, stack_from
from tests.unit_stacks import zoo

MOST_CELLS = 8  # of an example that are looked at


def all_cells(reader, stack, domain):
    space = CellSpace(stack, domain)
    return [cell_of_row(space, reader, row) for row in range(reader.rows)]


def exact_generators(polyhedron):
    """The vertices and rays (up to a factor) of an exact polyhedron."""
    points, rays = [], []
    for generator in polyhedron.minimized_generators():
        x = [Fraction(int(c)) for c in generator.coefficients()]
        if generator.is_point():
            points.append([c / int(generator.divisor()) for c in x])
        elif generator.is_ray():
            rays.append(ray_of(x))
        else:
            return None  # a line: no vertices
    return sorted(points), sorted(rays)


def ray_of(x):
    size = max(map(abs, x))
    return [c / size for c in x]


def fractions(point):
    return [Fraction(int(c.p), int(c.q)) for c in point]


@examples(8)
@given(st.data())
def test_cells_are_exact_polyhedra(tmp_path_factory, data):
    n, drawn = data.draw(layers())
    domain = data.draw(st.one_of(boxes(n, fixed=True), polyhedra(n)))
    if is_flat(domain):
        return
    stack = stack_of(drawn)
    expected = cell_polyhedra(drawn, domain)
    path = tmp_path_factory.mktemp("cells") / "cells.parquet"
    with table_of(path, stack, domain) as reader:
        assert reader.rows == len(expected)
        step = max(1, reader.rows // MOST_CELLS)
        for cell in all_cells(reader, stack, domain)[::step]:
            check(cell, expected[codes_of(stack, cell.joined)])


def check(cell, polyhedron):
    assert cell.is_bounded == polyhedron.is_bounded()
    walls = [c for c in polyhedron.minimized_constraints() if c.is_inequality()]
    assert len(cell.facets) == len(walls)
    for facet in cell.facets:
        on = [k for k, h in enumerate(cell.halfspaces) if evaluate(h.form, facet.point) == 0]
        assert tuple(on) == facet.halfspaces
        assert all(evaluate(h.form, facet.point) >= 0 for h in cell.halfspaces)
    generators = exact_generators(polyhedron)
    if generators is None:
        assert cell.corners.vertices == []
    else:
        space = cell.space
        found = sorted(fractions(space.full_point(v)) for v in cell.corners.vertices)
        rays = sorted(ray_of(fractions(space.full_direction(r))) for r in cell.corners.rays)
        assert (found, rays) == generators
    ball = cell.ball
    assert all(evaluate(h.form, ball.centre) > 0 for h in cell.halfspaces)
    assert 0 < ball.low <= ball.high
    assert math.isinf(ball.low) or not math.isinf(ball.high)
    if not math.isinf(ball.low):
        assert ball.high <= ball.low * (1 + 1e-9)


@examples(8)
@given(st.data())
def test_volumes_add_up_and_neighbours_are_mutual(tmp_path_factory, data):
    n, drawn = data.draw(layers())
    domain = data.draw(boxes(n, fixed=True))
    stack = stack_of(drawn)
    path = tmp_path_factory.mktemp("cells") / "cells.parquet"
    with table_of(path, stack, domain) as reader:
        if reader.rows > 150:
            return
        cells = all_cells(reader, stack, domain)
        widths = [
            Fraction(b) - Fraction(a) for a, b in zip(domain.lower, domain.upper, strict=True)
        ]
        total = sum(fractions([cell.volume])[0] for cell in cells)
        assert total == math.prod(w for w in widths if w)
        edges = {}
        for cell in cells:
            rows = [n.row for n in cell.neighbours if n.joined is not None]
            assert -1 not in rows  # beyond each facet inside of the domain is a listed cell
            assert cell.row not in rows
            edges[cell.row] = sorted(rows)
        assert all(edges[b].count(a) == edges[a].count(b) for a in edges for b in edges[a])


@pytest.mark.parametrize("name", zoo())
def test_the_map_agrees_across_facets(tmp_path, name):
    """And with the network: the outputs are continuous."""
    stack, domain = zoo()[name], cube(2, -1, 1)
    with table_of(tmp_path / "cells.parquet", stack, domain) as reader:
        cells = all_cells(reader, stack, domain)
        for cell in cells[:: max(1, len(cells) // 20)]:
            centre = np.array([[float(x) for x in fractions(cell.ball.centre)]])
            assert np.allclose(cell.A @ centre[0] + cell.b, stack.forward(centre)[0])
            for z, layer in zip(stack.preactivations(centre), cell.layers, strict=True):
                assert np.allclose(layer.A @ centre[0] + layer.b, z[0])
            for facet, neighbour in zip(cell.facets, cell.neighbours, strict=True):
                if neighbour.joined is not None:
                    here = [evaluate(form, facet.point) for form in cell.outputs.forms]
                    there = cells[neighbour.row].outputs.forms
                    assert here == [evaluate(form, facet.point) for form in there]


def test_several_units_share_a_hyperplane(tmp_path):
    """The neighbour beyond is one cell, in which all of them are flipped."""
    rows = [[1, 0, 0], [2, 0, 0], [-3, 0, 0], [0, 1, 0]]
    stack = stack_from([[[Fraction(x) for x in row] for row in rows]])
    domain = cube(2, -1, 1)
    with table_of(tmp_path / "cells.parquet", stack, domain) as reader:
        space = CellSpace(stack, domain)
        cell = cell_of_signs(space, reader, "1101")
        [wall] = [f for f in cell.facets if len(f.halfspaces) == 3]
        assert cell.neighbours[cell.facets.index(wall)].signs == ("0011",)
        assert cell.volume == 1
        assert cell.diameter == math.sqrt(2)


def test_a_thin_cell_has_a_ball(tmp_path):
    """It is thinner than the grid of float64: the centre is a rational point inside."""
    thin = Fraction(1, 2**80)
    stack = stack_from([[[Fraction(1), Fraction(1)], [Fraction(1), 1 + thin]]])
    domain = cube(1, -2, 2)
    with table_of(tmp_path / "cells.parquet", stack, domain) as reader:
        cell = cell_of_signs(CellSpace(stack, domain), reader, "01")
        assert -1 - thin < fractions(cell.ball.centre)[0] < -1
        assert cell.volume == fmpq(1, 2**80)
        assert cell.ball.low <= float(thin / 2) <= cell.ball.high


def test_cells_of_all_of_space(tmp_path):
    stack = stack_from([[[Fraction(1), Fraction(0), Fraction(0)]]])
    domain = Polyhedron.space(2)
    with table_of(tmp_path / "cells.parquet", stack, domain) as reader:
        cell = cell_of_row(CellSpace(stack, domain), reader, 1)
        assert not cell.is_bounded
        assert cell.ball.low == cell.ball.high == math.inf
        assert (cell.volume, cell.diameter) == (None, math.inf)
        assert cell.corners.vertices == []  # a line runs through it
        assert [n.row for n in cell.neighbours] == [0]


def test_wrong_questions_are_refused(tmp_path):
    stack = stack_from([[[Fraction(1), Fraction(0)]]])
    domain = Box(np.array([-1.0]), np.array([1.0]))
    with table_of(tmp_path / "cells.parquet", stack, domain) as reader:
        space = CellSpace(stack, domain)
        assert cell_at(space, reader, np.array([0.5])).row == 1
        for point, words in ((2.0, "outside"), (0.0, "border between 2 cells, rows 0, 1")):
            with pytest.raises(InputError, match=words):
                cell_at(space, reader, np.array([point]))
        for signs in ("", "2", "11", "1 1", "1/2", "x"):
            with pytest.raises(InputError, match="signs"):
                cell_of_signs(space, reader, signs)
