"""Slopes, rank correlations and ratios, each with its 95% confidence interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import least_squares

LEVEL = 0.95
ROUNDS = 1000  # of the bootstrap
UNIT = 1e5  # of x in a power law

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
    """``y = start + factor * (x / UNIT) ** slope``: one start and slope, a factor for each group.

    ``spread`` is the standard deviation of log y around it.
    """

    start: float
    slope: Interval
    factors: list[float]
    spread: float

    def at(self, x: float, group: int) -> float:
        """Return y."""
        return float(self.start + self.factors[group] * (x / UNIT) ** self.slope.value)


def power_law(groups: Sequence[Pairs]) -> PowerLaw | None:
    """Fit the logarithm of y by least squares, so that errors are in proportion to y.

    The interval of the slope is Student's, from the linearised model (Bates & Watts 1988,
    *Nonlinear Regression Analysis and Its Applications*, section 2.3). None where the pairs do
    not tell.
    """
    n, unknown = sum(map(len, groups)), 2 + len(groups)
    if n <= unknown or not all(groups):
        return None
    x, y = np.log(np.concatenate([np.array(group, dtype=np.float64) for group in groups])).T
    place = np.repeat(np.arange(len(groups)), [len(group) for group in groups])

    def misses(guess: Floats) -> Floats:
        of_x = guess[2 + place] + guess[1] * (x - np.log(UNIT))
        missed: Floats = np.logaddexp(guess[0], of_x) - y
        return missed

    largest = [max(y[place == group]) for group in range(len(groups))]
    fit = least_squares(misses, np.array([y.min() - 0.1, 1.0, *largest]), x_scale="jac")
    if np.linalg.matrix_rank(fit.jac) < unknown:
        return None
    spread = float((2 * fit.cost / (n - unknown)) ** 0.5)
    error = spread * float(np.linalg.inv(fit.jac.T @ fit.jac)[1, 1]) ** 0.5
    reach = error * float(stats.t.ppf((1 + LEVEL) / 2, n - unknown))
    slope = float(fit.x[1])
    factors = np.exp(fit.x[2:]).tolist()
    interval = Interval(slope, slope - reach, slope + reach, n)
    return PowerLaw(float(np.exp(fit.x[0])), interval, factors, spread)


def rank_correlation(groups: Sequence[Pairs]) -> Interval | None:
    """Return Spearman's rank correlation of all pairs (x, y) of all groups together.

    The interval is between percentiles of a bootstrap (Efron & Tibshirani 1993, *An Introduction
    to the Bootstrap*, chapter 13) that draws whole groups anew, since pairs of one group are alike.

    None where x or y does not vary.
    """
    arrays = _arrays(groups)
    generator = np.random.default_rng(0)
    drawn = [
        _correlation(_products(np.concatenate([arrays[i] for i in places])[None]))[0]
        for places in generator.integers(len(arrays), size=(ROUNDS, len(arrays)))
    ]
    value = _correlation(_products(np.concatenate(arrays)[None]))[0]
    return _interval(float(value), np.array(drawn), groups)


def correlation_within(groups: Sequence[Pairs]) -> Interval | None:
    """Return the rank correlation within groups of pairs (x, y).

    The ranks are taken within each group, and are measured from their mean there in units of the
    group's size; the correlation is that of all of them together. So what differs from group to
    group has no part in it, and with one group it is Spearman's ρ. The bootstrap draws pairs anew
    within each group.

    None where in all groups x or y does not vary.
    """
    arrays = _arrays(groups)
    generator = np.random.default_rng(0)
    drawn = [
        _products(array[generator.integers(len(array), size=(ROUNDS, len(array)))])
        for array in arrays
    ]
    return _interval(_value_within(arrays), _correlation(np.sum(drawn, axis=0)), groups)


def correlation_along(paths: Sequence[Pairs]) -> Interval | None:
    """Return the rank correlation within groups, as above; the bootstrap draws whole groups."""
    arrays = _arrays(paths)
    products = np.concatenate([_products(array[None]) for array in arrays])
    places = np.random.default_rng(0).integers(len(arrays), size=(ROUNDS, len(arrays)))
    return _interval(_value_within(arrays), _correlation(products[places].sum(axis=1)), paths)


def _arrays(groups: Sequence[Pairs]) -> list[Floats]:
    return [np.array(group, dtype=np.float64).reshape(-1, 2) for group in groups] or [
        np.zeros((0, 2))
    ]


def _value_within(arrays: Sequence[Floats]) -> float:
    products = np.sum([_products(array[None]) for array in arrays], axis=0)
    return float(_correlation(products)[0])


def _products(samples: Floats) -> Floats:
    """Return the sums of products of ranks, xy, xx and yy, of some samples (samples, n, 2)."""
    n = samples.shape[1]
    ranks = (stats.rankdata(samples, axis=1) - (n + 1) / 2) / max(n, 1)
    x, y = ranks[..., 0], ranks[..., 1]
    return np.stack([(x * y).sum(axis=1), (x * x).sum(axis=1), (y * y).sum(axis=1)], axis=1)


def _correlation(products: Floats) -> Floats:
    together, of_x, of_y = products.T
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation: Floats = together / np.sqrt(of_x * of_y)
    return correlation


def _interval(value: float, drawn: Floats, groups: Sequence[Pairs]) -> Interval | None:
    """Return the percentile interval; samples in which a rank does not vary say nothing."""
    if np.isnan(value):
        return None
    low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high), sum(map(len, groups)))


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


def ratio_of_pairs(x: Sequence[float], y: Sequence[float]) -> Interval | None:
    """Return the geometric mean of the ratios of paired values, with Student's interval.

    None where there are fewer than two pairs, or all have the same ratio.
    """
    ratios = np.log(x) - np.log(y)
    if len(ratios) < 2 or np.ptp(ratios) == 0:
        return None
    found = stats.ttest_1samp(ratios, 0.0).confidence_interval(LEVEL)
    low, high = np.exp(found.low), np.exp(found.high)
    return Interval(float(np.exp(ratios.mean())), float(low), float(high), len(ratios))
