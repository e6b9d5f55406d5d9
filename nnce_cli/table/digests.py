"""Digests of a table's rows, by which a reader sees that they are those that were written.

The rows are cut into blocks; each column of a block has a digest, the SHA-256 of its values one
after the other. A part knows its blocks, so a table that is joined of parts knows them too
without looking at a row; a reader of some columns checks those.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

HEX = re.compile(r"[0-9a-f]{64}")


@dataclass
class Digests:
    """The number of rows of each block, and the digests of each column, block by block."""

    rows: list[int] = field(default_factory=list)
    columns: dict[str, list[str]] = field(default_factory=dict)

    def add_block(self, block: pa.RecordBatch) -> None:
        """Append the next rows as a block."""
        self.rows.append(len(block))
        for name, column in zip(block.schema.names, block.columns, strict=True):
            digest = hashlib.sha256(_values(column)).hexdigest()
            self.columns.setdefault(name, []).append(digest)

    def add_all(self, other: Digests) -> None:
        """Append the blocks of the table that comes next."""
        self.rows += other.rows
        for name, digests in other.columns.items():
            self.columns.setdefault(name, []).extend(digests)

    def to_values(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"block_rows": self.rows, "sha256": self.columns}

    @staticmethod
    def from_values(values: Any, names: Sequence[str], rows: int) -> Digests:
        """Read JSON values of a table with these columns and so many rows.

        Raises:
            ValueError: with what is wrong.
        """
        if not isinstance(values, dict):
            raise ValueError("no digests")
        blocks, columns = values["block_rows"], values["sha256"]
        if not (isinstance(blocks, list) and all(type(n) is int and n > 0 for n in blocks)):
            raise ValueError("bad blocks of rows")
        if sum(blocks) != rows:
            raise ValueError("digests of more or fewer rows than it has")
        if not isinstance(columns, dict) or (blocks and set(columns) != set(names)):
            raise ValueError("digests of other columns")
        for digests in columns.values():
            if not (isinstance(digests, list) and len(digests) == len(blocks)):
                raise ValueError("bad digests")
            if not all(isinstance(text, str) and HEX.fullmatch(text) for text in digests):
                raise ValueError("bad digests")
        return Digests(blocks, columns)


class DigestCheck:
    """Holds rows that are read, in batches of any size, against their digests."""

    def __init__(self, digests: Digests, names: Sequence[str]) -> None:
        """Begin with the first row; ``names`` are the columns that are read."""
        self._digests = digests
        self._names = names
        self._block = -1
        self._room = 0  # rows that are left of the block
        self._next_block()

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the next rows.

        Raises:
            ValueError: they end a block whose rows are others than were written.
        """
        start = 0
        while start < len(batch):
            if not self._room:
                raise ValueError("it has more rows than were written")
            some = batch.slice(start, self._room)
            for name, found in self._found.items():
                found.update(_values(some.column(name)))
            start += len(some)
            self._room -= len(some)
            if not self._room:
                self._compare()
                self._next_block()

    def finish(self) -> None:
        """Say that these were all rows.

        Raises:
            ValueError: some are missing.
        """
        if self._room:
            raise ValueError("it has fewer rows than were written")

    def _next_block(self) -> None:
        self._block += 1
        if self._block < len(self._digests.rows):
            self._room = self._digests.rows[self._block]
            self._found = {name: hashlib.sha256() for name in self._names}

    def _compare(self) -> None:
        for name, found in self._found.items():
            if found.hexdigest() != self._digests.columns[name][self._block]:
                raise ValueError(f"its column {name} has not the values that were written")


def _values(column: pa.Array) -> memoryview:
    """Return the bytes of the values of a column without nulls.

    Flattening a list and casting would do, but load all of Arrow's functions.
    """
    first, count = column.offset, len(column)
    if column.type.num_fields:  # lists of one size
        size = column.type.list_size
        column = column.values
        first, count = first * size + column.offset, count * size
    elif column.type.bit_width == 1:  # truth values, which Arrow keeps as bits
        return memoryview(column.to_numpy(zero_copy_only=False).view("u1"))
    width = column.type.bit_width // 8
    return memoryview(column.buffers()[1])[first * width : (first + count) * width]
