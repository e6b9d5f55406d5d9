"""Inputs of zero width: folded into the first bias, so that the box has an interior."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.domain.box import Box
from nnce_cli.domain.polyhedron import Polyhedron
from nnce_cli.network import (
    AffineMap,
    LayerStack,
    nearest,
    rational_matrix,
    rationals,
    weights_digest,
)


def fix_inputs(stack: LayerStack, box: Box) -> tuple[LayerStack, Box, NDArray[np.bool_]]:
    """Fold the inputs with ``lower == upper`` into the first bias, exactly, and drop them.

    The first map is the only one that reads inputs: pass-throughs carry them past it.

    Args:
        stack: a network with n_0 inputs.
        box: its domain, of n_0 inputs.

    Returns:
        The network of the free inputs (``input_shape`` (n_free,), and a digest of its own; the
        given stack itself where all inputs are free), the box of the free inputs, and which
        inputs are free: bool (n_0,). Where none is free, the first weight has shape (n_1, 0).

    Raises:
        InputError: if the new bias is out of the range of float64.
    """
    free = box.lower < box.upper
    if free.all():
        return stack, box, free
    hidden, output = stack.hidden, stack.output
    if hidden:
        hidden = (_fix(hidden[0], free, box.lower), *hidden[1:])
    elif output is not None:
        output = _fix(output, free, box.lower)
    reduced = replace(
        stack,
        hidden=hidden,
        output=output,
        input_shape=(int(free.sum()),),
        digest=weights_digest(hidden, output, stack.units),
    )
    return reduced, Box(box.lower[free], box.upper[free]), free


def fix_inputs_of(
    stack: LayerStack, domain: Polyhedron
) -> tuple[LayerStack, Polyhedron, NDArray[Any], NDArray[np.bool_]]:
    """Do the same on a polyhedron, whose half-spaces then are about the free inputs.

    Returns:
        The network of the free inputs, the polyhedron of their bounds and half-spaces (rounded),
        the half-spaces as rationals (m, n_free + 1), and which inputs are free.

    Raises:
        InputError: as `fix_inputs`.
    """
    free = domain.lower < domain.upper
    ends = (np.where(free, bound, domain.lower) for bound in (np.zeros(1), np.ones(1)))
    reduced, _, _ = fix_inputs(stack, Box(*ends))
    linear, bounds = rationals(domain.halfspaces[:, :-1]), rationals(domain.halfspaces[:, -1])
    if not free.all():
        bounds = bounds - linear[:, ~free] @ rationals(domain.lower[~free])
    rows = np.column_stack([linear[:, free], bounds])
    inside = Polyhedron(domain.lower[free], domain.upper[free], nearest(rows))
    return reduced, inside, rows, free


def _fix(layer: AffineMap, free: NDArray[np.bool_], x: NDArray[np.float64]) -> AffineMap:
    """Return ``z = W[:, free] a + (b + W[:, fixed] x[fixed])`` without rounding."""
    moving = ~free & (x != 0)
    weight, bias = layer.exact_arrays
    if moving.any():
        shift = rational_matrix(weight[:, moving]) * rational_matrix(x[moving, None])
        total = rational_matrix(bias[:, None]) + shift
        bias = np.array(total.entries(), dtype=object)
    return AffineMap.of(weight[:, free], bias, layer.nodes)
