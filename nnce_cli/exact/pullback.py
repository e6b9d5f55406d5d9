"""The neurons of a layer on a cell as affine functions of the input, in rational arithmetic."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate

from flint import fmpq, fmpq_mat

from nnce_cli.exact.matrices import matrix, take_columns, take_rows
from nnce_cli.network import LayerStack, rationals

ONE = fmpq(1)
CACHED_CELLS = 256


class Pullback:
    """Computes and remembers the exact preactivations on the cells last asked for."""

    def __init__(self, stack: LayerStack) -> None:
        """Prepare the hidden layers of ``stack``."""
        self.units = stack.units
        self._stack = stack
        self._cache: OrderedDict[tuple[int, bytes], fmpq_mat] = OrderedDict()

    @cached_property
    def maps(self) -> list[tuple[fmpq_mat, fmpq_mat]]:
        """The hidden layers' rational (W, b)."""
        return [layer.rational for layer in self._stack.hidden]

    @cached_property
    def offset(self) -> list[int]:
        """The number of the first neuron of each layer, then that of all neurons (L + 1).

        Only neurons of units are counted, which have a bit: pass-throughs are none.
        """
        return [0, *accumulate(self._stack.rows)]

    @cached_property
    def _slopes(self) -> list[list[fmpq]]:
        """Of each layer, the slope of each neuron of a unit where it is not active."""
        return [
            [*rationals(units.slopes), *[fmpq(0)] * (units.rows - units.bits)]
            for units in self.units
        ]

    def layers(self, signs: Sequence[int]) -> list[list[bool]]:
        """Divide the signs (N,) of all neurons by layers; whether each neuron is active."""
        ends = zip(self.offset, self.offset[1:], strict=False)
        return [[sign > 0 for sign in signs[first:end]] for first, end in ends]

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
            kept, before = self.outputs(layer - 1, active)
            result = take_columns(weight, kept) * before
            for j in range(result.nrows()):
                result[j, 0] += bias[j, 0]
        self._cache[key] = result
        while len(self._cache) > CACHED_CELLS:
            self._cache.popitem(last=False)
        return result

    def outputs(self, layer: int, active: list[list[bool]]) -> tuple[list[int], fmpq_mat]:
        """Return which units of a layer are not switched off on a cell, and their outputs.

        The outputs have shape (units that are not switched off, 1 + d).
        """
        rows = self.preactivations(layer, active)
        factors = self.factors(layer, active[layer])
        kept = [k for k, factor in enumerate(factors) if factor != 0]
        if not self.units[layer].slopes.any():
            return kept, take_rows(rows, kept)
        return kept, matrix(
            [[factors[k] * rows[k, c] for c in range(rows.ncols())] for k in kept], rows.ncols()
        )

    def factors(self, layer: int, on: Sequence[bool]) -> list[fmpq]:
        """Return what each neuron of a layer is multiplied by; ``on`` says which are active."""
        slopes = self._slopes[layer]
        passing = self._stack.hidden[layer].n_out - len(slopes)
        factors = [ONE if is_on else slope for is_on, slope in zip(on, slopes, strict=True)]
        return factors + [ONE] * passing

    def values(self, layer: int, active: list[list[bool]]) -> fmpq_mat:
        """Return the values of a layer's units and its pass-throughs on a cell: (values, 1 + d).

        A clip's value lacks its lower bound.
        """
        kept, outputs = self.outputs(layer, active)
        units = self.units[layer]
        if not units.pieces:
            return outputs
        rows = dict(zip(kept, outputs.tolist(), strict=True))
        for target, source, sign in units.folds():
            if source not in rows:
                continue
            zeros = [fmpq(0)] * outputs.ncols()
            before = rows.get(target, zeros)
            rows[target] = [a + sign * b for a, b in zip(before, rows[source], strict=True)]
        hidden = set(units.hidden_neurons())
        return matrix([rows[k] for k in sorted(rows) if k not in hidden], outputs.ncols())


def _with_constant(weight: fmpq_mat, bias: fmpq_mat) -> fmpq_mat:
    rows = [[bias[j, 0], *row] for j, row in enumerate(weight.tolist())]
    return matrix(rows, weight.ncols() + 1)
