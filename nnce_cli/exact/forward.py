"""The exact forward pass: the signs of the neurons at a rational point."""

from __future__ import annotations

from collections.abc import Sequence

from flint import fmpq, fmpq_mat

from nnce_cli.exact.pullback import Pullback


def signs_at(pullback: Pullback, point: list[fmpq]) -> list[list[int]]:
    """Return the signs (1, 0 or -1) of all neurons of units at ``point``, a list for each layer.

    For networks without maxima, whose neurons are active where they are positive.
    """
    found: list[list[int]] = []
    a = fmpq_mat(len(point), 1, point)
    for layer in range(len(pullback.maps)):
        signs, a = _signs(pullback, layer, a, None)
        found.append(signs)
    return found


def signs_on(pullback: Pullback, point: list[fmpq], active: list[list[bool]]) -> list[list[int]]:
    """Return the same where ``active`` says of each layer which neurons are handed on."""
    found: list[list[int]] = []
    a = fmpq_mat(len(point), 1, point)
    for layer, on in enumerate(active):
        signs, a = _signs(pullback, layer, a, on)
        found.append(signs)
    return found


def _signs(
    pullback: Pullback, layer: int, a: fmpq_mat, on: Sequence[bool] | None
) -> tuple[list[int], fmpq_mat]:
    """Return the signs of a layer's neurons behind the activations ``a``, and what it hands on."""
    weight, bias = pullback.maps[layer]
    z = (weight * a + bias).entries()
    units = z[: pullback.units[layer].rows]
    factors = pullback.factors(layer, [x > 0 for x in units] if on is None else on)
    handed_on = [factor * x for factor, x in zip(factors, z, strict=True)]
    return [int(x > 0) - int(x < 0) for x in units], fmpq_mat(len(z), 1, handed_on)
