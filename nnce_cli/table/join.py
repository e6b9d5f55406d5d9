"""Join part files in order: row groups are copied as they are, only small parts are written anew.

A copied row group keeps its bytes; only the offsets that the footer holds are moved. Parts of a
few rows would make a table of many tiny row groups, slow to read, so neighbouring small ones
are decoded and written as one. What is small depends on the rows alone: equal parts give equal
bytes.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from nnce_cli.base.errors import InputError
from nnce_cli.table.digests import Digests
from nnce_cli.table.footer import (
    BINARY,
    END,
    LIST,
    MAGIC,
    STRUCT,
    List,
    Struct,
    footer_bytes,
    footer_start,
    read_footer,
)
from nnce_cli.table.output import Output

SMALL = 8  # a part is small if it has less than one SMALLth of a row group's usual rows

# Field numbers of parquet.thrift.
_NUM_ROWS, _ROW_GROUPS, _KEY_VALUES = 3, 4, 5  # FileMetaData
_COLUMNS, _FILE_OFFSET_OF_GROUP, _ORDINAL = 1, 5, 7  # RowGroup
_META_DATA, _OFFSETS_OF_CHUNK = 3, (2, 4, 6)  # ColumnChunk
_OFFSETS_OF_PAGES = (9, 10, 11, 14)  # ColumnMetaData


@dataclass(frozen=True)
class Piece:
    """A part file, how many of its rows, from the first, are wanted, and the digests of them all.

    ``digests`` is None where the columns are not those of a cell table.
    """

    path: Path
    file_rows: int
    rows: int
    digests: Digests | None = None


class Join:
    """Writes one Parquet file out of many that have the same schema.

    ``digests`` are those of the rows so far, if all pieces have digests.
    """

    def __init__(self, output: Output, options: dict[str, Any], group_rows: int) -> None:
        """Begin the file.

        ``options`` are those of the `pyarrow.parquet.ParquetWriter` that wrote the parts;
        ``group_rows`` is how many rows a row group usually has.

        Raises:
            InputError: the output cannot be written.
        """
        self.digests = Digests()
        self._output = output
        self._options = options
        self._group_rows = group_rows
        self._footer: Struct | None = None
        self._groups: list[Struct] = []
        self._rows = 0
        self._small: list[Piece] = []

    def add(self, piece: Piece) -> None:
        """Append a part.

        Raises:
            InputError: it is missing or damaged, or the output cannot be written.
        """
        if piece.rows == piece.file_rows and SMALL * piece.rows >= self._group_rows:
            self._rewrite_small()
            self._copy_file(piece.path)
            if piece.digests is not None:
                self.digests.add_all(piece.digests)
            return
        self._small.append(piece)
        if sum(piece.rows for piece in self._small) >= self._group_rows:
            self._rewrite_small()

    def finish(self) -> None:
        """Write what was kept for later; `close` is next.

        Raises:
            InputError: a part is missing or damaged, or the output cannot be written.
        """
        self._rewrite_small()

    def close(self, said: Mapping[bytes, bytes]) -> None:
        """Write the footer, with these entries of metadata; `Output.commit` is next.

        At least one part must have been added.

        Raises:
            InputError: the output cannot be written.
        """
        footer = self._footer
        assert footer is not None
        footer.set(_NUM_ROWS, self._rows)
        footer.set(_ROW_GROUPS, List(STRUCT, self._groups))
        entries = [entry for entry in _entries(footer) if entry.get(1) not in said]
        entries += [Struct({1: (BINARY, key), 2: (BINARY, value)}) for key, value in said.items()]
        footer.fields[_KEY_VALUES] = (LIST, List(STRUCT, entries))
        self._write(footer_bytes(footer))

    def _rewrite_small(self) -> None:
        """Write the wanted rows of the small parts in a row as one row group."""
        if not self._small:
            return
        table = pa.concat_tables(map(_wanted_rows, self._small)).combine_chunks()
        buffer = io.BytesIO()
        with pq.ParquetWriter(buffer, table.schema, **self._options) as writer:
            writer.write_table(table, row_group_size=len(table))
        if self._small[0].digests is not None:
            self.digests.add_block(table.to_batches()[0])
        self._copy(buffer, buffer.tell(), str(self._small[0].path))
        self._small.clear()

    def _copy_file(self, path: Path) -> None:
        with _reading(path) as file:
            self._copy(file, os.fstat(file.fileno()).st_size, str(path))

    def _copy(self, file: BinaryIO, size: int, name: str) -> None:
        """Copy all row groups of a Parquet file, and take its footer over."""
        try:
            file.seek(max(0, size - END))
            end = footer_start(file.read(END), size)
            file.seek(end)
            footer = read_footer(file.read(size - END - end))
        except ValueError as error:
            raise InputError(f"{name} is damaged ({error}); start again with --force") from error
        if self._footer is None:
            self._footer = footer
            self._write(MAGIC)
        shift = self._output.tell() - len(MAGIC)
        if isinstance(file, io.BytesIO):
            self._write(file.getbuffer()[len(MAGIC) : end])
        else:
            self._output.copy(file, len(MAGIC), end - len(MAGIC))
        for group in footer.get(_ROW_GROUPS).items:
            _move(group, shift)
            self._groups.append(group)
        self._rows += footer.get(_NUM_ROWS)

    def _write(self, data: bytes | memoryview) -> None:
        self._output.write(data)


def _wanted_rows(piece: Piece) -> pa.Table:
    try:
        with pq.ParquetFile(piece.path, page_checksum_verification=True) as file:
            table = file.read()
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"the part {piece.path} cannot be read ({error}); start again with --force"
        ) from error
    return table.slice(0, piece.rows).replace_schema_metadata(None)


def _move(group: Struct, shift: int) -> None:
    """Move the offsets of a row group."""
    _shift(group, (_FILE_OFFSET_OF_GROUP,), shift)
    group.fields.pop(_ORDINAL, None)  # its place among the row groups, which only encryption needs
    for chunk in group.get(_COLUMNS).items:
        _shift(chunk, _OFFSETS_OF_CHUNK, shift)
        _shift(chunk.get(_META_DATA), _OFFSETS_OF_PAGES, shift)


def _shift(structure: Struct, numbers: Sequence[int], shift: int) -> None:
    for number in numbers:
        value = structure.get(number)
        if value:  # Arrow writes 0 where there is nothing
            structure.set(number, value + shift)


def _entries(footer: Struct) -> list[Struct]:
    entries = footer.get(_KEY_VALUES)
    return [] if entries is None else list(entries.items)


def _reading(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(
            f"cannot read the part {path}: {error.strerror}; start again with --force"
        ) from error
