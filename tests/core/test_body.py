"""The body inside an image: never outside it, and most of it.

In two and three dimensions a zonotope's facets can be listed: their normals are orthogonal to one
or two of its generators. An ellipsoid is inside if and only if no facet's plane cuts it. The
projection is held against a general solver of quadratic programs.
"""

from __future__ import annotations

from itertools import combinations

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nnce_cli.enumeration import SubtreeWalk, image
from nnce_cli.enumeration.body import MOST_DIMENSIONS, body_inside, no_body
from nnce_cli.enumeration.problem import Problem
from nnce_cli.kernels import arrays as k
from nnce_cli.kernels.projection import gather_slacks, project
from tests.cases import cube
from tests.collect import count
from tests.strategies import boxes, examples, networks, stack_from
from tests.test_image import SHAPES, normal_stack, small_gain  # noqa: F401

SMALL = st.integers(-3, 3)


def facet_normals(generator):
    """Return a normal (…, d) of each facet, of some more than once; d is 2 or 3."""
    if len(generator) == 2:
        normals = [(-g[1], g[0]) for g in generator.T]
    else:
        normals = [np.cross(g, h) for g, h in combinations(generator.T, 2)]
    normals = np.array(normals, dtype=np.float64)
    return normals[np.abs(normals).max(axis=1) > 0]


def gap(generator, body):
    """Return the smallest ratio of the zonotope's width to the ellipsoid's: at least 1 inside."""
    normals = facet_normals(generator)
    zonotope = np.abs(normals @ generator).sum(axis=1)
    half_axes = np.linalg.norm(normals @ np.linalg.inv(body.transform), axis=1)
    return float((zonotope / (body.radius * half_axes)).min())


@examples(200)
@given(st.integers(2, 3), st.integers(1, 9), st.data())
def test_it_is_inside(d, more, data):
    rows = st.lists(SMALL, min_size=d + more, max_size=d + more)
    generator = np.array(data.draw(st.lists(rows, min_size=d, max_size=d)), dtype=np.float64)
    assume(np.linalg.matrix_rank(generator) == d)
    body = body_inside(generator, 0.0)
    assert body.radius > 0.0
    assert gap(generator, body) >= 1.0
    assert gap(generator, body) < 4.0
    sheared = np.array([[1.0, 1e3, 0.0], [0.0, 1e-3, 2.0], [0.0, 0.0, 5.0]])[:d, :d] @ generator
    assert gap(sheared, body_inside(sheared, 1.0)) >= 1.0


@pytest.mark.parametrize("d", [1, 5, MOST_DIMENSIONS, MOST_DIMENSIONS + 10])
def test_the_largest_ball_in_a_cube_is_found(d):
    body = body_inside(np.eye(d) * 3.0, 0.0)
    ball = np.linalg.norm(body.transform @ np.eye(d)[0] * 3.0) / body.radius
    assert 1.0 <= ball < 1.0 + 1e-5


@pytest.mark.parametrize(("d", "m"), [(2, 60), (3, 200), (8, 400), (14, 784)])
def test_it_is_most_of_a_generic_image(d, m):
    """Over directions of descent of the width, the ellipsoid's is more than half of it."""
    random = np.random.default_rng(d)
    generator = random.normal(size=(d, m)) * random.uniform(0.1, 3.0, m)
    body = body_inside(generator, 0.0)
    moved = body.transform @ generator
    least = np.inf
    for start in random.normal(size=(30, d)):
        y = start / np.linalg.norm(start)
        for _ in range(300):  # the width is convex: go down along its gradient, on the sphere
            down = y - 0.002 * moved @ np.sign(y @ moved)
            y = down / np.linalg.norm(down)
            least = min(least, np.abs(y @ moved).sum())
    assert body.radius <= least < 2.0 * body.radius


@pytest.mark.parametrize(
    "generator",
    [
        np.ones((2, 7)),
        np.zeros((2, 7)),
        np.full((1, 5), np.nan),
        np.array([[1e200, 1.0, 0.0], [0.0, 1e200, 1.0]]),
        np.zeros((0, 0)),
    ],
)
def test_where_nothing_can_be_proved_there_is_none(generator):
    body = body_inside(generator, 0.0)
    assert body.radius == 0.0
    assert np.isfinite(body.transform).all()
    assert np.isfinite(body.metric).all()


@examples(60)
@given(st.data())
def test_without_it_the_same_cells(data):
    stack = stack_from(data.draw(networks(SHAPES)))
    box = data.draw(boxes(stack.n_inputs, fixed=True))
    with_body = count(stack, box)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image, "body_inside", lambda generator, _: no_body(len(generator)))
        assert count(stack, box) == with_body


def distance(net, forms):
    """Return how far the nearest point with forms >= 0 is from the centre, by a general solver."""
    body, middle = net.image.body, net.image.middle
    u = cp.Variable(middle.size)
    program = cp.Problem(
        cp.Minimize(cp.sum_squares(body.transform @ (u - middle))),
        [forms[:, 0] + forms[:, 1:] @ u >= 0],
    )
    program.solve(solver=cp.CLARABEL, tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12)
    assert program.status == cp.OPTIMAL
    return np.sqrt(max(program.value, 0.0))


@pytest.mark.parametrize("budget", [12, 30, 60, 90])
@pytest.mark.parametrize("widths", [(30, 4, 5), (60, 6, 6), (40, 3, 4, 4)])
def test_the_projection_is_the_nearest_point(widths, budget):
    """On its own, and from the tight slacks of a cell with other splits."""
    problem = Problem.of(normal_stack(widths, budget), cube(widths[0], -1, 1))
    walk = SubtreeWalk(problem, rows=False, witness=False)
    for _ in walk.batches(budget):
        pass
    net, ws = walk._net, walk._ws
    pre, body, d = ws.preimage, net.image.body, net.lower.size
    splits = int(ws.splits[ws.control[k.TOP]])
    assert splits > 2
    pre.kept[k.COUNT] = pre.kept[k.SAME] = 0
    for n in (splits, splits - 1, splits - 2, splits):
        gather_slacks(net, ws, n)
        pre.centre[:] = net.image.middle
        pre.metric[:, :d] = body.metric
        tight = project(net, ws, n)
        assert 0 <= tight <= d
        neurons = ws.split_neuron[:n]
        forms = ws.sign[neurons, None] * ws.form[neurons, : d + 1]
        assert (forms[:, 0] + forms[:, 1:] @ pre.place).min() > -1e-10
        found = np.linalg.norm(body.transform @ (pre.place - net.image.middle))
        assert found == pytest.approx(distance(net, forms), rel=1e-6, abs=1e-6)
        assert (pre.multiplier[:tight] > 0.0).all()
        pre.kept[k.SAME] = 1  # centre, metric and forms stay
