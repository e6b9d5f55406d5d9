"""The exact forward pass: the sign vector of a rational point."""

from __future__ import annotations

from collections.abc import Sequence

from flint import fmpq, fmpq_mat


def signs_at(maps: Sequence[tuple[fmpq_mat, fmpq_mat]], point: list[fmpq]) -> list[list[int]]:
    """Return the signs (1, 0 or -1) of all preactivations at ``point``, a list for each layer.

    ``maps`` are the hidden layers' rational (W, b) of shapes (n_out, n_in) and (n_out, 1).
    """
    a = fmpq_mat(len(point), 1, point)
    signs = []
    for weight, bias in maps:
        z = weight * a + bias
        values = [z[j, 0] for j in range(z.nrows())]
        signs.append([(x > 0) - (x < 0) for x in values])
        a = fmpq_mat(len(values), 1, [max(x, fmpq(0)) for x in values])
    return signs
