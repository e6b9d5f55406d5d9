"""How far a model's outputs may be from those of a cell's affine map, by rounding alone.

Each layer's own rounding is bounded by the sizes of the terms that it adds up (Higham 2002,
section 3.1), the rounding of the input is known. These errors reach the outputs through the
cell's own affine maps, in which terms cancel, and not through products of sizes, which grow by
orders of magnitude from layer to layer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nnce_cli.network import AffineMap, Graph, read_roundings
from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.layer_units import Codes, Floats, LayerUnits

CHUNK = 2**22  # entries of the matrices of all points together
SECOND_ORDER = 2.0**-40  # covers the rounding of the matrices themselves


@dataclass(frozen=True, eq=False)
class _Rounding:
    """The sizes of the terms that the nodes of a layer add up, and the units they err by."""

    sizes: AffineMap
    relative: float
    absolute: float

    def of_values(self, before: LayerUnits | None) -> _Rounding:
        """Return it for the layer's map from values of the layer before."""
        if before is None:
            return self
        return replace(self, sizes=AffineMap(self.sizes.weight[:, before.values], self.sizes.bias))

    def bound(self, sizes: Floats) -> Floats:
        """Return a bound on what rounding does to neurons, for the sizes of values (m, v)."""
        return self.relative * self.sizes.apply(sizes) + self.absolute


class CellOutputs:
    """Evaluates the affine maps of cells, and bounds how far the model may be from them."""

    def __init__(self, network: ExactNetwork, graph: Graph) -> None:
        self._units = network.layers
        self._maps = [*network.maps, *([] if network.output is None else [network.output])]
        stack = network.stack
        before: list[LayerUnits | None] = [None, *network.layers][: len(self._maps)]
        found = read_roundings(graph, stack.selected)
        self._roundings = [
            _Rounding(AffineMap(own.weight, own.bias), own.relative, own.absolute).of_values(units)
            for own, units in zip(found, before, strict=False)
        ]
        maps = [*stack.hidden, *([] if stack.output is None else [stack.output])]
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
        """Follow the values, and the errors that arise on the way, through the layers.

        ``sources[k]`` (m, v_k) bounds the errors that arise in the values that layer k passes on,
        and ``paths[k]`` (m, v, v_k) is the cell's linear map from these to the current values.
        Where an error may take a unit to another of its pieces, more may arise in its value.
        """
        values, error, coarse, start = points, moved, moved, 0
        sources: list[Floats] = [moved]
        paths: list[Floats] = []
        for k, (layer, rounding) in enumerate(zip(self._maps, self._roundings, strict=True)):
            weight = layer.weight
            paths = [np.matmul(weight, path) for path in paths] + [weight[None]]
            z = values @ weight.T + layer.bias
            own = rounding.bound(np.abs(values) + error)
            coarse = coarse @ np.abs(weight).T + own
            error = own + SECOND_ORDER * coarse
            for path, source in zip(paths, sources, strict=True):
                error = error + np.matmul(np.abs(path), source[:, :, None])[:, :, 0]
            if k == len(self._units):
                return z, error
            units = self._units[k]
            here = codes[:, start : start + units.count]
            start += units.count
            values = units.passed_on(here, z)
            for place, height, at_top in units.lifted(here):
                values[at_top, place] = height
            is_near = np.abs(z[:, : units.rows]) <= error[:, : units.rows]
            strayed = units.strayed(error, is_near & (units.sides(here) != 0))
            sources.append(units.passed_on(here, own, units.steepness) + strayed)
            paths = [units.passed_on(here, path) for path in paths]
            error, coarse = units.bounds(error), units.bounds(coarse)
        return values, error
