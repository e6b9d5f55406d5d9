"""Exact arithmetic and exact composition, against ``fractions.Fraction``."""

from __future__ import annotations

import math
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from onnx.helper import make_node

from nnce_cli.base.errors import InputError
from nnce_cli.network import AffineMap, load_network, rational_matrix
from nnce_cli.network.exact import ExactArithmetic, nearest, nearest_root, rationals
from tests.networks import INPUT, OUTPUT, graph_model, mlp_model, save

FLOATS = st.one_of(
    st.integers(-9, 9).map(float),
    st.floats(-8, 8),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.1, 1 / 3, -0.0, 5e-324, 2.0**-1022, 2.0**600, -(2.0**-600), 1.7e308]),
)


def vectors(entries=FLOATS):
    return arrays(np.float64, st.just(4), elements=entries)


def matrices(rows, columns, entries=FLOATS):
    return arrays(np.float64, st.just((rows, columns)), elements=entries)


def fractions(array) -> list[Fraction]:
    """Entries of an exact array or a rational matrix, row by row."""
    entries = array.entries() if hasattr(array, "entries") else np.asarray(array).ravel().tolist()
    return [Fraction(int(x.p), int(x.q)) if isinstance(x, fmpq) else Fraction(x) for x in entries]


def product(a: list[list[Fraction]], b: list[list[Fraction]]) -> list[list[Fraction]]:
    return [
        [sum(x * y for x, y in zip(r, c, strict=True)) for c in zip(*b, strict=True)] for r in a
    ]


def table(array) -> list[list[Fraction]]:
    return [[Fraction(x) for x in row] for row in np.asarray(array, dtype=np.float64).tolist()]


def flat(rows: list[list[Fraction]]) -> list[Fraction]:
    return [x for row in rows for x in row]


@given(vectors(), vectors())
def test_sums_products_and_quotients_are_exact(a, b):
    arithmetic = ExactArithmetic()
    pairs = list(zip(fractions(a), fractions(b), strict=True))
    assert fractions(arithmetic.add(a, b)) == [x + y for x, y in pairs]
    assert fractions(arithmetic.multiply(a, b)) == [x * y for x, y in pairs]
    if b.all():
        assert fractions(arithmetic.divide(a, b)) == [x / y for x, y in pairs]


@given(matrices(2, 3), matrices(3, 2))
def test_matrix_products_are_exact(a, b):
    assert fractions(ExactArithmetic().matmul(a, b)) == flat(product(table(a), table(b)))


def test_arithmetic_stays_in_float64_where_nothing_rounds():
    arithmetic = ExactArithmetic()
    a, b = np.array([1.5, 0.0, -3.0]), np.array([0.25, 0.1, 2.0**-40])
    powers = np.array([2.0, 0.5, -4.0])
    for result in (arithmetic.add(a, b), arithmetic.multiply(a, b), arithmetic.divide(b, powers)):
        assert result.dtype == np.float64
    assert arithmetic.divide(a, np.array([7.0])).dtype == np.object_
    # A detour over rationals that ends in float64s comes back.
    seventh = arithmetic.divide(a, np.array([7.0]))
    assert arithmetic.multiply(seventh, np.array([7.0])).dtype == np.float64


@given(st.fractions(), st.integers(-1000, 1000))
def test_nearest_root_is_correctly_rounded(value, exponent):
    value = abs(value) * Fraction(2) ** exponent
    root = nearest_root(fmpq(value.numerator, value.denominator))
    # r is nearest to sqrt(v) iff v lies between the squares of the midpoints around r.
    below, above = math.nextafter(root, 0.0), math.nextafter(root, math.inf)
    assert ((Fraction(below) + Fraction(root)) / 2) ** 2 <= value
    assert value <= ((Fraction(root) + Fraction(above)) / 2) ** 2


def test_nearest_root_next_to_a_tie():
    # 1 + 2^-53 lies half-way between two floats: its square rounds to the even one, 1; anything
    # more, however little, to the other.
    tie = (Fraction(1) + Fraction(1, 2**53)) ** 2
    for value, expected in ((tie, 1.0), (tie + Fraction(1, 2**500), 1.0 + 2.0**-52)):
        assert nearest_root(fmpq(value.numerator, value.denominator)) == expected


@given(st.fractions())
def test_nearest_is_the_nearest_float(value):
    assert nearest(np.array([fmpq(value.numerator, value.denominator)], dtype=object)) == [
        float(value)
    ]


@given(matrices(3, 2), arrays(np.float64, 3, elements=FLOATS))
def test_rational_is_the_map_itself(weight, bias):
    w, b = AffineMap(weight, bias).rational
    assert (w.nrows(), w.ncols(), b.nrows(), b.ncols()) == (3, 2, 3, 1)
    assert fractions(w) == fractions(weight)
    assert fractions(b) == fractions(bias)


