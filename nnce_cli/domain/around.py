"""Balls round an input, in the largest norm and in the sum norm.

Their bounds are rational numbers. They are rounded outward to float64, so that what holds
everywhere in the domain holds in the ball.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError
from nnce_cli.domain.box import Box
from nnce_cli.domain.numbers import float_above, float_below, parse_decimal
from nnce_cli.domain.polyhedron import Polyhedron

Floats = NDArray[np.float64]

MOST_INPUTS_OF_BALL1 = 12  # 4096 half-spaces


def parse_around(text: str) -> tuple[str, Fraction]:
    """Return the name of a file and the exact radius that ``FILE,R`` gives.

    Raises:
        InputError: it is not that.
    """
    name, comma, radius = text.rpartition(",")
    if not comma or not name:
        raise InputError(f"{text!r} is not FILE,R: write for example input.csv,0.1")
    try:
        size = parse_decimal(radius.strip())
    except InputError as error:
        raise InputError(f"{text!r} is not FILE,R ({error}): for example input.csv,0.1") from error
    if size < 0:
        raise InputError(f"{text!r} has a radius below zero")
    return name, size


def linf_ball(centre: Floats, radius: Fraction) -> Box:
    """Return the box ``centre - radius <= x <= centre + radius``."""
    exact = [Fraction(c) for c in centre.tolist()]
    return Box(
        np.array([float_below(c - radius) for c in exact]),
        np.array([float_above(c + radius) for c in exact]),
    )


def l1_ball(centre: Floats, radius: Fraction) -> Polyhedron:
    """Return the points x with ``sum |x_i - centre_i| <= radius``, and the box round them.

    Raises:
        InputError: there are too many inputs for a half-space to each of their signs.
    """
    n = centre.size
    if n > MOST_INPUTS_OF_BALL1:
        raise InputError(
            f"an L1 ball of {n} inputs has 2^{n} half-spaces, and nnce takes up to "
            f"{MOST_INPUTS_OF_BALL1} inputs; use --linf, or a slice"
        )
    exact = [Fraction(c) for c in centre.tolist()]
    rows = [
        [*signs, float_above(radius + sum(s * c for s, c in zip(signs, exact, strict=True)))]
        for signs in product((1, -1), repeat=n)
    ]
    box = linf_ball(centre, radius)
    return Polyhedron(box.lower, box.upper, np.array(rows, dtype=np.float64))
