"""The neurons of a layer on a cell as affine functions of the input, in rational arithmetic."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property

from flint import fmpq, fmpq_mat

from nnce_cli.exact.matrices import matrix, take_columns, take_rows
from nnce_cli.network import LayerStack

ONE = fmpq(1)
CACHED_CELLS = 256

# Of each layer, the slope of each unit where z <= 0; a pass-through has slope 1 and no bit.
# Pass-throughs are the last units of their layer. None stands for ReLUs alone: slopes of 0.
Slopes = Sequence[Sequence[fmpq]] | None


class Pullback:
    """Computes and remembers the exact preactivations on the cells last asked for."""

    def __init__(self, stack: LayerStack, slopes: Slopes = None) -> None:
        """Prepare the hidden layers of ``stack``."""
        self.slopes = slopes
        self._stack = stack
        self._cache: OrderedDict[tuple[int, bytes], fmpq_mat] = OrderedDict()

    @cached_property
    def maps(self) -> list[tuple[fmpq_mat, fmpq_mat]]:
        """The hidden layers' rational (W, b)."""
        return [layer.rational for layer in self._stack.hidden]

    @cached_property
    def offset(self) -> list[int]:
        """The number of the first neuron of each layer, then that of all neurons (L + 1).

        A neuron is a unit with a bit: pass-throughs are none.
        """
        offset = [0]
        for layer, affine in enumerate(self._stack.hidden):
            slopes = self.slopes[layer] if self.slopes else ()
            passing = sum(slope == ONE for slope in slopes)
            offset.append(offset[-1] + affine.n_out - passing)
        return offset

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
        rows, on = self.preactivations(layer, active), active[layer]
        if self.slopes is None:
            kept = [k for k, is_on in enumerate(on) if is_on]
            return kept, take_rows(rows, kept)
        slopes = self.slopes[layer]
        factors = [ONE if k >= len(on) or on[k] else slope for k, slope in enumerate(slopes)]
        kept = [k for k, factor in enumerate(factors) if factor != 0]
        return kept, matrix(
            [[factors[k] * rows[k, c] for c in range(rows.ncols())] for k in kept], rows.ncols()
        )


def _with_constant(weight: fmpq_mat, bias: fmpq_mat) -> fmpq_mat:
    rows = [[bias[j, 0], *row] for j, row in enumerate(weight.tolist())]
    return matrix(rows, weight.ncols() + 1)
