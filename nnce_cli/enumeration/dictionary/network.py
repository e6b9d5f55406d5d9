"""A layer stack on a box as the core takes it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnce_cli import _core
from nnce_cli.base.errors import InputError
from nnce_cli.domain import Box
from nnce_cli.enumeration.problem import sign_errors
from nnce_cli.network import MAX, LayerStack

Floats = NDArray[np.float64]

TINY, SMALL, LARGE = -1000, -450, 100  # powers of two


def refuse_tiny(stack: LayerStack, box: Box) -> None:
    """Refuse domains where numbers below float64's range are met, which no error bound covers.

    Raises:
        InputError: it is one.
    """
    size = np.maximum(np.abs(box.lower), np.abs(box.upper)).min(initial=1.0)
    exponent = int(np.frexp(size)[1])
    if exponent >= SMALL or not stack.hidden:
        return
    largest = (np.abs(layer.weight).max(initial=0.0) for layer in stack.hidden)
    weights = [max(0, int(np.frexp(x)[1])) for x in largest]
    if exponent < TINY or (exponent + weights[0] < SMALL and sum(weights) > LARGE):
        raise InputError(
            f"an input is within 2^{exponent} of zero, too small for float64 with weights "
            "of this size; multiply the inputs, and divide the weights, by a power of two"
        )


def core_network(stack: LayerStack, box: Box, magnitude: Floats | None = None) -> _core.Network:
    """Return the core's network; ``magnitude`` (d,) bounds the inputs where the box does not."""
    if magnitude is None:
        magnitude = np.maximum(np.abs(box.lower), np.abs(box.upper))
    errors = sign_errors(stack, magnitude)
    layers = [
        (
            np.ascontiguousarray(layer.weight),
            np.ascontiguousarray(layer.bias),
            units.rows,
            units.row_slopes,
            error,
            layer.exact is not None,
            [(first, unit.pieces) for unit, first in units.firsts() if unit.kind == MAX],
        )
        for layer, units, error in zip(stack.hidden, stack.units, errors, strict=True)
    ]
    return _core.Network(box.lower, box.upper, magnitude, layers)
