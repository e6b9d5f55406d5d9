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

    The singular value decomposition U Σ V is not trusted: from its residual and from how far U
    and V are from orthogonal follows how far the largest singular value can be off (Rump 2011,
    *Verified bounds for singular values, in particular for the spectral norm of a matrix and its
    inverse*): A = U Σ V + R gives ‖A‖ <= ‖U‖ σ ‖V‖ + ‖R‖, and as much from below. The error of
    the map itself is added in the Frobenius norm.
    """
    linear, error = maps.value[:, :, 1:], maps.error[:, :, 1:]
    cells, rows, columns = linear.shape
    if not columns:
        return np.zeros(cells), np.zeros(cells)
    finite = np.asarray(np.isfinite(linear + error).all(axis=(1, 2)))
    linear = np.where(finite[:, None, None], linear, 0.0)
    left, values, right = np.linalg.svd(linear, full_matrices=False)
    norms = values[:, 0]
    k = values.shape[1]
    residual = _frobenius(linear - np.matmul(left * values[:, None, :], right))
    bent = _distance_from_identity(np.matmul(left.transpose(0, 2, 1), left))
    bent += _distance_from_identity(np.matmul(right, right.transpose(0, 2, 1)))
    units = 4 * k * (rows + columns + k + 8) * UNIT_ROUNDOFF  # the rounding of these two lines
    bounds = residual + (bent + units) * norms + _frobenius(error)
    bounds *= 1 + 2.0**-20
    return np.where(finite, norms, np.nan), np.where(finite, bounds, np.nan)


def _row_sums(maps: Floats) -> Floats:
    """Return the largest absolute row sum of each linear part."""
    sums: Floats = np.abs(maps[:, :, 1:]).sum(axis=2).max(axis=1)
    return sums


def _frobenius(matrices: Floats) -> Floats:
    """Return the Frobenius norms of a stack of matrices, whose squares may be out of range."""
    scale = np.abs(matrices).max(axis=(1, 2))
    scaled = matrices / np.where(scale > 0, scale, 1.0)[:, None, None]
    norms: Floats = scale * np.sqrt((scaled**2).sum(axis=(1, 2)))
    return norms


def _distance_from_identity(matrices: Floats) -> Floats:
    """Return how far nearly orthogonal vectors are from orthogonal, by their Gram matrices."""
    return _frobenius(matrices - np.eye(matrices.shape[1]))
