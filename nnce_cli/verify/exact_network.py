"""A network on its domain in rational arithmetic: the preactivations on a cell.

Everything about cells is computed in the coordinates u of the unit cube: x = lower + span · u,
without the inputs of zero width. An affine function of u is a row (constant, coefficients of u),
and its least value on the domain is the constant plus the negative coefficients.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import TypeVar

import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray

from nnce_cli.domain import Box
from nnce_cli.network import LayerStack, rational_matrix
from nnce_cli.verify.layer_map import LayerMap
from nnce_cli.verify.layer_units import Codes, LayerUnits, Signs

ZERO = fmpq(0)
REMEMBERED_CELLS = 64

Form = list[fmpq]
"""An affine function of u: its constant, then its d coefficients."""

Scalar = TypeVar("Scalar", bound=np.generic)


class ExactNetwork:
    """The layers of a network on a box; ``output`` is None where it ends in units.

    The code of a cell has a number for each unit, the layers joined; ``starts`` (L + 1 numbers)
    say where each layer begins in it. Functions are those of the neurons of units, the layers
    joined; there ``row_starts`` say where each layer begins. In a chain of ReLU layers both are
    the same. ``free`` (n_0,) says which inputs vary, and d is their number.
    ``is_homogeneous`` says that there are no biases, and no fixed inputs that act as such: then
    all preactivations are zero where all inputs are, in the domain or outside of it.
    """

    def __init__(self, stack: LayerStack, box: Box) -> None:
        self.stack = stack
        self.box = box
        self.layout = stack.layout
        self.free: NDArray[np.bool_] = box.lower < box.upper
        self.dimension = int(self.free.sum())
        both = zip(stack.units, stack.hidden, strict=True)
        self.layers = [LayerUnits(units, layer) for units, layer in both]
        before: list[LayerUnits | None] = [None, *self.layers]
        self.maps = [LayerMap.of(*pair) for pair in zip(stack.hidden, before, strict=False)]
        self.output = None if stack.output is None else LayerMap.of(stack.output, before[-1])
        self.starts = _ends(layer.count for layer in self.layers)
        self.row_starts = _ends(layer.rows for layer in self.layers)
        self._layers = [k for k, layer in enumerate(self.layers) for _ in range(layer.rows)]
        offsets = zip(self.layers, self.starts, strict=False)
        units = [layer.unit_of + start for layer, start in offsets]
        self.unit_of = np.concatenate([np.zeros(0, dtype=np.int64), *units])
        sums = [layer.sums for layer in self.layers]
        self.sums = np.concatenate([np.zeros(0, dtype=np.int64), *sums])
        self.is_homogeneous = not any(layer.is_biased.any() for layer in self.maps) and not bool(
            box.lower[~self.free].any()
        )
        self._remembered: OrderedDict[tuple[int, bytes], list[Form]] = OrderedDict()
        self._first = self._first_layer() if self.layers else []

    @property
    def depth(self) -> int:
        """The number of hidden layers."""
        return len(self.layers)

    @property
    def units(self) -> int:
        """The number of all hidden units."""
        return int(self.starts[-1])

    @property
    def rows(self) -> int:
        """The number of all neurons of units."""
        return int(self.row_starts[-1])

    def layer_of(self, row: int) -> int:
        """Return the layer (from 0) of a neuron counted through all layers."""
        return self._layers[row]

    def name_of(self, row: int) -> str:
        """Name the unit of a neuron, counted through all layers, for a message."""
        return self.unit_name(int(self.unit_of[row]))

    def unit_name(self, unit: int) -> str:
        """Name a unit, counted through all layers, for a message."""
        layer = bisect_right(self.starts, unit) - 1
        return self.layers[layer].name_of(unit - self.starts[layer], layer + 1)

    def code_name(self, unit: int, code: int) -> str:
        """Say what a code of a unit, counted through all layers, means, for a message."""
        layer = bisect_right(self.starts, unit) - 1
        return self.layers[layer].code_name(unit - self.starts[layer], code)

    def of_layer(self, layer: int, codes: NDArray[Scalar]) -> NDArray[Scalar]:
        """Return the part (…, n) of the units of a layer (from 0) out of all (…, N)."""
        return codes[..., self.starts[layer] : self.starts[layer + 1]]

    def codes_of(self, signs: Codes) -> Codes:
        """Return the code of the units whose neurons have the signs (rows,), 1 where positive.

        There are no maxima among them.
        """
        if self.rows == self.units:
            return signs
        return np.add.reduceat(signs, np.unique(self.unit_of, return_index=True)[1])

    def sides(self, codes: Codes) -> Signs:
        """Return the sides (…, rows) of all neurons of units on which cells with codes are."""
        parts = [layer.sides(self.of_layer(k, codes)) for k, layer in enumerate(self.layers)]
        none = np.zeros((*codes.shape[:-1], 0), dtype=np.int8)
        return np.concatenate([none, *parts], axis=-1)

    def forms(self, layer: int, codes: Codes) -> list[Form]:
        """Return the preactivations of a layer's neurons (from 0) as functions of u on a cell.

        ``codes`` are the cell's; those of this layer and later ones are not looked at.
        """
        if layer == 0:
            return self._first
        key = layer, bytes(codes[: self.starts[layer]])
        if key in self._remembered:
            self._remembered.move_to_end(key)
            return self._remembered[key]
        rows = self.maps[layer].times(self.values(layer - 1, codes), 1 + self.dimension)
        bias = self.maps[layer].rational[1]
        for j, row in enumerate(rows):
            row[0] += bias[j, 0]
        self._remembered[key] = rows
        while len(self._remembered) > REMEMBERED_CELLS * len(self.maps):
            self._remembered.popitem(last=False)
        return rows

    def values(self, layer: int, codes: Codes) -> list[Form | None]:
        """Return what a layer (from 0) passes on as functions of u on a cell; None for zero."""
        here = self.of_layer(layer, codes)
        return self.layers[layer].exact_values(self.forms(layer, codes), here)

    def form(self, row: int, codes: Codes) -> Form:
        """Return the function of a neuron of a unit, counted through all layers, on a cell."""
        layer = self.layer_of(row)
        return self.forms(layer, codes)[row - self.row_starts[layer]]

    def walls(self, codes: Codes) -> list[tuple[int, Form]]:
        """Return the walls of a cell: neurons, and their functions turned to be >= 0 on it."""
        sides = self.sides(codes).tolist()
        found = []
        for k, layer in enumerate(self.layers):
            start = self.row_starts[k]
            for j, form in enumerate(self.forms(k, codes)[: layer.rows]):
                side = sides[start + j]
                if side:
                    found.append((start + j, form if side > 0 else [-x for x in form]))
        return found

    def outputs(self, values: Sequence[list[fmpq] | None]) -> list[fmpq]:
        """Return the outputs where the last layer passes on these values, each alone in a list."""
        if self.output is None:
            return [ZERO if value is None else value[0] for value in values]
        bias = self.output.rational[1]
        return [x + bias[j, 0] for j, [x] in enumerate(self.output.times(values, 1))]

    def point(self, u: Sequence[fmpq]) -> list[fmpq]:
        """Return the point x (n_0 entries) of the unit cube's point u (d entries)."""
        rest = iter(u)
        lower, upper = rationals(self.box.lower), rationals(self.box.upper)
        return [
            lo + (hi - lo) * next(rest) if free else lo
            for lo, hi, free in zip(lower, upper, self.free.tolist(), strict=True)
        ]

    def _first_layer(self) -> list[Form]:
        """Fold the box into the first layer: z_1 = (W lower + b) + (W span) u."""
        weight, bias = self.maps[0].rational
        lower = rational_matrix(self.box.lower[:, None])
        constants = (weight * lower + bias).entries()
        spans = [
            hi - lo
            for lo, hi in zip(rationals(self.box.lower), rationals(self.box.upper), strict=True)
        ]
        columns = np.flatnonzero(self.free).tolist()
        return [
            [constant, *(weight[j, i] * spans[i] for i in columns)]
            for j, constant in enumerate(constants)
        ]


def _ends(counts: Iterable[int]) -> list[int]:
    return list(accumulate(counts, initial=0))


def rationals(values: NDArray[np.float64]) -> list[fmpq]:
    """Return floats (any number of them, one-dimensional) as the rationals that they are."""
    return [fmpq(*x.as_integer_ratio()) for x in values.tolist()]


def matrix(rows: Sequence[Sequence[fmpq]], columns: int) -> fmpq_mat:
    """Return the rational matrix of ``rows``, of which there may be none."""
    return fmpq_mat(len(rows), columns, [x for row in rows for x in row])


def value_at(form: Form, u: Sequence[fmpq]) -> fmpq:
    """Return the value of an affine function at a point of the unit cube."""
    return form[0] + sum((a * x for a, x in zip(form[1:], u, strict=True)), ZERO)


def least_on_domain(form: Form) -> fmpq:
    """Return the least value of an affine function on the unit cube."""
    return form[0] + sum((a for a in form[1:] if a < 0), ZERO)
