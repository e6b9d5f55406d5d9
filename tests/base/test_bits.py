"""The codec of sign vectors against NumPy's and against bits written out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.base import bits
from tests.strategies import examples


def test_the_first_neuron_is_the_highest_bit():
    assert bits.pack_bytes([1, 0, 0, 0, 0, 0, 0, 0, 1]) == b"\x80\x80"
    assert bits.pack_bytes([]) == b""
    assert bits.unpack_bytes(b"\x80\x80", 9) == (1, 0, 0, 0, 0, 0, 0, 0, 1)
    assert [bits.packed_bytes(n) for n in (0, 1, 8, 9)] == [0, 1, 1, 2]


@examples(50)
@given(st.lists(st.integers(1, 20), min_size=1, max_size=4), st.integers(0, 6), st.integers(0))
def test_layers_come_back(widths, rows, seed):
    table = np.random.default_rng(seed).integers(0, 2, size=(rows, sum(widths)), dtype=np.uint8)
    layers = bits.pack_layers(table, widths)
    assert [layer.shape for layer in layers] == [(rows, bits.packed_bytes(n)) for n in widths]
    joined = np.concatenate(layers, axis=1)
    for one, other in zip(layers, bits.split_layers(joined, widths), strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(bits.unpack_layers(layers, widths), table)
    for row in range(rows):  # a row by itself, without the axis of rows
        alone = bits.split_layers(joined[row], widths)
        assert np.array_equal(bits.unpack_layers(alone, widths), table[row])
    as_text = ["".join(map(str, row)) for row in table[:, : widths[0]].tolist()]
    padded = [text.ljust(8 * bits.packed_bytes(widths[0]), "0") for text in as_text]
    assert [row.tobytes() for row in layers[0]] == [
        int(text, 2).to_bytes(len(text) // 8) for text in padded
    ]


def test_truth_values_are_bits():
    assert np.array_equal(bits.pack(np.array([[True, False, True]])), [[0b10100000]])


def test_widths_must_be_those_of_the_layers():
    with pytest.raises(ValueError, match="zip"):
        bits.unpack_layers([np.zeros((1, 1), np.uint8)], [3, 4])
