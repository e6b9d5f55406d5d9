"""From rational numbers to float64: dictionaries, and points of a cell that survive it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.exact.dictionary import Dictionary, Polytope, feasible_dictionary


def nearest_float(x: fmpq) -> float:
    """Return the float64 nearest to ``x``, an infinity where that is out of range.

    Python's division of integers rounds correctly.
    """
    try:
        return int(x.p) / int(x.q)
    except OverflowError:
        return math.inf if x > 0 else -math.inf


@dataclass(frozen=True, eq=False)
class RoundedDictionary:
    """A dictionary in float64, for a walk to go on with.

    ``value`` (free + rows, 1 + d) has the free forms first, then the basic variables; constants
    first in each row. ``row_variable`` and ``row_cap`` (rows,) name the basic variables and the
    largest values of their rows, infinite for slacks. ``columns`` (d,) and ``at_upper`` (d,) are
    the basis.
    """

    value: NDArray[np.float64]
    row_variable: NDArray[np.int64]
    row_cap: NDArray[np.float64]
    columns: NDArray[np.int64]
    at_upper: NDArray[np.bool_]


def rounded(dictionary: Dictionary, forms: list[list[fmpq]]) -> RoundedDictionary:
    """Write a dictionary's constraints, and free forms of x, over its columns; round each entry.

    The dictionary is left as it is; its objective, if any, is left out.
    """
    exact = Dictionary(dictionary.polytope, dictionary.columns, dictionary.at_upper)
    rows = [*exact.over_columns(forms).tolist(), *exact.table.tolist()]
    spans = [exact.polytope.span(variable) for variable in exact.rows]
    return RoundedDictionary(
        value=np.array([[nearest_float(x) for x in row] for row in rows]).reshape(
            -1, 1 + exact.polytope.dimension
        ),
        row_variable=np.array(exact.rows, dtype=np.int64),
        row_cap=np.array([math.inf if span is None else nearest_float(span) for span in spans]),
        columns=np.array(exact.columns, dtype=np.int64),
        at_upper=np.array(exact.at_upper, dtype=np.bool_),
    )


def centre(polytope: Polytope) -> list[fmpq]:
    """Return the centre of a largest cube inside a polytope that has an interior.

    The cube is axis-parallel, as the grid of floats is: a point moved by less than its
    half-width r in each coordinate stays inside. One linear program in (x, r): for each
    constraint a x + b >= r |a|_1.
    """
    d = polytope.dimension
    spans = [hi - lo for lo, hi in zip(polytope.lower, polytope.upper, strict=True)]
    widened = Polytope(
        lower=[*polytope.lower, fmpq(0)],
        upper=[*polytope.upper, min(spans)],
        slacks={
            d + 1 + k: [*form, -sum((abs(a) for a in form[1:]), fmpq(0))]
            for k, form in enumerate(polytope.forms())
        },
    )
    dictionary = feasible_dictionary(widened, list(range(d + 1)), [False] * (d + 1))
    if dictionary is None:
        raise ValueError("an empty polytope has no centre")
    dictionary.set_objective([fmpq(0)] * (d + 1) + [fmpq(1)])
    dictionary.maximise(lambda r: False)
    return dictionary.vertex()[:d]
