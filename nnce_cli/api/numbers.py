"""Numbers that a script or a notebook gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnce_cli.base.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


def floats(values: ArrayLike, what: str) -> Floats:
    """Return an array of float64.

    Raises:
        InputError: these are no numbers; ``what`` says what they should be.
    """
    import numpy as np

    try:
        return np.asarray(values, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise InputError(f"{what} is not made of numbers") from error


def point(values: ArrayLike, n: int) -> Floats:
    """Return a point (n,).

    Raises:
        InputError: it is none, or has a coordinate that is not finite.
    """
    import numpy as np

    found = floats(values, "the point")
    if found.shape != (n,):
        raise InputError(f"a point here is {n} numbers, and an array {found.shape} was given")
    if not np.isfinite(found).all():
        raise InputError("the point has a coordinate that is not finite")
    return found


def whole(value: object, what: str, least: int = 0) -> int:
    """Return an integer.

    Raises:
        InputError: it is none, or below ``least``.
    """
    from operator import index

    try:
        found = index(value)  # type: ignore[arg-type]
    except TypeError as error:
        raise InputError(f"{what} is a whole number, not {value!r}") from error
    if found < least:
        raise InputError(f"{what} is {found}; it has to be at least {least}")
    return found


def seconds(value: object) -> float:
    """Return a time.

    Raises:
        InputError: it is none, or not above zero.
    """
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise InputError(f"seconds are a number, not {value!r}") from error
    if not found > 0:
        raise InputError(f"seconds are {found:g}; they have to be more than 0")
    return found
