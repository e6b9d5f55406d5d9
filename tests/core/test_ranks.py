"""Ranks: the modular elimination along sorted rows against exact ranks, and hand cases."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from flint import fmpq, fmpq_mat

from nnce_cli import _core
from nnce_cli.enumeration.ranks import RankFinder, residues
from nnce_cli.network import AffineMap, LayerStack

PRIME = _core.PRIME


def integer_stack(widths, seed, spread):
    """Return a network of small integer weights, many of whose ranks are deficient."""
    random = np.random.default_rng(seed)
    maps = [
        AffineMap(random.integers(-spread, spread + 1, (n_out, n_in)).astype(float), np.ones(n_out))
        for n_in, n_out in itertools.pairwise(widths)
    ]
    return LayerStack(tuple(maps), None, (1, widths[0]), "")


def slow_ranks(stack, bits):
    """Multiply the masked weight matrices out and take rational ranks."""
    product = fmpq_mat(
        [[fmpq(int(i == j)) for j in range(stack.n_inputs)] for i in range(stack.n_inputs)]
    )
    ranks, first = [], 0
    for layer in stack.hidden:
        rows = (layer.rational[0] * product).tolist()
        mask = bits[first : first + layer.n_out]
        product = fmpq_mat([[x * int(on) for x in row] for row, on in zip(rows, mask, strict=True)])
        ranks.append(int(product.rank()))
        first += layer.n_out
    return ranks


def packed(stack, bits):
    """Pack rows of bits layer by layer."""
    parts, first = [], 0
    for n in stack.widths[1:]:
        parts.append(np.packbits(bits[:, first : first + n], axis=1))
        first += n
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize(
    ("widths", "spread"), [((3, 5, 4), 1), ((4, 9, 3, 5), 1), ((2, 3, 3, 3), 3)]
)
@pytest.mark.parametrize("seed", range(3))
def test_ranks_of_sorted_and_of_repeated_rows(widths, spread, seed):
    """Any sign vectors will do, whether cells have them or not; in two batches."""
    stack = integer_stack(widths, seed, spread)
    random = np.random.default_rng(seed)
    bits = random.integers(0, 2, size=(120, sum(widths[1:]))).astype(np.uint8)
    bits = bits[np.lexsort(bits.T[::-1])]
    finder = RankFinder(stack)
    rows = packed(stack, bits)
    found = np.concatenate([finder.ranks(rows[:50]), finder.ranks(rows[50:])])
    assert found.tolist() == [slow_ranks(stack, row.tolist()) for row in bits]


def test_a_rank_that_the_prime_hides_is_found():
    """A weight that is a multiple of the prime looks like zero to the elimination."""
    stack = LayerStack(
        (AffineMap(np.array([[float(PRIME), 0.0], [0.0, 1.0]]), np.zeros(2)),
         AffineMap(np.eye(2), np.zeros(2))), None, (1, 2), "",
    )  # fmt: skip
    finder = RankFinder(stack)
    both_active = packed(stack, np.ones((1, 4), dtype=np.uint8))
    assert finder.ranks(both_active).tolist() == [[2, 2]]
    assert finder.exact_ranks == 2


@pytest.mark.parametrize("near", [0, PRIME, 2 * PRIME, 2**32, PRIME**2, 2 * PRIME**2, 2**63])
def test_residues_at_the_ends_of_their_ranges(near):
    """The elimination adds two products of residues; folding must not leave PRIME itself."""
    for x in range(max(near - 3, 0), min(near + 4, 2**63)):
        assert _core.residue(x) == x % PRIME


@pytest.mark.parametrize("inputs", [1, 7, 8, 9, 17])
def test_ranks_do_not_depend_on_the_padding_of_rows(inputs):
    """The network that adds the last input to each of the others has the rank of an identity."""
    weight = np.eye(inputs)
    weight[:, -1] = 1.0
    stack = LayerStack((AffineMap(weight, np.zeros(inputs)),), None, (1, inputs), "")
    bits = np.tril(np.ones((inputs, inputs), dtype=np.uint8))
    finder = RankFinder(stack)
    assert finder.ranks(packed(stack, bits)).ravel().tolist() == list(range(1, inputs + 1))
    assert finder.exact_ranks == 0


def slow_ranks_with_slopes(weights, slopes, bits):
    """Multiply the weight matrices and the slopes out, and take rational ranks."""
    n = weights[0].shape[1]
    product = fmpq_mat([[fmpq(int(i == j)) for j in range(n)] for i in range(n)])
    ranks, first = [], 0
    for weight, slope in zip(weights, slopes, strict=True):
        on = bits[first : first + len(slope)]
        passed = [1 if b else s for b, s in zip(on, slope, strict=True)]
        passed += [1] * (len(weight) - len(slope))
        rows = (fmpq_mat(weight.tolist()) * product).tolist()
        product = fmpq_mat([[x * f for x in row] for row, f in zip(rows, passed, strict=True)])
        ranks.append(int(product.rank()))
        first += len(slope)
    return ranks


@pytest.mark.parametrize("seed", range(4))
def test_ranks_of_units_with_slopes_and_pass_throughs(seed):
    """Slopes are small integers, some of them 0; a tight rank is the rank."""
    random = np.random.default_rng(seed)
    widths, units = (3, 5, 4, 10), (4, 3, 9)
    weights = [random.integers(-1, 2, (n, m)) for m, n in itertools.pairwise(widths)]
    slopes = [random.integers(-1, 3, n) for n in units]
    finder = _core.Ranks(
        3,
        [(w % PRIME).astype(np.uint32) for w in weights],
        [(s % PRIME).astype(np.uint32) for s in slopes],
        [[]] * 3,
        [[]] * 3,
    )
    bits = random.integers(0, 2, size=(200, sum(units))).astype(np.uint8)
    bits = bits[np.lexsort(bits.T[::-1])]
    layers = np.split(bits, np.cumsum(units)[:-1], axis=1)
    packed_rows = np.concatenate([np.packbits(layer, axis=1) for layer in layers], axis=1)
    ranks, tight = finder.rank_rows(packed_rows)
    for i, row in enumerate(bits.tolist()):
        exact = slow_ranks_with_slopes(weights, slopes, row)
        assert ranks[i].tolist() == exact  # small integers: no minor is a multiple of the prime
    assert 0 < tight.mean() <= 1


def test_rank_finders_refuse_what_does_not_fit():
    good = np.ones((2, 2), dtype=np.uint32)
    slopes = [np.zeros(2, dtype=np.uint32)]
    for inputs, weights in [(3, [good]), (0, [good]), (2, []), (2, [good * np.uint32(PRIME)])]:
        with pytest.raises(ValueError, match=r"fit|inputs|layers|prime"):
            _core.Ranks(inputs, weights, slopes, [[]], [[]])
    with pytest.raises(ValueError, match="fit"):
        _core.Ranks(2, [good], [np.zeros(3, dtype=np.uint32)], [[]], [[]])
    with pytest.raises(ValueError, match="sign vectors"):
        _core.Ranks(2, [good], slopes, [[]], [[]]).rank_rows(np.zeros((1, 2), dtype=np.uint8))


@pytest.mark.parametrize("exponent", [-1074, -1022, -60, 0, 31, 900])
def test_weights_modulo_the_prime_are_those_of_the_rational_numbers(exponent):
    """Floats of any size, subnormal ones too, by their mantissa and exponent."""
    random = np.random.default_rng(exponent + 2000)
    weight = np.ldexp(random.normal(size=(5, 4)), exponent)
    weight[0] = [0.0, -0.0, np.ldexp(1.0, exponent), -np.ldexp(1.0, exponent)]
    expected = [
        [int(x.p) * pow(int(x.q), -1, _core.PRIME) % _core.PRIME for x in row]
        for row in AffineMap(weight, np.zeros(5)).rational[0].tolist()
    ]
    assert residues(AffineMap(weight, np.zeros(5))).tolist() == expected
