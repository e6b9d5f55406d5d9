"""Sparse matrices by rows, with exact entries.

Convolutions, pooling and whatever moves entries about have a few entries a row; a matrix of a
dense layer is a sparse one that is full. Entries stand in the order of their columns, each column
once a row. An entry that terms cancel out of stays, as a zero: which entries there are depends on
what a graph connects, not on luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.network.exact import (
    Array,
    ExactArithmetic,
    aligned,
    nearest,
    rational_matrix,
    rationals,
    settle,
)

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

MAX_ENTRIES = 2**25  # of one matrix: 256 MB
PRODUCTS = 2**22  # at a time
MAX_DENSE = 2**22  # of a matrix of rationals

EXACT = ExactArithmetic()


@dataclass(frozen=True, eq=False)
class Rows:
    """A sparse matrix: row i has the entries ``starts[i]`` to ``starts[i + 1]``.

    ``values`` is an exact array. ``sizes``, where it is asked for, has for each entry the sum of
    the magnitudes of the terms that were added up to it.
    """

    starts: Index
    columns: Index
    values: Array
    sizes: Floats | None = None

    @property
    def n(self) -> int:
        """The number of rows."""
        return len(self.starts) - 1

    @property
    def lengths(self) -> Index:
        """The number of entries of each row."""
        return np.diff(self.starts)

    @property
    def row_of(self) -> Index:
        """The row of each entry."""
        return np.repeat(np.arange(self.n), self.lengths)

    @property
    def is_unit(self) -> bool:
        """Whether each row is one entry, a one."""
        return (
            len(self.columns) == self.n
            and bool((self.lengths == 1).all())
            and bool((self.values == 1).all())
        )

    @property
    def known_sizes(self) -> Floats:
        """The sizes; of constants their magnitudes."""
        return magnitudes(self.values) if self.sizes is None else self.sizes

    @property
    def longest(self) -> int:
        """The number of entries of the longest row."""
        return int(self.lengths.max(initial=0))

    def take(self, rows: Index) -> Rows:
        """Return the given rows, in order; -1 is a row without entries."""
        lengths = np.where(rows < 0, 0, self.lengths[rows] if self.n else 0)
        starts = starts_of(lengths)
        limit_entries(int(starts[-1]))
        first = np.where(rows < 0, 0, self.starts[rows])
        at = np.repeat(first - starts[:-1], lengths) + np.arange(starts[-1])
        return self._with(starts, at)

    def select(self, kept: NDArray[np.bool_]) -> Rows:
        """Return the matrix without the entries that are not kept."""
        if kept.all():
            return self
        ends = np.concatenate([[0], np.cumsum(kept)])
        return self._with(ends[self.starts], np.flatnonzero(kept))

    def _with(self, starts: Index, at: Index) -> Rows:
        sizes = None if self.sizes is None else self.sizes[at]
        return Rows(starts, self.columns[at], self.values[at], sizes)

    def scaled(self, factors: Array) -> Rows:
        """Return the matrix with row i multiplied by ``factors[i]``; entries times zero go."""
        if not (factors != 0).all():
            zero = np.repeat(factors == 0, self.lengths)
            return self.select(~zero).scaled(np.where(factors == 0, 1.0, factors))
        repeated = np.repeat(factors, self.lengths)
        sizes = None if self.sizes is None else self.sizes * magnitudes(repeated)
        return Rows(self.starts, self.columns, EXACT.multiply(self.values, repeated), sizes)

    def divided(self, divisors: Array) -> Rows:
        """Return the matrix with row i divided by ``divisors[i]``, none of which is zero."""
        repeated = np.repeat(divisors, self.lengths)
        sizes = None if self.sizes is None else self.sizes / magnitudes(repeated)
        return Rows(self.starts, self.columns, EXACT.divide(self.values, repeated), sizes)

    def times(self, points: Floats) -> Floats:
        """Return ``W a`` in float64 (so rounded) for points (m, width), of shape (m, n)."""
        values, filled = nearest(self.values), self.lengths > 0
        found = np.zeros((len(points), self.n))
        step = max(1, PRODUCTS // max(1, len(values)))
        for start in range(0, len(points) if filled.any() else 0, step):
            terms = points[start : start + step, self.columns] * values
            sums = np.add.reduceat(terms, self.starts[:-1][filled], axis=1)
            found[start : start + step, filled] = sums
        return found

    def dense(self, width: int) -> tuple[Array, Floats | None]:
        """Return the values and the sizes as matrices (n, width)."""
        limit_entries(self.n * width)
        if len(self.columns) == self.n * width:  # full
            full = None if self.sizes is None else self.sizes.reshape(self.n, width)
            return self.values.reshape(self.n, width), full
        zero: Any = 0.0
        if self.values.dtype == np.object_:
            [zero] = rationals(np.zeros(1))
        at = self.row_of * width + self.columns
        values = np.full(self.n * width, zero, dtype=self.values.dtype)
        values[at] = self.values
        if self.sizes is None:
            return values.reshape(self.n, width), None
        sizes = np.zeros(self.n * width)
        sizes[at] = self.sizes
        return values.reshape(self.n, width), sizes.reshape(self.n, width)


def empty_rows(n: int) -> Rows:
    """Return n rows without entries."""
    return Rows(np.zeros(n + 1, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))


def unit_rows(columns: Index, *, tracked: bool = False) -> Rows:
    """Return rows of one entry each, a one in the given column; ``tracked`` with sizes."""
    n = len(columns)
    sizes = np.ones(n) if tracked else None
    return Rows(np.arange(n + 1), np.asarray(columns, np.int64), np.ones(n), sizes)


def constant_rows(starts: Index, columns: Index, values: Array) -> Rows:
    """Return a matrix of constants, without its zeros; columns have to ascend in each row."""
    rows = Rows(starts, columns, values)
    kept = values != 0
    return rows if kept.all() else rows.select(kept.astype(np.bool_))


def dense_rows(matrix: Array) -> Rows:
    """Return a matrix (n, width) of constants by rows."""
    n, width = matrix.shape
    columns = np.tile(np.arange(width), n)
    return constant_rows(np.arange(n + 1) * width, columns, matrix.reshape(-1))


def stack_rows(parts: Sequence[Rows]) -> Rows:
    """Return the rows of all parts, one after the other."""
    if len(parts) == 1:
        return parts[0]
    starts = starts_of(np.concatenate([part.lengths for part in parts]))
    return Rows(
        starts,
        np.concatenate([part.columns for part in parts]),
        join([part.values for part in parts]),
        _joined_sizes(parts),
    )


def add_rows(a: Rows, b: Rows) -> Rows:
    """Return a + b, for as many rows."""
    if not len(a.columns) or not len(b.columns):
        return a if len(a.columns) else b
    return _merged(
        np.concatenate([a.row_of, b.row_of]),
        np.concatenate([a.columns, b.columns]),
        join([a.values, b.values]),
        _joined_sizes([a, b]),
        a.n,
    )


def product(a: Rows, x: Rows) -> Rows:
    """Return a @ x; the columns of a are the rows of x. Sizes are those of x, if it has any."""
    if x.is_unit and bool((np.diff(x.columns) > 0).all()):
        sizes = None if x.sizes is None else a.known_sizes * x.sizes[a.columns]
        return Rows(a.starts, x.columns[a.columns], a.values, sizes)
    lengths = x.lengths[a.columns]
    total = int(lengths.sum())
    used = np.unique(x.columns)
    # Where each entry of the product sums up many terms, matrices are faster.
    if total > 4 * a.n * len(used) and max(a.n, len(used)) * x.n <= MAX_DENSE:
        return _dense_product(a, x, used)
    limit_entries(total)
    before = starts_of(lengths)
    at = np.repeat(x.starts[:-1][a.columns] - before[:-1], lengths) + np.arange(total)
    factors = np.repeat(a.values, lengths)
    sizes = None
    if x.sizes is not None:
        sizes = np.repeat(a.known_sizes, lengths) * x.sizes[at]
    values = EXACT.multiply(factors, x.values[at])
    return _merged(np.repeat(a.row_of, lengths), x.columns[at], values, sizes, a.n)


def apply_rows(a: Rows, vector: Array) -> Array:
    """Return a @ vector, exactly."""
    if not vector.any():
        return np.zeros(a.n)
    width = len(vector)
    if len(a.columns) == a.n * width and a.n * width <= MAX_DENSE:
        return EXACT.matmul(a.values.reshape(a.n, width), vector[:, None])[:, 0]
    terms = EXACT.multiply(a.values, vector[a.columns])
    filled = a.lengths > 0
    sums = _sums(terms, a.lengths[filled])
    found = np.zeros(a.n) if sums.dtype != np.object_ else rationals(np.zeros(a.n))
    found[filled] = sums
    return found


def apply_sizes(a: Rows, vector: Floats) -> Floats:
    """Return |a| @ vector in float64."""
    if not vector.any():
        return np.zeros(a.n)
    terms = a.known_sizes * vector[a.columns]
    return np.bincount(a.row_of, terms, minlength=a.n).astype(np.float64)


def magnitudes(values: Array) -> Floats:
    """Return the absolute values of an exact array, in float64."""
    return np.abs(nearest(values))


def starts_of(lengths: NDArray[Any]) -> Index:
    """Return where rows of given lengths start, and the end of the last one."""
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)


def limit_entries(entries: int) -> None:
    """Refuse a matrix that is too large.

    Raises:
        InputError: it is.
    """
    if entries > MAX_ENTRIES:
        raise InputError(f"it needs a matrix of {entries} entries, more than {MAX_ENTRIES}")


def join(parts: Sequence[Array]) -> Array:
    """Return exact arrays one after the other: rationals where one of them has any."""
    if any(part.dtype == np.object_ for part in parts):
        parts = [rationals(part) for part in parts]
    return np.concatenate(parts)


def _joined_sizes(parts: Sequence[Rows]) -> Floats | None:
    known = [part.sizes for part in parts if part.sizes is not None]
    return np.concatenate(known) if len(known) == len(parts) else None


def _dense_product(a: Rows, x: Rows, used: Index) -> Rows:
    """Return a @ x by the product of matrices: all its rows have all the columns in use."""
    narrow = Rows(x.starts, np.searchsorted(used, x.columns), x.values, x.sizes)
    left, _ = a.dense(x.n)
    right, sizes = narrow.dense(len(used))
    if left.any() and right.any():
        both = rational_matrix(left) * rational_matrix(right)
        values = settle(np.array(both.entries(), dtype=object))
    else:
        values = np.zeros(a.n * len(used))
    if sizes is not None:
        _, known = Rows(a.starts, a.columns, a.values, a.known_sizes).dense(x.n)
        assert known is not None
        sizes = (known @ sizes).ravel()
    columns = np.tile(used, a.n)
    return Rows(np.arange(a.n + 1) * len(used), columns, values, sizes)


def _merged(rows: Index, columns: Index, values: Array, sizes: Floats | None, n: int) -> Rows:
    """Return entries in any order as a matrix: those of one place are summed up."""
    width = int(columns.max(initial=0)) + 1
    places = rows * width + columns
    if len(places) > 1 and not (np.diff(places) > 0).all():
        order = np.argsort(places, kind="stable")
        places, values = places[order], values[order]
        sizes = None if sizes is None else sizes[order]
    first = np.flatnonzero(np.diff(places, prepend=-1))
    if len(first) < len(places):
        lengths = np.diff(first, append=len(places))
        values = _sums(values, lengths)
        sizes = None if sizes is None else np.add.reduceat(sizes, first)
        places = places[first]
    starts = starts_of(np.bincount(places // width, minlength=n))
    return Rows(starts, places % width, values, sizes)


def _sums(terms: Array, lengths: Index) -> Array:
    """Return the sums of groups of consecutive terms, each of at least one: two by two."""
    while len(terms) > len(lengths):
        within = np.arange(len(terms)) - np.repeat(starts_of(lengths)[:-1], lengths)
        even = np.flatnonzero(within % 2 == 0)
        paired = within[even] + 1 < np.repeat(lengths, (lengths + 1) // 2)
        first = even[paired]
        both = EXACT.add(terms[first], terms[first + 1])
        kept, both = aligned(terms[even], both)
        kept[paired] = both
        terms, lengths = kept, (lengths + 1) // 2
    return settle(terms) if terms.dtype == np.object_ else terms
