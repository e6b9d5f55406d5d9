"""Points of a cell that survive rounding to float64, where there are such points."""

from __future__ import annotations

import math

from flint import fmpq

from nnce_cli.exact.dictionary import Polytope, feasible_dictionary


def nearest_float(x: fmpq) -> float:
    """Return the float64 nearest to ``x``, an infinity where that is out of range.

    Python's division of integers rounds correctly.
    """
    try:
        return int(x.p) / int(x.q)
    except OverflowError:
        return math.inf if x > 0 else -math.inf


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
