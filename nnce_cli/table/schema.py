"""The Parquet schema of a cell table, and how many rows are in memory at a time."""

from __future__ import annotations

import pyarrow as pa

from nnce_cli.base.sizes import Sizes
from nnce_cli.table.columns import count_names

ROW_GROUP_BYTES = 1 << 24
ROW_GROUP_ROWS = 1 << 16


def table_schema(sizes: Sizes, *, witness: bool, bounded: bool) -> pa.Schema:
    """Return the schema of a table for a network of these sizes."""
    layout = sizes.layout
    columns = [pa.field(name, pa.binary(size), nullable=False) for name, size in layout.columns]
    columns += [pa.field(name, pa.uint16(), nullable=False) for name in count_names(layout)]
    if bounded:
        columns.append(pa.field("bounded", pa.bool_(), nullable=False))
    if witness:
        coordinate = pa.field("element", pa.float64(), nullable=False)
        columns.append(pa.field("witness", pa.list_(coordinate, sizes.inputs), nullable=False))
    return pa.schema(columns)


def rows_per_group(sizes: Sizes, *, witness: bool) -> int:
    """Rows held in memory at a time, by the writer and by the reader.

    It depends on the sizes alone, so that equal rows give equal files, and it bounds the
    memory for a network with thousands of inputs.
    """
    layout = sizes.layout
    row_bytes = layout.row_bytes + 4 * layout.depth + 8 * sizes.inputs * witness
    return max(1, min(ROW_GROUP_ROWS, ROW_GROUP_BYTES // max(row_bytes, 1)))
