"""Domains in words."""

from __future__ import annotations

import dataclasses
from math import inf

import pytest

from nnce_cli.table import domain_words
from tests.tables import metadata_of

LINE = (1.0, 0.0, 3.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "[-1, 1]^2"),
        ({"upper": (1.0, 2.0)}, "x0 in [-1, 1], x1 in [-1, 2]"),
        ({"upper": (-1.0, 2.0)}, "x1 in [-1, 2] (1 fixed)"),
        ({"lower": (-inf,) * 2, "upper": (inf,) * 2}, "all of R^2"),
        ({"lower": (0.0,) * 2, "upper": (inf,) * 2}, "[0, inf)^2"),
        ({"lower": (-inf, 0.5)}, "x0 in (-inf, 1], x1 in [0.5, 1]"),
        ({"halfspaces": (LINE,)}, "the polygon of 1 half-space in [-1, 1]^2"),
        ({"halfspaces": (LINE, LINE), "lower": (-inf,) * 2, "upper": (inf,) * 2},
         "the polyhedron of 2 half-spaces"),
        ({"halfspaces": (LINE, LINE), "lower": (-inf,) * 2},
         "the polyhedron of 2 half-spaces in (-inf, 1]^2"),
        ({"points": ((0.0,) * 784,) * 3},
         "[-1, 1]^2 on the plane through 3 points of R^784"),
        ({"points": ((0.0,) * 3,) * 3, "halfspaces": (LINE,) * 4},
         "the polygon of 4 half-spaces in [-1, 1]^2 on the plane through 3 points of R^3"),
    ],
)  # fmt: skip
def test_domains_of_two_inputs(change, words):
    assert domain_words(dataclasses.replace(metadata_of([2, 3]), **change)) == words


@pytest.mark.parametrize(
    ("n", "change", "words"),
    [
        (1, {"lower": (-inf,), "upper": (inf,)}, "all of R"),
        (1, {"halfspaces": ((1.0, 0.5),)}, "the interval of 1 half-space in [-1, 1]"),
        (1, {"points": ((0.0,) * 9,) * 2}, "[-1, 1] on the line through 2 points of R^9"),
        (4, {"lower": (-1.0, -1.0, 0.0, 0.0)}, "box of 4 inputs, 4 of them vary"),
        (4, {"lower": (-1.0, -1.0, 0.0, -inf)},
         "box of 4 inputs, 4 of them vary and 1 without a bound"),
        (4, {"halfspaces": ((1.0,) * 5,) * 2}, "the polytope of 2 half-spaces in [-1, 1]^4"),
        (4, {"points": ((0.0,) * 9,) * 5}, "[-1, 1]^4 on the slice through 5 points of R^9"),
    ],
)  # fmt: skip
def test_domains_of_other_dimensions(n, change, words):
    assert domain_words(dataclasses.replace(metadata_of([n, 3]), **change)) == words
