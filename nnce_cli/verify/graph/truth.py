"""Comparisons of values, which hold or do not, and what they compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnce_cli.verify.graph.node import Node, Tensor, UnknownError, computes


@dataclass(frozen=True, eq=False)
class Truth:
    """Whether comparisons hold, and the signs of the differences that they are about.

    A sign is 1 where the comparison holds and -1 where it does not; at a tie it is 0.
    """

    holds: Tensor
    signs: Tensor


def _compare(less: Tensor, more: Tensor, holds_at_tie: bool) -> Truth:
    signs = np.asarray(more > less, dtype=np.int64) - np.asarray(more < less, dtype=np.int64)
    return Truth((signs > 0) | ((signs == 0) & holds_at_tie), signs)


@computes("Greater")
def _greater(node: Node, a: Tensor, b: Tensor) -> Truth:
    return _compare(b, a, holds_at_tie=False)


@computes("GreaterOrEqual")
def _greater_or_equal(node: Node, a: Tensor, b: Tensor) -> Truth:
    return _compare(b, a, holds_at_tie=True)


@computes("Less")
def _less(node: Node, a: Tensor, b: Tensor) -> Truth:
    return _compare(a, b, holds_at_tie=False)


@computes("LessOrEqual")
def _less_or_equal(node: Node, a: Tensor, b: Tensor) -> Truth:
    return _compare(a, b, holds_at_tie=True)


@computes("Not")
def _not(node: Node, x: Any) -> Any:
    return Truth(~x.holds, -x.signs) if isinstance(x, Truth) else ~x


def as_number(x: Truth, target: int) -> Truth:
    """Return truth values that were cast to the floats 1 and 0: they still are no more."""
    if target not in (1, 10, 11, 16):
        raise UnknownError("it casts truth values to integers")
    return x
