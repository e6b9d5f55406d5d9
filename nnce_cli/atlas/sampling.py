"""Points at which an alternative may occur: a random search, which is cheap and proves nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnce_cli.atlas.question import Question

Floats = NDArray[np.float64]

POINTS = 1024  # at a time
ROUNDS = 8  # each of them nearer to the best points so far
KEPT = 16


def likely_points(question: Question, alternative: int) -> Floats:
    """Return points of a domain, the best first, at which an alternative seems to occur.

    There may be none. Good is a point where the largest number that must be <= 0 is small.
    """
    domain, random = question.domain, np.random.default_rng(0)
    lower, upper = domain.lower, domain.upper
    points = random.uniform(lower, upper, (POINTS, domain.n_inputs))
    best, worst = points[:0], np.zeros(0)
    for k in range(ROUNDS):
        best = np.concatenate([best, points])
        worst = np.concatenate([worst, _worst(question, alternative, points)])
        order = np.argsort(worst, kind="stable")[:KEPT]
        best, worst = best[order], worst[order]
        if worst[0] < 0:
            break
        steps = random.normal(size=(POINTS, domain.n_inputs)) * (upper - lower) / 4 ** (k + 1)
        points = np.clip(best[np.arange(POINTS) % len(best)] + steps, lower, upper)
    return best[worst <= 0]


def _worst(question: Question, alternative: int, points: Floats) -> Floats:
    """Return the largest of the numbers that must be <= 0 at each point."""
    rows, halfspaces = question.rows[alternative], question.domain.halfspaces
    values = question.values(points)[:, rows.start : rows.stop]
    beyond = points @ halfspaces[:, :-1].T - halfspaces[:, -1]
    largest = np.concatenate([values, beyond], axis=1).max(axis=1, initial=-np.inf)
    return np.where(np.isnan(largest), np.inf, largest)
