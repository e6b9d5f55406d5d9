"""Neurons whose sign on a cell follows from the signs of weights: sums of terms of one sign.

What a ReLU hands on is nowhere negative. So a neuron without a bias that sees active ReLUs by
positive weights only is positive inside the cell, even where its hyperplane touches it. Output
layers without biases have many such neurons, and floating point cannot tell that they only touch.
"""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

from nnce_cli.network import MAX, LayerStack, Units

Terms = list[tuple[int, int]]  # (the neuron of the layer before, the sign of its weight)


class WeightSigns:
    """Knows the signs of the weights of a network, and what follows from them on cells."""

    def __init__(self, stack: LayerStack) -> None:
        self._stack = stack
        self._offset = np.cumsum([0, *stack.rows]).tolist()
        # What units hand on where their neurons are not positive, in sign.
        self._below = [(-np.sign(units.row_slopes)).astype(int).tolist() for units in stack.units]
        self._rows: dict[int, tuple[Terms, int]] = {}

    def sign_on(self, signs: NDArray[np.int8], is_zero: NDArray[np.int8], neuron: int) -> int:
        """Return the sign (1 or -1) that a neuron has inside a cell; 0: not known here.

        The cell is that of a path (`CellPath`) which decides the layers before the neuron's:
        ``signs`` (N,) are 1 where neurons are handed on, ``is_zero`` (N,) not 0 where they are
        zero, or have no say.
        """
        layer = bisect_right(self._offset, neuron) - 1
        if layer == 0:
            return 0
        at = slice(self._offset[layer - 1], self._offset[layer])
        is_on, is_nothing = (signs[at] > 0).tolist(), is_zero[at].tolist()
        below = self._below[layer - 1]
        terms, found = self._row(layer, neuron)
        is_clear = found != 0  # not zero inside the cell
        for i, weight in terms:
            if i >= len(is_on):
                return 0  # what is carried past a layer has no one sign
            sign = weight if is_on[i] else weight * below[i]
            if sign == -found != 0:
                return 0
            found = found or sign
            is_clear |= is_on[i] and not is_nothing[i]
        return found if is_clear else 0

    def _row(self, layer: int, neuron: int) -> tuple[Terms, int]:
        """Return the terms of a neuron and the sign of its bias, exactly."""
        if neuron not in self._rows:
            own, place = self._stack.hidden[layer], neuron - self._offset[layer]
            row = slice(own.rows.starts[place], own.rows.starts[place + 1])
            values = own.rows.values[row].tolist()
            unseen = _comparisons(self._stack.units[layer - 1])
            terms = [
                (i, 1 if x > 0 else -1)
                for i, x in zip(own.rows.columns[row].tolist(), values, strict=True)
                if x != 0 and i not in unseen
            ]
            bias = own.exact_bias[place]
            self._rows[neuron] = terms, int(bias > 0) - int(bias < 0)
        return self._rows[neuron]


def _comparisons(units: Units) -> set[int]:
    """Return the neurons of a layer that hand nothing on, whatever their sign."""
    found: set[int] = set()
    for unit, first in units.firsts():
        if unit.kind == MAX:
            found.update(range(first + unit.pieces - 1, first + unit.neurons))
    return found
