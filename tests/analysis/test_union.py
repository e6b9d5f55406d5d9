"""The cells of several tables together, against sets."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.analysis import union_cells
from nnce_cli.base.layout import Layout
from nnce_cli.table import Rows

WIDTHS = [3, 9, 2]
codes = st.tuples(*[st.integers(0, 2**w - 1) for w in WIDTHS])


def batches(cells: list[tuple[int, ...]], size: int):
    """Yield cells, in order, as batches of rows; bits are packed from the left."""
    for start in range(0, len(cells), size):
        part = cells[start : start + size]
        signs = []
        for k, width in enumerate(WIDTHS):
            bits = np.array(
                [[cell[k] >> (width - 1 - i) & 1 for i in range(width)] for cell in part]
            )
            signs.append(np.packbits(bits.astype(np.uint8), axis=1))
        numbers = np.zeros((len(part), len(WIDTHS)), dtype=np.uint16)
        yield Rows(signs, numbers, numbers, None)


@given(st.lists(st.sets(codes, max_size=30), min_size=1, max_size=4), st.integers(1, 9))
def test_union_is_that_of_sets(tables, size):
    everything = set().union(*tables)
    expected = [len({cell[:k] for cell in everything}) for k in range(1, len(WIDTHS) + 1)]
    layout = Layout.of_widths(WIDTHS)
    assert union_cells([batches(sorted(table), size) for table in tables], layout) == expected
