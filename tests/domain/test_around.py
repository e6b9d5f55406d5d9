"""Balls round an input: what is in them is in the domain, and what is well outside is not."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli.base.errors import InputError
from nnce_cli.domain import Box, intersection, l1_ball, linf_ball, parse_around, read_point
from nnce_cli.domain.polyhedron import Polyhedron

floats = st.one_of(st.integers(-4, 4).map(float), st.floats(-100, 100))
centres = st.lists(floats, min_size=1, max_size=4).map(np.array)
radii = st.fractions(0, 10, max_denominator=1000)


def is_in(domain, x: list[Fraction]) -> bool:
    bounds = zip(domain.lower.tolist(), x, domain.upper.tolist(), strict=True)
    return all(lo <= value <= hi for lo, value, hi in bounds) and all(
        sum(Fraction(a) * value for a, value in zip(row, x, strict=True)) <= Fraction(b)
        for *row, b in domain.halfspaces.tolist()
    )


@given(centres, radii, st.data())
def test_the_ball_is_inside_and_a_little_more_is_not(centre, radius, data):
    exact = [Fraction(c) for c in centre.tolist()]
    weights = data.draw(st.lists(st.integers(-5, 5), min_size=len(exact), max_size=len(exact)))
    for domain, size in (
        (linf_ball(centre, radius), max(map(abs, weights))),
        (l1_ball(centre, radius), sum(map(abs, weights))),
    ):
        if size:  # a point on the border of the ball
            step = [radius * Fraction(w, size) for w in weights]
            assert is_in(domain, [c + s for c, s in zip(exact, step, strict=True)])
        beyond = [*exact[:-1], exact[-1] + radius + Fraction(1, 2**20)]
        assert not is_in(domain, beyond)


def test_a_decimal_radius_is_rounded_outward():
    box = linf_ball(np.array([0.5]), Fraction("0.1"))
    assert Fraction(box.lower[0]) < Fraction("0.4")
    assert Fraction(box.upper[0]) > Fraction("0.6")
    assert (np.nextafter(box.lower[0], 1), np.nextafter(box.upper[0], 0)) == (0.4, 0.6)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.csv", "1,2.5\n-3,4\n"),
        ("p.csv", "1\n2.5\n-3\n4\n"),
        ("p.json", "[1, 2.5, -3, 4]"),
        ("p.json", "[[[1, 2.5], [-3, 4]]]"),
    ],
)
def test_a_point_may_have_any_shape(name, content, tmp_path):
    (tmp_path / name).write_text(content)
    assert read_point(tmp_path / name, 4).tolist() == [1, 2.5, -3, 4]


def test_a_point_of_numpy(tmp_path):
    np.save(tmp_path / "p.npy", np.array([[1, 2], [3, 4]], dtype=np.uint8))
    assert read_point(tmp_path / "p.npy", 4).tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.csv", "1,2,3", "holds 3 numbers and the network has 2 inputs"),
        ("p.csv", "1,x", "'x' is not a number"),
        ("p.json", json.dumps({"x": 1}), "not a list of numbers"),
        ("p.json", "[[1], [2, 3]]", "not a list of numbers"),
        ("p.json", "[1, NaN]", "not finite"),
        ("p.npy", "nothing", "not an .npy file"),
    ],
)
def test_points_that_are_none_are_refused(name, content, message, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        read_point(tmp_path / name, 2)
    assert str(caught.value).startswith(f"{tmp_path / name}: ")


def test_file_and_radius():
    assert parse_around("a,b.csv, 1e-1") == ("a,b.csv", Fraction(1, 10))
    for text, message in (
        ("a.csv", "is not FILE,R"),
        (",1", "is not FILE,R"),
        ("a.csv,", "'' is not a number"),
        ("a.csv,r", "'r' is not a number"),
        ("a.csv,-1", "below zero"),
    ):
        with pytest.raises(InputError, match=message):
            parse_around(text)


def test_balls_of_many_inputs_are_refused():
    with pytest.raises(InputError, match=r"2\^13 half-spaces"):
        l1_ball(np.zeros(13), Fraction(1))


def test_what_domains_have_in_common():
    box = Box(np.array([0.0, -1.0]), np.array([2.0, 1.0]))
    half = Polyhedron(
        np.array([1.0, -np.inf]), np.array([np.inf, 5.0]), np.array([[1.0, 1.0, 2.0]])
    )
    both = intersection([box, half, half])
    assert (both.lower.tolist(), both.upper.tolist()) == ([1, -1], [2, 1])
    assert both.halfspaces.tolist() == [[1, 1, 2]] * 2
    assert intersection([box]) is box
    with pytest.raises(InputError, match="the domain is empty: input 0 has"):
        intersection([box, Box(np.array([3.0, 0.0]), np.array([4.0, 1.0]))])
