"""An estimated quantity with its interval, from independent replicates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.9
LARGEST_SPREAD = 1.0  # standard deviation over mean beyond which so few do not show their tail
WIDENING = 0.5  # of the standard error, times the square of that spread
FEWEST_REPLICATES = 4


@dataclass(frozen=True)
class Quantity:
    """An estimate and the interval that holds the truth with the chance `CONFIDENCE`.

    All three are None where nothing can be said, and then ``reason`` says why. They are equal
    where the quantity is known.
    """

    estimate: float | None
    low: float | None
    high: float | None
    reason: str | None = None

    @staticmethod
    def unknown(reason: str) -> Quantity:
        """Return a quantity of which nothing can be said."""
        return Quantity(None, None, None, reason)

    @property
    def is_exact(self) -> bool:
        """Whether the quantity is known."""
        return self.estimate is not None and self.low == self.high

    def to_dict(self) -> dict[str, float | str | None]:
        """Return JSON values."""
        values: dict[str, float | str | None]
        values = {"estimate": self.estimate, "low": self.low, "high": self.high}
        return values if self.reason is None else values | {"reason": self.reason}


@dataclass(frozen=True)
class LogNormal:
    """A positive mean whose logarithm has a standard error ``sigma`` with ``df`` degrees.

    ``spread`` is the standard deviation of one of the numbers over their mean. The mean of a few
    skewed positive numbers is itself skewed: nearly log-normal, with the expectation
    exp(sigma^2 / 2) above the median.
    """

    mean: float
    sigma: float
    df: float = math.inf
    spread: float = 0.0

    @staticmethod
    def of(values: NDArray[np.float64], step: float = 0.0) -> LogNormal:
        """Return the mean of independent ``values`` (m,) >= 0, m >= 2, with one expectation.

        ``step``, as a share of the mean, is how far each was rounded, up or down at random: the
        values may agree by chance and be a little off. Few skewed values often lack those that
        make the spread, so the standard error is widened as the spread grows; by how much was
        found on log-normal and gamma samples of ten.
        """
        mean = float(values.mean())
        if mean == 0.0:
            return LogNormal(0.0, math.inf, values.size - 1, math.inf)
        spread = math.hypot(float(values.std(ddof=1)) / mean, step / math.sqrt(12))
        sigma = math.sqrt(math.log1p(spread**2 / values.size)) * (1 + WIDENING * spread**2)
        return LogNormal(mean, sigma, values.size - 1, spread)

    def times(self, other: LogNormal) -> LogNormal:
        """Return the product of two independent means."""
        sigma = math.hypot(self.sigma, other.sigma)
        return LogNormal(self.mean * other.mean, sigma, min(self.df, other.df))

    def interval(self) -> tuple[float, float]:
        """Return the ends of the interval: Student's t on the scale of logarithms."""
        from scipy.special import stdtrit

        middle = self.mean * math.exp(self.sigma**2 / 2)
        df = min(self.df, 1e9)
        factor = math.exp(self.sigma * float(stdtrit(df, (1 + CONFIDENCE) / 2)))
        return middle / factor, middle * factor
