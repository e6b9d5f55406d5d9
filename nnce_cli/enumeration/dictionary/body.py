"""An ellipsoid inside a zonotope, proved: points in it are images without a look at the inputs.

The zonotope {G t : |t_i| <= 1} holds the ellipsoid {u : |T u| <= rho} if and only if its support
function keeps above that one's: sum_i |g_i . v| >= rho |y| for all v = T' y. With e_i = T g_i and
weights w_i >= 0, Hölder's inequality gives

    sum_i |e_i . y|  >=  (sum_i w_i (e_i . y)^2)^(3/2) / (sum_i w_i^3 (e_i . y)^4)^(1/2),

and the two sums on the right are bounded by eigenvalues. Weights and T are those of Lewis (1978,
"Finite dimensional subspaces of L_p"; Cohen & Peng 2015, "L_p row sampling by Lewis weights"), for
which all w_i |e_i| are 1 and the sum of w_i e_i e_i' is the identity: for many generators in
general position this ellipsoid has more than half the width of the zonotope in every direction.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.rounding import UNIT_ROUNDOFF

Floats = NDArray[np.float64]

ROUNDS = 30  # of the fixed-point iteration for the weights; each about halves their error
MOST_DIMENSIONS = 24  # beyond, the matrix of the quartic form (300 x 300 here) becomes large
HALVINGS = 12
# The proof gives this much away for rounding, in terms of the trace; a bound on it is below.
SLACK = 1e-9


class Body(NamedTuple):
    """An ellipsoid {u : |transform u| <= radius} that a zonotope about 0 surely holds."""

    transform: Floats  # (d, d)
    metric: Floats  # (d, d) about the inverse of transform' transform
    reach: Floats  # (d, m) generator times weights: from directions to inputs with images far out
    radius: float  # 0.0 where none could be proved


def no_body(generator: Floats) -> Body:
    """Return what stands for "no ellipsoid is known" of the zonotope of ``generator`` (d, m)."""
    d = len(generator)
    return Body(np.zeros((d, d)), np.zeros((d, d)), np.zeros_like(generator), 0.0)


def body_inside(generator: Floats, inexact: float) -> Body:
    """Return a large ellipsoid that the zonotope of ``generator`` (d, m) about 0 surely holds.

    The entries of ``generator`` are those of the true one up to ``2 + inexact`` relative rounding
    errors each.
    """
    if not generator.size:
        return no_body(generator)
    try:
        with np.errstate(all="ignore"):
            weights, transform = _lewis(generator)
            metric = np.asarray(np.linalg.inv(transform.T @ transform), dtype=np.float64)
            radius = _proved_radius(generator, inexact, weights, transform)
    except ValueError:  # a LinAlgError, or numbers beyond the float range
        return no_body(generator)
    if not (np.isfinite(metric).all() and np.isfinite(radius) and radius > 0.0):
        return no_body(generator)
    return Body(np.ascontiguousarray(transform), metric, generator * weights, radius)


def _lewis(generator: Floats) -> tuple[Floats, Floats]:
    """Return Lewis weights (m,) and the transform (d, d) that belongs to them; no proof needed."""
    nonzero = np.abs(generator).max(axis=0) > 0.0
    weights = nonzero.astype(np.float64)
    for _ in range(ROUNDS):
        transform = np.linalg.inv(np.linalg.cholesky((generator * weights) @ generator.T))
        length = np.linalg.norm(transform @ generator, axis=0)
        weights = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0.0)
    transform = np.linalg.inv(np.linalg.cholesky((generator * weights) @ generator.T))
    return weights, transform


def _proved_radius(generator: Floats, inexact: float, weights: Floats, transform: Floats) -> float:
    """Return the rho of Hölder's inequality, rounded down; the sums are over computed e_i.

    What these are off by is taken off in the end: the support function changes by no more than
    the sum of the errors' lengths.
    """
    d, m = generator.shape
    moved = transform @ generator
    unit = (2 * d + 8 + inexact) * UNIT_ROUNDOFF
    error = unit * np.linalg.norm(np.abs(transform) @ np.abs(generator), axis=0).sum()
    size = np.linalg.norm(moved, axis=0)
    # Rounding of the sums of m products, in any order, stays far below SLACK of their traces.
    if (m + 8 * d) * d**2 * UNIT_ROUNDOFF > SLACK:
        return 0.0
    square = (moved * weights) @ moved.T
    least = 1.0 - np.linalg.norm(square - np.eye(d)) - SLACK * float(weights @ size**2)
    if least <= 0.0:
        return 0.0
    quartic = float((weights * size).max() ** 2 * (2.0 - least) * (1.0 + SLACK))
    if d <= MOST_DIMENSIONS:
        quartic = min(quartic, _quartic_bound(moved, weights**3))
    return float(np.sqrt(least**3 / quartic) * (1.0 - 1e-6) - error)


def _quartic_bound(vectors: Floats, weights: Floats) -> float:
    """Return a proved upper bound on the sum of w_i (e_i . y)^4 over unit vectors y.

    The form is a quadratic one in the products y_j y_k; a multiple of one that vanishes there,
    (sum y_j^2)^2 - sum (y_j y_k)^2, is free, and the best one is found by bisection.
    """
    from scipy.linalg import cholesky, eigh

    first, second = np.triu_indices(len(vectors))
    diagonal = first == second
    products = vectors[first] * vectors[second] * np.where(diagonal, 1.0, np.sqrt(2.0))[:, None]
    form = (products * weights) @ products.T
    free = np.outer(diagonal, diagonal) - np.eye(len(form))
    last = len(form) - 1
    low, high = 0.0, 4.0 * float(np.trace(form)) / len(form)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        _, top = eigh(form - middle * free, subset_by_index=(last, last))
        slope = float(top[:, 0] @ free @ top[:, 0])
        low, high = (middle, high) if slope > 0.0 else (low, middle)
    form -= (low + high) / 2 * free
    largest = float(eigh(form, eigvals_only=True, subset_by_index=(last, last))[0])
    # That bound * I - form is positive definite, is shown by a Cholesky factorisation that runs
    # to its end (Rump 2006, "Verification of positive definiteness", theorem 2.3).
    give = SLACK * float(np.trace(np.abs(form)) + largest * len(form))
    bound = largest + 3.0 * give
    cholesky((bound - 2.0 * give) * np.eye(len(form)) - form, lower=True)
    return bound
