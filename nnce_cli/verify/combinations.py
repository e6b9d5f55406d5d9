"""Proofs in float64 that functions are combinations of others: many of them at once.

A function f is >= 0 wherever the functions g_k are if f = sum λ_k g_k + rest with λ_k >= 0 and a
rest that is >= 0 on the unit cube. Floating point may have found the λ_k in any way: as float64
they are exact numbers, and only the rest has to be bounded. Its least value is computed, with an
error of at most

    E(f) + sum λ_k E(g_k) + 2 (n + 2) u (S(f) + sum λ_k S(g_k))

where E bounds what a function is off by on the cube, S is the sum of the sizes of its entries, u
is the unit roundoff, and n counts the operations that an entry and the sum of entries take
(Higham 2002, section 3.1). The factor of two covers the rounding of the bound.
"""

from __future__ import annotations

import numpy as np

from nnce_cli.base.rounding import UNDERFLOW, UNIT_ROUNDOFF
from nnce_cli.verify.float_forms import Bools, Floats


def combinations_prove(
    forms: tuple[Floats, Floats, Floats],
    others: tuple[Floats, Floats, Floats],
    multipliers: Floats,
) -> Bools:
    """Say which of p functions are proved to be >= 0 wherever their others are: (p,).

    Args:
        forms: the functions' entries (p, 1 + d), errors (p,) and sizes (p,), as in `CellForms`.
        others: for each of them k others: (p, k, 1 + d), (p, k), (p, k).
        multipliers: (p, k), of any sign; negative ones and those that are no numbers become 0.
    """
    (values, error, size), (other_values, other_error, other_size) = forms, others
    used = np.where(multipliers > 0, multipliers, 0.0)  # so NaN is 0, too
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        rest = values - np.matmul(used[:, None, :], other_values)[:, 0]
        least = rest[:, 0] + np.minimum(rest[:, 1:], 0.0).sum(axis=1)
        operations = used.shape[1] + values.shape[1] + 4
        terms = size + (used * other_size).sum(axis=1)
        wrong = error + (used * other_error).sum(axis=1)
        bound = 2 * wrong + 2 * operations * UNIT_ROUNDOFF * terms + UNDERFLOW
        return np.asarray((least >= bound) & (bound < np.inf))
