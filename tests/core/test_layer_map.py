"""Affine maps that are kept sparse: the same numbers, and the same cells, as dense ones."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli._core import LayerMap
from nnce_cli.enumeration import DictionaryWalk, Problem, batches
from nnce_cli.network import AffineMap, LayerStack
from tests.cases import cube
from tests.core.test_dictionary import normal_map
from tests.strategies import examples

WIDE = 96  # WIDE^2 entries are enough for a map with few entries to be kept sparse


@pytest.mark.parametrize(
    ("shape", "share", "sparse"),
    [
        ((64, 64), 0.1, True),
        ((64, 64), 0.2, False),  # too many entries
        ((63, 65), 0.05, False),  # a small map
        ((4097, 1), 0.1, True),
        ((1, 4097), 0.1, True),
        ((70, 70), 0.0, True),
    ],
)
def test_large_maps_with_few_entries_are_sparse(shape, share, sparse):
    random = np.random.default_rng(0)
    weight = random.normal(size=shape) * (random.random(shape) < share)
    assert LayerMap(weight, np.zeros(shape[0])).is_sparse == sparse


@examples(60)
@given(st.data())
def test_maps_do_what_matrices_do(data):
    """Integers, so that every order of the sums gives the same number."""
    n_out, n_in = data.draw(st.sampled_from([(1, 1), (3, 5), (17, 9), (64, 64), (67, 70)]))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    kept = random.random((n_out, n_in)) < data.draw(st.sampled_from([0.0, 0.03, 0.1, 1.0]))
    weight = random.integers(-9, 10, (n_out, n_in)) * kept * 1.0
    bias, a = random.integers(-9, 10, n_out) * 1.0, random.integers(-9, 10, n_in) * 1.0
    layer = LayerMap(weight, bias)
    assert np.array_equal(layer.apply(a), weight @ a + bias)
    chosen = random.permutation(n_in)[: data.draw(st.integers(0, n_in))]
    factor = np.abs(a[chosen])
    assert np.array_equal(layer.combine(chosen, factor, False), weight[:, chosen] @ factor + bias)
    assert np.array_equal(layer.combine(chosen, factor, True), np.abs(weight[:, chosen]) @ factor)


def signs(stack, box):
    """Return the sign vectors of all cells, in order, as bits."""
    walk = DictionaryWalk(Problem.of(stack, box))
    layers = [
        np.concatenate(parts) for parts in zip(*(b.signs for b in batches(walk)), strict=True)
    ]
    bits = [np.unpackbits(a, axis=1)[:, :n] for a, n in zip(layers, stack.widths[1:], strict=True)]
    return np.concatenate(bits, axis=1)


def spread(layer, rows, columns, n_in):
    """Return a map with WIDE neurons, of which ``rows`` are those of ``layer``, the rest dead."""
    weight, bias = np.zeros((WIDE, n_in)), np.full(WIDE, -1.0)
    weight[np.ix_(rows, columns)], bias[rows] = layer.weight, layer.bias
    return AffineMap(weight, bias)


@pytest.mark.parametrize("seed", range(4))
def test_cells_are_those_of_the_dense_network(seed):
    """Neurons of a small network among many that are always inactive."""
    random = np.random.default_rng(seed)
    widths = [(3, 5, 5), (2, 6, 4, 4), (4, 4, 4), (3, 4, 5, 3)][seed]
    maps = [normal_map(random, a, b) for a, b in itertools.pairwise(widths)]
    if seed == 2:  # integers: ties and exact arithmetic
        maps = [AffineMap(np.round(2 * m.weight), np.round(m.bias)) for m in maps]
    places = [np.sort(random.permutation(WIDE)[:n]) for n in widths[1:]]
    wide = [spread(maps[0], places[0], range(widths[0]), widths[0])]
    for layer, rows, columns in zip(maps[1:], places[1:], places, strict=False):
        wide.append(spread(layer, rows, columns, WIDE))
        assert LayerMap(wide[-1].weight, wide[-1].bias).is_sparse
    box = cube(widths[0], -1, 1)
    small = signs(LayerStack(tuple(maps), None, (1, widths[0]), ""), box)
    large = signs(LayerStack(tuple(wide), None, (1, widths[0]), ""), box)
    alive = np.concatenate([WIDE * k + rows for k, rows in enumerate(places)])
    assert len(small) > 20
    assert np.array_equal(large[:, alive], small)
    assert large.sum() == small.sum()
