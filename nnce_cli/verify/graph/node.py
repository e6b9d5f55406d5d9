"""A node of a graph, and the table of the operators that can be computed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

Tensor = NDArray[Any]
"""A value: of dtype object with entries of type fmpq for any float type, else int64 or bool."""


EITHER = -1
"""Instead of a code, where a unit is between two pieces and either may be said."""


class UnknownError(Exception):
    """A node that this evaluator does not know how to compute."""


@dataclass(frozen=True, eq=False)
class Node:
    """An operator, its tensors' names, its attributes, and the version of its operator set.

    ``codes`` is filled when the node is computed: for each unit of a piecewise linear operator
    which piece it is on, or `EITHER`.
    """

    op_type: str
    label: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    opset: int
    codes: list[Tensor] = field(default_factory=list)

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute."""
        value = self.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else value


Handler = Callable[..., Any]

HANDLERS: dict[str, Handler] = {}
"""How to compute operators: from the node and its inputs (None for one left out)."""


OF_CONSTANTS: set[str] = set()
"""Operators that are not piecewise linear, or jump: they are computed of constants only."""


def computes(op_type: str, *, of_constants: bool = False) -> Callable[[Handler], Handler]:
    """Enter a function in the table."""

    def enter(handler: Handler) -> Handler:
        HANDLERS[op_type] = handler
        if of_constants:
            OF_CONSTANTS.add(op_type)
        return handler

    return enter


def exact(values: Tensor) -> Tensor:
    """Return numbers of any kind as rationals, exactly."""
    values = np.asarray(values)
    if values.dtype == np.object_:
        return values
    numbers = values.astype(np.float64) if values.dtype.kind not in "iub" else values
    return objects([number(x) for x in numbers.ravel().tolist()], values.shape)


def objects(entries: list[Any], shape: tuple[int, ...]) -> Tensor:
    """Return an array of rationals."""
    found = np.empty(len(entries), dtype=object)
    found[:] = entries
    return found.reshape(shape)


def floats(values: Tensor) -> NDArray[np.float64]:
    """Return the float64 nearest to each entry."""
    if values.dtype != np.object_:
        return values.astype(np.float64)
    entries = [int(x.p) / int(x.q) for x in values.ravel().tolist()]
    return np.array(entries, dtype=np.float64).reshape(values.shape)


def integers(values: Tensor) -> list[int]:
    """Return the entries of a tensor of integers."""
    return [int(x) for x in np.asarray(values).ravel().tolist()]


def is_float(values: Tensor) -> bool:
    """Tell whether a tensor is of a float type."""
    return values.dtype == np.object_


def number(value: Any) -> fmpq:
    """Return one number as a rational; an infinite one is large, as only bounds may be it."""
    if isinstance(value, float) and math.isinf(value):
        return fmpq(2**1024 if value > 0 else -(2**1024))
    if isinstance(value, float) and math.isnan(value):
        raise UnknownError("it has what is not a number")
    return fmpq(*value.as_integer_ratio()) if isinstance(value, float) else fmpq(value)
