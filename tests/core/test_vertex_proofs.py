"""The bounds of the vertex kernel hold, in rational arithmetic, and are not absurdly large."""

from __future__ import annotations

import numpy as np
import pytest
from flint import fmpq, fmpq_mat

from nnce_cli.enumeration.problem import Problem
from nnce_cli.enumeration.scaling import (
    input_exponents,
    new_vertex_workspace,
    scaled_network,
    start,
)
from nnce_cli.exact import Pullback
from nnce_cli.kernels.vertex_cut import locate_in_plane, locate_in_space
from nnce_cli.kernels.vertex_forms import (
    add_neuron,
    find_columns,
    note_signs,
    take_columns,
    take_forms,
)
from nnce_cli.network import AffineMap, LayerStack
from tests.cases import cube
from tests.test_proofs import normal_stack

LOCATE = {2: locate_in_plane.py_func, 3: locate_in_space.py_func}


def rational(x):
    return fmpq(*float(x).as_integer_ratio())


def workspace(stack, box=None):
    """Return the scaled network and a workspace with the box in its first frame."""
    box = cube(stack.n_inputs, -1, 1) if box is None else box
    net = scaled_network(Problem.of(stack, box))
    ws = new_vertex_workspace(net, rows=False)
    start(net, ws)
    return net, ws


def true_vertex(forms):
    """Return the point where all of these rational forms are zero."""
    d = len(forms)
    matrix = fmpq_mat([row[1:] for row in forms])
    right = fmpq_mat(d, 1, [-row[0] for row in forms])
    return matrix.solve(right).entries()


def random_forms(random, dimension, angle):
    """Return forms of size at most 1, all nearly parallel: ``angle`` apart."""
    common = random.uniform(-1, 1, dimension + 1)
    rows = common + angle * random.uniform(-1, 1, (dimension, dimension + 1))
    return rows / np.abs(rows).sum(axis=1).max()


@np.errstate(all="ignore")
@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("error", [1e-290, 1e-12, 1e-6])
def test_blur_bounds_the_distance_to_the_true_vertex(dimension, error):
    """The true planes differ from the computed ones by up to ``error``, by all of it at worst."""
    _, ws = workspace(normal_stack((dimension, dimension), 0))
    random = np.random.default_rng(dimension)
    ws.plane[4] = np.arange(dimension)
    known, largest = 0, 0.0
    for angle in [1.0, 1e-2, 1e-4, 1e-8, 1e-14] * 60:
        forms = random_forms(random, dimension, angle)
        ws.plane_form[:dimension] = forms
        ws.plane_error[:dimension] = error
        LOCATE[dimension](ws, 4)
        if not ws.blur[4] <= 0.5:
            assert ws.blur[4] == np.inf
            continue
        share = random.dirichlet(np.ones(dimension + 1), dimension) * (1 - 1e-9)
        signs = random.choice([-1, 1], (dimension, dimension + 1))
        true = [
            [rational(x) + rational(error * p * s) for x, p, s in zip(*rows, strict=True)]
            for rows in zip(forms, share, signs, strict=True)
        ]
        vertex = true_vertex(true)
        if any(abs(x) > 1 for x in vertex):
            continue  # true vertices lie in the box
        off = max(abs(rational(x) - y) for x, y in zip(ws.point[4], vertex, strict=True))
        assert off <= rational(ws.blur[4])
        known += 1
        largest = max(largest, float(int(off.p) / int(off.q)) / ws.blur[4])
    assert known > 20
    assert largest > 1e-4


@np.errstate(all="ignore")
@pytest.mark.parametrize("dimension", [2, 3])
def test_parallel_planes_have_no_known_vertex(dimension):
    _, ws = workspace(normal_stack((dimension, dimension), 0))
    ws.plane[4] = np.arange(dimension)
    for scale in (1.0, 2.0**-500, 0.0):
        ws.plane_form[:dimension] = 0.125 * scale
        ws.plane_form[0, 0] += 2.0**-40
        LOCATE[dimension](ws, 4)
        assert ws.blur[4] == np.inf
        assert ws.point[4].tolist() == [0.0] * dimension


