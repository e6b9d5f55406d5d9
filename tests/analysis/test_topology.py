"""The topology of classes and boundaries: known shapes, and the nerve of exact polyhedra."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, product
from typing import TYPE_CHECKING

import gudhi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ppl import C_Polyhedron

from nnce_cli.analysis import Topology, topology_of
from nnce_cli.analysis.cell_complex import CellComplex
from nnce_cli.base.errors import InputError
from nnce_cli.base.task import Task
from nnce_cli.domain import Box, Domain, Polyhedron
from nnce_cli.enumeration import Problem, batches, choose, walk_factory
from nnce_cli.table import Metadata
from tests.cases import cube
from tests.enumeration.test_unit_kinds import layers
from tests.oracles.units import DrawnLayer, cell_polyhedra, stack_of
from tests.strategies import boxes, examples

if TYPE_CHECKING:
    from random import Random

    from nnce_cli.network import LayerStack

ABSOLUTE = Fraction(-1)


def row(*numbers):
    return [Fraction(x) for x in numbers]


def with_outputs(drawn: list[DrawnLayer], outputs: list[list[Fraction]]) -> LayerStack:
    """Return the stack of drawn layers with these functions of their values as outputs."""
    stack = stack_of([*drawn, DrawnLayer([], passed=outputs)])
    return replace(stack, hidden=stack.hidden[:-1], units=stack.units[:-1], output=stack.hidden[-1])


def metadata_of(stack: LayerStack, domain: Domain, **more) -> Metadata:
    """Return what the table of all cells says of itself."""
    problem = Problem.of(stack, domain)
    walk = walk_factory(choose(problem)[0])(problem, witness=False)
    for _ in batches(walk):
        pass
    said = Metadata.of(stack, domain, witness=True)
    return replace(said, layer_cells=tuple(walk.layer_cells), complete=True, **more)


def found_for(drawn, outputs, domain, task=None, **options) -> Topology:
    stack = with_outputs(drawn, outputs)
    return topology_of(stack, metadata_of(stack, domain), task, **options)


def betti(found: Topology) -> list[tuple[int, ...]]:
    """Return the Betti numbers of all regions, then of the boundary."""
    return [*(region.homology.betti for region in found.regions.values()), found.boundary.betti]


def absolute_values(n: int) -> DrawnLayer:
    identity = np.eye(n, n + 1).astype(int).tolist()
    return DrawnLayer([(row(*each), ABSOLUTE) for each in identity])


def shell(n: int):
    """1/2 - | |x_1| + … + |x_n| - 3/2 |, positive between two spheres of the 1-norm."""
    second = DrawnLayer([(row(*[1] * n, Fraction(-3, 2)), ABSOLUTE)])
    return [absolute_values(n), second], [row(-1, Fraction(1, 2))]


def diamonds(distance: int):
    """1 - | |x| - distance | - |y|, positive in two diamonds around (± distance, 0)."""
    second = DrawnLayer([(row(1, 0, -distance), ABSOLUTE)], passed=[row(0, 1, 0)])
    return [absolute_values(2), second], [row(-1, -1, 1)]


def torus():
    """1 - | |x| + |y| - 2 | - |z|, positive in a solid torus."""
    second = DrawnLayer([(row(1, 1, 0, -2), ABSOLUTE)], passed=[row(0, 0, 1, 0)])
    return [absolute_values(3), second], [row(-1, -1, 1)]


KNOWN = {
    "segments": (*shell(1), 1, [(3, 0), (2, 0), (4,)]),
    "ring": (*shell(2), 2, [(2, 1, 0), (1, 1, 0), (2, 2)]),
    "two discs": (*diamonds(2), 2, [(1, 2, 0), (2, 0, 0), (2, 2)]),
    "discs that touch": (*diamonds(1), 2, [(1, 2, 0), (1, 0, 0), (1, 2)]),
    "shell": (*shell(3), 3, [(2, 0, 1, 0), (1, 0, 1, 0), (2, 0, 2)]),
    "torus": (*torus(), 3, [(1, 1, 1, 0), (1, 1, 0, 0), (1, 2, 1)]),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_shapes(name):
    drawn, outputs, n, expected = KNOWN[name]
    found = found_for(drawn, outputs, cube(n, -4, 4))
    assert betti(found) == expected
    assert found.is_consistent
    assert found.domain.euler == 1
    assert sum(region.parts for region in found.regions.values()) == found.faces[-1]


def test_a_boundary_ends_where_the_domain_does():
    """The box leaves four corners outside of the ring, and four segments of its outer border."""
    drawn, outputs = shell(2)
    found = found_for(drawn, outputs, Box(np.full(2, -1.25), np.full(2, 1.25)))
    assert betti(found) == [(5, 0, 0), (1, 1, 0), (5, 1)]


def test_half_spaces_bound_a_domain_too():
    """The ring in a triangle around it; and half of the ring."""
    drawn, outputs = shell(2)
    rows = np.array([[1.0, 0.0, 3.0], [-1.0, 1.0, 3.0], [-1.0, -1.0, 3.0]])
    space = Polyhedron.space(2)
    found = found_for(drawn, outputs, replace(space, halfspaces=rows))
    assert betti(found) == [(2, 1, 0), (1, 1, 0), (2, 2)]
    rows[0, 2] = 0.0
    found = found_for(drawn, outputs, replace(space, halfspaces=rows))
    assert betti(found)[1:] == [(1, 0, 0), (2, 0)]


def test_fixed_inputs_are_left_out():
    drawn, outputs = shell(3)
    domain = Box(np.array([-4.0, 0.0, -4.0]), np.array([4.0, 0.0, 4.0]))
    assert betti(found_for(drawn, outputs, domain)) == KNOWN["ring"][3]
    domain = Box(np.zeros(3), np.zeros(3))
    point = found_for(drawn, outputs, domain)
    assert (point.inputs, point.faces, betti(point)) == (0, (1,), [(1,), (0,)])


def test_tasks_and_ties():
    """Of two equal scores the first has it; an argmin turns them round."""
    drawn, [f] = shell(2)
    nothing, minus = row(0, 0), [-x for x in f]
    domain = cube(2, -4, 4)
    found = found_for(drawn, [nothing, f, f], domain)
    assert list(found.regions) == [0, 1]
    assert betti(found) == KNOWN["ring"][3]
    turned = found_for(drawn, [nothing, minus, minus], domain, Task.ARGMIN)
    assert (turned.regions, turned.boundary) == (found.regions, found.boundary)
    one = found_for(drawn, [nothing, nothing], domain)
    assert betti(one) == [(1, 0, 0), (0, 0)]


def test_what_is_not_answered_is_refused():
    drawn, outputs = shell(2)
    stack, box = with_outputs(drawn, outputs), cube(2, -4, 4)
    said = metadata_of(stack, box)
    for metadata, task, words in (
        (replace(said, complete=False), None, "not complete"),
        (replace(said, layer_cells=(4, 9)), None, "nnce verify"),
        (said, Task.REGRESSION, "regression"),
        (metadata_of(stack, Polyhedron.space(2)), None, "bounded"),
    ):
        with pytest.raises(InputError, match=words):
            topology_of(stack, metadata, task)
    drawn, outputs = shell(4)
    stack = with_outputs(drawn, outputs)
    with pytest.raises(InputError, match="slice"):
        topology_of(stack, metadata_of(stack, cube(4, -4, 4)))


def test_processes_find_the_same():
    drawn, outputs = torus()
    alone, together = (found_for(drawn, outputs, cube(3, -4, 4), jobs=jobs) for jobs in (1, 2))
    assert alone == together


def test_a_tesseract_has_all_its_faces():
    """Sixteen vertices, and the walls of the corners and edges are no facets of it."""
    corners = list(product((0, 1), repeat=4))
    walls = [[k for k, c in enumerate(corners) if c[i] == end] for i in range(4) for end in (0, 1)]
    touching = [[0], [0, 1]]
    tesseract = CellComplex(4)
    polytope = tesseract.add(corners, walls + touching)
    assert tesseract.faces == (16, 32, 24, 8, 1)
    assert tesseract.homology([polytope], 4).betti == (1, 0, 0, 0, 0)
    assert tesseract.homology(tesseract.facets(polytope), 3).betti == (1, 0, 0, 1)


def nerve(sets: list[C_Polyhedron], dimension: int) -> tuple[int, ...]:
    """Return the Betti numbers of the union of closed convex sets, by which of them meet."""
    tree = gudhi.SimplexTree()
    for k in range(len(sets)):
        tree.insert([k])
    meet = [pair for pair in combinations(range(len(sets)), 2) if not is_apart(sets, pair)]
    for pair in meet:
        tree.insert(list(pair))
    tree.expansion_with_blocker(dimension + 1, lambda simplex: is_apart(sets, simplex))
    tree.compute_persistence(homology_coeff_field=2, persistence_dim_max=True)
    found = [*tree.betti_numbers(), *[0] * (dimension + 1)]
    return tuple(found[: dimension + 1])


def is_apart(sets, chosen) -> bool:
    common = C_Polyhedron(sets[chosen[0]])
    for k in chosen[1:]:
        common.intersection_assign(sets[k])
    return bool(common.is_empty())


def tied_outputs(drawn: list[DrawnLayer], n: int, random: Random) -> list[list[Fraction]]:
    """Draw two or three scores that are equal at the origin or nearly so."""
    width = drawn[-1].values
    rows = [row(*random.choices([-2, -1, 1, 2], k=width), 0) for _ in range(random.choice([2, 3]))]
    at_origin = with_outputs(drawn, rows).forward(np.zeros((1, n)))[0].tolist()
    shifts = random.choices([0, 0, Fraction(1, 4)], k=3)
    return [[*r[:-1], s - Fraction(x)] for r, x, s in zip(rows, at_origin, shifts, strict=False)]


@examples(12)
@given(st.data())
def test_regions_have_the_homology_of_their_nerves(data):
    n, drawn = data.draw(layers(most_inputs=3))
    random = data.draw(st.randoms(use_true_random=True))
    outputs = tied_outputs(drawn, n, random)
    domain = data.draw(boxes(n))
    cells = cell_polyhedra([*drawn, DrawnLayer([], maxima=[outputs])], domain)
    if len(cells) > 40:
        return
    classes = defaultdict(list)
    for code, cell in cells.items():
        classes[code[-1]].append(cell)
    found = found_for(drawn, outputs, domain, Task.ARGMAX)
    assert found.is_consistent
    assert {j: region.parts for j, region in found.regions.items()} == {
        j: len(members) for j, members in sorted(classes.items())
    }
    for j, region in found.regions.items():
        assert region.homology.betti == nerve(classes[j], n)
    between = []
    for one, other in combinations(classes, 2):
        for a, b in product(classes[one], classes[other]):
            common = C_Polyhedron(a)
            common.intersection_assign(b)
            if not common.is_empty():
                between.append(common)
    assert found.boundary.betti == nerve(between, max(n - 1, 0))[: max(n, 1)]
