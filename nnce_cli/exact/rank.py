"""Exact ranks of layer-k cells whose rank modulo a prime is below its upper bound."""

from __future__ import annotations

from nnce_cli.exact.matrices import take_columns
from nnce_cli.exact.pullback import Pullback


def exact_rank(pullback: Pullback, layer: int, active: list[list[bool]]) -> int:
    """Return the rank of the linear part of x -> a_layer on the cell with the signs ``active``."""
    values = pullback.values(layer, active)
    return int(take_columns(values, list(range(1, values.ncols()))).rank())
