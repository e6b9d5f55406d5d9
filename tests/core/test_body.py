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

from nnce_cli._core import ImageCell, Preimage
from nnce_cli.enumeration.dictionary import image
from nnce_cli.enumeration.dictionary.body import MOST_DIMENSIONS, body_inside, no_body
from tests.cases import cube
from tests.collect import count
from tests.enumeration.test_image import SHAPES, normal_stack, small_gain  # noqa: F401
from tests.strategies import boxes, examples, networks, stack_from

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
        patch.setattr(image, "body_inside", lambda generator, _: no_body(generator))
        assert count(stack, box) == with_body


def distance(picture, forms):
    """Return how far the nearest point with forms >= 0 is from the centre, by a general solver."""
    u = cp.Variable(picture.middle.size)
    program = cp.Problem(
        cp.Minimize(cp.sum_squares(picture.body.transform @ (u - picture.middle))),
        [forms[:, 0] + forms[:, 1:] @ u >= 0],
    )
    program.solve(solver=cp.CLARABEL, tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12)
    assert program.status == cp.OPTIMAL
    return np.sqrt(max(program.value, 0.0))


def image_of(widths):
    """Return the image of a cube under a first layer with normal weights."""
    reduction = image.reduce_to_image(normal_stack(widths, 1), cube(widths[0], -1, 1))
    assert reduction is not None
    return reduction.image


def random_cell(picture, n, random):
    """Return n forms of size 1 that are positive at a point of the image, and that point."""
    inside = picture.middle + picture.generator @ random.uniform(-0.3, 0.3, picture.centre.size)
    gradient = random.normal(size=(n, inside.size))
    gradient /= np.abs(gradient) @ picture.magnitude[:, None]
    constant = random.uniform(0.001, 0.1, n) - gradient @ inside
    return np.column_stack([constant, gradient]), inside


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("widths", [(30, 4), (60, 6), (40, 3), (99, 9)])
def test_the_projection_is_the_nearest_point(widths, seed):
    """On its own, and from the tight slacks of a cell with more or fewer splits."""
    picture, zonotope = image_of(widths), image_of(widths).zonotope()
    forms, inside = random_cell(picture, 3 * widths[1], np.random.default_rng(seed))
    cell = ImageCell(zonotope, forms, np.ones(len(forms)), np.zeros(len(forms)))
    for n in (len(forms), len(forms) - 1, 3, 0, len(forms) - 4, len(forms)):
        place, tight, multipliers = cell.nearest(n)
        assert len(tight) <= picture.middle.size
        assert (multipliers > 0.0).all()
        values = forms[:n, 0] + forms[:n, 1:] @ place
        assert values.min(initial=0.0) > -1e-10
        assert np.abs(values[tight]).max(initial=0.0) < 1e-10
        found = np.linalg.norm(picture.body.transform @ (place - picture.middle))
        assert found == pytest.approx(distance(picture, forms[:n]), rel=1e-6, abs=1e-6)
    assert cell.settle(inside, wants_input=False) == Preimage.EXISTS
    assert cell.settle(inside, wants_input=True) == Preimage.EXISTS
    assert cell.input_holds(cell.x)


@pytest.mark.parametrize("gap", [1e-3, 1e-9, -1e-9, -1e-3])
def test_a_cell_at_the_rim_of_the_image(gap):
    """Its slack is positive beyond a plane that is ``gap`` of the width inside the rim."""
    picture = image_of((60, 5))
    across = np.random.default_rng(5).normal(size=5)
    width = np.abs(across @ picture.generator).sum()
    across /= width
    forms = np.array([[gap - 1.0 - across @ picture.middle, *across]])
    cell = ImageCell(picture.zonotope(), forms, np.full(1, 3.0), np.zeros(1))
    corner = picture.generator @ np.sign(across @ picture.generator)
    point = picture.middle + (1.0 + abs(gap)) * corner
    for wants_input in (False, True):
        answer = cell.settle(point, wants_input=wants_input)
        assert answer in (Preimage.EXISTS if gap > 0 else Preimage.EMPTY, Preimage.UNSURE)
        assert answer != Preimage.UNSURE or abs(gap) < 1e-6
    assert cell.multipliers_hold(np.zeros(1, dtype=np.int64), np.ones(1)) == (gap < 0)


def test_what_does_not_fit_is_refused():
    picture = image_of((30, 4))
    zonotope = picture.zonotope()
    forms, one = np.zeros((1, 5)), np.ones(1)
    for wrong in [
        (np.zeros((1, 4)), one, one),
        (forms, np.ones(2), one),
        (forms, one, one * np.nan),
    ]:
        with pytest.raises(ValueError, match="wrong shape"):
            ImageCell(zonotope, *wrong)
    cell = ImageCell(zonotope, forms, one, one)
    with pytest.raises(ValueError, match="wrong shape"):
        cell.settle(np.zeros(3), wants_input=True)
    with pytest.raises(ValueError, match="wrong shape"):
        cell.input_holds(np.zeros(29))
    for place in (-1, 1):
        with pytest.raises(IndexError):
            cell.multipliers_hold(np.array([place]), one)
    with pytest.raises(IndexError):
        cell.nearest(2)
    with pytest.raises(ValueError, match="wrong shape"):
        picture._replace(lower=np.zeros(7)).zonotope()
    with pytest.raises(ValueError, match="not finite"):
        picture._replace(inverse=picture.inverse * np.inf).zonotope()
