"""Writing cell tables: equal rows and metadata give equal bytes, however the rows arrive."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.table.columns import code_names, count_names
from nnce_cli.table.described import footer_entries
from nnce_cli.table.digests import Digests
from nnce_cli.table.metadata import KEY, MAX_WIDTH, Metadata
from nnce_cli.table.output import Output
from nnce_cli.table.prefixes import LayerCounter
from nnce_cli.table.rows import CellRows, Rows
from nnce_cli.table.schema import rows_per_group, table_schema

PAGE_BYTES = 1 << 18


class CellTableWriter:
    """Writes a cell table to an `Output`, in row groups whose size the network's sizes decide.

    It counts layer-k cells as they pass, and digests each row group. `close` writes the metadata
    and must be called; without it the output is no table and `Output` removes it.
    """

    def __init__(self, output: Output, metadata: Metadata) -> None:
        """Begin a table; of ``metadata`` all is used but the counts and what `close` is told.

        Raises:
            InputError: a layer is too wide for the format.
        """
        sizes = metadata.sizes
        if max([*sizes.layout.widths, *sizes.dimensions[1:]], default=0) > MAX_WIDTH:
            raise InputError(f"a cell table holds layers of up to {MAX_WIDTH} neurons, not more")
        self._output = output
        self._metadata = metadata
        self._schema = table_schema(sizes, witness=metadata.witness, bounded=metadata.tells_bounded)
        self._counter = LayerCounter(sizes.layout)
        self._digests = Digests()
        self._buffer = _empty_rows(metadata, rows_per_group(sizes, witness=metadata.witness))
        self._filled = 0
        self._writer = pq.ParquetWriter(
            output, self._schema, **writer_options(self._schema, metadata)
        )

    @property
    def cells(self) -> int:
        """Number of rows taken so far."""
        return self._counter.cells

    @property
    def layer_cells(self) -> list[int]:
        """Layer-k cells of the rows taken so far, for k = 1, …, L."""
        return list(self._counter.layer_cells)

    def write(self, batch: CellRows) -> None:
        """Take the next rows; the arrays are copied.

        Raises:
            InputError: the output cannot be written.
            BrokenPipeError: nobody reads the output any more.
            ValueError: the rows are not in ascending order.
        """
        self._counter.add(batch)
        rows, done = len(batch.active), 0
        while done < rows:
            step = min(rows - done, len(self._buffer.active) - self._filled)
            _copy(batch, done, self._buffer, self._filled, step)
            self._filled += step
            done += step
            if self._filled == len(self._buffer.active):
                self._write_group()

    def close(
        self,
        *,
        complete: bool,
        certified: bool,
        decisions: dict[str, int],
        exact_witnesses: dict[int, list[str]] | None = None,
    ) -> Metadata:
        """Write the last rows and the metadata, which is returned; `Output.commit` is next.

        ``exact_witnesses`` may name rows beyond the last one written; these are left out.

        Raises:
            InputError: the output cannot be written.
            BrokenPipeError: nobody reads the output any more.
        """
        self._write_group()
        metadata = dataclasses.replace(
            self._metadata,
            layer_cells=tuple(self._counter.layer_cells),
            complete=complete,
            certified=certified,
            decisions=decisions,
            exact_witnesses={
                row: witness
                for row, witness in (exact_witnesses or {}).items()
                if row < self._counter.cells
            },
            digests=self._digests,
        )
        self._writer.add_key_value_metadata(footer_entries(self._schema, KEY, metadata.to_json()))
        self._writer.close()
        return metadata

    def _write_group(self) -> None:
        if self._filled:
            arrays = _arrow_arrays(self._buffer, self._filled, self._schema)
            rows = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
            self._digests.add_block(rows)
            self._writer.write_table(pa.Table.from_batches([rows]), row_group_size=self._filled)
        self._filled = 0


def writer_options(schema: pa.Schema, metadata: Metadata) -> dict[str, Any]:
    """Return the encodings; measured, they write twice as fast as Arrow's own choice, and smaller.

    Codes hardly repeat within a page but for their neighbours, which zstd sees; numbers
    of neurons take few values; the exponents of coordinates compress once they stand together,
    and little else of them does, so the levels of zstd that look harder are wasted on them (level
    1 makes 5% smaller files, and takes a quarter longer). Pages stay in the processor's cache.
    Nobody looks for rows by the least and largest coordinates of witnesses. Checksums let a
    reader tell a damaged table from a strange one.
    """
    layout = metadata.sizes.layout
    codes, counts = code_names(layout), count_names(layout)
    truths = ["bounded"] if metadata.tells_bounded else []
    options: dict[str, Any] = {
        "compression": "zstd",
        "compression_level": -1,
        "use_dictionary": counts,
        "write_statistics": [*codes, *counts, *truths],
        "data_page_size": PAGE_BYTES,
        "write_batch_size": PAGE_BYTES // 32,
        "write_page_checksum": True,
    }
    if codes:
        ascending = [(name, "ascending") for name in codes]
        options["sorting_columns"] = pq.SortingColumn.from_ordering(schema, ascending)
    if metadata.witness:
        options["column_encoding"] = {"witness.list.element": "BYTE_STREAM_SPLIT"}
    return options


def _empty_rows(metadata: Metadata, rows: int) -> Rows:
    sizes = metadata.sizes
    return Rows(
        signs=[np.empty((rows, size), dtype=np.uint8) for _, size in sizes.layout.columns],
        active=np.empty((rows, sizes.layout.depth), dtype=np.uint16),
        ranks=np.empty((rows, sizes.layout.depth), dtype=np.uint16),
        witness=np.empty((rows, sizes.inputs)) if metadata.witness else None,
        bounded=np.empty(rows, dtype=np.bool_) if metadata.tells_bounded else None,
    )


def _copy(source: CellRows, start: int, target: Rows, filled: int, rows: int) -> None:
    """Copy ``rows`` rows from ``start`` of the source to ``filled`` of the target."""
    here, there = slice(start, start + rows), slice(filled, filled + rows)
    for signs, buffer in zip(source.signs, target.signs, strict=True):
        buffer[there] = signs[here]
    target.active[there] = source.active[here]
    target.ranks[there] = source.ranks[here]
    if target.witness is not None:
        assert source.witness is not None
        target.witness[there] = source.witness[here]
    if target.bounded is not None:
        assert source.bounded is not None
        target.bounded[there] = source.bounded[here]


def _arrow_arrays(rows: Rows, count: int, schema: pa.Schema) -> list[pa.Array]:
    """Wrap the first ``count`` rows, in the order of the schema's columns."""
    arrays = [_fixed_size_binary(signs[:count]) for signs in rows.signs]
    for numbers in (rows.active, rows.ranks):
        arrays += [_numbers(np.ascontiguousarray(column)) for column in numbers[:count].T]
    if rows.bounded is not None:
        packed = np.packbits(rows.bounded[:count], bitorder="little")
        buffers = [None, pa.py_buffer(packed)]
        arrays.append(pa.BooleanArray.from_buffers(pa.bool_(), count, buffers))
    if rows.witness is not None:
        coordinates = _numbers(rows.witness[:count].ravel())
        list_type = schema.field("witness").type
        arrays.append(pa.FixedSizeListArray.from_arrays(coordinates, type=list_type))
    return arrays


def _numbers(values: NDArray[Any]) -> pa.Array:
    """Wrap a C-contiguous array of numbers (rows,) without a copy.

    `pyarrow.array` looks first whether it is an object of pandas, and loads that where it can.
    """
    buffers = [None, pa.py_buffer(values)]
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), buffers)


def _fixed_size_binary(values: NDArray[np.uint8]) -> pa.Array:
    """Wrap a C-contiguous uint8 array (rows, width) without a copy."""
    rows, width = values.shape
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), rows, [None, pa.py_buffer(values)]
    )
