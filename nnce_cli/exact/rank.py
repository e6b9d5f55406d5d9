"""Exact ranks of layer-k cells whose rank modulo a prime is below its upper bound."""

from __future__ import annotations

from flint import fmpq_mat

from nnce_cli.exact.pullback import Pullback, take_rows


def exact_rank(pullback: Pullback, layer: int, active: list[list[bool]]) -> int:
    """Return the rank of the linear part of x -> a_layer on the cell with the signs ``active``."""
    rows = pullback.preactivations(layer, active)
    kept = take_rows(rows, [j for j, on in enumerate(active[layer]) if on])
    linear = fmpq_mat(
        kept.nrows(),
        kept.ncols() - 1,
        [kept[i, c] for i in range(kept.nrows()) for c in range(1, kept.ncols())],
    )
    return int(linear.rank())
