"""Linear programming back ends against the rational dictionary, and ``nnce methods``."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.base.errors import InputError
from nnce_cli.enumeration import METHODS, available
from nnce_cli.enumeration.layerwise import back_end
from nnce_cli.enumeration.layerwise.lp import Solution
from nnce_cli.exact import Polytope, feasible_dictionary
from tests.command import assert_refused, nnce
from tests.strategies import examples

BACK_ENDS = ["dictionary", "highs", "cvxpy:CLARABEL", "cvxpy:SCIPY"]


def exact_minimum(cost, rows) -> fmpq | None:
    """Return the least value over the unit cube, None where no point satisfies the rows."""
    d = len(cost)
    zero, one = [fmpq(0)] * d, [fmpq(1)] * d
    slacks = {d + k: [fmpq(x) for x in row] for k, row in enumerate(rows)}
    dictionary = feasible_dictionary(Polytope(zero, one, slacks), list(range(d)), [False] * d)
    if dictionary is None:
        return None
    dictionary.set_objective([fmpq(0), *(fmpq(-x) for x in cost)])
    return -dictionary.maximise(lambda value: False)


@pytest.mark.parametrize("name", BACK_ENDS)
@examples(60)
@given(data=st.data())
def test_optima_are_those_of_the_rational_dictionary(name, data):
    d, m = data.draw(st.integers(1, 5)), data.draw(st.integers(0, 8))
    entry = st.integers(-3, 3)  # small integers: ties, degenerate vertices, zero and equal rows
    cost = data.draw(st.lists(entry, min_size=d, max_size=d))
    rows = data.draw(
        st.lists(st.lists(entry, min_size=d + 1, max_size=d + 1), min_size=m, max_size=m)
    )
    table = np.array(rows, dtype=np.float64).reshape(m, d + 1)
    found = back_end(name).minimise(np.array(cost, dtype=np.float64), table)
    expected = exact_minimum(cost, rows)
    if expected is None:
        assert found is None
        return
    assert found is not None
    exact = float(int(expected.p) / int(expected.q))
    u = found.point
    assert np.all((u > -1e-6) & (u < 1 + 1e-6))
    assert np.all(table[:, 0] + table[:, 1:] @ u > -1e-6)
    assert float(np.dot(cost, u)) == pytest.approx(exact, abs=1e-5)
    # The multipliers give the same value from below.
    assert np.all(found.multipliers > -1e-6)
    rest = np.array([0.0, *cost]) - found.multipliers @ table
    assert rest[0] + np.minimum(rest[1:], 0).sum() == pytest.approx(exact, abs=1e-4)


@pytest.mark.parametrize("name", BACK_ENDS)
def test_an_answer_is_a_function_of_the_question(name):
    """Reverse search relies on it."""
    rng = np.random.default_rng(1)
    questions = [(rng.normal(size=4), rng.normal(size=(6, 5)) + 0.3) for _ in range(12)]
    solver = back_end(name)
    first = [solver.minimise(*question) for question in questions]
    again = [solver.minimise(*question) for question in reversed(questions)][::-1]
    fresh = [back_end(name).minimise(*question) for question in questions]
    assert any(answer is not None for answer in first)
    for one, *others in zip(first, again, fresh, strict=True):
        for other in others:
            assert (one is None) == (other is None)
            if one is not None:
                assert np.array_equal(one.point, other.point)
                assert np.array_equal(one.multipliers, other.multipliers)


def test_what_is_no_number_gives_no_answer_or_no_number():
    rows = np.array([[np.nan, 1.0], [1.0, np.inf]])
    with np.errstate(invalid="ignore"):
        found = back_end("dictionary").minimise(np.ones(1), rows)
        assert found is None or not np.isfinite(found.multipliers @ rows).all()


def test_a_solver_that_lies_is_not_usable(monkeypatch):
    class Liar:
        def minimise(self, cost, rows):
            return Solution(np.zeros(2), np.zeros(1))

    monkeypatch.setattr(available, "back_end", lambda name: Liar())
    assert all("wrong answer" in entry.why_not for entry in available.available_back_ends())


def test_a_solver_that_fails_is_not_usable(monkeypatch):
    class Broken:
        def minimise(self, cost, rows):
            return None

    monkeypatch.setattr(available, "back_end", lambda name: Broken())
    assert all("fails" in entry.why_not for entry in available.available_back_ends())


def test_without_highspy_there_is_a_hint(monkeypatch):
    monkeypatch.setitem(sys.modules, "highspy", None)
    monkeypatch.delitem(sys.modules, "nnce_cli.enumeration.layerwise.lp.highs", raising=False)
    with pytest.raises(InputError, match="pip install"):
        back_end("highs")
    by_name = {entry.name: entry for entry in available.available_back_ends()}
    assert "highspy" in by_name["highs"].why_not
    assert not by_name["dictionary"].why_not


# The command.


def test_methods_for_people(tmp_path):
    result = nnce("methods", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    lines = [line.split() for line in result.stdout.splitlines()]
    for name in METHODS:
        assert any(line[:1] == [name] for line in lines)
    assert ["highs", "yes"] in [line[:2] for line in lines]


def test_methods_as_json(tmp_path):
    result = nnce("methods", "--json", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    values = json.loads(result.stdout)
    assert [entry["name"] for entry in values["methods"]] == list(METHODS)
    by_name = {entry["name"]: entry for entry in values["lp"]}
    assert {"dictionary", "highs", "cvxpy:CLARABEL"} <= set(by_name)
    for entry in values["methods"] + values["lp"]:
        assert entry["usable"] == (not entry["why_not"])
    assert by_name["dictionary"]["usable"]


def test_methods_takes_no_arguments(tmp_path):
    assert_refused(nnce("methods", "all", cwd=tmp_path), "nnce methods --help")


@pytest.mark.parametrize("command", [["methods", "--json"], ["methods"]])
def test_a_solver_that_writes_to_our_output_spoils_nothing(command, tmp_path):
    """A banner, from Python and from native code, when it is loaded and when it solves."""
    program = f"""
import ctypes, os, sys, types

def banner():
    print("Python banner")
    os.write(1, b"banner\\n")
    ctypes.CDLL(None).puts(b"C banner")

class Highs:
    def __init__(self):
        banner()
    def minimise(self, cost, rows):
        banner()
        return None

module = types.ModuleType("nnce_cli.enumeration.layerwise.lp.highs")
module.Highs = Highs
sys.modules[module.__name__] = module
sys.argv = ["nnce", *{command}]
from nnce_cli.cli import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "banner" not in done.stdout
    assert "highs" in done.stdout
