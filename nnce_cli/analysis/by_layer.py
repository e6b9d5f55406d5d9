"""Writing the table of all layer-k cells: a row a cell, for DuckDB, polars or pandas."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nnce_cli.analysis.layer_cells import LayerCells
from nnce_cli.table import Metadata, Output, footer_entries

BY_LAYER_FORMAT = 1
BY_LAYER_KEY = b"nnce-by-layer"
BY_LAYER_SCHEMA = pa.schema(
    [
        pa.field("layer", pa.uint16(), nullable=False),
        pa.field("cell", pa.uint64(), nullable=False),
        pa.field("parent", pa.uint64(), nullable=False),
        pa.field("first_row", pa.uint64(), nullable=False),
        pa.field("rows", pa.uint64(), nullable=False),
        pa.field("signs", pa.binary(), nullable=False),
        pa.field("active", pa.uint16(), nullable=False),
        pa.field("rank", pa.uint16(), nullable=False),
        pa.field("subcells", pa.uint64(), nullable=True),
    ]
)
BOUNDED = pa.field("bounded", pa.bool_(), nullable=False)  # comes last where the table tells it
CELLS_PER_GROUP = 2**16
SIGN_BYTES_PER_GROUP = 2**24  # bounds the memory for very wide layers

# The first four columns hardly differ from row to row.
ENCODINGS = dict.fromkeys(["cell", "parent", "first_row"], "DELTA_BINARY_PACKED")
WITH_DICTIONARY = ["layer", "rows", "active", "rank", "subcells"]


class ByLayerWriter:
    """Writes the layer-k cells of a table to an `Output`; equal tables give equal bytes.

    A row group holds cells of one layer, and the cells of a layer ascend from group to group.
    The groups stand in the order in which their last cells end in the table: so memory is
    bounded, and nothing depends on how the table's rows were cut into batches.
    """

    def __init__(self, output: Output, metadata: Metadata) -> None:
        """Begin the table of layer-k cells of the cell table that ``metadata`` describes."""
        layout = metadata.sizes.layout
        tells = metadata.tells_bounded
        self._schema = BY_LAYER_SCHEMA.append(BOUNDED) if tells else BY_LAYER_SCHEMA
        self._waiting = [self._schema.empty_table() for _ in range(layout.depth)]
        widest = max(layout.layer_bytes, default=1)
        self._group = min(CELLS_PER_GROUP, SIGN_BYTES_PER_GROUP // widest)
        self._writer = pq.ParquetWriter(
            output,
            self._schema,
            compression="zstd",
            use_dictionary=WITH_DICTIONARY,
            column_encoding=ENCODINGS,
            write_page_checksum=True,
        )
        about = {
            "format": BY_LAYER_FORMAT,
            "model": metadata.model,
            **metadata.sizes.to_values(),
            "domain": metadata.domain,
            "complete": metadata.complete,
            "certified": metadata.certified,
        }
        said = footer_entries(self._schema, BY_LAYER_KEY, json.dumps(about))
        self._writer.add_key_value_metadata(said)

    def write(self, ended: Iterable[LayerCells]) -> None:
        """Take the cells that have ended, as `layer_cells` yields them.

        Raises:
            InputError: the output cannot be written.
        """
        whole = []
        for cells in ended:
            k = cells.layer - 1
            rest = pa.concat_tables([self._waiting[k], _as_table(cells, self._schema)])
            while len(rest) >= self._group:
                group, rest = rest.slice(0, self._group), rest.slice(self._group)
                whole.append((_end(group), k, group))
            self._waiting[k] = rest
        for _, _, group in sorted(whole, key=lambda item: item[:2]):
            self._write_group(group)

    def close(self) -> None:
        """Write what is left, layer by layer; `Output.commit` is next.

        Raises:
            InputError: the output cannot be written.
        """
        for rest in self._waiting:
            if len(rest):
                self._write_group(rest)
        self._writer.close()

    def _write_group(self, group: pa.Table) -> None:
        self._writer.write_table(group.combine_chunks(), row_group_size=len(group))


def _end(group: pa.Table) -> int:
    """Return the row of the cell table at which the last cell of a group ends."""
    last = len(group) - 1
    return int(group["first_row"][last].as_py() + group["rows"][last].as_py())


def _as_table(cells: LayerCells, schema: pa.Schema) -> pa.Table:
    """Return layer-k cells as rows."""
    count = len(cells)
    width = cells.signs.shape[1]
    nothing: Sequence[None] = [None] * count
    columns = [
        pa.array(np.full(count, cells.layer, dtype=np.uint16)),
        pa.array(np.arange(cells.first, cells.first + count, dtype=np.uint64)),
        pa.array(cells.parent.astype(np.uint64)),
        pa.array(cells.first_row.astype(np.uint64)),
        pa.array(cells.rows.astype(np.uint64)),
        pa.BinaryArray.from_buffers(
            pa.binary(),
            count,
            [
                None,
                pa.py_buffer(np.arange(0, (count + 1) * width, width, dtype=np.int32)),
                pa.py_buffer(np.ascontiguousarray(cells.signs)),
            ],
        ),
        pa.array(cells.active),
        pa.array(cells.rank),
        pa.array(nothing if cells.sub_cells is None else cells.sub_cells, pa.uint64()),
    ]
    if BOUNDED.name in schema.names:
        columns.append(pa.array(cells.bounded))
    return pa.Table.from_arrays(columns, schema=schema)
