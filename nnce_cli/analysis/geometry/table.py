"""The table that ``nnce geometry`` writes: a row for each row of the cell table, in its order."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nnce_cli.analysis.geometry.columns import Column, schema_of
from nnce_cli.table import Metadata, Output

GEOMETRY_FORMAT = 1
GEOMETRY_KEY = b"nnce-geometry"
ROWS_PER_GROUP = 1 << 16


class GeometryWriter:
    """Writes columns to an `Output`; the bytes do not depend on how rows come in parts."""

    def __init__(self, output: Output, metadata: Metadata, columns: Sequence[Column]) -> None:
        """Begin the table that belongs to the cell table that ``metadata`` describes."""
        self._schema = schema_of(list(columns))
        self._waiting = self._schema.empty_table()
        self._writer = pq.ParquetWriter(
            output, self._schema, compression="zstd", write_page_checksum=True
        )
        about = {
            "format": GEOMETRY_FORMAT,
            "model": metadata.model,
            **metadata.sizes.to_values(),
            "domain": metadata.domain,
            "cells": metadata.cells,
            "columns": [column.value for column in columns],
            "complete": metadata.complete,
            "certified": metadata.certified,
        }
        self._writer.add_key_value_metadata({GEOMETRY_KEY: json.dumps(about)})

    def write(self, values: Mapping[str, Any]) -> None:
        """Take the next rows: for each field an array (m,); NaN is null where that is allowed.

        Raises:
            InputError: the output cannot be written.
        """
        arrays = [_array(values[field.name], field) for field in self._schema]
        more = pa.Table.from_arrays(arrays, schema=self._schema)
        self._waiting = pa.concat_tables([self._waiting, more])
        while len(self._waiting) >= ROWS_PER_GROUP:
            self._write_group(self._waiting.slice(0, ROWS_PER_GROUP))
            self._waiting = self._waiting.slice(ROWS_PER_GROUP)

    def close(self) -> None:
        """Write what is left; `Output.commit` is next.

        Raises:
            InputError: the output cannot be written.
        """
        if len(self._waiting):
            self._write_group(self._waiting)
        self._writer.close()

    def _write_group(self, group: pa.Table) -> None:
        self._writer.write_table(group.combine_chunks(), row_group_size=len(group))


def _array(values: Any, field: pa.Field) -> pa.Array:
    is_null = None
    if field.nullable and isinstance(values, np.ndarray):
        is_null = np.isnan(values)
    return pa.array(values, field.type, mask=is_null)
