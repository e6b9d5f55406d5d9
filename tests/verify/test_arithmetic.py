"""What the checker computes with, against the Parma Polyhedra Library and against formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st
from ppl import C_Polyhedron, Linear_Expression, Variable

from nnce_cli.network import AffineMap
from nnce_cli.verify.exact_codes import locate
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.float_codes import FloatCodes
from nnce_cli.verify.forms import rationals
from nnce_cli.verify.layer_map import LayerMap
from nnce_cli.verify.polytope import Polytope, combination_proves
from nnce_cli.verify.ranks import ranks_modulo
from nnce_cli.verify.volume import volume
from tests.cases import cube
from tests.strategies import SHAPES, boxes, examples, networks, stack_from


def random_forms(d, n, seed):
    """Return n affine functions with small integer coefficients: full of ties."""
    random = np.random.default_rng(seed)
    table = random.integers(-2, 3, size=(n, d + 1))
    return [[fmpq(int(x)) for x in row] for row in table if row[1:].any()]


def expression(form):
    return Linear_Expression([int(a.p) for a in form[1:]], int(form[0].p))


def value(form, point):
    return form[0] + sum((a * x for a, x in zip(form[1:], point, strict=True)), fmpq(0))


def normalised(form):
    """Return the same for all functions that vanish on the same hyperplane."""
    leading = next(x for x in form[1:] if x != 0)
    return [x / leading for x in form]


def polyhedron(forms, d):
    """Return the unit cube cut by these functions."""
    found = C_Polyhedron(d)
    for i in range(d):
        found.add_constraint(Variable(i) >= 0)
        found.add_constraint(Variable(i) <= 1)
    for form in forms:
        found.add_constraint(expression(form) >= 0)
    return found


def least(form, others, d):
    """Return the least value of a function where others are >= 0, None if they nowhere are."""
    region = polyhedron(others, d)
    if region.is_empty():
        return None
    found = region.minimize(expression(form))
    return fmpq(int(found["inf_n"]), int(found["inf_d"]))


@pytest.mark.parametrize("hinted", [True, False])
@pytest.mark.parametrize("seed", range(60))
def test_redundancy_is_that_of_ppl(seed, hinted, monkeypatch):
    """With and without hints from floating point."""
    if not hinted:
        monkeypatch.setattr(Polytope, "_float_basis", lambda self, k: None)
    d = 1 + seed % 4
    forms = random_forms(d, 2 + seed % 7, seed)
    polytope = Polytope(forms, d)
    for k, form in enumerate(forms):
        lowest = least(form, forms[:k] + forms[k + 1 :], d)
        # Where there is no point no constraint is needed.
        assert polytope.is_redundant(k) == (lowest is None or lowest >= 0)


@pytest.mark.parametrize("hinted", [True, False])
@pytest.mark.parametrize("seed", range(60))
def test_interior_points(seed, hinted, monkeypatch):
    if not hinted:
        monkeypatch.setattr(Polytope, "_proposed", lambda self, propose: None)
    d = 1 + seed % 4
    forms = random_forms(d, 1 + seed % 6, seed + 100)
    point = Polytope(forms, d).interior_point()
    if polyhedron(forms, d).affine_dimension() < d:
        assert point is None
    else:
        assert all(0 < x < 1 for x in point)
        assert all(value(form, point) > 0 for form in forms)


@pytest.mark.parametrize("cut", [fmpq(1, 2), fmpq(1, 2**12)])
def test_a_corner_of_a_cube_of_many_dimensions_needs_no_exact_program(cut):
    """Near the corner (1, …, 1) of 700 inputs, each of which has to come from its bound 0."""
    d = 700
    corner = [cut - d, *[fmpq(1)] * d]
    polytope = Polytope([corner], d)
    point = polytope.interior_point()
    assert polytope.exact_programs == 0
    assert all(0 < x < 1 for x in point)
    assert sum(1 - x for x in point) < cut


def test_thin_polytopes_have_interior_points():
    """A strip of width 2^-200, which floating point does not see."""
    width = fmpq(1, 2**200)
    third = fmpq(1, 3)
    strip = [[-third, fmpq(1), fmpq(0)], [third + width, fmpq(-1), fmpq(0)]]
    [x, y] = Polytope(strip, 2).interior_point()
    assert third < x < third + width
    assert 0 < y < 1
    line = [[-third, fmpq(1), fmpq(0)], [third, fmpq(-1), fmpq(0)]]
    assert Polytope(line, 2).interior_point() is None


@given(st.integers(0, 10**6))
@examples(200)
def test_combinations_prove_nothing_wrong(seed):
    """Whatever the basis: what a combination proves is true."""
    random = np.random.default_rng(seed)
    d = int(random.integers(1, 5))
    forms = random_forms(d, int(random.integers(2, 7)), seed)
    if len(forms) < 2:
        return
    size = int(random.integers(0, min(d, len(forms) - 1) + 1))
    others = [forms[1 + i] for i in random.choice(len(forms) - 1, size, replace=False)]
    inputs = random.choice(d, size, replace=False).tolist()
    if combination_proves(forms[0], others, inputs):
        lowest = least(forms[0], others, d)
        assert lowest is None or lowest >= 0


@pytest.mark.parametrize("d", [1, 2, 3])
def test_volumes_of_simplices(d):
    """The sum of the coordinates is at most 1 on a share 1/d! of the cube, and symmetric."""
    corner = [fmpq(1), *[fmpq(-1)] * d]
    assert volume([corner], d) == fmpq(1, math.factorial(d))
    half = [fmpq(d, 2), *[fmpq(-1)] * d]
    assert volume([half], d) == fmpq(1, 2)
    shifted = [fmpq(1, 2), *[fmpq(-1)] * d]  # with vertices that are fractions
    assert volume([shifted], d) == fmpq(1, 2**d * math.factorial(d))
    assert volume([], d) == 1
    assert volume([[fmpq(-d), *[fmpq(1)] * d]], d) == 0  # a corner point


@pytest.mark.parametrize("seed", range(60))
def test_the_two_sides_of_a_cut_add_up(seed):
    d = 1 + seed % 3
    forms = []
    for form in random_forms(d, 6, seed + 500):
        same = any(normalised(form) == normalised(other) for other in forms)
        face = normalised(form)[0] in (0, -1) and sum(x != 0 for x in form[1:]) == 1
        if not same and not face:
            forms.append(form)
    if not forms:
        return
    *others, cut = forms
    opposite = [-x for x in cut]
    whole = volume(others, d)
    parts = volume([*others, cut], d), volume([*others, opposite], d)
    assert sum(parts, fmpq(0)) == whole
    for part, side in zip(parts, (cut, opposite), strict=True):
        assert (part > 0) == (polyhedron([*others, side], d).affine_dimension() == d)


@given(layers=networks([s for s in SHAPES if s[0] == 2]), seed=st.integers(0, 10**6))
@examples(60)
def test_proved_float_codes_are_right(layers, seed):
    """On points of a coarse grid, so that many of them are on hyperplanes, and near them."""
    network = ExactNetwork(stack_from(layers), cube(2, -2, 2))
    random = np.random.default_rng(seed)
    points = random.integers(-7, 8, size=(30, 2)) / 4 + random.choice([0, 2.0**-40], size=(30, 2))
    codes, proved = FloatCodes(network).at(points)
    for point, found, sure in zip(points, codes, proved, strict=True):
        location = locate(network, rationals(point))
        end = network.units
        if location.touched is not None:
            assert not sure[location.touched]
            end = network.starts[network.layer_of(location.touched)]
        assert np.array_equal(found[:end][sure[:end]], location.codes[:end][sure[:end]])


def test_floats_settle_ordinary_points():
    """The filter is of use: on generic weights nothing is left to rational arithmetic."""
    random = np.random.default_rng(0)
    rows = [[list(row) for row in random.normal(size=(16, n + 1))] for n in (6, 16, 16)]
    network = ExactNetwork(stack_from(rows), cube(6, -1, 1))
    _, proved = FloatCodes(network).at(random.uniform(-1, 1, size=(1000, 6)))
    assert proved.mean() > 1 - 1e-4


@given(data=boxes(3, fixed=True), layers=networks([(3, 4, 3)]), seed=st.integers(0, 999))
@examples(30)
def test_forms_are_the_preactivations(data, layers, seed):
    """A function of the unit cube, pulled back to a cell, is the network's value there."""
    network = ExactNetwork(stack_from(layers), data)
    random = np.random.default_rng(seed)
    u = [fmpq(int(k), 97) for k in random.integers(1, 97, size=network.dimension)]
    x = network.chart.point(u)
    location = locate(network, x)
    if location.touched is not None:
        return
    activation = x
    for layer, (weight, bias) in enumerate(m.rational for m in network.stack.hidden):
        z = (weight * fmpq_mat(len(activation), 1, activation) + bias).entries()
        for expected, form in zip(z, network.forms(layer, location.codes), strict=True):
            assert value(form, u) == expected
        activation = [max(t, fmpq(0)) for t in z]


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4), (1, 6), (3, 0)])
def test_ranks_modulo_a_prime(shape):
    """Of small integers modulo a large prime the rank is that of the rationals."""
    random = np.random.default_rng(7)
    rows, columns = shape
    matrices = random.integers(-2, 3, size=(50, rows, columns))
    matrices[::3, -1] = matrices[::3, 0]
    matrices[::5] = 0
    prime = 2**26 - 5
    expected = [fmpq_mat(rows, columns, m.ravel().tolist()).rank() for m in matrices]
    assert ranks_modulo(matrices % prime, prime).tolist() == expected


@pytest.mark.parametrize("share", [0.02, 0.1, 0.9])
def test_sparse_weights_times_functions(share):
    """Entry by entry where most weights are zero, else as matrices; some functions are zero."""
    random = np.random.default_rng(3)
    weight = np.where(random.random((40, 30)) < share, random.integers(-3, 4, (40, 30)), 0) / 4
    layer = LayerMap.of(AffineMap(weight, np.zeros(40)), None)
    rows = [None if j % 5 == 0 else [fmpq(j, 3), fmpq(1, j)] for j in range(30)]
    table = fmpq_mat(30, 2, [x for row in rows for x in row or [0, 0]])
    expected = (layer.rational[0] * table).tolist()
    assert layer.times(rows, 2) == expected
    assert (layer._entries is None) == (share > 1 / 8)
