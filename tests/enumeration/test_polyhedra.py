"""Cells on polyhedra, bounded or not, and on all of space, are those of exact polyhedra."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.base.errors import InputError
from nnce_cli.domain import Box, Polyhedron, make_domain
from nnce_cli.enumeration import WHOLE, CellPoints, Problem, batches, choose, walk_factory
from nnce_cli.network import neuron_bits
from tests.enumeration.test_unit_kinds import codes_at, layers, rows_of, walk_all
from tests.oracles.domains import exact_domain
from tests.oracles.units import exact_cells, stack_of
from tests.oracles.zaslavsky import generic_cells
from tests.strategies import boxes, examples, stack_from

KINDS = ["space", "half-spaces", "half-spaces", "in a box", "some bounds"]


@st.composite
def polyhedra(draw, n):
    """Draw a polyhedron with small integers: rows that repeat, are redundant or none at all."""
    kind = draw(st.sampled_from(KINDS))
    if kind == "space":
        return Polyhedron.space(n)
    random = draw(st.randoms(use_true_random=True))
    rows = [
        [*random.choices([-2, -1, -1, 0, 1, 1, 2], k=n), random.randint(0, 3)]
        for _ in range(draw(st.integers(1, 2 * n + 2)))
    ]
    if random.random() < 0.3:
        rows.append([2 * x for x in random.choice(rows)])
    lower, upper = np.full(n, -np.inf), np.full(n, np.inf)
    if kind == "in a box":
        box = draw(boxes(n, fixed=True))
        lower, upper = box.lower, box.upper
    elif kind == "some bounds":
        lower[random.randrange(n)] = random.choice([-2.0, 0.0])
    return make_domain(lower, upper, np.array(rows, dtype=np.float64))


def is_flat(domain):
    """Tell whether a domain has no interior, but for inputs that are fixed."""
    free = int((domain.lower < domain.upper).sum())
    found = exact_domain(domain)
    return bool(found.is_empty()) or found.affine_dimension() < free


def bounded_of(problem, method):
    found = [batch.bounded for batch in batches(walk_factory(method)(problem))]
    return None if found[0] is None else np.concatenate(found).tolist()


@pytest.mark.parametrize("method", ["auto", "dictionary"])
@examples(30)
@given(st.data())
def test_cells_are_those_of_exact_polyhedra(method, data):
    n, drawn = data.draw(layers())
    domain = data.draw(polyhedra(n))
    stack = stack_of(drawn)
    if is_flat(domain):
        said = "empty" if exact_domain(domain).is_empty() else "flat|leave nothing"
        with pytest.raises(InputError, match=said):
            Problem.of(stack, domain)
        return
    problem = Problem.of(stack, domain)
    name = choose(problem)[0] if method == "auto" else method
    expected = exact_cells(drawn, domain)
    rows, ranks, _, points, walk = walk_all(stack, domain, name)
    assert rows == expected.codes
    if (domain.lower < domain.upper).all():  # the oracle's ranks are those over all inputs
        assert ranks == expected.ranks
    assert list(walk.layer_cells) == expected.layer_cells
    inside = exact_domain(domain)
    for i, (row, point) in enumerate(zip(rows, points.tolist(), strict=True)):
        x = [Fraction(c) for c in walk.exact_witnesses.get(i, point)]
        assert codes_at(drawn, x) == row
        assert is_strictly_inside(domain, x), (x, inside)
    has_bounds = np.isfinite([domain.lower, domain.upper]).all()
    assert bounded_of(problem, name) == (None if has_bounds else expected.bounded)


def is_strictly_inside(domain, x):
    bounds = zip(domain.lower.tolist(), x, domain.upper.tolist(), strict=True)
    rows = domain.halfspaces.tolist()
    values = [sum(Fraction(a) * c for a, c in zip(row, x, strict=False)) for row in rows]
    return all(lo < c < hi or lo == c == hi for lo, c, hi in bounds) and all(
        value < Fraction(row[-1]) or not any(row[:-1])
        for value, row in zip(values, rows, strict=True)
    )


@examples(15)
@given(st.data())
def test_subtrees_together_are_the_whole(data):
    n, drawn = data.draw(layers())
    domain = data.draw(polyhedra(n))
    if is_flat(domain):
        return
    stack = stack_of(drawn)
    problem = Problem.of(stack, domain)
    walk = walk_factory(choose(problem)[0])(problem)
    whole = [row for batch in batches(walk) for row in rows_of(stack, batch)]
    budget = data.draw(st.integers(1, 7))
    rows, counts, waiting = [], [0] * len(stack.hidden), [WHOLE]
    while waiting:
        subtree, *waiting = waiting
        walk.begin(subtree)
        rows += [row for batch in batches(walk, budget) for row in rows_of(stack, batch)]
        counts = [a + b for a, b in zip(counts, walk.layer_cells, strict=True)]
        waiting = walk.rest() + waiting if not walk.done else waiting
    assert rows == whole
    walk.begin(WHOLE)
    for _ in batches(walk):
        pass
    assert counts == walk.layer_cells


@examples(12)
@given(st.data())
def test_points_of_single_cells_are_the_witnesses(data):
    n, drawn = data.draw(layers())
    domain = data.draw(polyhedra(n))
    if is_flat(domain):
        return
    stack = stack_of(drawn)
    problem = Problem.of(stack, domain)
    finder = CellPoints(problem)
    for batch in batches(walk_factory(choose(problem)[0])(problem)):
        joined = np.concatenate(batch.signs, axis=1)
        for bits, witness in zip(neuron_bits(stack, joined), batch.witness, strict=True):
            assert finder.find(bits).point.tolist() == witness.tolist()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_all_of_space_has_the_regions_of_the_arrangement(n):
    """Six hyperplanes in general position; as many cells are bounded as n of five can be chosen."""
    rng = np.random.default_rng(n)
    rows = [[Fraction(float(x)) for x in row] for row in rng.normal(size=(6, n + 1))]
    stack = stack_from([rows])
    problem = Problem.of(stack, Polyhedron.space(n))
    walk = walk_factory(choose(problem)[0])(problem)
    bounded = np.concatenate([batch.bounded for batch in batches(walk)])
    assert walk.cells == generic_cells(6, n)
    assert bounded.sum() == comb(5, n)


def test_a_strip_between_parallel_lines_is_unbounded():
    """It has a direction to go on in, on the borders of all its half-spaces."""
    stack = stack_from([[[Fraction(1), Fraction(0), Fraction(0)], [Fraction(1), 0, Fraction(-1)]]])
    problem = Problem.of(stack, Polyhedron.space(2))
    assert bounded_of(problem, choose(problem)[0]) == [False, False, False]


def test_a_polyhedron_that_a_box_holds_is_its_box():
    """Half-spaces that are the sides of a box give the cells of the box."""
    rng = np.random.default_rng(5)
    layers = [rng.integers(-3, 4, (6, 3)), rng.integers(-3, 4, (5, 7))]
    stack = stack_from([[[Fraction(int(x)) for x in row] for row in rows] for rows in layers])
    sides = np.array([[1, 0, 1], [-1, 0, 1], [0, 1, 1], [0, -1, 1]], dtype=np.float64)
    free = np.full(2, np.inf)
    on_box = Problem.of(stack, Box(-np.ones(2), np.ones(2)))
    on_sides = Problem.of(stack, Polyhedron(-free, free, sides))
    tables = []
    for problem in (on_box, on_sides):
        walk = walk_factory("vertex")(problem)
        tables.append([row for batch in batches(walk) for row in rows_of(stack, batch)])
    assert tables[0] == tables[1]
