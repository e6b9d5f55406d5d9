"""Slopes, rank correlations and ratios, each with its 95% confidence interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

LEVEL = 0.95
ROUNDS = 4000  # of the bootstrap

Floats = NDArray[np.float64]
Pairs = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Interval:
    """An estimate from ``n`` networks and its confidence interval."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class PowerLaw:
    """``y = factor * x ** slope``, with the coefficient of determination of the logarithms."""

    slope: Interval
    factor: float
    r_squared: float


def power_law(x: Sequence[float], y: Sequence[float]) -> PowerLaw | None:
    """Fit a line to the logarithms by least squares; the interval is Student's.

    None for fewer than three points, or where x does not vary.
    """
    if len(x) < 3 or min(x) == max(x):
        return None
    fit = stats.linregress(np.log(x), np.log(y))
    reach = fit.stderr * stats.t.ppf((1 + LEVEL) / 2, len(x) - 2)
    slope = Interval(float(fit.slope), float(fit.slope - reach), float(fit.slope + reach), len(x))
    return PowerLaw(slope, float(np.exp(fit.intercept)), float(fit.rvalue**2))


def rank_correlation(groups: Sequence[Pairs]) -> Interval | None:
    """Return Spearman's rank correlation within groups of pairs (x, y).

    The ranks are taken within each group, and are measured from their mean there in units of the
    group's size; the correlation is that of all of them together. So what differs from group to
    group has no part in it, and with one group it is Spearman's ρ. The interval is between the
    percentiles of a bootstrap that draws pairs anew within each group (Efron & Tibshirani 1993,
    *An Introduction to the Bootstrap*, chapter 13).

    None where in all groups x or y does not vary.
    """
    arrays = [np.array(group, dtype=np.float64) for group in groups if len(group) > 1]
    value = _within([array[None] for array in arrays])
    if not arrays or np.isnan(value[0]):
        return None
    generator = np.random.default_rng(0)
    drawn = _within(
        [array[generator.integers(len(array), size=(ROUNDS, len(array)))] for array in arrays]
    )
    low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(value[0]), float(low), float(high), sum(map(len, arrays)))


def _within(groups: Sequence[Floats]) -> Floats:
    """Return the correlation of each of several samples (samples, n, 2) of some groups."""
    products: Floats = np.zeros((groups[0].shape[0] if groups else 1, 3))
    for group in groups:
        n = group.shape[1]
        ranks = (stats.rankdata(group, axis=1) - (n + 1) / 2) / n
        x, y = ranks[..., 0], ranks[..., 1]
        products += np.stack([(x * y).sum(1), (x * x).sum(1), (y * y).sum(1)], axis=1)
    together, of_x, of_y = products.T
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation: Floats = together / np.sqrt(of_x * of_y)
    return correlation


def ratio_of_means(x: Sequence[float], y: Sequence[float]) -> Interval | None:
    """Return the ratio of the geometric means of ``x`` and ``y``, with Welch's interval.

    None where one of them has fewer than two values, or neither varies.
    """
    if min(len(x), len(y)) < 2 or (min(x) == max(x) and min(y) == max(y)):
        return None
    found = stats.ttest_ind(np.log(x), np.log(y), equal_var=False)
    low, high = found.confidence_interval(LEVEL)
    value = np.exp(np.mean(np.log(x)) - np.mean(np.log(y)))
    return Interval(float(value), float(np.exp(low)), float(np.exp(high)), len(x) + len(y))
