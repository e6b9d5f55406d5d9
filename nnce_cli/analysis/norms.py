"""Operator norms of affine maps: the local Lipschitz constants of a network, with error bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnce_cli.analysis.affine_maps import CellMaps
from nnce_cli.base.rounding import UNIT_ROUNDOFF

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Norm:
    """An operator norm of the affine maps on the cells: the largest, and the mean over cells.

    ``row`` is the row of a cell with the largest one, to within the error. ``relative_error``
    bounds the relative errors of ``largest`` and ``mean``, None where one of them is 0.
    """

    largest: float
    row: int
    mean: float
    relative_error: float | None


class NormCounter:
    """Gathers the norms of cells, given in the order of the table."""

    def __init__(self) -> None:
        self._cells = 0
        self._batches = 0
        self._sum = self._errors = self._worst = 0.0
        self._largest, self._row = -1.0, 0

    def add(self, norms: Floats, errors: Floats) -> None:
        """Take the norms (m,) of the next rows and the bounds on their errors."""
        if not len(norms):
            return
        top = int(norms.argmax())  # of a NaN, if there is one
        if not norms[top] <= self._largest:
            self._largest, self._row = float(norms[top]), self._cells + top
        self._worst = max(self._worst, float(errors.max()))
        self._sum += float(norms.sum())
        self._errors += float(errors.sum())
        self._cells += len(norms)
        self._batches += 1

    def join(self, later: NormCounter) -> None:
        """Take what was gathered of the rows behind these."""
        if not later._cells:
            return
        if not later._largest <= self._largest:
            self._largest, self._row = later._largest, self._cells + later._row
        self._worst = max(self._worst, later._worst)
        self._sum += later._sum
        self._errors += later._errors
        self._cells += later._cells
        self._batches += later._batches + 1

    def result(self) -> Norm | None:
        """Return what was gathered: None without cells, or where a norm is out of range."""
        if not self._cells or not math.isfinite(self._sum + self._errors):
            return None
        mean = self._sum / self._cells
        error = None
        if mean > 0:
            # Sums of nonnegative terms: pairwise within a batch, one after the other over batches.
            summing = 2 * (self._batches + 64) * UNIT_ROUNDOFF
            error = max(self._worst / self._largest, self._errors / self._sum + summing)
        return Norm(self._largest, self._row, mean, error)


def infinity_norms(maps: CellMaps) -> tuple[Floats, Floats]:
    """Return the largest absolute row sums of the linear parts (m,), and error bounds."""
    norms = _row_sums(maps.value)
    n = maps.value.shape[2]
    return norms, _row_sums(maps.error) * (1 + 2.0**-30) + 2 * (n + 4) * UNIT_ROUNDOFF * norms


def spectral_norms(maps: CellMaps) -> tuple[Floats, Floats]:
    """Return the largest singular values of the linear parts (m,), and error bounds.

    They are the roots of the largest eigenvalues of the Gram matrices of rows or columns, whichever
    are fewer, and of rank one or two have a formula. A matrix A is divided by a power of two such
    that its largest entry is in [1/2, 1). The rounding of a Gram matrix is at most a small multiple
    of its trace ‖A‖_F², and |√a - √b| <= |a - b| / √a. The error of the map itself is added in the
    Frobenius norm.
    """
    linear, error = maps.value[:, :, 1:], maps.error[:, :, 1:]
    cells, _, columns = linear.shape
    if not columns:
        return np.zeros(cells), np.zeros(cells)
    finite = np.asarray(np.isfinite(linear).all(axis=(1, 2)) & np.isfinite(error).all(axis=(1, 2)))
    if not finite.all():
        linear = np.where(finite[:, None, None], linear, 0.0)
        error = np.where(finite[:, None, None], error, 0.0)
    linear = linear[:, linear.any(axis=(0, 2))]  # one score of two may be the number 0
    if linear.shape[1] > columns:
        linear = linear.transpose(0, 2, 1)
    _, exponents = np.frexp(_largest(linear))
    scaled = np.ldexp(linear, -exponents[:, None, None])
    squares, errors = _largest_eigenvalues(scaled)
    roots = np.sqrt(squares)
    bounds = errors / np.where(roots > 0, roots, 1.0) + UNIT_ROUNDOFF * roots
    norms = np.ldexp(roots, exponents)
    bounds = (np.ldexp(bounds, exponents) + _frobenius(error)) * (1 + 2.0**-20)
    return np.where(finite, norms, np.nan), np.where(finite, bounds, np.nan)


def _largest_eigenvalues(matrices: Floats) -> tuple[Floats, Floats]:
    """Return the largest eigenvalues of A A^T (m,) for matrices (m, r, c), and error bounds.

    From three rows on the eigenvalues are not LAPACK's word alone: A A^T = V Λ V^T + R gives
    λ(1 - ‖V^T V - I‖) - ‖R‖ <= ‖A A^T‖ <= λ(1 + ‖V^T V - I‖) + ‖R‖ for the largest λ (after Rump
    2011, *Verified bounds for singular values, in particular for the spectral norm of a matrix and
    its inverse*).
    """
    cells, rows, columns = matrices.shape
    if not rows:
        return np.zeros(cells), np.zeros(cells)
    if rows <= 2:
        first, last = matrices[:, 0], matrices[:, -1]
        p, q = (np.einsum("ij,ij->i", a, a) for a in (first, last))
        if rows == 1:
            return p, (columns + 2) * UNIT_ROUNDOFF * p
        b = np.einsum("ij,ij->i", first, last)
        values = (p + q) / 2 + np.hypot((p - q) / 2, b)
        return values, 2 * (columns + 16) * UNIT_ROUNDOFF * (p + q)
    gram = np.matmul(matrices, matrices.transpose(0, 2, 1))
    found, vectors = np.linalg.eigh(gram)
    values = np.abs(found).max(axis=1)
    transposed = vectors.transpose(0, 2, 1)
    residual = _frobenius(gram - np.matmul(vectors * found[:, None, :], transposed))
    bent = _frobenius(np.matmul(transposed, vectors) - np.eye(rows))
    units = 4 * rows * (3 * rows + 8) * UNIT_ROUNDOFF  # the rounding of these two lines
    trace = np.einsum("ijj->i", gram)
    errors = residual + (bent + units) * values + 2 * (columns + 4) * UNIT_ROUNDOFF * trace
    return values, errors


def _row_sums(maps: Floats) -> Floats:
    """Return the largest absolute row sum of each linear part."""
    sums: Floats = np.abs(maps[:, :, 1:]).sum(axis=2).max(axis=1)
    return sums


def _largest(matrices: Floats) -> Floats:
    """Return the largest absolute entry of each matrix (m, r, c), 0 where it has none."""
    largest: Floats = np.abs(matrices).max(axis=(1, 2), initial=0.0)
    return largest


def _frobenius(matrices: Floats) -> Floats:
    """Return the Frobenius norms of a stack of matrices, whose squares may be out of range."""
    scale = _largest(matrices)
    scaled = matrices / np.where(scale > 0, scale, 1.0)[:, None, None]
    norms: Floats = scale * np.sqrt(np.einsum("ijk,ijk->i", scaled, scaled))
    return norms
