"""Upper bounds on the number of cells, against their published formulas and known counts."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.analysis import bounds, montufar, serra, sign_vectors
from nnce_cli.base.sizes import Sizes
from tests.cases import known_cases, needs_cases

of_widths = Sizes.of_widths
small_widths = st.lists(st.integers(1, 6), min_size=2, max_size=5)


def serra_by_formula(widths: list[int]) -> int:
    """Theorem 1 of Serra et al. (2018), term by term."""
    n0, *hidden = widths
    total = 0
    for j in product(*(range(n + 1) for n in hidden)):
        caps = [
            min([n0, *(hidden[i] - j[i] for i in range(layer)), n])
            for layer, n in enumerate(hidden)
        ]
        if all(choice <= cap for choice, cap in zip(j, caps, strict=True)):
            total += math.prod(math.comb(n, choice) for n, choice in zip(hidden, j, strict=True))
    return total


def montufar_by_formula(widths: list[int]) -> int:
    """The product of sums of binomials, with d_l = min(n_0, ..., n_l)."""
    return math.prod(
        sum(math.comb(n, j) for j in range(min(widths[: layer + 1]) + 1))
        for layer, n in enumerate(widths)
        if layer > 0
    )


@given(small_widths)
def test_serra_is_its_formula(widths):
    assert serra(of_widths(widths)) == serra_by_formula(widths)


@given(small_widths)
def test_montufar_is_its_formula(widths):
    assert montufar(of_widths(widths)) == montufar_by_formula(widths)


@pytest.mark.parametrize(
    ("widths", "expected"),
    [
        # One layer: the cells of n lines in the plane, 1 + n + C(n, 2), and no more than 2^n.
        ([2, 4], {"sign_vectors": 16, "montufar": 11, "serra": 11}),
        ([5, 3], {"sign_vectors": 8, "montufar": 8, "serra": 8}),
        # One input, two neurons, twice. (j_1, j_2) runs over (0, 0), (0, 1), (1, 0), (1, 1):
        # 1 + 2 + 2 + 4 = 9, because one active neuron still carries dimension 1.
        ([1, 2, 2], {"sign_vectors": 16, "montufar": 9, "serra": 9}),
        # One neuron, then one: j_1 = 1 leaves dimension 0, so 1 + 1 + 1 = 3 and not 4.
        ([1, 1, 1], {"sign_vectors": 4, "montufar": 4, "serra": 3}),
        # j_1 = 0 leaves 2: 1 + 2 + 1 = 4; j_1 = 1 leaves 1: 2 * 3 = 6; j_1 = 2 leaves 0: 1.
        ([2, 2, 2], {"sign_vectors": 16, "montufar": 16, "serra": 11}),
    ],
)
def test_by_hand(widths, expected):
    assert bounds(of_widths(widths)) == expected


@given(st.integers(1, 30), st.integers(1, 30))
def test_one_layer_is_buck_1943(inputs, neurons):
    generic = sum(math.comb(neurons, j) for j in range(inputs + 1))
    assert serra(of_widths([inputs, neurons])) == montufar(of_widths([inputs, neurons])) == generic


@given(st.lists(st.integers(1, 40), min_size=2, max_size=7))
def test_each_bound_is_at_most_the_one_before(widths):
    assert (
        1
        <= serra(of_widths(widths))
        <= montufar(of_widths(widths))
        <= sign_vectors(of_widths(widths))
    )


def test_wide_and_deep_networks_are_exact_integers():
    # With n_l >= 2 n_0 no choice of j lowers the dimension, and the two bounds agree.
    generic = sum(math.comb(50, j) for j in range(6))
    five, forty = of_widths([5] + [50] * 6), of_widths([40] + [50] * 6)
    assert montufar(five) == serra(five) == generic**6
    assert serra(forty) < montufar(forty)
    assert serra(of_widths([150_000, 4096, 4096, 1000])) > 2**4096


@needs_cases
@pytest.mark.parametrize("folder", ["random", "degenerate"])
def test_known_counts_stay_below(folder):
    cases = known_cases(folder)
    assert cases
    for name, case in cases.items():
        for layer, cells in enumerate(case["layer_cells"], start=1):
            assert cells <= serra(of_widths(case["widths"][: layer + 1])), name
