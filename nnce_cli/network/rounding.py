"""How far a runtime may be from the layers of a network, by rounding alone.

A tracked reading says how large the terms are that each neuron adds up; rounding them errs by at
most a multiple of that (Higham 2002, *Accuracy and Stability of Numerical Algorithms*, 3.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nnce_cli.network.affine_map import AffineMap
from nnce_cli.network.element_types import SMALLEST_NORMAL, UNIT_ROUNDOFF
from nnce_cli.network.sparse import Rows

if TYPE_CHECKING:
    from nnce_cli.network.assembly import Layer
    from nnce_cli.network.model_file import Graph

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LayerRounding:
    """What rounding may do to the neurons of a layer.

    ``weight`` (n_out, n_in) and ``bias`` (n_out,) are the magnitudes of the terms: evaluating the
    layer at a in the model's types errs by at most ``relative (weight |a| + bias) + absolute``,
    for the neurons that it passes on from earlier layers too. ``sizes`` is the map of both.
    """

    sizes: AffineMap
    relative: float
    absolute: float

    @property
    def weight(self) -> Floats:
        """The magnitudes of the terms that the weights are."""
        return self.sizes.weight

    @property
    def bias(self) -> Floats:
        """The magnitudes of the constant terms."""
        return self.sizes.bias

    def bound(self, activation: Floats, error: Floats) -> Floats:
        """Return the bound at activations (m, n_in) that err by ``error`` themselves."""
        terms = self.sizes.linear(self.relative * np.abs(activation) + error)
        return terms + self.relative * self.bias + self.absolute


def layer_roundings(layers: Sequence[Layer], n_inputs: int) -> list[LayerRounding]:
    """Return what rounding may do to layers of a tracked reading."""
    # Twice the first-order bound: for its higher orders, for rounding the activations to the
    # layer's types, and for the evaluation of the stack in float64.
    roundings = 2 * (max(layer.roundings for layer in layers) + 4)
    found, width = [], n_inputs
    types: set[str] = set()
    for layer in layers[::-1]:
        # What a layer passes on is computed where it is used.
        types |= layer.element_types
        found.append((max(UNIT_ROUNDOFF[t] for t in types), max(SMALLEST_NORMAL[t] for t in types)))
    result = []
    for layer, (unit, smallest) in zip(layers, found[::-1], strict=True):
        linear, bias = layer.map.linear, layer.map.sizes
        assert linear.sizes is not None
        assert bias is not None
        sums = np.bincount(linear.row_of, linear.sizes, minlength=linear.n)
        absolute = roundings * smallest * (1.0 + float(sums.max(initial=0.0)))
        rows = Rows(linear.starts, linear.columns, linear.sizes)
        sizes = AffineMap.of_rows(rows, width, bias, layer.nodes)
        result.append(LayerRounding(sizes, roundings * unit, absolute))
        width = len(layer.map.offset)
    return result


def read_roundings(graph: Graph, outputs: Sequence[str] = ()) -> list[LayerRounding]:
    """Return what rounding may do to the layers of the stack that a graph becomes.

    Raises:
        InputError: a node is not supported.
    """
    from nnce_cli.network.assembly import assemble
    from nnce_cli.network.load import read_network

    reading = read_network(graph, outputs, tracked=True)
    return layer_roundings(assemble(reading), reading.n_inputs)
