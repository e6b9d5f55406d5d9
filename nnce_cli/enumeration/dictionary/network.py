"""A layer stack on a box as the core takes it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nnce_cli import _core
from nnce_cli.domain import Box
from nnce_cli.enumeration.problem import sign_errors
from nnce_cli.network import MAX, LayerStack

Floats = NDArray[np.float64]


def core_network(stack: LayerStack, box: Box, magnitude: Floats | None = None) -> _core.Network:
    """Return the core's network; ``magnitude`` (d,) bounds the inputs where the box does not."""
    if magnitude is None:
        magnitude = _largest(box)
    return _network(stack, box, magnitude, sign_errors(stack, magnitude))


def exact_layers(stack: LayerStack, box: Box) -> list[bool]:
    """Tell of which layers float64 holds the forms exactly."""
    nothing = [np.zeros(units.rows) for units in stack.units]  # no point is looked at
    return _network(stack, box, _largest(box), nothing).exact_layers()


def _largest(box: Box) -> Floats:
    return np.maximum(np.abs(box.lower), np.abs(box.upper))


def _network(
    stack: LayerStack, box: Box, magnitude: Floats, errors: Sequence[Floats]
) -> _core.Network:
    layers = [
        (
            np.ascontiguousarray(layer.weight),
            np.ascontiguousarray(layer.bias),
            units.rows,
            units.row_slopes,
            error,
            layer.exact is not None,
            bool((layer.bias if layer.exact is None else layer.exact_bias != 0).any()),
            [(first, unit.pieces) for unit, first in units.firsts() if unit.kind == MAX],
        )
        for layer, units, error in zip(stack.hidden, stack.units, errors, strict=True)
    ]
    return _core.Network(box.lower, box.upper, magnitude, layers)
