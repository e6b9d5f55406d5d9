"""The vector loops give what their plain forms give."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from numpy.random import Generator, default_rng

from nnce_cli.enumeration.problem import lines_of_zeros
from nnce_cli.kernels import vectors
from nnce_cli.kernels.arrays import Floats
from nnce_cli.kernels.jit import OPTIONS

WIDTH = 48  # the longest array here; what lies behind the rows in use must not matter


@numba.njit(**OPTIONS)
def sum_of_rows(out, start, rows, weights, count, n):  # type: ignore[no-untyped-def]
    vectors.weighted_sum(out, start, rows, weights, count, n)


@numba.njit(**OPTIONS)
def first_row(constant, slope, cap, first, end):  # type: ignore[no-untyped-def]
    return vectors.ratio_test(constant, slope, cap, first, end)


@pytest.fixture(params=range(4))
def random(request: pytest.FixtureRequest) -> Generator:
    return default_rng(request.param)


def unaligned(random: Generator, *shape: int) -> Floats:
    """Random numbers that begin anywhere, not only where vectors do."""
    size, offset = int(np.prod(shape)), int(random.integers(8))
    return random.normal(size=size + offset)[offset:].reshape(shape)


def test_a_weighted_sum_is_that_of_its_plain_form(random: Generator) -> None:
    for _ in range(200):
        count, n = int(random.integers(0, 20)), 8 * int(random.integers(1, 7))
        rows, start = unaligned(random, 20, WIDTH), unaligned(random, WIDTH)
        weights, out = random.normal(size=20), unaligned(random, WIDTH)
        plain = out.copy()
        sum_of_rows(out, start, rows, weights, count, n)
        vectors.plain_weighted_sum(plain, start, rows, weights, count, n)
        np.testing.assert_allclose(out, plain, rtol=0, atol=1e-13)
        assert np.array_equal(out[n:], plain[n:])


def test_a_sum_may_be_added_to_where_it_starts(random: Generator) -> None:
    rows, out = unaligned(random, 3, WIDTH), unaligned(random, WIDTH)
    expected = out[:16] + rows[1:].sum(axis=0)[:16]
    sum_of_rows(out, out, rows[1:], np.ones(2), 2, 16)
    np.testing.assert_allclose(out[:16], expected, rtol=0, atol=1e-14)


def test_the_first_row_to_block_is_that_of_the_plain_form(random: Generator) -> None:
    """Small integers, so that steps tie, slopes vanish and rows are outside their bounds."""
    found = 0
    for _ in range(500):
        first = int(random.integers(0, 20))
        end = int(random.integers(first, WIDTH - 8))
        constant, slope = random.integers(-1, 4, size=WIDTH), random.integers(-2, 3, size=WIDTH)
        cap = np.where(random.random(WIDTH) < 0.5, np.inf, constant + random.integers(0, 3, WIDTH))
        arguments = constant.astype(float), slope.astype(float), cap, first, end
        row, step = first_row(*arguments)
        plain_row, plain_step = vectors.plain_ratio_test(*arguments)
        assert step == plain_step
        assert (row < 0) == (plain_row < 0)
        if row >= 0:
            found += 1
            assert first <= row < end
            assert abs(slope[row]) == abs(slope[plain_row])  # ties go to the steepest
    assert found > 200


def test_nothing_blocks_where_nothing_moves() -> None:
    row, step = first_row(np.ones(8), np.full(8, 1e-12), np.ones(8), 0, 8)
    assert (row, step) == (-1, np.inf)
    assert first_row(np.ones(8), np.ones(8), np.full(8, np.inf), 0, 8) == (-1, np.inf)
    assert first_row(np.ones(8), -np.ones(8), np.ones(8), 3, 3) == (-1, np.inf)


def test_zeros_begin_at_a_line_of_the_cache() -> None:
    for shape in [(1,), (3, 7), (0, 5), (40, 9, 24)]:
        array = lines_of_zeros(*shape)
        assert array.shape == shape
        assert array.flags.c_contiguous
        assert not array.any()
        assert array.ctypes.data % 64 == 0 or array.size == 0
