"""Sizes that a Parquet file declares, looked at before Arrow makes room for them.

A file of some bytes can say that a page unpacks to gigabytes, or that a list has billions of
elements. The headers of pages stand in front of them and are not compressed
(parquet-format, ``parquet.thrift``), so the sizes are known before a page is touched.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Mapping
from typing import TYPE_CHECKING, BinaryIO

from nnce_cli.base.sizes import Sizes
from nnce_cli.table.footer import Struct, read_structure
from nnce_cli.table.row_groups import Chunk, RowGroups
from nnce_cli.table.schema import rows_per_group

if TYPE_CHECKING:
    import pyarrow.parquet as pq

PAGE_BYTES = 1 << 26  # unpacked; ours have at most a quarter of that
GROUPS_IN_ONE = 16  # of ours may be one of a file that another program wrote anew
HEADER_BYTES = 1 << 8  # about; one with long statistics has more

# Field numbers of parquet.thrift.
_UNPACKED, _PACKED, _DICTIONARY = 2, 3, 7  # PageHeader
_DATA_HEADERS, _VALUES = (5, 8), 1  # DataPageHeader, DataPageHeaderV2


def check_group(
    file: int, columns: Mapping[str, Chunk], rows: int, names: Container[str], sizes: Sizes
) -> None:
    """Check the sizes of those columns of a row group of a cell table that have these names.

    Raises:
        ValueError: they are not those of a cell table, or not within the file (a descriptor).
    """
    if rows > GROUPS_IN_ONE * rows_per_group(sizes, witness="witness" in names):
        raise ValueError(f"a row group says that it has {rows:,} rows")
    for name, chunk in columns.items():
        if name in names:
            values = rows * sizes.inputs if name == "witness" else rows
            check_column(file, name, chunk, values)


def check_column(file: int, name: str, chunk: Chunk, values: int) -> None:
    """Check the pages of a column of a row group that has so many values.

    Raises:
        ValueError: they say that they have others, or are larger than they can be.
    """
    if chunk.values != values:
        raise ValueError("a column does not fit into it")
    if check_pages(file, chunk) != values:
        raise ValueError(f"the pages of {name} have not one value for each row")


def check_plain(file: BinaryIO, parquet: pq.ParquetFile) -> None:
    """Check the sizes of all columns of a file in which each row has one value of each.

    Raises:
        ValueError: they are not within the file, or larger than they can be.
    """
    groups, names = RowGroups.read(file, parquet), parquet.schema_arrow.names
    for group, rows in enumerate(groups.rows.tolist()):
        for name, chunk in zip(names, groups.columns(group), strict=True):
            check_column(file.fileno(), name, chunk, rows)


def check_pages(file: int, chunk: Chunk) -> int:
    """Check the sizes of the pages of a column of a row group; return how many values they have.

    Raises:
        ValueError: they are not within the file (a descriptor), or larger than they can be.
    """
    if chunk.start + chunk.length > os.fstat(file).st_size:
        raise ValueError("a column does not fit into it")
    if chunk.values == 0:
        return 0  # no pages, or some that nobody reads
    return sum(_values_of_pages(file, chunk.start, chunk.start + chunk.length))


def _values_of_pages(file: int, start: int, end: int) -> Iterator[int]:
    """Iterate over the numbers of values of pages, each of which has a believable size."""
    while start < end:
        header, begin = _header(file, start, end)
        unpacked, packed = header.get(_UNPACKED), header.get(_PACKED)
        if not (isinstance(unpacked, int) and isinstance(packed, int)):
            raise ValueError("a page without sizes")
        if not (0 <= packed <= end - begin and 0 <= unpacked <= PAGE_BYTES):
            raise ValueError(f"a page of {packed:,} bytes says that it unpacks to {unpacked:,}")
        for number in _DATA_HEADERS:
            data = header.get(number)
            if data is not None:
                yield _count(data)
        if header.get(_DICTIONARY) is not None and _count(header.get(_DICTIONARY)) > PAGE_BYTES:
            raise ValueError("a dictionary with too many values")
        start = begin + packed


def _count(header: object) -> int:
    count = header.get(_VALUES) if isinstance(header, Struct) else None
    if not isinstance(count, int) or count < 0:
        raise ValueError("a page without a number of values")
    return count


def _header(file: int, start: int, end: int) -> tuple[Struct, int]:
    """Return the header of the page at a place, and where the page itself begins."""
    size = HEADER_BYTES
    while True:
        data = os.pread(file, min(size, end - start), start)
        try:
            header, length = read_structure(data)
        except IndexError:
            if len(data) < size:
                raise ValueError("the header of a page is cut off") from None
            size *= 4
        else:
            return header, start + length
