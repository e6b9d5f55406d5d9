"""A layer's map from the values of the layer before it: rational, and rounded to float64."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from flint import fmpq, fmpq_mat

from nnce_cli.network import AffineMap
from nnce_cli.verify.layer_units import Bools, Floats, LayerUnits

SPARSE = 1 / 8  # of the weights: with more, matrices are multiplied as they are


@dataclass(frozen=True, eq=False)
class LayerMap:
    """The map z = W v + b from v values to n neurons.

    ``weight`` (n, v) and ``bias`` (n,) are the float64 nearest to W and b, which ``rational``
    holds; ``sizes`` and ``bias_sizes`` bound the sizes of W and b, and ``support`` (n, v) and
    ``is_biased`` (n,) say where they are not zero. A number that is computed from these, in any
    order, as a sum of products of weights with factors that are themselves rounded twice, is off
    by at most ``units`` unit roundoffs of the sum of the sizes of its terms: n + 4 to first order
    (Higham 2002, section 3.1) and as much again, which covers the rounding of the bound itself.
    """

    weight: Floats
    bias: Floats
    rational: tuple[fmpq_mat, fmpq_mat]
    sizes: Floats
    bias_sizes: Floats
    support: Bools
    is_biased: Bools
    units: float

    @staticmethod
    def of(layer: AffineMap, before: LayerUnits | None) -> LayerMap:
        """Return the map of a layer after that of ``before``, None for the first one."""
        weight, rational = layer.weight, layer.rational
        exact_weight, bias = layer.exact_arrays
        if before is not None and len(before.values) < layer.n_in:
            values = before.values
            weight, exact_weight = weight[:, values], exact_weight[:, values]
            rational = _columns(rational[0], values.tolist()), rational[1]
        # The float64 nearest to a rational errs relatively, or absolutely by half of 2^-1074.
        smallest = 2.0**-1022 if layer.exact is not None else 0.0
        return LayerMap(
            weight=np.ascontiguousarray(weight),
            bias=layer.bias,
            rational=rational,
            sizes=np.abs(weight) + smallest,
            bias_sizes=np.abs(layer.bias) + smallest,
            support=np.asarray(exact_weight != 0, dtype=np.bool_),
            is_biased=np.asarray(bias != 0, dtype=np.bool_),
            units=2.0 * (weight.shape[1] + 6),
        )

    def times(self, rows: Sequence[list[fmpq] | None], width: int) -> list[list[fmpq]]:
        """Return W times v rows of so many numbers, None for zeros: n rows."""
        if self._entries is None:
            return self._times_dense(rows, width)
        found = []
        for entries in self._entries:
            total = [fmpq(0)] * width
            for j, weight in entries:
                row = rows[j]
                if row is not None:
                    total = [a + weight * b for a, b in zip(total, row, strict=True)]
            found.append(total)
        return found

    def _times_dense(self, rows: Sequence[list[fmpq] | None], width: int) -> list[list[fmpq]]:
        weight, used = self.rational[0], [j for j, row in enumerate(rows) if row is not None]
        columns = _columns(weight, used)
        entries = [x for row in rows if row is not None for x in row]
        found: list[list[fmpq]] = (columns * fmpq_mat(len(used), width, entries)).tolist()
        return found

    @cached_property
    def _entries(self) -> list[list[tuple[int, fmpq]]] | None:
        """The weights that are not zero, by neurons; None where most are not."""
        if self.support.sum() > SPARSE * self.support.size:
            return None
        weight = self.rational[0]
        return [
            [(j, weight[i, j]) for j in np.flatnonzero(row).tolist()]
            for i, row in enumerate(self.support)
        ]


def _columns(matrix: fmpq_mat, chosen: list[int]) -> fmpq_mat:
    rows = range(matrix.nrows())
    return fmpq_mat(len(rows), len(chosen), [matrix[i, j] for i in rows for j in chosen])
