"""Numbers as words of the page: none of them can be missing or out of range."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from statistics import median

from experiments.plan import (
    AVERAGE_POOLING,
    MAX_FIRST,
    MAX_POOLING,
    PIXELS,
    PLAIN,
    SKIP,
    STRIDES,
)
from experiments.statistics import Interval


def count(number: float) -> str:
    """Write a number of things."""
    return f"{_finite(number):,.0f}"


def short(number: float) -> str:
    """Write a number with about three digits."""
    value = _finite(number)
    if value == 0 or 0.01 <= abs(value) < 1000:
        return f"{value:.3g}"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.1e}"


def decimals(number: float, places: int = 2) -> str:
    """Write a number with a fixed number of decimals."""
    return f"{_finite(number):.{places}f}".replace("-", "−")


def percent(share: float) -> str:
    """Write a share."""
    return f"{_finite(share):.1%}"


def between(interval: Interval, places: int = 2) -> str:
    """Write an estimate with its confidence interval."""
    value, low, high = (
        decimals(number, places) for number in (interval.value, interval.low, interval.high)
    )
    return f"{value} [{low}, {high}]"


def widths(hidden: Sequence[int]) -> str:
    """Write hidden widths."""
    return "-".join(map(str, hidden))


def middle(numbers: Sequence[float], write: Callable[[float], str]) -> str:
    """Write the median of numbers, and in brackets the least and the largest of them."""
    return f"{write(median(numbers))} ({write(min(numbers))} – {write(max(numbers))})"


def inputs(data: str) -> str:
    """Write what a network sees."""
    return "64 pixels" if data == PIXELS else data.replace("components-", "components: ")


def kinds(kind: str) -> str:
    """Write of what kind a network is."""
    return _KINDS[kind]


_KINDS = {
    PLAIN: "plain",
    SKIP: "skip connections",
    MAX_POOLING: "max pooling",
    MAX_FIRST: "max pooling before the ReLU",
    AVERAGE_POOLING: "average pooling",
    STRIDES: "stride of 2",
}


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Return a Markdown table, its first ``left`` columns of words and the others of numbers."""
    places = ["---" if i < left else "---:" for i in range(len(columns))]
    lines = [columns, places, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError(f"{number} cannot stand on the page")
    return number
