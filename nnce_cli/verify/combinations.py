"""Proofs in float64 that functions are combinations of others: many of them at once.

A function f is >= 0 wherever the functions g_k are if f = sum λ_k g_k + rest with λ_k >= 0 and a
rest that is >= 0 on the unit cube. There are two proofs.

*With room.* Floating point may have found the λ_k in any way: as float64 they are exact numbers,
and only the rest has to be bounded. Its least value is computed, with an error of at most

    E(f) + sum λ_k E(g_k) + 2 (n + 2) u (S(f) + sum λ_k S(g_k))

where E bounds what a function is off by on the cube, S is the sum of the sizes of its entries, u
is the unit roundoff, and n counts the operations that an entry and the sum of entries take
(Higham 2002, section 3.1). The factor of two covers the rounding of the bound.

*At a common zero.* In a network without biases all functions are linear in x. Where the gradients
of d functions g_k are independent, the gradient of f is sum λ*_k grad g_k for one λ*, and then the
rest is zero altogether: what is to be shown is that λ* >= 0. With R an approximate inverse of the
matrix G of these gradients, λ an approximate solution, and α >= |I - R G| (the row sum norm),

    |λ* - λ| <= |R (grad f - G λ)| / (1 - α)    in every entry, if α < 1

(Rump 2010, *Verification methods*, section 10), where G is known up to the errors E(g_k).
"""

from __future__ import annotations

import numpy as np

from nnce_cli.base.rounding import UNDERFLOW, UNIT_ROUNDOFF
from nnce_cli.verify.float_forms import Functions
from nnce_cli.verify.layer_units import Bools, Floats


def combinations_prove(
    functions: Functions, others: Functions, multipliers: Floats, meet: Bools
) -> Bools:
    """Say which of p functions are proved to be >= 0 wherever their others are: (p,).

    Args:
        functions: p functions.
        others: (p, k), for each of them k others.
        multipliers: (p, k), of any sign; negative ones and those that are no numbers become 0.
        meet: (p,), where k = d and the function and its others are all zero at one point.
    """
    with np.errstate(all="ignore"):
        proved = _leave_room(functions, others, np.where(multipliers > 0, multipliers, 0.0))
        some = np.flatnonzero(meet & ~proved)
        if some.size:
            proved[some] = _meet(functions.some(some), others.some(some), multipliers[some])
        return proved


def _leave_room(functions: Functions, others: Functions, multipliers: Floats) -> Bools:
    """Say where the rest is >= 0 on the cube; no multiplier is negative."""
    (values, error, size), (other_values, other_error, other_size) = functions, others
    rest = values - np.matmul(multipliers[:, None, :], other_values)[:, 0]
    least = rest[:, 0] + np.minimum(rest[:, 1:], 0.0).sum(axis=1)
    operations = multipliers.shape[1] + values.shape[1] + 4
    terms = size + (multipliers * other_size).sum(axis=1)
    wrong = error + (multipliers * other_error).sum(axis=1)
    bound = 2 * wrong + 2 * operations * UNIT_ROUNDOFF * terms + UNDERFLOW
    return np.asarray((least >= bound) & (bound < np.inf))


def _meet(functions: Functions, others: Functions, multipliers: Floats) -> Bools:
    """Say where the gradient is a combination of d others with positive multipliers.

    The gradients are known up to ``error``; ``off`` bounds that and the rounding of the rest.
    """
    (values, error, size), (other_values, other_error, other_size) = functions, others
    d = multipliers.shape[1]
    rounding = 2 * (d + 4) * UNIT_ROUNDOFF
    gradients = other_values[:, :, 1:].transpose(0, 2, 1)
    inverse = solved(gradients, np.broadcast_to(np.eye(d), gradients.shape))
    product = np.abs(np.eye(d) - np.matmul(inverse, gradients)).sum(axis=2).max(axis=1)
    wrong = (other_error + rounding * other_size).sum(axis=1)
    alpha = 2 * (product + np.abs(inverse).max(axis=(1, 2)) * wrong) + rounding
    rest = values[:, 1:] - np.matmul(gradients, multipliers[:, :, None])[:, :, 0]
    used = np.abs(multipliers)
    off = error + (used * other_error).sum(axis=1)
    off += rounding * (size + (used * other_size).sum(axis=1))
    reach = np.abs(inverse).sum(axis=2).max(axis=1) * (np.abs(rest).max(axis=1) + off)
    bound = 2 * reach / (1 - alpha) + UNDERFLOW
    return np.asarray((alpha < 1) & (multipliers > bound[:, None]).all(axis=1))


def solved(matrices: Floats, right: Floats) -> Floats:
    """Solve many systems (p, k, k) for ``right`` (p, k, r); NaN where a matrix is singular."""
    try:
        return np.asarray(np.linalg.solve(matrices, right))
    except np.linalg.LinAlgError:
        if len(matrices) == 1:
            return np.full(right.shape, np.nan)
    half = len(matrices) // 2
    parts = (slice(half), slice(half, None))
    return np.concatenate([solved(matrices[part], right[part]) for part in parts])
