"""Pictures of polyhedra: cells against exact clipping, and windows on what is unbounded."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("matplotlib")

from nnce_cli.base.bits import unpack_layers
from nnce_cli.base.errors import InputError
from nnce_cli.domain import Box, Domain, Polyhedron, make_domain
from nnce_cli.enumeration import Problem, batches, choose, walk_factory
from nnce_cli.network import LayerStack
from nnce_cli.plotting import Partition, Plane, draw_cells, our_style, partition, seen_words
from nnce_cli.plotting.classes import classes
from nnce_cli.plotting.map_data import map_data
from nnce_cli.plotting.plane import Part
from nnce_cli.table import Rows
from tests.cases import cube
from tests.oracles.naive import stack_of
from tests.oracles.plane_geometry import area, clip, lines_of, rectangle
from tests.strategies import boxes, examples, networks, stack_from

INF = np.inf
TRIANGLE = [[-1, 0, 1], [0, -1, 1], [1, 1, 1.5]]
WEDGE = [[-1, 0.5, 1], [0.25, -1, 1]]
SHAPES = [(1, 3), (1, 4, 3), (2, 3), (2, 5, 4), (2, 3, 2, 3)]


def rows_on(stack: LayerStack, domain: Domain) -> Rows:
    """All rows of the table of a network on a domain."""
    problem = Problem.of(stack, domain)
    found = list(batches(walk_factory(choose(problem)[0])(problem)))
    told = [batch.bounded for batch in found]
    return Rows(
        [np.concatenate(column) for column in zip(*(b.signs for b in found), strict=True)],
        np.concatenate([batch.active for batch in found]),
        np.concatenate([batch.ranks for batch in found]),
        bounded=None if told[0] is None else np.concatenate(told),
    )


def drawn(stack: LayerStack, domain: Domain) -> Partition:
    return partition(Plane.of(stack, domain), rows_on(stack, domain), complete=True)


def halfspaces(n: int) -> st.SearchStrategy:
    """Rows of small integers, all of which hold around the origin."""
    numbers = st.integers(-3, 3)
    row = st.tuples(*[numbers] * n, st.integers(1, 6)).filter(lambda row: any(row[:-1]))
    rows = st.lists(row, min_size=1, max_size=5)
    return rows.map(lambda rows: np.array(rows, dtype=np.float64))


def exact_areas(found: Partition, rows: np.ndarray) -> list[Fraction]:
    """The areas of all cells within the frame, by exact clipping."""
    plane, stack = found.plane, found.plane.stack
    frame = Box(plane.lower, plane.upper)
    bits = unpack_layers(found.rows.signs, stack.widths[1:])
    n = plane.dimension
    limits = [[*map(Fraction, row[:n].tolist()), *[Fraction(0)] * (2 - n), -Fraction(row[n])]
              for row in rows]  # fmt: skip
    areas = []
    for signs in bits.tolist():
        corners = rectangle(frame)
        for limit in limits:
            corners = clip(corners, limit, -1)
        for line, bit in zip(lines_of(stack, tuple(signs)), signs, strict=True):
            corners = clip(corners, line, 1 if bit else -1)
        areas.append(area(corners))
    return areas


@examples(24)
@given(st.data())
def test_areas_of_cells_of_polygons(data):
    stack = stack_from(data.draw(networks(SHAPES)))
    box, rows = data.draw(boxes(stack.n_inputs)), data.draw(halfspaces(stack.n_inputs))
    found = drawn(stack, make_domain(box.lower, box.upper, rows))
    assert found.plane.part is Part.ALL
    exact = [float(size) for size in exact_areas(found, rows)]
    assert min(exact) > 0  # the frame is around all of the domain
    assert found.polygons.areas() == pytest.approx(exact, abs=1e-9)
    corners = found.polygons.points
    assert corners.min(axis=0) == pytest.approx(found.plane.lower)
    assert corners.max(axis=0) == pytest.approx(found.plane.upper)


@examples(24)
@given(st.data())
def test_areas_in_windows(data):
    """Of all of space, of cones and of whatever else half-spaces leave."""
    stack = stack_from(data.draw(networks(SHAPES)))
    n = stack.n_inputs
    lower = np.where(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), -2.0, -INF)
    rows = data.draw(halfspaces(n) | st.just(np.zeros((0, n + 1))))
    found = drawn(stack, Polyhedron(lower, np.full(n, INF), rows))
    plane = found.plane
    exact = exact_areas(found, rows)
    size = np.prod(plane.upper - plane.lower)
    assert found.polygons.areas() == pytest.approx([float(x) for x in exact], abs=1e-9 * size)
    assert sum(exact) == area_of_domain(plane, rows)
    if plane.part is Part.ALL:
        assert found.rows.bounded.all()
    else:
        assert not found.rows.bounded.all()
        seen = [x > 0 for x in exact]
        assert found.outside <= (found.polygons.areas() < 1e-9 * size).sum()
        assert found.outside > 0 or all(seen)
    if n == 2:
        classes(found)


def area_of_domain(plane: Plane, rows: np.ndarray) -> Fraction:
    n = plane.dimension
    corners = rectangle(Box(plane.lower, plane.upper))
    for row in rows:
        limit = [*map(Fraction, row[:n].tolist()), *[Fraction(0)] * (2 - n), -Fraction(row[n])]
        corners = clip(corners, limit, -1)
    return area(corners)


def lines(*rows) -> LayerStack:
    """A layer of neurons a x + b y + c."""
    return stack_of(([list(row[:-1]) for row in rows], [row[-1] for row in rows]))


def test_a_triangle_without_a_box_has_its_own_frame():
    found = drawn(lines((1, 0, 0), (0, 1, 0)), Polyhedron(*[np.full(2, s) for s in (-INF, INF)],
                                                          np.array(TRIANGLE)))  # fmt: skip
    assert found.plane.lower.tolist() == [-1, -1]
    assert found.plane.upper.tolist() == [2.5, 2.5]
    assert (found.plane.part, found.outside, seen_words(found)) == (Part.ALL, 0, "")
    assert found.polygons.areas().sum() == 3.5**2 / 2


def test_vertices_far_away_do_not_make_the_window_large():
    """A third line meets the first ten million units away, beyond a cluster of crossings."""
    near = [(1, 0, -0.5), (0, 1, -0.25), (1, 1, -1), (1, -1, 0.25), (1, 2, 1), (2, -1, 0)]
    found = drawn(lines(*near, (1e-7, 1, 1)), Polyhedron.space(2))
    assert np.abs([found.plane.lower, found.plane.upper]).max() < 20
    assert found.outside > 0
    assert f", {found.outside} cells beyond" in seen_words(found)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_the_window_is_of_the_size_of_what_is_there(scale):
    rows = np.array([(1, 0, -1), (0, 1, -1), (1, 1, -1), (1, -1, 0.5), (0, 1, 2)], dtype=float)
    rows[:, 2] *= scale
    found = drawn(lines(*rows.tolist()), Polyhedron.space(2))
    assert found.outside == 0
    width = (found.plane.upper - found.plane.lower) / scale
    assert (width > 3).all()
    assert (width < 12).all()


@pytest.mark.parametrize(
    "rows", [[(1, 0, -3), (1, 0, 5)], [(1, 1, 0)], [(0, 0, 1)], [(1, 0, 0), (0, 1, 0)]]
)
def test_few_lines(rows):
    """Parallel ones without a vertex, one alone, none, and a vertex at the origin."""
    found = drawn(lines(*rows), Polyhedron.space(2))
    assert found.outside == 0
    areas = found.polygons.areas()
    assert (areas > 0.02 * areas.sum()).all()


def test_a_half_line():
    stack = stack_of(([[1.0], [2.0]], [-1.0, -8.0]))
    found = drawn(stack, Polyhedron(np.array([0.0]), np.array([INF]), np.zeros((0, 2))))
    assert found.plane.lower.tolist() == [0, 0]
    assert 4 < found.plane.upper[0] < 8
    assert found.plane.upper[1] == 1
    assert found.rows.bounded.tolist() == [True, True, False]
    assert seen_words(found).startswith("drawn: x0 from 0 to ")
    with our_style():
        draw_cells(found, "rank", "t")


def test_all_of_the_line_with_cells_outside():
    """Cells out of the window leave no mark on the curves."""
    bends = [*np.linspace(0, 1, 40).tolist(), 1e6, 2e6]
    stack = stack_of(([[1.0]] * len(bends), [-x for x in bends]))
    found = drawn(stack, Polyhedron.space(1))
    assert found.outside == 2
    with our_style():
        figure = draw_cells(found, "layer1", "t")
    curves, _ = figure.axes
    assert np.isfinite(curves.get_ylim()).all()
    assert curves.get_xlim() == (found.plane.lower[0], found.plane.upper[0])


def test_halfspaces_on_an_interval():
    stack = stack_of(([[1.0], [1.0]], [0.0, -0.5]))
    domain = make_domain(np.array([-1.0]), np.array([1.0]), np.array([[2.0, 0.75], [-4.0, 1.0]]))
    found = drawn(stack, domain)
    assert found.plane.lower.tolist() == [-0.25, 0]
    assert found.plane.upper.tolist() == [0.375, 1]
    assert len(found.polygons) == 2


def test_fixed_inputs_of_a_polyhedron():
    """On z = 1/2 the half-space x + 2 z <= 3/2 is x <= 1/2."""
    stack = lines((1, 0, 1, 0), (0, 1, -1, 0))
    domain = make_domain(
        np.array([-1.0, -1, 0.5]), np.array([1.0, 1, 0.5]), np.array([[1, 0, 2, 1.5]])
    )
    found = drawn(stack, domain)
    assert found.plane.inputs == (0, 1)
    assert found.plane.upper.tolist() == [0.5, 1]


def test_what_float64_cannot_draw_is_refused():
    nothing = Polyhedron(np.full(2, -INF), np.full(2, INF), np.array([[1, 0, 0], [-1, 0, -1.0]]))
    with pytest.raises(InputError, match="too thin to be drawn"):
        Plane.of(lines((1, 0, 0)), nothing)


@pytest.mark.parametrize("rows", [TRIANGLE, WEDGE])
def test_the_map_knows_the_half_spaces(rows):
    domain = Polyhedron(np.full(2, -INF), np.full(2, INF), np.array(rows))
    found = drawn(lines((1, 0, 0), (0, 1, 0)), domain)
    data = map_data(found, classes(found))
    assert data["halfspaces"] == [[a, b, -c] for a, b, c in rows]
    on_box = drawn(lines((1, 0, 0), (0, 1, 0)), cube(2, -1, 1))
    assert map_data(on_box, classes(on_box))["halfspaces"] == []
