"""A network on its domain in rational arithmetic: the preactivations on a cell.

Everything about cells is computed in the coordinates u of the unit cube: x = lower + span · u,
without the inputs of zero width. An affine function of u is a row (constant, coefficients of u),
and its least value on the domain is the constant plus the negative coefficients.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray

from nnce_cli.domain import Box
from nnce_cli.network import LayerStack, rational_matrix

ZERO = fmpq(0)
REMEMBERED_CELLS = 64

Form = list[fmpq]
"""An affine function of u: its constant, then its d coefficients."""

Bits = NDArray[np.uint8]
"""A network sign vector, one 0 or 1 a neuron, the layers joined."""


class ExactNetwork:
    """The hidden layers of a network on a box.

    ``widths`` are n_1, …, n_L; ``starts`` (L + 1 numbers) say where each layer begins in a
    network sign vector; ``free`` (n_0,) says which inputs vary, and d is their number.
    ``is_homogeneous`` says that there are no biases, and no fixed inputs that act as such: then
    all preactivations are zero where all inputs are, in the domain or outside of it.
    """

    def __init__(self, stack: LayerStack, box: Box) -> None:
        self.stack = stack
        self.box = box
        self.free: NDArray[np.bool_] = box.lower < box.upper
        self.dimension = int(self.free.sum())
        self.widths = [layer.n_out for layer in stack.hidden]
        self.starts = np.concatenate([[0], np.cumsum(self.widths)]).tolist()
        self._layers = [layer for layer, width in enumerate(self.widths) for _ in range(width)]
        self.maps = [layer.rational for layer in stack.hidden]
        self.is_homogeneous = not any(any(bias.entries()) for _, bias in self.maps) and not bool(
            box.lower[~self.free].any()
        )
        self._first = self._first_layer()
        self._remembered: OrderedDict[bytes, list[Form]] = OrderedDict()

    @property
    def neurons(self) -> int:
        """The number of all hidden neurons."""
        return int(self.starts[-1])

    def layer_of(self, neuron: int) -> int:
        """Return the layer (from 0) of a neuron counted through all layers."""
        return self._layers[neuron]

    def name_of(self, neuron: int) -> str:
        """Name a neuron, counted through all layers, for a message."""
        layer = self.layer_of(neuron)
        return f"neuron {neuron - self.starts[layer]} of layer {layer + 1}"

    def forms(self, layer: int, bits: Bits) -> list[Form]:
        """Return the preactivations of a layer (from 0) as functions of u on a cell.

        ``bits`` are the cell's signs; those of this layer and later ones are not looked at.
        """
        if layer == 0:
            return self._first
        key = bytes(bits[: self.starts[layer]])
        if key in self._remembered:
            self._remembered.move_to_end(key)
            return self._remembered[key]
        before = self.forms(layer - 1, bits)
        active = np.flatnonzero(bits[self.starts[layer - 1] : self.starts[layer]]).tolist()
        weight, bias = self.maps[layer]
        columns = fmpq_mat(
            weight.nrows(),
            len(active),
            [weight[i, j] for i in range(weight.nrows()) for j in active],
        )
        rows = (columns * matrix([before[j] for j in active], 1 + self.dimension)).tolist()
        for j, row in enumerate(rows):
            row[0] += bias[j, 0]
        self._remembered[key] = rows
        while len(self._remembered) > REMEMBERED_CELLS * len(self.maps):
            self._remembered.popitem(last=False)
        return rows

    def all_forms(self, bits: Bits) -> list[Form]:
        """Return the preactivations of all layers on a cell."""
        return [form for layer in range(len(self.widths)) for form in self.forms(layer, bits)]

    def inward_forms(self, bits: Bits) -> list[Form]:
        """Return for each neuron the function of u that is >= 0 on the cell: z or -z."""
        return [
            form if bit else [-x for x in form]
            for form, bit in zip(self.all_forms(bits), bits.tolist(), strict=True)
        ]

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
        weight, bias = self.maps[0]
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
