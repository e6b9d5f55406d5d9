"""Work that is shared out: in order, whatever becomes of the processes."""

from __future__ import annotations

import os
import signal
import time

import pytest

from nnce_cli.base.errors import InputError
from nnce_cli.base.workers import in_order


def later_first(number):
    time.sleep(0.02 * (number % 3))
    return number, os.getpid()


@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_results_are_in_order(jobs):
    found = list(in_order(later_first, range(20), jobs))
    assert [number for number, _ in found] == list(range(20))
    assert (os.getpid() in {process for _, process in found}) == (jobs == 1)


def test_no_more_processes_than_items():
    found = list(in_order(later_first, range(2), 8))
    assert len({process for _, process in found}) <= 2
    assert list(in_order(later_first, [], 8)) == []


def test_items_are_made_when_they_are_needed():
    made = []

    def items():
        for number in range(1000):
            made.append(number)
            yield number

    results = in_order(later_first, items(), 2)
    next(results)
    results.close()
    assert len(made) < 20


def fails(number):
    if number == 3:
        raise ValueError("three")
    return number


@pytest.mark.parametrize("jobs", [1, 3])
def test_an_error_is_raised_where_results_are_read(jobs):
    with pytest.raises(ValueError, match="three"):
        list(in_order(fails, range(6), jobs))


def dies(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_a_process_that_was_killed():
    with pytest.raises(InputError, match="killed by signal 9"):
        list(in_order(dies, range(6), 2))


def test_nobody_is_left():
    results = in_order(later_first, range(100), 3)
    _, process = next(results)
    results.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
