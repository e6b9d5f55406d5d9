"""Reading cell tables, which may come from anybody, in bounded memory."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.base.file_kinds import HEAD, is_onnx
from nnce_cli.base.layout import Layout
from nnce_cli.table.columns import code_names, column_names
from nnce_cli.table.digests import DigestCheck
from nnce_cli.table.metadata import KEY, Metadata
from nnce_cli.table.pages import check_group
from nnce_cli.table.row_groups import RowGroups
from nnce_cli.table.rows import Rows
from nnce_cli.table.schema import rows_per_group, table_schema

STDIN = "-"


class CellTableReader:
    """A cell table open for reading; use it in a ``with`` block.

    ``metadata`` is what the table says about itself and ``rows`` the number of rows it has.
    """

    def __init__(self, source: str | Path) -> None:
        """Open a table and check that it is one; ``-`` is standard input.

        Raises:
            InputError: there is no such file, or it is not a whole cell table.
        """
        self._name = "standard input" if str(source) == STDIN else str(source)
        self._file = _spooled_stdin() if str(source) == STDIN else _opened(Path(source))
        try:
            self._open_table()
        except BaseException:
            self._file.close()
            raise

    def _open_table(self) -> None:
        head = self._file.read(HEAD)
        self._file.seek(0)
        if is_onnx(head):
            raise InputError(
                f"{self._name} is not a cell table but an ONNX model; the table comes before its "
                "model: give the file that nnce enumerate wrote"
            )
        with self._reporting("is not a cell table, or only a part of one"):
            self._parquet = pq.ParquetFile(self._file, page_checksum_verification=True)
            described = self._parquet.metadata.metadata or {}
            schema = self._parquet.schema_arrow
        if KEY not in described:
            raise InputError(
                f"{self._name} is a Parquet file but not a cell table; "
                "give a file that nnce enumerate wrote"
            )
        try:
            self.metadata = Metadata.from_json(described[KEY])
        except ValueError as error:
            raise InputError(f"{self._name} cannot be read as a cell table: {error}") from error
        expected = table_schema(
            self.metadata.sizes,
            witness=self.metadata.witness,
            bounded=self.metadata.tells_bounded,
        )
        if not schema.equals(expected, check_metadata=False):
            raise InputError(
                f"{self._name} cannot be read as a cell table: its columns are not those of a "
                f"network of widths {'-'.join(map(str, self.metadata.widths))}"
            )
        self.rows = int(self._parquet.metadata.num_rows)
        if self.rows != self.metadata.cells:
            raise InputError(
                f"{self._name} is damaged: it says that it has {self.metadata.cells:,} cells, and "
                f"has {self.rows:,} rows; enumerate the network again"
            )

    def batches(self, *, witness: bool = True) -> Iterator[Rows]:
        """Iterate over the rows in order; ``witness=False`` does not read that column.

        Whoever comes to the end knows that the rows are those that were written.

        Raises:
            InputError: the table is damaged.
        """
        metadata = self.metadata
        names = self._names(witness=witness and metadata.witness)
        check = DigestCheck(metadata.digests, names)
        with self._reporting("is damaged"):
            for group in range(self._parquet.num_row_groups):
                for batch in self._group(group, names):
                    check.add(batch)
                    yield _rows(batch, metadata.sizes.layout)
            check.finish()

    def row(self, number: int) -> Rows:
        """Return one row, from 0, without its witness; only its row group is read.

        Raises:
            InputError: there is no such row, or the table is damaged.
        """
        if not 0 <= number < self.rows:
            there = f"its rows are 0 to {self.rows - 1}" if self.rows else "it is empty"
            raise InputError(f"{self._name} has no row {number}: {there}")
        before = number
        with self._reporting("is damaged"):
            for group in range(self._parquet.num_row_groups):
                rows = self._parquet.metadata.row_group(group).num_rows
                if before < rows:
                    return self._row_of_group(group, before)
                before -= rows
            raise ValueError("its row groups end too early")

    @property
    def groups(self) -> list[int]:
        """The number of rows of each row group."""
        metadata = self._parquet.metadata
        return [metadata.row_group(k).num_rows for k in range(metadata.num_row_groups)]

    def first_codes(self, group: int) -> tuple[bytes, bytes] | None:
        """Return the least and the largest value of the first column in a row group, if it says.

        That column is the one that rows are sorted by first.

        Raises:
            InputError: the table is damaged.
        """
        [(_, size), *_] = self.metadata.sizes.layout.columns
        with self._reporting("is damaged"):
            ends = self._row_groups.ends[group]
        return ends if ends is not None and {len(end) for end in ends} == {size} else None

    def codes(self, group: int) -> NDArray[np.uint8]:
        """Return the codes of the rows of a row group, joined: uint8 (rows, row_bytes).

        Raises:
            InputError: the table is damaged.
        """
        layout = self.metadata.sizes.layout
        names = code_names(layout)
        if not names:
            return np.zeros((self.groups[group], 0), dtype=np.uint8)
        parts = [np.zeros((0, layout.row_bytes), dtype=np.uint8)]
        with self._reporting("is damaged"):
            for batch in self._group(group, names):
                columns = [_bytes_matrix(batch.column(name)) for name in names]
                parts.append(np.concatenate(columns, axis=1))
        return np.concatenate(parts)

    def _row_of_group(self, group: int, number: int) -> Rows:
        layout, before = self.metadata.sizes.layout, number
        for batch in self._group(group, self._names(witness=False)):
            if before < len(batch):
                return _rows(batch.slice(before, 1), layout)
            before -= len(batch)
        raise ValueError("its row groups end too early")

    def _names(self, *, witness: bool) -> list[str]:
        """Names of the columns that are read."""
        metadata = self.metadata
        return column_names(metadata.sizes.layout, witness=witness, bounded=metadata.tells_bounded)

    @cached_property
    def _row_groups(self) -> RowGroups:
        return RowGroups.read(self._file, self._parquet)

    def _group(self, group: int, names: list[str]) -> Iterator[pa.RecordBatch]:
        """Iterate over the rows of a row group whose declared sizes are believable."""
        sizes = self.metadata.sizes
        size = rows_per_group(sizes, witness="witness" in names)
        groups = self._row_groups
        columns = dict(zip(self._parquet.schema_arrow.names, groups.columns(group), strict=True))
        check_group(self._file.fileno(), columns, int(groups.rows[group]), names, sizes)
        left = int(groups.rows[group])
        for batch in self._parquet.iter_batches(size, row_groups=[group], columns=names):
            left -= len(batch)
            yield batch
        if left:  # Arrow goes over pages of kinds that it does not know
            raise ValueError("a row group ends too early")

    def close(self) -> None:
        """Close the file."""
        self._parquet.close()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _reporting(self, trouble: str) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError, ValueError) as error:
            raise InputError(
                f"{self._name} {trouble} ({_first_line(error)}); "
                "give a file that nnce enumerate wrote to its end"
            ) from error


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror}; check the name of the table"
        ) from error


def _spooled_stdin() -> BinaryIO:
    """Copy standard input to a temporary file: the end of a Parquet file must be read first."""
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError("no cell table on standard input; pipe one into this command")
    try:
        spool = tempfile.TemporaryFile()  # noqa: SIM115 (the reader closes it)
        shutil.copyfileobj(sys.stdin.buffer, spool, 1 << 20)
        spool.seek(0)
    except OSError as error:
        raise InputError(
            f"cannot copy standard input to the folder {tempfile.gettempdir()}: {error.strerror}; "
            "set TMPDIR to a folder with more room, or write the table to a file first"
        ) from error
    return spool


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def _rows(batch: pa.RecordBatch, layout: Layout) -> Rows:
    """Return the columns of a record batch as arrays.

    Raises:
        ValueError: a unit is on a piece that it does not have.
    """
    signs = [_bytes_matrix(batch.column(name)) for name in code_names(layout)]
    for many, columns in zip(layout.pieces, layout.layer_columns, strict=True):
        if many and (signs[columns.stop - 1] >= np.array(many)).any():
            raise ValueError("a unit is on a piece that it does not have")
    names = batch.schema.names
    return Rows(
        signs=signs,
        active=_numbers(batch, "active", layout.depth),
        ranks=_numbers(batch, "rank", layout.depth),
        witness=_float_matrix(batch.column("witness")) if "witness" in names else None,
        bounded=_truths(batch.column("bounded")) if "bounded" in names else None,
    )


def _numbers(batch: pa.RecordBatch, name: str, layers: int) -> NDArray[np.uint16]:
    """Return the columns of small numbers of one kind as uint16 (rows, L)."""
    numbers = np.empty((len(batch), layers), dtype=np.uint16)
    for k in range(layers):
        numbers[:, k] = _plain(batch.column(f"{name}_{k + 1}"), np.dtype(np.uint16))
    return numbers


def _truths(column: pa.BooleanArray) -> NDArray[np.bool_]:
    """Return a column of truth values as a boolean array (rows,)."""
    packed = np.frombuffer(column.buffers()[1], dtype=np.uint8)
    bits = np.unpackbits(packed, bitorder="little")
    return bits[column.offset : column.offset + len(column)].astype(np.bool_)


def _plain(column: pa.Array, dtype: np.dtype[Any]) -> NDArray[Any]:
    """View a column of numbers (rows,), none of them null.

    Its own ``to_numpy`` loads pandas where that is installed, which takes longer than most tables.
    """
    values = np.frombuffer(column.buffers()[1], dtype=dtype)
    return values[column.offset : column.offset + len(column)]


def _bytes_matrix(column: pa.FixedSizeBinaryArray) -> NDArray[np.uint8]:
    """View a column of fixed-size binary values as uint8 (rows, bytes)."""
    width = column.type.byte_width
    data = np.frombuffer(column.buffers()[1], dtype=np.uint8)
    start = column.offset * width
    return data[start : start + len(column) * width].reshape(len(column), width)


def _float_matrix(column: pa.FixedSizeListArray) -> NDArray[np.float64]:
    """View a column of fixed-size lists as float64 (rows, n_0)."""
    values = _plain(column.flatten(), np.dtype(np.float64))
    return values.reshape(len(column), column.type.list_size)
