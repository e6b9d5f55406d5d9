"""The float proofs never say more than is true, and say it of what is comfortably true."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from flint import fmpq

from nnce_cli._core import Workbench
from nnce_cli.enumeration import DictionaryWalk, Problem, batches
from nnce_cli.enumeration.dictionary.network import core_network
from nnce_cli.exact import Pullback
from nnce_cli.network import AffineMap, LayerStack
from tests.cases import cube


def exactly(x):
    """Return a float as a rational number."""
    return fmpq(*float(x).as_integer_ratio())


def normal_stack(widths, seed):
    """Return a network with normal float64 weights, whose products all round."""
    random = np.random.default_rng(seed)
    maps = [
        AffineMap(random.normal(size=(n_out, n_in)), random.normal(size=n_out))
        for n_in, n_out in itertools.pairwise(widths)
    ]
    return LayerStack(tuple(maps), None, (1, widths[0]), "")


@pytest.mark.parametrize("seed", range(8))
def test_the_error_of_pulled_back_coefficients_is_bounded(seed):
    """`form_error` bounds the difference to the exact preactivation at the corners of the box."""
    stack = normal_stack((4, 6, 6, 5), seed)
    bench = Workbench(core_network(stack, cube(4, -1, 1)))
    random = np.random.default_rng(seed)
    active = [random.integers(0, 2, size=n).astype(bool).tolist() for n in stack.widths[1:]]
    bench.follow([1 if on else -1 for layer in active for on in layer], [])
    for layer in range(3):
        bench.pull_back(layer)
    forms, errors, scales = bench.forms, bench.form_error, bench.scale
    largest, unit = 0.0, 0
    for layer in range(3):
        exact = Pullback(stack).preactivations(layer, active)
        for j in range(stack.widths[layer + 1]):
            scale = exactly(scales[unit])
            difference = [abs(exactly(forms[unit, i]) - scale * exact[j, i]) for i in range(5)]
            actual = sum(difference, fmpq(0))  # the largest over the corners of [-1, 1]^4
            bound = exactly(errors[unit])
            assert actual <= bound
            if actual > 0:
                largest = max(largest, float((actual / bound).p) / float((actual / bound).q))
            unit += 1
    assert largest > 1e-4  # the bounds are not absurdly large either


def test_the_sign_errors_bound_a_float_forward_pass():
    stack = normal_stack((5, 7, 7, 7), 3)
    problem = Problem.of(stack, cube(5, -1, 1))
    maps = [layer.rational for layer in stack.hidden]
    for point in np.random.default_rng(0).uniform(-1, 1, size=(20, 5)):
        exact, a = [], [exactly(x) for x in point]
        for weight, bias in maps:
            z = [
                sum((weight[j, i] * a[i] for i in range(len(a))), bias[j, 0])
                for j in range(weight.nrows())
            ]
            exact += z
            a = [max(x, fmpq(0)) for x in z]
        values = np.concatenate([z[0] for z in stack.preactivations(point[None])][:3])
        for value, truth, bound in zip(values, exact, problem.sign_error, strict=True):
            assert abs(exactly(value) - truth) <= exactly(bound)


def slab_proof(gap, side):
    """Ask whether side * (x + y + 2 + gap) > 0 on [-1, 1]^2 is proved at the corner (-1, -1)."""
    layer = AffineMap(np.array([[1.0, 1.0]]), np.array([2.0 + gap]))
    bench = Workbench(core_network(LayerStack((layer,), None, (1, 2), ""), cube(2, -1, 1)))
    bench.pull_back(0)
    bench.add_layer(0)
    return bench.holds(0, 0, side)


def test_touching_is_unsure_and_a_gap_is_proved():
    assert slab_proof(2.0**-40, 1.0)
    assert not slab_proof(0.0, 1.0)  # touches the corner: exact arithmetic must say so
    assert not slab_proof(-(2.0**-40), 1.0)
    assert not slab_proof(2.0**-40, -1.0)


WITNESSES = [
    ((0.5, 0.25), 1, True),
    ((0.5, 0.25), -1, False),
    ((0.25, 0.5), -1, True),
    ((0.25, 0.25), -1, False),
    ((1.0, 0.25), 1, False),
    ((0.25 + 2.0**-54, 0.25), 1, False),
]


def test_a_witness_on_a_hyperplane_or_on_the_boundary_is_not_proved():
    """By its signs, and by the forms of the splits on the path."""
    layer = AffineMap(np.array([[1.0, -1.0]]), np.zeros(1))
    bench = Workbench(core_network(LayerStack((layer,), None, (1, 2), ""), cube(2, -1, 1)))
    bench.pull_back(0)
    for point, sign, proved in WITNESSES:
        bench.follow([sign], [0])
        assert bench.has_signs_of_path(np.array(point)) == proved, (point, sign)
        assert bench.is_inside(np.array(point)) == proved, (point, sign)
    bench.follow([0], [])  # a neuron known to be zero everywhere is not looked at
    assert bench.has_signs_of_path(np.array((0.25, 0.25)))
    assert bench.is_inside(np.array((0.25, 0.25)))
    assert not bench.is_inside(np.array((1.0, 0.25)))


def test_decisions_are_counted_by_path():
    """On integer weights through the origin every decision of a neuron is exact."""
    stack = LayerStack(
        (AffineMap(np.array([[1.0, 0.0], [1.0, 1.0]]), np.zeros(2)),), None, (1, 2), ""
    )
    walk = DictionaryWalk(Problem.of(stack, cube(2, -1, 1)), rows=False)
    for _ in batches(walk):
        pass
    assert walk.cells == 4
    assert walk.decisions["witnesses_float"] + walk.decisions["witnesses_exact"] == 4


@pytest.mark.parametrize("exponent", [-1000, -500, 0, 300, 1000, 1020])
def test_weights_at_the_ends_of_the_float_range(exponent):
    """Scaling all of layer 1, and layer 2's bias alike, by a power of two changes no cell.

    In float64 the products overflow or vanish; nothing may be lost or warned of.
    """
    random = np.random.default_rng(1)
    first = random.integers(-3, 4, (5, 2)), random.integers(-2, 3, 5)
    second = random.integers(-3, 4, (4, 5)), random.integers(-2, 3, 4)
    factor = 2.0**exponent
    maps = (
        AffineMap(first[0] * factor, first[1] * factor),
        AffineMap(second[0] * 1.0, second[1] * factor),
    )
    walk = DictionaryWalk(Problem.of(LayerStack(maps, None, (1, 2), ""), cube(2, -1, 1)))
    with np.errstate(all="raise"):
        rows = [np.concatenate(b.signs, axis=1) for b in batches(walk)]
    plain = (AffineMap(first[0] * 1.0, first[1] * 1.0), AffineMap(second[0] * 1.0, second[1] * 1.0))
    expected = DictionaryWalk(Problem.of(LayerStack(plain, None, (1, 2), ""), cube(2, -1, 1)))
    expected_rows = [np.concatenate(b.signs, axis=1) for b in batches(expected)]
    assert np.array_equal(np.concatenate(rows), np.concatenate(expected_rows))
    assert walk.layer_cells == expected.layer_cells
