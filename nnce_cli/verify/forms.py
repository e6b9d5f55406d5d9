"""Affine functions on the unit cube, as rows of rationals.

A function of u is a row (constant, coefficients of u), and its least value on the cube is the
constant plus the negative coefficients.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray

ZERO = fmpq(0)

Form = list[fmpq]
"""An affine function of u: its constant, then its d coefficients."""


def rationals(values: NDArray[np.float64]) -> list[fmpq]:
    """Return floats (any number of them, one-dimensional) as the rationals that they are."""
    return [fmpq(*x.as_integer_ratio()) for x in values.tolist()]


def matrix(rows: Sequence[Sequence[fmpq]], columns: int) -> fmpq_mat:
    """Return the rational matrix of ``rows``, of which there may be none."""
    return fmpq_mat(len(rows), columns, [x for row in rows for x in row])


def value_at(form: Form, u: Sequence[fmpq]) -> fmpq:
    """Return the value of an affine function at a point of the unit cube."""
    return form[0] + sum((a * x for a, x in zip(form[1:], u, strict=True)), ZERO)


def greatest_on_cube(form: Form) -> fmpq:
    """Return the greatest value of an affine function on the unit cube."""
    return form[0] + sum((a for a in form[1:] if a > 0), ZERO)


def least_on_cube(form: Form) -> fmpq:
    """Return the least value of an affine function on the unit cube."""
    return form[0] + sum((a for a in form[1:] if a < 0), ZERO)