def forms_error(stack, box, active):
    """Return what the forms of each layer err by: per neuron, exact, over the scaled box."""
    problem = Problem.of(stack, box)
    net, ws = workspace(stack, box)
    size = np.max(np.abs(net.first[:, : stack.hidden[0].n_out]).sum(axis=0))
    assert 0.25 < size <= 1.0
    inputs = [rational(2.0 ** int(e)) for e in input_exponents(problem.box)]
    for layer in range(len(stack.hidden)):
        take_forms.py_func(net, ws, 0, layer)
        exact = Pullback(stack).preactivations(layer, active)
        n = stack.hidden[layer].n_out
        for j in range(n):
            row = [exact[j, 0], *(exact[j, 1 + i] * inputs[i] for i in range(len(inputs)))]
            computed = [rational(x) for x in ws.form[layer, : len(row), j]]
            yield layer, j, row, computed, net.error[layer]
        if layer + 1 < len(stack.hidden):
            ws.partial[0] = 0.0
            ws.partial[0, 0] = net.bias[layer + 1]
            for k in np.flatnonzero(active[layer]).tolist():
                add_neuron.py_func(net, ws, 0, layer, k)


@pytest.mark.parametrize("widths", [(2, 6, 6, 5), (3, 8, 7), (1, 5, 5, 5, 5)])
@pytest.mark.parametrize("exponent", [0, 900, -900])
def test_the_error_of_forms_is_bounded(widths, exponent):
    """The forms are the exact preactivations, scaled by a power of two, up to ``error``."""
    stack = normal_stack(widths, 5)
    factors = [2.0**exponent, *[1.0] * (len(widths) - 2)]
    maps = [
        AffineMap(layer.weight * factor, layer.bias * 2.0**exponent)
        for layer, factor in zip(stack.hidden, factors, strict=True)
    ]
    stack = LayerStack(tuple(maps), None, stack.input_shape, "")
    random = np.random.default_rng(1)
    active = [random.integers(0, 2, size=n).astype(bool).tolist() for n in widths[1:]]
    largest = 0.0
    for layer, j, row, computed, bound in forms_error(stack, cube(widths[0], -3, 1), active):
        k = max(range(len(row)), key=lambda i: abs(computed[i]))
        ratio = row[k] / computed[k]
        power = fmpq(2) ** round(np.log2(float(int(ratio.p) / int(ratio.q))))
        off = sum((abs(x / power - y) for x, y in zip(row, computed, strict=True)), fmpq(0))
        assert off <= rational(bound), (layer, j)
        assert sum(map(abs, computed), fmpq(0)) <= 1 + fmpq(1, 2**20)
        largest = max(largest, float(int(off.p) / int(off.q)) / bound)
    assert largest > 1e-4


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_signs_are_claimed_beyond_the_margin_only(dimension):
    """One neuron after the other is zero, or nearly, at the upper corner of the box."""
    gaps = [0.0, 2.0**-52, -(2.0**-52), 2.0**-42, -(2.0**-42), 1.0, -1.0]
    weight = np.ones((len(gaps), dimension))
    bias = np.array(gaps) - dimension
    net, ws = workspace(LayerStack((AffineMap(weight, bias),), None, (1, dimension), ""))
    take_forms.py_func(net, ws, 0, 0)
    find_columns.py_func(net, ws, 0, 0)
    take_columns.py_func(ws, 0)
    columns = ws.column_neuron[0, : ws.columns[0]].tolist()
    assert columns == [0, 1, 2, 3, 5]  # the others are negative on the whole box
    corner = 2**dimension - 1
    note_signs.py_func(net, ws, corner, 0)
    claims = [
        (int(ws.positive[corner, 0]) >> c & 1) - (int(ws.negative[corner, 0]) >> c & 1)
        for c in range(5)
    ]
    assert claims == [0, 0, 0, 1, 1]
    ws.blur[corner] = np.inf
    note_signs.py_func(net, ws, corner, 0)
    assert not ws.positive[corner].any()
    assert not ws.negative[corner].any()
