"""The exact forward pass: the sign vector of a rational point."""

from __future__ import annotations

from collections.abc import Sequence

from flint import fmpq, fmpq_mat

from nnce_cli.exact.pullback import ONE, Slopes


def signs_at(
    maps: Sequence[tuple[fmpq_mat, fmpq_mat]], point: list[fmpq], slopes: Slopes = None
) -> list[list[int]]:
    """Return the signs (1, 0 or -1) of all neurons at ``point``, a list for each layer.

    ``maps`` are the hidden layers' rational (W, b) of shapes (n_out, n_in) and (n_out, 1).
    Pass-throughs have no sign.
    """
    a = fmpq_mat(len(point), 1, point)
    signs = []
    for layer, (weight, bias) in enumerate(maps):
        z = (weight * a + bias).entries()
        of_layer = slopes[layer] if slopes else [fmpq(0)] * len(z)
        units = zip(z, of_layer, strict=True)
        signs.append([int(x > 0) - int(x < 0) for x, slope in units if slope != ONE])
        outputs = [x if x > 0 else slope * x for x, slope in zip(z, of_layer, strict=True)]
        a = fmpq_mat(len(outputs), 1, outputs)
    return signs
