"""The affine maps of many cells at once in float64, with bounds on their errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.rounding import UNDERFLOW, UNIT_ROUNDOFF
from nnce_cli.network import AffineMap, LayerStack
from nnce_cli.table import CellRows, Rows, first_rows

ENTRIES = 2**21  # of the matrices of one layer that are in memory at a time

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CellMaps:
    """The maps x -> A x + c of some consecutive rows.

    ``value`` float64 (m, n_out, 1 + d) holds c and then A, ``error`` of the same shape bounds
    the difference of each entry to the exact one. Entries out of float64's range are not finite.
    """

    value: Floats
    error: Floats

    def at(self, points: Floats) -> tuple[Floats, Floats]:
        """Evaluate each map at a point of its own: values and error bounds (m, n_out).

        ``points`` is float64 (m, d) and exact.
        """
        terms = self.value[:, :, 1:] * points[:, None, :]
        values = self.value[:, :, 0] + terms.sum(axis=2)
        size = np.abs(self.value[:, :, 0]) + np.abs(terms).sum(axis=2)
        error = self.error[:, :, 0] + (self.error[:, :, 1:] * np.abs(points)[:, None, :]).sum(2)
        units = 2.0 * (points.shape[1] + 4) * UNIT_ROUNDOFF
        return values, error * (1 + 2.0**-30) + units * size + UNDERFLOW


def cell_maps(
    stack: LayerStack, output: AffineMap, rows: CellRows
) -> Iterator[tuple[slice, CellMaps]]:
    """Yield the maps of the cells of consecutive rows, some rows at a time.

    They are those from the d inputs of ``stack``, through its hidden layers, to ``output``.
    """
    widest = max(layer.n_out for layer in (*stack.hidden, output))
    step = max(1, ENTRIES // (widest * (1 + stack.n_inputs)))
    for start in range(0, len(rows.active), step):
        part = slice(start, min(start + step, len(rows.active)))
        signs = [layer[part] for layer in rows.signs]
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            some = Rows(signs, rows.active[part], rows.ranks[part])
            yield part, _maps(stack, output, some)


def _maps(stack: LayerStack, output: AffineMap, rows: Rows) -> CellMaps:
    """Return the maps to the output."""
    *_, (maps, numbers) = follow(stack, (*stack.hidden, output), rows)
    return CellMaps(maps.value[numbers], maps.error[numbers])


def follow(
    stack: LayerStack, layers: Sequence[AffineMap], rows: Rows
) -> Iterator[tuple[CellMaps, NDArray[np.int64]]]:
    """Yield the maps of layer after layer, and of each row (m,) which of them is its own.

    What cells have in common up to a layer is computed once. Overflow is to be ignored.
    """
    first_map, *layers = layers
    maps = _first_map(first_map)
    numbers = np.zeros(len(rows.active), dtype=np.int64)  # each row's cell among ``maps``
    yield maps, numbers
    columns, _ = first_rows(rows, None)
    ends, codes = stack.layout.column_ends, stack.layout.layers(rows.signs)
    for layer, units, end, (bits, pieces) in zip(layers, stack.units, ends, codes, strict=False):
        first = columns[end - 1]
        gains = units.gains((bits[first], pieces[first]), layer.n_in)
        if layer.n_out < maps.value.shape[2] and _are_plain(maps, gains):
            maps = _compose_in_cells(layer, gains, maps, numbers[first])
        else:
            maps = _compose(layer, *_passed_on(maps, numbers[first], gains, exact=units.is_relu))
        numbers = np.cumsum(first) - 1
        yield maps, numbers


def _passed_on(
    maps: CellMaps, cells: NDArray[np.int64], gains: Floats, *, exact: bool
) -> tuple[Floats, Floats]:
    """Return what units pass on (m, n, 1 + d) in cells of these numbers, and error bounds.

    ``gains`` (m, n) multiply the neurons' maps; ``exact`` says that all are 0 or 1.
    """
    factors = gains[:, :, None]
    value = np.where(factors, factors * maps.value[cells], 0.0)
    error = np.where(factors, np.abs(factors) * maps.error[cells], 0.0)
    if exact:
        return value, error
    return value, error * (1 + 2.0**-30) + UNIT_ROUNDOFF * np.abs(value) + UNDERFLOW


def _are_plain(maps: CellMaps, gains: Floats) -> bool:
    """Tell whether all gains are 0 or 1, and all that they multiply is finite."""
    are_bits = bool(((gains == 0.0) | (gains == 1.0)).all())
    return are_bits and bool(np.isfinite(maps.value).all() and np.isfinite(maps.error).all())


def _compose_in_cells(
    layer: AffineMap, gains: Floats, maps: CellMaps, cells: NDArray[np.int64]
) -> CellMaps:
    """Do as `_compose` does where few outputs need only the rows' weights, not all their neurons.

    The cells with plain gains (m, n) lie in the cells of ``maps`` with the ascending numbers
    ``cells`` (m,), which have many each: W diag(gain) A is one product for all cells in a cell.
    """
    weights = layer.weight * gains[:, None, :]
    units = 2.0 * (layer.n_in + 4) + (layer.exact is not None)
    size = np.abs(maps.value) + maps.error
    loss = maps.error * (1 + 2.0**-30) + units * UNIT_ROUNDOFF * size
    result = _products_in_cells(weights, maps.value, cells)
    bound = _products_in_cells(np.abs(weights), loss, cells)
    result[:, :, 0] += layer.bias
    bound[:, :, 0] += units * UNIT_ROUNDOFF * np.abs(layer.bias)
    return CellMaps(result, bound * (1 + 2.0**-30) + UNDERFLOW)


def _products_in_cells(left: Floats, right: Floats, cells: NDArray[np.int64]) -> Floats:
    """Return left[i] right[cells[i]] (m, k, c) for matrices (m, k, n) and (C, n, c).

    ``cells`` ascend and leave out no number. All of one cell are one product, and the products
    with the same number of rows are done together.
    """
    m, k, n = left.shape
    counts = np.bincount(cells, minlength=len(right))
    starts = np.cumsum(counts) - counts
    by_count = np.argsort(counts, kind="stable")
    ends = np.flatnonzero(np.diff(counts[by_count], append=-1)) + 1
    products = np.empty((m, k, right.shape[2]))
    for same in np.split(by_count, ends[:-1]):
        count = int(counts[same[0]])
        rows = (starts[same][:, None] + np.arange(count)).ravel()
        stacked = left[rows].reshape(len(same), count * k, n)
        products[rows] = np.matmul(stacked, right[same]).reshape(len(rows), k, right.shape[2])
    return products


def _first_map(layer: AffineMap) -> CellMaps:
    """Return the first layer on the whole domain; its float64 weights may be rounded."""
    value = np.concatenate([layer.bias[:, None], layer.weight], axis=1)[None]
    if layer.exact is None:
        return CellMaps(value, np.zeros_like(value))
    return CellMaps(value, UNIT_ROUNDOFF * np.abs(value) + UNDERFLOW)


def _compose(layer: AffineMap, value: Floats, error: Floats) -> CellMaps:
    """Apply a layer to activations that are affine functions of x.

    A sum of n products errs by at most (n + 2) u times the sum of their sizes (Higham 2002,
    *Accuracy and Stability of Numerical Algorithms*, section 3.1); what the activations are off
    by is multiplied by the weights. A factor of two covers the rounding of the bounds themselves.
    """
    sizes = np.abs(layer.weight)
    result = np.matmul(layer.weight, value)
    total = np.matmul(sizes, np.abs(value) + error)
    result[:, :, 0] += layer.bias
    total[:, :, 0] += np.abs(layer.bias)
    units = 2.0 * (layer.n_in + 4) + (layer.exact is not None)
    bound = np.matmul(sizes, error) * (1 + 2.0**-30) + units * UNIT_ROUNDOFF * total + UNDERFLOW
    return CellMaps(result, bound)
