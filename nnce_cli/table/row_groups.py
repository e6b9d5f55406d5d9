"""Where the columns of each row group of a Parquet file are, as its footer says.

Arrow knows this too, but what it says of a column lets no exception through: where a column has
something unexpected, such as statistics of another size, it ends the process. So the footer is
read here before any of it is asked for. What another reader could understand otherwise, a number
of another type for instance, is refused.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from nnce_cli.table.footer import (
    BINARY,
    END,
    I64,
    LIST,
    STRUCT,
    List,
    Struct,
    footer_start,
    read_structures,
)

if TYPE_CHECKING:
    import pyarrow.parquet as pq

# Field numbers of parquet.thrift.
_ROW_GROUPS = 4  # FileMetaData
_COLUMNS, _ROWS = 1, 3  # RowGroup
_META_DATA = 3  # ColumnChunk
_VALUES, _PACKED, _DATA, _DICTIONARY, _STATISTICS = 5, 7, 9, 11, 12  # ColumnMetaData
_LARGEST, _LEAST = 5, 6  # Statistics

_MOST = 2**63


@dataclass(frozen=True)
class Chunk:
    """A column of a row group: how many values it has, and where in the file it is."""

    values: int
    start: int
    length: int


@dataclass(frozen=True, eq=False)
class RowGroups:
    """What a footer says of its G row groups of C columns.

    ``rows`` has the rows of each, int64 (G,), ``chunks`` the values, start and length of each
    column, int64 (G, C, 3), and ``ends`` the least and the largest value of the first column, if
    they are there.
    """

    rows: NDArray[np.int64]
    chunks: NDArray[np.int64]
    ends: list[tuple[bytes, bytes] | None]

    @classmethod
    def read(cls, file: BinaryIO, parquet: pq.ParquetFile) -> Self:
        """Read the footer of a Parquet file that Arrow has opened too.

        Raises:
            ValueError: it is damaged, or does not say what Arrow understood.
        """
        about = parquet.metadata
        descriptor = file.fileno()  # its position is Arrow's
        size = os.fstat(descriptor).st_size
        start = footer_start(os.pread(descriptor, END, max(0, size - END)), size)
        rows, chunks, ends = [], [], []
        for group in read_structures(os.pread(descriptor, size - END - start, start), _ROW_GROUPS):
            found = _structures(_wanted(group, _COLUMNS, LIST))
            if len(found) != about.num_columns:
                raise ValueError("a row group has other columns than the file")
            columns = [_wanted(chunk, _META_DATA, STRUCT) for chunk in found]
            rows.append(_size(group, _ROWS))
            chunks.append([_chunk(column) for column in columns])
            ends.append(_ends(columns[0]) if columns else None)
        if rows != [about.row_group(k).num_rows for k in range(about.num_row_groups)]:
            raise ValueError("its row groups have other numbers of rows than it says")
        shape = (len(rows), about.num_columns, 3)
        return cls(
            np.array(rows, dtype=np.int64), np.array(chunks, dtype=np.int64).reshape(shape), ends
        )

    def columns(self, group: int) -> list[Chunk]:
        """Return the columns of a row group."""
        return [Chunk(*column) for column in self.chunks[group].tolist()]


def _chunk(column: Struct) -> tuple[int, int, int]:
    start = _size(column, _DATA)
    if _DICTIONARY in column.fields:
        dictionary = _size(column, _DICTIONARY)
        if 0 < dictionary < start:  # some writers say 0 where there is none
            start = dictionary
    return _size(column, _VALUES), start, _size(column, _PACKED)


def _ends(column: Struct) -> tuple[bytes, bytes] | None:
    """Return the least and the largest value of a column, where both are there."""
    if _STATISTICS not in column.fields:
        return None
    statistics = _wanted(column, _STATISTICS, STRUCT)
    if not {_LEAST, _LARGEST} <= statistics.fields.keys():
        return None
    return _wanted(statistics, _LEAST, BINARY), _wanted(statistics, _LARGEST, BINARY)


def _structures(found: List) -> list[Struct]:
    if found.kind != STRUCT:
        raise ValueError("a list of something else in a Parquet footer")
    return found.items


def _size(structure: Struct, number: int) -> int:
    size: int = _wanted(structure, number, I64)
    if not 0 <= size < _MOST:
        raise ValueError(f"a size of {size:,} in a Parquet footer")
    return size


def _wanted(structure: Struct, number: int, kind: int) -> Any:
    """Return the value of a field that has to be there, of a type."""
    found, value = structure.fields.get(number, (0, None))
    if found != kind:
        raise ValueError(f"field {number} is missing in a Parquet footer, or of another type")
    return value
