"""The neurons of a layer on a cell as affine functions of the input, in rational arithmetic."""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property

from flint import fmpq, fmpq_mat

from nnce_cli.network import LayerStack

CACHED_CELLS = 256


class Pullback:
    """Computes and remembers the exact preactivations on the cells last asked for."""

    def __init__(self, stack: LayerStack) -> None:
        self._stack = stack
        self._cache: OrderedDict[tuple[int, bytes], fmpq_mat] = OrderedDict()

    @cached_property
    def maps(self) -> list[tuple[fmpq_mat, fmpq_mat]]:
        """The hidden layers' rational (W, b)."""
        return [layer.rational for layer in self._stack.hidden]

    def preactivations(self, layer: int, active: list[list[bool]]) -> fmpq_mat:
        """Return layer ``layer`` (from 0) on the cell where ``active`` are the layers' signs.

        ``active[l][i]`` for the layers before ``layer``; later entries are not looked at.
        The result has shape (n_layer, 1 + d): the constant, then the coefficients of x.
        """
        key = (layer, b"".join(bytes(signs) for signs in active[:layer]))
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        weight, bias = self.maps[layer]
        if layer == 0:
            result = _with_constant(weight, bias)
        else:
            before = self.preactivations(layer - 1, active)
            kept = [k for k, on in enumerate(active[layer - 1]) if on]
            result = take_columns(weight, kept) * take_rows(before, kept)
            for j in range(result.nrows()):
                result[j, 0] += bias[j, 0]
        self._cache[key] = result
        while len(self._cache) > CACHED_CELLS:
            self._cache.popitem(last=False)
        return result


def _with_constant(weight: fmpq_mat, bias: fmpq_mat) -> fmpq_mat:
    rows = [[bias[j, 0], *row] for j, row in enumerate(weight.tolist())]
    return matrix(rows, weight.ncols() + 1)


def matrix(rows: list[list[fmpq]], n_columns: int) -> fmpq_mat:
    """Return the rational matrix of ``rows``, which may be empty."""
    return fmpq_mat(len(rows), n_columns, [x for row in rows for x in row])


def take_rows(a: fmpq_mat, kept: list[int]) -> fmpq_mat:
    """Return the rows ``kept`` of ``a``."""
    return matrix([[a[i, j] for j in range(a.ncols())] for i in kept], a.ncols())


def take_columns(a: fmpq_mat, kept: list[int]) -> fmpq_mat:
    """Return the columns ``kept`` of ``a``."""
    return matrix([[a[i, j] for j in kept] for i in range(a.nrows())], len(kept))
