"""The table of layer-k cells, against its definition."""

from __future__ import annotations

import json
from itertools import groupby, pairwise
from operator import itemgetter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.analysis import by_layer, layer_cells
from nnce_cli.base.sizes import Sizes
from tests.tables import metadata_of, part, ranks_of, rows_of, tables


def naive_layers(cells, widths, bounded=None):
    """All layer-k cells of sorted cells, straight from the definitions, layer by layer."""
    found, numbers_before = [], dict.fromkeys(range(len(cells)), 0)
    for k in range(1, len(widths)):
        numbers = {}
        groups = groupby(range(len(cells)), lambda row, k=k: cells[row][:k])
        for number, (_, group) in enumerate(groups):
            rows = list(group)
            cell = cells[rows[0]]
            numbers |= dict.fromkeys(rows, number)
            inside = len({cells[row][: k + 1] for row in rows})
            found.append(
                {
                    "layer": k,
                    "cell": number,
                    "parent": numbers_before[rows[0]],
                    "first_row": rows[0],
                    "rows": len(rows),
                    "signs": np.packbits(np.array(cell[k - 1], dtype=np.uint8)).tobytes(),
                    "active": sum(cell[k - 1]),
                    "rank": ranks_of(cell, widths[0])[k - 1],
                    "subcells": inside if k + 1 < len(widths) else None,
                }
                | ({} if bounded is None else {"bounded": all(bounded[row] for row in rows)})
            )
        numbers_before = numbers
    return found


def written(rows, widths, cuts) -> pa.Buffer:
    """Return the bytes of the table, its rows cut into batches at these places."""
    sink = pa.BufferOutputStream()
    metadata = metadata_of(widths, bounded=rows.bounded is not None)
    writer = by_layer.ByLayerWriter(sink, metadata)
    edges = [0, *sorted(cuts), len(rows.active)]
    for ended in layer_cells(
        (part(rows, *edge) for edge in pairwise(edges)), Sizes.of_widths(widths)
    ):
        writer.write(ended)
    writer.close()
    return sink.getvalue()


@given(tables(), st.booleans(), st.integers(1, 5), st.data())
def test_against_the_definition_for_any_batches(table, tells_bounded, group, data):
    widths, cells = table
    rows = rows_of(cells, widths, bounded=tells_bounded)
    if tells_bounded:
        rows.bounded[:] = data.draw(
            st.lists(st.booleans(), min_size=len(cells), max_size=len(cells))
        )
    cuts = data.draw(st.lists(st.integers(0, len(cells)), max_size=6))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(by_layer, "CELLS_PER_GROUP", group)
        found = written(rows, widths, cuts)
        assert found.equals(written(rows, widths, []))  # equal bytes, however they came
    file = pq.ParquetFile(found)
    table = file.read().to_pylist()
    order = itemgetter("layer", "cell")
    bounded = rows.bounded.tolist() if tells_bounded else None
    assert sorted(table, key=order) == naive_layers(cells, widths, bounded)
    for layer in range(1, len(widths)):  # the cells of a layer ascend
        numbers = [row["cell"] for row in table if row["layer"] == layer]
        assert numbers == sorted(numbers)
    for i in range(file.num_row_groups):
        rows_of_group = file.read_row_group(i).to_pylist()
        assert len({row["layer"] for row in rows_of_group}) == 1
        assert len(rows_of_group) <= group


def test_the_columns_and_the_metadata():
    cells = [((0, 1), (1,)), ((1, 1), (0,)), ((1, 1), (1,))]
    file = pq.ParquetFile(written(rows_of(cells, [2, 2, 1]), [2, 2, 1], []))
    described = json.loads(file.metadata.metadata[b"nnce-by-layer"])
    metadata = metadata_of([2, 2, 1])
    assert described == {
        "format": 1,
        "model": metadata.model,
        "widths": [2, 2, 1],
        "domain": metadata.domain,
        "complete": False,
        "certified": False,
    }
    assert [str(field.type) for field in file.schema_arrow] == [
        "uint16",
        *["uint64"] * 4,
        "binary",
        *["uint16"] * 2,
        "uint64",
    ]
    assert [field.nullable for field in file.schema_arrow] == [False] * 8 + [True]
    assert file.read()["subcells"].to_pylist() == [1, 2, None, None, None]
    told = pq.ParquetFile(written(rows_of(cells, [2, 2, 1], bounded=True), [2, 2, 1], []))
    assert told.schema_arrow[-1] == pa.field("bounded", pa.bool_(), nullable=False)
    assert told.read()["bounded"].to_pylist() == [True, False, True, False, False]


def test_a_table_without_rows():
    empty = rows_of([], [2, 3, 3])
    assert pq.ParquetFile(written(empty, [2, 3, 3], [])).metadata.num_rows == 0


def test_wide_layers_make_small_groups(monkeypatch):
    monkeypatch.setattr(by_layer, "SIGN_BYTES_PER_GROUP", 10)
    cells = [(tuple(int(b) for b in f"{i:040b}"),) for i in range(7)]  # 5 bytes each
    file = pq.ParquetFile(written(rows_of(cells, [3, 40]), [3, 40], []))
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [2, 2, 2, 1]
