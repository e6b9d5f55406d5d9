"""Hyperplanes through vertices, and boxes far larger than what is in them: exact, and not slow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.domain import Box
from nnce_cli.enumeration import DictionaryWalk, Problem, VertexWalk, batches, walk_factory
from nnce_cli.network import AffineMap, LayerStack
from tests.cases import cube
from tests.enumeration.test_vertex import assert_same_cells
from tests.oracles.ppl import exact_cells
from tests.strategies import boxes, examples, integer_networks, stack_from

SMALL = [(n, *widths) for n in (1, 2, 3) for widths in [(4,), (3, 3), (5, 4), (4, 1, 4), (3, 3, 3)]]


def random_network(widths, seed, bias=1.0):
    """Return a network of normal weights, and biases of this size."""
    random = np.random.default_rng(seed)
    shapes = zip(widths[1:], widths[:-1], strict=True)
    maps = [AffineMap(random.normal(size=s), bias * random.normal(size=s[0])) for s in shapes]
    return LayerStack(tuple(maps), None, (1, widths[0]), "")


def walked(walk):
    """Return a walk that is at its end."""
    for _ in batches(walk):
        pass
    return walk


@examples(150)
@given(st.data())
def test_integers_are_not_handed_over(data):
    """Several lines through a vertex, the same line twice, and neurons that are zero."""
    stack = stack_from(data.draw(integer_networks(SMALL)))
    box = data.draw(boxes(stack.n_inputs))
    walk = assert_same_cells(stack, box)
    assert walk.layer_cells == exact_cells(stack, box).layer_cells
    assert walk.decisions["handed_over"] == 0


CORNERS = [(-1, 1), (0, 1), (-1, 0), (-0.25, 3)]


@pytest.mark.parametrize("interval", CORNERS, ids=str)
@pytest.mark.parametrize("widths", [(1, 5, 5), (2, 12), (2, 9, 9), (3, 7), (3, 9, 9), (3, 3, 6, 5)])
def test_without_biases_the_origin_is_a_vertex_of_all(widths, interval):
    """On a side or in a corner of the box, too."""
    stack = random_network(widths, seed=4, bias=0.0)
    walk = assert_same_cells(stack, cube(widths[0], *interval))
    if widths[0] < min(widths[1:]):  # else cells see fewer neurons than there are inputs
        assert walk.decisions["handed_over"] == 0
        assert walk.decisions["neurons_exact"] == 0


@pytest.mark.parametrize(("n", "width"), [(2, 3), (2, 17), (3, 4), (3, 15)])
def test_lines_and_planes_through_the_origin_are_counted_by_theory(n, width):
    """Zaslavsky (1975): 2 w sectors of the plane, w^2 - w + 2 cones of space."""
    stack = random_network((n, width), seed=1, bias=0.0)
    walk = walked(VertexWalk(Problem.of(stack, cube(n, -1, 1)), rows=False))
    assert walk.layer_cells == [2 * width if n == 2 else width * width - width + 2]
    assert walk.decisions["handed_over"] == 0


@pytest.mark.parametrize("widths", [(1, 6, 6), (2, 8, 8, 8), (3, 8)])
def test_large_boxes_hold_what_smaller_ones_hold(widths):
    """All vertices are near the origin, where the corners of the box bound nothing.

    But for what sees a single neuron: hyperplanes that are parallel, which meet at infinity.
    """
    stack = random_network(widths, seed=2)
    expected = walked(VertexWalk(Problem.of(stack, cube(widths[0], -(2.0**20), 2.0**20))))
    for exponent in (45, 60, 200, 400):
        box = cube(widths[0], -(2.0**exponent), 2.0**exponent)
        walk = walked(VertexWalk(Problem.of(stack, box), rows=False))
        assert walk.layer_cells == expected.layer_cells
        assert walk.decisions["handed_over"] <= (0 if len(widths) < 4 else 4)


@pytest.mark.parametrize("exponent", [60, 300, 990])
def test_dictionaries_do_not_go_through_what_is_empty(exponent):
    """Rounding lets empty cells in there. Each costs a few exact questions, not a tree of them."""
    stack = random_network((2, 6, 6), seed=2)
    expected = walked(VertexWalk(Problem.of(stack, cube(2, -(2.0**20), 2.0**20))))
    walk = walked(DictionaryWalk(Problem.of(stack, cube(2, -(2.0**exponent), 2.0**exponent))))
    assert walk.layer_cells == expected.layer_cells
    asked = walk.decisions["neurons_exact"] + walk.decisions["witnesses_exact"]
    assert asked <= 12 * expected.cells


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e150, 1e300])
def test_boxes_and_biases_of_any_size(scale):
    """Everything is as large as the box; integers times a power of two are the same cells."""
    power = 2.0 ** round(np.log2(scale))
    weight = np.array([[1.0, 2.0], [2.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    bias = np.array([0.0, 1.0, -1.0, 0.0])
    second = AffineMap(np.array([[1.0, -1.0, 1.0, 0.0], [0.0, 1.0, 1.0, -2.0]]), np.zeros(2))
    found = []
    for factor in (1.0, power):
        stack = LayerStack((AffineMap(weight, bias * factor), second), None, (1, 2), "")
        box = Box(np.full(2, -3.0 * factor), np.full(2, 3.0 * factor))
        problem = Problem.of(stack, box)
        found += [walked(walk(problem)).layer_cells for walk in (VertexWalk, DictionaryWalk)]
    assert found == [found[0]] * 4


@pytest.mark.parametrize("exponents", [(-1060, -1074), (1000, 960), (-500, 500)], ids=str)
@pytest.mark.parametrize("n", [2, 3, 5])
def test_weights_of_any_size(n, exponents):
    """Neurons times powers of two, subnormal or huge: the same cells, and exact polyhedra's."""
    random = np.random.default_rng(n)
    first = random.integers(-3, 4, (5, n)).astype(float)
    bias = random.integers(-1, 2, 5).astype(float)
    scale = 2.0 ** np.resize(np.array(exponents), 5)
    plain, scaled = (
        LayerStack((AffineMap(first * s[:, None], bias * s),), None, (1, n), "")
        for s in (np.ones(5), scale)
    )
    expected = exact_cells(plain, cube(n, -2, 2)).layer_cells
    for walk in (DictionaryWalk, VertexWalk) if n <= 3 else (DictionaryWalk,):
        assert walked(walk(Problem.of(scaled, cube(n, -2, 2)))).layer_cells == expected


@examples(15)
@given(st.data())
def test_many_inputs_under_few_neurons(data):
    """Of integers: in the image of the first layer there are the cells of the inputs."""
    stack = stack_from(data.draw(integer_networks([(40, 4, 3), (40, 3, 4)])))
    problem = Problem.of(stack, data.draw(boxes(40)))
    over_inputs = walked(DictionaryWalk(problem))
    assert walked(walk_factory("dictionary")(problem)).layer_cells == over_inputs.layer_cells
