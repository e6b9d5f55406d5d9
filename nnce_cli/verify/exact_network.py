"""A network on its domain in rational arithmetic: the preactivations on a cell.

Everything about cells is computed in the coordinates u of a unit cube (`chart`), in which affine
functions are `forms`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import TypeVar

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.domain import Domain
from nnce_cli.network import LayerStack, rational_matrix
from nnce_cli.verify.chart import Chart
from nnce_cli.verify.charted import chart_of
from nnce_cli.verify.forms import ZERO, Form, rationals, value_at
from nnce_cli.verify.layer_map import LayerMap
from nnce_cli.verify.layer_units import Codes, LayerUnits, Signs

REMEMBERED_CELLS = 64

Scalar = TypeVar("Scalar", bound=np.generic)


class ExactNetwork:
    """The layers of a network on a domain; ``output`` is None where it ends in units.

    The code of a cell has a number for each unit, the layers joined; ``starts`` (L + 1 numbers)
    say where each layer begins in it. Functions are those of the neurons of units, the layers
    joined; there ``row_starts`` say where each layer begins. In a chain of ReLU layers both are
    the same. ``chart`` is the domain's, of which d is the ``dimension``.
    ``vanish`` says of the neurons, and behind them of the fences, which are zero at one point, in
    the domain or outside of it: all in a cone; else all neurons where there are no biases, and no
    fixed inputs that act as such, and then the fences that are zero where all inputs are.

    Raises:
        NoInteriorError: the domain has none.
    """

    def __init__(self, stack: LayerStack, domain: Domain) -> None:
        self.stack = stack
        self.chart: Chart = chart_of(domain)
        self.layout = stack.layout
        self.dimension = self.chart.dimension
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
        self.vanish = self._vanishing()
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

    @property
    def is_homogeneous(self) -> bool:
        """Whether all neurons are zero at one point."""
        return bool(self.vanish[: self.rows].all())

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
            row[self.chart.one] += bias[j, 0]
        self._remembered[key] = rows
        while len(self._remembered) > REMEMBERED_CELLS * len(self.maps):
            self._remembered.popitem(last=False)
        return rows

    def values(self, layer: int, codes: Codes) -> list[Form | None]:
        """Return what a layer (from 0) passes on as functions of u on a cell; None for zero."""
        here = self.of_layer(layer, codes)
        forms = self.forms(layer, codes)
        return self.layers[layer].exact_values(forms, here, self.chart.one)

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

    def _vanishing(self) -> NDArray[np.bool_]:
        chart, fences = self.chart, self.chart.fences
        everywhere = np.ones(self.rows + len(fences), dtype=np.bool_)
        if chart.is_cone:
            return everywhere
        is_biased = any(layer.is_biased.any() for layer in self.maps)
        if is_biased or bool(chart.lower[~chart.free].any()):
            return ~everywhere
        through_zero = [value_at(fence, chart.origin) == 0 for fence in fences]
        everywhere[self.rows :] = through_zero
        return everywhere

    def _first_layer(self) -> list[Form]:
        """Write the first layer as functions of u: z_1 = W x + b."""
        weight, bias = self.maps[0].rational
        chart = self.chart
        corner, fixed = (
            (weight * rational_matrix(np.where(some, chart.lower, 0.0)[:, None])).entries()
            for some in (chart.free, ~chart.free)
        )
        lower, upper = rationals(chart.lower), rationals(chart.upper)
        columns = [(i, upper[i] - lower[i]) for i in np.flatnonzero(chart.free).tolist()]
        found = []
        for j in range(weight.nrows()):
            form = [corner[j], *(weight[j, i] * span for i, span in columns)]
            form += [ZERO] * chart.is_cone
            form[chart.one] += fixed[j] + bias[j, 0]
            found.append(form)
        return found


def _ends(counts: Iterable[int]) -> list[int]:
    return list(accumulate(counts, initial=0))
