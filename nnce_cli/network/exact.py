"""Exact arithmetic on NumPy arrays: float64 as long as nothing rounds, else rationals.

An exact array has dtype float64, or dtype object with entries of type ``flint.fmpq`` where at
least one entry is not a float64. Every function here returns the exact result in that form; the
float64 result is kept where an error-free transformation (Dekker 1971, Knuth 1969: TwoSum and
TwoProduct) proves that no entry was rounded. Most networks need no rationals at all, so that
python-flint is imported where the first ones are made.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnce_cli.base.errors import InputError

if TYPE_CHECKING:
    from flint import fmpq, fmpq_mat

Array = NDArray[Any]

# A small file must not be able to ask for a huge computation.
MAX_RATIONALS = 2**22
MAX_BITS = 2**16
MAX_BITS_IN_ALL = 2**33  # of one matrix: 1 GiB


class ExactArithmetic:
    """Sums, products and quotients without rounding; arrays broadcast as in NumPy."""

    def add(self, a: Array, b: Array) -> Array:
        """Return a + b."""
        if _floats(a, b):
            with np.errstate(over="ignore", invalid="ignore"):
                total = np.asarray(a + b)
                part = total - a
                error = (a - (total - part)) + (b - part)
            if np.isfinite(total).all() and not error.any():
                return total
        _limit(np.broadcast(a, b).size, a, b)
        return settle(rationals(a) + rationals(b))

    def multiply(self, a: Array, b: Array) -> Array:
        """Return a * b, entry by entry."""
        if _floats(a, b):
            with np.errstate(over="ignore", invalid="ignore", under="ignore"):
                product = np.asarray(a * b)
                if _product_is_exact(a, b, product).all():
                    return product
        _limit(np.broadcast(a, b).size, a, b)
        return settle(rationals(a) * rationals(b))

    def divide(self, a: Array, b: Array) -> Array:
        """Return a / b, entry by entry; no entry of b may be zero."""
        if _floats(a, b):
            with np.errstate(over="ignore", invalid="ignore", under="ignore"):
                quotient = np.asarray(a / b)
                back = np.asarray(quotient * b)
                if ((back == a) & _product_is_exact(quotient, b, back)).all():
                    return quotient
        _limit(np.broadcast(a, b).size, a, b)
        return settle(rationals(a) / rationals(b))

    def matmul(self, a: Array, b: Array) -> Array:
        """Return the matrix product of a (m, k) and b (k, n)."""
        shape = (a.shape[0], b.shape[1])
        if not (a.any() and b.any()):
            return np.zeros(shape)
        _limit(max(a.size, b.size, shape[0] * shape[1]), a, b)
        product = rational_matrix(a) * rational_matrix(b)
        return settle(_object_array(product.entries(), shape))


def rationals(values: Array) -> Array:
    """Return an exact array with dtype object and entries of type fmpq."""
    if values.dtype == np.object_:
        return values
    from flint import fmpq

    entries = [fmpq(*x.as_integer_ratio()) for x in values.ravel().tolist()]
    return _object_array(entries, values.shape)


def aligned(*arrays: Array) -> list[Array]:
    """Return exact arrays as rationals where one of them has any."""
    if any(values.dtype == np.object_ for values in arrays):
        return [rationals(values) for values in arrays]
    return list(arrays)


def rational_matrix(values: Array) -> fmpq_mat:
    """Return the rational matrix of a two-dimensional exact array."""
    from flint import fmpq_mat

    rows, columns = values.shape
    return fmpq_mat(rows, columns, rationals(values).ravel().tolist())


def settle(values: Array) -> Array:
    """Return rationals as float64 where every entry is a float64, else as they are.

    Raises:
        InputError: if an entry is too long to go on with.
    """
    values = np.asarray(values, dtype=object)
    ratios = [(int(v.p), int(v.q)) for v in values.ravel().tolist()]
    if any(max(p.bit_length(), q.bit_length()) > MAX_BITS for p, q in ratios):
        raise InputError(f"the exact weights grow beyond {MAX_BITS} bits")
    floats = []
    for p, q in ratios:
        x = _quotient(p, q)
        if not math.isfinite(x) or x.as_integer_ratio() != (p, q):
            return values
        floats.append(x)
    return np.array(floats, dtype=np.float64).reshape(values.shape)


def nearest(values: Array) -> NDArray[np.float64]:
    """Return each entry's nearest float64 (infinite where it is out of range)."""
    if values.dtype != np.object_:
        return np.asarray(values, dtype=np.float64)
    floats = [_quotient(int(v.p), int(v.q)) for v in values.ravel().tolist()]
    return np.array(floats, dtype=np.float64).reshape(values.shape)


def nearest_root(square: fmpq) -> float:
    """Return the float64 nearest to the square root of a rational number >= 0.

    The integer square root of ``square * 4^shift`` keeps more bits than a float64 has; a last bit
    that says whether anything was cut off makes the rounding of the division correct.
    """
    p, q = int(square.p), int(square.q)
    shift = max(0, 64 - (p.bit_length() - q.bit_length()) // 2)
    scaled, cut = divmod(p << (2 * shift), q)
    root = math.isqrt(scaled)
    sticky = int(cut != 0 or root * root != scaled)
    return _quotient(2 * root + sticky, 1 << (shift + 1))


def _floats(a: Array, b: Array) -> bool:
    return a.dtype != np.object_ and b.dtype != np.object_


def _product_is_exact(a: Array, b: Array, product: Array) -> NDArray[np.bool_]:
    """Say entry by entry whether the float64 product was not rounded (Dekker's TwoProduct).

    Near the ends of the range of float64 the transformation itself would overflow or underflow;
    there the answer is no, which is safe.
    """
    a_high, a_low = _split(a)
    b_high, b_low = _split(b)
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    in_range = (np.abs(a) < 2.0**900) & (np.abs(b) < 2.0**900) & (np.abs(product) > 2.0**-900)
    exact: NDArray[np.bool_] = (a == 0) | (b == 0) | (in_range & (error == 0))
    return exact


def _split(a: Array) -> tuple[Array, Array]:
    """Return two halves of at most 26 bits each whose sum is a (Veltkamp's splitting)."""
    c = 134217729.0 * a  # 2^27 + 1
    high = c - (c - a)
    return high, a - high


def _object_array(entries: list[Any], shape: tuple[int, ...]) -> Array:
    array = np.empty(len(entries), dtype=object)
    array[:] = entries
    return array.reshape(shape)


def _quotient(p: int, q: int) -> float:
    """Return the float64 nearest to p / q (Python divides integers correctly rounded)."""
    try:
        return p / q
    except OverflowError:
        return math.inf if p > 0 else -math.inf


def _limit(size: int, a: Array, b: Array) -> None:
    """Refuse a result of ``size`` rationals, made of the entries of a and b, that is too large."""
    if size > MAX_RATIONALS:
        raise InputError(
            f"the exact weights are {size} rational numbers, more than {MAX_RATIONALS}: "
            "fold the constant arithmetic into the weights before exporting the model"
        )
    bits = size * (_longest(a) + _longest(b))
    if bits > MAX_BITS_IN_ALL:
        raise InputError(
            f"the exact weights are {size} rational numbers of {bits // size} bits: too much"
        )


def _longest(values: Array) -> int:
    """Return about how many bits the longest entry has: its numerator and its denominator."""
    if values.dtype != np.object_:
        return 64 + int(np.abs(np.frexp(values)[1]).max(initial=0))
    lengths = (int(v.p).bit_length() + int(v.q).bit_length() for v in values.ravel().tolist())
    return max(lengths, default=0)
