"""The Parquet schema of a cell table, and how many rows are in memory at a time."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from nnce_cli.table.columns import count_names, layer_bytes, layer_names

ROW_GROUP_BYTES = 1 << 24
ROW_GROUP_ROWS = 1 << 16


def table_schema(widths: Sequence[int], *, witness: bool) -> pa.Schema:
    """Return the schema of a table for a network of these widths (n_0, n_1, …, n_L)."""
    columns = [
        pa.field(name, pa.binary(size), nullable=False)
        for name, size in zip(layer_names(widths), layer_bytes(widths), strict=True)
    ]
    columns += [pa.field(name, pa.uint16(), nullable=False) for name in count_names(widths)]
    if witness:
        coordinate = pa.field("element", pa.float64(), nullable=False)
        columns.append(pa.field("witness", pa.list_(coordinate, widths[0]), nullable=False))
    return pa.schema(columns)


def rows_per_group(widths: Sequence[int], *, witness: bool) -> int:
    """Rows held in memory at a time, by the writer and by the reader.

    It depends on the widths alone, so that equal rows give equal files, and it bounds the
    memory for a network with thousands of inputs.
    """
    row_bytes = sum(layer_bytes(widths)) + 4 * (len(widths) - 1) + 8 * widths[0] * witness
    return max(1, min(ROW_GROUP_ROWS, ROW_GROUP_BYTES // row_bytes))
