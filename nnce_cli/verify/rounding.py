"""How far a model's outputs may be from those of a cell's affine map, by rounding alone.

Each layer's own rounding is bounded by the sizes of the terms that it adds up (Higham 2002,
section 3.1), the rounding of the input is known. These errors reach the outputs through the
cell's own affine maps, in which terms cancel, and not through products of sizes, which grow by
orders of magnitude from layer to layer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nnce_cli.network import AffineMap, Graph, LayerStack, read_roundings
from nnce_cli.verify.layer_units import Codes, Floats

CHUNK = 2**22  # entries of the matrices of all points together
SECOND_ORDER = 2.0**-40  # covers the rounding of the matrices themselves


@dataclass(frozen=True, eq=False)
class _Layer:
    """A layer's map, the sizes of the terms that its nodes add up, and the units they err by."""

    map: AffineMap
    sizes: AffineMap
    relative: float
    absolute: float


class CellOutputs:
    """Evaluates the affine maps of cells, and bounds how far the model may be from them."""

    def __init__(self, stack: LayerStack, graph: Graph) -> None:
        maps = [*stack.hidden, *([] if stack.output is None else [stack.output])]
        self._n_hidden = len(stack.hidden)
        self._layers = [
            _Layer(exact, AffineMap(own.weight, own.bias), own.relative, own.absolute)
            for exact, own in zip(maps, read_roundings(graph), strict=False)
        ]
        widths = [stack.n_inputs, *(layer.n_out for layer in maps)]
        self._chunk = max(1, CHUNK // (max(widths) * sum(widths)))

    def at(self, points: Floats, moved: Floats, codes: Codes) -> tuple[Floats, Floats]:
        """Return the outputs (m, n_out) at points (m, n_0), and the bounds on their differences.

        Args:
            points: a point of each cell.
            moved: (m, n_0), how far the model's input may be from the point.
            codes: (m, N), those of the cells.
        """
        parts = [
            self._evaluate(points[rows], moved[rows], codes[rows])
            for rows in (
                slice(i, i + self._chunk) for i in range(0, max(len(points), 1), self._chunk)
            )
        ]
        values, bounds = zip(*parts, strict=True)
        return np.concatenate(values), np.concatenate(bounds)

    def _evaluate(self, points: Floats, moved: Floats, codes: Codes) -> tuple[Floats, Floats]:
        """Follow the activations, and the errors that arise on the way, through the layers.

        ``sources[k]`` (m, n_k) bounds the errors that arise in the activations a_k, and
        ``paths[k]`` (m, n, n_k) is the cell's linear map from a_k to the current values. Where
        an error may change the sign of a neuron, it may arise in its activation once more.
        """
        activation, error, coarse, start = points, moved, moved, 0
        sources: list[Floats] = [moved]
        paths: list[Floats] = []
        for k, layer in enumerate(self._layers):
            weight = layer.map.weight
            paths = [np.matmul(weight, path) for path in paths] + [weight[None]]
            z = layer.map.apply(activation)
            own = layer.relative * layer.sizes.apply(np.abs(activation) + error) + layer.absolute
            coarse = coarse @ np.abs(weight).T + own
            error = own + SECOND_ORDER * coarse
            for path, source in zip(paths, sources, strict=True):
                error = error + np.matmul(np.abs(path), source[:, :, None])[:, :, 0]
            if k == self._n_hidden:
                return z, error
            on = codes[:, start : start + layer.map.n_out] == 1
            start += layer.map.n_out
            activation = np.where(on, z, 0.0)
            sources.append(np.where(on, own, 0.0) + np.where(np.abs(z) <= error, error, 0.0))
            paths = [path * on[:, :, None] for path in paths]
        return activation, error
