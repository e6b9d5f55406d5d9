"""Half-spaces from files: rows, and the files of lrslib and cdd, against the Parma library."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ppl import C_Polyhedron, Generator_System, Linear_Expression, line, point, ray

from nnce_cli.base.errors import InputError
from nnce_cli.domain import Polyhedron, read_halfspaces
from tests.oracles.domains import exact_domain


def rows(folder: Path, name: str, text: str, n: int = 2) -> list[list[float]]:
    path = folder / name
    path.write_text(text)
    found, _ = read_halfspaces(path, n)
    assert isinstance(found, Polyhedron)
    assert np.isinf(found.lower).all()
    assert np.isinf(found.upper).all()
    return found.halfspaces.tolist()


INE = "H-representation\nbegin\n2 3 rational\n 3 -1 -2\n 1/2 1 0\nend\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("h.csv", "1,2,3\n-1,0,.5\n"),
        ("h.csv", "a1,a2,b\n\n1, 2, 3\n-1,0,5e-1\n"),
        ("h", '"x","y"," B"\r\n1,2,3\r\n-1,0,0.5'),
        ("h.json", "[[1, 2, 3], [-1, 0, 0.5]]"),
        ("h.txt", " [[1, 2, 3], [-1, 0, 0.5]]"),
        ("h.ine", INE),
        ("h.ine", INE.replace("rational", "real").replace("1/2", "5.0E-1")),
        ("h.ine", "triangle\n* a comment\n" + INE.replace("2 3 rational", "***** 3 rational")),
        ("h.ext", INE),
        ("h.ine", INE.replace("H-representation\n", "").replace(" -1 -2\n", "\n-1\n-2 ")),
    ],
)
def test_rows_are_read(name, text, tmp_path):
    expected = [[1, 2, 3], [-1, 0, 0.5]]
    found = rows(tmp_path, name, text)
    assert found == expected or found == [[1, 2, 3], [-2, 0, 1]]


def test_no_rows_bound_nothing(tmp_path):
    assert rows(tmp_path, "h.csv", "") == []
    assert rows(tmp_path, "h.json", "[]") == []


def test_an_equation_is_two_half_spaces(tmp_path):
    text = INE.replace("begin", "linearity 1 2\nbegin")
    assert rows(tmp_path, "h.ine", text) == [[1, 2, 3], [-1, 0, 0.5], [1, 0, -0.5]]


def test_what_is_rounded_or_not_used_is_told(tmp_path):
    path = tmp_path / "h.ine"
    path.write_text(
        INE.replace(" -1 -2", " -1 -1/9007199254740993") + "incidence\nmaximize 0 1 1\n"
    )
    found, notes = read_halfspaces(path, 2)
    assert found.halfspaces[0].tolist() == [1, 1 / 9007199254740993, 3]
    assert notes == (
        f"{path}: 'incidence' is not used",
        f"{path}: 'maximize' is not used",
        f"{path}: 1 of its 2 half-spaces have numbers that are no float64; they are rounded to the "
        "nearest",
    )


def test_thirds_are_exact_in_whole_numbers(tmp_path):
    text = INE.replace("1/2 1 0", "1/3 2/7 -1")
    assert rows(tmp_path, "h.ine", text)[1] == [-6, 21, 7]


TRIANGLE = "V-representation\nbegin\n3 3 integer\n1 0 0\n1 2 0\n1 0 2\nend\n"


def test_vertices_become_facets(tmp_path):
    assert sorted(rows(tmp_path, "t.ext", TRIANGLE)) == [[-1, 0, 0], [0, -1, 0], [1, 1, 2]]
    assert sorted(rows(tmp_path, "t.ine", TRIANGLE)) == [[-1, 0, 0], [0, -1, 0], [1, 1, 2]]


def test_known_polytopes_have_their_facets(tmp_path):
    def facets(vertices, n):
        lines = "\n".join(" ".join(map(str, (1, *v))) for v in vertices)
        text = f"begin\n{len(vertices)} {n + 1} integer\n{lines}\nend\n"
        return rows(tmp_path, "p.ext", text, n)

    cube = list(product((0, 1), repeat=6))
    assert len(facets(cube, 6)) == 12
    cross = [tuple(s * (i == j) for j in range(6)) for i in range(6) for s in (1, -1)]
    assert len(facets(cross, 6)) == 2**6
    # McMullen's upper bound is met by the cyclic polytope: n (n - 3) / 2 facets in 4 dimensions.
    cyclic = [(t, t**2, t**3, t**4) for t in range(9)]
    assert len(facets(cyclic, 4)) == 9 * 6 // 2


coordinates = st.lists(st.fractions(-3, 3, max_denominator=4), min_size=3, max_size=3)


@settings(max_examples=40)
@given(
    st.lists(coordinates, min_size=1, max_size=7),
    st.lists(st.lists(st.integers(-2, 2), min_size=3, max_size=3), max_size=3),
    st.booleans(),
)
def test_facets_are_those_of_the_parma_library(tmp_path_factory, vertices, rays, has_line):
    rays = [r for r in rays if any(r)]
    system = Generator_System()
    for v in vertices:
        scale = int(np.lcm.reduce([x.denominator for x in v]))
        system.insert(point(Linear_Expression([int(x * scale) for x in v], 0), scale))
    for i, r in enumerate(rays):
        kind = line if has_line and i == 0 else ray
        system.insert(kind(Linear_Expression(r, 0)))
    expected = C_Polyhedron(system)
    assume(expected.affine_dimension() == 3)
    lines = [" ".join(map(str, (1, *v))) for v in vertices] + [f"0 {a} {b} {c}" for a, b, c in rays]
    linearity = f"linearity 1 {len(vertices) + 1}\n" if has_line and rays else ""
    text = f"{linearity}begin\n{len(lines)} 4 rational\n" + "\n".join(lines) + "\nend\n"
    path = tmp_path_factory.getbasetemp() / "any.ext"
    path.write_text(text)
    assert exact_domain(read_halfspaces(path, 3)[0]) == expected


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("h.csv", "1,2\n", "row 0 has 2 numbers; with 2 inputs a half-space a.x <= b has 3"),
        ("h.csv", "1,2,3\n1,2,3,4\n", "row 1 has 4 numbers"),
        ("h.csv", "1,2,x\n", "line 1: 'x' is not a number"),
        ("h.csv", "a,b\n1,2,x\n", "line 2: 'x' is not a number"),
        ("h.csv", "1,2,1e999\n", "out of the range"),
        ("h.json", "[[1, 2, NaN]]", "half-space 0 has a number that is not finite"),
        ("h.json", "[[1, 2, true]]", "entry 0 is not a row"),
        ("h.json", "[3]", "entry 0 is not a row"),
        ("h.json", '{"A": []}', "not a list of rows"),
        ("h.json", f"[[1, 2, 1{'0' * 400}]]", "out of the range"),
        ("h.json", "[" * 10**5, "nested too deeply"),
        ("h.ine", "", "no rows between"),
        ("h.ine", "begin\n1 3 integer\n1 2 3\n", "not closed by 'end'"),
        ("h.ine", "begin\nend\n", "behind 'begin' stand"),
        ("h.ine", "begin\n1 3 complex\n1 2 3\nend", "behind 'begin' stand"),
        ("h.ine", "begin\n2 3 integer\n1 2 3\nend", "not as many rows and columns"),
        ("h.ine", "begin\n1 3 integer\n1 2\nend", "not as many rows and columns"),
        ("h.ine", "begin\n1 0 integer\nend", "not as many rows and columns"),
        ("h.ine", "begin\n1 2 integer\n1 2\nend", "row 0 has 2 numbers; with 2 inputs it has 3"),
        ("h.ine", "begin\n1 3 integer\n1 2/0 3\nend", "line 3: '2/0' is not a number"),
        ("h.ine", "begin\n1 3 integer\n1 2 a\nend", "line 3: 'a' is not a number"),
        ("h.ine", INE + INE, "two parts"),
        ("h.ine", INE + "nonnegative\n", "line 7: nnce does not read 'nonnegative'"),
        ("h.ine", "linearity 1 3\n" + INE, "names a row that is not there"),
        ("h.ine", "linearity 2 1\n" + INE, "does not name as many rows"),
        ("h.ine", "linearity 1 -1\n" + INE, "not followed by the numbers of rows"),
        ("h.ine", INE.replace("1/2", "1/" + "9" * 400), "out of the range"),
        ("t.ext", TRIANGLE.replace("1 0 2", "1 1 0"), "the domain has no interior"),
        ("t.ext", TRIANGLE.replace("1 0 2", "2 0 2"), "begins with 1 or 0"),
        ("t.ext", TRIANGLE.replace("1 0 2", "0 0 0"), "is not all zero"),
        ("t.ext", "begin\n2 3 integer\n0 1 0\n0 0 1\nend", "add the vertex"),
        ("t.ext", "linearity 1 1\n" + TRIANGLE, "row 1, which is a vertex and not a line"),
        ("t.ext", TRIANGLE.replace("1 0 2", f"1 0 {10**1300}"), "too many digits"),
    ],
)
def test_what_is_refused(name, text, message, tmp_path):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_halfspaces(path, 2)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_too_many_vertices_are_refused_before_the_work(tmp_path):
    lines = "\n".join(f"1 {i} {i * i}" for i in range(3000))
    path = tmp_path / "t.ext"
    path.write_text(f"begin\n3000 3 integer\n{lines}\nend\n")
    with pytest.raises(InputError, match="too many vertices and rays for this conversion"):
        read_halfspaces(path, 2)


@given(st.lists(st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=3), max_size=4))
def test_csv_and_json_agree(tmp_path_factory, halfspaces):
    folder = tmp_path_factory.getbasetemp()
    text = "\n".join(",".join(map(repr, row)) for row in halfspaces)
    assert rows(folder, "h.csv", text) == halfspaces
    assert rows(folder, "h.json", json.dumps(halfspaces)) == halfspaces


@given(st.lists(st.fractions(max_denominator=10**6), min_size=3, max_size=3))
def test_rows_of_fractions_stand_for_the_same_half_space(tmp_path_factory, numbers):
    text = f"begin\n1 3 rational\n{' '.join(map(str, numbers))}\nend\n"
    [[*a, b]] = rows(tmp_path_factory.getbasetemp(), "h.ine", text)
    found = [Fraction(x) for x in (b, *(-x for x in a))]
    scale = int(np.lcm.reduce([x.denominator for x in numbers]))
    whole = [x * scale for x in numbers]
    factor = next((x / y for x, y in zip(found, whole, strict=True) if y), 1)
    assert factor > 0
    if found != [factor * x for x in whole]:  # rounded, as whole numbers are no float64
        assert max(map(abs, whole)) > 2**53
        assert all(abs(x - y) <= abs(y) / 2**52 for x, y in zip(found, numbers, strict=True))
