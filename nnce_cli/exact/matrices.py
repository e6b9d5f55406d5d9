"""Rational matrices from rows, and parts of them."""

from __future__ import annotations

from collections.abc import Sequence

from flint import fmpq, fmpq_mat


def matrix(rows: Sequence[Sequence[fmpq]], n_columns: int) -> fmpq_mat:
    """Return the rational matrix of ``rows``, which may be empty."""
    return fmpq_mat(len(rows), n_columns, [x for row in rows for x in row])


def take_rows(a: fmpq_mat, kept: list[int]) -> fmpq_mat:
    """Return the rows ``kept`` of ``a``."""
    return matrix([[a[i, j] for j in range(a.ncols())] for i in kept], a.ncols())


def take_columns(a: fmpq_mat, kept: list[int]) -> fmpq_mat:
    """Return the columns ``kept`` of ``a``."""
    return matrix([[a[i, j] for j in kept] for i in range(a.nrows())], len(kept))