def test_a_map_from_rationals_that_are_floats_has_no_exact_part():
    weight = rationals(np.array([[1.0, 0.5], [0.1, -3.0]]))
    assert AffineMap.of(weight, np.zeros(2)).exact is None
    third = AffineMap.of(weight / 3, np.zeros(2))
    assert third.exact is not None
    assert third.weight.tolist() == [[1 / 3, float(Fraction(1, 6))], [float(Fraction(0.1) / 3), -1]]
    with pytest.raises(InputError, match="out of float64's range"):
        AffineMap.of(weight * fmpq(10**400), np.zeros(2))


def test_maps_without_inputs():
    layer = AffineMap(np.zeros((3, 0)), np.ones(3))
    assert (layer.rational[0].nrows(), layer.rational[0].ncols()) == (3, 0)
    np.testing.assert_array_equal(layer.apply(np.zeros((2, 0))), np.ones((2, 3)))
    assert (rational_matrix(np.zeros((0, 4))).nrows()) == 0


SMALL = st.one_of(st.integers(-9, 9).map(float), st.floats(-8, 8, width=32))


@settings(max_examples=60, deadline=None)
@given(
    matrices(4, 3, SMALL),
    arrays(np.float64, 4, elements=SMALL),
    matrices(2, 4, SMALL),
    arrays(np.float64, 2, elements=SMALL),
    arrays(np.float64, 3, elements=SMALL.filter(bool)),
)
def test_a_chain_of_affine_nodes_is_multiplied_exactly(w1, b1, w2, b2, scale):
    # z = W2 (W1 ((x - s) / s) + b1) + b2, with weights that float64 cannot multiply exactly.
    nodes = [
        make_node("Sub", [INPUT, "s"], ["centred"]),
        make_node("Div", ["centred", "s"], ["scaled"]),
        make_node("Gemm", ["scaled", "W1", "b1"], ["y"], transB=1),
        make_node("MatMul", ["y", "V2"], ["m"]),
        make_node("Add", ["m", "b2"], ["z"]),
        make_node("Relu", ["z"], [OUTPUT]),
    ]
    constants = {"s": scale, "W1": w1, "b1": b1, "V2": w2.T, "b2": b2}
    with tempfile.TemporaryDirectory() as folder:
        [layer] = load_network(
            save(graph_model(nodes, constants, ["N", 3]), Path(folder) / "m.onnx")
        ).hidden
    composed = product(table(w2), table(w1))
    weight = [[x / Fraction(s) for x, s in zip(row, scale, strict=True)] for row in composed]
    bias = product(composed, [[Fraction(-1)]] * 3)
    middle = product(table(w2), [[Fraction(x)] for x in b1])
    bias = [[x + y + Fraction(b)] for [x], [y], b in zip(bias, middle, b2, strict=True)]
    assert fractions(layer.rational[0]) == flat(weight)
    assert fractions(layer.rational[1]) == flat(bias)
    assert layer.weight.tolist() == [[float(x) for x in row] for row in weight]
    is_float = all(Fraction(float(x)) == x for row in [*weight, *bias] for x in row)
    assert (layer.exact is None) == is_float


def test_batch_normalization_rounds_each_operation_of_its_factor_once():
    rng = np.random.default_rng(5)
    s, b, m, v = (rng.normal(size=40).astype(np.float32) for _ in range(4))
    v = np.abs(v)
    nodes = [
        make_node("BatchNormalization", [INPUT, *"sbmv"], ["z"], epsilon=0.01),
        make_node("Relu", ["z"], [OUTPUT]),
    ]
    model = graph_model(nodes, {"s": s, "b": b, "m": m, "v": v}, ["N", 40])
    with tempfile.TemporaryDirectory() as folder:
        [layer] = load_network(save(model, Path(folder) / "m.onnx")).hidden
    for i in range(40):
        total = float(v[i]) + float(np.float32(0.01))
        factor = Fraction(float(s[i]) / math.sqrt(total))
        expected = Fraction(float(b[i])) - Fraction(float(m[i])) * factor
        assert Fraction(layer.weight[i, i]) == factor
        assert fractions(layer.rational[1])[i] == expected
    assert np.count_nonzero(layer.weight) == 40


def test_a_large_layer_needs_no_rationals():
    rng = np.random.default_rng(0)
    weights = [
        (rng.normal(size=(256, 784)), rng.normal(size=256)),
        (rng.normal(size=(10, 256)), np.zeros(10)),
    ]
    with tempfile.TemporaryDirectory() as folder:
        for style in ("gemm", "matmul"):
            model = mlp_model(weights, dtype=np.float64, style=style)
            stack = load_network(save(model, Path(folder) / "m.onnx"))
            assert stack.hidden[0].exact is None
            np.testing.assert_array_equal(stack.hidden[0].weight, weights[0][0])
