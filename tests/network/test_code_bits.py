"""The bits of neurons and the codes of units: one way and back, and in the same order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.network import (
    CLIP,
    MAX,
    AffineMap,
    LayerStack,
    PieceUnit,
    Units,
    joined_rows,
    neuron_bits,
)
from tests.unit_stacks import sampled, zoo


@st.composite
def stacks_and_rows(draw) -> tuple[LayerStack, np.ndarray]:
    """Draw units of some layers, and joined rows of any codes that they can have."""
    hidden, units = [], []
    for _ in range(draw(st.integers(0, 3))):
        bits = draw(st.integers(0, 10))
        kinds = draw(st.lists(st.sampled_from([CLIP, 3, 4, 7]), min_size=bits == 0, max_size=3))
        pieces = tuple(
            PieceUnit(CLIP, 3) if kind == CLIP else PieceUnit(MAX, kind, 0) for kind in kinds
        )
        units.append(Units(np.zeros(bits), pieces))
        hidden.append(AffineMap(np.zeros((units[-1].rows + 1, 1)), np.zeros(units[-1].rows + 1)))
    stack = LayerStack(tuple(hidden), AffineMap(np.ones((1, 1)), np.ones(1)), (1,), "", (),
                       tuple(units))  # fmt: skip
    rows = []
    for _ in range(draw(st.integers(1, 8))):
        row: list[int] = []
        for layer in units:
            row += np.packbits(draw(st.lists(st.integers(0, 1), min_size=layer.bits,
                               max_size=layer.bits)) or np.zeros(0, np.uint8)).tolist()  # fmt: skip
            row += [draw(st.integers(0, unit.pieces - 1)) for unit in layer.pieces]
        rows.append(row)
    return stack, np.array(rows, dtype=np.uint8).reshape(len(rows), -1)


@given(stacks_and_rows())
def test_one_way_and_back(drawn):
    stack, rows = drawn
    bits = neuron_bits(stack, rows)
    assert bits.shape == (len(rows), sum(stack.rows))
    assert np.array_equal(joined_rows(stack, bits), rows)


@given(stacks_and_rows())
def test_both_have_the_same_order(drawn):
    stack, rows = drawn
    bits = neuron_bits(stack, rows)
    pairs = sorted(zip(map(bytes, rows), map(tuple, bits.tolist()), strict=True))
    assert [b for _, b in pairs] == sorted(map(tuple, bits.tolist()))


@pytest.mark.parametrize(("name", "stack"), zoo().items())
def test_the_bits_say_what_neurons_pass_on(name, stack):
    """At points: the neurons of units with two pieces by their sign, others by their gain."""
    cells = sampled(stack, samples=500)
    bits = neuron_bits(stack, cells.joined)
    start = 0
    for units, z in zip(stack.units, stack.preactivations(cells.rows.witness), strict=True):
        of_layer = bits[:, start : start + units.rows]
        start += units.rows
        gains = units.gains(units.codes(z), z.shape[1])[:, units.bits : units.rows]
        assert np.array_equal(of_layer[:, units.bits :], gains)
        assert np.array_equal(of_layer[:, : units.bits], z[:, : units.bits] > 0)
