"""Finding cells by their codes, in a sorted table: no more row groups are read than are needed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.table.prefixes import row_keys
from nnce_cli.table.reader import CellTableReader

Bytes = NDArray[np.uint8]
Rows = NDArray[np.int64]

NOWHERE = -1


def find_rows(reader: CellTableReader, joined: Bytes) -> Rows:
    """Return the rows (m,) of cells with these codes (m, row_bytes), -1 where there is none.

    A binary search over the row groups for all codes together: each group is read at most once,
    and a few codes ask for few groups.

    Raises:
        InputError: a row group that is read is damaged.
    """
    if joined.shape[1] == 0:  # no units: the whole domain is one cell
        return np.full(len(joined), 0 if reader.rows else NOWHERE, dtype=np.int64)
    keys, first, where = np.unique(row_keys(joined), return_index=True, return_inverse=True)
    found = _Search(reader, keys, joined[first]).run()
    return np.asarray(found[where.reshape(-1)])


def matching_rows(reader: CellTableReader, patterns: Sequence[NDArray[np.bool_]]) -> list[Rows]:
    """Return all rows that match each pattern, by reading the codes of the whole table.

    A pattern (row_bytes, 256) says which values each byte of a joined row may have.

    Raises:
        InputError: the table is damaged.
    """
    found: list[list[Rows]] = [[np.zeros(0, np.int64)] for _ in patterns]
    start = 0
    for group, count in enumerate(reader.groups):
        codes = reader.codes(group)
        for k, pattern in enumerate(patterns):
            rows = np.arange(count)
            for byte, allowed in enumerate(pattern):
                if not allowed.all():
                    rows = rows[allowed[codes[rows, byte]]]
            found[k].append(start + rows)
        start += count
    return [np.concatenate(parts) for parts in found]


class _Search:
    """A search for ascending keys, without repetitions, in the row groups of a table."""

    def __init__(self, reader: CellTableReader, keys: NDArray[Any], joined: Bytes) -> None:
        self._reader = reader
        self._keys = keys
        self._starts = np.concatenate([[0], np.cumsum(reader.groups)]).astype(np.int64)
        size = reader.metadata.sizes.layout.columns[0][1]
        self._firsts = [row.tobytes() for row in joined[:, :size]]
        ranges = [reader.first_codes(group) for group in range(len(reader.groups))]
        known = [ends for ends in ranges if ends is not None]
        self._ranges = known if len(known) == len(ranges) else None
        self._found = np.full(len(keys), NOWHERE, dtype=np.int64)

    def run(self) -> Rows:
        """Return the row of each key."""
        waiting = [(0, len(self._starts) - 1, 0, len(self._keys))]
        while waiting:
            low, high, start, end = waiting.pop()
            if start >= end:
                continue
            low, high = self._narrowed(low, high, start, end)
            if low >= high:
                continue
            middle = (low + high) // 2
            before, after = self._look(middle, start, end)
            waiting += [(middle + 1, high, after, end), (low, middle, start, before)]
        return self._found

    def _narrowed(self, low: int, high: int, start: int, end: int) -> tuple[int, int]:
        """Leave out the row groups whose first column has no value of the keys."""
        if self._ranges is None:
            return low, high
        first, last = self._firsts[start], self._firsts[end - 1]
        low = bisect_left(self._ranges, first, low, high, key=lambda ends: ends[1])
        return low, bisect_right(self._ranges, last, low, high, key=lambda ends: ends[0])

    def _look(self, group: int, start: int, end: int) -> tuple[int, int]:
        """Look for keys in a row group; return which of them are before and behind it."""
        codes = row_keys(self._reader.codes(group))
        keys = self._keys[start:end]
        if not len(codes):
            return start, start
        before = int(np.searchsorted(keys, codes[0], side="left"))
        after = int(np.searchsorted(keys, codes[-1], side="right"))
        here = keys[before:after]
        at = np.searchsorted(codes, here)
        is_there = codes[np.minimum(at, len(codes) - 1)] == here
        self._found[start + before : start + after][is_there] = self._starts[group] + at[is_there]
        return start + before, start + after
